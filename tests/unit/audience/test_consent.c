/* The consent ledger and the suppressions. */
#include "audience/consent.h"
#include "audience/fixture.h"

static enum consent_answer answer(
    struct fixture *f, const char *kind, const char *purpose, int64_t contact_id) {
    struct consent_checker *checker = NULL;
    enum consent_answer found = CONSENT_NONE;
    assert_int_equal(consent_checker_new(f->db, kind, purpose, &checker, &f->err), 0);
    assert_int_equal(consent_check(checker, contact_id, &found, &f->err), 0);
    /* The same checker again, as on the hot path. */
    assert_int_equal(consent_check(checker, contact_id + 1000, &found, &f->err), 0);
    assert_int_equal(found, CONSENT_NONE);
    assert_int_equal(consent_check(checker, contact_id, &found, &f->err), 0);
    consent_checker_free(&checker);
    consent_checker_free(&checker);
    return found;
}

static void say(
    struct fixture *f, const char *channel, const char *purpose, bool given, int64_t at) {
    struct consent_entry entry = {.contact_id = 1,
        .channel = channel,
        .purpose = purpose,
        .given = given,
        .at_ms = at,
        .source = "form"};
    assert_int_equal(consent_add(f->db, &entry, &f->err), 0);
}

static int64_t selected(struct fixture *f, const char *expression) {
    struct segment *segment = NULL;
    int64_t count = -1;
    assert_int_equal(segment_parse(f->db, str_from(expression), &segment, NULL, &f->err), 0);
    assert_int_equal(segment_count(f->db, segment, TODAY, &count, &f->err), 0);
    segment_free(&segment);
    return count;
}

static void test_newest_counts(void **state) {
    struct fixture *f = *state;
    import_ok(f, contact_import, "ref\n1\n2\n");
    assert_int_equal(answer(f, "sms", "advertising", 1), CONSENT_NONE);
    assert_int_equal(selected(f, "consent for 'advertising'"), 0);
    say(f, "sms", "advertising", true, 1000);
    assert_int_equal(answer(f, "sms", "advertising", 1), CONSENT_GIVEN);
    assert_int_equal(answer(f, "email", "advertising", 1), CONSENT_NONE);
    assert_int_equal(answer(f, "sms", "internal", 1), CONSENT_NONE);
    assert_int_equal(selected(f, "consent for 'advertising'"), 1);
    assert_int_equal(selected(f, "consent for 'internal'"), 0);
    say(f, "*", "*", false, 2000);
    assert_int_equal(answer(f, "sms", "advertising", 1), CONSENT_WITHDRAWN);
    assert_int_equal(selected(f, "consent for 'advertising'"), 0);
    say(f, "email", "*", true, 3000);
    assert_int_equal(answer(f, "email", "advertising", 1), CONSENT_GIVEN);
    assert_int_equal(answer(f, "sms", "advertising", 1), CONSENT_WITHDRAWN);
    assert_int_equal(selected(f, "consent for 'advertising'"), 1);
    /* What was said earlier comes in later: the older time does not win. */
    say(f, "email", "*", false, 2500);
    assert_int_equal(answer(f, "email", "advertising", 1), CONSENT_GIVEN);
    /* At the same moment the later row wins. */
    say(f, "email", "*", false, 3000);
    assert_int_equal(answer(f, "email", "advertising", 1), CONSENT_WITHDRAWN);
    assert_int_equal(selected(f, "not consent for 'advertising'"), 2);
    struct consent_entry nobody = {.contact_id = 77, .channel = "*", .purpose = "*", .source = "x"};
    assert_int_equal(consent_add(f->db, &nobody, &f->err), LANTOA_ENOENT);
}

static int count_row(void *arg, const struct consent_row *row) {
    assert_true(row->id > 0 && row->source.bytes > 0);
    ++*(int *)arg;
    return 0;
}

