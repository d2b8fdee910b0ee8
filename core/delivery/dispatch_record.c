/* What came back: results of messages, receipts and other events, and what a dead process left
 * behind. */
#include "audience/consent.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tr.h"
#include "delivery/airing.h"
#include "delivery/dispatch_private.h"
#include "delivery/figure.h"

#define THROTTLED_MS 1000

int dispatch__attempt(struct dispatcher *d, int64_t message_id, int64_t at_ms, int state,
    int reason, struct str detail, struct base_err *err) {
    db_bind_i64(d->attempt, 1, message_id);
    db_bind_i64(d->attempt, 2, at_ms);
    db_bind_i64(d->attempt, 3, state);
    db_bind_i64(d->attempt, 4, reason);
    db_bind_str(d->attempt, 5, detail.bytes ? detail : (struct str){0});
    return db_run(d->attempt, err);
}

struct record {
    int64_t id;
    int state, reason, tries_change;
    int64_t due_ms; /* 0: none */
    struct str ref, detail;
};

/* What the operator did not take is not charged. */
static int unbook(struct dispatcher *d, const struct record *r, struct base_err *err) {
    struct delivery_step *step = dispatch__step(d, ledger_step(r->id));
    if (r->state == MESSAGE_ACCEPTED || r->state == MESSAGE_UNCERTAIN || !step ||
        !delivery_step_books(step)) {
        return 0;
    }
    db_bind_i64(d->get, 1, r->id);
    int rc = db_step(d->get, err);
    if (rc == 1 && db_column_i64(d->get, 0) == MESSAGE_SENDING) {
        step->campaign->spent_minor -= db_column_i64(d->get, 2);
    }
    db_reset(d->get);
    return rc < 0 ? rc : 0;
}

static int write_record(struct dispatcher *d, const struct record *r, struct base_err *err) {
    int rc = unbook(d, r, err);
    if (rc != 0) {
        return rc;
    }
    db_bind_i64(d->record, 1, r->id);
    db_bind_i64(d->record, 2, r->state);
    db_bind_i64(d->record, 3, r->reason);
    if (r->due_ms) {
        db_bind_i64(d->record, 4, r->due_ms);
    } else {
        db_bind_null(d->record, 4);
    }
    db_bind_str(d->record, 5, r->ref.bytes ? r->ref : (struct str){0});
    db_bind_str(d->record, 6, r->detail.bytes ? r->detail : (struct str){0});
    db_bind_i64(d->record, 7, r->tries_change);
    return db_run(d->record, err);
}

static int tries_of(struct dispatcher *d, int64_t id, int *tries_out, struct base_err *err) {
    db_bind_i64(d->get, 1, id);
    int rc = db_step(d->get, err);
    *tries_out = rc == 1 ? (int)db_column_i64(d->get, 1) : 0;
    db_reset(d->get);
    return rc < 0 ? rc : 0;
}

static bool is_stopped(struct dispatcher *d, int64_t step_id, struct base_err *err, int *rc_out) {
    struct delivery_step *step = dispatch__step(d, step_id);
    if (step) {
        *rc_out = 0;
        return step->campaign->row.state == CAMPAIGN_STOPPED;
    }
    struct db_stmt *stmt = NULL;
    bool stopped = false;
    *rc_out = db_prepare(d->db,
        "SELECT g.state FROM step s JOIN campaign g ON g.id = s.campaign_id WHERE s.id = ?1", &stmt,
        err);
    if (*rc_out == 0) {
        db_bind_i64(stmt, 1, step_id);
        *rc_out = db_step(stmt, err);
        stopped = *rc_out == 1 && db_column_i64(stmt, 0) == CAMPAIGN_STOPPED;
        *rc_out = *rc_out < 0 ? *rc_out : 0;
    }
    db_finish(&stmt);
    return stopped;
}

static void note_due(struct dispatcher *d, int64_t step_id, int64_t due_ms) {
    struct delivery_step *step = dispatch__step(d, step_id);
    if (step && due_ms < step->next_due_ms) {
        step->next_due_ms = due_ms;
    }
}

int dispatch__suppress_address(struct dispatcher *d, int64_t message_id, int64_t now_ms,
    const char *reason, const char *source, struct base_err *err) {
    if (ledger_is_outlet(message_id)) {
        return 0; /* nobody's address */
    }
    struct delivery_step *step = dispatch__step(d, ledger_step(message_id));
    struct dispatch_channel *channel = step ? dispatch__channel(d, step->channel_id) : NULL;
    if (channel && channel->address == LANTOA_ADDRESS_ACCOUNT) {
        return 0; /* neither the phone nor the email is to blame */
    }
    db_bind_i64(d->contact, 1, ledger_recipient(message_id));
    int rc = db_step(d->contact, err);
    if (rc == 1) {
        struct str email = db_column_str(d->contact, 0);
        struct str phone = db_column_str(d->contact, 1);
        bool by_phone = channel ? channel->address == LANTOA_ADDRESS_PHONE : !email.bytes;
        struct str address = by_phone ? phone : email;
        rc = address.bytes ? suppression_add(d->db, by_phone ? "phone" : "email", address, reason,
                                 now_ms, source, err)
                           : 0;
    }
    db_reset(d->contact);
    return rc;
}

