/* Reading and changing what a person chose. */
#include "tracking/choice.h"

#include "audience/consent.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"
#include "campaign/store.h"
#include "channel/manifest.h"
#include "delivery/ledger.h"
#include "tracking/keyword.h"
#include "tracking/reply.h"

#define CONFIRM_BYTES_MAX 8192

/* --- masking --- */

void choice_mask(struct str address, char out[static CHOICE_MASK_MAX]) {
    const char *at = address.bytes ? memchr(address.at, '@', address.bytes) : NULL;
    if (address.bytes == 0) {
        out[0] = '\0';
    } else if (at) {
        struct str domain = str_of(at, (size_t)(address.at + address.bytes - at));
        size_t head = 0;
        if (at > address.at && base_utf8_valid(address)) {
            base_utf8_next(address, &head);
        }
        snprintf(out, CHOICE_MASK_MAX, "%.*s***%.*s", (int)head, address.at,
            (int)base_utf8_cut(domain, 60), domain.at);
    } else if (address.bytes > 8) {
        snprintf(out, CHOICE_MASK_MAX, "%.3s*****%.3s", address.at, address.at + address.bytes - 3);
    } else {
        snprintf(out, CHOICE_MASK_MAX, "***");
    }
}

/* --- how things stand --- */

struct address_row {
    char *email, *phone; /* owned; NULL when the person has none */
    bool email_blocked, phone_blocked;
};

static int read_contact(struct db *db, struct choice_state *state, struct address_row *address_out,
    struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT lang, email, phone, "
        "EXISTS (SELECT 1 FROM suppression x WHERE x.kind = 'email' AND x.address = "
        "lower(c.email) AND x.reason <> 'do_not_call'), "
        "EXISTS (SELECT 1 FROM suppression x WHERE x.kind = 'phone' AND x.address = c.phone AND "
        "x.reason <> 'do_not_call') "
        "FROM contact c WHERE id = ?1",
        &stmt, err);
    if (rc != 0) {
        return rc;
    }
    db_bind_i64(stmt, 1, state->contact_id);
    rc = db_step(stmt, err);
    if (rc == 1) {
        struct str lang = db_column_str(stmt, 0);
        struct str email = db_column_str(stmt, 1);
        struct str phone = db_column_str(stmt, 2);
        snprintf(state->lang, sizeof state->lang, STR_FMT, STR_ARG(lang));
        *address_out =
            (struct address_row){.email = email.at ? base_strndup(email.at, email.bytes) : NULL,
                .phone = phone.at ? base_strndup(phone.at, phone.bytes) : NULL,
                .email_blocked = db_column_i64(stmt, 3),
                .phone_blocked = db_column_i64(stmt, 4)};
        rc = 0;
    } else if (rc == 0) {
        rc = base_err_set(err, LANTOA_ENOENT, "%s", TR("the contact was deleted"));
    }
    db_finish(&stmt);
    return rc;
}

static void release_address(struct address_row *address) {
    base_free(address->email);
    base_free(address->phone);
}

/* The newest row that covers a kind, whatever its purpose. 1 given, 0 withdrawn, -1 none. */
static int newest(struct db *db, int64_t contact_id, const char *kind, int *action_out,
    bool *all_purposes_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT action, purpose FROM consent WHERE contact_id = ?1 AND channel IN (?2, '*') "
        "ORDER BY at DESC, id DESC LIMIT 1",
        &stmt, err);
    *action_out = -1;
    *all_purposes_out = false;
    if (rc == 0) {
        db_bind_i64(stmt, 1, contact_id);
        db_bind_text(stmt, 2, kind);
        rc = db_step(stmt, err);
    }
    if (rc == 1) {
        *action_out = (int)db_column_i64(stmt, 0);
        *all_purposes_out = str_is(db_column_str(stmt, 1), "*");
        rc = 0;
    }
    db_finish(&stmt);
    return rc;
}

