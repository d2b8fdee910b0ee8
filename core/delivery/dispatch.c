/* The dispatcher's life and its turn. What runs, what goes out and what came back are in the three
 * files beside this one. */
#include "delivery/dispatch.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tr.h"
#include "delivery/dispatch_private.h"
#include "store/schema.h"

#define TEXTS_BYTES_MAX (size_t)(64 * 1024 * 1024)

/* --- statements --- */

static const char range_sql[] =
    "SELECT m.id, m.tries, m.due_at, p.state, p.at, p.due_at, p.reason, " CONTACT_COLUMNS
    ", " POLICY_COLUMNS("?8", "?9", "?5",
        "?6") " "
              "FROM message m LEFT JOIN contact c ON c.id = " LEDGER_RECIPIENT_SQL(
                  "m.id") " "
                          "LEFT JOIN message p ON p.id = m.id - ?4 "
                          "WHERE m.id >= ?1 AND m.id <= ?2 AND m.state IN (0, 1) AND "
                          "(m.due_at IS NULL OR m.due_at <= ?7) "
                          "ORDER BY m.id LIMIT ?3";

struct statement {
    struct db_stmt **stmt;
    const char *sql;
};

static int prepare_all(struct dispatcher *d, struct base_err *err) {
    const struct statement all[] = {
        {&d->range, range_sql},
        /* Nearly all rows have no due time of their own: no look at its index for them. */
        {&d->claim, "UPDATE message SET state = 3, reason = 0, tries = tries + 1, at = ?2, "
                    "units = ?3, minor = ?4 WHERE id >= ?1 AND id <= ?5 AND state IN (0, 1) AND "
                    "due_at IS NULL"},
        {&d->claim_due, "UPDATE message SET state = 3, reason = 0, tries = tries + 1, "
                        "due_at = NULL, at = ?2, units = ?3, minor = ?4 WHERE id = ?1"},
        {&d->hold, "UPDATE message SET state = 1, reason = ?2, due_at = ?3 WHERE id = ?1"},
        {&d->suppress, "UPDATE message SET state = ?2, reason = ?3, due_at = NULL, detail = ?4, at "
                       "= ?5 WHERE id = ?1"},
        {&d->due,
            "SELECT id FROM message WHERE (id >> 43) = ?1 AND due_at IS NOT NULL AND due_at <= ?2 "
            "ORDER BY due_at LIMIT ?3"},
        {&d->min_due,
            "SELECT min(due_at) FROM message WHERE (id >> 43) = ?1 AND due_at IS NOT NULL"},
        {&d->open_rows,
            "SELECT 1 FROM message WHERE id BETWEEN ?1 AND ?2 AND state IN (0, 1, 3) LIMIT 1"},
        {&d->gate_fresh, "UPDATE message SET state = 1, reason = ?4, due_at = ?3 "
                         "WHERE id BETWEEN ?1 AND ?2 AND state = 0 AND due_at IS NULL"},
        {&d->gate_due, "UPDATE message SET state = 1, reason = ?4, due_at = ?3 WHERE id IN (SELECT "
                       "id FROM message "
                       "WHERE (id >> 43) = ?1 AND due_at IS NOT NULL AND due_at <= ?2 LIMIT 5000)"},
        {&d->stranger, "SELECT address FROM message_text WHERE message_id = ?1"},
        {&d->next_row, "SELECT min(id) FROM message WHERE id > ?1 AND id <= ?2"},
        {&d->release, "UPDATE message SET due_at = ?2 WHERE (id >> 43) = ?1 AND due_at IS NOT NULL "
                      "AND due_at > ?2 AND state = 1 AND reason IN (?3, ?4)"},
        {&d->times, "UPDATE step SET state = ?2, start_at = ?3, first_sent_at = ?4, last_sent_at = "
                    "?5 WHERE id = ?1"},
        {&d->attempt, "INSERT INTO attempt (message_id, at, state, reason, detail) VALUES (?1, ?2, "
                      "?3, ?4, ?5)"},
        {&d->record,
            "UPDATE message SET state = ?2, reason = ?3, due_at = ?4, ref = coalesce(?5, "
            "ref), detail = ?6, "
            "tries = tries + ?7, units = CASE WHEN CAST(?2 AS SMALLINT) IN (4, 7) THEN units END, "
            "minor = "
            "CASE WHEN CAST(?2 AS SMALLINT) IN (4, 7) THEN minor END WHERE id = ?1 AND state = 3"},
        {&d->get, "SELECT state, tries, coalesce(minor, 0) FROM message WHERE id = ?1"},
        {&d->payment, dispatch__payment_sql},
        {&d->contact, "SELECT email, phone FROM contact WHERE id = ?1"},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        int rc = db_prepare(d->db, all[i].sql, all[i].stmt, err);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static void finish_all(struct dispatcher *d) {
    struct db_stmt **all[] = {&d->range, &d->claim, &d->claim_due, &d->hold, &d->suppress, &d->due,
        &d->min_due, &d->open_rows, &d->gate_fresh, &d->gate_due, &d->release, &d->stranger,
        &d->next_row, &d->times, &d->attempt, &d->record, &d->get, &d->payment, &d->contact};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        db_finish(all[i]);
    }
}

/* --- life --- */

int dispatcher_new(
    struct db *db, int64_t campaign_id, struct dispatcher **dispatcher_out, struct base_err *err) {
    struct dispatcher *d = base_alloc(sizeof *d);
    d->db = db;
    d->only_campaign = campaign_id;
    d->must_reload = true;
    base_buf_init(&d->acks, TEXTS_BYTES_MAX);
    int rc = ledger_instance(d->db, &d->instance, err);
    if (rc == 0) {
        rc = rules_load(db, &d->rules, err);
    }
    if (rc == 0) {
        rc = delivery_renderer_new(db, &d->renderer, err);
    }
    d->money = money_new(db, NULL, MONEY_PATIENT);
    if (rc == 0) {
        rc = policy_caps_new(db, &d->caps, err);
    }
    if (rc == 0) {
        rc = prepare_all(d, err);
    }
    if (rc == 0) {
        rc = dispatch__receipts_new(d, err);
    }
    if (rc != 0) {
        dispatcher_free(&d);
        return rc;
    }
    *dispatcher_out = d;
    return 0;
}

void dispatcher_free(struct dispatcher **dispatcher) {
    struct dispatcher *d = *dispatcher;
    if (!d) {
        return;
    }
    finish_all(d);
    dispatch__airings_finish(d);
    dispatch__receipts_free(d);
    for (size_t i = 0; i < d->channel_count; i++) {
        base_free(d->channels[i].results);
        base_free(d->channels[i].events);
        base_free(d->channels[i].hooks);
        base_buf_release(&d->channels[i].texts);
    }
    for (size_t i = 0; i < d->campaign_count; i++) {
        delivery_campaign_free(&d->campaigns[i]);
    }
    base_free(d->channels);
    base_free(d->campaigns);
    base_buf_release(&d->acks);
    policy_caps_free(&d->caps);
    money_free(&d->money);
    delivery_renderer_free(&d->renderer);
    base_hmac_free(&d->instance);
    rules_free(&d->rules);
    base_free(d);
    *dispatcher = NULL;
}

void dispatcher_data_dir(struct dispatcher *d, const char *data_dir) {
    money_free(&d->money);
    d->money = money_new(d->db, data_dir, d->only_campaign ? MONEY_PATIENT : MONEY_HURRIED);
}

struct delivery_step *dispatch__step(struct dispatcher *d, int64_t step_id) {
    for (size_t i = 0; i < d->campaign_count; i++) {
        struct delivery_step *step = delivery_campaign_step(d->campaigns[i], step_id);
        if (step) {
            return step;
        }
    }
    return NULL;
}

struct dispatch_channel *dispatch__channel(struct dispatcher *d, int64_t channel_id) {
    for (size_t i = 0; i < d->channel_count; i++) {
        if (d->channels[i].id == channel_id) {
            return &d->channels[i];
        }
    }
    return NULL;
}

void dispatcher_channel(struct dispatcher *d, int64_t channel_id, const struct channel_spec *spec,
    const struct channel_manifest *manifest, const struct delivery_port *port) {
    struct dispatch_channel *channel = dispatch__channel(d, channel_id);
    if (!channel) {
        d->channels = base_realloc(d->channels, (d->channel_count + 1) * sizeof *d->channels);
        channel = &d->channels[d->channel_count++];
        *channel = (struct dispatch_channel){.id = channel_id};
        base_buf_init(&channel->texts, TEXTS_BYTES_MAX);
    }
    channel->port = *port;
    channel->per_second = spec->per_second;
    channel->burst = spec->burst > 0 ? spec->burst : 1;
    channel->retry_tries = spec->retry_tries;
    channel->retry_first_ms = spec->retry_first_ms;
    channel->retry_longest_ms = spec->retry_longest_ms;
    channel->resend_unknown =
        spec->resend_uncertain || (manifest->capabilities & LANTOA_CAN_IDEMPOTENT);
    channel->address = manifest->address;
    channel->receipts = (manifest->capabilities & LANTOA_CAN_RECEIPT) != 0;
    channel->manifest = port->recall ? manifest : NULL;
    channel->withdraws = manifest->address == LANTOA_ADDRESS_OUTLET;
    channel->wait_ms = 0;
}

void dispatcher_recovered(struct dispatcher *d, int64_t channel_id, bool trusted) {
    struct dispatch_channel *channel = dispatch__channel(d, channel_id);
    if (channel && channel->recovery == RECOVERY_WAITING) {
        channel->recovery = trusted ? RECOVERY_TRUSTED : RECOVERY_UNTRUSTED;
    }
}

void dispatcher_reload(struct dispatcher *d) {
    d->must_reload = true;
}

/* --- what comes in --- */

static size_t keep(struct base_buf *texts, struct str text) {
    size_t at = texts->bytes;
    base_buf_add_str(texts, text);
    return at;
}

void dispatcher_results(
    struct dispatcher *d, int64_t channel_id, const struct channel_result *results, size_t count) {
    struct dispatch_channel *channel = dispatch__channel(d, channel_id);
    BASE_ASSERT(channel);
    if (channel->result_count + count > channel->result_room) {
        channel->result_room = 2 * (channel->result_count + count);
        channel->results =
            base_realloc(channel->results, channel->result_room * sizeof *channel->results);
    }
    for (size_t i = 0; i < count; i++) {
        const struct channel_result *r = &results[i];
        channel->results[channel->result_count++] = (struct pending_result){.id = r->id,
            .outcome = r->outcome,
            .reason = r->reason,
            .after_ms = r->after_ms,
            .ref = keep(&channel->texts, r->ref),
            .ref_bytes = r->ref.bytes,
            .detail = keep(&channel->texts, r->detail),
            .detail_bytes = r->detail.bytes};
    }
}

void dispatcher_events(
    struct dispatcher *d, int64_t channel_id, const struct channel_event *events, size_t count) {
    struct dispatch_channel *channel = dispatch__channel(d, channel_id);
    BASE_ASSERT(channel);
    if (channel->event_count + count > channel->event_room) {
        channel->event_room = 2 * (channel->event_count + count);
        channel->events =
            base_realloc(channel->events, channel->event_room * sizeof *channel->events);
    }
    for (size_t i = 0; i < count; i++) {
        const struct channel_event *e = &events[i];
        channel->events[channel->event_count++] = (struct pending_event){.token = e->token,
            .kind = e->kind,
            .reason = e->reason,
            .key = keep(&channel->texts, e->key),
            .key_bytes = e->key.bytes,
            .ref = keep(&channel->texts, e->ref),
            .ref_bytes = e->ref.bytes,
            .address = keep(&channel->texts, e->address),
            .address_bytes = e->address.bytes,
            .detail = keep(&channel->texts, e->detail),
            .detail_bytes = e->detail.bytes};
    }
}

void dispatcher_on_inbound(struct dispatcher *d, dispatcher_inbound_fn *fn, void *arg) {
    d->inbound = fn;
    d->inbound_arg = arg;
}

void dispatcher_on_hook_done(struct dispatcher *d, dispatcher_hook_done_fn *fn,
    void (*recorded)(void *arg, int64_t channel_id, int64_t id), void *arg) {
    d->hook_done = fn;
    d->hook_recorded = recorded;
    d->hook_arg = arg;
}

void dispatcher_hook(struct dispatcher *d, int64_t channel_id, int64_t id, int code) {
    struct dispatch_channel *channel = dispatch__channel(d, channel_id);
    BASE_ASSERT(channel);
    if (channel->hook_count == channel->hook_room) {
        channel->hook_room = channel->hook_room ? 2 * channel->hook_room : 64;
        channel->hooks = base_realloc(channel->hooks, channel->hook_room * sizeof *channel->hooks);
    }
    channel->hooks[channel->hook_count++] = (struct pending_hook){id, code};
}

size_t dispatcher_pending(const struct dispatcher *d) {
    size_t count = 0;
    for (size_t i = 0; i < d->channel_count; i++) {
        const struct dispatch_channel *channel = &d->channels[i];
        count += channel->result_count + channel->event_count + channel->hook_count;
    }
    return count;
}

/* --- the turn --- */

/* Tokens are spent in lots of a tenth of a second of real time, so that a paced channel does not
 * cost a transaction per message. */
static double lot_of(const struct dispatch_channel *channel) {
    int64_t speed = base_clock_speed();
    double lot = channel->per_second * (speed > 0 ? 0.1 * (double)speed : 1);
    return lot > 1 ? lot : 1;
}

static void refill(struct dispatch_channel *channel, int64_t now_ms) {
    if (channel->per_second <= 0) {
        channel->tokens = DISPATCH_BATCH;
        channel->wait_ms = 0;
        return;
    }
    if (channel->refilled_ms == 0 || now_ms < channel->refilled_ms) {
        channel->refilled_ms = now_ms;
        channel->tokens = (double)channel->burst;
    }
    /* A silence saves up nothing beyond the burst and a few lots. */
    double lot = lot_of(channel);
    double most = 3 * lot > (double)channel->burst ? 3 * lot : (double)channel->burst;
    channel->tokens += channel->per_second * (double)(now_ms - channel->refilled_ms) / 1000;
    channel->tokens = channel->tokens > most ? most : channel->tokens;
    channel->refilled_ms = now_ms;
    double ready = channel->spending ? 1 : lot;
    channel->wait_ms =
        channel->tokens >= ready
            ? 0
            : now_ms + 1 + (int64_t)((ready - channel->tokens) * 1000 / channel->per_second);
    channel->spending = channel->wait_ms == 0;
}

static bool channel_has_work(
    struct dispatcher *d, const struct dispatch_channel *channel, int64_t now_ms) {
    for (size_t i = 0; i < d->campaign_count; i++) {
        for (size_t k = 0; k < d->campaigns[i]->step_count; k++) {
            const struct delivery_step *step = &d->campaigns[i]->steps[k];
            if (step->channel_id == channel->id && dispatch__has_work(step, now_ms)) {
                return true;
            }
        }
    }
    return false;
}

static bool start_is_due(struct dispatcher *d, int64_t now_ms) {
    for (size_t i = 0; i < d->campaign_count; i++) {
        for (size_t k = 0; k < d->campaigns[i]->step_count; k++) {
            const struct delivery_step *step = &d->campaigns[i]->steps[k];
            if ((step->state == STEP_WAITING && dispatch__next_start(d, step) <= now_ms) ||
                dispatch__wave_look(step) <= now_ms) {
                return true;
            }
        }
    }
    return false;
}

/* Whether a turn would do anything: so that an idle dispatcher takes no write lock. */
static bool turn_needed(struct dispatcher *d, int64_t now_ms) {
    if (d->must_reload || dispatcher_pending(d) > 0 || start_is_due(d, now_ms) ||
        dispatch__receipts_due(d)) {
        return true;
    }
    for (size_t i = 0; i < d->channel_count; i++) {
        struct dispatch_channel *channel = &d->channels[i];
        if (channel->recovery == RECOVERY_TRUSTED || channel->recovery == RECOVERY_UNTRUSTED) {
            return true;
        }
        if (channel->recovery == RECOVERY_DONE && channel->withdraws && channel->port.recall &&
            channel->port.room(channel->port.arg) > 0) {
            return true;
        }
        if (channel->recovery == RECOVERY_DONE && channel_has_work(d, channel, now_ms)) {
            refill(channel, now_ms);
            channel->full = channel->port.room(channel->port.arg) == 0;
            if (!channel->full && channel->wait_ms == 0) {
                return true;
            }
        }
    }
    return false;
}

/* What was given back is not spent. */
static int count_spent(struct dispatcher *d, struct base_err *err) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < d->campaign_count; i++) {
        rc = delivery_campaign_spent(d->db, d->campaigns[i], err);
    }
    return rc;
}

