/* Patches the dated tables and reckons every participant's payment twice. */
#include "conversion/whatif.h"

#include "base/parse.h"
#include "base/tr.h"
#include "conversion/enrolment.h"

#include <math.h>

#include "whatif_lapse.inc"

/* --- the assumption --- */

static int read_numbers(const struct base_json *doc, const json_t *object, const char *path,
    double most, double *out, struct base_err *err) {
    static const char *const names[] = {"low", "middle", "high"};
    for (int i = 0; i < WHATIF_SCENARIOS; i++) {
        const json_t *value = json_object_get(object, names[i]);
        if (!json_is_number(value) || json_number_value(value) < 0 ||
            json_number_value(value) > most || (i && json_number_value(value) < out[i - 1])) {
            return base_json_fault(doc, value ? value : object, path, err,
                TR("low, middle and high must be numbers from 0 to %g, none below the one before"),
                most);
        }
        out[i] = json_number_value(value);
    }
    return 0;
}

int whatif_lapse_parse(
    const struct base_json *doc, struct whatif_lapse *lapse, struct base_err *err) {
    *lapse = (struct whatif_lapse){0};
    const json_t *root = json_object_get(base_json_root(doc), "lapse");
    const char *from = json_string_value(json_object_get(root, "from"));
    const char *source = json_string_value(json_object_get(root, "source"));
    struct base_date date;
    if (!json_is_object(root)) {
        return base_json_fault(doc, root, "lapse", err, "%s", TR("an object is needed"));
    }
    if (!from || base_parse_date(str_from(from), &date) != 0) {
        return base_json_fault(doc, json_object_get(root, "from"), "lapse.from", err, "%s",
            TR("not a date (write it as 2026-12-31)"));
    }
    if (!source || !*source) {
        return base_json_fault(doc, json_object_get(root, "source"), "lapse.source", err, "%s",
            TR("the source of the assumption is needed"));
    }
    base_format_date(date, lapse->from);
    snprintf(lapse->source, sizeof lapse->source, "%s", source);
    int rc = read_numbers(doc, root, "lapse", 10, lapse->power, err);
    rc = rc ? rc
            : read_numbers(doc, json_object_get(root, "from_nothing_percent"),
                  "lapse.from_nothing_percent", 100, lapse->from_nothing, err);
    for (int i = 0; i < WHATIF_SCENARIOS; i++) {
        lapse->from_nothing[i] /= 100;
    }
    return rc;
}

int whatif_lapse_load(const char *path, struct whatif_lapse *lapse_out, struct base_err *err) {
    struct base_json *doc = NULL;
    *lapse_out = (struct whatif_lapse){0};
    int rc = path ? base_json_load(path, &doc, err)
                  : base_json_parse(str_of((const char *)lapse_json, sizeof lapse_json - 1),
                        "lapse.json", &doc, err);
    rc = rc ? rc : whatif_lapse_parse(doc, lapse_out, err);
    base_json_free(&doc);
    return rc;
}

double whatif_lapse_share(
    const struct whatif_lapse *lapse, int scenario, int64_t before, int64_t after) {
    if (after <= before) {
        return 0;
    }
    return before <= 0 ? lapse->from_nothing[scenario]
                       : 1 - pow((double)before / (double)after, lapse->power[scenario]);
}

/* --- other tables --- */

struct change {
    const char *table, *field, *selector; /* selector: the key that `which` must equal; NULL */
    char which[64];
    double value;
};

static int read_change(const char *text, struct change *change_out, struct base_err *err) {
    static const struct change kinds[] = {{"poverty_line", "vnd", NULL, "", 0},
        {"reference_level", "vnd", NULL, "", 0}, {"central", "percent", "group", "", 0},
        {"local", "percent", "layer", "", 0}};
    const char *equals = strchr(text, '='), *dot = strchr(text, '.');
    dot = dot && equals && dot < equals ? dot : NULL;
    for (size_t i = 0; equals && i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t bytes = (size_t)((dot ? dot : equals) - text);
        double most = kinds[i].selector ? 100 : 1e9;
        if (strlen(kinds[i].table) != bytes || memcmp(text, kinds[i].table, bytes) != 0 ||
            !kinds[i].selector != !dot) {
            continue;
        }
        *change_out = kinds[i];
        if (dot) {
            snprintf(change_out->which, sizeof change_out->which, "%.*s", (int)(equals - dot - 1),
                dot + 1);
        }
        if (base_parse_f64(str_from(equals + 1), &change_out->value) == 0 &&
            change_out->value >= (kinds[i].selector ? 0 : 1) && change_out->value <= most) {
            return 0;
        }
    }
    return base_err_set(err, LANTOA_EINVAL,
        TR("'%s': write poverty_line=VND, reference_level=VND, central.GROUP=PERCENT or "
           "local.LAYER=PERCENT"),
        text);
}

