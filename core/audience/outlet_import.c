/* Reads lists of outlets. A row that would broadcast in the quiet hours, to nowhere, on nothing or
 * on another's device is refused and says why. */
#include "audience/outlet_import.h"

#include "audience/contact_place.h"
#include "audience/nearest.h"
#include "audience/person.h"
#include "base/hash.h"
#include "base/parse.h"
#include "base/text.h"
#include "base/tr.h"
#include <lantoa/plugin.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const struct audience__field fields[OUTLET__FIELDS] = {
    [OUTLET__CODE] = {"code", "ma|ma tram|ma cum|ma loa"},
    [OUTLET__NAME] = {"name", "ten|ten tram|ten cum"},
    [OUTLET__KIND] = {"kind", "loai|loai diem phat"},
    [OUTLET__OWNER] = {"owner", "chu quan|don vi quan ly|quan ly|chu so huu"},
    [OUTLET__PLACE_CODE] = {"place_code", "ma dia ban|ma xa|ma don vi"},
    [OUTLET__PLACE] = {"place", "dia ban|xa|noi dat"},
    [OUTLET__COVERAGE] = {"coverage", "pham vi|vung phu|dia ban phu song"},
    [OUTLET__HOUSEHOLDS] = {"households", "so ho|ho|so ho dan"},
    [OUTLET__WINDOWS] = {"windows", "khung gio|gio phat|khung gio phat"},
    [OUTLET__QUIET] = {"quiet", "gio yen tinh|khong phat"},
    [OUTLET__MINUTES] = {"minutes_per_day", "so phut moi ngay|phut ngay|phut moi ngay|thoi luong"},
    [OUTLET__LEAD] = {"lead_hours", "giao truoc|giao truoc gio|giao truoc may gio|gio giao truoc"},
    [OUTLET__DEVICE] = {"device", "thiet bi|dia chi thiet bi"},
    [OUTLET__CHANNEL] = {"channel", "kenh"},
    [OUTLET__LANGUAGES] = {"languages", "ngon ngu|tieng|language"},
    [OUTLET__LAT] = {"lat", "vi do|latitude"},
    [OUTLET__LON] = {"lon", "kinh do|longitude"},
    [OUTLET__STATE] = {"state", "trang thai|tinh trang"},
};
static const struct audience__column_spec spec = {.fields = fields, .field_count = OUTLET__FIELDS};

enum {
    TEXT_MOST = 500,
    HOUSEHOLDS_MOST = 1000000,
    ALL_DAYS_MOST = 400 /* bytes of a window in an error */
};

/* --- one value --- */

static struct str value_of(const struct outlet__importing *i, enum outlet__field field) {
    return audience__columns_value(i->run.columns, i->csv_row, field);
}

void outlet__import_refuse_line(struct outlet__importing *i, int64_t line, enum outlet__field field,
    struct str value, const char *reason) {
    audience__run_fault(&i->run, line,
        audience__columns_heading(i->run.columns, i->run.csv, &spec, field), value, reason, false);
    i->run.outcome->rejected++;
}

int outlet__import_refuse(
    struct outlet__importing *i, enum outlet__field field, const char *reason) {
    outlet__import_refuse_line(i, i->csv_row->line, field, value_of(i, field), reason);
    return 1;
}

/* NFC, in the arena of the row. */
static struct str keep(struct outlet__importing *i, struct str text) {
    base_buf_clear(&i->scratch);
    if (base_text_nfc(&i->scratch, text) != 0) {
        return (struct str){0};
    }
    return str_of(
        base_arena_strndup(i->row_arena, i->scratch.at, i->scratch.bytes), i->scratch.bytes);
}

static int read_text(struct outlet__importing *i, enum outlet__field field, const char *missing,
    struct str *text_out) {
    struct str text = value_of(i, field);
    *text_out = (struct str){0};
    if (text.bytes == 0) {
        return missing ? outlet__import_refuse(i, field, missing) : 0;
    }
    if (text.bytes > TEXT_MOST || base_text_has_control(text)) {
        return outlet__import_refuse(i, field, TR("too long, or with control characters"));
    }
    *text_out = keep(i, text);
    return 0;
}