/* The operator asks us to go slower: that says nothing about the message, so it is no failed try.
 */
static int record_throttled(
    struct dispatcher *d, const struct pending_result *result, struct record *r, int64_t now_ms) {
    r->state = MESSAGE_PLANNED;
    r->tries_change = -1;
    r->due_ms = now_ms + (result->after_ms > 0 ? result->after_ms : THROTTLED_MS);
    note_due(d, ledger_step(r->id), r->due_ms);
    return 0;
}

int64_t dispatch__backoff(const struct dispatch_channel *channel, int tries) {
    int64_t wait = channel->retry_first_ms;
    for (int i = 1; i < tries && wait < channel->retry_longest_ms; i++) {
        wait *= 2;
    }
    return wait < channel->retry_longest_ms ? wait : channel->retry_longest_ms;
}

static int record_retry(struct dispatcher *d, struct dispatch_channel *channel,
    const struct pending_result *result, struct record *r, int64_t now_ms, struct base_err *err) {
    int tries;
    if (result->reason == LANTOA_REASON_THROTTLED) {
        return record_throttled(d, result, r, now_ms);
    }
    int rc = tries_of(d, r->id, &tries, err);
    if (rc != 0) {
        return rc;
    }
    /* A server that cannot be reached has refused nobody: those messages wait until they expire. */
    bool enough = tries >= channel->retry_tries && result->reason != LANTOA_REASON_UNREACHABLE;
    int64_t wait = dispatch__backoff(channel, tries);
    wait = result->after_ms > wait ? result->after_ms : wait;
    r->state = enough ? MESSAGE_FAILED : MESSAGE_PLANNED;
    r->due_ms = enough ? 0 : now_ms + wait;
    if (!enough) {
        note_due(d, ledger_step(r->id), r->due_ms);
    }
    return dispatch__attempt(d, r->id, now_ms, r->state, r->reason, r->detail, err);
}

static int record_unknown(struct dispatcher *d, struct dispatch_channel *channel, struct record *r,
    int64_t now_ms, struct base_err *err) {
    int reason = r->reason ? r->reason : UNCERTAIN_HOST_DIED;
    r->reason = reason;
    r->state = MESSAGE_UNCERTAIN;
    int rc = dispatch__attempt(d, r->id, now_ms, MESSAGE_UNCERTAIN, reason, r->detail, err);
    if (rc == 0 && channel->resend_unknown) {
        r->state = MESSAGE_PLANNED;
        r->due_ms = now_ms + 1;
        note_due(d, ledger_step(r->id), r->due_ms);
    }
    return rc;
}

static int record_not_sent(
    struct dispatcher *d, struct record *r, int64_t now_ms, struct base_err *err) {
    int rc;
    r->tries_change = -1;
    if (is_stopped(d, ledger_step(r->id), err, &rc)) {
        r->state = MESSAGE_SUPPRESSED;
        r->reason = SUPPRESSED_STOPPED;
    } else {
        r->state = MESSAGE_PLANNED;
        r->due_ms = now_ms + 1; /* not in this turn: its slot is free only after the commit */
        note_due(d, ledger_step(r->id), r->due_ms);
    }
    return rc;
}

static int record_result(struct dispatcher *d, struct dispatch_channel *channel,
    const struct pending_result *result, int64_t now_ms, struct base_err *err) {
    struct record r = {.id = (int64_t)result->id,
        .reason = (int)result->reason,
        .ref = str_of(channel->texts.at + result->ref, result->ref_bytes),
        .detail = str_of(channel->texts.at + result->detail, result->detail_bytes)};
    struct delivery_step *step = dispatch__step(d, ledger_step(r.id));
    int rc = 0;
    if (ledger_is_outlet(r.id)) {
        bool withdrawn;
        rc = dispatch__withdrawn(d, channel, result, now_ms, &withdrawn, err);
        if (rc != 0 || withdrawn) {
            return rc;
        }
    }
    switch (result->outcome) {
    case LANTOA_SENT:
        r.state = MESSAGE_ACCEPTED;
        rc = dispatch__accept(d, channel, r.id, r.ref, r.detail, now_ms, err);
        break;
    case LANTOA_REFUSED:
        r.state = MESSAGE_FAILED;
        rc = dispatch__attempt(d, r.id, now_ms, MESSAGE_FAILED, r.reason, r.detail, err);
        if (rc == 0 && result->reason == LANTOA_REASON_ADDRESS) {
            rc = dispatch__suppress_address(d, r.id, now_ms, "invalid", "refused", err);
        }
        break;
    case LANTOA_RETRY:
        rc = record_retry(d, channel, result, &r, now_ms, err);
        break;
    case LANTOA_UNKNOWN:
        rc = record_unknown(d, channel, &r, now_ms, err);
        break;
    case LANTOA_NOT_SENT:
        rc = record_not_sent(d, &r, now_ms, err);
        break;
    }
    if (rc == 0 && r.state != MESSAGE_ACCEPTED) {
        rc = write_record(d, &r, err);
    }
    if (r.state == MESSAGE_UNCERTAIN) {
        dispatch__receipts_doubt(d);
    }
    if (step && step->outstanding > 0) {
        step->outstanding--;
    }
    return rc;
}

