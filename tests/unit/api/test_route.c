/* The routing table. */
#include "support.h"

#include "api/private.h"

static void goes(const char *path, enum metrics_route metric, const char *tail) {
    struct str rest = {0};
    const struct api_route *route = server_route(str_from(path), &rest);
    assert_non_null(route);
    assert_int_equal(route->metric, metric);
    assert_true(str_is(rest, tail));
}

static void nowhere(const char *path) {
    struct str rest;
    assert_null(server_route(str_from(path), &rest));
}

static void test_routes(void **state) {
    (void)state;
    goes("/t/x", METRICS_CLICK, "x");
    goes("/t/x/y", METRICS_CLICK, "x/y");
    goes("/hook/viettel", METRICS_HOOK, "viettel");
    goes("/healthz", METRICS_WATCH, "");
    static const char *const wrong[] = {"", "/", "/t", "/t/", "t/x", "/healthz/", "/healthzz",
        "//t/x", "/T/x", "/u/", "*", "http://x/t/y"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        nowhere(wrong[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_routes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
