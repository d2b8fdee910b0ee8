/* Taking an import back, whole or half, and what must not be taken back. */
#include "audience/fixture.h"

#include <signal.h>
#include <sys/wait.h>

static struct contact_undo_outcome undo(struct fixture *f, int64_t batch_id) {
    struct contact_undo_outcome outcome;
    f->err = (struct base_err){0};
    if (contact_undo(f->db, batch_id, &outcome, &f->err)) {
        fail_msg("%s", f->err.text);
    }
    return outcome;
}

/* Every column of every contact, as one text. */
static char *snapshot(struct fixture *f) {
    return base_strdup(text_of(f,
        "SELECT group_concat(id || ',' || COALESCE(batch_id,'-') || ',' || COALESCE(ref,'-') || "
        "',' "
        "|| COALESCE(person_id,'-') || ',' || COALESCE(si_code,'-') || ',' || COALESCE(name,'-') "
        "|| "
        "',' || COALESCE(name_key,'-') || ',' || COALESCE(email,'-') || ',' || COALESCE(phone,'-') "
        "|| ',' || COALESCE(lang,'-') || ',' || COALESCE(birth_date,'-') || ',' || "
        "COALESCE(sex,'-') "
        "|| ',' || COALESCE(household,'-') || ',' || COALESCE(place_id,'-') || ',' || "
        "COALESCE(enrolled_on,'-') || ',' || COALESCE(enrolled_at,'-') || ',' || "
        "COALESCE(attrs,'-'), ';') FROM (SELECT * FROM contact ORDER BY id)"));
}

static void assert_same(struct fixture *f, char *before) {
    char *now = snapshot(f);
    assert_string_equal(now, before);
    base_free(now);
    base_free(before);
}

#define ALL                                                                                        \
    "ref,cccd,si_code,name,email,phone,lang,birth_date,sex,household,place_code,enrolled,x\n"

static void test_put_back(void **state) {
    struct fixture *f = *state;
    import_ok(f, place_import,
        "code,name,level,valid_from\nA,Tỉnh A,province,2000-01-01\nB,Tỉnh B,province,2000-01-01\n");
    import_ok(f, contact_import,
        ALL
        "1,024085000001,0123456789,Ân \"x\" \\,an@x.vn,0912345678,vi,1985,nam,h1,A,2020-01-02,a\n"
        "2,,,,,,,,,,,,\n3,,,Ba,,,,,,,,,\n");
    char *before = snapshot(f);
    import_ok(f, contact_import,
        ALL "1,024085000002,0123456788,Bé,be@x.vn,0987654321,en,1985-02-03,nữ,h2,B,no,b\n"
            "2,024085000003,0123456787,Cù,cu@x.vn,0987654322,en,1986,nữ,h2,B,yes,b\n"
            "3,,,Ba,,,,,,,,,\n4,,,Tư,,,,,,,,,\n");
    assert_outcome(f, 1, 2, 1, 0);
    struct contact_undo_outcome outcome = undo(f, f->outcome.batch_id);
    assert_int_equal(outcome.deleted, 1);
    assert_int_equal(outcome.restored, 2);
    assert_int_equal(outcome.kept, 0);
    assert_same(f, before);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM import_before"), 0);
    struct contact_undo_outcome again;
    assert_int_equal(contact_undo(f->db, f->outcome.batch_id, &again, &f->err), LANTOA_ESTATE);
    assert_has(f->err.text, "undone already");
    assert_int_equal(contact_undo(f->db, 999, &again, &f->err), LANTOA_ENOENT);
    assert_int_equal(contact_undo(f->db, 1, &again, &f->err), LANTOA_ENOENT); /* places */
}

static void test_in_turn(void **state) {
    struct fixture *f = *state;
    import_ok(f, contact_import, "ref,x\n1,a\n2,a\n");
    int64_t first = f->outcome.batch_id;
    char *after_first = snapshot(f);
    import_ok(f, contact_import, "ref,x\n1,b\n");
    int64_t second = f->outcome.batch_id;
    import_ok(f, contact_import, "ref,x\n1,c\n");
    int64_t third = f->outcome.batch_id;
    /* Changed again later: left as it is. */
    assert_int_equal(undo(f, second).kept, 1);
    assert_string_equal(text_of(f, "SELECT attrs ->> 'x' FROM contact WHERE ref = '1'"), "c");
    assert_int_equal(undo(f, third).restored, 1);
    assert_string_equal(text_of(f, "SELECT attrs ->> 'x' FROM contact WHERE ref = '1'"), "b");
    struct contact_undo_outcome outcome = undo(f, first);
    assert_int_equal(outcome.deleted, 1);
    assert_int_equal(outcome.kept, 1);
    base_free(after_first);
}