static int work(struct dispatcher *d, int64_t now_ms, struct base_err *err) {
    int64_t version;
    money_turn(d->money);
    int rc = db_data_version(d->db, &version, err);
    if (rc == 0 && (d->must_reload || version != d->data_version || now_ms >= d->rules_until_ms)) {
        rc = dispatch__reload(d, now_ms, err);
        d->data_version = version;
        d->must_reload = rc != 0;
        for (size_t i = 0; i < d->channel_count; i++) {
            d->channels[i].withdraws = d->channels[i].address == LANTOA_ADDRESS_OUTLET;
        }
    }
    for (size_t i = 0; rc == 0 && i < d->channel_count; i++) {
        struct dispatch_channel *channel = &d->channels[i];
        rc = dispatch__record(d, channel, now_ms, err);
        if (rc == 0 &&
            (channel->recovery == RECOVERY_TRUSTED || channel->recovery == RECOVERY_UNTRUSTED)) {
            rc = dispatch__recover(d, channel, now_ms, err);
            rc = rc == 0 ? dispatch__withdraw_recover(d, channel, err) : rc;
            rc = rc == 0 ? count_spent(d, err) : rc;
        }
        if (rc == 0 && channel->recovery != RECOVERY_WAITING) {
            rc = dispatch__withdraw(d, channel, err);
        }
    }
    if (rc == 0) {
        rc = dispatch__receipts_end(d, now_ms, err);
    }
    if (rc == 0) {
        rc = dispatch__advance(d, now_ms, err);
    }
    if (rc == 0) {
        rc = dispatch__waves(d, now_ms, err);
    }
    for (size_t i = 0; rc == 0 && i < d->channel_count; i++) {
        struct dispatch_channel *channel = &d->channels[i];
        bool ready = channel->recovery != RECOVERY_WAITING && channel_has_work(d, channel, now_ms);
        refill(channel, now_ms);
        channel->full = ready && channel->port.room(channel->port.arg) == 0;
        if (ready && !channel->full && channel->wait_ms == 0) {
            rc = dispatch__claim(d, channel, now_ms, err);
        }
    }
    return rc == 0 ? dispatch__finish(d, now_ms, err) : rc;
}