/* --- events --- */

static struct str text_of(const struct dispatch_channel *channel, size_t at, size_t bytes) {
    return str_of(channel->texts.at + at, bytes);
}

static int opt_out(struct dispatcher *d, const struct dispatch_channel *channel,
    const struct pending_event *event, int64_t id, int64_t now_ms, struct base_err *err) {
    const char *source = event->kind == LANTOA_EVENT_COMPLAINT ? "complaint" : "reply";
    struct str address = text_of(channel, event->address, event->address_bytes);
    int rc = 0;
    if (id) {
        struct delivery_step *step = dispatch__step(d, ledger_step(id));
        struct consent_entry entry = {.contact_id = ledger_recipient(id),
            .channel = step ? step->manifest->kind : "*",
            .purpose = "*",
            .given = false,
            .at_ms = now_ms,
            .source = source};
        rc = consent_add(d->db, &entry, err);
        if (rc == 0) {
            rc = dispatch__suppress_address(d, id, now_ms, "opted_out", source, err);
        }
    } else if (address.bytes) {
        bool phone = channel->address == LANTOA_ADDRESS_PHONE;
        rc = suppression_add(
            d->db, phone ? "phone" : "email", address, "opted_out", now_ms, source, err);
        if (rc ==
            LANTOA_EINVAL) { /* what the plugin calls an address is none: nothing to suppress */
            base_log(BASE_LOG_WARN, "delivery", "opt-out without a usable address");
            rc = 0;
        }
    }
    return rc;
}

/* What a person said. It may have put messages into the ledger, which this connection's own writes
 * do not tell. */
static int take_inbound(struct dispatcher *d, const struct dispatch_channel *channel,
    const struct pending_event *event, int64_t id, int64_t now_ms, struct base_err *err) {
    const struct dispatcher_inbound inbound = {.channel_id = channel->id,
        .kind = event->kind,
        .message_id = id,
        .address = text_of(channel, event->address, event->address_bytes),
        .text = text_of(channel, event->detail, event->detail_bytes),
        .ref = text_of(channel, event->ref, event->ref_bytes),
        .now_ms = now_ms};
    d->must_reload = true;
    return d->inbound(d->inbound_arg, d->db, &inbound, err);
}

/* A refusal or a complaint stands in the history of the message it answers. */
static int note_answer(struct dispatcher *d, const struct dispatch_channel *channel,
    const struct pending_event *event, int64_t now_ms, struct base_err *err) {
    struct str detail = text_of(channel, event->detail, event->detail_bytes);
    return event->id ? dispatch__attempt(
                           d, event->id, now_ms, MESSAGE_ACCEPTED, (int)event->reason, detail, err)
                     : 0;
}

/* What a device says of an airing: how it ran. Nobody answers or refuses there. */
static int record_outlet_event(struct dispatcher *d, const struct dispatch_channel *channel,
    const struct pending_event *event, int64_t now_ms, struct base_err *err) {
    struct str detail = text_of(channel, event->detail, event->detail_bytes);
    if (event->kind != LANTOA_EVENT_DELIVERED && event->kind != LANTOA_EVENT_FAILED) {
        return note_answer(d, channel, event, now_ms, err);
    }
    int rc = event->recorded ? 0 : dispatch__receipt(d, channel, event, now_ms, err);
    if (rc == 0) {
        d->must_reload = true; /* it may have booked a repeat */
        rc = airing_as_run(d->db, event->id, event->kind, detail, now_ms, err);
    }
    return rc;
}

