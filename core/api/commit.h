/* Group commit: whatever has queued up is committed in one transaction (synchronous FULL), and only
 * then are the senders told. So the cost of reaching the disk is shared by all that wait for it.
 * Whoever put something into the queue commits all of it, when the writer's place is free: no
 * other thread has to be woken for it, and its core is not taken from those who ask. While somebody
 * else writes, a thread of the queue's own waits for it. Knows no HTTP. */
#ifndef API_COMMIT_H
#define API_COMMIT_H

#include "store/db.h"
#include "tracking/choice.h"
#include "tracking/click.h"
#include "tracking/hook.h"

struct commit_writers {
    struct db *db;
    struct click_writer *clicks;
    struct hook_writer *hooks;
};

/* One thing to commit; lives in its sender's memory until done is called. */
struct commit_item {
    struct commit_item *next;
    /* In the committing thread, inside the transaction. LANTOA_ENOENT and LANTOA_EINVAL are this
     * item's own matter and must have changed nothing; any other error fails the whole group. */
    int (*work)(
        struct commit_item *item, const struct commit_writers *writers, struct base_err *err);
    /* In the committing thread, after the commit or its failure; result is set. */
    void (*done)(struct commit_item *item);
    int result; /* of work, or of the transaction */
};

#define COMMIT_GROUP_MAX 1000
#define COMMIT_QUEUE_MAX 20000

struct commit_queue;
int commit_start(
    const char *db_path, struct commit_queue **queue_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Commits what is queued, then ends the thread; commit_add refuses from then on. Twice is fine. */
void commit_end(struct commit_queue *queue);
/* The same, and frees the queue. */
void commit_stop(struct commit_queue **queue);
/* From any thread, which calls commit_now soon. LANTOA_EAGAIN: the queue is full; LANTOA_ESTATE: it
 * is stopping. Then done is not called. */
int commit_add(struct commit_queue *queue, struct commit_item *item) LANTOA_MUST_CHECK;
/* Commits what is queued, by whomever, in this thread: it waits for the disk, never for another
 * writer. Then, and for what comes meanwhile, the queue's own thread does it. From any thread. */
void commit_now(struct commit_queue *queue);

/* In the committing thread, when all items of a group have been told. Set before the first
 * commit_add. */
void commit_on_group(struct commit_queue *queue, void (*told)(void *arg), void *arg);

struct commit_status {
    uint64_t groups, items, failures; /* since the start */
    size_t depth;                     /* waiting now */
    bool failing;                     /* the last transaction failed */
};
void commit_status(struct commit_queue *queue, struct commit_status *status_out);

#endif
