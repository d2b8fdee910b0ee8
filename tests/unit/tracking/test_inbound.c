/* What people say back, taken straight into a database: who is meant, what is written, what is
 * answered, how often. */
#include "tracking/inbound.h"

#include "tracking/inbox.h"
#include "tracking/reply.h"
#include "tracking/undo.h"
#include "tracking_fixture.h"

#define NOON INT64_C(1796101200000) /* 2026-12-01 12:00 in Việt Nam */
#define DAY (INT64_C(24) * 3600 * 1000)

#define CHANNEL(id, name, content)                                                                 \
    "INSERT INTO channel (id, name, plugin, spec, manifest, state, changed_at) VALUES (" id        \
    ", '" name "', 'x', '{}', '{\"abi_major\": 1, \"abi_minor\": 1, \"name\": \"x\", "             \
    "\"version\": \"1\", \"kind\": \"sms\", \"help_en\": \"\", \"help_vi\": \"\", "                \
    "\"address\": " PHONE                                                                          \
    ", \"capabilities\": 0, \"max_batch\": 0, \"reconfigures\": false, \"hooks\": false, "         \
    "\"options\": [], \"content\": [{\"name\": \"" content "\", \"flags\": 1, \"most_bytes\": 0, " \
    "\"help_en\": \"\", \"help_vi\": \"\"}]}', 'ready', 0)"
#define PHONE "3"
_Static_assert(LANTOA_ADDRESS_PHONE == 3, "PHONE");

static struct inbound *rules;

static int open_people(void **state) {
    int rc = fixture_open(state);
    struct tracking_fixture *f = *state;
    run_sql(f->db, CHANNEL("1", "sms", "text"));
    run_sql(f->db, CHANNEL("2", "zns", "template_id"));
    run_sql(f->db, "INSERT INTO contact (id, name, phone, lang) VALUES "
                   "(1, 'A', '+84912345678', 'vi'), (2, 'B', '+84912345678', 'vi'), "
                   "(3, 'C', '+84987654321', 'en')");
    rules = inbound_new();
    return rc;
}

static int close_people(void **state) {
    inbound_free(&rules);
    return fixture_close(state);
}

struct said {
    const char *from, *text;
    int64_t at, message, channel;
    enum lantoa_event_kind kind;
};

static void say_event(struct tracking_fixture *f, const struct said *said) {
    struct base_err err = {0};
    const struct dispatcher_inbound event = {.channel_id = said->channel ? said->channel : 1,
        .kind = said->kind ? said->kind : LANTOA_EVENT_INBOUND,
        .message_id = said->message,
        .address = str_from(said->from),
        .text = str_from(said->text),
        .now_ms = said->at ? said->at : NOON};
    assert_ok(db_begin(f->db, &err), err);
    assert_ok(inbound_take(rules, f->db, &event, &err), err);
    assert_ok(db_commit(f->db, &err), err);
}

#define say(...) say_event(f, &(struct said){__VA_ARGS__})
#define MESSAGES "SELECT count(*) FROM message"
#define WITHDRAWN                                                                                  \
    "SELECT count(*) FROM consent WHERE action = 0 AND purpose = '*' AND channel = 'sms'"
#define OPEN "SELECT count(*) FROM inbound WHERE state = 0"

static char *text_of(struct db *db, const char *sql) {
    struct db_stmt *stmt = NULL;
    struct base_err err = {0};
    assert_ok(db_prepare(db, sql, &stmt, &err), err);
    assert_int_equal(db_step(stmt, &err), 1);
    struct str text = db_column_str(stmt, 0);
    char *copy = base_strndup(text.at ? text.at : "", text.bytes);
    db_finish(&stmt);
    return copy;
}