static int read_whole(struct outlet__importing *i, enum outlet__field field, int64_t most,
    int64_t fallback, int64_t *value_out) {
    struct str text = value_of(i, field);
    *value_out = fallback;
    if (text.bytes &&
        (base_parse_i64(text, value_out) != 0 || *value_out < 0 || *value_out > most)) {
        (void)snprintf(
            i->reason, sizeof i->reason, TR("not a number from 0 to %lld"), (long long)most);
        return outlet__import_refuse(i, field, i->reason);
    }
    return 0;
}

static int read_degrees(
    struct outlet__importing *i, enum outlet__field field, double most, double *value_out) {
    struct str text = value_of(i, field);
    *value_out = (double)NAN;
    if (text.bytes &&
        (base_parse_f64(text, value_out) != 0 || *value_out < -most || *value_out > most)) {
        return outlet__import_refuse(i, field, TR("not degrees (write 21.273100)"));
    }
    return 0;
}

/* --- what it is --- */

static int read_names(struct outlet__importing *i) {
    struct outlet__row *row = &i->row;
    int rc = read_text(i, OUTLET__CODE, TR("a code is needed"), &row->code);
    rc = rc ? rc : read_text(i, OUTLET__NAME, TR("a name is needed"), &row->name);
    rc = rc ? rc : read_text(i, OUTLET__DEVICE, NULL, &row->device);
    if (rc) {
        return rc;
    }
    int kind = outlet__kind_find(value_of(i, OUTLET__KIND));
    int owner = outlet__owner_find(value_of(i, OUTLET__OWNER));
    if (kind < 0) {
        return outlet__import_refuse(i, OUTLET__KIND, TR("kind is station or cluster"));
    }
    if (owner < 0) {
        return outlet__import_refuse(i, OUTLET__OWNER, TR("owner is commune or village"));
    }
    row->kind = str_from(outlet_kind_word((enum outlet_kind)kind));
    row->owner = str_from(outlet_owner_word((enum outlet_owner)owner));
    struct str state = value_of(i, OUTLET__STATE);
    row->state = STR("active");
    if (str_case_eq(state, STR("retired"))) {
        row->state = STR("retired");
    } else if (state.bytes && !str_case_eq(state, STR("active"))) {
        return outlet__import_refuse(i, OUTLET__STATE, TR("state is active or retired"));
    }
    return 0;
}

static int read_languages(struct outlet__importing *i) {
    struct str text = value_of(i, OUTLET__LANGUAGES);
    struct base_buf list;
    size_t count = 0;
    int rc = 0;
    base_buf_init(&list, 1024);
    while (rc == 0 && text.bytes > 0) {
        struct str one = str_trim(str_cut(&text, ';'));
        char lang[36];
        struct base_err why = {0};
        if (one.bytes == 0) {
            continue;
        }
        if (audience__lang(one, lang, &why) != 0) {
            rc = outlet__import_refuse(i, OUTLET__LANGUAGES, why.text);
        } else if (++count > OUTLET_LANGS_MAX) {
            (void)snprintf(
                i->reason, sizeof i->reason, TR("more than %d languages"), OUTLET_LANGS_MAX);
            rc = outlet__import_refuse(i, OUTLET__LANGUAGES, i->reason);
        } else {
            base_buf_printf(&list, "%s%s", list.bytes ? " " : "", lang);
        }
    }
    i->row.languages =
        list.bytes ? str_of(base_arena_strndup(i->row_arena, list.at, list.bytes), list.bytes)
                   : STR("vi");
    base_buf_release(&list);
    return rc;
}

/* 0, 1 refused, negative. */
static int read_channel(struct outlet__importing *i, struct base_err *err) {
    int rc = read_text(i, OUTLET__CHANNEL, TR("a channel is needed"), &i->row.channel);
    if (rc) {
        return rc;
    }
    db_bind_str(i->channel, 1, i->row.channel);
    rc = db_step(i->channel, err);
    if (rc == 1) {
        bool fits = db_column_i64(i->channel, 0) == LANTOA_ADDRESS_OUTLET;
        db_reset(i->channel);
        return fits ? 0
                    : outlet__import_refuse(
                          i, OUTLET__CHANNEL, TR("this channel speaks to people, not to places"));
    }
    if (rc < 0) {
        return rc;
    }
    struct audience__nearest nearest;
    audience__nearest_init(&nearest, i->row.channel);
    while ((rc = db_step(i->channels, err)) == 1) {
        struct str name = db_column_str(i->channels, 0);
        audience__nearest_offer(
            &nearest, str_of(base_arena_strndup(i->row_arena, name.at, name.bytes), name.bytes));
    }
    if (rc < 0) {
        return rc;
    }
    if (nearest.best.bytes) {
        (void)snprintf(i->reason, sizeof i->reason,
            TR("there is no such channel (did you mean '%.*s'?)"), STR_ARG(nearest.best));
    }
    return outlet__import_refuse(
        i, OUTLET__CHANNEL, nearest.best.bytes ? i->reason : TR("there is no such channel"));
}

