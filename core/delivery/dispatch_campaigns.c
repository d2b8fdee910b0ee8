/* Which campaigns and steps run: taking up what people changed, opening steps that are due, closing
 * what is through. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tr.h"
#include "delivery/dispatch_private.h"

/* A fast clock must not make a slow start of the program a missed start of the campaign. */
#define MISSED_REAL_MS (INT64_C(10) * 1000)

/* --- reload --- */

static struct delivery_campaign *loaded(struct dispatcher *d, int64_t id) {
    for (size_t i = 0; i < d->campaign_count; i++) {
        if (d->campaigns[i]->id == id) {
            return d->campaigns[i];
        }
    }
    return NULL;
}

static size_t outstanding(const struct delivery_campaign *campaign) {
    size_t count = 0;
    for (size_t i = 0; i < campaign->step_count; i++) {
        count += campaign->steps[i].outstanding;
    }
    return count;
}

void dispatch__cancel(struct dispatcher *d, struct delivery_campaign *campaign) {
    for (size_t i = 0; i < campaign->step_count; i++) {
        struct dispatch_channel *channel = dispatch__channel(d, campaign->steps[i].channel_id);
        if (channel && (campaign->steps[i].outstanding || campaign->steps[i].spec->airings.on)) {
            channel->port.cancel(channel->port.arg, campaign->steps[i].ref);
        }
    }
}

