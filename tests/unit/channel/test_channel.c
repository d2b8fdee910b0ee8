/* The good case: messages through a real host to the outbox and back. */
#include "rig.h"

#define OUTBOX "{\"name\": \"thu\", \"plugin\": \"outbox\", \"options\": {\"dir\": \"out\"}}"

static void sends_and_tells(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct rig_channel *ch = rig_start(&rig, OUTBOX);
    rig_send(ch, 3000);
    RIG_UNTIL(&rig, ch->ended == 3000);
    rig_check_once(ch);
    assert_int_equal(ch->by_outcome[LANTOA_SENT], 3000);
    assert_int_equal(rig_files(&rig, "out/chien-dich/thu-1"), 3000);
    assert_int_equal(ch->recovered, 1);
    assert_false(ch->trusted);
    RIG_UNTIL(&rig, channel_room(ch->channel) == 1050);
    rig_stop(ch);
    rig_free(&ch);
    rig_close(&rig);
}

static void put(struct rig_channel *ch, uint64_t id, const char *key, const char *name,
    const char *subject, const char *html) {
    const struct str fields[3] = {str_from(subject), STR("Dòng một\nDòng hai"), str_from(html)};
    struct channel_message message = {.id = id,
        .step_ref = 1,
        .key = str_from(key),
        .address = STR("lan@example.test"),
        .name = str_from(name),
        .lang = STR("vi"),
        .fields = fields};
    assert_int_equal(channel_put(ch->channel, &message), 0);
    channel_flush(ch->channel);
    RIG_UNTIL(ch->rig, ch->ends[id] == 1);
    assert_int_equal(ch->outcomes[id], LANTOA_SENT);
}

static void check_file(const struct rig *rig, const char *name, const char *expected) {
    struct base_buf text;
    struct base_err err = {0};
    base_buf_init(&text, 65536);
    assert_ok(base_file_read(support_path(&rig->dir, name), 65536, &text, &err), err);
    assert_string_equal(base_buf_text(&text), expected);
    base_buf_release(&text);
}

static void the_outbox_writes_each_key_once(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct rig_channel *ch = rig_start(
        &rig, "{\"name\": \"thu\", \"plugin\": \"outbox\", \"options\": {\"fsync\": true}}");
    RIG_UNTIL(&rig, channel_state(ch->channel) == CHANNEL_READY);
    struct base_err err = {0};
    assert_ok(channel_step(ch->channel, 1, STR("../Tuổi già 2026"), STR(".an"), STR("x"), STR(""),
                  NULL, 0, &err),
        err);
    put(ch, 1, "aaaa", "Lan\nBcc: x", "Tiêu đề", "");
    const char *first = "outbox/_._Tuổi_già_2026/_an/aaaa.txt";
    check_file(&rig, first,
        "To: lan@example.test\nName: Lan Bcc: x\nKey: aaaa\nLang: vi\nSubject: Tiêu đề\n\n"
        "Dòng một\nDòng hai\n");
    put(ch, 2, "bbbb", "", "", "<p>Chào</p>");
    check_file(&rig, "outbox/_._Tuổi_già_2026/_an/bbbb.txt",
        "To: lan@example.test\nKey: bbbb\nLang: vi\n\nDòng một\nDòng hai\n"
        "\n--- html ---\n<p>Chào</p>\n");
    /* The same key again: it is there, so it is sent, and stays as it was. */
    put(ch, 3, "aaaa", "Another", "Other", "");
    assert_string_equal(ch->detail, "written before");
    check_file(&rig, first,
        "To: lan@example.test\nName: Lan Bcc: x\nKey: aaaa\nLang: vi\nSubject: Tiêu đề\n\n"
        "Dòng một\nDòng hai\n");
    assert_int_equal(rig_files(&rig, "outbox/_._Tuổi_già_2026/_an"), 2);
    /* Somebody clears everything away while it is open. */
    char *folder = base_printf("%s/outbox", rig.dir.path);
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-r", folder, (char *)NULL);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    base_free(folder);
    put(ch, 4, "cccc", "", "", "");
    assert_int_equal(rig_files(&rig, "outbox/_._Tuổi_già_2026/_an"), 1);
    rig_stop(ch);
    rig_free(&ch);
    rig_close(&rig);
}

static void an_outbox_without_a_folder_is_parked(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    support_file_write(support_path(&rig.dir, "file"), "x", 1);
    struct rig_channel *ch = rig_start(
        &rig, "{\"name\": \"thu\", \"plugin\": \"outbox\", \"options\": {\"dir\": \"file/in\"}}");
    RIG_UNTIL(&rig, channel_state(ch->channel) == CHANNEL_PARKED);
    assert_string_equal(channel_parked_reason(ch->channel), "folder file/in: Not a directory");
    rig_free(&ch);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_and_tells),
        cmocka_unit_test(the_outbox_writes_each_key_once),
        cmocka_unit_test(an_outbox_without_a_folder_is_parked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