static void test_import(void **state) {
    struct fixture *f = *state;
    import_ok(f, contact_import,
        "ref,email,phone,name\n1,an@x.vn,0912345678,An\n2,be@x.vn,0912345678,Be\n3,,0987654321,"
        "Chi\n");
    static const char text[] = "ref,email,phone,channel,purpose,action,at,evidence\n"
                               "1,,,sms,advertising,given,2026-01-02 10:00,form 7\n"
                               ",BE@X.vn,,,,yes,,\n"
                               ",be@X.vn,,,,yes,,\n"
                               ",,0912345678,,,given,,\n"
                               "9,,,,,given,,\n"
                               "1,be@X.vn,,,,given,,\n"
                               "1,,,,,perhaps,,\n"
                               "1,,,,,withdrawn,2030-01-01,\n"
                               ",,09,,,given,,\n"
                               "3,,0912345678,,,given,,\n";
    import_ok(f, consent_import, text);
    /* BE@ and be@ are one address. */
    assert_outcome(f, 2, 0, 1, 7);
    assert_string_equal(text_of(f, "SELECT email FROM contact WHERE ref = '2'"), "be@x.vn");
    const char *rejects = rejects_of(f);
    assert_has(rejects, "5,\"phone\",\"0912345678\",\"several people");
    assert_has(rejects, "6,\"ref\",\"9\",\"no contact has this key\"");
    assert_has(rejects, "7,\"email\",\"be@X.vn\",\"two keys");
    assert_has(rejects, "8,\"action\",\"perhaps\"");
    assert_has(rejects, "9,\"at\",\"2030-01-01\"");
    assert_has(rejects, "10,\"phone\",\"09\"");
    assert_has(rejects, "11,\"phone\"");
    assert_int_equal(number(f, "SELECT at FROM consent WHERE contact_id = 1"), 1767322800000);
    assert_int_equal(answer(f, "email", "internal", 2), CONSENT_GIVEN);
    import_ok(f, consent_import, text);
    assert_int_equal(f->outcome.added, 0);
    /* Without a time: said again it adds nothing, taken back it does. */
    import_ok(f, consent_import, "ref,action\n3,yes\n3,given\n3,no\n3,withdrawn\n3,yes\n");
    assert_outcome(f, 3, 0, 2, 0);
    int count = 0;
    assert_int_equal(consent_each(f->db, 1, 10, count_row, &count, &f->err), 0);
    assert_int_equal(count, 1);
    assert_int_equal(import_text(f, consent_import, "ref,channel\n1,sms\n"), LANTOA_EINVAL);
    assert_has(f->err.text, "the column action is missing");
}

static void test_suppressions(void **state) {
    struct fixture *f = *state;
    assert_int_equal(
        suppression_add(f->db, "phone", STR("0912 345 678"), "opted_out", 5, "sms", &f->err), 0);
    assert_int_equal(
        suppression_add(f->db, "phone", STR("84912345678"), "invalid", 6, "x", &f->err), 0);
    /* Both reasons stand, each with its first day. */
    assert_int_equal(
        suppression_add(f->db, "phone", STR("84912345678"), "opted_out", 9, "y", &f->err), 0);
    assert_string_equal(
        text_of(f, "SELECT group_concat(address || reason || at, ' ') FROM (SELECT * FROM "
                   "suppression ORDER BY reason)"),
        "+84912345678invalid6 +84912345678opted_out5");
    assert_int_equal(
        suppression_add(f->db, "phone", STR("x"), "invalid", 6, "x", &f->err), LANTOA_EINVAL);
    assert_int_equal(suppression_add(f->db, "fax", STR("0912345678"), "invalid", 6, "x", &f->err),
        LANTOA_EINVAL);
    assert_int_equal(
        suppression_add(f->db, "email", STR("a@b.vn"), "bored", 6, "x", &f->err), LANTOA_EINVAL);
    assert_int_equal(suppression_remove(f->db, "email", STR("a@b.vn"), &f->err), LANTOA_ENOENT);
    assert_int_equal(suppression_remove(f->db, "phone", STR("0912345678"), &f->err), 0);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM suppression"), 0);
}

