/* Rolls figures up to a level, under the places of a day. */
#include "report/place_view.h"

#include "base/civil.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/tr.h"
#include "report/conversion_part.h"

struct place_view {
    struct place_carry *carry;
    const char *level;
    bool carries;
    char on[BASE_DATE_MAX];
};

int place_view_new(struct db *db, const char *on, const char *level, struct place_view **view_out,
    struct base_err *err) {
    struct place_view *view = base_alloc(sizeof *view);
    *view = (struct place_view){.level = level, .carries = on != NULL};
    /* Without a day nothing is over or later: every place lies under its own parents. */
    snprintf(view->on, sizeof view->on, "%s", on ? on : "9999-12-31");
    int rc = place_carry_new(db, view->on, &view->carry, err);
    if (rc) {
        place_view_free(&view);
        return rc;
    }
    *view_out = view;
    return 0;
}

void place_view_free(struct place_view **view) {
    if (*view) {
        place_carry_free(&(*view)->carry);
        base_free(*view);
        *view = NULL;
    }
}

/* --- where a figure is shown --- */

struct sharing {
    const struct place_view *view;
    struct place_part *parts;
    size_t count;
};

static void add(struct sharing *s, int64_t place_id, int64_t amount) {
    size_t at = 0;
    while (at < s->count && s->parts[at].place_id != place_id) {
        at++;
    }
    if (at < s->count) {
        s->parts[at].amount += amount;
    } else if (s->count < PLACE_CARRY_PARTS) {
        s->parts[s->count++] = (struct place_part){place_id, amount};
    } else {
        s->parts[PLACE_CARRY_PARTS - 1].amount += amount; /* never lost */
    }
}

/* The place of the level; 0: none. */
static int64_t at_level(const struct place_view *view, int64_t place_id) {
    struct place_row info;
    int64_t upper = place_carry_above(view->carry, place_id, str_from(view->level));
    return place_carry_info(view->carry, upper, &info) && str_is(info.level, view->level) ? upper
                                                                                          : 0;
}

/* A village need not have ended with its commune: what it lies under is carried too. */
static void add_carried(struct sharing *s, int64_t place_id, int64_t amount) {
    struct place_part parts[PLACE_CARRY_PARTS];
    int64_t upper = at_level(s->view, place_id);
    size_t count = upper ? place_carry_amount(s->view->carry, upper, amount, parts) : 0;
    for (size_t i = 0; i < count; i++) {
        add(s, at_level(s->view, parts[i].place_id), parts[i].amount);
    }
    if (count == 0) {
        add(s, 0, amount);
    }
}

size_t place_view_amount(const struct place_view *view, int64_t place_id, int64_t amount,
    struct place_part parts_out[static PLACE_CARRY_PARTS]) {
    struct sharing s = {view, parts_out, 0};
    struct place_part parts[PLACE_CARRY_PARTS];
    if (place_id == 0 || !view->carries) {
        add(&s, place_id ? at_level(view, place_id) : 0, amount);
        return s.count;
    }
    size_t count = place_carry_amount(view->carry, place_id, amount, parts);
    for (size_t i = 0; i < count; i++) {
        add_carried(&s, parts[i].place_id, parts[i].amount);
    }
    return s.count;
}

size_t place_view_shares(const struct place_view *view, int64_t place_id,
    struct place_part parts_out[static PLACE_CARRY_PARTS]) {
    return place_view_amount(view, place_id, PLACE_VIEW_WHOLE, parts_out);
}

/* --- how it is shown --- */

void place_view_put(const struct place_view *view, struct report_table *table, int64_t place_id) {
    struct place_row info;
    struct base_buf name;
    struct base_buf old;
    if (!place_carry_info(view->carry, place_id, &info)) {
        report_put_text(table, STR(""));
        report_put_text(table, str_from(TR("without a place of this level")));
        return;
    }
    base_buf_init(&name, 1 << 16);
    base_buf_init(&old, 1 << 15);
    if (view->carries) {
        place_carry_old_names(view->carry, place_id, &old);
    }
    base_buf_printf(&name, "%.*s", STR_ARG(info.name));
    if (old.bytes) {
        base_buf_printf(&name, " (%.*s)", (int)old.bytes, old.at);
    }
    report_put_text(table, info.code);
    report_put_text(table, base_buf_str(&name));
    base_buf_release(&name);
    base_buf_release(&old);
}

bool place_view_info(const struct place_view *view, int64_t place_id, struct place_row *info_out) {
    return place_carry_info(view->carry, place_id, info_out);
}

int place_view_order(const struct place_view *view, int64_t a, int64_t b) {
    struct place_row x;
    struct place_row y;
    bool has_x = place_carry_info(view->carry, a, &x);
    bool has_y = place_carry_info(view->carry, b, &y);
    if (!has_x || !has_y) {
        return has_y - has_x;
    }
    int order = str_cmp(x.code, y.code);
    return order ? order : (a > b) - (a < b);
}

void place_view_note(const struct place_view *view, struct report *report) {
    struct base_date day;
    if (!view->carries || base_parse_date(str_from(view->on), &day) != 0) {
        return;
    }
    report_param(report, TR("Places as of"), "%02d/%02d/%04d", day.day, day.month, day.year);
    report_note(report, "%s",
        TR("Figures of a place that is gone stand under its successors (whole people shared out "
           "by the shares where it was split); those of a later place under the one it came of. "
           "One put together from several keeps its own row, the old names behind it. Sums are "
           "equal."));
}

/* --- options --- */

int place_view_level(
    const struct report_request *request, const char **level_out, struct base_err *err) {
    static const char *const levels[] = {"province", "district", "commune", "village"};
    const char *given = report_option(request, "level");
    *level_out = NULL;
    for (size_t i = 0; given && i < sizeof levels / sizeof levels[0]; i++) {
        *level_out = strcmp(levels[i], given) == 0 ? levels[i] : *level_out;
    }
    return given && !*level_out
               ? base_err_set(err, LANTOA_EINVAL,
                     TR("--level %s: must be province, district, commune or village"), given)
               : 0;
}

int place_view_day(const struct report_request *request, struct report *report, const char **on_out,
    struct base_err *err) {
    int64_t day = 0;
    char text[BASE_DATE_MAX];
    *on_out = NULL;
    int rc = conversion_part_day(request, "places-on", &day, err);
    if (rc == 0 && report_option(request, "places-on")) {
        base_format_date(base_date_from_days(day), text);
        *on_out = report_keep(report, str_from(text));
    }
    return rc;
}
