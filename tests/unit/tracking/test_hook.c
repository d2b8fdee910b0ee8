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
        cmocka_unit_test_setup_teardown(test_empty_body, fixture_open, fixture_close)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
