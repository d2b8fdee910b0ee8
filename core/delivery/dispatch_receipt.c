/* What operators say of messages later, and the answers "accepted" themselves: both in as few
 * writes as can be. A message is found by its key, else by the number the operator gave it, else by
 * its address among those whose end nobody knows. States only go forward: a receipt settles what is
 * out, accepted or uncertain. */
#include "audience/contact.h"
#include "base/clock.h"
#include "base/idmap.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tr.h"
#include "delivery/dispatch_private.h"
#include "delivery/provider_ref.h"
#include "delivery/receipt_wait.h"

#define WALK_MOST 1000    /* waiting receipts looked at again in one turn */
#define PRUNE_MS 60000    /* of real time */
#define TELL_MS 10000     /* of real time: between lines about receipts that fit nothing */
#define CONTACTS_MOST 200 /* who share one address */
#define STEPS_MOST 2000   /* of one channel within the days that count */
#define ADDRESS_BYTES_MAX 400

struct dispatch_receipts {
    struct dispatcher *d;
    struct provider_refs *refs;
    struct receipt_wait *wait;
    struct db_stmt *accept, *accept_delivered, *deliver, *settle, *state, *ref, *phone, *email,
        *steps, *open, *awaited;
    struct base_idmap *delivered; /* ids with a plain receipt in this turn -> event; may be NULL */
    bool folded;                  /* all numbers can be asked for */
    bool folding;                 /* a receipt asked before they could */
    bool walking;                 /* those that wait are looked at again */
    int64_t walked;               /* up to this one */
    int64_t prune_real_ms;
    size_t unfit; /* since the last line */
    int64_t told_real_ms;
};

/* --- life --- */

static int prepare(struct dispatch_receipts *r, struct db *db, struct base_err *err) {
    const struct {
        struct db_stmt **stmt;
        const char *sql;
    } all[] = {
        {&r->accept, "UPDATE message SET state = 4, reason = 0, ref = coalesce(?2, ref), detail = "
                     "?3 WHERE id = ?1 AND state = 3"},
        {&r->accept_delivered, "UPDATE message SET state = 5, reason = 0, ref = coalesce(?2, ref), "
                               "detail = ?3, settled_ms = ?4 - at WHERE id = ?1 AND state = 3"},
        {&r->deliver, "UPDATE message SET state = 5, reason = 0, detail = coalesce(?3, detail), "
                      "settled_ms = ?2 - at WHERE id = ?1 AND state IN (3, 4)"},
        {&r->settle, "UPDATE message SET state = ?2, reason = ?3, detail = coalesce(?4, detail), "
                     "settled_ms = ?5 - at WHERE id = ?1 AND state IN (3, 4, 7)"},
        {&r->state, "SELECT state FROM message WHERE id = ?1"},
        {&r->ref, "SELECT ref FROM message WHERE id = ?1"},
        {&r->phone, "SELECT id FROM contact WHERE phone = ?1 ORDER BY id LIMIT ?2"},
        {&r->email, "SELECT c.id FROM contact c WHERE " CONTACT_HAS_EMAIL(
                        "c", "?1") " ORDER BY c.id LIMIT ?2"},
        {&r->steps, "SELECT id FROM step WHERE channel_id = ?1 AND last_sent_at >= ?2 ORDER BY "
                    "id LIMIT ?3"},
        {&r->open, "SELECT id, state FROM message WHERE id BETWEEN ?1 AND ?2 AND state IN (3, 4, "
                   "7) AND at >= ?3"},
        {&r->awaited,
            "SELECT 1 FROM message WHERE id BETWEEN ?1 AND ?2 AND state = 4 AND at >= ?3 LIMIT 1"},
    };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof all / sizeof all[0]; i++) {
        rc = db_prepare(db, all[i].sql, all[i].stmt, err);
    }
    return rc;
}

int dispatch__receipts_new(struct dispatcher *d, struct base_err *err) {
    struct dispatch_receipts *r = base_alloc(sizeof *r);
    r->d = d;
    d->receipts = r;
    int rc = prepare(r, d->db, err);
    if (rc == 0) {
        rc = provider_refs_new(d->db, &r->refs, err);
    }
    if (rc == 0) {
        rc = receipt_wait_new(d->db, &r->wait, err);
    }
    if (rc == 0 && d->only_campaign == 0) {
        /* An earlier run may have ended before it had looked. */
        r->folding = r->walking = receipt_wait_count(r->wait) > 0;
        r->prune_real_ms = base_clock_real_ms() + PRUNE_MS;
    }
    return rc;
}

