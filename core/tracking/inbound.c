/* Taking what people say back. */
#include "tracking/inbound.h"

#include "audience/account.h"
#include "audience/consent.h"
#include "audience/contact.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"
#include "campaign/store.h"
#include "tracking/contact_event.h"
#include "tracking/inbox.h"
#include "tracking/keyword.h"
#include "tracking/reply.h"

#define CONTACTS_MOST 200 /* that share one address */
#define TEXT_BYTES_MOST (size_t)(4 * 1024 * 1024)
#define REPEAT_MS 60000 /* the same words again so soon: the operator told us twice */
#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)

struct inbound {
    char *text; /* of the rules as read */
    struct keywords *keywords;
};

/* One message being taken. */
struct taking {
    struct db *db;
    const struct dispatcher_inbound *event;
    char *channel; /* kind; owned */
    char *account; /* the attribute with the account this channel writes to; owned, NULL: none */
    enum lantoa_address_kind address_kind;
    struct base_buf address; /* as far as it could be read, in normal form */
    const char *form;        /* "email" or "phone"; NULL: no usable address */
    struct base_buf text;    /* cleaned */
    int64_t contacts[CONTACTS_MOST];
    size_t contact_count; /* the first is the one to answer */
    char lang[16];        /* of the first */
    struct inbox_new row;
    struct base_buf note;
};

/* --- rules --- */

struct inbound *inbound_new(void) {
    return base_alloc(sizeof(struct inbound));
}

void inbound_free(struct inbound **inbound) {
    if (*inbound) {
        keywords_free(&(*inbound)->keywords);
        base_free((*inbound)->text);
        base_free(*inbound);
        *inbound = NULL;
    }
}

static int parse_rules(const char *text, struct keywords **keywords_out, struct base_err *err) {
    struct base_json *doc = NULL;
    int rc = base_json_parse(str_from(text), "keywords", &doc, err);
    if (rc == 0) {
        rc = keywords_parse(doc, keywords_out, err);
    }
    base_json_free(&doc);
    return rc;
}

static int refresh_rules(struct inbound *inbound, struct db *db, struct base_err *err) {
    char *text = NULL;
    struct base_err fault = {0};
    int rc = keywords_text(db, &text, err);
    if (rc != 0) {
        return rc;
    }
    if (inbound->text && strcmp(inbound->text, text) == 0) {
        base_free(text);
        return 0;
    }
    base_free(inbound->text);
    inbound->text = text;
    keywords_free(&inbound->keywords);
    if (parse_rules(text, &inbound->keywords, &fault) != 0) {
        base_log(BASE_LOG_ERROR, "inbound", "%s; the built-in rules count", fault.text);
        return parse_rules(keywords_default(), &inbound->keywords, err);
    }
    return 0;
}

/* --- who, by what --- */

/* Whatever came becomes text a database and a terminal can take. */
static void clean(struct str text, struct base_buf *out) {
    for (size_t pos = 0; pos < text.bytes;) {
        struct str rest = str_of(text.at + pos, text.bytes - pos);
        struct str good = str_of(rest.at, base_utf8_valid_bytes(rest));
        for (size_t at = 0; at < good.bytes;) {
            uint32_t c = base_utf8_next(good, &at);
            bool control =
                (c < 0x20 && c != '\n' && c != '\t' && c != '\r') || (c >= 0x7F && c < 0xA0);
            base_utf8_add(out, control ? 0xFFFD : c);
        }
        pos += good.bytes;
        if (good.bytes < rest.bytes) {
            base_utf8_add(out, 0xFFFD);
            pos++;
        }
    }
}

static int read_channel(struct taking *t, struct base_err *err) {
    struct channel_row row = {0};
    struct channel_manifest *manifest = NULL;
    int rc = channel_get_id(t->db, t->event->channel_id, &row, err);
    if (rc == 0) {
        rc = channel_manifest_parse(row.manifest_text, &manifest, err);
    }
    if (rc == 0) {
        t->channel = base_strdup(manifest->kind);
        t->address_kind = manifest->address;
        t->account = base_strdup(manifest->account);
    }
    channel_manifest_free(&manifest);
    channel_row_release(&row);
    return rc;
}

