/* The journal: transitions, what is read back, and files that are no journal. */
#include "support.h"
#include "wire/journal.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

struct fixture {
    struct support_dir dir;
    int fd;
    struct wire_journal *journal;
};

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct base_err err = {0};
    support_dir_make(&fixture->dir);
    fixture->fd = open(support_path(&fixture->dir, "a.journal"), O_RDWR | O_CREAT, 0600);
    assert_true(fixture->fd >= 0);
    assert_ok(wire_journal_format(fixture->fd, 100, &err), err);
    assert_ok(wire_journal_map(fixture->fd, &fixture->journal, &err), err);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    wire_journal_unmap(&fixture->journal);
    close(fixture->fd);
    support_dir_remove(&fixture->dir);
    free(fixture);
    return 0;
}

static const struct wire_result sample = {.id = 5,
    .slot = 3,
    .outcome = LANTOA_REFUSED,
    .reason = LANTOA_REASON_ADDRESS,
    .after_ms = 9,
    .ref = {"ref", 3},
    .detail = {"550 không có", 14}};

static void a_slot_goes_its_way(void **state) {
    struct wire_journal *journal = ((struct fixture *)*state)->journal;
    struct wire_result back;
    assert_int_equal(wire_journal_slots(journal), 100);
    assert_int_equal(wire_slot_read(journal, 3, &back), WIRE_SLOT_FREE);
    assert_false(wire_slot_begin(journal, 3, 5));
    wire_slot_hold(journal, 3, 5);
    assert_true(wire_slot_is_held(journal, 3, 5));
    assert_false(wire_slot_is_held(journal, 3, 6));
    assert_int_equal(wire_slot_read(journal, 3, &back), WIRE_SLOT_HELD);
    assert_int_equal(back.id, 5);
    assert_false(wire_slot_begin(journal, 3, 6)); /* somebody else's */
    assert_true(wire_slot_begin(journal, 3, 5));
    assert_false(wire_slot_begin(journal, 3, 5)); /* twice */
    assert_int_equal(wire_slot_read(journal, 3, &back), WIRE_SLOT_BEGAN);
    struct wire_result foreign = sample;
    foreign.id = 6;
    assert_false(wire_slot_end(journal, 3, &foreign));
    assert_true(wire_slot_end(journal, 3, &sample));
    assert_false(wire_slot_end(journal, 3, &sample)); /* twice */
    assert_int_equal(wire_slot_read(journal, 3, &back), WIRE_SLOT_ENDED);
    assert_int_equal(back.outcome, LANTOA_REFUSED);
    assert_int_equal(back.reason, LANTOA_REASON_ADDRESS);
    assert_int_equal(back.after_ms, 9);
    assert_int_equal(back.ref.bytes, 3);
    assert_memory_equal(back.detail.at, "550 không có", 14);
    wire_slot_free(journal, 3);
    assert_int_equal(wire_slot_read(journal, 3, &back), WIRE_SLOT_FREE);
    /* A message may end without having begun. */
    wire_slot_hold(journal, 3, 5);
    assert_true(wire_slot_end(journal, 3, &sample));
}

