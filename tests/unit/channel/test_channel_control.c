/* What the core may ask of a channel: cancel, stop, reconfigure, look up; events, metrics and the
 * limits of handing over. */
#include "rig.h"

#define SLOW(ms)                                                                                   \
    "{\"name\": \"cham\", \"plugin\": \"slow\", \"window\": 4, \"options\": {\"ms\": " ms "}}"
#define ECHO "{\"name\": \"echo\", \"plugin\": \"echo\", \"options\": {}}"

static double metric(const struct channel *channel, const char *name) {
    const struct channel_metric *metrics;
    size_t count = channel_metrics(channel, &metrics);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(metrics[i].name, name) == 0) {
            return metrics[i].value;
        }
    }
    return -1;
}

static void reconfigure(struct rig_channel *ch, const char *json) {
    struct channel_spec *spec = NULL;
    struct channel_manifest *manifest = NULL;
    rig_spec(json, &spec, &manifest);
    channel_reconfigure(ch->channel, spec, manifest);
}

static void cancel_gives_back_what_has_not_begun(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct rig_channel *ch = rig_start(&rig, SLOW("200"));
    rig_send(ch, 100);
    RIG_UNTIL(&rig, channel_outstanding(ch->channel) == 100);
    channel_cancel(ch->channel, 8); /* another step: nothing happens */
    RIG_UNTIL(&rig, ch->ended == 1);
    assert_int_equal(ch->by_outcome[LANTOA_SENT], 1);
    channel_cancel(ch->channel, 7);
    RIG_UNTIL(&rig, ch->ended == 100);
    rig_check_once(ch);
    assert_in_range(ch->by_outcome[LANTOA_SENT], 1, 3);
    assert_int_equal(ch->by_outcome[LANTOA_NOT_SENT] + ch->by_outcome[LANTOA_SENT], 100);
    /* The channel goes on. */
    rig_send(ch, 1);
    RIG_UNTIL(&rig, ch->ended == 101);
    rig_free(&ch);
    rig_close(&rig);
}

static void stop_lets_what_has_begun_end(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct rig_channel *ch = rig_start(&rig, SLOW("150"));
    rig_send(ch, 50);
    RIG_UNTIL(&rig, ch->ended == 1);
    channel_stop(ch->channel, 5000);
    assert_int_equal(channel_room(ch->channel), 0);
    RIG_UNTIL(&rig, channel_state(ch->channel) == CHANNEL_STOPPED);
    rig_check_once(ch);
    assert_int_equal(ch->by_outcome[LANTOA_SENT], 2);
    assert_int_equal(ch->by_outcome[LANTOA_NOT_SENT], 48);
    assert_int_equal(ch->backoffs, 0);
    /* And starts again. */
    channel_start(ch->channel);
    rig_send(ch, 1);
    RIG_UNTIL(&rig, ch->ended == 51);
    assert_int_equal(ch->recovered, 1);
    rig_free(&ch);
    rig_close(&rig);
}

static void stop_without_grace_leaves_what_has_begun_unknown(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct rig_channel *ch = rig_start(&rig, SLOW("60000"));
    rig_send(ch, 10);
    size_t began = 0;
    RIG_UNTIL(&rig, rig_host_began(&rig, "cham", &began) > 0 && began == 1);
    channel_stop(ch->channel, 0);
    RIG_UNTIL(&rig, channel_state(ch->channel) == CHANNEL_STOPPED);
    rig_check_once(ch);
    assert_int_equal(ch->by_outcome[LANTOA_UNKNOWN], 1);
    assert_int_equal(ch->by_outcome[LANTOA_NOT_SENT], 9);
    rig_free(&ch);
    rig_close(&rig);
}

static void live_options_change_without_a_restart(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct rig_channel *ch = rig_start(&rig, SLOW("100"));
    RIG_UNTIL(&rig, channel_state(ch->channel) == CHANNEL_READY);
    pid_t host = rig_host(&rig, "cham");
    assert_true(host > 0);
    reconfigure(ch, SLOW("1"));
    rig_send(ch, 200);
    int64_t from = base_clock_real_ms();
    RIG_UNTIL(&rig, ch->ended == 200);
    assert_true(base_clock_real_ms() - from < 10000); /* 20 s at the old pace */
    assert_int_equal(rig_host(&rig, "cham"), host);
    /* `after` is not LIVE: a new host, and what was out comes back once. */
    reconfigure(ch, SLOW("100"));
    rig_send(ch, 20);
    reconfigure(
        ch, "{\"name\": \"cham\", \"plugin\": \"slow\", \"options\": {\"ms\": 1, \"after\": 5}}");
    RIG_UNTIL(&rig, ch->ended == 220);
    RIG_UNTIL(&rig, rig_host(&rig, "cham") != host && channel_room(ch->channel) == 1050);
    rig_send(ch, 10);
    RIG_UNTIL(&rig, ch->ended == 230);
    rig_check_once(ch);
    assert_int_equal(ch->backoffs, 0);
    rig_stop(ch);
    rig_free(&ch);
    rig_close(&rig);
}