void dispatch__receipts_free(struct dispatcher *d) {
    struct dispatch_receipts *r = d->receipts;
    if (!r) {
        return;
    }
    struct db_stmt **all[] = {&r->accept, &r->accept_delivered, &r->deliver, &r->settle, &r->state,
        &r->ref, &r->phone, &r->email, &r->steps, &r->open, &r->awaited};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        db_finish(all[i]);
    }
    base_idmap_free(&r->delivered);
    receipt_wait_free(&r->wait);
    provider_refs_free(&r->refs);
    base_free(r);
    d->receipts = NULL;
}

void dispatch__receipts_forget(struct dispatcher *d) {
    struct dispatch_receipts *r = d->receipts;
    base_idmap_free(&r->delivered);
    provider_refs_forget(r->refs);
    receipt_wait_forget(r->wait);
    r->folded = false;
    if (r->folding || r->walking) {
        r->folding = r->walking = true;
        r->walked = 0;
    }
}

/* --- one message --- */

static struct str or_null(struct str text) {
    return text.bytes ? text : (struct str){0};
}

static int state_of(struct dispatch_receipts *r, int64_t id, int *state_out, struct base_err *err) {
    db_bind_i64(r->state, 1, id);
    int rc = db_step(r->state, err);
    *state_out = rc == 1 ? (int)db_column_i64(r->state, 0) : -1;
    db_reset(r->state);
    return rc < 0 ? rc : 0;
}

/* Arrived, and that is all there is to say: the row itself tells when. */
static int deliver(struct dispatch_receipts *r, int64_t id, struct str detail, int64_t now_ms,
    bool *changed_out, struct base_err *err) {
    db_bind_i64(r->deliver, 1, id);
    db_bind_i64(r->deliver, 2, now_ms);
    db_bind_str(r->deliver, 3, or_null(detail));
    int rc = db_run(r->deliver, err);
    *changed_out = rc == 0 && db_changes(r->d->db) > 0;
    return rc;
}

/* The end of a message that was not plain success, or is told of one that has ended already.
 * *known_out: there is such a message. */
static int settle(struct dispatch_receipts *r, int64_t id, const struct receipt *receipt,
    bool *known_out, struct base_err *err) {
    int state = receipt->kind == LANTOA_EVENT_DELIVERED ? MESSAGE_DELIVERED : MESSAGE_FAILED;
    int was;
    bool changed = false;
    int rc = state_of(r, id, &was, err);
    *known_out = was >= 0;
    if (rc != 0 || was < 0 || was == state) {
        return rc; /* said before */
    }
    db_bind_i64(r->settle, 1, id);
    db_bind_i64(r->settle, 2, state);
    db_bind_i64(r->settle, 3, receipt->reason);
    db_bind_str(r->settle, 4, or_null(receipt->detail));
    db_bind_i64(r->settle, 5, receipt->at_ms);
    rc = db_run(r->settle, err);
    changed = rc == 0 && db_changes(r->d->db) > 0;
    if (rc == 0) {
        rc = dispatch__attempt(
            r->d, id, receipt->at_ms, state, (int)receipt->reason, receipt->detail, err);
    }
    if (rc == 0 && changed && state == MESSAGE_FAILED && receipt->reason == LANTOA_REASON_ADDRESS) {
        rc = dispatch__suppress_address(r->d, id, receipt->at_ms, "invalid", "bounce", err);
    }
    return rc;
}

static int settle_known(struct dispatch_receipts *r, int64_t id, const struct receipt *receipt,
    bool *known_out, struct base_err *err) {
    *known_out = false;
    if (receipt->kind == LANTOA_EVENT_DELIVERED) {
        int rc = deliver(r, id, receipt->detail, receipt->at_ms, known_out, err);
        if (rc != 0 || *known_out) {
            return rc;
        }
    }
    return settle(r, id, receipt, known_out, err);
}

/* --- by address --- */