static void after_commit(struct dispatcher *d) {
    const uint64_t *ids = (const uint64_t *)(const void *)d->acks.at;
    size_t at = 0;
    for (size_t i = 0; i < d->channel_count; i++) {
        struct dispatch_channel *channel = &d->channels[i];
        if (channel->result_count) {
            channel->port.ack(channel->port.arg, ids + at, channel->result_count);
            at += channel->result_count;
        }
        for (size_t k = 0; k < channel->event_count; k++) {
            channel->port.event_done(channel->port.arg, channel->events[k].token);
        }
        for (size_t k = 0; k < channel->hook_count && d->hook_recorded; k++) {
            d->hook_recorded(d->hook_arg, channel->id, channel->hooks[k].id);
        }
        channel->result_count = channel->event_count = channel->hook_count = 0;
        base_buf_clear(&channel->texts);
        if (channel->recovery != RECOVERY_WAITING) {
            channel->recovery = RECOVERY_DONE;
        }
        if (channel->put) {
            channel->tokens -= (double)channel->put;
            channel->put = 0;
            channel->port.flush(channel->port.arg);
        }
    }
    for (size_t i = 0; i < d->campaign_count; i++) {
        for (size_t k = 0; k < d->campaigns[i]->step_count; k++) {
            d->campaigns[i]->steps[k].outstanding_committed = d->campaigns[i]->steps[k].outstanding;
        }
    }
    base_buf_clear(&d->acks);
}