/* Numbers of accounts may look like telephones, and are none. */
static bool in_network(const struct taking *t) {
    return t->address_kind == LANTOA_ADDRESS_ACCOUNT || t->address_kind == LANTOA_ADDRESS_PAGE;
}

static void read_address(struct taking *t) {
    struct str raw = str_trim(t->event->address);
    struct base_err unusable = {0};
    char phone[20];
    bool email = raw.bytes && memchr(raw.at, '@', raw.bytes);
    if (in_network(t)) {
        clean(raw, &t->address);
    } else if (email && contact_email(raw, &t->address, &unusable) == 0) {
        t->form = "email";
    } else if (!email && raw.bytes && contact_phone(raw, phone, &unusable) == 0) {
        base_buf_add_text(&t->address, phone);
        t->form = "phone";
    } else {
        base_buf_clear(&t->address);
        clean(raw, &t->address);
    }
}

static void add_contact(struct taking *t, int64_t id) {
    for (size_t i = 0; i < t->contact_count; i++) {
        if (t->contacts[i] == id) {
            return;
        }
    }
    if (t->contact_count < CONTACTS_MOST) {
        t->contacts[t->contact_count++] = id;
    }
}

static int add_sharing(
    struct taking *t, const char *form, struct str address, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(t->db,
        strcmp(form, "email") == 0
            ? "SELECT c.id FROM contact c WHERE " CONTACT_HAS_EMAIL("c", "?1") " ORDER BY c.id"
            : "SELECT id FROM contact WHERE phone = ?1 ORDER BY id",
        &stmt, err);
    if (rc == 0) {
        db_bind_str(stmt, 1, address);
        while ((rc = db_step(stmt, err)) == 1) {
            add_contact(t, db_column_i64(stmt, 0));
        }
    }
    db_finish(&stmt);
    return rc;
}

/* The address of a contact that this channel writes to. */
struct own_address {
    char *text; /* NULL: none */
    const char *form;
};

static int read_own(struct taking *t, int64_t contact_id, struct own_address *own_out,
    bool *there_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    *own_out = (struct own_address){0};
    int rc = db_prepare(t->db, "SELECT email, phone, lang FROM contact WHERE id = ?1", &stmt, err);
    if (rc != 0) {
        return rc;
    }
    db_bind_i64(stmt, 1, contact_id);
    rc = db_step(stmt, err);
    *there_out = rc == 1;
    if (rc == 1) {
        bool phone = t->address_kind == LANTOA_ADDRESS_PHONE ||
                     (t->address_kind == LANTOA_ADDRESS_ANY && db_column_is_null(stmt, 0));
        struct str text = db_column_str(stmt, phone ? 1 : 0);
        struct str lang = db_column_str(stmt, 2);
        own_out->text = text.bytes && !in_network(t) ? base_strndup(text.at, text.bytes) : NULL;
        own_out->form = phone ? "phone" : "email";
        if (contact_id == t->contacts[0]) {
            snprintf(t->lang, sizeof t->lang, STR_FMT, STR_ARG(lang));
        }
    }
    db_finish(&stmt);
    return rc < 0 ? rc : 0;
}

static int add_with_account(struct taking *t, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = account_refresh(t->db, t->account, err);
    rc = rc == 0 ? account_prepare(t->db, &stmt, err) : rc;
    if (rc == 0) {
        db_bind_text(stmt, 1, t->account);
        db_bind_str(stmt, 2, base_buf_str(&t->address));
        while ((rc = db_step(stmt, err)) == 1) {
            add_contact(t, db_column_i64(stmt, 0));
        }
    }
    db_finish(&stmt);
    return rc;
}

/* Who answers from an account with the key of a message that we sent them has shown whose the
 * account is. */
static int link_account(struct taking *t, int64_t contact_id, struct base_err *err) {
    bool linked = false;
    int rc = account_link(t->db, contact_id, t->account, base_buf_str(&t->address), &linked, err);
    if (rc == 0 && linked) {
        base_log(BASE_LOG_INFO, "inbound", "contact %lld has a %s now", (long long)contact_id,
            t->account);
    }
    return rc;
}