/* The address as contacts have it; empty when it cannot be one. */
static struct str tidy_address(
    const struct dispatch_channel *channel, struct str given, char *room, size_t room_bytes) {
    struct base_err unusable = {0};
    struct str text = str_trim(given);
    char phone[20];
    room[0] = '\0';
    if (channel->address == LANTOA_ADDRESS_ACCOUNT || channel->address == LANTOA_ADDRESS_PAGE) {
        return str_from(room); /* networks have numbers of their own */
    }
    if (text.bytes && memchr(text.at, '@', text.bytes)) {
        struct base_buf email;
        base_buf_init(&email, room_bytes - 1);
        if (channel->address != LANTOA_ADDRESS_PHONE &&
            contact_email(text, &email, &unusable) == 0 && base_buf_ok(&email)) {
            snprintf(room, room_bytes, "%s", base_buf_text(&email));
        }
        base_buf_release(&email);
    } else if (text.bytes && channel->address != LANTOA_ADDRESS_EMAIL &&
               contact_phone(text, phone, &unusable) == 0) {
        snprintf(room, room_bytes, "%s", phone);
    }
    return str_from(room);
}

struct ids {
    int64_t *at;
    size_t count, room;
};

static int read_ids(struct db_stmt *stmt, size_t most, struct ids *ids, struct base_err *err) {
    int rc;
    while ((rc = db_step(stmt, err)) == 1 && ids->count < most) {
        if (ids->count == ids->room) {
            ids->room = ids->room ? 2 * ids->room : 16;
            ids->at = base_realloc(ids->at, ids->room * sizeof *ids->at);
        }
        ids->at[ids->count++] = db_column_i64(stmt, 0);
    }
    db_reset(stmt);
    return rc < 0 ? rc : 0;
}

struct candidates {
    size_t count; /* messages that may be meant */
    int64_t uncertain;
};

static int look(struct dispatch_receipts *r, int64_t step, int64_t contact, int64_t since_ms,
    struct candidates *c, struct base_err *err) {
    int rc;
    db_bind_i64(r->open, 1, ledger_id(step, contact, 0));
    db_bind_i64(r->open, 2, ledger_id(step, contact, LEDGER_GENERATION_MAX));
    db_bind_i64(r->open, 3, since_ms);
    while ((rc = db_step(r->open, err)) == 1) {
        c->count++;
        c->uncertain = db_column_i64(r->open, 1) == MESSAGE_UNCERTAIN ? db_column_i64(r->open, 0)
                                                                      : c->uncertain;
    }
    return rc;
}

/* The one open message of this channel to this address, if that is an uncertain one. With two that
 * may be meant nothing is guessed. *id_out 0: none. */
static int find_by_address(struct dispatch_receipts *r, const struct receipt *receipt,
    int64_t *id_out, struct base_err *err) {
    struct db_stmt *by =
        memchr(receipt->address.at, '@', receipt->address.bytes) ? r->email : r->phone;
    struct ids contacts = {0};
    struct ids steps = {0};
    struct candidates found = {0};
    int64_t since_ms = receipt->at_ms - PROVIDER_REF_KEEP_MS;
    *id_out = 0;
    db_bind_str(by, 1, receipt->address);
    db_bind_i64(by, 2, CONTACTS_MOST);
    int rc = read_ids(by, CONTACTS_MOST, &contacts, err);
    if (rc == 0 && contacts.count) {
        db_bind_i64(r->steps, 1, receipt->channel_id);
        db_bind_i64(r->steps, 2, since_ms);
        db_bind_i64(r->steps, 3, STEPS_MOST);
        rc = read_ids(r->steps, STEPS_MOST, &steps, err);
    }
    for (size_t i = 0; rc == 0 && i < contacts.count; i++) {
        for (size_t k = 0; rc == 0 && k < steps.count; k++) {
            rc = look(r, steps.at[k], contacts.at[i], since_ms, &found, err);
        }
    }
    if (rc == 0 && found.count == 1 && contacts.count < CONTACTS_MOST && steps.count < STEPS_MOST) {
        *id_out = found.uncertain;
    }
    base_free(contacts.at);
    base_free(steps.at);
    return rc;
}

/* --- by number --- */

/* Whether what has arrived is all of the message. A receipt speaks of one part, unless it names the
 * whole reference. */