static void everybody_who_shares_the_phone_is_heard_once(void **state) {
    struct tracking_fixture *f = *state;
    say(.from = "84912345678", .text = "TC");
    assert_int_equal(number(f->db, WITHDRAWN " AND contact_id IN (1, 2)"), 2);
    assert_int_equal(number(f->db, WITHDRAWN), 2);
    assert_int_equal(number(f->db, MESSAGES " WHERE state = 0 AND due_at = 1796101200000"), 1);
    assert_int_equal(number(f->db, "SELECT (id >> 4) & 274877906943 FROM message"), 1);
    assert_int_equal(number(f->db, "SELECT count(*) FROM suppression WHERE kind = 'phone' AND "
                                   "address = '+84912345678' AND reason = 'opted_out'"),
        1);
    say(.from = "0912 345 678", .text = "tu choi", .at = NOON + 1000);
    say(.from = "+84912345678", .text = "STOP", .at = NOON + DAY);
    assert_int_equal(number(f->db, WITHDRAWN), 2);
    assert_int_equal(number(f->db, MESSAGES), 1);
    assert_int_equal(number(f->db, OPEN), 0);
    char *evidence = text_of(f->db, "SELECT evidence FROM consent WHERE contact_id = 2");
    assert_non_null(strstr(evidence, "\"text\":\"TC\""));
    assert_non_null(strstr(evidence, "\"address\":\"+84912345678\""));
    assert_non_null(strstr(evidence, "2026-12-01T12:00:00"));
    base_free(evidence);
    char *reply = text_of(f->db, "SELECT text FROM message_text");
    assert_non_null(strstr(reply, "01/12/2026 12:00"));
    base_free(reply);
}

static void the_answer_is_in_the_persons_language(void **state) {
    struct tracking_fixture *f = *state;
    say(.from = "0987654321", .text = "TC");
    char *reply = text_of(f->db, "SELECT text FROM message_text");
    assert_non_null(strstr(reply, "Your refusal was received"));
    base_free(reply);
}

static void undone_and_refused_again_is_confirmed_again(void **state) {
    struct tracking_fixture *f = *state;
    struct base_err err = {0};
    struct undo_outcome outcome;
    say(.from = "0987654321", .text = "TC");
    assert_ok(consent_undo(f->db, 1, "by phone", "lan", &outcome, &err), err);
    assert_int_equal(outcome.freed, 1);
    assert_false(outcome.everything);
    say(.from = "0987654321", .text = "TC", .at = NOON + 2 * DAY);
    assert_int_equal(number(f->db, MESSAGES), 2);
    assert_int_equal(number(f->db, "SELECT max(id) & 15 FROM message"), 1);
    /* A suppression from elsewhere survives the undoing. */
    run_sql(f->db, "DELETE FROM suppression");
    run_sql(f->db, "INSERT INTO suppression (kind, address, reason, at, source) VALUES ('email', "
                   "'c@example.com', 'opted_out', 5, 'web')");
    run_sql(f->db, "UPDATE contact SET email = 'c@example.com' WHERE id = 3");
    run_sql(f->db, "INSERT INTO suppression (kind, address, reason, at, source) VALUES ('phone', "
                   "'+84987654321', 'do_not_call', 5, 'import')");
    int64_t last = number(f->db, "SELECT max(id) FROM consent WHERE action = 0");
    assert_ok(consent_undo(f->db, last, "again", "lan", &outcome, &err), err);
    assert_int_equal(outcome.freed, 0);
    assert_int_equal(number(f->db, "SELECT count(*) FROM suppression"), 2);
    assert_int_equal(consent_undo(f->db, last, "again", "lan", &outcome, &err), LANTOA_ESTATE);
    assert_int_equal(consent_undo(f->db, 999, "again", "lan", &outcome, &err), LANTOA_ENOENT);
    assert_int_equal(consent_undo(f->db, last, " ", "lan", &outcome, &err), LANTOA_EINVAL);
}

static void strangers_and_nonsense_wait_for_a_person(void **state) {
    struct tracking_fixture *f = *state;
    /* Nobody we know, but the refusal holds and is confirmed to the number it came from, once. */
    say(.from = "0900000001", .text = "TC");
    say(.from = "0900000001", .text = "TC", .at = NOON + 1);
    assert_int_equal(number(f->db, MESSAGES), 1);
    char *whom = text_of(f->db, "SELECT address FROM message_text");
    assert_string_equal(whom, "+84900000001");
    base_free(whom);
    run_sql(f->db, "DELETE FROM message");
    say(.from = "VIETTEL", .text = "TC", .at = NOON + 1);
    say(.from = "", .text = "TC", .at = NOON + 2);
    assert_int_equal(number(f->db, OPEN " AND note IS NOT NULL"), 2);
    assert_int_equal(number(f->db, "SELECT count(*) FROM suppression"), 1);
    say(.from = "0912345678", .text = "a\x01\xff z\xc4");
    char *text = text_of(f->db, "SELECT text FROM inbound WHERE contact_id = 1");
    assert_string_equal(text, "a\xef\xbf\xbd\xef\xbf\xbd z\xef\xbf\xbd");
    base_free(text);
    say(.from = "0912345678", .text = "");
    say(.from = "0912345678", .text = "xin", .message = ledger_id(77, 99, 0),
        .at = NOON + 5); /* a person erased */
    assert_int_equal(number(f->db, "SELECT count(*) FROM inbound WHERE contact_id = 1"), 3);
    assert_int_equal(number(f->db, MESSAGES), 0);
}

