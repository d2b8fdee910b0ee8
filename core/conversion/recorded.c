/* Reads conversions, and reckons what the State and the province pay for them. */
#include "conversion/recorded.h"

#include "base/mem.h"
#include "campaign/contribution.h"

#define SQL_DAY                                                                                    \
    "CASE WHEN ?3 = 1 THEN coalesce(e.registered_date, e.event_date) ELSE e.event_date END"

/* What the order hangs on, so that sorting moves little. */
struct place_in_order {
    int64_t contact_id, day;
    size_t at;
};

static int order(const void *a, const void *b) {
    const struct place_in_order *x = a;
    const struct place_in_order *y = b;
    if (x->contact_id != y->contact_id) {
        return x->contact_id < y->contact_id ? -1 : 1;
    }
    return x->day != y->day ? (x->day > y->day) - (x->day < y->day)
                            : (x->at > y->at) - (x->at < y->at);
}

/* The rows came in the order of their ids. */
static void sort_rows(struct recorded_list *list) {
    struct place_in_order *keys = base_alloc_array(list->count + 1, sizeof *keys);
    struct recorded *rows = base_alloc_array(list->count + 1, sizeof *rows);
    for (size_t i = 0; i < list->count; i++) {
        keys[i] = (struct place_in_order){list->rows[i].contact_id, list->rows[i].day, i};
    }
    if (list->count) {
        qsort(keys, list->count, sizeof *keys, order);
    }
    for (size_t i = 0; i < list->count; i++) {
        rows[i] = list->rows[keys[i].at];
    }
    base_free(keys);
    base_free(list->rows);
    list->rows = rows;
}

static int64_t day_of(struct str text) {
    struct base_date date;
    return base_parse_date(text, &date) == 0 ? base_days_from_date(date) : 0;
}

int recorded_read(struct db *db, const struct recorded_ask *ask, struct recorded_list *list,
    struct base_err *err) {
    struct db_stmt *stmt = NULL;
    size_t room = 0;
    char from[BASE_DATE_MAX];
    char to[BASE_DATE_MAX];
    *list = (struct recorded_list){0};
    base_format_date(base_date_from_days(ask->from_day), from);
    base_format_date(base_date_from_days(ask->to_day), to);
    int rc = db_prepare(db,
        "SELECT e.id, coalesce(e.contact_id, 0), CASE WHEN e.place_id IS NULL THEN coalesce((SELECT"
        " c.place_id FROM contact c WHERE c.id = e.contact_id), 0) ELSE e.place_id END, "
        "e.event_date FROM enrolment e WHERE e.event IN ('new', 'returned') AND " SQL_DAY
        " BETWEEN ?1 AND ?2 ORDER BY e.id",
        &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, from);
        db_bind_text(stmt, 2, to);
        db_bind_i64(stmt, 3, ask->by_registered);
    }
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        if (list->count == room) {
            room = room ? 2 * room : 1024;
            list->rows = base_realloc(list->rows, room * sizeof *list->rows);
        }
        list->rows[list->count++] = (struct recorded){.id = db_column_i64(stmt, 0),
            .contact_id = db_column_i64(stmt, 1),
            .place_id = db_column_i64(stmt, 2),
            .day = day_of(db_column_str(stmt, 3))};
        rc = 0;
    }
    db_finish(&stmt);
    sort_rows(list);
    return rc;
}

void recorded_release(struct recorded_list *list) {
    base_free(list->rows);
    *list = (struct recorded_list){0};
}

/* --- subsidy --- */

struct reckoner {
    struct contribution_tables *tables;
    struct contribution_places *places;
    struct db_stmt *row;
};

static int reckon(struct reckoner *r, struct recorded *one, bool *known_out, struct base_err *err) {
    struct contribution_ask ask;
    struct contribution_result result;
    struct base_err inner = {0};
    contribution_ask_init(r->tables, &ask);
    db_bind_i64(r->row, 1, one->id);
    int rc = db_step(r->row, err);
    if (rc == 1) {
        struct str method = db_column_str(r->row, 1);
        int64_t months = db_column_i64(r->row, 3);
        ask.day = one->day;
        ask.income = db_column_i64(r->row, 0);
        ask.layers = contribution_layers_at(r->tables, r->places, one->place_id);
        if (method.bytes && contribution_method_parse(method, &ask.method, &inner) != 0) {
            method = (struct str){0};
        }
        if (!method.bytes && (months == 3 || months == 6 || months == 12)) {
            ask.method = (struct contribution_method){CONTRIBUTION_MONTHS, (int)months};
        }
        rc = contribution_groups(r->tables, db_column_str(r->row, 2), &ask.groups, &inner) == 0 &&
                     contribution_reckon(r->tables, &ask, &result, &inner) == 0
                 ? 1
                 : 0;
        *known_out = rc == 1;
        if (rc == 1) {
            one->support = result.support_total;
            one->local = result.local_total;
            ask.method = (struct contribution_method){CONTRIBUTION_MONTHS, 12};
            if (contribution_reckon(r->tables, &ask, &result, &inner) == 0) {
                one->support_year = result.support_total;
                one->local_year = result.local_total;
            }
        }
        rc = 0;
    }
    db_reset(r->row);
    return rc;
}

int recorded_subsidy(
    struct db *db, struct recorded_list *list, int64_t *unknown_out, struct base_err *err) {
    struct reckoner r = {0};
    *unknown_out = 0;
    int rc = contribution_load(db, &r.tables, err);
    rc = rc == 0 ? contribution_places_load(db, r.tables, &r.places, err) : rc;
    rc = rc == 0 ? db_prepare(db,
                       "SELECT coalesce(income, 0), method, support_group, coalesce(months, 1) "
                       "FROM enrolment WHERE id = ?1",
                       &r.row, err)
                 : rc;
    for (size_t i = 0; rc == 0 && i < list->count; i++) {
        bool known = false;
        rc = reckon(&r, &list->rows[i], &known, err);
        *unknown_out += rc == 0 && !known;
    }
    db_finish(&r.row);
    contribution_places_free(&r.places);
    contribution_free(&r.tables);
    return rc;
}