static int is_whole(struct dispatch_receipts *r, int64_t id, const struct receipt *receipt,
    bool *whole_out, struct base_err *err) {
    size_t parts = 1, arrived = 1;
    *whole_out = true;
    if (receipt->kind != LANTOA_EVENT_DELIVERED) {
        return 0;
    }
    db_bind_i64(r->ref, 1, id);
    int rc = db_step(r->ref, err);
    if (rc == 1) {
        struct str ref = db_column_str(r->ref, 0);
        parts = str_eq(ref, receipt->ref) ? 1 : provider_ref_parts(ref);
    }
    db_reset(r->ref);
    if (rc >= 0 && parts > 1) {
        rc = provider_refs_part(r->refs, id, receipt->ref_key, &arrived, err);
        *whole_out = arrived >= parts;
    }
    return rc < 0 ? rc : 0;
}

static int settle_by_number(struct dispatch_receipts *r, int64_t id, const struct receipt *receipt,
    bool *found_out, struct base_err *err) {
    bool whole;
    int rc = is_whole(r, id, receipt, &whole, err);
    *found_out = rc == 0 && !whole;
    return rc == 0 && whole ? settle_known(r, id, receipt, found_out, err) : rc;
}

/* Number first, then address. Called only while all numbers can be asked for. */
static int match(void *arg, const struct receipt *receipt, bool *found_out, struct base_err *err) {
    struct dispatch_receipts *r = arg;
    int64_t id = 0;
    int rc = 0;
    *found_out = false;
    if (receipt->ref_key) {
        rc = provider_refs_find(r->refs, receipt->ref_key, &id, err);
    }
    if (rc == 0 && id != 0) {
        return settle_by_number(r, id, receipt, found_out, err);
    }
    if (rc == 0 && receipt->address.bytes) {
        rc = find_by_address(r, receipt, &id, err);
    }
    return rc == 0 && id != 0 ? settle_known(r, id, receipt, found_out, err) : rc;
}

static int fold(struct dispatch_receipts *r, struct base_err *err) {
    bool more = false;
    int rc = provider_refs_fold(r->refs, &more, err);
    r->folded = rc == 0 && !more;
    return rc;
}

static int keep_waiting(
    struct dispatch_receipts *r, const struct receipt *receipt, struct base_err *err) {
    int64_t real_ms = base_clock_real_ms();
    int rc = receipt_wait_add(r->wait, receipt, err);
    if (rc == LANTOA_ELIMIT) {
        base_log(BASE_LOG_ERROR, "delivery",
            "a receipt was dropped: %d fit no message already; see: lantoa doctor",
            RECEIPT_WAIT_MOST);
        return 0;
    }
    r->unfit++;
    if (rc == 0 && r->folded && (r->told_real_ms == 0 || real_ms - r->told_real_ms >= TELL_MS)) {
        base_log(BASE_LOG_WARN, "delivery",
            "%zu receipts fit no message yet, the last has number \"" STR_FMT
            "\" and address \"" STR_FMT "\"; they are kept; see: lantoa doctor",
            r->unfit, STR_ARG(receipt->ref), STR_ARG(receipt->address));
        r->told_real_ms = real_ms;
        r->unfit = 0;
    }
    return rc;
}

static int take_unkeyed(
    struct dispatch_receipts *r, const struct receipt *receipt, struct base_err *err) {
    bool found = false;
    int rc = r->folded ? 0 : fold(r, err);
    if (rc == 0 && r->folded) {
        rc = match(r, receipt, &found, err);
    } else if (rc == 0) {
        r->folding = true;
    }
    return rc == 0 && !found && receipt->kind != LANTOA_EVENT_DELAYED
               ? keep_waiting(r, receipt, err)
               : rc;
}

/* --- what the recording calls --- */

static struct str text_of(const struct dispatch_channel *channel, size_t at, size_t bytes) {
    return str_of(channel->texts.at + at, bytes);
}

