/* Call-backs: kept whole, handed on in order, done once. */
#include "tracking_fixture.h"

#include "tracking/hook.h"

struct taken {
    int64_t ids[16];
    size_t count;
    int stop_after;
};

static int take(void *arg, const struct hook *hook) {
    struct taken *t = arg;
    assert_true(str_eq(hook->body, str_of("a\0b", 3)));
    assert_true(str_is(hook->remote, "1.2.3.4"));
    assert_true(str_is(hook->headers, "{}"));
    t->ids[t->count++] = hook->id;
    return (int)t->count == t->stop_after ? 7 : 0;
}

static void test_hooks(void **state) {
    struct tracking_fixture *f = *state;
    struct base_err err = {0};
    struct hook_writer *writer = NULL;
    struct taken t = {.count = 0};
    int64_t waiting = -1;
    assert_ok(hook_writer_new(f->db, &writer, &err), err);
    for (int i = 0; i < 6; i++) {
        const struct hook hook = {.channel_id = 1 + i % 2,
            .at_ms = i,
            .remote = STR("1.2.3.4"),
            .headers = STR("{}"),
            .body = str_of("a\0b", 3)};
        assert_ok(hook_add(writer, &hook, &err), err);
    }
    hook_writer_free(&writer);
    assert_ok(hook_next_batch(f->db, 1, 0, 2, take, &t, &err), err);
    assert_int_equal(t.count, 2);
    assert_ok(hook_next_batch(f->db, 1, t.ids[1], 2, take, &t, &err), err);
    assert_int_equal(t.count, 3);
    assert_true(t.ids[0] < t.ids[1] && t.ids[1] < t.ids[2]);
    assert_ok(hook_done(f->db, t.ids[0], 0, 99, &err), err);
    assert_ok(hook_done(f->db, t.ids[0], LANTOA_EDENIED, 100, &err), err);
    assert_int_equal(number(f->db, "SELECT sum(done_at) FROM hook"), 99);
    assert_int_equal(number(f->db, "SELECT result FROM hook WHERE done_at = 99"), 0);
    assert_ok(hook_waiting(f->db, &waiting, &err), err);
    assert_int_equal(waiting, 5);
    t = (struct taken){.stop_after = 1};
    assert_int_equal(hook_next_batch(f->db, 2, 0, 9, take, &t, &err), 7);
    t = (struct taken){.count = 0};
    assert_ok(hook_next_batch(f->db, 3, 0, 9, take, &t, &err), err);
    assert_int_equal(t.count, 0);
}

/* What was worked off long ago goes, in portions; what waits stays however old it is. */
static void test_old_ones_go(void **state) {
    struct tracking_fixture *f = *state;
    struct base_err err = {0};
    int64_t deleted = -1, days = 0;
    run_sql(f->db, "INSERT INTO hook (channel_id, at, remote, headers, body, done_at) VALUES "
                   "(1, 1, 'r', '{}', '', 10), (1, 2, 'r', '{}', '', 20), (1, 3, 'r', '{}', '', "
                   "NULL), (1, 4, 'r', '{}', '', 5), (1, 5, 'r', '{}', '', 30)");
    assert_ok(hook_prune(f->db, 30, 2, &deleted, &err), err);
    assert_int_equal(deleted, 2);
    assert_int_equal(number(f->db, "SELECT min(done_at) FROM hook"), 20);
    assert_ok(hook_prune(f->db, 30, 2, &deleted, &err), err);
    assert_int_equal(deleted, 1);
    assert_int_equal(number(f->db, "SELECT sum(at) FROM hook"), 8);
    assert_ok(hook_keep_days(f->db, &days, &err), err);
    assert_int_equal(days, HOOK_KEEP_DAYS);
    run_sql(f->db, "INSERT INTO meta (key, value) VALUES ('call_backs_keep_days', '7')");
    assert_ok(hook_keep_days(f->db, &days, &err), err);
    assert_int_equal(days, 7);
}

static void test_empty_body(void **state) {
    struct tracking_fixture *f = *state;
    struct base_err err = {0};
    struct hook_writer *writer = NULL;
    const struct hook hook = {.channel_id = 1, .remote = STR("r"), .headers = STR("{}")};
    assert_ok(hook_writer_new(f->db, &writer, &err), err);
    assert_ok(hook_add(writer, &hook, &err), err);
    hook_writer_free(&writer);
    assert_int_equal(number(f->db, "SELECT length(body) FROM hook"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hooks, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(test_old_ones_go, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(test_empty_body, fixture_open, fixture_close)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