static void events_lookups_metrics_and_names(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct rig_channel *ch = rig_start(&rig, ECHO);
    rig_send(ch, 600);
    RIG_UNTIL(&rig, ch->events == 600 && ch->ended == 600);
    assert_string_equal(ch->event_detail, "chien-dich/thu-1/Nguyễn Thị Hoà: Tiêu đề");
    RIG_UNTIL(&rig, metric(ch->channel, "acknowledged") == 600.0);
    RIG_UNTIL(&rig, metric(ch->channel, "woken") == 1.0);
    RIG_UNTIL(&rig, metric(ch->channel, "found") == 1.0);
    RIG_UNTIL(&rig, metric(ch->channel, "not_found") == 0.0);
    channel_lookup(ch->channel, STR("k0000000000000000001"), STR(""));
    RIG_UNTIL(&rig, ch->events == 601);
    assert_string_equal(ch->event_detail, "looked up");
    rig_stop(ch);
    rig_free(&ch);
    rig_close(&rig);
}

static struct channel_message message_of(uint64_t id, const struct str *fields) {
    return (struct channel_message){.id = id,
        .step_ref = 9,
        .key = STR("k"),
        .address = STR("a"),
        .name = STR(""),
        .lang = STR("vi"),
        .fields = fields};
}

static void handing_over_has_limits(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct rig_channel *ch = rig_start(&rig, SLOW("60000"));
    struct str text[1] = {STR("x")};
    struct channel_message message = message_of(1, text);
    assert_int_equal(channel_put(ch->channel, &message), LANTOA_EAGAIN); /* not ready */
    RIG_UNTIL(&rig, channel_state(ch->channel) == CHANNEL_READY);
    assert_int_equal(channel_room(ch->channel), 1004);
    assert_int_equal(channel_put(ch->channel, &message), LANTOA_EINVAL); /* no such step */
    struct base_err err = {0};
    struct channel_part part = {STR("a.png"), STR("image/png"), STR("c1"), STR("bytes")};
    assert_ok(channel_step(
                  ch->channel, 9, STR("c"), STR("s"), STR("advertising"), STR(""), &part, 1, &err),
        err);
    assert_int_equal(channel_put(ch->channel, &message), 0);
    assert_int_equal(channel_put(ch->channel, &message), LANTOA_EINVAL); /* the same id */
    assert_int_equal(channel_room(ch->channel), 1003);
    assert_int_equal(channel_outstanding(ch->channel), 0);
    channel_discard(ch->channel);
    assert_int_equal(channel_room(ch->channel), 1004);
    /* Too large for a frame; as large as may be. */
    size_t most = (size_t)4 << 20;
    char *long_text = base_alloc(most);
    memset(long_text, 'x', most);
    text[0] = str_of(long_text, most);
    assert_int_equal(channel_put(ch->channel, &message), LANTOA_ELIMIT);
    text[0].bytes = most - 300;
    size_t put = 0;
    for (uint64_t id = 1; id <= 100; id++) {
        message = message_of(id, text);
        int code = channel_put(ch->channel, &message);
        put += code == 0;
        assert_true(code == 0 || code == LANTOA_EAGAIN);
    }
    /* A quarter of memory_mb (256) is the most that may be out, whatever the window. */
    assert_in_range(put, 16, 17);
    channel_flush(ch->channel);
    RIG_UNTIL(&rig, channel_outstanding(ch->channel) == put);
    size_t began = 0;
    RIG_UNTIL(&rig, rig_host_began(&rig, "cham", &began) > 0 && began == 1);
    channel_cancel(ch->channel, 0);
    RIG_UNTIL(&rig, ch->ended == put - 1);
    base_free(long_text);
    rig_free(&ch);
    rig_close(&rig);
}

static void attachments_have_a_limit(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct rig_channel *ch = rig_start(&rig, ECHO);
    size_t most = (size_t)32 << 20;
    char *bytes = base_alloc(most);
    struct channel_part part = {
        STR("a.bin"), STR("application/octet-stream"), STR(""), {bytes, most}};
    struct base_err err = {0};
    assert_fault_part(
        channel_step(ch->channel, 3, STR("c"), STR("anh"), STR("x"), STR(""), &part, 1, &err),
        LANTOA_ELIMIT, err, "the attachments of step anh are larger than 32 MB together");
    assert_false(channel_step_known(ch->channel, 3));
    part.bytes.bytes = most - 1000;
    assert_ok(
        channel_step(ch->channel, 3, STR("c"), STR("anh"), STR("x"), STR(""), &part, 1, &err), err);
    assert_true(channel_step_known(ch->channel, 3));
    rig_send(ch, 10);
    RIG_UNTIL(&rig, ch->ended == 10);
    channel_step_forget(ch->channel, 3);
    assert_false(channel_step_known(ch->channel, 3));
    base_free(bytes);
    rig_stop(ch);
    rig_free(&ch);
    rig_close(&rig);
}