/* --- when --- */

static struct str keep_json(
    struct outlet__importing *i, const struct outlet_window *windows, size_t count) {
    base_buf_clear(&i->scratch);
    outlet__windows_json(windows, count, &i->scratch);
    return str_of(
        base_arena_strndup(i->row_arena, i->scratch.at, i->scratch.bytes), i->scratch.bytes);
}

static int refuse_in_quiet(struct outlet__importing *i, const struct outlet_window *bad) {
    struct base_buf shown;
    base_buf_init(&shown, ALL_DAYS_MOST);
    outlet_windows_shown(bad, 1, &shown);
    (void)snprintf(i->reason, sizeof i->reason,
        TR("%s lies in the quiet hours; only an emergency is played then"), base_buf_text(&shown));
    base_buf_release(&shown);
    return outlet__import_refuse(i, OUTLET__WINDOWS, i->reason);
}

static int read_times(struct outlet__importing *i) {
    struct outlet_window windows[OUTLET_WINDOWS_MAX], own[OUTLET_WINDOWS_MAX];
    const struct outlet_window *quiet = i->rules.quiet;
    size_t count = 0, quiet_count = i->rules.quiet_count;
    struct base_err why = {0};
    if (outlet_windows_parse(value_of(i, OUTLET__WINDOWS), OUTLET_NO_WRAP, windows, &count, &why) !=
        0) {
        return outlet__import_refuse(i, OUTLET__WINDOWS, why.text);
    }
    if (count == 0) {
        return outlet__import_refuse(i, OUTLET__WINDOWS,
            TR("a broadcast window is needed (write mo-su 05:00-05:30; mo-fr 17:00-17:30)"));
    }
    i->row.quiet = (struct str){0};
    if (value_of(i, OUTLET__QUIET).bytes) {
        if (outlet_windows_parse(
                value_of(i, OUTLET__QUIET), OUTLET_WRAP, own, &quiet_count, &why) != 0) {
            return outlet__import_refuse(i, OUTLET__QUIET, why.text);
        }
        quiet = own;
        i->row.quiet = keep_json(i, own, quiet_count);
    }
    const struct outlet_window *bad = outlet__window_in_quiet(windows, count, quiet, quiet_count);
    if (bad) {
        return refuse_in_quiet(i, bad);
    }
    i->row.windows = keep_json(i, windows, count);
    int rc = read_whole(
        i, OUTLET__MINUTES, OUTLET_DAY_MINUTES, i->rules.minutes_per_day, &i->row.minutes_per_day);
    if (rc == 0 && i->row.minutes_per_day == 0) {
        rc = outlet__import_refuse(i, OUTLET__MINUTES,
            TR("an outlet with no minutes a day never speaks; give state retired instead"));
    }
    return rc ? rc : read_whole(i, OUTLET__LEAD, OUTLET_LEAD_HOURS_MAX, -1, &i->row.lead_hours);
}

/* --- where --- */

static int find_place(struct outlet__importing *i, enum outlet__field field, struct str code,
    struct str name, int64_t *id_out, struct base_err *err) {
    const char *fault = NULL;
    int rc = audience__placer_find(i->placer, code, name, id_out, &fault, err);
    if (rc || *id_out) {
        return rc;
    }
    if (field == OUTLET__COVERAGE) {
        (void)snprintf(
            i->reason, sizeof i->reason, "%.*s: %s", (int)base_utf8_cut(code, 80), code.at, fault);
        fault = i->reason;
    }
    return outlet__import_refuse(i, field, fault);
}

static int compare_cover(const void *a, const void *b) {
    const struct outlet__cover *left = a, *right = b;
    return left->place_id < right->place_id ? -1 : left->place_id > right->place_id;
}

