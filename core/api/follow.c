/* Short links and the opened message: /t/CODE and /o/KEY.gif. */
#include "api/private.h"

#include "api/reply.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "delivery/ledger.h"
#include "delivery/link.h"

/* --- where links lead --- */

struct link_target {
    int64_t key;                   /* step << 5 | number; 0: free (steps count from 1) */
    struct MHD_Response *redirect; /* owned */
};

/* Open addressing; only links that exist come in, so strangers cannot fill it. */
struct link_targets {
    pthread_mutex_t lock;
    struct link_target *slots;
    size_t room, count;
};

struct link_targets *link_targets_new(void) {
    struct link_targets *t = base_alloc(sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    t->room = 64;
    t->slots = base_alloc_array(t->room, sizeof *t->slots);
    return t;
}

void link_targets_free(struct link_targets **targets) {
    struct link_targets *t = *targets;
    if (!t) {
        return;
    }
    for (size_t i = 0; i < t->room; i++) {
        if (t->slots[i].redirect) {
            MHD_destroy_response(t->slots[i].redirect);
        }
    }
    base_free(t->slots);
    pthread_mutex_destroy(&t->lock);
    base_free(t);
    *targets = NULL;
}

static struct link_target *slot_of(struct link_target *slots, size_t room, int64_t key) {
    size_t at = (size_t)base_hash64(&key, sizeof key) & (room - 1);
    while (slots[at].key != 0 && slots[at].key != key) {
        at = (at + 1) & (room - 1);
    }
    return &slots[at];
}

static void grow(struct link_targets *t) {
    struct link_target *slots = base_alloc_array(2 * t->room, sizeof *slots);
    for (size_t i = 0; i < t->room; i++) {
        if (t->slots[i].key) {
            *slot_of(slots, 2 * t->room, t->slots[i].key) = t->slots[i];
        }
    }
    base_free(t->slots);
    t->slots = slots;
    t->room *= 2;
}

/* Where a link leads, BORROWED as long as the server lives; NULL when there is none. */
static struct MHD_Response *find_target(
    struct api_server *s, int64_t step_id, int number, int *rc_out) {
    struct link_targets *t = s->targets;
    int64_t key = step_id << 5 | number;
    struct base_err err = {0};
    *rc_out = 0;
    pthread_mutex_lock(&t->lock);
    struct link_target *slot = slot_of(t->slots, t->room, key);
    if (!slot->key) {
        char *url = NULL;
        pthread_mutex_lock(&s->lock);
        *rc_out = click_target(s->db, step_id, number, &url, &err);
        pthread_mutex_unlock(&s->lock);
        struct MHD_Response *redirect = *rc_out == 0 ? reply_redirect_new(url, s->tls) : NULL;
        base_free(url);
        if (*rc_out == 0 && !redirect) {
            *rc_out = LANTOA_ENOENT; /* no header can be made of it */
        }
        if (*rc_out == 0) {
            *slot = (struct link_target){key, redirect};
            t->count++;
            if (2 * t->count > t->room) {
                grow(t);
                slot = slot_of(t->slots, t->room, key);
            }
        } else if (*rc_out != LANTOA_ENOENT) {
            base_log(BASE_LOG_ERROR, "http", "%s", err.text);
        }
    }
    struct MHD_Response *found = *rc_out == 0 ? slot->redirect : NULL;
    pthread_mutex_unlock(&t->lock);
    return found;
}

/* --- following one --- */

static int add_click(
    struct commit_item *item, const struct commit_writers *writers, struct base_err *err) {
    return click_add(writers->clicks, &((struct api_request *)item)->click, err);
}

/* What a program's name says of it; worked out once, for crowds come with few programs. */
static struct api_agent agent_of(struct api_loop *l, struct str agent) {
    struct api_agent *kept = &l->agents[base_hash64(agent.at, agent.bytes) % API_AGENTS];
    if (agent.bytes > 0 && str_eq(agent, str_of(kept->text, kept->bytes))) {
        return *kept;
    }
    const struct api_agent said = {.hash = machine_agent_hash(agent),
        .machine = machine_of_request(false, agent, (struct str){0})};
    if (agent.bytes > 0 && agent.bytes <= sizeof kept->text) {
        *kept = said;
        kept->bytes = agent.bytes;
        memcpy(kept->text, agent.at, agent.bytes);
    }
    return said;
}

static void note_hit(struct api_request *r, int64_t message_id, int link) {
    struct str agent = request_header(r, "User-Agent");
    struct str purpose = request_header(r, "Sec-Purpose");
    purpose = purpose.bytes ? purpose : request_header(r, "Purpose");
    purpose = purpose.bytes ? purpose : request_header(r, "X-Moz");
    const struct api_agent said = agent_of(r->loop, agent);
    r->click = (struct click){.message_id = message_id,
        .link = link,
        .at_ms = base_clock_now_ms(),
        .machine =
            r->head || purpose.bytes ? machine_of_request(r->head, agent, purpose) : said.machine,
        .agent_hash = said.hash};
    request_commit(r, add_click);
}

void follow_take(struct api_request *r) {
    int64_t id;
    int number;
    int rc;
    pthread_mutex_lock(&r->server->lock);
    rc = link_code_read(r->server->instance, r->tail, &id, &number);
    pthread_mutex_unlock(&r->server->lock);
    if (rc != 0) {
        reply_status(r, MHD_HTTP_NOT_FOUND);
        return;
    }
    r->target = find_target(r->server, ledger_step(id), number, &rc);
    if (!r->target) {
        reply_fault(r, rc);
        return;
    }
    note_hit(r, id, number);
}

void follow_after(struct api_request *r) {
    if (r->item.result != 0) {
        reply_fault(r, r->item.result);
        return;
    }
    reply_redirect(r, r->target);
}

/* --- the opened message --- */

static const unsigned char dot[] = {'G', 'I', 'F', '8', '9', 'a', 1, 0, 1, 0, 0x80, 0, 0, 0, 0, 0,
    0xff, 0xff, 0xff, 0x21, 0xf9, 4, 1, 0, 0, 0, 0, 0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1,
    0, 0x3b};

void open_take(struct api_request *r) {
    int64_t id;
    if (!str_ends(r->tail, STR(".gif"))) {
        reply_status(r, MHD_HTTP_NOT_FOUND);
        return;
    }
    pthread_mutex_lock(&r->server->lock);
    int rc = ledger_key_read(r->server->instance, str_of(r->tail.at, r->tail.bytes - 4), &id);
    pthread_mutex_unlock(&r->server->lock);
    if (rc != 0) {
        reply_status(r, MHD_HTTP_NOT_FOUND);
        return;
    }
    note_hit(r, id, CLICK_OPEN);
}

void open_after(struct api_request *r) {
    if (r->item.result != 0) {
        reply_fault(r, r->item.result);
        return;
    }
    reply_constant(r, MHD_HTTP_OK, REPLY_GIF, str_of((const char *)dot, sizeof dot));
}