/* What the failed transaction changed in memory is read from the database again. */
static void after_rollback(struct dispatcher *d) {
    for (size_t i = 0; i < d->channel_count; i++) {
        d->channels[i].put = 0;
        d->channels[i].port.discard(d->channels[i].port.arg);
    }
    for (size_t i = 0; i < d->campaign_count; i++) {
        for (size_t k = 0; k < d->campaigns[i]->step_count; k++) {
            struct delivery_step *step = &d->campaigns[i]->steps[k];
            step->outstanding = step->outstanding_committed;
        }
        d->campaigns[i]->stale = true;
    }
    base_buf_clear(&d->acks);
    dispatch__receipts_forget(d);
    d->must_reload = true;
}

static int64_t next_time(struct dispatcher *d, int64_t now_ms) {
    int64_t next = dispatch__receipts_busy(d) ? now_ms : INT64_MAX;
    for (size_t i = 0; i < d->campaign_count; i++) {
        for (size_t k = 0; k < d->campaigns[i]->step_count; k++) {
            const struct delivery_step *step = &d->campaigns[i]->steps[k];
            struct dispatch_channel *channel = dispatch__channel(d, step->channel_id);
            int64_t at = INT64_MAX;
            if (step->state == STEP_WAITING) {
                at = dispatch__next_start(d, step);
            } else if (step->state == STEP_RUNNING && channel &&
                       channel->recovery == RECOVERY_DONE) {
                if (dispatch__has_work(step, now_ms)) {
                    at = channel->full ? INT64_MAX : channel->wait_ms;
                } else if (dispatch__wave_waits(step)) {
                    int64_t look = dispatch__wave_look(step);
                    at = look < step->next_due_ms ? look : step->next_due_ms;
                } else if (step->swept) {
                    at = step->next_due_ms;
                } else {
                    at = step->pause_ms < step->next_due_ms ? step->pause_ms : step->next_due_ms;
                }
            }
            next = at < next ? at : next;
        }
    }
    return next;
}