static int count_suppression(void *arg, const struct suppression_row *row) {
    assert_true(row->address.bytes > 0);
    ++*(int *)arg;
    return 0;
}

static void test_suppression_import(void **state) {
    struct fixture *f = *state;
    import_ok(f, suppression_import,
        "Địa chỉ,Lý do\n0912345678,\nA@B.VN,do_not_call\nx,\n"
        "0912345678,\nc@d.vn,bored\n");
    assert_outcome(f, 2, 0, 1, 2);
    assert_string_equal(
        text_of(f,
            "SELECT group_concat(kind || ':' || address || ':' || reason, ' ') FROM (SELECT * "
            "FROM suppression ORDER BY kind)"),
        "email:a@b.vn:do_not_call phone:+84912345678:opted_out");
    import_ok(f, suppression_import, "email,phone\nq@b.vn,0987654321\n");
    assert_outcome(f, 1, 0, 0, 0);
    int count = 0;
    assert_int_equal(suppression_each(f->db, "phone", 10, count_suppression, &count, &f->err), 0);
    assert_int_equal(count, 2);
    assert_int_equal(suppression_each(f->db, NULL, 10, count_suppression, &count, &f->err), 0);
    assert_int_equal(count, 6);
    assert_int_equal(import_text(f, suppression_import, "name\nx\n"), LANTOA_EINVAL);
}

static int64_t list_day;

static int import_list(struct db *db, const struct audience_import *import,
    struct audience_import_outcome *outcome_out, struct base_err *err) {
    return suppression_import_list(
        db, import, list_day, SUPPRESSION_LOSS_REFUSED, outcome_out, err);
}

static const char *listed(struct fixture *f) {
    return text_of(f,
        "SELECT group_concat(substr(address, 11) || substr(source, 1, 2), ' ') FROM (SELECT * FROM "
        "suppression WHERE reason = 'do_not_call' ORDER BY address, source)");
}

/* A newer do-not-call list takes the place of the older one, and of nothing else. */
static void test_lists_replace_each_other(void **state) {
    struct fixture *f = *state;
    import_ok(f, suppression_import, "phone,reason\n0912345671,do_not_call\n");
    assert_int_equal(
        suppression_add(f->db, "phone", STR("0912345672"), "opted_out", 5, "sms", &f->err), 0);
    list_day = TODAY - 2;
    import_ok(f, import_list, "phone\n0912345671\n0912345672\n0912345673\n0912345674\n");
    assert_outcome(f, 3, 0, 1, 0);
    assert_string_equal(listed(f), "71im 72do 73do 74do");
    /* A second file of the same day is a part of the same list. */
    import_ok(f, import_list, "phone\n0912345675\n");
    assert_string_equal(listed(f), "71im 72do 73do 74do 75do");
    assert_int_equal(f->outcome.dropped, 0);
    list_day = TODAY - 1;
    import_ok(f, import_list, "phone\n0912345674\n0912345676\n");
    assert_outcome(f, 1, 0, 1, 0);
    assert_int_equal(f->outcome.dropped, 3);
    assert_string_equal(listed(f), "71im 74do 76do");
    assert_int_equal(number(f, "SELECT COUNT(*) FROM suppression WHERE reason = 'opted_out'"), 1);
    assert_string_equal(
        text_of(f, "SELECT value FROM meta WHERE key = 'do_not_call_dated'"), "2026-11-22");
    list_day = TODAY - 2;
    assert_int_equal(import_text(f, import_list, "phone\n0912345679\n"), LANTOA_EINVAL);
    assert_string_equal(listed(f), "71im 74do 76do");
}

int main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {T(test_newest_counts), T(test_import), T(test_suppressions),
        T(test_suppression_import), T(test_lists_replace_each_other)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
