/* What goes out: picks rows of the ledger, asks the policy at the last moment, renders, and marks
 * them as sending. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tr.h"
#include "delivery/dispatch_private.h"

/* Ids looked through in one go, so that a step that is nearly through does not hold up the turn. */
#define SCAN_RECIPIENTS 20000
/* A row that follows an earlier step and is due within this time stops the cursor; a later one is
 * put aside by itself. */
#define PAUSE_MS (INT64_C(10) * 60 * 1000)

/* Rows that the rules hold are looked at again after this time, or when the rules change. */
#define GATE_LOOK_MS (INT64_C(6) * 60 * 60 * 1000)

/* How long a message waits for money that operators may still give back. */
#define MONEY_LOOK_MS 200

/* How long a message waits for a plugin that has not told its price yet. */
#define PRICE_LOOK_MS 20

enum verdict { VERDICT_SENT, VERDICT_ASIDE, VERDICT_STOP };

struct candidate {
    int64_t id;
    int tries;
    int64_t due_ms;                 /* 0: none of its own */
    struct dispatch_earlier before; /* the same person's row in the step before */
    struct policy_person person;
};

struct claimer {
    struct dispatcher *d;
    struct dispatch_channel *channel;
    struct delivery_step *step;
    int64_t now_ms;
    size_t quota;   /* messages that may still go out */
    bool told;      /* the port knows the step */
    bool by_cursor; /* the row at hand is one not looked at before */
    struct dispatch_stranger stranger;
    struct { /* rows handed over, not yet marked: the planned ones of this range */
        int64_t first, last, count;
        struct money_amount amount; /* of each */
    } sent;
};

bool dispatch__has_work(const struct delivery_step *step, int64_t now_ms) {
    return step->campaign->row.state == CAMPAIGN_RUNNING && step->state == STEP_RUNNING &&
           ((!step->swept && step->cursor < dispatch__limit(step) && step->pause_ms <= now_ms) ||
               step->next_due_ms <= now_ms);
}

static void note_due(struct delivery_step *step, int64_t due_ms) {
    step->next_due_ms = due_ms < step->next_due_ms ? due_ms : step->next_due_ms;
}

static int hold(struct claimer *c, const struct candidate *row, int reason, int64_t due_ms,
    struct base_err *err) {
    db_bind_i64(c->d->hold, 1, row->id);
    db_bind_i64(c->d->hold, 2, reason);
    db_bind_i64(c->d->hold, 3, due_ms);
    note_due(c->step, due_ms);
    return db_run(c->d->hold, err);
}

static int end(struct claimer *c, const struct candidate *row, int state, int reason,
    const char *detail, struct base_err *err) {
    db_bind_i64(c->d->suppress, 1, row->id);
    db_bind_i64(c->d->suppress, 2, state);
    db_bind_i64(c->d->suppress, 3, reason);
    db_bind_text(c->d->suppress, 4, detail);
    db_bind_i64(c->d->suppress, 5, c->now_ms);
    return db_run(c->d->suppress, err);
}

static int suppress(struct claimer *c, const struct candidate *row, int reason, const char *detail,
    struct base_err *err) {
    /* What was handed out before and failed for now has failed; only what never left can be
     * suppressed. */
    if (row->tries > 0 && reason == SUPPRESSED_EXPIRED) {
        char text[96];
        snprintf(text, sizeof text, TR("gave up after %d tries: too late"), row->tries);
        int rc = dispatch__attempt(
            c->d, row->id, c->now_ms, MESSAGE_FAILED, LANTOA_REASON_TIMEOUT, str_from(text), err);
        return rc == 0 ? end(c, row, MESSAGE_FAILED, LANTOA_REASON_TIMEOUT, text, err) : rc;
    }
    return end(c, row, MESSAGE_SUPPRESSED, reason, detail, err);
}

static int64_t due_of(const struct claimer *c, const struct candidate *row) {
    return row->due_ms && row->due_ms > c->step->start_ms ? row->due_ms : c->step->start_ms;
}

