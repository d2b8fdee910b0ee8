/* What people choose: /u/KEY (RFC 8058 one-click, and a page) and /p/KEY. The key is the proof:
 * who has it got the message, so no cookie and no other token is needed against forged posts.
 * A GET never changes anything, for link scanners follow every link. */
#include "api/private.h"

#include "api/form.h"
#include "api/pages.h"
#include "api/reply.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "delivery/ledger.h"

#define PAGE_BYTES_MAX (size_t)(64 * 1024)
#define EVIDENCE_BYTES_MAX (size_t)1024
#define AGENT_SHOWN_BYTES 200

static int message_of(struct api_request *r, int64_t *id_out) {
    pthread_mutex_lock(&r->server->lock);
    int rc = ledger_key_read(r->server->instance, r->tail, id_out);
    pthread_mutex_unlock(&r->server->lock);
    return rc;
}

static int read_state(struct api_request *r, int64_t message_id, struct choice_state *state_out) {
    struct base_err err = {0};
    pthread_mutex_lock(&r->server->lock);
    int rc = choice_read(r->server->db, message_id, state_out, &err);
    pthread_mutex_unlock(&r->server->lock);
    if (rc != 0 && rc != LANTOA_ENOENT) {
        base_log(BASE_LOG_ERROR, "http", "%s", err.text);
    }
    return rc;
}

/* Who asked, as far as can be known, for the row of the consent ledger. */
static const char *evidence(struct api_request *r) {
    char remote[64];
    struct str agent = request_header(r, "User-Agent");
    agent.bytes =
        base_utf8_cut(str_of(agent.at, base_utf8_valid_bytes(agent)), (size_t)AGENT_SHOWN_BYTES);
    request_remote(r, remote);
    base_buf_init(&r->text, EVIDENCE_BYTES_MAX);
    base_buf_printf(&r->text, "POST %.1s/" STR_FMT " from %s, agent ", r->route->prefix + 1,
        STR_ARG(r->tail), remote);
    base_text_json(&r->text, agent);
    return base_buf_text(&r->text);
}

static int apply_change(
    struct commit_item *item, const struct commit_writers *writers, struct base_err *err) {
    return choice_apply(writers->db, ((struct api_request *)item)->change, err);
}

static struct choice_change *new_change(struct api_request *r, int64_t id, const char *source) {
    r->change = base_alloc(sizeof *r->change);
    r->change->message_id = id;
    r->change->at_ms = base_clock_now_ms();
    r->change->source = source;
    r->change->evidence = evidence(r);
    return r->change;
}

static void show(struct api_request *r,
    void (*page)(struct base_buf *, const struct choice_state *, int detail), int64_t id,
    int detail) {
    struct choice_state state;
    struct base_buf out;
    int rc = read_state(r, id, &state);
    if (rc != 0) {
        reply_fault(r, rc);
        return;
    }
    base_buf_init(&out, PAGE_BYTES_MAX);
    page(&out, &state, detail);
    reply_body(r, MHD_HTTP_OK, REPLY_HTML, base_buf_str(&out));
    base_buf_release(&out);
}

static void show_unsubscribe(struct base_buf *out, const struct choice_state *state, int moment) {
    page_unsubscribe(out, state, (enum page_moment)moment);
}

static void show_preferences(struct base_buf *out, const struct choice_state *state, int saved) {
    page_preferences(out, state, saved != 0);
}

/* --- /u/KEY --- */

/* RFC 8058 allows a form in either coding; a multipart body is only looked at for its one pair. */
static bool one_click(const struct api_request *r, const struct form *form, bool readable) {
    if (readable && str_case_eq(form_get(form, "List-Unsubscribe"), STR("One-Click"))) {
        return true;
    }
    struct str type = request_header(r, "Content-Type");
    struct str body = base_buf_str(&r->body);
    return type.bytes >= 19 && str_case_eq(str_of(type.at, 19), STR("multipart/form-data")) &&
           body.bytes && memmem(body.at, body.bytes, "List-Unsubscribe", 16) &&
           memmem(body.at, body.bytes, "One-Click", 9);
}

void unsubscribe_take(struct api_request *r) {
    int64_t id;
    struct form form;
    if (message_of(r, &id) != 0) {
        reply_status(r, MHD_HTTP_NOT_FOUND);
        return;
    }
    if (!r->post) {
        show(r, show_unsubscribe, id, PAGE_ASKS);
        return;
    }
    bool readable = form_read(base_buf_str(&r->body), &form) == 0;
    struct str choice = readable ? form_get(&form, "choice") : (struct str){0};
    struct choice_change *change = NULL;
    if (one_click(r, &form, readable)) {
        change = new_change(r, id, "one-click");
    } else if (str_is(choice, "stop")) {
        change = new_change(r, id, "web");
    } else if (str_is(choice, "undo")) {
        change = new_change(r, id, "web-undo");
        change->kinds[0].on = true;
    }
    form_release(&form);
    if (!change) {
        reply_status(r, MHD_HTTP_BAD_REQUEST);
        return;
    }
    change->count = 1;
    change->address_too = true;
    request_commit(r, apply_change);
}

void unsubscribe_after(struct api_request *r) {
    const struct choice_change *change = r->change;
    if (r->item.result != 0) {
        reply_fault(r, r->item.result);
    } else if (strcmp(change->source, "one-click") == 0) {
        reply_constant(r, MHD_HTTP_OK, REPLY_TEXT, STR("unsubscribed\n"));
    } else {
        show(r, show_unsubscribe, change->message_id,
            change->kinds[0].on ? PAGE_AGAIN : PAGE_STOPPED);
    }
}

/* --- /p/KEY --- */

static bool ticked(const struct form *form, struct str kind) {
    for (size_t i = 0; i < form->count; i++) {
        if (str_is(form->fields[i].name, "on") && str_eq(form->fields[i].value, kind)) {
            return true;
        }
    }
    return false;
}

void preferences_take(struct api_request *r) {
    int64_t id;
    struct form form;
    if (message_of(r, &id) != 0) {
        reply_status(r, MHD_HTTP_NOT_FOUND);
        return;
    }
    if (!r->post) {
        show(r, show_preferences, id, 0);
        return;
    }
    struct choice_change *change = NULL;
    if (form_read(base_buf_str(&r->body), &form) == 0) {
        change = new_change(r, id, "web");
        for (size_t i = 0; i < form.count && change->count < CHOICE_KINDS_MAX; i++) {
            struct str kind = form.fields[i].value;
            if (str_is(form.fields[i].name, "shown") && kind.bytes > 0 &&
                kind.bytes < CHOICE_KIND_MAX) {
                memcpy(change->kinds[change->count].kind, kind.at, kind.bytes);
                change->kinds[change->count++].on = ticked(&form, kind);
            }
        }
    }
    form_release(&form);
    if (!change || change->count == 0) {
        reply_status(r, MHD_HTTP_BAD_REQUEST);
        return;
    }
    request_commit(r, apply_change);
}

void preferences_after(struct api_request *r) {
    if (r->item.result != 0) {
        reply_fault(r, r->item.result);
        return;
    }
    show(r, show_preferences, r->change->message_id, 1);
}