static bool change_takes(const struct change *change, const json_t *row) {
    const char *key =
        change->selector ? json_string_value(json_object_get(row, change->selector)) : NULL;
    return !change->selector || (key && strcmp(key, change->which) == 0);
}

static int apply_change(
    json_t *root, const struct change *change, int64_t day, struct base_err *err) {
    json_t *rows = json_object_get(root, change->table);
    json_t *last = NULL;
    char from[BASE_DATE_MAX], eve[BASE_DATE_MAX];
    base_format_date(base_date_from_days(day), from);
    base_format_date(base_date_from_days(day - 1), eve);
    for (size_t i = 0; i < json_array_size(rows);) {
        json_t *row = json_array_get(rows, i);
        const char *starts = json_string_value(json_object_get(row, "from"));
        const char *ends = json_string_value(json_object_get(row, "to"));
        if (!change_takes(change, row) || !starts) {
            i++;
            continue;
        }
        json_decref(last);
        last = json_deep_copy(row);
        if (strcmp(starts, from) >= 0) {
            json_array_remove(rows, i);
            continue;
        }
        if (!ends || strcmp(ends, from) >= 0) {
            json_object_set_new(row, "to", json_string(eve));
        }
        i++;
    }
    if (!last) {
        return base_err_set(err, LANTOA_EINVAL, TR("the tables have no %s '%s' to change"),
            change->table, change->which);
    }
    json_object_set_new(last, "from", json_string(from));
    json_object_del(last, "to");
    json_object_set_new(last, "source", json_string("what if"));
    json_object_set_new(last, change->field,
        change->selector ? json_real(change->value)
                         : json_integer((json_int_t)llround(change->value)));
    json_array_append_new(rows, last);
    return 0;
}

int whatif_tables(struct db *db, const char *const *changes, size_t count, int64_t day,
    struct contribution_tables **tables_out, struct base_err *err) {
    struct base_json *doc = NULL, *patched = NULL;
    char *text = NULL, *dumped = NULL;
    int rc = contribution_text(db, &text, err);
    rc = rc ? rc : base_json_parse(str_from(text), "contribution", &doc, err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct change change = {0};
        rc = read_change(changes[i], &change, err);
        rc = rc ? rc
                : apply_change(
                      json_object_get(base_json_root(doc), "contribution"), &change, day, err);
    }
    if (rc == 0) {
        dumped = json_dumps(base_json_root(doc), JSON_COMPACT);
        rc = base_json_parse(str_from(dumped ? dumped : ""), "what if", &patched, err);
    }
    rc = rc ? rc : contribution_parse(patched, tables_out, err);
    base_json_free(&doc);
    base_free(text);
    base_free(dumped);
    return rc;
}

/* --- people --- */

struct present {
    bool known, inside;
    int64_t kind, who;
    struct whatif_person person;
    uint32_t groups;
};
struct running {
    const struct contribution_tables *before, *after;
    struct contribution_places *layers_before, *layers_after;
    const struct whatif_lapse *lapse;
    const struct whatif_calls *calls;
    struct place_carry *places;
    struct whatif_place *rows;
    size_t count, room;
    int64_t day;
    struct present now;
};

static struct whatif_place *place_row(struct running *r, int64_t place_id) {
    size_t at = 0;
    while (at < r->count && r->rows[at].place_id < place_id) {
        at++;
    }
    if (at == r->count || r->rows[at].place_id != place_id) {
        if (r->count == r->room) {
            r->room = r->room ? 2 * r->room : 256;
            r->rows = base_realloc(r->rows, r->room * sizeof *r->rows);
        }
        memmove(&r->rows[at + 1], &r->rows[at], (r->count - at) * sizeof *r->rows);
        r->rows[at] = (struct whatif_place){.place_id = place_id};
        r->count++;
    }
    return &r->rows[at];
}

/* What somebody of these groups pays a month at this income, or at the floor above it. */
static int reckon(const struct running *r, const struct contribution_tables *tables,
    const struct contribution_places *layers, int64_t income, struct contribution_result *result,
    struct base_err *err) {
    struct contribution_ask ask;
    struct contribution_limits limits;
    contribution_ask_init(tables, &ask);
    int rc = contribution_limits(tables, r->day, &limits, err);
    ask.day = r->day;
    ask.groups = r->now.groups;
    ask.resident = true;
    ask.layers = contribution_layers_at(tables, layers, r->now.person.place_id);
    if (rc == 0) {
        int64_t least = income > limits.floor ? income : limits.floor;
        ask.income = least < limits.ceiling ? least : limits.ceiling;
    }
    return rc ? rc : contribution_reckon(tables, &ask, result, err);
}