static bool over_budget(const struct delivery_step *step, int64_t minor) {
    int64_t budget = step->campaign->spec->budget_minor;
    return budget >= 0 && minor > 0 && step->campaign->spent_minor + minor > budget;
}

static size_t outstanding(const struct delivery_campaign *campaign) {
    size_t count = 0;
    for (size_t i = 0; i < campaign->step_count; i++) {
        count += campaign->steps[i].outstanding;
    }
    return count;
}

/* No money: while some are at the operator, who may refuse them, it waits; else it is left out. */
static int out_of_money(struct claimer *c, const struct candidate *row, struct base_err *err) {
    int rc;
    if (outstanding(c->step->campaign) == 0) {
        rc = suppress(c, row, SUPPRESSED_OVER_BUDGET, NULL, err);
        return rc ? rc : 1;
    }
    if (c->by_cursor) {
        c->step->pause_ms = c->now_ms + MONEY_LOOK_MS;
        return 2;
    }
    rc = hold(c, row, HELD_BUDGET, c->now_ms + MONEY_LOOK_MS, err);
    return rc ? rc : 1;
}

/* Where every message costs the same there is no need to make it first. Returns as
 * judge. */
static int judge_price(struct claimer *c, const struct candidate *row, struct base_err *err) {
    int64_t minor;
    if (c->step->campaign->spec->budget_minor < 0) {
        return 0;
    }
    int rc = money_fixed(c->d->money, c->step, &minor, err);
    return rc == 0 && over_budget(c->step, minor) ? out_of_money(c, row, err) : rc;
}

/* What a rendered message costs: 0 and *amount_out, or 1 when it was left out or its campaign waits
 * for a person now. */
static int price(struct claimer *c, const struct candidate *row,
    const struct channel_message *message, struct money_amount *amount_out,
    enum verdict *verdict_out, struct base_err *err) {
    struct delivery_step *step = c->step;
    struct base_err fault = {0};
    *amount_out = (struct money_amount){-1, -1};
    if (!delivery_step_books(step)) {
        return 0;
    }
    int rc = money_of(c->d->money, step, message, c->now_ms, amount_out, &fault);
    bool budget = step->campaign->spec->budget_minor >= 0;
    if (rc == LANTOA_EAGAIN) { /* the row stays as it is; other channels go on */
        step->pause_ms = c->by_cursor ? c->now_ms + PRICE_LOOK_MS : step->pause_ms;
        step->next_due_ms = c->by_cursor ? step->next_due_ms : c->now_ms + PRICE_LOOK_MS;
        *verdict_out = VERDICT_STOP;
        return 1;
    }
    if (rc == LANTOA_ENOENT && !budget) {
        return 0; /* nobody set a limit, so it goes; what it costs is not known */
    }
    if (rc == LANTOA_ENOENT) {
        rc = suppress(c, row, SUPPRESSED_OVER_BUDGET, fault.text, err);
        return rc ? rc : 1;
    }
    if (rc == 0 && over_budget(step, amount_out->minor)) {
        rc = out_of_money(c, row, err);
        *verdict_out = rc == 2 ? VERDICT_STOP : VERDICT_ASIDE;
        return rc < 0 ? rc : 1;
    }
    if (rc != 0) {
        char *reason = base_printf(TR("step %s: what a message costs cannot be found out: %s"),
            step->spec->name, fault.text);
        rc = dispatch__pause(c->d, step->campaign, reason, err);
        base_free(reason);
        *verdict_out = VERDICT_STOP;
        return rc ? rc : 1;
    }
    return 0;
}

/* Everything that can be said before rendering: 0 go on, 1 settled (held or ended), 2 stop the
 * cursor, negative error. */
