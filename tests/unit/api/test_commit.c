/* Group commit: told after the commit, an item's own fault stays its own, an end loses nothing. */
#include "support.h"

#include "api/commit.h"
#include "base/mem.h"
#include "store/schema.h"
#include <pthread.h>

static char path[64];

static int set_up(void **state) {
    struct base_err err = {0};
    struct db *db = NULL;
    (void)state;
    snprintf(path, sizeof path, "/tmp/lantoa-test-commit-%d.db", (int)getpid());
    assert_ok(db_open(path, DB_OPEN_CREATE, &db, &err), err);
    assert_ok(schema_migrate(db, &err), err);
    db_close(&db);
    return 0;
}

static int tear_down(void **state) {
    static const char *const ends[] = {"", "-wal", "-shm"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char *file = base_printf("%s%s", path, ends[i]);
        unlink(file);
        base_free(file);
    }
    return 0;
}

struct item {
    struct commit_item head; /* first */
    pthread_mutex_t *lock;
    pthread_cond_t *told;
    bool done;
    pthread_t by;    /* that called done */
    int answer;      /* what work returns */
    int64_t visible; /* clicks that another connection sees when done is called */
};

static int work(
    struct commit_item *head, const struct commit_writers *writers, struct base_err *err) {
    struct item *item = (struct item *)head;
    const struct click click = {.message_id = 1, .machine = CLICK_AGENT};
    if (item->answer == 0 || item->answer == LANTOA_EIO) {
        int rc = click_add(writers->clicks, &click, err);
        assert_int_equal(rc, 0);
    }
    return item->answer;
}

static int64_t clicks(void) {
    struct base_err err = {0};
    struct db *db = NULL;
    int64_t count = -1;
    assert_ok(db_open(path, DB_OPEN_READ_ONLY, &db, &err), err);
    assert_ok(db_get_i64(db, "SELECT count(*) FROM click", &count, &err), err);
    db_close(&db);
    return count;
}

static void done(struct commit_item *head) {
    struct item *item = (struct item *)head;
    item->visible = clicks();
    pthread_mutex_lock(item->lock);
    item->done = true;
    item->by = pthread_self();
    pthread_cond_signal(item->told);
    pthread_mutex_unlock(item->lock);
}

struct bench {
    pthread_mutex_t lock;
    pthread_cond_t told;
    struct item items[50];
    struct commit_queue *queue;
};

static void start(struct bench *b) {
    struct base_err err = {0};
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->told, NULL);
    for (size_t i = 0; i < 50; i++) {
        b->items[i] =
            (struct item){.head = {.work = work, .done = done}, .lock = &b->lock, .told = &b->told};
    }
    assert_ok(commit_start(path, &b->queue, &err), err);
}

static void wait_for(struct bench *b, size_t i) {
    pthread_mutex_lock(&b->lock);
    while (!b->items[i].done) {
        pthread_cond_wait(&b->told, &b->lock);
    }
    pthread_mutex_unlock(&b->lock);
}

static void add_first(struct bench *b, size_t count) {
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(commit_add(b->queue, &b->items[i].head), 0);
    }
}

static void test_told_after_the_commit(void **state) {
    struct bench b;
    struct commit_status status;
    (void)state;
    start(&b);
    add_first(&b, 50);
    commit_now(b.queue);
    for (size_t i = 0; i < 50; i++) {
        wait_for(&b, i);
        assert_int_equal(b.items[i].head.result, 0);
        assert_true(b.items[i].visible > (int64_t)i);
    }
    commit_status(b.queue, &status);
    assert_int_equal(status.items, 50);
    assert_int_equal(status.depth, 0);
    assert_true(status.groups <= 50 && !status.failing);
    commit_stop(&b.queue);
    assert_null(b.queue);
}