/* "24001:320": a place, maybe with its households. *given_out: -1 without. */
static int read_cover(struct outlet__importing *i, struct str part, struct outlet__cover *cover_out,
    int64_t *given_out, struct base_err *err) {
    struct str code = part, number = {0};
    const char *colon = memchr(part.at, ':', part.bytes);
    *given_out = -1;
    if (colon) {
        code = str_trim(str_of(part.at, (size_t)(colon - part.at)));
        number = str_trim(str_of(colon + 1, (size_t)(part.at + part.bytes - colon) - 1));
        if (base_parse_i64(number, given_out) != 0 || *given_out < 0 ||
            *given_out > HOUSEHOLDS_MOST) {
            return outlet__import_refuse(
                i, OUTLET__COVERAGE, TR("not a number of households (write 24001:320)"));
        }
    }
    return find_place(i, OUTLET__COVERAGE, code, (struct str){0}, &cover_out->place_id, err);
}

static int check_twice(struct outlet__importing *i) {
    struct outlet__row *row = &i->row;
    qsort(row->covers, row->cover_count, sizeof row->covers[0], compare_cover);
    for (size_t k = 1; k < row->cover_count; k++) {
        if (row->covers[k].place_id == row->covers[k - 1].place_id) {
            return outlet__import_refuse(
                i, OUTLET__COVERAGE, TR("a place stands twice in the coverage"));
        }
    }
    return 0;
}

/* The outlet's number in equal parts, the first ones one larger when it does not divide. */
static void share_out(struct outlet__row *row, int64_t households) {
    int64_t count = (int64_t)row->cover_count;
    for (int64_t k = 0; k < count; k++) {
        row->covers[k].households = households / count + (k < households % count);
        row->covers[k].share = count > 1;
    }
}

static int settle_households(struct outlet__importing *i, size_t given, int64_t sum) {
    struct outlet__row *row = &i->row;
    int64_t households = 0;
    int rc = read_whole(i, OUTLET__HOUSEHOLDS, HOUSEHOLDS_MOST, -1, &households);
    if (rc) {
        return rc;
    }
    if (given > 0 && given < row->cover_count) {
        return outlet__import_refuse(i, OUTLET__COVERAGE,
            TR("some places have their households and some not: give all or none"));
    }
    if (given > 0 && households >= 0 && households != sum) {
        (void)snprintf(i->reason, sizeof i->reason,
            TR("the coverage adds up to %lld households, not %lld"), (long long)sum,
            (long long)households);
        return outlet__import_refuse(i, OUTLET__HOUSEHOLDS, i->reason);
    }
    row->households = given ? sum : households > 0 ? households : 0;
    if (given == 0) {
        share_out(row, row->households);
    }
    return 0;
}

static int read_coverage(struct outlet__importing *i, struct base_err *err) {
    struct outlet__row *row = &i->row;
    struct str text = value_of(i, OUTLET__COVERAGE);
    size_t given = 0;
    int64_t sum = 0;
    row->cover_count = 0;
    while (text.bytes > 0) {
        struct str part = str_trim(str_cut(&text, ';'));
        struct outlet__cover cover = {0};
        int64_t number;
        if (part.bytes == 0) {
            continue;
        }
        if (row->cover_count == OUTLET_COVERAGE_MAX) {
            (void)snprintf(
                i->reason, sizeof i->reason, TR("more than %d places"), OUTLET_COVERAGE_MAX);
            return outlet__import_refuse(i, OUTLET__COVERAGE, i->reason);
        }
        int rc = read_cover(i, part, &cover, &number, err);
        if (rc) {
            return rc;
        }
        given += number >= 0;
        sum += number >= 0 ? number : 0;
        cover.households = number >= 0 ? number : 0;
        row->covers[row->cover_count++] = cover;
    }
    if (row->cover_count == 0) {
        row->covers[row->cover_count++] = (struct outlet__cover){.place_id = row->place_id};
    }
    int rc = check_twice(i);
    return rc ? rc : settle_households(i, given, sum);
}

static int read_where(struct outlet__importing *i, struct base_err *err) {
    struct str code = value_of(i, OUTLET__PLACE_CODE), name = value_of(i, OUTLET__PLACE);
    if (code.bytes == 0 && name.bytes == 0) {
        return outlet__import_refuse(
            i, OUTLET__PLACE_CODE, TR("the place where it stands is needed"));
    }
    int rc = find_place(
        i, code.bytes ? OUTLET__PLACE_CODE : OUTLET__PLACE, code, name, &i->row.place_id, err);
    rc = rc ? rc : read_coverage(i, err);
    rc = rc ? rc : read_degrees(i, OUTLET__LAT, 90, &i->row.lat);
    return rc ? rc : read_degrees(i, OUTLET__LON, 180, &i->row.lon);
}