/* The person the answered message went to comes first, then whoever shares an address. */
static int find_contacts(struct taking *t, struct base_err *err) {
    int rc = 0;
    bool page = t->event->message_id && ledger_is_outlet(t->event->message_id);
    if (t->event->message_id && !page) {
        int64_t id = ledger_recipient(t->event->message_id);
        struct own_address own;
        bool there;
        add_contact(t, id);
        rc = read_own(t, id, &own, &there, err);
        if (rc == 0 && !there) {
            t->contact_count = 0;
        }
        if (rc == 0 && own.text) {
            rc = add_sharing(t, own.form, str_from(own.text), err);
        }
        base_free(own.text);
        if (rc == 0 && there && t->account) {
            rc = link_account(t, id, err);
        }
    }
    if (rc == 0 && t->account && t->address.bytes) {
        rc = add_with_account(t, err);
    }
    if (rc == 0 && t->form) {
        rc = add_sharing(t, t->form, base_buf_str(&t->address), err);
    }
    if (rc == 0 && t->contact_count && (!t->event->message_id || page)) {
        struct own_address own;
        bool there;
        rc = read_own(t, t->contacts[0], &own, &there, err);
        base_free(own.text);
    }
    return rc;
}

/* --- acts --- */

static void note(struct taking *t, const char *text) {
    base_buf_clear(&t->note);
    base_buf_add_text(&t->note, text);
    t->row.state = INBOX_OPEN;
}

/* An error of the reply itself is for a person; one of the database ends the turn. */
static int send_reply(
    struct taking *t, const char *purpose, struct str text, struct base_err *err) {
    const struct reply reply = {.channel_id = t->event->channel_id,
        .contact_id = t->contact_count ? t->contacts[0] : LEDGER_STRANGER_FIRST + t->row.id,
        .address = t->contact_count ? (struct str){0} : base_buf_str(&t->address),
        .purpose = purpose,
        .text = text,
        .now_ms = t->event->now_ms};
    struct base_err fault = {0};
    int64_t id;
    int rc = reply_add(t->db, &reply, &id, &fault);
    if (rc == LANTOA_ESTATE || rc == LANTOA_ELIMIT || rc == LANTOA_EINVAL || rc == LANTOA_ENOENT) {
        note(t, fault.text);
        return 0;
    }
    return rc == 0 ? 0 : base_err_set(err, rc, "%s", fault.text);
}

static int answer_by_rule(struct taking *t, const struct inbound *inbound,
    const struct keyword_rule *rule, const char *purpose, struct base_err *err) {
    struct base_buf text;
    int rc = 0;
    base_buf_init(&text, 8192);
    if (keyword_confirm(inbound->keywords, rule, str_from(t->lang), t->event->now_ms, &text)) {
        rc = send_reply(t, purpose, base_buf_str(&text), err);
    }
    base_buf_release(&text);
    return rc;
}

static int suppress(struct taking *t, const char *form, struct str address, bool *changed_io,
    struct base_err *err) {
    int rc = suppression_add(t->db, form, address, "opted_out", t->event->now_ms, "reply", err);
    *changed_io |= rc == 0 && db_changes(t->db) > 0;
    return rc;
}

/* Whether the newest word of the contact on this channel is a refusal of everything. */
static int has_withdrawn(
    struct taking *t, int64_t contact_id, bool *withdrawn_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    *withdrawn_out = false;
    int rc = db_prepare(t->db,
        "SELECT action, purpose FROM consent WHERE contact_id = ?1 AND channel IN (?2, '*') ORDER "
        "BY at DESC, id DESC LIMIT 1",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, contact_id);
        db_bind_text(stmt, 2, t->channel);
        rc = db_step(stmt, err);
        *withdrawn_out =
            rc == 1 && db_column_i64(stmt, 0) == 0 && str_is(db_column_str(stmt, 1), "*");
    }
    db_finish(&stmt);
    return rc < 0 ? rc : 0;
}