static void the_same_words_at_once_are_one_entry(void **state) {
    struct tracking_fixture *f = *state;
    say(.from = "0912345678", .text = "xin chao");
    say(.from = "0912345678", .text = "xin chao", .at = NOON + 30000);
    say(.from = "0987654321", .text = "xin chao", .at = NOON + 30000);
    assert_int_equal(number(f->db, OPEN), 2);
    say(.from = "0912345678", .text = "xin chao", .at = NOON + 90001);
    assert_int_equal(number(f->db, OPEN), 3);
}

static void a_channel_without_text_leaves_the_confirmation_to_a_person(void **state) {
    struct tracking_fixture *f = *state;
    say(.from = "0912345678", .text = "TC", .channel = 2);
    assert_int_equal(number(f->db, WITHDRAWN), 2);
    assert_int_equal(number(f->db, OPEN " AND note LIKE '%zns%'"), 1);
    assert_int_equal(number(f->db, MESSAGES), 0);
    say(.from = "0912345678", .text = "TC", .channel = 9); /* a channel nobody has */
    assert_int_equal(number(f->db, "SELECT count(*) FROM inbound"), 1);
}

static void what_the_channel_calls_a_refusal_is_one(void **state) {
    struct tracking_fixture *f = *state;
    say(.from = "0912345678", .text = "", .kind = LANTOA_EVENT_OPT_OUT);
    assert_int_equal(number(f->db, WITHDRAWN), 2);
    assert_int_equal(number(f->db, MESSAGES), 1);
    say(.from = "0987654321", .text = "abuse", .kind = LANTOA_EVENT_COMPLAINT);
    assert_int_equal(number(f->db, OPEN " AND kind = 'complaint'"), 1);
    assert_int_equal(number(f->db, "SELECT count(*) FROM contact_event WHERE contact_id = 3"), 1);
    assert_int_equal(number(f->db, MESSAGES), 1);
}

static void interest_and_help_are_answered_once_a_day(void **state) {
    struct tracking_fixture *f = *state;
    say(.from = "0987654321", .text = "help");
    say(.from = "0987654321", .text = "Help!", .at = NOON + DAY - 1);
    assert_int_equal(number(f->db, MESSAGES), 1);
    say(.from = "0987654321", .text = "HELP", .at = NOON + DAY);
    assert_int_equal(number(f->db, MESSAGES), 2);
    say(.from = "0912345678", .text = "DK BHXH");
    assert_int_equal(
        number(f->db, "SELECT count(*) FROM contact_event WHERE kind = 'interest'"), 2);
    /* Who answers a message speaks for themselves. */
    say(.from = "0912345678", .text = "quan tam", .message = ledger_id(7, 2, 0));
    assert_int_equal(number(f->db, "SELECT count(*) FROM contact_event WHERE contact_id = 2"), 2);
    assert_int_equal(number(f->db, OPEN), 0);
}

static void broken_rules_in_the_database_give_way_to_the_built_in_ones(void **state) {
    struct tracking_fixture *f = *state;
    run_sql(f->db, "INSERT INTO meta (key, value) VALUES ('keywords', '{broken')");
    say(.from = "0912345678", .text = "TC");
    assert_int_equal(number(f->db, WITHDRAWN), 2);
    run_sql(f->db, "UPDATE meta SET value = '{\"keywords\": []}' WHERE key = 'keywords'");
    say(.from = "0987654321", .text = "TC");
    assert_int_equal(number(f->db, WITHDRAWN), 2);
    assert_int_equal(number(f->db, OPEN), 1);
}