struct kind_lister {
    struct choice_state *state;
    const struct address_row *address;
    int64_t own_channel;
};

static int add_kind(void *arg, const struct channel_row *row) {
    struct kind_lister *l = arg;
    struct choice_state *s = l->state;
    struct channel_manifest *manifest = NULL;
    struct base_err unreadable = {0};
    if (channel_manifest_parse(row->manifest_text, &manifest, &unreadable) != 0) {
        return 0; /* a channel of another version of a plugin: nobody is written to by it */
    }
    if (row->id == l->own_channel) {
        snprintf(s->own, sizeof s->own, "%s", manifest->kind);
    }
    size_t i = 0;
    while (i < s->count && strcmp(s->kinds[i].kind, manifest->kind) != 0) {
        i++;
    }
    bool to_people = manifest->address == LANTOA_ADDRESS_EMAIL ||
                     manifest->address == LANTOA_ADDRESS_PHONE ||
                     manifest->address == LANTOA_ADDRESS_ANY;
    if (i == s->count && i < CHOICE_KINDS_MAX && to_people) {
        struct choice_kind *k = &s->kinds[s->count++];
        snprintf(k->kind, CHOICE_KIND_MAX, "%s", manifest->kind);
        k->email = manifest->address == LANTOA_ADDRESS_EMAIL ||
                   (manifest->address == LANTOA_ADDRESS_ANY && l->address->email);
    }
    channel_manifest_free(&manifest);
    return 0;
}

static int own_channel(
    struct db *db, int64_t message_id, int64_t *channel_id_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, "SELECT channel_id FROM step WHERE id = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, ledger_step(message_id));
        rc = db_step(stmt, err);
    }
    if (rc == 1) {
        *channel_id_out = db_column_i64(stmt, 0);
        rc = 0;
    } else if (rc == 0) {
        rc = base_err_set(err, LANTOA_ENOENT, "%s", TR("there is no such message"));
    }
    db_finish(&stmt);
    return rc;
}

static int read_state(struct db *db, int64_t message_id, struct choice_state *s,
    struct address_row *address_out, struct base_err *err) {
    struct kind_lister lister = {.state = s, .address = address_out};
    *s =
        (struct choice_state){.message_id = message_id, .contact_id = ledger_recipient(message_id)};
    int rc = own_channel(db, message_id, &lister.own_channel, err);
    if (rc == 0) {
        rc = read_contact(db, s, address_out, err);
    }
    if (rc == 0) {
        rc = channel_each(db, add_kind, &lister, err);
    }
    for (size_t i = 0; rc == 0 && i < s->count; i++) {
        struct choice_kind *k = &s->kinds[i];
        int action;
        bool all_purposes;
        choice_mask(str_from(k->email ? address_out->email : address_out->phone), k->address);
        rc = newest(db, s->contact_id, k->kind, &action, &all_purposes, err);
        k->on =
            action != 0 && !(k->email ? address_out->email_blocked : address_out->phone_blocked);
    }
    return rc;
}

int choice_read(
    struct db *db, int64_t message_id, struct choice_state *state_out, struct base_err *err) {
    struct address_row address = {0};
    int rc = read_state(db, message_id, state_out, &address, err);
    release_address(&address);
    return rc;
}

/* --- changing it --- */

static int change_kind(struct db *db, const struct choice_change *change, int64_t contact_id,
    const char *kind, bool on, bool *refused_io, struct base_err *err) {
    int action;
    bool all_purposes;
    int rc = newest(db, contact_id, kind, &action, &all_purposes, err);
    if (rc != 0 || (action == (on ? 1 : 0) && all_purposes)) {
        return rc;
    }
    if (on && action == -1) {
        return 0; /* never refused: what other rules ask for stays as it is */
    }
    struct consent_entry entry = {.contact_id = contact_id,
        .channel = kind,
        .purpose = "*",
        .given = on,
        .at_ms = change->at_ms,
        .source = change->source,
        .evidence = change->evidence};
    rc = consent_add(db, &entry, err);
    *refused_io |= rc == 0 && !on;
    return rc;
}