/* 0: fine; 1: refused; negative: failed. */
static int read_row(struct outlet__importing *i, struct base_err *err) {
    if (i->csv_row->fault) {
        return outlet__import_refuse(i, OUTLET__CODE, i->csv_row->fault);
    }
    int rc = read_names(i);
    rc = rc ? rc : outlet__import_seen(i);
    rc = rc ? rc : read_languages(i);
    rc = rc ? rc : read_times(i);
    rc = rc ? rc : read_where(i, err);
    rc = rc ? rc : read_channel(i, err);
    return rc;
}

static int take_row(
    struct outlet__importing *i, const struct audience_csv_row *row, struct base_err *err) {
    i->run.outcome->rows++;
    i->run.position = audience_csv_position(i->run.csv);
    i->csv_row = row;
    base_arena_reset(i->row_arena);
    int rc = read_row(i, err);
    rc = rc ? rc : outlet__import_keep(i, err);
    return rc < 0 ? rc : 0;
}

/* --- the whole --- */

static int prepare(struct outlet__importing *i, struct base_err *err) {
    struct db *db = i->run.db;
    int rc = outlet_rules_load(db, &i->rules, err);
    rc = rc ? rc : outlet__table_new(db, &i->table, err);
    rc = rc ? rc
            : db_prepare(
                  db, "SELECT COALESCE(address, 0) FROM channel WHERE name = ?1", &i->channel, err);
    rc = rc ? rc : db_prepare(db, "SELECT name FROM channel ORDER BY name", &i->channels, err);
    rc = rc ? rc : db_prepare(db, "UPDATE outlet SET device = NULL WHERE id = ?1", &i->let_go, err);
    return rc ? rc
              : db_prepare(db,
                    "INSERT INTO outlet_before (batch_id, outlet_id, before) VALUES (?1, ?2, ?3)",
                    &i->keep_before, err);
}

static int check_columns(const struct outlet__importing *i, struct base_err *err) {
    static const int needed[][3] = {{OUTLET__CODE, -1}, {OUTLET__NAME, -1}, {OUTLET__KIND, -1},
        {OUTLET__OWNER, -1}, {OUTLET__PLACE_CODE, OUTLET__PLACE, -1}, {OUTLET__WINDOWS, -1},
        {OUTLET__CHANNEL, -1}};
    int rc = 0;
    for (size_t k = 0; rc == 0 && k < sizeof needed / sizeof needed[0]; k++) {
        rc = audience__run_needs(&i->run, needed[k], err);
    }
    return rc;
}

int outlet_import(struct db *db, const struct audience_import *options,
    struct audience_import_outcome *outcome_out, struct base_err *err) {
    struct outlet__importing *i = base_alloc(sizeof *i);
    int rc = audience__run_open(&i->run, db, options, &spec, outcome_out, err);
    if (rc) {
        base_free(i);
        return rc;
    }
    i->arena = base_arena_new();
    i->waiting_end = &i->waiting;
    i->row_arena = base_arena_new();
    i->placer = audience__placer_new(db, options->today_days);
    base_buf_init(&i->scratch, 1 << 18);
    rc = check_columns(i, err);
    rc = rc ? rc : audience__run_start(&i->run, "outlet", err);
    rc = rc ? rc : prepare(i, err);
    struct audience_csv_row row;
    while (rc == 0 && (rc = audience_csv_next(i->run.csv, &row, err)) == 1) {
        bool committed = false;
        rc = take_row(i, &row, err);
        rc = rc ? rc : audience__run_row(&i->run, &committed, err);
    }
    rc = rc ? rc : outlet__import_settle(i, err);
    db_finish(&i->channel);
    db_finish(&i->channels);
    db_finish(&i->keep_before);
    db_finish(&i->let_go);
    outlet__table_free(&i->table);
    audience__placer_free(&i->placer);
    rc = audience__run_end(&i->run, rc, err);
    base_buf_release(&i->scratch);
    base_arena_free(&i->row_arena);
    base_arena_free(&i->arena);
    base_free(i);
    return rc;
}