void dispatch__receipts_begin(struct dispatcher *d, struct dispatch_channel *channel) {
    struct dispatch_receipts *r = d->receipts;
    base_idmap_free(&r->delivered);
    for (size_t i = 0; i < channel->event_count; i++) {
        struct pending_event *event = &channel->events[i];
        struct str key = text_of(channel, event->key, event->key_bytes);
        event->recorded = false;
        event->id = 0;
        if (key.bytes && ledger_key_read(d->instance, key, &event->id) != 0) {
            base_log(BASE_LOG_WARN, "delivery", "an event has a key that is not ours");
        }
        if (event->id && event->kind == LANTOA_EVENT_DELIVERED && event->detail_bytes == 0 &&
            channel->result_count) {
            if (!r->delivered) {
                r->delivered = base_idmap_new(channel->event_count);
            }
            (void)base_idmap_add(r->delivered, (uint64_t)event->id, (uint32_t)i);
        }
    }
}

/* Its receipt came in the same turn: one write for both. *done_out: it was so. */
static int accept_delivered(struct dispatch_receipts *r, struct dispatch_channel *channel,
    int64_t id, struct str ref, struct str detail, int64_t now_ms, bool *done_out,
    struct base_err *err) {
    uint32_t at;
    if (!r->delivered || !base_idmap_find(r->delivered, (uint64_t)id, &at)) {
        return 0;
    }
    db_bind_i64(r->accept_delivered, 1, id);
    db_bind_str(r->accept_delivered, 2, or_null(ref));
    db_bind_str(r->accept_delivered, 3, or_null(detail));
    db_bind_i64(r->accept_delivered, 4, now_ms);
    int rc = db_run(r->accept_delivered, err);
    *done_out = rc == 0 && db_changes(r->d->db) > 0;
    channel->events[at].recorded = *done_out;
    return rc;
}

struct learned {
    struct dispatch_receipts *r;
    int64_t id;
};

static int settle_learned(
    void *arg, const struct receipt *receipt, bool *found_out, struct base_err *err) {
    const struct learned *learned = arg;
    return settle_by_number(learned->r, learned->id, receipt, found_out, err);
}

static int learn_number(struct dispatch_receipts *r, const struct dispatch_channel *channel,
    int64_t id, struct str number, struct base_err *err) {
    int64_t key = provider_ref_key(channel->id, number);
    struct learned learned = {r, id};
    provider_refs_add(r->refs, key, id);
    r->folded = false;
    if (!receipt_wait_has(r->wait, key)) {
        return 0;
    }
    /* Its receipt came first. */
    return receipt_wait_take(r->wait, key, settle_learned, &learned, err);
}

int dispatch__accept(struct dispatcher *d, struct dispatch_channel *channel, int64_t id,
    struct str ref, struct str detail, int64_t now_ms, struct base_err *err) {
    struct dispatch_receipts *r = d->receipts;
    bool done = false;
    int rc = accept_delivered(r, channel, id, ref, detail, now_ms, &done, err);
    if (rc != 0 || done) {
        return rc;
    }
    db_bind_i64(r->accept, 1, id);
    db_bind_str(r->accept, 2, or_null(ref));
    db_bind_str(r->accept, 3, or_null(detail));
    rc = db_run(r->accept, err);
    if (rc != 0 || !ref.bytes || !channel->receipts || db_changes(d->db) == 0) {
        return rc;
    }
    rc = learn_number(r, channel, id, ref, err);
    if (memchr(ref.at, ' ', ref.bytes)) { /* of its parts */
        struct str rest = ref;
        for (struct str word; rc == 0 && (word = provider_ref_next(&rest)).bytes;) {
            rc = learn_number(r, channel, id, word, err);
        }
    }
    return rc;
}

void dispatch__receipts_doubt(struct dispatcher *d) {
    struct dispatch_receipts *r = d->receipts;
    if (receipt_wait_count(r->wait) > 0) {
        r->folding = r->walking = true;
        r->walked = 0;
    }
}

int dispatch__receipts_flush(struct dispatcher *d, int64_t now_ms, struct base_err *err) {
    return provider_refs_flush(d->receipts->refs, now_ms, err);
}