/* By the channel of the message that was answered, where it takes a text: what the person sees on a
 * page is no proof they can keep. */
static int confirm(struct db *db, const struct choice_change *change,
    const struct choice_state *state, struct base_err *err) {
    char *rules = NULL;
    struct base_json *doc = NULL;
    struct keywords *keywords = NULL;
    struct base_buf text;
    struct base_err fault = {0};
    struct reply reply = {
        .contact_id = state->contact_id, .purpose = "confirm", .now_ms = change->at_ms};
    base_buf_init(&text, CONFIRM_BYTES_MAX);
    int rc = own_channel(db, change->message_id, &reply.channel_id, err);
    rc = rc ? rc : keywords_text(db, &rules, err);
    rc = rc ? rc : base_json_parse(str_from(rules), "keywords", &doc, err);
    rc = rc ? rc : keywords_parse(doc, &keywords, err);
    const struct keyword_rule *rule = rc == 0 ? keywords_refusal(keywords) : NULL;
    if (rule && keyword_confirm(keywords, rule, str_from(state->lang), change->at_ms, &text)) {
        int64_t id;
        reply.text = base_buf_str(&text);
        rc = reply_add(db, &reply, &id, &fault);
        bool cannot = rc == LANTOA_ESTATE || rc == LANTOA_ELIMIT || rc == LANTOA_ENOENT;
        rc = rc == 0 || cannot ? 0 : base_err_set(err, rc, "%s", fault.text);
    }
    keywords_free(&keywords);
    base_json_free(&doc);
    base_free(rules);
    base_buf_release(&text);
    return rc;
}

/* Free again only from what the person asked for: never from a do-not-call list or a dead address.
 */
static int free_address(
    struct db *db, const char *kind, const char *address, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "DELETE FROM suppression WHERE kind = ?1 AND address = lower(?2) AND reason = 'opted_out'",
        &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, kind);
        db_bind_text(stmt, 2, address);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

static int change_address(struct db *db, const struct choice_change *change, bool email,
    const struct address_row *address, bool on, struct base_err *err) {
    const char *text = email ? address->email : address->phone;
    const char *form = email ? "email" : "phone";
    if (!text) {
        return 0;
    }
    if (on) {
        return free_address(db, form, text, err);
    }
    return suppression_add(
        db, form, str_from(text), "opted_out", change->at_ms, change->source, err);
}

static const struct choice_kind *find_kind(const struct choice_state *state, const char *kind) {
    for (size_t i = 0; i < state->count; i++) {
        if (strcmp(state->kinds[i].kind, kind) == 0) {
            return &state->kinds[i];
        }
    }
    return NULL;
}

int choice_apply(struct db *db, const struct choice_change *change, struct base_err *err) {
    struct choice_state state;
    struct address_row address = {0};
    bool refused = false;
    int rc = read_state(db, change->message_id, &state, &address, err);
    for (size_t i = 0; rc == 0 && i < change->count; i++) {
        const char *asked = change->kinds[i].kind;
        const struct choice_kind *kind = find_kind(&state, asked[0] ? asked : state.own);
        bool on = change->kinds[i].on;
        if (!kind) {
            continue; /* the form of a page older than the channels */
        }
        rc = change_kind(db, change, state.contact_id, kind->kind, on, &refused, err);
        /* A kind that is on cannot reach a suppressed address; one that is off alone needs no
         * suppression, which would silence its neighbours. */
        if (rc == 0 && (on || change->address_too)) {
            rc = change_address(db, change, kind->email, &address, on, err);
        }
    }
    if (rc == 0 && refused) {
        rc = confirm(db, change, &state, err);
    }
    release_address(&address);
    return rc;
}
