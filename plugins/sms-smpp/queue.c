/* A queue of jobs; see smpp.h. */
#include "smpp.h"

void smpp_queue_push(struct smpp_queue *queue, struct smpp_job *job) {
    job->next = NULL;
    if (queue->last != NULL) {
        queue->last->next = job;
    } else {
        queue->first = job;
    }
    queue->last = job;
    queue->count++;
    job->queued = true;
}

void smpp_queue_push_front(struct smpp_queue *queue, struct smpp_job *job) {
    job->next = queue->first;
    queue->first = job;
    if (queue->last == NULL) {
        queue->last = job;
    }
    queue->count++;
    job->queued = true;
}

struct smpp_job *smpp_queue_pop(struct smpp_queue *queue) {
    struct smpp_job *job = queue->first;
    if (job != NULL) {
        queue->first = job->next;
        if (queue->first == NULL) {
            queue->last = NULL;
        }
        queue->count--;
        job->next = NULL;
        job->queued = false;
    }
    return job;
}

bool smpp_queue_remove(struct smpp_queue *queue, struct smpp_job *job) {
    struct smpp_job *before = NULL;
    for (struct smpp_job *at = queue->first; at != NULL; before = at, at = at->next) {
        if (at != job) {
            continue;
        }
        if (before == NULL) {
            queue->first = job->next;
        } else {
            before->next = job->next;
        }
        if (queue->last == job) {
            queue->last = before;
        }
        queue->count--;
        job->next = NULL;
        job->queued = false;
        return true;
    }
    return false;
}
