/* Shared by the unit tests: cmocka with what it needs, and a few assertions and helpers.
 * Everything here is static, so a test program needs no more than this header. */
#ifndef TESTS_UNIT_SUPPORT_H
#define TESTS_UNIT_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUPPORT_UNUSED __attribute__((unused))

/* The call succeeded; its error text is shown when it did not. */
#define assert_ok(call, err)                                                                       \
    do {                                                                                           \
        int support_code = (call);                                                                 \
        if (support_code != 0) {                                                                   \
            fail_msg("%s: %d: %s", #call, support_code, (err).text);                               \
        }                                                                                          \
    } while (0)

/* The call failed with this code and exactly this text. */
#define assert_fault(call, wanted, err, expected)                                                  \
    do {                                                                                           \
        memset(&(err), 0, sizeof(err));                                                            \
        assert_int_equal((call), (wanted));                                                        \
        assert_string_equal((err).text, (expected));                                               \
        assert_int_equal((err).code, (wanted));                                                    \
    } while (0)

/* The call failed with this code and a text that holds the part. */
#define assert_fault_part(call, wanted, err, part)                                                 \
    do {                                                                                           \
        memset(&(err), 0, sizeof(err));                                                            \
        assert_int_equal((call), (wanted));                                                        \
        if (!strstr((err).text, (part))) {                                                         \
            fail_msg("\"%s\" is not in \"%s\"", (part), (err).text);                               \
        }                                                                                          \
        assert_null(strchr((err).text, '\n'));                                                     \
    } while (0)

/* A fresh folder under TMPDIR, removed by support_dir_remove. */
struct support_dir {
    char path[256];
};

SUPPORT_UNUSED static void support_dir_make(struct support_dir *dir) {
    const char *base = getenv("TMPDIR");
    snprintf(dir->path, sizeof(dir->path), "%s/lantoa-unit-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(dir->path));
}

/* dir/name, in one of a few static places that are used in turn. */
SUPPORT_UNUSED static const char *support_path(const struct support_dir *dir, const char *name) {
    static char paths[8][512];
    static size_t next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/%s", dir->path, name);
    return path;
}

SUPPORT_UNUSED static void support_file_write(const char *path, const void *bytes, size_t count) {
    FILE *out = fopen(path, "wbe");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, count, out), count);
    assert_int_equal(fclose(out), 0);
}

SUPPORT_UNUSED static int support__remove_one(
    const char *path, const struct stat *found, int kind, struct FTW *at) {
    (void)found;
    (void)kind;
    (void)at;
    return remove(path);
}

SUPPORT_UNUSED static void support_dir_remove(struct support_dir *dir) {
    assert_int_equal(nftw(dir->path, support__remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

#endif
