/* kill -9 of the host, of the core, and of both, at moments nobody chose. The files of the outbox
 * are the witness: what is told as sent is there, what is told as not sent is not, and no more than
 * a window is uncertain. */
#include "base/hash.h"
#include "rig.h"

#define WINDOW 20
#define SPEC(delay)                                                                                \
    "{\"name\": \"thu\", \"plugin\": \"outbox\", \"window\": 20, "                                 \
    "\"options\": {\"dir\": \"out\", \"delay_ms\": " delay "}}"
#define KILLS 50
#define HANDED 900 /* fewer than there are slots: a slot that is free stays free */

static int64_t random_up_to(uint32_t most) {
    uint32_t number;
    base_random(&number, sizeof(number));
    return (int64_t)(number % most);
}

static void run_for(struct rig *rig, int64_t ms) {
    int64_t until = base_clock_real_ms() + ms;
    RIG_UNTIL(rig, base_clock_real_ms() >= until);
}

static void check_witness(const struct rig *rig, const uint8_t *outcomes, uint64_t last) {
    for (uint64_t id = 1; id <= last; id++) {
        bool written = rig_written(rig, "out", id);
        if (outcomes[id] == LANTOA_SENT) {
            assert_true(written);
        } else if (outcomes[id] == LANTOA_NOT_SENT) {
            assert_false(written);
        }
    }
}

static void host_killed_at_random_moments(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct rig_channel *ch = rig_start(&rig, SPEC("1"));
    size_t kills = 0;
    while (kills < KILLS) {
        RIG_UNTIL(&rig, channel_state(ch->channel) == CHANNEL_READY);
        size_t unknown = ch->by_outcome[LANTOA_UNKNOWN], backoffs = ch->backoffs;
        rig_send(ch, (size_t)(100 + random_up_to(200)));
        run_for(&rig, random_up_to(15));
        pid_t pid = rig_host(&rig, "thu");
        assert_true(pid > 0);
        assert_int_equal(kill(pid, SIGKILL), 0);
        RIG_UNTIL(&rig, ch->backoffs > backoffs);
        assert_in_range(ch->by_outcome[LANTOA_UNKNOWN] - unknown, 0, WINDOW);
        kills++;
    }
    RIG_UNTIL(&rig, ch->ended == ch->last);
    rig_check_once(ch);
    check_witness(&rig, ch->outcomes, ch->last);
    assert_true(ch->by_outcome[LANTOA_SENT] > 0);
    assert_true(ch->by_outcome[LANTOA_NOT_SENT] > 0);
    rig_stop(ch);
    rig_free(&ch);
    rig_close(&rig);
}

/* The core in a process of its own: sends until it is killed. */
static pid_t start_core(struct rig *rig, const char *spec, uint8_t *told, size_t count) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0) {
        return pid;
    }
    rig->loop = ev_loop_new(EVFLAG_AUTO);
    struct rig_channel *ch = rig_start(rig, spec);
    ch->told = told;
    rig_send(ch, count);
    ev_run(rig->loop, 0);
    _exit(0);
}