static char *evidence_of(struct taking *t) {
    char at[BASE_ISO_MAX];
    base_format_iso(t->event->now_ms, 7 * 60, at);
    size_t head = base_utf8_cut(base_buf_str(&t->text), 2000);
    json_t *json = json_pack("{s:s%,s:s,s:s,s:s,s:I,s:I}", "text", base_buf_text(&t->text), head,
        "received", at, "channel", t->channel, "address", base_buf_text(&t->address), "message",
        (json_int_t)t->event->message_id, "inbound", (json_int_t)t->row.id);
    if (t->event->ref.bytes && base_utf8_valid(t->event->ref)) {
        json_object_set_new(json, "ref", json_stringn(t->event->ref.at, t->event->ref.bytes));
    }
    char *text = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(json);
    return text;
}

static int withdraw(struct taking *t, int64_t contact_id, const char *evidence, bool *changed_io,
    struct base_err *err) {
    struct own_address own;
    bool there;
    bool already;
    int rc = has_withdrawn(t, contact_id, &already, err);
    if (rc == 0 && !already) {
        const struct consent_entry entry = {.contact_id = contact_id,
            .channel = t->channel,
            .purpose = "*",
            .given = false,
            .at_ms = t->event->now_ms,
            .source = "reply",
            .evidence = evidence};
        rc = consent_add(t->db, &entry, err);
        *changed_io |= rc == 0;
    }
    if (rc == 0) {
        rc = read_own(t, contact_id, &own, &there, err);
        if (rc == 0 && own.text && contact_id == t->contacts[0] && t->event->message_id) {
            rc = suppress(t, own.form, str_from(own.text), changed_io, err);
        }
        base_free(own.text);
    }
    return rc;
}

static int refuse(struct taking *t, const struct inbound *inbound, const struct keyword_rule *rule,
    struct base_err *err) {
    bool changed = false;
    int rc = 0;
    char *evidence = evidence_of(t);
    if (t->form) {
        rc = suppress(t, t->form, base_buf_str(&t->address), &changed, err);
    }
    for (size_t i = 0; rc == 0 && i < t->contact_count; i++) {
        rc = withdraw(t, t->contacts[i], evidence, &changed, err);
    }
    base_free(evidence);
    rule = rule ? rule : keywords_refusal(inbound->keywords);
    if (rc == 0 && t->contact_count == 0 && !t->form) {
        note(t, TR("a refusal without a usable address: nothing could be suppressed"));
    } else if (rc == 0 && changed && rule) {
        rc = answer_by_rule(t, inbound, rule, "confirm", err);
    }
    return rc;
}

/* Answers that nobody is owed go out once a day at most, for two machines may be talking. */
static int answer_sometimes(struct taking *t, const struct inbound *inbound,
    const struct keyword_rule *rule, struct base_err *err) {
    const char *purpose = keyword_act_word(rule->act);
    int64_t last;
    if (t->contact_count == 0) {
        note(t, TR("from an address that no contact has"));
        return 0;
    }
    int rc = reply_last(t->db, t->event->channel_id, purpose, t->contacts[0], &last, err);
    if (rc == 0 && (last == 0 || t->event->now_ms - last >= DAY_MS)) {
        rc = answer_by_rule(t, inbound, rule, purpose, err);
    }
    return rc;
}

static int add_events(struct taking *t, const char *kind, struct base_err *err) {
    /* Who answers a message speaks for themselves; a refusal silences everybody who shares the
     * address. */
    bool one = t->event->message_id && strcmp(kind, "opt_out") != 0;
    size_t count = one && t->contact_count ? 1 : t->contact_count;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const struct contact_event event = {.contact_id = t->contacts[i],
            .at_ms = t->event->now_ms,
            .kind = str_from(kind),
            .channel = str_from(t->channel),
            .text = base_buf_str(&t->text),
            .message_id = t->event->message_id,
            .inbound_id = t->row.id};
        rc = contact_event_add(t->db, &event, err);
    }
    return rc;
}

/* --- all together --- */

static int is_repeat(struct taking *t, bool *repeat_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    *repeat_out = false;
    int rc = db_prepare(t->db,
        "SELECT 1 FROM inbound WHERE address = ?1 AND at BETWEEN ?2 AND ?3 AND channel_id = ?4 AND "
        "text = ?5 AND kind = ?6 LIMIT 1",
        &stmt, err);
    if (rc == 0) {
        db_bind_str(stmt, 1, base_buf_str(&t->address));
        db_bind_i64(stmt, 2, t->event->now_ms - REPEAT_MS);
        db_bind_i64(stmt, 3, t->event->now_ms);
        db_bind_i64(stmt, 4, t->event->channel_id);
        db_bind_text(stmt, 5, base_buf_text(&t->text));
        db_bind_text(stmt, 6, t->row.kind);
        rc = db_step(stmt, err);
        *repeat_out = rc == 1;
    }
    db_finish(&stmt);
    return rc < 0 ? rc : 0;
}

