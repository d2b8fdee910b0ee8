/* A thread for what takes time: files and codecs. Jobs are run in their order on the thread and
 * finished in that order on the loop. */
#ifndef LOUDSPEAKER_WORKER_H
#define LOUDSPEAKER_WORKER_H

#include <lantoa/host.h>

/* Stands first in a job's own struct. */
struct job {
    struct job *next;
    void (*run)(struct job *job);  /* on the thread: nothing of the host's */
    void (*done)(struct job *job); /* on the loop; frees the job */
};

struct worker;

/* sync (may be NULL) is called on the thread after each run of jobs and before any of them is done:
 * what they wrote can be made safe at once. Without it each job is done as soon as it has run.
 * NULL: no memory, no thread. */
struct worker *worker_new(const struct lantoa_host *host, void (*sync)(void *arg), void *arg);
void worker_put(struct worker *worker, struct job *job); /* TAKES job; loop only */
/* Jobs not done yet. */
size_t worker_busy(const struct worker *worker);
/* Waits for the jobs under way and calls done for all of them. NULL is fine. */
void worker_free(struct worker *worker);

#endif
