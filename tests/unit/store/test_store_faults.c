/* Every I/O call that the database makes fails once, with EIO and with a full disk: a call either
 * succeeds or reports an error with one line of text; what was committed is there, what was not is
 * not, and the file is sound. */
/* The checked forms of read and write are inline functions of the headers and would stand beside
 * ours. */
#undef _FORTIFY_SOURCE
#include "store/store_support.h"

#include "store/schema.h"

/* The library that scenarios preload; here its calls stand in this program itself, and the plan is
 * set by hand. */
#include "../../faults/iofault.c"

static void arm(uint64_t nth, int number_of_error, bool stays) {
    fault_errno = number_of_error;
    plan.at = nth;
    plan.stays = stays;
    atomic_store(&plan.seen, 0);
    plan.on = true;
}

static uint64_t disarm(void) {
    plan.on = false;
    return atomic_load(&plan.seen);
}

static int insert_batch(struct db *own, int first, int count) {
    int result = db_begin(own, &err);
    if (result != 0) {
        return result;
    }
    struct db_stmt *insert = NULL;
    result = db_prepare(own, "INSERT INTO contact (id, name) VALUES (?1, ?2)", &insert, &err);
    for (int i = first; i < first + count && result == 0; i++) {
        db_bind_i64(insert, 1, i);
        db_bind_text(insert, 2, "một cái tên đủ dài để trang đầy nhanh hơn một chút");
        result = db_run(insert, &err);
    }
    db_finish(&insert);
    if (result != 0) {
        db_rollback(own);
        return result;
    }
    return db_commit(own, &err);
}

struct outcome {
    int result;
    int64_t least, most; /* rows of contact that may be there afterwards */
};

/* Opens, migrates, writes three batches, reads, checkpoints and backs up, up to the first failure.
 */
static struct outcome work(const char *file, const char *copy) {
    struct outcome outcome = {0, 0, 0};
    struct db *own = NULL;
    int64_t count;
    outcome.result = db_open(file, DB_OPEN_CREATE, &own, &err);
    if (outcome.result == 0) {
        outcome.result = schema_migrate(own, &err);
    }
    for (int batch = 0; batch < 3 && outcome.result == 0; batch++) {
        outcome.result = insert_batch(own, batch * 200 + 1, 200);
        outcome.most += 200;
        if (outcome.result == 0) {
            outcome.least += 200;
        }
    }
    if (outcome.result == 0) {
        outcome.result = db_checkpoint(own, &err);
    }
    if (outcome.result == 0) {
        outcome.result = db_get_i64(own, "SELECT COUNT(*) FROM contact", &count, &err);
    }
    if (outcome.result == 0) {
        outcome.result = db_backup(own, copy, &err);
    }
    db_close(&own);
    return outcome;
}

static void remove_database(const char *file) {
    static const char *const tails[] = {
        "", "-wal", "-shm", "-journal", ".part", ".part-journal", ".part-wal", ".part-shm"};
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        char name[600];
        snprintf(name, sizeof(name), "%s%s", file, tails[i]);
        unlink(name);
    }
}

/* The file as the next start finds it. */
static void inspect(const char *file, struct outcome outcome, uint64_t nth) {
    struct db *own = NULL;
    int64_t count = 0;
    int version = 0;
    if (access(file, F_OK) != 0) {
        assert_int_equal(outcome.least, 0);
        return;
    }
    assert_ok(db_open(file, 0, &own, &err), err);
    assert_ok(db_check(own, &err), err);
    assert_ok(schema_version(own, &version, &err), err);
    if (version > 0) {
        assert_ok(db_get_i64(own, "SELECT COUNT(*) FROM contact", &count, &err), err);
    }
    if (count < outcome.least || count > outcome.most || count % 200 != 0) {
        fail_msg("call %llu: %lld rows, %lld to %lld expected", (unsigned long long)nth,
            (long long)count, (long long)outcome.least, (long long)outcome.most);
    }
    db_close(&own);
}

static void each_call_fails(int number_of_error, bool stays) {
    const char *copy = support_path(&dir, "copy-of-lantoa.db");
    arm(0, number_of_error, stays);
    struct outcome outcome = work(db_file, copy);
    uint64_t calls = disarm();
    assert_ok(outcome.result, err);
    assert_true(calls > 40);
    int failed = 0, runs = 0;
    /* A failure that stays looks alike from one call to the next: every third is enough. */
    for (uint64_t nth = 1; nth <= calls; nth += stays ? 3 : 1) {
        remove_database(db_file);
        remove_database(copy);
        memset(&err, 0, sizeof(err));
        arm(nth, number_of_error, stays);
        outcome = work(db_file, copy);
        disarm();
        runs++;
        if (outcome.result != 0) {
            failed++;
            assert_true(err.text[0] != '\0');
            assert_null(strchr(err.text, '\n'));
            assert_non_null(strstr(err.text, "lantoa.db: "));
            if (number_of_error == ENOSPC && outcome.result != LANTOA_EFULL &&
                outcome.result != LANTOA_EIO) {
                fail_msg("call %llu: %d %s", (unsigned long long)nth, outcome.result, err.text);
            }
        }
        /* A copy that was begun must not stay in half. */
        assert_int_equal(access(copy, F_OK) == 0, outcome.result == 0);
        inspect(db_file, outcome, nth);
    }
    /* Failing calls must be noticed; a few are harmless, such as those of the checkpoint at the
     * end. */
    assert_true(failed > runs / 3);
}

static void each_call_fails_with_eio(void **state) {
    (void)state;
    each_call_fails(EIO, false);
}

static void io_dies_at_each_call(void **state) {
    (void)state;
    each_call_fails(EIO, true);
}

static void the_disk_is_full_from_each_call_on(void **state) {
    (void)state;
    each_call_fails(ENOSPC, true);
}

/* After a full disk, with room again, the same connection goes on. */
static void goes_on_when_there_is_room_again(void **state) {
    (void)state;
    assert_ok(schema_migrate(db, &err), err);
    char expected[600];
    snprintf(expected, sizeof(expected), "%s: no space left on the disk", db_file);
    arm(1, ENOSPC, true);
    assert_fault(insert_batch(db, 1, 200), LANTOA_EFULL, err, expected);
    disarm();
    assert_false(db_in_transaction(db));
    assert_ok(insert_batch(db, 1, 200), err);
    assert_int_equal(number(db, "SELECT COUNT(*) FROM contact"), 200);
}

int main(void) {
    /* Hundreds of databases are made here: in memory each fsync costs nothing. */
    if (access("/dev/shm", W_OK | X_OK) == 0) {
        setenv("TMPDIR", "/dev/shm", 0);
    }
    const struct CMUnitTest tests[] = {
        with_db(each_call_fails_with_eio),
        with_db(io_dies_at_each_call),
        with_db(the_disk_is_full_from_each_call_on),
        with_db(goes_on_when_there_is_room_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