static void answers_never_run_out(void **state) {
    struct tracking_fixture *f = *state;
    struct base_err err = {0};
    struct reply reply = {
        .channel_id = 1, .contact_id = 3, .purpose = "answer", .text = STR("x"), .now_ms = NOON};
    int64_t id;
    int64_t at;
    for (int i = 0; i < 40; i++) {
        reply.now_ms = NOON + i;
        assert_ok(reply_add(f->db, &reply, &id, &err), err);
        assert_int_equal(ledger_recipient(id), 3);
    }
    assert_int_equal(number(f->db, MESSAGES), 40);
    assert_int_equal(number(f->db, "SELECT count(*) FROM campaign WHERE state = 3"), 3);
    assert_ok(reply_last(f->db, 1, "answer", 3, &at, &err), err);
    assert_true(at == NOON + 39);
    assert_ok(reply_last(f->db, 1, "answer", 1, &at, &err), err);
    assert_true(at == 0);
    /* One that was stopped with all others runs again; one that is paused waits. */
    run_sql(f->db, "UPDATE campaign SET state = 6");
    run_sql(f->db, "UPDATE step SET state = 4");
    assert_ok(reply_add(f->db, &reply, &id, &err), err);
    assert_int_equal(number(f->db, "SELECT count(*) FROM campaign WHERE state = 3"), 1);
    assert_int_equal(number(f->db, "SELECT count(*) FROM step WHERE state = 1"), 1);
    run_sql(f->db, "UPDATE campaign SET state = 4");
    assert_ok(reply_add(f->db, &reply, &id, &err), err);
    assert_int_equal(number(f->db, "SELECT count(*) FROM campaign WHERE state = 3"), 0);
    /* Years later the window is over, and a new campaign takes its place. */
    reply.contact_id = 1;
    reply.now_ms = NOON + 2600 * DAY;
    assert_ok(reply_add(f->db, &reply, &id, &err), err);
    assert_int_equal(number(f->db, "SELECT count(*) FROM campaign"), 4);
}

static void bad_answers_are_refused(void **state) {
    struct tracking_fixture *f = *state;
    struct base_err err = {0};
    char endless[5001];
    int64_t id;
    memset(endless, 'x', 5000);
    endless[5000] = '\0';
    say(.from = "0912345678", .text = "xin chao");
    assert_fault_part(
        inbox_answer(f->db, 1, str_from(endless), "lan", &id, &err), LANTOA_ELIMIT, err, "5000");
    assert_fault_part(
        inbox_answer_by_hand(f->db, 1, str_from(endless), "lan", &err), LANTOA_ELIMIT, err, "4000");
    assert_fault_part(
        inbox_answer(f->db, 1, STR("a\x1bz"), "lan", &id, &err), LANTOA_EINVAL, err, "control");
    assert_fault_part(
        inbox_answer(f->db, 1, STR("\xff"), "lan", &id, &err), LANTOA_EINVAL, err, "UTF-8");
    assert_fault_part(inbox_answer(f->db, 2, STR("x"), "lan", &id, &err), LANTOA_ENOENT, err, "2");
    assert_fault_part(
        inbox_assign(f->db, 1, str_from(endless), "lan", &err), LANTOA_ELIMIT, err, "100");
    assert_int_equal(number(f->db, MESSAGES), 0);
    assert_int_equal(number(f->db, OPEN), 1);
    assert_int_equal(number(f->db, "SELECT count(*) FROM audit"), 0);
    say(.from = "0900000001", .text = "xin chao");
    assert_fault_part(
        inbox_answer(f->db, 2, STR("x"), "lan", &id, &err), LANTOA_ESTATE, err, "--by-hand");
    assert_ok(inbox_answer_by_hand(f->db, 2, STR("x"), "lan", &err), err);
    assert_int_equal(number(f->db, OPEN), 1);
    assert_int_equal(number(f->db, "SELECT count(*) FROM audit"), 1);
}

#define PEOPLE(test) cmocka_unit_test_setup_teardown(test, open_people, close_people)

int main(void) {
    const struct CMUnitTest tests[] = {
        PEOPLE(everybody_who_shares_the_phone_is_heard_once),
        PEOPLE(the_answer_is_in_the_persons_language),
        PEOPLE(undone_and_refused_again_is_confirmed_again),
        PEOPLE(strangers_and_nonsense_wait_for_a_person),
        PEOPLE(the_same_words_at_once_are_one_entry),
        PEOPLE(a_channel_without_text_leaves_the_confirmation_to_a_person),
        PEOPLE(what_the_channel_calls_a_refusal_is_one),
        PEOPLE(interest_and_help_are_answered_once_a_day),
        PEOPLE(broken_rules_in_the_database_give_way_to_the_built_in_ones),
        PEOPLE(answers_never_run_out),
        PEOPLE(bad_answers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