static void test_ledger_keeps(void **state) {
    struct fixture *f = *state;
    run_sql(f,
        "INSERT INTO theme (id, name, spec, changed_at) VALUES (1, 't', '{}', 0);"
        "INSERT INTO channel (id, name, plugin, spec, manifest, state, changed_at) VALUES "
        "(1, 'email', 'outbox', '{}', '{}', 'ready', 0);"
        "INSERT INTO campaign (id, name, theme_id, spec, state, experiment_key, changed_at) VALUES "
        "(1, 'tet', 1, '{}', 0, x'00', 0);"
        "INSERT INTO step (id, campaign_id, position, occurrence, name, channel_id, state) VALUES "
        "(1, 1, 0, 1, 'a', 1, 0), (7, 1, 1, 1, 'b', 1, 0);");
    import_ok(f, contact_import, "ref,consent\n1,yes\n2,yes\n3,\n4,\n5,\n");
    int64_t batch = f->outcome.batch_id;
    /* Messages to 1 (step 1), to 3 (step 7, second generation); an outlet's number 4 is no contact.
     */
    run_sql(f, "INSERT INTO message (id, state, at) VALUES ((1 << 43) | (1 << 4), 0, 0), "
               "((7 << 43) | (3 << 4) | 1, 2, 0), ((7 << 43) | (1 << 42) | (4 << 4), 0, 0)");
    struct contact_undo_outcome outcome = undo(f, batch);
    assert_int_equal(outcome.deleted, 3);
    assert_int_equal(outcome.kept, 2);
    assert_string_equal(text_of(f, "SELECT group_concat(ref) FROM contact"), "1,3");
    /* Who stays no longer counts as having consented by this file; who goes leaves nothing. */
    assert_int_equal(number(f, "SELECT COUNT(*) FROM consent WHERE contact_id = 2"), 0);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM consent WHERE contact_id = 1"), 2);
    assert_int_equal(
        number(f, "SELECT action FROM consent WHERE contact_id = 1 ORDER BY id DESC"), 0);
}

static void test_consent_of_before_counts_again(void **state) {
    struct fixture *f = *state;
    import_ok(f, contact_import, "ref,consent\n1,yes\n");
    import_ok(f, contact_import, "ref,consent\n1,no\n");
    assert_int_equal(number(f, "SELECT action FROM consent ORDER BY id DESC"), 0);
    (void)undo(f, f->outcome.batch_id);
    assert_int_equal(number(f, "SELECT action FROM consent ORDER BY id DESC"), 1);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM consent"), 3);
}

static void stop_here(void *arg, int64_t rows, int64_t bytes, int64_t total_bytes) {
    (void)bytes;
    (void)total_bytes;
    if (rows >= *(int64_t *)arg) {
        (void)kill(getpid(), SIGKILL);
    }
}

/* A killed import: whole transactions are in, the batch says it never finished, the same file again
 * doubles nobody, and the half can be taken back. */
static void test_killed_import(void **state) {
    struct fixture *f = *state;
    struct base_buf text;
    base_buf_init(&text, 4 << 20);
    base_buf_add_text(&text, "ref,phone,x\n");
    for (int i = 0; i < 45000; i++) {
        base_buf_printf(&text, "%d,+849%08d,1\n", i, i);
    }
    write_bytes(f->csv, text.at, text.bytes);
    db_close(&f->db);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int64_t stop_at = 40000;
        struct audience_import options = options_of(f);
        options.progress = stop_here;
        options.progress_arg = &stop_at;
        if (db_open(f->db_path, 0, &f->db, &f->err) == 0) {
            (void)!contact_import(f->db, &options, &f->outcome, &f->err);
        }
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(db_open(f->db_path, 0, &f->db, &f->err), 0);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM contact"), 40000);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM import_batch WHERE finished_at IS NULL AND "
                               "rows_read = 40000 AND added = 40000"),
        1);
    struct audience_import options = options_of(f);
    assert_int_equal(contact_import(f->db, &options, &f->outcome, &f->err), 0);
    assert_outcome(f, 5000, 0, 40000, 0);
    assert_int_equal(undo(f, 1).deleted, 40000);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM contact"), 5000);
    base_buf_release(&text);
}

int main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {T(test_put_back), T(test_in_turn), T(test_ledger_keeps),
        T(test_consent_of_before_counts_again), T(test_killed_import)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
