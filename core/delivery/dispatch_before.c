/* Steps that come so many days before a person's next payment is due. The dates are those of
 * enrolments (table enrolment_due), read at the last moment: who has paid meanwhile is left out.
 * And steps that begin later in the places of a later wave. */
#include "delivery/dispatch_private.h"

#include "base/civil.h"

const char dispatch__payment_sql[] =
    "SELECT (SELECT due_on FROM enrolment_due WHERE contact_id = ?1), "
    "(SELECT max(imported_at) FROM enrolment WHERE contact_id = ?1 AND event IN "
    "('new', 'returned', 'renewed'))";

/* The local moment on a day. */
static int64_t moment(const struct delivery_step *step, int64_t day, int minute) {
    struct base_date date = base_date_from_days(day);
    return calendar_to_ms(step->campaign->zone,
        (struct base_civil){date.year, date.month, date.day, minute / 60, minute % 60, 0, 0});
}

int dispatch__before(struct dispatcher *d, const struct delivery_step *step, int64_t contact_id,
    int64_t now_ms, int64_t *due_out, int *reason_out, struct base_err *err) {
    const struct campaign_when *when = &step->spec->when;
    struct base_date date;
    db_bind_i64(d->payment, 1, contact_id);
    int rc = db_step(d->payment, err);
    if (rc < 0) {
        return rc;
    }
    bool known = base_parse_date(db_column_str(d->payment, 0), &date) == 0;
    int64_t paid_at = db_column_i64(d->payment, 1);
    db_reset(d->payment);
    if (step->campaign->row.planned_at && paid_at > step->campaign->row.planned_at) {
        *reason_out = SUPPRESSED_CONVERTED;
        return 0;
    }
    if (!known) {
        *reason_out = SUPPRESSED_CONDITION;
        return 0;
    }
    int64_t day = base_days_from_date(date);
    int64_t at = moment(step, day - when->before_days, when->before_minute);
    if (at >= step->campaign->close_ms) {
        *reason_out = SUPPRESSED_CONDITION; /* not due within the window */
    } else if (now_ms >= moment(step, day + 1, 0)) {
        *reason_out = SUPPRESSED_EXPIRED;
    } else {
        *due_out = at > now_ms ? at : 0;
    }
    return 0;
}

/* Steps with a start of their own begin later where the place is in a later wave; steps that follow
 * one are late with it. */
bool dispatch__later_wave(const struct delivery_step *step, int64_t place_id, int64_t *due_io) {
    const struct delivery_campaign *campaign = step->campaign;
    int64_t at = step->start_ms;
    if (step->after_id || step->spec->when.kind == WHEN_BEFORE) {
        return false;
    }
    int wave = lot_wave(campaign->lot, place_id);
    for (int i = 1; i < wave; i++) {
        at = calendar_add(campaign->zone, at, campaign->spec->holdout_every);
    }
    *due_io = wave > 1 ? at : *due_io;
    return wave > 1;
}