static int judge(struct claimer *c, struct candidate *row, bool by_cursor, struct base_err *err) {
    struct delivery_step *step = c->step;
    int64_t due = 0;
    bool match = true;
    int reason = policy_check(step, &row->person);
    if (reason == 0) {
        reason = dispatch__after(step, c->now_ms, &row->before, &due);
    }
    if (reason == 0 && step->spec->when.kind == WHEN_BEFORE) {
        int rc =
            dispatch__before(c->d, step, row->person.contact.id, c->now_ms, &due, &reason, err);
        if (rc != 0) {
            return rc;
        }
    }
    bool wave = reason == 0 && dispatch__later_wave(step, row->person.contact.place_id, &due);
    if (reason == 0 && c->now_ms >= policy_expires_at(step, due ? due : step->start_ms)) {
        reason = SUPPRESSED_EXPIRED;
    }
    if (reason != 0) {
        int rc = suppress(c, row, reason, NULL, err);
        return rc ? rc : 1;
    }
    if (due > c->now_ms) {
        bool payment = step->spec->when.kind == WHEN_BEFORE;
        if (by_cursor && !payment && !wave && due - c->now_ms < PAUSE_MS) {
            step->pause_ms = due;
            return 2;
        }
        int rc = hold(c, row,
            wave      ? HELD_WAVE
            : payment ? HELD_PAYMENT_DUE
                      : HELD_EARLIER_STEP,
            due, err);
        return rc ? rc : 1;
    }
    if (step->only_if) {
        struct base_civil day =
            base_civil_from_ms(c->now_ms, calendar_offset_min(step->campaign->zone, c->now_ms));
        int64_t today = base_days_from_date((struct base_date){day.year, day.month, day.day});
        int rc = segment_match(step->only_if, c->d->db, &row->person.contact, today, &match, err);
        if (rc == 0 && !match) {
            bool converted =
                segment_asks_enrolled(step->only_if) && row->person.contact.enrolled_at;
            rc = suppress(
                c, row, converted ? SUPPRESSED_CONVERTED : SUPPRESSED_CONDITION, NULL, err);
            return rc ? rc : 1;
        }
        if (rc != 0) {
            return rc;
        }
    }
    if (step->rule->cap_count) {
        int64_t free_at;
        int rc =
            policy_caps_check(c->d->caps, step, row->person.contact.id, c->now_ms, &free_at, err);
        if (rc == 0 && free_at) {
            rc = free_at < policy_expires_at(step, due_of(c, row))
                     ? hold(c, row, HELD_CAP, free_at, err)
                     : suppress(c, row, SUPPRESSED_CAPPED, NULL, err);
            return rc ? rc : 1;
        }
        if (rc != 0) {
            return rc;
        }
    }
    return judge_price(c, row, err);
}

static void bind_known(struct db_stmt *stmt, int index, int64_t value) {
    if (value >= 0) {
        db_bind_i64(stmt, index, value);
    } else {
        db_bind_null(stmt, index);
    }
}

static int run_claim(struct claimer *c, struct db_stmt *claim, int64_t first,
    const struct money_amount *amount, struct base_err *err) {
    db_bind_i64(claim, 1, first);
    db_bind_i64(claim, 2, c->now_ms);
    bind_known(claim, 3, amount->units);
    bind_known(claim, 4, amount->minor);
    return db_run(claim, err);
}

/* Marks what was handed over, as one range. */
static int mark_range(struct claimer *c, struct base_err *err) {
    int64_t count = c->sent.count;
    if (count == 0) {
        return 0;
    }
    c->sent.count = 0;
    db_bind_i64(c->d->claim, 5, c->sent.last);
    int rc = run_claim(c, c->d->claim, c->sent.first, &c->sent.amount, err);
    if (rc == 0 && db_changes(c->d->db) != count) {
        return base_err_set(err, LANTOA_ESTATE,
            TR("the ledger changed while messages were handed out; none of them leaves"));
    }
    return rc;
}

/* A row with a due time of its own is marked by itself. */
static int mark_sending(struct claimer *c, const struct candidate *row,
    const struct money_amount *amount, struct base_err *err) {
    struct delivery_step *step = c->step;
    int rc = 0;
    if (row->due_ms) {
        rc = run_claim(c, c->d->claim_due, row->id, amount, err);
    } else {
        if (c->sent.count &&
            (c->sent.amount.units != amount->units || c->sent.amount.minor != amount->minor)) {
            rc = mark_range(c, err);
        }
        c->sent.first = c->sent.count ? c->sent.first : row->id;
        c->sent.last = row->id;
        c->sent.amount = *amount;
        c->sent.count++;
    }
    if (rc == 0) {
        step->outstanding++;
        c->channel->put++;
        c->quota--;
        step->campaign->spent_minor += amount->minor > 0 ? amount->minor : 0;
    }
    return rc;
}