static void test_faults(void **state) {
    struct bench b;
    struct commit_status status;
    (void)state;
    start(&b);
    b.items[0].answer = LANTOA_ENOENT;
    assert_int_equal(commit_add(b.queue, &b.items[0].head), 0);
    commit_now(b.queue);
    wait_for(&b, 0);
    assert_int_equal(b.items[0].head.result, LANTOA_ENOENT);
    /* A fault of the database takes the whole group with it, and nothing of it stays. */
    b.items[1].answer = LANTOA_EIO;
    assert_int_equal(commit_add(b.queue, &b.items[1].head), 0);
    commit_now(b.queue);
    wait_for(&b, 1);
    assert_int_equal(b.items[1].head.result, LANTOA_EIO);
    assert_int_equal(clicks(), 0);
    commit_status(b.queue, &status);
    assert_true(status.failing && status.failures == 1);
    assert_int_equal(commit_add(b.queue, &b.items[2].head), 0);
    commit_now(b.queue);
    wait_for(&b, 2);
    assert_int_equal(b.items[2].head.result, 0);
    commit_status(b.queue, &status);
    assert_false(status.failing);
    commit_stop(&b.queue);
}

static void test_an_end_loses_nothing(void **state) {
    struct bench b;
    (void)state;
    start(&b);
    add_first(&b, 49);
    commit_end(b.queue);
    for (size_t i = 0; i < 49; i++) {
        assert_true(b.items[i].done);
    }
    assert_int_equal(commit_add(b.queue, &b.items[49].head), LANTOA_ESTATE);
    assert_false(b.items[49].done);
    commit_end(b.queue);
    commit_stop(&b.queue);
    assert_int_equal(clicks(), 49);
}

/* Without another writer the items are through when commit_now comes back, in this thread. */
static void test_in_the_own_thread(void **state) {
    struct bench b;
    struct commit_status status;
    (void)state;
    start(&b);
    add_first(&b, 50);
    commit_now(b.queue);
    for (size_t i = 0; i < 50; i++) {
        assert_true(b.items[i].done && pthread_equal(b.items[i].by, pthread_self()));
    }
    commit_status(b.queue, &status);
    assert_int_equal(status.groups, 1);
    commit_now(b.queue); /* nothing to do */
    commit_stop(&b.queue);
    assert_int_equal(clicks(), 50);
}

static void *add_some(void *arg) {
    struct bench *b = arg;
    for (size_t i = 25; i < 50; i++) {
        assert_int_equal(commit_add(b->queue, &b->items[i].head), 0);
        commit_now(b->queue);
    }
    return NULL;
}

/* Who cannot have the writer's place at once leaves, and nobody is forgotten. */
static void test_two_at_once(void **state) {
    struct bench b;
    pthread_t other;
    (void)state;
    start(&b);
    assert_int_equal(pthread_create(&other, NULL, add_some, &b), 0);
    for (size_t i = 0; i < 25; i++) {
        assert_int_equal(commit_add(b.queue, &b.items[i].head), 0);
        commit_now(b.queue);
    }
    for (size_t i = 0; i < 50; i++) {
        wait_for(&b, i);
        assert_int_equal(b.items[i].head.result, 0);
    }
    pthread_join(other, NULL);
    commit_stop(&b.queue);
    assert_int_equal(clicks(), 50);
}

/* While somebody else writes, commit_now comes back at once all the same. */
static void test_another_writer(void **state) {
    struct bench b;
    struct base_err err = {0};
    struct db *other = NULL;
    (void)state;
    start(&b);
    assert_ok(db_open(path, 0, &other, &err), err);
    assert_ok(db_begin(other, &err), err);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(commit_add(b.queue, &b.items[i].head), 0);
        commit_now(b.queue);
    }
    for (size_t i = 0; i < 10; i++) {
        assert_false(b.items[i].done);
    }
    assert_ok(db_commit(other, &err), err);
    for (size_t i = 0; i < 10; i++) {
        wait_for(&b, i);
        assert_int_equal(b.items[i].head.result, 0);
    }
    db_close(&other);
    commit_stop(&b.queue);
    assert_int_equal(clicks(), 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_told_after_the_commit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_in_the_own_thread, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_two_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_faults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_writer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_end_loses_nothing, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