static void another_process_sees_it(void **state) {
    struct fixture *fixture = *state;
    wire_slot_hold(fixture->journal, 3, 5);
    pid_t pid = fork();
    if (pid == 0) {
        bool right =
            wire_slot_begin(fixture->journal, 3, 5) && wire_slot_end(fixture->journal, 3, &sample);
        _exit(right ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    struct wire_journal *again = NULL;
    struct base_err err = {0};
    assert_ok(wire_journal_map(fixture->fd, &again, &err), err);
    struct wire_result back;
    assert_int_equal(wire_slot_read(again, 3, &back), WIRE_SLOT_ENDED);
    assert_int_equal(back.id, 5);
    wire_journal_unmap(&again);
}

static void only_a_living_host_is_named(void **state) {
    struct wire_journal *journal = ((struct fixture *)*state)->journal;
    assert_int_equal(wire_journal_host(journal), 0);
    wire_journal_set_host(journal, getpid());
    assert_int_equal(wire_journal_host(journal), getpid());
    pid_t pid = fork();
    if (pid == 0) {
        for (;;) {
            pause();
        }
    }
    wire_journal_set_host(journal, pid);
    assert_int_equal(wire_journal_host(journal), pid);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(wire_journal_host(journal), 0);
}

/* Nonsense in a slot that began never reads as a result. */
static void nonsense_reads_as_began(void **state) {
    struct fixture *fixture = *state;
    wire_slot_hold(fixture->journal, 0, 5);
    struct wire_result first = sample;
    first.slot = 0;
    assert_true(wire_slot_end(fixture->journal, 0, &first));
    off_t slot = 4096;
    char old[16], noise[16];
    assert_int_equal(pread(fixture->fd, old, sizeof(old), slot), (ssize_t)sizeof(old));
    static const size_t bytes[] = {
        4, 5, 6, 7, 9}; /* outcome, reason, the lengths of ref and detail */
    for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
        memcpy(noise, old, sizeof(noise));
        noise[bytes[i]] = (char)0xEE;
        assert_int_equal(pwrite(fixture->fd, noise, sizeof(noise), slot), (ssize_t)sizeof(noise));
        struct wire_result back;
        assert_int_equal(wire_slot_read(fixture->journal, 0, &back), WIRE_SLOT_BEGAN);
        assert_int_equal(back.id, 5);
        assert_int_equal(back.ref.bytes, 0);
    }
    noise[0] = 77; /* a state that does not exist */
    assert_int_equal(pwrite(fixture->fd, noise, sizeof(noise), slot), (ssize_t)sizeof(noise));
    struct wire_result back;
    assert_int_equal(wire_slot_read(fixture->journal, 0, &back), WIRE_SLOT_BEGAN);
}

static void damaged_files_are_refused(void **state) {
    struct fixture *fixture = *state;
    struct base_err err = {0};
    char good[64];
    assert_int_equal(pread(fixture->fd, good, sizeof(good), 0), (ssize_t)sizeof(good));
    /* Each byte of the head that counts, changed: magic, version, sizes, boot id. */
    for (size_t byte = 0; byte < 56; byte++) {
        char bad[64];
        memcpy(bad, good, sizeof(bad));
        bad[byte] = (char)(bad[byte] ^ 0x55);
        assert_int_equal(pwrite(fixture->fd, bad, sizeof(bad), 0), (ssize_t)sizeof(bad));
        struct wire_journal *none = NULL;
        int code = wire_journal_map(fixture->fd, &none, &err);
        assert_int_equal(code, byte < 20 ? LANTOA_ECORRUPT : LANTOA_ESTATE);
        assert_null(none);
    }
    assert_int_equal(pwrite(fixture->fd, good, sizeof(good), 0), (ssize_t)sizeof(good));
    struct wire_journal *none = NULL;
    /* Cut off: the mapping of the fixture must go first. */
    wire_journal_unmap(&fixture->journal);
    assert_int_equal(ftruncate(fixture->fd, 4096 + 100 * 768 - 1), 0);
    assert_fault(wire_journal_map(fixture->fd, &none, &err), LANTOA_ECORRUPT, err,
        "the channel's journal is damaged");
    assert_int_equal(ftruncate(fixture->fd, 10), 0);
    assert_int_equal(wire_journal_map(fixture->fd, &none, &err), LANTOA_ECORRUPT);
    assert_int_equal(ftruncate(fixture->fd, 0), 0);
    assert_int_equal(wire_journal_map(fixture->fd, &none, &err), LANTOA_ECORRUPT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_slot_goes_its_way),
        TEST(another_process_sees_it),
        TEST(only_a_living_host_is_named),
        TEST(nonsense_reads_as_began),
        TEST(damaged_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