static int tell_step(struct claimer *c, struct base_err *err) {
    if (!c->told) {
        int rc = c->channel->port.step(c->channel->port.arg, c->step, err);
        if (rc != 0) {
            return rc;
        }
        c->told = true;
    }
    return 0;
}

/* Renders and hands over. */
static int send(
    struct claimer *c, struct candidate *row, enum verdict *verdict_out, struct base_err *err) {
    struct delivery_step *step = c->step;
    struct str fields[DELIVERY_FIELDS_MAX];
    char key[LEDGER_KEY_BYTES + 1];
    struct base_err fault = {0};
    size_t lang = delivery_lang(step, &row->person.contact);
    ledger_key(c->d->instance, row->id, key);
    *verdict_out = VERDICT_ASIDE;
    int rc = delivery_render(
        c->d->renderer, step, lang, &row->person.contact, key, c->now_ms, fields, &fault);
    if (rc != 0) {
        return suppress(c, row, SUPPRESSED_TEMPLATE_ERROR, fault.text, err);
    }
    rc = tell_step(c, err);
    if (rc != 0) {
        return rc;
    }
    struct channel_message message = {.id = (uint64_t)row->id,
        .step_ref = step->ref,
        .due_ms = due_of(c, row),
        .key = str_of(key, LEDGER_KEY_BYTES),
        .address = row->person.address,
        .name = row->person.contact.name,
        .lang = str_from(step->langs[lang]),
        .fields = fields};
    struct money_amount amount;
    rc = price(c, row, &message, &amount, verdict_out, err);
    if (rc != 0) {
        return rc == 1 ? 0 : rc;
    }
    rc = c->channel->port.put(c->channel->port.arg, &message);
    if (rc == LANTOA_ELIMIT) {
        return end(c, row, MESSAGE_FAILED, LANTOA_REASON_TOO_LARGE,
            TR("larger than a channel may be given"), err);
    }
    if (rc != 0) { /* no room, or its slot is not free yet: the row waits for the next turn */
        *verdict_out = VERDICT_STOP;
        return 0;
    }
    *verdict_out = VERDICT_SENT;
    return mark_sending(c, row, &amount, err);
}

static void read_candidate(struct db_stmt *stmt, struct candidate *row_out) {
    row_out->id = db_column_i64(stmt, 0);
    row_out->tries = (int)db_column_i64(stmt, 1);
    row_out->due_ms = db_column_i64(stmt, 2);
    row_out->before = (struct dispatch_earlier){
        .state = db_column_is_null(stmt, 3) ? -1 : (int)db_column_i64(stmt, 3),
        .at_ms = db_column_i64(stmt, 4),
        .due_ms = db_column_i64(stmt, 5),
        .reason = (int)db_column_i64(stmt, 6)};
    policy_read(stmt, 7, &row_out->person);
}

static void bind_kind(struct db_stmt *stmt, int index, bool used, const char *kind) {
    if (used) {
        db_bind_text(stmt, index, kind);
    } else {
        db_bind_null(stmt, index);
    }
}

static void bind_range(struct claimer *c, int64_t from, int64_t to, size_t most) {
    struct delivery_step *step = c->step;
    db_bind_i64(c->d->range, 1, from);
    db_bind_i64(c->d->range, 2, to);
    db_bind_i64(c->d->range, 3, (int64_t)most);
    if (step->after_id) {
        db_bind_i64(c->d->range, 4, (step->id - step->after_id) << LEDGER_STEP_SHIFT);
    } else {
        db_bind_null(c->d->range, 4); /* no step before: no row of it is looked for */
    }
    db_bind_text(c->d->range, 5, step->manifest->kind);
    db_bind_text(c->d->range, 6, campaign_class_word(step->campaign->spec->class));
    db_bind_i64(c->d->range, 7, c->now_ms);
    /* Suppressions of the kind of address that the channel does not use are not looked for. */
    bind_kind(c->d->range, 8, step->manifest->address != LANTOA_ADDRESS_PHONE, "email");
    bind_kind(c->d->range, 9, step->manifest->address != LANTOA_ADDRESS_EMAIL, "phone");
}

