#include "support.h"

#include "base/clock.h"
#include "base/log.h"

#include <fcntl.h>

static int log_pipe[2];

static int set_up(void **state) {
    (void)state;
    return pipe2(log_pipe, O_CLOEXEC | O_NONBLOCK);
}

static int tear_down(void **state) {
    (void)state;
    base_log_set(BASE_LOG_INFO, 2);
    close(log_pipe[0]);
    close(log_pipe[1]);
    return 0;
}

static const char *logged(void) {
    static char text[8192];
    ssize_t got = read(log_pipe[0], text, sizeof(text) - 1);
    text[got > 0 ? got : 0] = '\0';
    return text;
}

static void one_line_with_time(void **state) {
    (void)state;
    base_log_set(BASE_LOG_INFO, log_pipe[1]);
    base_clock_simulate(1795442400123, 1);
    base_log(BASE_LOG_WARN, "delivery", "step %d waits", 7);
    const char *line = logged();
    assert_memory_equal(line, "2026-11-23T14:00:00.1", 21);
    assert_string_equal(line + 23, "Z warn delivery: step 7 waits\n");
}

static void levels(void **state) {
    (void)state;
    base_log_set(BASE_LOG_WARN, log_pipe[1]);
    base_log(BASE_LOG_DEBUG, "a", "x");
    base_log(BASE_LOG_INFO, "a", "x");
    assert_string_equal(logged(), "");
    base_log(BASE_LOG_ERROR, "a", "x");
    assert_string_equal(logged() + 23, "Z error a: x\n");
    base_log_set(BASE_LOG_DEBUG, log_pipe[1]);
    base_log(BASE_LOG_DEBUG, "a", "x");
    assert_string_equal(logged() + 23, "Z debug a: x\n");
}

static void no_forged_records(void **state) {
    (void)state;
    base_log_set(BASE_LOG_INFO, log_pipe[1]);
    base_log(BASE_LOG_INFO, "a", "%s", "one\n2026 error b: two\r\x1b[31m\x7f tiếng");
    assert_string_equal(logged() + 23, "Z info a: one 2026 error b: two  [31m  tiếng\n");
}

static void long_records_are_cut_at_a_character(void **state) {
    (void)state;
    base_log_set(BASE_LOG_INFO, log_pipe[1]);
    char text[6001];
    for (size_t i = 0; i < 6000; i += 3) {
        memcpy(text + i, "ế", 3);
    }
    text[6000] = '\0';
    for (int shift = 0; shift < 3; shift++) {
        base_log(BASE_LOG_INFO, &"area"[shift], "%s", text);
        const char *line = logged();
        size_t bytes = strlen(line);
        assert_true(bytes <= 2048 && bytes > 2040);
        assert_int_equal(line[bytes - 1], '\n');
        assert_memory_equal(line + bytes - 4, "ế", 3);
        assert_ptr_equal(strchr(line, '\n'), line + bytes - 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_line_with_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(levels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_forged_records, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_records_are_cut_at_a_character, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
