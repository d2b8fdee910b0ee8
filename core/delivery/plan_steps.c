/* The steps of a campaign file as rows: one for each occurrence. */
#include "delivery/plan_private.h"

#include "base/mem.h"
#include "base/tr.h"
#include "campaign/calendar.h"
#include "campaign/store.h"
#include "delivery/ledger.h"

#define OCCURRENCES_MAX 1000

static int insert_step(struct db *db, int64_t campaign_id, size_t position, int occurrence,
    const struct campaign_step *step, int64_t channel_id, int64_t start_ms, int64_t after_id,
    int64_t *id_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "INSERT INTO step (campaign_id, position, occurrence, name, channel_id, state, start_at, "
        "after_id) "
        "VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7) RETURNING id",
        &stmt, err);
    if (rc != 0) {
        return rc;
    }
    db_bind_i64(stmt, 1, campaign_id);
    db_bind_i64(stmt, 2, (int64_t)position);
    db_bind_i64(stmt, 3, occurrence);
    db_bind_text(stmt, 4, step->name);
    db_bind_i64(stmt, 5, channel_id);
    if (start_ms) {
        db_bind_i64(stmt, 6, start_ms);
    }
    if (after_id) {
        db_bind_i64(stmt, 7, after_id);
    }
    rc = db_step(stmt, err);
    if (rc == 1) {
        *id_out = db_column_i64(stmt, 0);
        rc = *id_out > LEDGER_STEP_MAX
                 ? base_err_set(err, LANTOA_ELIMIT, TR("more than %lld steps in one database"),
                       (long long)LEDGER_STEP_MAX)
                 : 0;
    }
    db_finish(&stmt);
    return rc;
}

/* All occurrences of one step of the file; the id of the last in *id_out. */
static int insert_occurrences(struct db *db, int64_t campaign_id, const struct campaign_spec *spec,
    size_t position, int64_t after_id, int64_t *id_out, struct base_err *err) {
    const struct campaign_step *step = &spec->steps[position];
    const struct calendar_zone *zone;
    struct channel_row channel = {0};
    int64_t times[OCCURRENCES_MAX] = {0};
    size_t count = 1;
    int rc = channel_get(db, step->channel, &channel, err);
    int64_t channel_id = channel.id;
    channel_row_release(&channel);
    if (rc == 0) {
        rc = calendar_zone_find(spec->timezone, &zone, err);
    }
    if (rc != 0) {
        return rc;
    }
    switch (step->when.kind) {
    case WHEN_AT:
        times[0] = calendar_to_ms(zone, step->when.at);
        break;
    case WHEN_RRULE: {
        struct base_date end = base_date_from_days(base_days_from_date(spec->to) + 1);
        int64_t close =
            calendar_to_ms(zone, (struct base_civil){end.year, end.month, end.day, 0, 0, 0, 0});
        rc = calendar_expand(zone, step->when.rrule, step->when.at,
            calendar_to_ms(zone, step->when.at), close, times, OCCURRENCES_MAX, &count, err);
        break;
    }
    case WHEN_NOW:
    case WHEN_AFTER:
    case WHEN_BEFORE:
        break;
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = insert_step(db, campaign_id, position, (int)i + 1, step, channel_id, times[i],
            after_id, id_out, err);
    }
    return rc;
}

int plan__insert_steps(
    struct db *db, int64_t campaign_id, const struct campaign_spec *spec, struct base_err *err) {
    int64_t *ids = base_alloc_array(spec->step_count + 1, sizeof *ids);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < spec->step_count; i++) {
        int64_t after_id = 0;
        for (size_t k = 0; spec->steps[i].when.kind == WHEN_AFTER && k < i; k++) {
            if (strcmp(spec->steps[k].name, spec->steps[i].when.after) == 0) {
                after_id = ids[k];
            }
        }
        rc = insert_occurrences(db, campaign_id, spec, i, after_id, &ids[i], err);
    }
    base_free(ids);
    return rc;
}