int dispatcher_turn(struct dispatcher *d, int64_t *next_ms_out, struct base_err *err) {
    int64_t now_ms = base_clock_now_ms();
    int64_t version;
    int rc = db_data_version(d->db, &version, err);
    if (rc == 0 && version != d->data_version) {
        d->must_reload = true;
    }
    if (rc == 0 && turn_needed(d, now_ms)) {
        rc = db_begin(d->db, err);
        if (rc != 0) {
            return rc;
        }
        rc = work(d, now_ms, err);
        if (rc == 0) {
            rc = db_commit(d->db, err);
        } else {
            db_rollback(d->db);
        }
        if (rc != 0) {
            after_rollback(d);
            return rc;
        }
        after_commit(d);
    }
    d->last_turn_ms = now_ms;
    *next_ms_out = next_time(d, now_ms);
    return rc;
}

void dispatcher_status(const struct dispatcher *d, struct dispatcher_status *status_out) {
    *status_out = (struct dispatcher_status){.next_ms = INT64_MAX};
    for (size_t i = 0; i < d->campaign_count; i++) {
        const struct delivery_campaign *campaign = d->campaigns[i];
        status_out->running += campaign->row.state == CAMPAIGN_RUNNING;
        for (size_t k = 0; k < campaign->step_count; k++) {
            const struct delivery_step *step = &campaign->steps[k];
            status_out->outstanding += step->outstanding;
            int64_t at = step->state == STEP_WAITING   ? dispatch__next_start(d, step)
                         : step->state == STEP_RUNNING ? step->next_due_ms
                                                       : INT64_MAX;
            int64_t look = dispatch__wave_look(step);
            at = look < at ? look : at;
            if (step->state == STEP_RUNNING && dispatch__has_work(step, base_clock_now_ms())) {
                at = base_clock_now_ms();
            }
            status_out->next_ms = at < status_out->next_ms ? at : status_out->next_ms;
        }
    }
    for (size_t i = 0; i < d->channel_count; i++) {
        status_out->blocked = status_out->blocked || d->channels[i].full;
    }
}
