/* What waits: rows put aside while nothing of a step may leave, and let go again. */
#include "delivery/dispatch_private.h"

#define GATE_RECIPIENTS 5000

/* Outside the hours, or when the rules let nothing out: puts rows aside until the doors may open,
 * many at a time. */
int dispatch__close_gate(struct dispatcher *d, struct delivery_step *step, int64_t now_ms,
    int64_t open_ms, int reason, struct base_err *err) {
    int rc = 0;
    if (step->next_due_ms <= now_ms) {
        db_bind_i64(d->gate_due, 1, step->id);
        db_bind_i64(d->gate_due, 2, now_ms);
        db_bind_i64(d->gate_due, 3, open_ms);
        db_bind_i64(d->gate_due, 4, reason);
        rc = db_run(d->gate_due, err);
        if (rc == 0 && db_changes(d->db) < 5000) {
            step->next_due_ms = open_ms;
        }
    }
    int64_t limit = dispatch__limit(step);
    if (rc == 0 && !step->swept && step->cursor < limit) {
        int64_t to = step->cursor + ((int64_t)GATE_RECIPIENTS << LEDGER_RECIPIENT_SHIFT);
        to = to < limit ? to : limit;
        db_bind_i64(d->gate_fresh, 1, step->cursor + 1);
        db_bind_i64(d->gate_fresh, 2, to);
        db_bind_i64(d->gate_fresh, 3, open_ms);
        db_bind_i64(d->gate_fresh, 4, reason);
        rc = db_run(d->gate_fresh, err);
        step->cursor = to;
        step->swept = to >= step->last_id;
        step->next_due_ms = open_ms < step->next_due_ms ? open_ms : step->next_due_ms;
    }
    return rc;
}

/* What a rule or an old list held need not wait for its hour once that is mended. */
int dispatch__release(
    struct dispatcher *d, struct delivery_step *step, int64_t now_ms, struct base_err *err) {
    db_bind_i64(d->release, 1, step->id);
    db_bind_i64(d->release, 2, now_ms);
    db_bind_i64(d->release, 3, HELD_DNC_LIST);
    db_bind_i64(d->release, 4, HELD_RULE);
    int rc = db_run(d->release, err);
    if (rc == 0) {
        step->release = false;
        step->next_due_ms = db_changes(d->db) ? 0 : step->next_due_ms;
    }
    return rc;
}