static int record_event(struct dispatcher *d, const struct dispatch_channel *channel,
    const struct pending_event *event, int64_t now_ms, struct base_err *err) {
    bool foreign = event->key_bytes && event->id == 0;
    int rc = 0;
    if (event->kind == LANTOA_EVENT_FIGURES) {
        struct str detail = text_of(channel, event->detail, event->detail_bytes);
        return event->id ? figure_take(d->db, event->id, detail, now_ms, err) : 0;
    }
    if (event->id && ledger_is_outlet(event->id) && !ledger_is_page(event->id)) {
        return record_outlet_event(d, channel, event, now_ms, err);
    }
    switch (event->kind) {
    case LANTOA_EVENT_FIGURES:
        break;
    case LANTOA_EVENT_DELIVERED:
    case LANTOA_EVENT_FAILED:
    case LANTOA_EVENT_DELAYED:
        return event->recorded ? 0 : dispatch__receipt(d, channel, event, now_ms, err);
    case LANTOA_EVENT_OPT_OUT:
        if (!foreign) {
            rc = d->inbound ? take_inbound(d, channel, event, event->id, now_ms, err)
                            : opt_out(d, channel, event, event->id, now_ms, err);
        }
        break;
    case LANTOA_EVENT_COMPLAINT:
        if (!foreign) {
            rc = opt_out(d, channel, event, event->id, now_ms, err);
            rc = rc == 0 && d->inbound ? take_inbound(d, channel, event, event->id, now_ms, err)
                                       : rc;
        }
        break;
    case LANTOA_EVENT_INBOUND:
        rc = d->inbound && !foreign ? take_inbound(d, channel, event, event->id, now_ms, err) : 0;
        break;
    }
    return rc == 0 ? note_answer(d, channel, event, now_ms, err) : rc;
}

/* What became of call-backs, in the transaction that records what the channel made of them. */
static int record_hooks(struct dispatcher *d, const struct dispatch_channel *channel,
    int64_t now_ms, struct base_err *err) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && d->hook_done && i < channel->hook_count; i++) {
        rc = d->hook_done(d->db, channel->hooks[i].id, channel->hooks[i].code, now_ms, err);
    }
    return rc;
}

int dispatch__record(
    struct dispatcher *d, struct dispatch_channel *channel, int64_t now_ms, struct base_err *err) {
    dispatch__receipts_begin(d, channel);
    for (size_t i = 0; i < channel->result_count; i++) {
        int rc = record_result(d, channel, &channel->results[i], now_ms, err);
        if (rc != 0) {
            return rc;
        }
        base_buf_add(&d->acks, &channel->results[i].id, sizeof channel->results[i].id);
    }
    int rc = dispatch__receipts_flush(d, now_ms, err);
    for (size_t i = 0; rc == 0 && i < channel->event_count; i++) {
        rc = record_event(d, channel, &channel->events[i], now_ms, err);
    }
    return rc == 0 ? record_hooks(d, channel, now_ms, err) : rc;
}

/* --- after a crash --- */

/* Rows still "sending" though the journal does not know them never reached the host: they are
 * planned again. After a power cut nobody can say that. */
int dispatch__recover(
    struct dispatcher *d, struct dispatch_channel *channel, int64_t now_ms, struct base_err *err) {
    struct db_stmt *steps = NULL;
    struct db_stmt *update = NULL;
    bool trusted = channel->recovery == RECOVERY_TRUSTED;
    int64_t count = 0;
    int rc = db_prepare(d->db,
        "SELECT s.id, g.state FROM step s JOIN campaign g ON g.id = s.campaign_id "
        "WHERE s.channel_id = ?1 AND s.state <> 3 AND g.state IN (3, 4, 6)",
        &steps, err);
    if (rc == 0) {
        rc = db_prepare(d->db,
            "UPDATE message SET state = ?3, reason = ?4, due_at = ?5 "
            "WHERE id BETWEEN ?1 AND ?2 AND state = 3",
            &update, err);
    }
    if (rc == 0) {
        db_bind_i64(steps, 1, channel->id);
        while ((rc = db_step(steps, err)) == 1) {
            int64_t step = db_column_i64(steps, 0);
            bool stopped = db_column_i64(steps, 1) == CAMPAIGN_STOPPED;
            db_bind_i64(update, 1, ledger_first(step));
            db_bind_i64(update, 2, ledger_last(step));
            db_bind_i64(update, 3,
                !trusted  ? MESSAGE_UNCERTAIN
                : stopped ? MESSAGE_SUPPRESSED
                          : MESSAGE_PLANNED);
            db_bind_i64(update, 4,
                !trusted  ? UNCERTAIN_HOST_DIED
                : stopped ? SUPPRESSED_STOPPED
                          : 0);
            if (trusted && !stopped) {
                db_bind_i64(update, 5, now_ms);
                note_due(d, step, now_ms);
            } else {
                db_bind_null(update, 5);
            }
            rc = db_run(update, err);
            if (rc != 0) {
                break;
            }
            count += db_changes(d->db);
        }
    }
    db_finish(&steps);
    db_finish(&update);
    if (rc == 0 && count) {
        base_log(BASE_LOG_WARN, "delivery", "%lld messages of an earlier run: %s", (long long)count,
            trusted ? "never began, planned again" : "uncertain");
    }
    return rc;
}
