#include "support.h"

#include "base/file.h"
#include "base/mem.h"

static struct support_dir dir;

static int set_up(void **state) {
    (void)state;
    support_dir_make(&dir);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    support_dir_remove(&dir);
    return 0;
}

static void write_and_read(void **state) {
    (void)state;
    struct base_err err = {0};
    struct base_buf buf;
    base_buf_init(&buf, 1 << 20);
    const char *path = support_path(&dir, "a.txt");
    assert_int_equal(base_file_exists(path), 0);
    assert_ok(base_file_write(path, STR("old"), 0600, &err), err);
    assert_ok(base_file_write(path, STR("new text"), 0640, &err), err);
    assert_int_equal(base_file_exists(path), 1);
    assert_ok(base_file_read(path, 100, &buf, &err), err);
    assert_string_equal(base_buf_text(&buf), "new text");
    struct stat found;
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0640);
    const char *temporary = support_path(&dir, "a.txt.tmp");
    assert_int_equal(base_file_exists(temporary), 0);
    /* A .tmp that a crash left open to all must not hand its mode on. */
    support_file_write(temporary, "half", 4);
    assert_int_equal(chmod(temporary, 0666), 0);
    assert_ok(base_file_write(path, STR("new text"), 0600, &err), err);
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
    base_buf_clear(&buf);
    char *large = base_alloc(300000);
    memset(large, 'z', 300000);
    assert_ok(base_file_write(path, str_of(large, 300000), 0600, &err), err);
    assert_ok(base_file_read(path, 300000, &buf, &err), err);
    assert_int_equal(buf.bytes, 300000);
    base_free(large);
    base_buf_release(&buf);
}

static void read_faults(void **state) {
    (void)state;
    struct base_err err = {0};
    struct base_buf buf;
    char expected[600];
    base_buf_init(&buf, 1000);
    const char *path = support_path(&dir, "none");
    snprintf(expected, sizeof(expected), "%s: cannot open: No such file or directory", path);
    assert_fault(base_file_read(path, 10, &buf, &err), LANTOA_ENOENT, err, expected);
    assert_fault_part(base_file_read(dir.path, 10, &buf, &err), LANTOA_EINVAL, err,
        "cannot read: Is a directory");
    path = support_path(&dir, "big");
    support_file_write(path, "12345678901", 11);
    snprintf(expected, sizeof(expected), "%s: the file is larger than the limit of 10 bytes", path);
    assert_fault(base_file_read(path, 10, &buf, &err), LANTOA_ELIMIT, err, expected);
    base_buf_clear(&buf);
    assert_ok(base_file_read(path, 11, &buf, &err), err);
    base_buf_release(&buf);
    base_buf_init(&buf, 5);
    assert_fault_part(
        base_file_read(path, 100, &buf, &err), LANTOA_ELIMIT, err, "limit of 5 bytes");
    base_buf_release(&buf);
}

static void write_faults(void **state) {
    (void)state;
    struct base_err err = {0};
    const char *path = support_path(&dir, "missing/a.txt");
    assert_fault_part(base_file_write(path, STR("x"), 0600, &err), LANTOA_ENOENT, err,
        "a.txt.tmp: cannot create: No such file or directory");
    /* A folder stands where the file should go: it stays, and no .tmp is left. */
    assert_ok(base_dir_make(support_path(&dir, "folder"), 0700, &err), err);
    path = support_path(&dir, "folder");
    assert_int_equal(base_file_write(path, STR("x"), 0600, &err), LANTOA_EINVAL);
    assert_int_equal(base_file_exists(support_path(&dir, "folder.tmp")), 0);
}

static void placing(void **state) {
    (void)state;
    struct base_err err = {0};
    const char *from = support_path(&dir, "from"), *to = support_path(&dir, "to");
    support_file_write(from, "1", 1);
    assert_ok(base_file_place(from, to, &err), err);
    assert_int_equal(base_file_exists(from), 0);
    support_file_write(from, "2", 1);
    assert_fault_part(base_file_place(from, to, &err), LANTOA_EEXIST, err, "File exists");
    assert_int_equal(base_file_exists(from), 1);
    assert_fault_part(base_file_place(support_path(&dir, "none"), support_path(&dir, "x"), &err),
        LANTOA_ENOENT, err, "x: cannot create: No such file or directory");
}

static void folders(void **state) {
    (void)state;
    struct base_err err = {0};
    assert_ok(base_dir_make(support_path(&dir, "a/b//c"), 0700, &err), err);
    assert_ok(base_dir_make(support_path(&dir, "a/b/c"), 0700, &err), err);
    assert_ok(base_dir_make(support_path(&dir, "a/d/"), 0700, &err), err);
    assert_int_equal(base_file_exists(support_path(&dir, "a/d")), 1);
    support_file_write(support_path(&dir, "plain"), "x", 1);
    assert_fault_part(base_dir_make(support_path(&dir, "plain"), 0700, &err), LANTOA_EEXIST, err,
        "plain: cannot create the folder: File exists");
    assert_fault_part(base_dir_make(support_path(&dir, "plain/x"), 0700, &err), LANTOA_EINVAL, err,
        "Not a directory");
    assert_int_equal(base_dir_make("", 0700, &err), LANTOA_ENOENT);
    assert_ok(base_dir_make("/", 0700, &err), err);
}

static void joining(void **state) {
    (void)state;
    static const struct {
        const char *dir, *name, *joined;
    } cases[] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"a", "/b", "/b"}, {"", "b", "b"}, {"/", "b", "/b"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *joined = base_path_join(cases[i].dir, cases[i].name);
        assert_string_equal(joined, cases[i].joined);
        base_free(joined);
    }
}

static void locking(void **state) {
    (void)state;
    struct base_err err = {0};
    int first, second;
    const char *path = support_path(&dir, "lock");
    char expected[600];
    assert_ok(base_lock_take(path, &first, &err), err);
    snprintf(expected, sizeof(expected), "%s: in use by process %ld", path, (long)getpid());
    assert_fault(base_lock_take(path, &second, &err), LANTOA_EBUSY, err, expected);
    close(first);
    assert_ok(base_lock_take(path, &second, &err), err);
    close(second);
    assert_int_equal(base_lock_take(support_path(&dir, "no/lock"), &first, &err), LANTOA_ENOENT);
}

static void surroundings(void **state) {
    (void)state;
    struct base_err err = {0};
    uint64_t bytes = 0;
    assert_ok(base_disk_free(dir.path, &bytes, &err), err);
    assert_true(bytes > 0);
    assert_int_equal(base_disk_free(support_path(&dir, "none"), &bytes, &err), LANTOA_ENOENT);
    char *program = base_program_dir();
    assert_int_equal(program[0], '/');
    char *self = base_path_join(program, "test_file");
    assert_int_equal(base_file_exists(self), 1);
    base_free(self);
    base_free(program);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(write_and_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(read_faults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(write_faults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(placing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folders, set_up, tear_down),
        cmocka_unit_test(joining),
        cmocka_unit_test_setup_teardown(locking, set_up, tear_down),
        cmocka_unit_test_setup_teardown(surroundings, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