/* The rows of the bound range, one after the other. Returns 1 when it had to stop before the end.
 */
static int walk_range(struct claimer *c, size_t most, bool by_cursor, size_t *rows_out,
    int64_t *last_out, struct base_err *err) {
    struct candidate row;
    int rc;
    while ((rc = db_step(c->d->range, err)) == 1) {
        enum verdict verdict = VERDICT_ASIDE;
        read_candidate(c->d->range, &row);
        rc = row.person.contact.id == 0
                 ? dispatch__stranger(c->d, c->step, row.id, &c->stranger, &row.person, err)
                 : 0;
        if (rc < 0) {
            return rc;
        }
        rc = judge(c, &row, by_cursor, err);
        if (rc == 0) {
            rc = send(c, &row, &verdict, err);
        }
        if (rc < 0) {
            return rc;
        }
        if (rc == 2 || verdict == VERDICT_STOP) {
            return 1;
        }
        ++*rows_out;
        *last_out = row.id;
        if (c->quota == 0 && *rows_out < most) {
            return 1;
        }
    }
    return rc;
}

/* Works through rows with from <= id <= to; *rows_out counts them, *last_out is the last one
 * settled. Returns as walk_range. */
static int work_range(struct claimer *c, int64_t from, int64_t to, size_t most, bool by_cursor,
    size_t *rows_out, int64_t *last_out, struct base_err *err) {
    *rows_out = 0;
    c->by_cursor = by_cursor;
    bind_range(c, from, to, most);
    int rc = walk_range(c, most, by_cursor, rows_out, last_out, err);
    db_reset(c->d->range);
    int marked = rc < 0 ? 0 : mark_range(c, err);
    return marked ? marked : rc;
}

/* Rows with a time of their own: retries, held ones, given-back ones. */
static int work_due(struct claimer *c, struct base_err *err) {
    int64_t ids[DISPATCH_BATCH];
    size_t count = 0;
    size_t most = c->quota < DISPATCH_BATCH ? c->quota : DISPATCH_BATCH;
    db_bind_i64(c->d->due, 1, c->step->id);
    db_bind_i64(c->d->due, 2, c->now_ms);
    db_bind_i64(c->d->due, 3, (int64_t)most);
    int rc;
    while ((rc = db_step(c->d->due, err)) == 1) {
        if (count < DISPATCH_BATCH) {
            ids[count++] = db_column_i64(c->d->due, 0);
        }
    }
    for (size_t i = 0; rc == 0 && i < count && c->quota > 0; i++) {
        size_t rows;
        int64_t last;
        rc = work_range(c, ids[i], ids[i], 1, false, &rows, &last, err);
    }
    if (rc < 0) {
        return rc;
    }
    if (count < most && rc == 0) {
        db_bind_i64(c->d->min_due, 1, c->step->id);
        rc = db_step(c->d->min_due, err);
        if (rc == 1) {
            c->step->next_due_ms =
                db_column_is_null(c->d->min_due, 0) ? INT64_MAX : db_column_i64(c->d->min_due, 0);
            rc = 0;
        }
        db_reset(c->d->min_due);
    }
    return rc < 0 ? rc : 0;
}

/* Numbers of recipients may lie far apart: on to the next row there is. */
static int skip_gap(struct claimer *c, struct base_err *err) {
    struct delivery_step *step = c->step;
    db_bind_i64(c->d->next_row, 1, step->cursor);
    db_bind_i64(c->d->next_row, 2, step->last_id);
    int rc = db_step(c->d->next_row, err);
    if (rc == 1) {
        step->cursor = db_column_is_null(c->d->next_row, 0) ? step->last_id
                                                            : db_column_i64(c->d->next_row, 0) - 1;
        rc = 0;
    }
    db_reset(c->d->next_row);
    return rc;
}