int dispatch__receipt(struct dispatcher *d, const struct dispatch_channel *channel,
    const struct pending_event *event, int64_t now_ms, struct base_err *err) {
    struct dispatch_receipts *r = d->receipts;
    char address[ADDRESS_BYTES_MAX];
    struct str ref = text_of(channel, event->ref, event->ref_bytes);
    struct receipt receipt = {.channel_id = channel->id,
        .at_ms = now_ms,
        .kind = event->kind,
        .reason = event->kind == LANTOA_EVENT_DELIVERED ? LANTOA_REASON_NONE : event->reason,
        .ref = ref,
        .detail = text_of(channel, event->detail, event->detail_bytes)};
    bool known = false;
    if (event->kind == LANTOA_EVENT_DELAYED) {
        return event->id ? dispatch__attempt(d, event->id, now_ms, MESSAGE_ACCEPTED,
                               (int)event->reason, receipt.detail, err)
                         : 0;
    }
    if (event->id) {
        int rc = settle_known(r, event->id, &receipt, &known, err);
        if (rc != 0 || known) {
            return rc;
        }
    } else {
        receipt.ref_key = ref.bytes ? provider_ref_key(channel->id, ref) : 0;
        receipt.address = tidy_address(channel,
            text_of(channel, event->address, event->address_bytes), address, sizeof address);
    }
    if (ref.bytes == 0) { /* kept as evidence */
        receipt.ref = text_of(channel, event->key, event->key_bytes);
    }
    return take_unkeyed(r, &receipt, err);
}

/* --- once per turn --- */

static bool prune_due(const struct dispatch_receipts *r) {
    return r->prune_real_ms != 0 && base_clock_real_ms() >= r->prune_real_ms &&
           (provider_refs_any(r->refs) || receipt_wait_count(r->wait) > 0);
}

bool dispatch__receipts_due(const struct dispatcher *d) {
    return d->receipts->folding || d->receipts->walking || prune_due(d->receipts);
}

bool dispatch__receipts_busy(const struct dispatcher *d) {
    return d->receipts->folding || d->receipts->walking;
}

int dispatch__receipts_end(struct dispatcher *d, int64_t now_ms, struct base_err *err) {
    struct dispatch_receipts *r = d->receipts;
    int rc = 0;
    base_idmap_free(&r->delivered);
    if ((r->folding || r->walking) && !r->folded) {
        rc = fold(r, err);
    }
    if (rc == 0 && r->folding && r->folded) {
        r->folding = false;
        r->walking = receipt_wait_count(r->wait) > 0;
        r->walked = 0;
    }
    if (rc == 0 && r->walking && r->folded) {
        rc = receipt_wait_walk(r->wait, &r->walked, WALK_MOST, match, r, err);
        r->walking = r->walked != 0;
    }
    if (rc == 0 && prune_due(r)) {
        rc = provider_refs_prune(r->refs, now_ms, err);
        if (rc == 0) {
            rc = receipt_wait_prune(r->wait, now_ms - PROVIDER_REF_KEEP_MS, err);
        }
        r->prune_real_ms = base_clock_real_ms() + PRUNE_MS;
    }
    return rc;
}

/* --- what is still awaited --- */

static int step_awaits(struct dispatch_receipts *r, int64_t step, int64_t since_ms,
    bool *awaited_out, struct base_err *err) {
    db_bind_i64(r->awaited, 1, ledger_id(step, 0, 0));
    db_bind_i64(r->awaited, 2, ledger_id(step + 1, 0, 0) - 1);
    db_bind_i64(r->awaited, 3, since_ms);
    int rc = db_step(r->awaited, err);
    *awaited_out = rc == 1;
    db_reset(r->awaited);
    return rc < 0 ? rc : 0;
}

int dispatcher_awaits_receipts(
    struct dispatcher *d, int64_t since_ms, bool *awaited_out, struct base_err *err) {
    struct dispatch_receipts *r = d->receipts;
    int rc = 0;
    *awaited_out = false;
    for (size_t i = 0; rc == 0 && !*awaited_out && i < d->channel_count; i++) {
        struct ids steps = {0};
        if (!d->channels[i].receipts) {
            continue;
        }
        db_bind_i64(r->steps, 1, d->channels[i].id);
        db_bind_i64(r->steps, 2, since_ms);
        db_bind_i64(r->steps, 3, STEPS_MOST);
        rc = read_ids(r->steps, STEPS_MOST, &steps, err);
        for (size_t k = 0; rc == 0 && !*awaited_out && k < steps.count; k++) {
            rc = step_awaits(r, steps.at[k], since_ms, awaited_out, err);
        }
        base_free(steps.at);
    }
    return rc;
}