/* Put while there was a host, flushed when there was none: they come back, each once. */
static void what_finds_no_host_comes_back(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct rig_channel *ch = rig_start(&rig, ECHO);
    RIG_UNTIL(&rig, channel_state(ch->channel) == CHANNEL_READY);
    struct base_err err = {0};
    assert_ok(
        channel_step(ch->channel, 9, STR("c"), STR("s"), STR("x"), STR(""), NULL, 0, &err), err);
    const struct str text[1] = {STR("x")};
    for (uint64_t id = 1; id <= 10; id++) {
        struct channel_message message = message_of(id, text);
        assert_int_equal(channel_put(ch->channel, &message), 0);
    }
    ch->next = 11;
    ch->last = 10;
    kill(rig_host(&rig, "echo"), SIGKILL);
    RIG_UNTIL(&rig, ch->backoffs == 1);
    assert_int_equal(ch->ended, 0);
    channel_flush(ch->channel);
    assert_int_equal(ch->ended, 0); /* not from inside the call */
    RIG_UNTIL(&rig, ch->ended == 10);
    assert_int_equal(ch->by_outcome[LANTOA_NOT_SENT], 10);
    rig_check_once(ch);
    /* The step was remembered, and told to the new host. */
    RIG_UNTIL(&rig, channel_state(ch->channel) == CHANNEL_READY);
    struct channel_message message = message_of(11, text);
    assert_int_equal(channel_put(ch->channel, &message), 0);
    channel_flush(ch->channel);
    RIG_UNTIL(&rig, ch->ended == 11);
    assert_int_equal(ch->outcomes[11], LANTOA_SENT);
    rig_free(&ch);
    rig_close(&rig);
}

static bool environment_has(pid_t pid, const char *text) {
    char path[64], bytes[65536];
    snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
    FILE *in = fopen(path, "re");
    assert_non_null(in);
    size_t count = fread(bytes, 1, sizeof(bytes), in);
    fclose(in);
    return memmem(bytes, count, text, strlen(text)) != NULL;
}

static void a_host_gets_its_own_secrets_only(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    setenv("RIG_SECRET_A", "mat-khau-a", 1);
    setenv("RIG_SECRET_B", "mat-khau-b", 1);
    struct rig_channel *ch =
        rig_start(&rig, "{\"name\": \"a\", \"plugin\": \"echo\", "
                        "\"options\": {\"secret\": {\"env\": \"RIG_SECRET_A\"}}}");
    RIG_UNTIL(&rig, metric(ch->channel, "secret_bytes") == 10.0);
    pid_t pid = rig_host(&rig, "a");
    assert_true(environment_has(pid, "mat-khau-a"));
    assert_false(environment_has(pid, "mat-khau-b"));
    rig_stop(ch);
    rig_free(&ch);
    /* From a file in the data folder, without its line end. */
    support_file_write(support_path(&rig.dir, "pw"), "12345\n", 6);
    ch = rig_start(&rig, "{\"name\": \"a\", \"plugin\": \"echo\", "
                         "\"options\": {\"secret\": {\"file\": \"pw\"}}}");
    RIG_UNTIL(&rig, metric(ch->channel, "secret_bytes") == 5.0);
    rig_stop(ch);
    rig_free(&ch);
    /* And one that is not there is named to staff. */
    ch = rig_start(&rig, "{\"name\": \"a\", \"plugin\": \"echo\", "
                         "\"options\": {\"secret\": {\"file\": \"no-such\"}}}");
    RIG_UNTIL(&rig, channel_state(ch->channel) == CHANNEL_PARKED);
    assert_non_null(strstr(channel_parked_reason(ch->channel), "option \"secret\""));
    assert_non_null(strstr(channel_parked_reason(ch->channel), "no-such"));
    rig_free(&ch);
    rig_close(&rig);
}

/* A rehearsed clock is the plugin's clock too. Comes last: it cannot be undone in this process. */
static void the_clock_is_the_cores(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    int64_t start = INT64_C(1900000000000);
    base_clock_simulate(start, 3600);
    struct rig_channel *ch = rig_start(&rig, ECHO);
    rig_send(ch, 1);
    RIG_UNTIL(&rig, metric(ch->channel, "clock_ms") > 0);
    double shown = metric(ch->channel, "clock_ms");
    assert_true(shown >= (double)start && shown <= (double)base_clock_now_ms() + 3600000);
    rig_stop(ch);
    rig_free(&ch);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cancel_gives_back_what_has_not_begun),
        cmocka_unit_test(stop_lets_what_has_begun_end),
        cmocka_unit_test(stop_without_grace_leaves_what_has_begun_unknown),
        cmocka_unit_test(live_options_change_without_a_restart),
        cmocka_unit_test(events_lookups_metrics_and_names),
        cmocka_unit_test(handing_over_has_limits),
        cmocka_unit_test(attachments_have_a_limit),
        cmocka_unit_test(what_finds_no_host_comes_back),
        cmocka_unit_test(a_host_gets_its_own_secrets_only),
        cmocka_unit_test(the_clock_is_the_cores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