int dispatch__pause(struct dispatcher *d, struct delivery_campaign *campaign, const char *reason,
    struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(
        d->db, "UPDATE campaign SET state = 4, wait_reason = ?2 WHERE id = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, campaign->id);
        db_bind_text(stmt, 2, reason);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    if (rc == 0) {
        rc = audit_add(d->db, "lantoa", "pause", campaign->row.name, reason, err);
    }
    if (rc == 0) {
        campaign->row.state = CAMPAIGN_PAUSED;
        campaign->watched = false;
        dispatch__cancel(d, campaign);
        base_log(BASE_LOG_WARN, "delivery", "campaign %s waits: %s", campaign->row.name, reason);
    }
    return rc;
}

/* Reads again what people may have changed about a loaded campaign. */
static int refresh(struct dispatcher *d, struct delivery_campaign *campaign,
    enum campaign_state state, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    bool ran = campaign->row.state == CAMPAIGN_RUNNING;
    campaign->row.state = state;
    if (ran && state != CAMPAIGN_RUNNING) {
        campaign->watched = false;
        dispatch__cancel(d, campaign);
    }
    int rc = db_prepare(
        d->db, "SELECT id, state, start_at FROM step WHERE campaign_id = ?1", &stmt, err);
    if (rc != 0) {
        return rc;
    }
    db_bind_i64(stmt, 1, campaign->id);
    while ((rc = db_step(stmt, err)) == 1) {
        struct delivery_step *step = delivery_campaign_step(campaign, db_column_i64(stmt, 0));
        if (step) {
            step->state = (enum step_state)db_column_i64(stmt, 1);
            step->start_ms = db_column_i64(stmt, 2);
            step->next_due_ms = 0;
        }
    }
    db_finish(&stmt);
    return rc;
}

static int hold_unreadable(struct dispatcher *d, int64_t id, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    struct base_err why = *err;
    base_log(BASE_LOG_ERROR, "delivery", "%s", why.text);
    *err = (struct base_err){0};
    int rc = db_prepare(d->db,
        "UPDATE campaign SET state = 4, wait_reason = ?2 WHERE id = ?1 AND state = 3", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, id);
        db_bind_text(stmt, 2, why.text);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

/* Loads a campaign, or loads it anew after a failed transaction, keeping what is out at the
 * channels. */
static int load(struct dispatcher *d, int64_t id, struct base_err *err) {
    struct delivery_campaign *campaign = NULL;
    int rc = delivery_campaign_load(d->db, id, d->rules, &campaign, err);
    if (rc == LANTOA_EINVAL || rc == LANTOA_ENOENT) {
        /* One campaign that no longer fits must not stop the others; a person is told why. */
        return hold_unreadable(d, id, err);
    }
    if (rc != 0) {
        return rc;
    }
    campaign->listed = true;
    for (size_t i = 0; i < d->campaign_count; i++) {
        if (d->campaigns[i]->id == id) {
            for (size_t k = 0; k < campaign->step_count; k++) {
                struct delivery_step *old =
                    delivery_campaign_step(d->campaigns[i], campaign->steps[k].id);
                campaign->steps[k].outstanding = old ? old->outstanding : 0;
                campaign->steps[k].outstanding_committed = campaign->steps[k].outstanding;
            }
            campaign->watched = d->campaigns[i]->watched;
            delivery_campaign_free(&d->campaigns[i]);
            d->campaigns[i] = campaign;
            return 0;
        }
    }
    d->campaigns =
        base_realloc(d->campaigns, (d->campaign_count + 1) * sizeof(struct delivery_campaign *));
    d->campaigns[d->campaign_count++] = campaign;
    return 0;
}

static int reload_rules(struct dispatcher *d, int64_t now_ms, struct base_err *err) {
    struct rules *rules = NULL;
    int rc = rules_load(d->db, &rules, err);
    if (rc != 0) {
        return rc;
    }
    for (size_t i = 0; i < d->campaign_count; i++) {
        for (size_t k = 0; k < d->campaigns[i]->step_count; k++) {
            struct delivery_step *step = &d->campaigns[i]->steps[k];
            const struct rule *rule = delivery_step_rule(step, rules, now_ms);
            /* Its texts are compiled into the step, and what forbids it may be gone. */
            d->campaigns[i]->stale |= !rules_same_texts(step->rule, rule) || step->forbidden;
            step->release |= !d->rules || d->rules->dnc_day != rules->dnc_day;
            step->rule = rule;
        }
    }
    rules_free(&d->rules);
    d->rules = rules;
    d->rules_until_ms = rules_change_at(rules, now_ms);
    return 0;
}

struct listed_campaign {
    int64_t id;
    enum campaign_state state;
};

static int list(struct dispatcher *d, struct listed_campaign **list_out, size_t *count_out,
    struct base_err *err) {
    struct db_stmt *stmt = NULL;
    struct listed_campaign *campaigns = NULL;
    size_t count = 0;
    size_t room = 0;
    int rc = db_prepare(d->db,
        "SELECT id, state FROM campaign WHERE state IN (3, 4, 6) AND (?1 = 0 OR id = ?1) ORDER BY "
        "id",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, d->only_campaign);
        while ((rc = db_step(stmt, err)) == 1) {
            if (count == room) {
                room = room ? 2 * room : 16;
                campaigns = base_realloc(campaigns, room * sizeof *campaigns);
            }
            campaigns[count++] = (struct listed_campaign){
                db_column_i64(stmt, 0), (enum campaign_state)db_column_i64(stmt, 1)};
        }
    }
    db_finish(&stmt);
    *list_out = campaigns;
    *count_out = count;
    return rc;
}

int dispatch__reload(struct dispatcher *d, int64_t now_ms, struct base_err *err) {
    struct listed_campaign *campaigns = NULL;
    size_t count = 0;
    int rc = reload_rules(d, now_ms, err);
    if (rc == 0) {
        rc = money_reload(d->money, err);
    }
    if (rc == 0) {
        rc = list(d, &campaigns, &count, err);
    }
    for (size_t i = 0; i < d->campaign_count; i++) {
        d->campaigns[i]->listed = false;
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct delivery_campaign *campaign = loaded(d, campaigns[i].id);
        if (campaign && !campaign->stale) {
            campaign->listed = true;
            rc = refresh(d, campaign, campaigns[i].state, err);
        } else if (campaign || campaigns[i].state != CAMPAIGN_STOPPED) {
            rc = load(d, campaigns[i].id, err);
        }
    }
    base_free(campaigns);
    for (size_t i = d->campaign_count; rc == 0 && i-- > 0;) {
        struct delivery_campaign *campaign = d->campaigns[i];
        if (outstanding(campaign) == 0 &&
            (!campaign->listed || campaign->row.state == CAMPAIGN_STOPPED)) {
            delivery_campaign_free(&d->campaigns[i]);
            d->campaigns[i] = d->campaigns[--d->campaign_count];
        }
    }
    return rc;
}

/* --- opening steps --- */

int64_t dispatch__next_start(const struct dispatcher *d, const struct delivery_step *step) {
    const struct delivery_campaign *campaign = step->campaign;
    (void)d;
    if (campaign->row.state != CAMPAIGN_RUNNING) {
        return INT64_MAX;
    }
    if (step->after_id) {
        for (size_t i = 0; i < campaign->step_count; i++) {
            const struct delivery_step *before = &campaign->steps[i];
            if (before->id != step->after_id) {
                continue;
            }
            if (step->spec->when.fallback_count) {
                return before->state == STEP_RUNNING || before->state == STEP_DONE ? 0 : INT64_MAX;
            }
            if (before->first_sent_ms) {
                return calendar_add(campaign->zone, before->first_sent_ms, step->spec->when.delay);
            }
            return before->state == STEP_DONE || before->state == STEP_STOPPED ? 0 : INT64_MAX;
        }
        return INT64_MAX;
    }
    if (step->spec->airings.on && step->spec->airings.priority != CAMPAIGN_AIRING_EMERGENCY) {
        return 1; /* airings are handed out ahead; each waits for its own time */
    }
    return step->start_ms ? step->start_ms : campaign->open_ms;
}

int dispatch__step_number(struct dispatcher *d, const struct delivery_step *step, const char *sql,
    int64_t *number_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(d->db, sql, &stmt, err);
    *number_out = 0;
    if (rc == 0) {
        db_bind_i64(stmt, 1, ledger_first(step->id));
        db_bind_i64(stmt, 2, ledger_last(step->id));
        rc = db_step(stmt, err);
        *number_out = rc == 1 ? db_column_i64(stmt, 0) : 0;
    }
    db_finish(&stmt);
    return rc < 0 ? rc : 0;
}

int dispatch__times(struct dispatcher *d, const struct delivery_step *step, struct base_err *err) {
    db_bind_i64(d->times, 1, step->id);
    db_bind_i64(d->times, 2, step->state);
    if (step->start_ms) {
        db_bind_i64(d->times, 3, step->start_ms);
    } else {
        db_bind_null(d->times, 3);
    }
    if (step->first_sent_ms) {
        db_bind_i64(d->times, 4, step->first_sent_ms);
        db_bind_i64(d->times, 5, step->last_sent_ms);
    } else {
        db_bind_null(d->times, 4);
        db_bind_null(d->times, 5);
    }
    return db_run(d->times, err);
}

/* The step was due while nobody watched: a person decides. */
static int miss(
    struct dispatcher *d, struct delivery_step *step, int64_t start_ms, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    struct delivery_campaign *campaign = step->campaign;
    char when[BASE_ISO_MAX];
    base_format_iso(start_ms, calendar_offset_min(campaign->zone, start_ms), when);
    char *reason =
        base_printf(TR("step %s was due at %s and missed its start by more than 2 hours"),
            step->spec->name, when);
    step->state = STEP_MISSED;
    campaign->row.state = CAMPAIGN_PAUSED;
    int rc = dispatch__times(d, step, err);
    if (rc == 0) {
        rc = db_prepare(
            d->db, "UPDATE campaign SET state = 4, wait_reason = ?2 WHERE id = ?1", &stmt, err);
    }
    if (rc == 0) {
        db_bind_i64(stmt, 1, campaign->id);
        db_bind_text(stmt, 2, reason);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    base_log(BASE_LOG_WARN, "delivery", "campaign %s waits: %s", campaign->row.name, reason);
    base_free(reason);
    return rc;
}

static bool too_late(int64_t late_ms) {
    return late_ms > DELIVERY_MISSED_MS && late_ms > MISSED_REAL_MS * base_clock_speed();
}

static int open_step(
    struct dispatcher *d, struct delivery_step *step, int64_t now_ms, struct base_err *err) {
    int64_t start = dispatch__next_start(d, step);
    if (step->state != STEP_WAITING || start > now_ms) {
        return 0;
    }
    if (!step->campaign->watched && step->start_ms && step->after_id == 0 &&
        !step->spec->airings.on && too_late(now_ms - start)) {
        return miss(d, step, start, err);
    }
    step->state = STEP_RUNNING;
    if (step->start_ms == 0) {
        step->start_ms = start > 0 && step->after_id ? start : now_ms;
    }
    base_log(BASE_LOG_INFO, "delivery", "campaign %s: step %s begins", step->campaign->row.name,
        step->spec->name);
    int rc = dispatch__wave_begin(d, step, err);
    return rc == 0 ? dispatch__times(d, step, err) : rc;
}

int dispatch__advance(struct dispatcher *d, int64_t now_ms, struct base_err *err) {
    for (size_t i = 0; i < d->campaign_count; i++) {
        struct delivery_campaign *campaign = d->campaigns[i];
        for (size_t k = 0; k < campaign->step_count && campaign->row.state == CAMPAIGN_RUNNING;
             k++) {
            int rc = open_step(d, &campaign->steps[k], now_ms, err);
            if (rc != 0) {
                return rc;
            }
        }
        campaign->watched = campaign->row.state == CAMPAIGN_RUNNING;
    }
    return 0;
}

/* --- closing --- */

static int finish_step(
    struct dispatcher *d, struct delivery_step *step, int64_t now_ms, struct base_err *err) {
    int64_t until_ms = 0;
    if (step->state != STEP_RUNNING || !step->swept || step->next_due_ms != INT64_MAX ||
        step->outstanding != 0) {
        return 0;
    }
    db_bind_i64(d->open_rows, 1, ledger_first(step->id));
    db_bind_i64(d->open_rows, 2, ledger_last(step->id));
    int rc = db_step(d->open_rows, err);
    db_reset(d->open_rows);
    if (rc < 0) {
        return rc;
    }
    if (rc == 1) { /* somebody added or freed rows behind our back: look through the step again */
        step->swept = step->spec->airings.on;
        step->cursor = ledger_first(step->id) - 1;
        step->next_due_ms = 0;
        return 0;
    }
    if (step->spec->airings.on) { /* what devices have and have not begun can be taken back */
        rc = dispatch__airings_until(d, step, &until_ms, err);
        if (rc != 0 || until_ms > now_ms) {
            step->next_due_ms = until_ms;
            return rc;
        }
    }
    step->state = STEP_DONE;
    base_log(BASE_LOG_INFO, "delivery", "campaign %s: step %s is through", step->campaign->row.name,
        step->spec->name);
    return dispatch__times(d, step, err);
}

static int finish_campaign(struct dispatcher *d, struct delivery_campaign *campaign, int64_t now_ms,
    struct base_err *err) {
    struct db_stmt *stmt = NULL;
    for (size_t i = 0; i < campaign->step_count; i++) {
        if (campaign->steps[i].state != STEP_DONE && campaign->steps[i].state != STEP_STOPPED) {
            return 0;
        }
    }
    int rc =
        db_prepare(d->db, "UPDATE campaign SET state = 5, ended_at = ?2 WHERE id = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, campaign->id);
        db_bind_i64(stmt, 2, now_ms);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    campaign->row.state = CAMPAIGN_DONE;
    base_log(BASE_LOG_INFO, "delivery", "campaign %s is done", campaign->row.name);
    return rc;
}

int dispatch__finish(struct dispatcher *d, int64_t now_ms, struct base_err *err) {
    for (size_t i = 0; i < d->campaign_count; i++) {
        struct delivery_campaign *campaign = d->campaigns[i];
        int rc = 0;
        for (size_t k = 0;
             rc == 0 && k < campaign->step_count && campaign->row.state == CAMPAIGN_RUNNING; k++) {
            rc = finish_step(d, &campaign->steps[k], now_ms, err);
        }
        if (rc == 0 && campaign->row.state == CAMPAIGN_RUNNING) {
            rc = finish_campaign(d, campaign, now_ms, err);
        }
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}
