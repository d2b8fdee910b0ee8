/* Takes `ms` for each message, one after the other. Breaks no rule. */
#include "bad.h"

struct slow {
    struct bad bad;
    uint64_t waiting[100000];
    size_t head, tail;
    struct lantoa_timer *timer;
};

static void next(struct slow *slow);

static void done(void *arg) {
    struct slow *slow = arg;
    slow->timer = NULL;
    bad_result(&slow->bad, slow->waiting[slow->head++], LANTOA_SENT);
    next(slow);
}

static void next(struct slow *slow) {
    const struct lantoa_host *host = slow->bad.host;
    if (slow->head < slow->tail && !slow->timer) {
        host->began(host, slow->waiting[slow->head]);
        slow->timer = host->timer(host, slow->bad.config->ms, done, slow);
    }
}

static void slow_send(void *self, const struct lantoa_message *const *messages, size_t count) {
    struct slow *slow = self;
    for (size_t i = 0; i < count; i++) {
        slow->waiting[slow->tail++] = messages[i]->id;
    }
    next(slow);
}

/* Gives back what it was asked for and has not begun: all but the one at the head. */
static void slow_cancel(void *self, const uint64_t *ids, size_t count) {
    struct slow *slow = self;
    for (size_t i = 0; i < count; i++) {
        for (size_t at = slow->head + (slow->timer != NULL); at < slow->tail; at++) {
            if (slow->waiting[at] == ids[i]) {
                memmove(&slow->waiting[at], &slow->waiting[at + 1],
                    (slow->tail - at - 1) * sizeof(slow->waiting[0]));
                slow->tail--;
                bad_result(&slow->bad, ids[i], LANTOA_NOT_SENT);
                break;
            }
        }
    }
}

static int slow_open(const struct lantoa_host *host, const void *config, void **self_out) {
    struct slow *slow = calloc(1, sizeof(*slow));
    if (!slow) {
        return LANTOA_ENOMEM;
    }
    slow->bad.host = host;
    slow->bad.config = config;
    *self_out = slow;
    return 0;
}

static void slow_close(void *self) {
    struct slow *slow = self;
    slow->bad.host->timer_stop(slow->bad.host, slow->timer);
    free(slow);
}

static int slow_reconfigure(void *self, const void *config) {
    ((struct slow *)self)->bad.config = config;
    return 0;
}

LANTOA_EXPORT const struct lantoa_plugin lantoa_plugin_v1 = {
    BAD_HEAD("slow"),
    .ops = {.size = sizeof(struct lantoa_ops),
        .open = slow_open,
        .send = slow_send,
        .cancel = slow_cancel,
        .reconfigure = slow_reconfigure,
        .close = slow_close},
};
