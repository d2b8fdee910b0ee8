/* The first wave of a step: a small part of its audience goes alone, and the rest follows when it
 * is known that it arrives. A decision per step, not per message: the cursor stops at the wave's
 * last row until the wave has its outcomes. When too many of them are failures, the campaign pauses
 * by itself and a person decides. */
#include "base/log.h"
#include "base/mem.h"
#include "base/tr.h"
#include "delivery/dispatch_private.h"
#include <math.h>

/* What became of the rows of a wave. */
struct outcomes {
    int64_t arrived;  /* accepted or delivered */
    int64_t accepted; /* of them without a receipt yet */
    int64_t failed, uncertain, open;
    bool tried;   /* some open row has been handed out before */
    int64_t most; /* failures for the commonest reason */
    int most_reason;
};

static int write_wave(
    struct dispatcher *d, const struct delivery_step *step, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(d->db,
        "UPDATE step SET wave_state = ?2, wave_last = ?3, wave_at = ?4 WHERE id = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, step->id);
        db_bind_i64(stmt, 2, step->wave);
        db_bind_i64(stmt, 3, step->wave_last);
        if (step->wave_at_ms) {
            db_bind_i64(stmt, 4, step->wave_at_ms);
        }
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

static int count_open(struct dispatcher *d, const struct delivery_step *step, int64_t *count_out,
    struct base_err *err) {
    return dispatch__step_number(d, step,
        "SELECT count(*) FROM message WHERE id BETWEEN ?1 AND ?2 AND state IN (0, 1)", count_out,
        err);
}

/* The id of the size-th open row behind `after`; 0 when there are not more than that. */
static int find_last(struct dispatcher *d, const struct delivery_step *step, int64_t after,
    int64_t size, int64_t *last_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(d->db,
        "SELECT id FROM message WHERE id > ?1 AND id <= ?2 AND state IN (0, 1) ORDER BY id LIMIT 2 "
        "OFFSET ?3",
        &stmt, err);
    *last_out = 0;
    if (rc == 0) {
        db_bind_i64(stmt, 1, after);
        db_bind_i64(stmt, 2, ledger_last(step->id));
        db_bind_i64(stmt, 3, size - 1);
        rc = db_step(stmt, err);
        int64_t last = rc == 1 ? db_column_i64(stmt, 0) : 0;
        rc = rc == 1 ? db_step(stmt, err) : rc;
        *last_out = rc == 1 ? last : 0;
    }
    db_finish(&stmt);
    return rc < 0 ? rc : 0;
}

static int64_t size_of(const struct delivery_step *step, int64_t rows) {
    const struct campaign_canary *canary = &step->campaign->spec->canary;
    int64_t share = (int64_t)ceil((double)rows * canary->percent / 100);
    return share > canary->at_least ? share : canary->at_least;
}

int dispatch__wave_begin(struct dispatcher *d, struct delivery_step *step, struct base_err *err) {
    int64_t rows = 0;
    if (!step->campaign->spec->canary.on || step->wave != STEP_WAVE_NONE ||
        step->spec->airings.on) {
        return 0;
    }
    int rc = count_open(d, step, &rows, err);
    int64_t size = size_of(step, rows);
    if (rc != 0 || rows < 2 * size) {
        return rc;
    }
    rc = find_last(d, step, ledger_first(step->id) - 1, size, &step->wave_last, err);
    if (rc != 0 || step->wave_last == 0) {
        return rc;
    }
    step->wave = STEP_WAVE_OUT;
    step->wave_size = size;
    base_log(BASE_LOG_INFO, "delivery", "campaign %s: step %s sends its first wave of %lld",
        step->campaign->row.name, step->spec->name, (long long)size);
    return write_wave(d, step, err);
}

/* --- judging --- */

static void add_outcome(struct outcomes *out, int state, int reason, int64_t count, int64_t tries) {
    switch (state) {
    case MESSAGE_ACCEPTED:
        out->accepted += count;
        out->arrived += count;
        break;
    case MESSAGE_DELIVERED:
        out->arrived += count;
        break;
    case MESSAGE_FAILED:
        out->failed += count;
        if (count > out->most) {
            out->most = count;
            out->most_reason = reason;
        }
        break;
    case MESSAGE_UNCERTAIN:
        out->uncertain += count;
        break;
    case MESSAGE_PLANNED:
    case MESSAGE_HELD:
    case MESSAGE_SENDING:
        out->open += count;
        out->tried = out->tried || tries > 0;
        break;
    default: /* suppressed: says nothing about the others */
        break;
    }
}

static int read_outcomes(struct dispatcher *d, const struct delivery_step *step,
    struct outcomes *out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int64_t from = step->wave_from ? step->wave_from : ledger_first(step->id);
    int rc = db_prepare(d->db,
        "SELECT state, reason, count(*), max(tries) FROM message WHERE id BETWEEN ?1 AND ?2 GROUP "
        "BY state, reason",
        &stmt, err);
    *out = (struct outcomes){0};
    if (rc == 0) {
        db_bind_i64(stmt, 1, from);
        db_bind_i64(stmt, 2, step->wave_last);
        while ((rc = db_step(stmt, err)) == 1) {
            add_outcome(out, (int)db_column_i64(stmt, 0), (int)db_column_i64(stmt, 1),
                db_column_i64(stmt, 2), db_column_i64(stmt, 3));
        }
    }
    db_finish(&stmt);
    return rc;
}

static bool too_many(const struct delivery_step *step, int64_t failed, int64_t of) {
    return failed > 0 &&
           (double)failed * 100 > step->campaign->spec->canary.pause_above * (double)of;
}

static char *reason_of(const struct delivery_step *step, const struct outcomes *out) {
    int64_t known = out->arrived + out->failed;
    if (known == 0) {
        return base_printf(TR("first wave of step %s: nobody can say what became of its %lld "
                              "messages; resume sends the rest"),
            step->spec->name, (long long)out->uncertain);
    }
    return base_printf(
        TR("first wave of step %s: %lld of %lld failed (%.1f %%, at most %g %% may), "
           "most often: %s; resume sends the rest"),
        step->spec->name, (long long)out->failed, (long long)known,
        (double)out->failed * 100 / (double)known, step->campaign->spec->canary.pause_above,
        message_reason_label(out->most_reason));
}

static int close_wave(struct dispatcher *d, struct delivery_step *step, const struct outcomes *out,
    bool pause, struct base_err *err) {
    step->wave = STEP_WAVE_JUDGED;
    int rc = write_wave(d, step, err);
    if (rc != 0) {
        return rc;
    }
    if (pause) {
        char *reason = reason_of(step, out);
        rc = dispatch__pause(d, step->campaign, reason, err);
        base_free(reason);
        return rc;
    }
    base_log(BASE_LOG_INFO, "delivery",
        "campaign %s: first wave of step %s: %lld of %lld failed, the rest follows",
        step->campaign->row.name, step->spec->name, (long long)out->failed,
        (long long)out->arrived + (long long)out->failed);
    return 0;
}

/* Nobody of the wave was written to (all were left out at the last moment): the next ones are the
 * wave. */
static int move_on(struct dispatcher *d, struct delivery_step *step, const struct outcomes *out,
    struct base_err *err) {
    int64_t last;
    int64_t size = step->wave_size ? step->wave_size : step->campaign->spec->canary.at_least;
    int rc = find_last(d, step, step->wave_last, size, &last, err);
    if (rc != 0) {
        return rc;
    }
    if (last == 0) {
        return close_wave(d, step, out, false, err);
    }
    step->wave_from = step->wave_last + 1;
    step->wave_last = last;
    step->wave_at_ms = 0;
    step->wave_look_ms = 0;
    return write_wave(d, step, err);
}

static int judge(
    struct dispatcher *d, struct delivery_step *step, int64_t now_ms, struct base_err *err) {
    const struct campaign_canary *canary = &step->campaign->spec->canary;
    struct outcomes out;
    int rc = read_outcomes(d, step, &out, err);
    if (rc != 0) {
        return rc;
    }
    int64_t known = out.arrived + out.failed;
    /* So many that no further success can make up for them. */
    if (too_many(step, out.failed, known + out.open)) {
        return close_wave(d, step, &out, true, err);
    }
    int64_t receipts_until = step->wave_at_ms + canary->receipts_ms;
    int64_t wait =
        canary->within_ms > canary->receipts_ms ? canary->within_ms : canary->receipts_ms;
    bool receipts = out.accepted > 0 && now_ms < receipts_until;
    bool complete = out.open == 0 && !receipts;
    if (!complete && now_ms < step->wave_at_ms + wait) {
        step->wave_look_ms = out.open == 0 ? receipts_until : step->wave_at_ms + wait;
        return 0;
    }
    step->wave_look_ms = INT64_MAX;
    if (known > 0) {
        return close_wave(d, step, &out, too_many(step, out.failed, known), err);
    }
    if (out.tried) { /* the other side cannot be reached: what comes of it decides, however late */
        return 0;
    }
    if (out.open > 0) { /* held, all of them: their time is still to come */
        step->wave_at_ms = now_ms;
        step->wave_look_ms = now_ms + wait;
        return write_wave(d, step, err);
    }
    return out.uncertain > 0 ? close_wave(d, step, &out, true, err) : move_on(d, step, &out, err);
}

int64_t dispatch__wave_look(const struct delivery_step *step) {
    return dispatch__wave_waits(step) ? step->wave_look_ms : INT64_MAX;
}

bool dispatch__wave_waits(const struct delivery_step *step) {
    return step->wave == STEP_WAVE_OUT && step->state == STEP_RUNNING &&
           step->cursor >= step->wave_last && step->campaign->row.state == CAMPAIGN_RUNNING;
}

int dispatch__waves(struct dispatcher *d, int64_t now_ms, struct base_err *err) {
    for (size_t i = 0; i < d->campaign_count; i++) {
        for (size_t k = 0; k < d->campaigns[i]->step_count; k++) {
            struct delivery_step *step = &d->campaigns[i]->steps[k];
            if (!dispatch__wave_waits(step)) {
                continue;
            }
            int rc = 0;
            if (step->wave_at_ms == 0) {
                step->wave_at_ms = now_ms;
                step->wave_look_ms = now_ms;
                rc = write_wave(d, step, err);
            }
            if (rc == 0 && (step->outstanding == 0 || now_ms >= step->wave_look_ms)) {
                rc = judge(d, step, now_ms, err);
            }
            if (rc != 0) {
                return rc;
            }
        }
    }
    return 0;
}
