/* Scope, period and places of the reports on enrolments. */
#include "report/conversion_part.h"

#include "base/tr.h"
#include "campaign/store.h"
#include "conversion/touch_rules.h"

#define DAY_MS INT64_C(86400000)

int64_t conversion_part_today(const struct report_request *request) {
    int64_t local = request->now_ms + request->offset_min * INT64_C(60000);
    return local >= 0 ? local / DAY_MS : (local - DAY_MS + 1) / DAY_MS;
}

int conversion_part_day(const struct report_request *request, const char *name, int64_t *day_out,
    struct base_err *err) {
    const char *text = report_option(request, name);
    struct base_date date;
    if (!text) {
        return 0;
    }
    if (base_parse_date(str_from(text), &date) != 0) {
        return base_err_set(
            err, LANTOA_EINVAL, TR("--%s %s: must be a day like 2026-12-31"), name, text);
    }
    *day_out = base_days_from_date(date);
    return 0;
}

int conversion_part_basis(
    const struct report_request *request, bool *registered_out, struct base_err *err) {
    const char *as = report_option(request, "as");
    if (as && strcmp(as, "event") != 0 && strcmp(as, "registered") != 0) {
        return base_err_set(err, LANTOA_EINVAL, TR("--as %s: must be event or registered"), as);
    }
    *registered_out = as && strcmp(as, "registered") == 0;
    return 0;
}

static int of_campaign(const struct report_request *request, int64_t *campaign_out,
    int64_t *from_out, int64_t *to_out, struct base_err *err) {
    struct campaign_row row = {0};
    struct campaign_spec *spec = NULL;
    struct touch_rules *rules = NULL;
    int rc = campaign_get(request->db, request->name, &row, err);
    rc = rc == 0 ? campaign_row_spec(&row, &spec, err) : rc;
    rc = rc == 0 ? touch_rules_load(request->db, &rules, err) : rc;
    if (rc == 0) {
        *campaign_out = row.id;
        *from_out = base_days_from_date(spec->from);
        *to_out = base_days_from_date(spec->to) + touch_rules_longest(rules) / DAY_MS;
    }
    touch_rules_free(&rules);
    campaign_spec_free(&spec);
    campaign_row_release(&row);
    return rc;
}

static int of_theme(struct db *db, const char *name, int64_t *theme_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, "SELECT id FROM theme WHERE name = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, name);
        rc = db_step(stmt, err);
        *theme_out = rc == 1 ? db_column_i64(stmt, 0) : 0;
        rc = rc == 0 ? base_err_set(err, LANTOA_ENOENT, TR("there is no theme \"%s\""), name)
                     : (rc == 1 ? 0 : rc);
    }
    db_finish(&stmt);
    return rc;
}

static int first_enrolment(struct db *db, int64_t *day_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    struct base_date date;
    int rc = db_prepare(
        db, "SELECT min(event_date) FROM enrolment WHERE event IN ('new', 'returned')", &stmt, err);
    if (rc == 0) {
        rc = db_step(stmt, err);
        if (rc == 1 && base_parse_date(db_column_str(stmt, 0), &date) == 0) {
            *day_out = base_days_from_date(date);
        }
    }
    db_finish(&stmt);
    return rc < 0 ? rc : 0;
}

int conversion_part_scope(const struct report_request *request, int64_t *campaign_out,
    int64_t *theme_out, int64_t *from_out, int64_t *to_out, struct base_err *err) {
    const char *theme = report_option(request, "theme");
    int64_t today = conversion_part_today(request);
    *campaign_out = *theme_out = 0;
    *from_out = *to_out = today;
    if (request->name && theme) {
        return base_err_set(err, LANTOA_EINVAL, "%s", TR("name a campaign or --theme, not both"));
    }
    int rc = request->name ? of_campaign(request, campaign_out, from_out, to_out, err)
                           : first_enrolment(request->db, from_out, err);
    if (rc == 0 && theme) {
        rc = of_theme(request->db, theme, theme_out, err);
    }
    *to_out = *to_out < today ? *to_out : today;
    rc = rc == 0 ? conversion_part_day(request, "from", from_out, err) : rc;
    rc = rc == 0 ? conversion_part_day(request, "to", to_out, err) : rc;
    if (rc == 0 && *from_out > *to_out) {
        rc = report_option(request, "from") || report_option(request, "to")
                 ? base_err_set(err, LANTOA_EINVAL, "%s", TR("the period ends before it begins"))
                 : 0;
        *to_out = *from_out; /* a campaign that has not begun: nothing to count yet */
    }
    return rc;
}

/* --- places --- */

static int id_order(const void *a, const void *b) {
    int64_t x = ((const struct conversion_part_place *)a)->id;
    int64_t y = ((const struct conversion_part_place *)b)->id;
    return (x > y) - (x < y);
}

int conversion_part_places_read(struct db *db, struct report *report,
    struct conversion_part_places *places, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    size_t room = 64;
    *places = (struct conversion_part_places){
        .rows = base_alloc_array(room, sizeof *places->rows), .count = 1};
    places->rows[0] = (struct conversion_part_place){0, "", TR("without a place")};
    int rc = db_prepare(db, "SELECT id, code, name FROM place ORDER BY id", &stmt, err);
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        if (places->count == room) {
            room *= 2;
            places->rows = base_realloc(places->rows, room * sizeof *places->rows);
        }
        places->rows[places->count++] = (struct conversion_part_place){db_column_i64(stmt, 0),
            report_keep(report, db_column_str(stmt, 1)),
            report_keep(report, db_column_str(stmt, 2))};
        rc = 0;
    }
    db_finish(&stmt);
    return rc;
}

void conversion_part_places_release(struct conversion_part_places *places) {
    base_free(places->rows);
    *places = (struct conversion_part_places){0};
}

const struct conversion_part_place *conversion_part_place(
    const struct conversion_part_places *places, int64_t id) {
    const struct conversion_part_place key = {.id = id};
    const struct conversion_part_place *found =
        bsearch(&key, places->rows, places->count, sizeof key, id_order);
    return found ? found : &places->rows[0];
}

void conversion_part_windows(struct db *db, struct report *report) {
    struct touch_rules *rules = NULL;
    struct base_err ignored = {0};
    if (touch_rules_load(db, &rules, &ignored) != 0) {
        return; /* whoever shared the credit has said why */
    }
    report_note(report,
        TR("A touch counts for %lld days after an SMS, %lld after an email, at most %lld after "
           "others; days of messages, links followed and answers are those of the ledger."),
        (long long)(touch_rules_window(rules, "sms", TOUCH_DELIVERED) / DAY_MS),
        (long long)(touch_rules_window(rules, "email", TOUCH_DELIVERED) / DAY_MS),
        (long long)(touch_rules_longest(rules) / DAY_MS));
    touch_rules_free(&rules);
}
