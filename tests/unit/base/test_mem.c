#include "support.h"

#include "base/log.h"
#include "base/mem.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

static void zeroed_and_copied(void **state) {
    (void)state;
    unsigned char *bytes = base_alloc(100);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(bytes[i], 0);
    }
    bytes = base_realloc(bytes, 1000);
    assert_int_equal(bytes[99], 0);
    base_free(bytes);
    base_free(NULL);
    base_free(base_alloc(0));
    uint64_t *words = base_alloc_array(10, sizeof(*words));
    assert_true(words[9] == 0);
    base_free(words);
    assert_null(base_strdup(NULL));
    char *text = base_strdup("xã");
    assert_string_equal(text, "xã");
    base_free(text);
    text = base_strndup("abcdef", 3);
    assert_string_equal(text, "abc");
    base_free(text);
    text = base_strndup(NULL, 0);
    assert_string_equal(text, "");
    base_free(text);
    text = base_printf("%s-%05d", "x", 42);
    assert_string_equal(text, "x-00042");
    base_free(text);
}

static void try_fails_when_told(void **state) {
    (void)state;
    base_mem_fail_at(2);
    void *first = base_try_alloc(1), *second = base_try_alloc(1), *third = base_try_alloc(1);
    assert_non_null(first);
    assert_null(second);
    assert_non_null(third);
    base_free(first);
    base_free(third);
    base_mem_fail_at(1);
    base_mem_fail_at(0);
    first = base_try_alloc(1);
    assert_non_null(first);
    base_free(first);
}

/* Runs act in a child with a quiet log; true if it aborted. */
static bool aborts(void (*act)(void)) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        base_log_set(BASE_LOG_ERROR, open("/dev/null", O_WRONLY | O_CLOEXEC));
        signal(SIGABRT, SIG_DFL);
        act();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void act_alloc(void) {
    base_mem_fail_at(1);
    base_free(base_alloc(1));
}

static void act_realloc(void) {
    base_mem_fail_at(1);
    base_free(base_realloc(NULL, 1));
}

static void act_strdup(void) {
    base_mem_fail_at(1);
    base_free(base_strdup("x"));
}

static void act_array(void) {
    base_free(base_alloc_array(SIZE_MAX / 4, 8));
}

static void act_nothing(void) {
    base_free(base_alloc(1));
}

static void act_assert(void) {
    BASE_ASSERT(1 + 1 == 3);
}

static void the_others_abort(void **state) {
    (void)state;
    assert_true(aborts(act_alloc));
    assert_true(aborts(act_realloc));
    assert_true(aborts(act_strdup));
    assert_true(aborts(act_array));
    assert_true(aborts(act_assert));
    assert_false(aborts(act_nothing));
}

static void arena(void **state) {
    (void)state;
    struct base_arena *arena = base_arena_new();
    char *first = base_arena_alloc(arena, 10);
    for (size_t bytes = 0; bytes < 3000; bytes += 7) {
        char *piece = base_arena_alloc(arena, bytes);
        assert_int_equal((uintptr_t)piece % 16, 0);
        for (size_t i = 0; i < bytes; i++) {
            assert_int_equal(piece[i], 0);
            piece[i] = 'x';
        }
    }
    char *large = base_arena_alloc(arena, 5000000);
    assert_int_equal(large[4999999], 0);
    assert_string_equal(base_arena_strndup(arena, "Lục Ngạn", 5), "Lục");
    assert_string_equal(base_arena_strndup(arena, NULL, 0), "");
    base_arena_reset(arena);
    char *again = base_arena_alloc(arena, 10);
    assert_ptr_equal(again, first);
    assert_int_equal(again[0], 0);
    base_arena_free(&arena);
    assert_null(arena);
    base_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeroed_and_copied),
        cmocka_unit_test(try_fails_when_told),
        cmocka_unit_test(the_others_abort),
        cmocka_unit_test(arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