static int finish_person(struct running *r, struct base_err *err) {
    struct whatif_person *person = &r->now.person;
    struct contribution_result before, after;
    if (!r->now.known || !r->now.inside) {
        return 0;
    }
    int rc = reckon(r, r->before, r->layers_before, person->income, &before, err);
    rc = rc ? rc : reckon(r, r->after, r->layers_after, before.income, &after, err);
    if (rc) {
        return rc;
    }
    person->income = person->income ? person->income : before.limits.floor;
    person->floor = after.limits.floor;
    person->pay_before = before.pay_month;
    person->pay_after = after.pay_month;
    person->place_id = place_carry_person(r->places, person->place_id);
    struct whatif_place *row = place_row(r, person->place_id);
    row->participants++;
    row->paying_more += person->pay_after > person->pay_before;
    for (int i = 0; i < WHATIF_SCENARIOS; i++) {
        row->lapse[i] += whatif_lapse_share(r->lapse, i, person->pay_before, person->pay_after);
    }
    if (person->income < person->floor) {
        row->below_floor++;
        rc = r->calls->person ? r->calls->person(r->calls->arg, person) : 0;
    }
    return rc;
}

static int take_event(struct running *r, struct db_stmt *stmt, struct base_err *err) {
    int64_t kind = db_column_i64(stmt, 1), who = db_column_i64(stmt, 2);
    int event = enrolment_event_find(db_column_str(stmt, 3));
    if (!r->now.known || kind != r->now.kind || who != r->now.who) {
        int rc = finish_person(r, err);
        if (rc) {
            return rc;
        }
        r->now = (struct present){.known = true, .kind = kind, .who = who};
    }
    struct whatif_person *person = &r->now.person;
    bool joins =
        event == ENROLMENT_new || event == ENROLMENT_returned || event == ENROLMENT_renewed;
    if (joins || (event == ENROLMENT_moved && r->now.inside)) {
        r->now.inside = true;
        person->enrolment_id = db_column_i64(stmt, 0);
        person->contact_id = kind == 0 ? who : 0;
        person->place_id = db_column_i64(stmt, 4) ? db_column_i64(stmt, 4) : person->place_id;
        person->income = db_column_i64(stmt, 5) ? db_column_i64(stmt, 5) : person->income;
        struct base_err ignored = {0};
        uint32_t groups = 0;
        if (!db_column_is_null(stmt, 6) &&
            contribution_groups(r->before, db_column_str(stmt, 6), &groups, &ignored) == 0) {
            r->now.groups = groups;
        }
    } else if (event != ENROLMENT_moved) {
        r->now.inside = false;
    }
    return 0;
}

int whatif_run(struct db *db, const struct contribution_tables *before,
    const struct contribution_tables *after, const struct whatif_lapse *lapse, int64_t day,
    const char *on, const struct whatif_calls *calls, struct base_err *err) {
    struct running r = {
        .before = before, .after = after, .lapse = lapse, .calls = calls, .day = day};
    struct db_stmt *stmt = NULL;
    int rc = place_carry_new(db, on, &r.places, err);
    rc = rc ? rc : contribution_places_load(db, before, &r.layers_before, err);
    rc = rc ? rc : contribution_places_load(db, after, &r.layers_after, err);
    rc = rc ? rc
            : db_prepare(db,
                  "SELECT id, CASE WHEN contact_id IS NULL THEN 1 ELSE 0 END AS kind, "
                  "COALESCE(contact_id, person_hash, si_hash, phone_hash, name_hash, -id) AS who, "
                  "event, COALESCE(place_id, 0), COALESCE(income, 0), support_group FROM enrolment "
                  "WHERE event_date <= ?1 ORDER BY kind, who, event_date, id",
                  &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, on);
    }
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        rc = take_event(&r, stmt, err);
    }
    rc = rc ? rc : finish_person(&r, err);
    db_finish(&stmt);
    for (size_t i = 0; rc == 0 && i < r.count; i++) {
        rc = calls->place(calls->arg, &r.rows[i]);
    }
    contribution_places_free(&r.layers_before);
    contribution_places_free(&r.layers_after);
    place_carry_free(&r.places);
    base_free(r.rows);
    return rc;
}