static int act_on(struct taking *t, const struct inbound *inbound, const struct keyword_rule *rule,
    struct base_err *err) {
    bool refusal = t->event->kind == LANTOA_EVENT_OPT_OUT || (rule && rule->act == KEYWORD_OPT_OUT);
    if (t->event->kind == LANTOA_EVENT_COMPLAINT) {
        return add_events(t, "complaint", err);
    }
    int rc = 0;
    if (refusal) {
        rc = refuse(t, inbound, rule, err);
        return rc == 0 ? add_events(t, "opt_out", err) : rc;
    }
    if (rule) {
        rc = answer_sometimes(t, inbound, rule, err);
        if (rc == 0 && rule->act == KEYWORD_INTEREST) {
            rc = add_events(t, "interest", err);
        }
    }
    return rc;
}

static int take(struct taking *t, const struct inbound *inbound, struct base_err *err) {
    static const char *const kinds[] = {[LANTOA_EVENT_INBOUND] = "message",
        [LANTOA_EVENT_OPT_OUT] = "opt_out",
        [LANTOA_EVENT_COMPLAINT] = "complaint"};
    const struct keyword_rule *rule = NULL;
    bool repeat = false;
    clean(t->event->text, &t->text);
    read_address(t);
    int rc = find_contacts(t, err);
    t->row.kind = kinds[t->event->kind];
    if (t->event->kind == LANTOA_EVENT_INBOUND) {
        rule =
            keywords_match(inbound->keywords, base_buf_str(&t->text), t->channel, t->event->now_ms);
    }
    t->row.state = rule || t->event->kind == LANTOA_EVENT_OPT_OUT ? INBOX_CLOSED : INBOX_OPEN;
    /* A refusal is always heard: it may have been taken back a moment ago. */
    if (rc == 0 && t->event->kind == LANTOA_EVENT_INBOUND &&
        (!rule || rule->act != KEYWORD_OPT_OUT)) {
        rc = is_repeat(t, &repeat, err);
    }
    if (rc != 0 || repeat) {
        return rc;
    }
    t->row.at_ms = t->event->now_ms;
    t->row.channel_id = t->event->channel_id;
    t->row.address = base_buf_text(&t->address);
    t->row.contact_id = t->contact_count ? t->contacts[0] : 0;
    t->row.message_id = t->event->message_id;
    t->row.act = rule ? keyword_act_word(rule->act) : "";
    t->row.text = base_buf_text(&t->text);
    rc = inbox_add(t->db, &t->row, err);
    if (rc == 0) {
        rc = act_on(t, inbound, rule, err);
    }
    if (rc == 0 && t->note.bytes) {
        rc = inbox_note(t->db, t->row.id, t->row.state, base_buf_text(&t->note), err);
    }
    return rc;
}

int inbound_take(
    void *arg, struct db *db, const struct dispatcher_inbound *event, struct base_err *err) {
    struct inbound *inbound = arg;
    struct base_err fault = {0};
    struct taking t = {.db = db, .event = event};
    base_buf_init(&t.address, 4096);
    base_buf_init(&t.text, TEXT_BYTES_MOST);
    base_buf_init(&t.note, 4096);
    int rc = read_channel(&t, &fault);
    if (rc == LANTOA_ENOENT || rc == LANTOA_EINVAL) {
        base_log(BASE_LOG_ERROR, "inbound", "an answer was dropped: %s", fault.text);
        rc = 0;
    } else if (rc != 0) {
        rc = base_err_set(err, rc, "%s", fault.text);
    } else {
        rc = refresh_rules(inbound, db, err);
        rc = rc == 0 ? take(&t, inbound, err) : rc;
    }
    base_buf_release(&t.address);
    base_buf_release(&t.text);
    base_buf_release(&t.note);
    base_free(t.channel);
    base_free(t.account);
    return rc;
}