static uint8_t *shared_outcomes(void) {
    void *at = mmap(NULL, RIG_MOST, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(at != MAP_FAILED);
    return at;
}

static size_t count_told(const uint8_t *told) {
    size_t count = 0;
    for (size_t id = 0; id < RIG_MOST; id++) {
        count += told[id] != 0;
    }
    return count;
}

static void wait_told(const uint8_t *told, size_t least) {
    int64_t until = base_clock_real_ms() + 20000;
    while (count_told(told) < least) {
        assert_true(base_clock_real_ms() < until);
        usleep(1000);
    }
}

enum who { CORE, BOTH };

static void one_core_death(enum who who, const char *spec, size_t least) {
    struct rig rig;
    rig_open(&rig);
    uint8_t *told = shared_outcomes();
    pid_t core = start_core(&rig, spec, told, HANDED);
    wait_told(told, least);
    usleep((useconds_t)random_up_to(20000));
    kill(core, SIGKILL);
    if (who == BOTH) {
        pid_t host = rig_host(&rig, "thu");
        if (host > 0) {
            kill(host, SIGKILL);
        }
    }
    assert_int_equal(waitpid(core, NULL, 0), core);

    struct rig_channel *ch = rig_start(&rig, spec);
    RIG_UNTIL(&rig, channel_state(ch->channel) == CHANNEL_READY);
    assert_int_equal(ch->recovered, 1);
    assert_true(ch->trusted);
    assert_int_equal(channel_outstanding(ch->channel), 0);
    assert_true(ch->by_outcome[LANTOA_UNKNOWN] <= WINDOW);
    if (who == CORE) {
        /* The host lived on: everything came to its end. */
        assert_int_equal(ch->by_outcome[LANTOA_UNKNOWN], 0);
    }
    /* What nobody told has not been written, for neither journal nor dead core know it: it never
     * began. */
    size_t told_twice = 0;
    for (uint64_t id = 1; id <= HANDED; id++) {
        assert_true(ch->ends[id] <= 1);
        if (told[id] && ch->ends[id]) {
            assert_int_equal(told[id], ch->outcomes[id]);
            told_twice++;
        }
        uint8_t outcome = told[id] ? told[id] : ch->outcomes[id];
        told[id] = outcome ? outcome : LANTOA_NOT_SENT;
    }
    /* The core was killed between being told and acknowledging, which it does one by one. */
    assert_in_range(told_twice, 0, 1);
    check_witness(&rig, told, HANDED);
    munmap(told, RIG_MOST);
    rig_stop(ch);
    rig_free(&ch);
    rig_close(&rig);
}

static void core_killed(void **state) {
    (void)state;
    for (int i = 0; i < 6; i++) {
        one_core_death(CORE, SPEC("10"), 1 + (size_t)random_up_to(300));
    }
}

static void core_and_host_killed(void **state) {
    (void)state;
    for (int i = 0; i < 6; i++) {
        one_core_death(BOTH, SPEC("3"), 1 + (size_t)random_up_to(600));
    }
}

static pid_t wait_began(const struct rig *rig) {
    int64_t until = base_clock_real_ms() + 10000;
    size_t began = 0;
    pid_t host = 0;
    while (began == 0) {
        host = rig_host_began(rig, "thu", &began);
        assert_true(base_clock_real_ms() < until);
        usleep(1000);
    }
    assert_true(host > 0);
    return host;
}

/* What has begun comes to its end in the old host, and the new core waits for that. */
static void the_next_core_waits_for_the_old_host(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    const char *spec = "{\"name\": \"thu\", \"plugin\": \"slow\", \"options\": {\"ms\": 700}}";
    uint8_t *told = shared_outcomes();
    pid_t core = start_core(&rig, spec, told, 10);
    wait_began(&rig);
    kill(core, SIGKILL);
    assert_int_equal(waitpid(core, NULL, 0), core);
    struct rig_channel *ch = rig_start(&rig, spec);
    RIG_UNTIL(&rig, channel_state(ch->channel) == CHANNEL_READY);
    assert_int_equal(ch->ended, 10);
    assert_int_equal(ch->by_outcome[LANTOA_SENT], 1);
    assert_int_equal(ch->by_outcome[LANTOA_NOT_SENT], 9);
    rig_free(&ch);
    munmap(told, RIG_MOST);
    rig_close(&rig);
}

static void a_left_over_host_that_hangs_is_killed(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    setenv("LANTOA_TEST_LEFTOVER_MS", "300", 1);
    const char *spec = "{\"name\": \"thu\", \"plugin\": \"hang\", \"options\": {\"after\": 3}}";
    uint8_t *told = shared_outcomes();
    pid_t core = start_core(&rig, spec, told, 10);
    pid_t host = wait_began(&rig);
    kill(core, SIGKILL);
    assert_int_equal(waitpid(core, NULL, 0), core);
    struct rig_channel *ch = rig_start(&rig, spec);
    RIG_UNTIL(&rig, channel_state(ch->channel) == CHANNEL_READY);
    assert_int_not_equal(rig_host(&rig, "thu"), host);
    assert_int_equal(ch->by_outcome[LANTOA_UNKNOWN], 1);
    assert_int_equal(ch->ended, 10);
    assert_int_equal(ch->by_outcome[LANTOA_SENT], 3);
    unsetenv("LANTOA_TEST_LEFTOVER_MS");
    rig_free(&ch);
    munmap(told, RIG_MOST);
    rig_close(&rig);
}

static void a_journal_of_another_boot_is_not_trusted(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct rig_channel *ch = rig_start(&rig, SPEC("1000"));
    rig_send(ch, 30);
    RIG_UNTIL(&rig, channel_outstanding(ch->channel) == 30);
    run_for(&rig, 50);
    rig_free(&ch); /* as if killed: the journal stays as it is */
    const char *journal = support_path(&rig.dir, "channel/thu.journal");
    int fd = open(journal, O_RDWR);
    assert_true(fd >= 0);
    char head[4096];
    assert_int_equal(pread(fd, head, sizeof(head), 0), (ssize_t)sizeof(head));
    FILE *in = fopen("/proc/sys/kernel/random/boot_id", "re");
    char id[64];
    assert_non_null(fgets(id, sizeof(id), in));
    fclose(in);
    char *at = memmem(head, sizeof(head), id, 36);
    assert_non_null(at);
    at[0] = at[0] == 'x' ? 'y' : 'x';
    assert_int_equal(pwrite(fd, head, sizeof(head), 0), (ssize_t)sizeof(head));
    close(fd);
    ch = rig_start(&rig, SPEC("1"));
    RIG_UNTIL(&rig, channel_state(ch->channel) == CHANNEL_READY);
    assert_int_equal(ch->recovered, 1);
    assert_false(ch->trusted);
    assert_int_equal(ch->ended, 0);
    rig_free(&ch);
    /* Nor is a damaged one, of whatever size. */
    support_file_write(journal, "rubbish", 7);
    ch = rig_start(&rig, SPEC("1"));
    RIG_UNTIL(&rig, channel_state(ch->channel) == CHANNEL_READY);
    assert_false(ch->trusted);
    rig_free(&ch);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_killed_at_random_moments),
        cmocka_unit_test(core_killed),
        cmocka_unit_test(core_and_host_killed),
        cmocka_unit_test(the_next_core_waits_for_the_old_host),
        cmocka_unit_test(a_left_over_host_that_hangs_is_killed),
        cmocka_unit_test(a_journal_of_another_boot_is_not_trusted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
