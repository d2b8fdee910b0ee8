/* Handing call-backs over. */
#include "delivery/serve_hooks.h"

#include "base/log.h"
#include "base/mem.h"

#define BATCH 64
#define FULL 1 /* what ends a walk: the channel takes no more now */

struct handed {
    int64_t id;
    bool answered; /* waits for the turn only */
};

struct serve_hooks {
    const struct serve_hook_store *store;
    struct db *db;
    struct dispatcher *dispatcher;
    int64_t channel_id;
    struct channel *channel;
    int64_t last; /* all up to this one have been given */
    struct handed *handed;
    size_t count, room;
    size_t out;  /* of them not answered */
    size_t seen; /* in this batch */
    bool full;   /* the channel took no more: again when half of them are answered */
    bool again;  /* it asked for one again, later */
    bool looking;
};

struct serve_hooks *serve_hooks_new(const struct serve_hook_store *store, struct db *db,
    struct dispatcher *dispatcher, int64_t channel_id, struct channel *channel) {
    struct serve_hooks *h = base_alloc(sizeof *h);
    *h = (struct serve_hooks){.store = store,
        .db = db,
        .dispatcher = dispatcher,
        .channel_id = channel_id,
        .channel = channel};
    return h;
}

void serve_hooks_free(struct serve_hooks **hooks) {
    if (*hooks) {
        base_free((*hooks)->handed);
        base_free(*hooks);
        *hooks = NULL;
    }
}

static struct handed *find(struct serve_hooks *h, int64_t id) {
    for (size_t i = 0; i < h->count; i++) {
        if (h->handed[i].id == id) {
            return &h->handed[i];
        }
    }
    return NULL;
}

static void add(struct serve_hooks *h, int64_t id, bool answered) {
    if (h->count == h->room) {
        h->room = h->room ? 2 * h->room : BATCH;
        h->handed = base_realloc(h->handed, h->room * sizeof *h->handed);
    }
    h->handed[h->count++] = (struct handed){id, answered};
    h->out += !answered;
}

static void forget(struct serve_hooks *h, struct handed *one) {
    *one = h->handed[--h->count];
}

/* --- giving --- */

static int take(void *arg, const struct channel_hook *hook) {
    struct serve_hooks *h = arg;
    int64_t id = (int64_t)hook->token;
    h->seen++;
    if (find(h, id)) {
        h->last = id;
        return 0;
    }
    int rc = channel_hook(h->channel, hook);
    if (rc == LANTOA_EAGAIN) {
        h->full = true;
        return FULL;
    }
    if (rc != 0) {
        base_log(BASE_LOG_WARN, "serve",
            "channel %s: call-back %lld of %zu bytes cannot be handed over: %s; it is kept, unread",
            channel_name(h->channel), (long long)id, hook->body.bytes, base_err_name(rc));
        dispatcher_hook(h->dispatcher, h->channel_id, id, rc);
    }
    add(h, id, rc != 0);
    h->last = id;
    return 0;
}

void serve_hooks_look(struct serve_hooks *h) {
    struct base_err err = {0};
    int rc = 0;
    if (h->looking || channel_state(h->channel) != CHANNEL_READY ||
        !channel_get_manifest(h->channel)->hooks) {
        return;
    }
    h->looking = true; /* handing one over may end the host, which is news */
    h->full = h->again = false;
    do {
        h->seen = 0;
        rc = h->store->next(h->db, h->channel_id, h->last, BATCH, take, h, &err);
    } while (rc == 0 && h->seen == BATCH);
    h->looking = false;
    if (rc < 0) {
        base_log(BASE_LOG_ERROR, "serve", "channel %s: call-backs: %s", channel_name(h->channel),
            err.text);
        h->again = true;
    }
}

bool serve_hooks_left(const struct serve_hooks *h) {
    return h->full || h->again;
}

void serve_hooks_restart(struct serve_hooks *h) {
    size_t kept = 0;
    for (size_t i = 0; i < h->count; i++) {
        if (h->handed[i].answered) {
            h->handed[kept++] = h->handed[i];
        }
    }
    h->count = kept;
    h->out = 0;
    h->last = 0;
    h->again = true;
}

/* --- answers --- */

void serve_hooks_answered(struct serve_hooks *h, uint64_t token, int code) {
    int64_t id = (int64_t)token;
    struct handed *one = find(h, id);
    if (!one || one->answered) {
        return;
    }
    h->out--;
    if (code == LANTOA_EAGAIN) {
        forget(h, one);
        h->last = id - 1 < h->last ? id - 1 : h->last;
        h->again = true;
        return;
    }
    if (code != 0) {
        base_log(BASE_LOG_WARN, "serve", "channel %s refused call-back %lld: %s; it is kept",
            channel_name(h->channel), (long long)id, base_err_name(code));
    }
    one->answered = true;
    dispatcher_hook(h->dispatcher, h->channel_id, id, code);
    if (h->full && h->out <= BATCH / 2) {
        serve_hooks_look(h);
    }
}

void serve_hooks_recorded(struct serve_hooks *h, int64_t id) {
    struct handed *one = find(h, id);
    if (one) {
        forget(h, one);
    }
}