/* Rows not looked at yet, in order of id. */
static int work_fresh(struct claimer *c, struct base_err *err) {
    struct delivery_step *step = c->step;
    int64_t limit = dispatch__limit(step);
    while (c->quota > 0 && !step->swept && step->cursor < limit && step->pause_ms <= c->now_ms) {
        int64_t to = step->cursor + ((int64_t)SCAN_RECIPIENTS << LEDGER_RECIPIENT_SHIFT);
        to = to < limit ? to : limit;
        size_t most = c->quota;
        size_t rows;
        int64_t last = step->cursor;
        int rc = work_range(c, step->cursor + 1, to, most, true, &rows, &last, err);
        if (rc < 0) {
            return rc;
        }
        step->cursor = rc == 0 && rows < most ? to : last;
        if (rc == 0 && rows == 0) {
            rc = skip_gap(c, err);
        }
        step->swept = step->cursor >= step->last_id;
        if (rc != 0 || rows == 0) {
            return rc < 0 ? rc : 0;
        }
    }
    return 0;
}

static int work_step(struct claimer *c, struct base_err *err) {
    struct delivery_step *step = c->step;
    size_t before = c->channel->put;
    int64_t close_ms = step->campaign->close_ms;
    if (step->spec->airings.on) {
        return dispatch__airings(c->d, c->channel, step, &c->quota, c->now_ms, err);
    }
    int64_t open_ms = policy_open_at(step, c->now_ms);
    int reason = policy_gate(step, c->d->rules, c->now_ms);
    if (reason != 0) {
        open_ms = c->now_ms + GATE_LOOK_MS;
    }
    /* Doors that stay shut to the end: the rows wait for that and are then too late. */
    if (open_ms > c->now_ms && c->now_ms < close_ms) {
        return dispatch__close_gate(c->d, step, c->now_ms, open_ms < close_ms ? open_ms : close_ms,
            reason ? reason : HELD_QUIET_HOURS, err);
    }
    int rc = step->release ? dispatch__release(c->d, step, c->now_ms, err) : 0;
    if (rc == 0) {
        rc = policy_caps_prepare(c->d->caps, step, c->now_ms, err);
    }
    if (rc == 0 && step->next_due_ms <= c->now_ms) {
        rc = work_due(c, err);
    }
    if (rc == 0) {
        rc = work_fresh(c, err);
    }
    if (rc == 0 && c->channel->put > before) {
        step->first_sent_ms = step->first_sent_ms ? step->first_sent_ms : c->now_ms;
        step->last_sent_ms = c->now_ms;
        rc = dispatch__times(c->d, step, err);
    }
    return rc;
}

int dispatch__claim(
    struct dispatcher *d, struct dispatch_channel *channel, int64_t now_ms, struct base_err *err) {
    struct claimer c = {.d = d, .channel = channel, .now_ms = now_ms};
    size_t room = channel->port.room(channel->port.arg);
    size_t quota = room < DISPATCH_BATCH ? room : DISPATCH_BATCH;
    c.quota = (double)quota < channel->tokens ? quota : (size_t)channel->tokens;
    size_t total = 0;
    for (size_t i = 0; i < d->campaign_count; i++) {
        total += d->campaigns[i]->step_count;
    }
    size_t start = channel->next_step++;
    for (size_t n = 0; n < total && c.quota > 0; n++) {
        size_t index = (start + n) % total;
        size_t i = 0;
        while (index >= d->campaigns[i]->step_count) {
            index -= d->campaigns[i++]->step_count;
        }
        struct delivery_step *step = &d->campaigns[i]->steps[index];
        if (step->channel_id == channel->id && dispatch__has_work(step, now_ms)) {
            c.step = step;
            c.told = false;
            int rc = work_step(&c, err);
            if (rc != 0) {
                return rc;
            }
        }
    }
    return 0;
}
