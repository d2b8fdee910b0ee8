/* Joins targets, carried to today's places, with stocks and flows from the replay of all events. */
#include "conversion/outlook.h"

#include "base/civil.h"
#include "base/mem.h"
#include "base/tr.h"
#include "conversion/balance.h"
#include "stats/dist.h"
#include "stats/rate.h"

#include <stdlib.h>

static const double days_a_month = 365.2425 / 12;

/* --- the forecast --- */

void outlook_forecast(const struct outlook_history *history, int64_t reached, double months_left,
    struct outlook_forecast *forecast_out) {
    size_t m = history->months;
    double net = 0, gross = 0, squares = 0;
    *forecast_out = (struct outlook_forecast){0};
    if (m < OUTLOOK_MONTHS_LEAST) {
        forecast_out->why = TR("fewer than 6 full months of events");
        return;
    }
    for (size_t i = 0; i < m; i++) {
        net += (double)(history->joins[i] - history->leavings[i]);
        gross += (double)(history->joins[i] + history->leavings[i]);
    }
    if (gross == 0) {
        forecast_out->why = TR("nobody joined or left in the months counted");
        return;
    }
    net /= (double)m;
    gross /= (double)m;
    for (size_t i = 0; i < m; i++) {
        double off = (double)(history->joins[i] - history->leavings[i]) - net;
        squares += off * off;
    }
    double phi = squares / ((double)(m - 1) * gross);
    double variance =
        (phi > 1 ? phi : 1) * gross * (months_left + months_left * months_left / (double)m);
    double reach = stats_t_quantile(0.5 + STATS_LEVEL / 2, (double)(m - 1)) * sqrt(variance);
    double expected = (double)reached + net * months_left;
    forecast_out->expected = expected > 0 ? expected : 0;
    forecast_out->low = expected - reach > 0 ? expected - reach : 0;
    forecast_out->high = expected + reach > 0 ? expected + reach : 0;
}

/* --- changes of stock --- */

struct step {
    int64_t place_id;
    int64_t day;
    enum balance_flow flow;
};
struct outlook {
    struct place_carry *carry;
    struct outlook_row *rows;
    size_t count, room;
    struct step *steps;
    size_t step_count, step_room;
    int64_t on;
};

static void note_change(void *arg, int64_t place_id, enum balance_flow flow, struct str date) {
    struct outlook *o = arg;
    struct base_date day;
    if (base_parse_date(date, &day) != 0) {
        return;
    }
    if (o->step_count == o->step_room) {
        o->step_room = o->step_room ? 2 * o->step_room : 4096;
        o->steps = base_realloc(o->steps, o->step_room * sizeof *o->steps);
    }
    o->steps[o->step_count++] = (struct step){place_id, base_days_from_date(day), flow};
}

static int no_row(void *arg, const struct balance_row *row) {
    (void)arg;
    (void)row;
    return 0;
}

static int load_steps(struct outlook *o, struct db *db, struct base_err *err) {
    char on[BASE_DATE_MAX];
    int64_t faults = 0;
    const struct balance_calls calls = {.row = no_row, .change = note_change, .arg = o};
    base_format_date(base_date_from_days(o->on), on);
    int rc = balance_each(db, "1800-01-01", on, on, &calls, &faults, err);
    if (rc == 0 && faults) {
        rc = base_err_set(err, LANTOA_EINVAL,
            TR("the balance does not hold: %lld events cannot be as they stand (`lantoa enrolment "
               "balance 1995-01-01 %s` names them)"),
            (long long)faults, on);
    }
    return rc;
}

static bool is_join(enum balance_flow flow) {
    return flow == BALANCE_NEW || flow == BALANCE_RETURNED || flow == BALANCE_MOVED_IN;
}

/* --- targets --- */

static struct outlook_row *row_of(
    struct outlook *o, int64_t place_id, const struct outlook_row *as) {
    for (size_t i = 0; i < o->count; i++) {
        struct outlook_row *row = &o->rows[i];
        if (row->place_id == place_id && row->kind == as->kind && row->from_days == as->from_days &&
            row->to_days == as->to_days) {
            return row;
        }
    }
    if (o->count == o->room) {
        o->room = o->room ? 2 * o->room : 256;
        o->rows = base_realloc(o->rows, o->room * sizeof *o->rows);
    }
    o->rows[o->count] = *as;
    o->rows[o->count].place_id = place_id;
    return &o->rows[o->count++];
}

struct reading {
    struct outlook *outlook;
    int64_t from_days, to_days;
    bool own; /* this pass takes targets of places that stand; the pass before, those gone */
};

static void take_own(struct outlook *o, const struct target_row *target, struct outlook_row as) {
    struct outlook_row *row = row_of(o, target->place_id, &as);
    row->assigned = row->carried ? row->assigned : target->first_value;
    row->value = target->value;
    row->carried = false;
}

static void take_carried(
    struct outlook *o, const struct target_row *target, struct outlook_row as) {
    struct place_part parts[PLACE_CARRY_PARTS];
    as.carried = true;
    size_t count = place_carry_amount(o->carry, target->place_id, target->first_value, parts);
    for (size_t i = 0; i < count; i++) {
        row_of(o, parts[i].place_id, &as)->assigned += parts[i].amount;
    }
    count = place_carry_amount(o->carry, target->place_id, target->value, parts);
    for (size_t i = 0; i < count; i++) {
        row_of(o, parts[i].place_id, &as)->value += parts[i].amount;
    }
}

static int take_target(void *arg, const struct target_row *target) {
    struct reading *reading = arg;
    struct outlook *o = reading->outlook;
    struct base_date from, to;
    struct place_part parts[PLACE_CARRY_PARTS];
    if (base_parse_date(target->from, &from) != 0 || base_parse_date(target->to, &to) != 0) {
        return 0;
    }
    struct outlook_row as = {.kind = str_is(target->kind, "stock") ? TARGET_STOCK : TARGET_FLOW,
        .from_days = base_days_from_date(from),
        .to_days = base_days_from_date(to)};
    bool wanted = reading->from_days < 0
                      ? as.from_days <= o->on && as.to_days >= o->on
                      : as.from_days == reading->from_days && as.to_days == reading->to_days;
    bool own = place_carry_amount(o->carry, target->place_id, 0, parts) == 1 &&
               parts[0].place_id == target->place_id;
    if (wanted && own == reading->own) {
        (own ? take_own : take_carried)(o, target, as);
    }
    return 0;
}

static int load_targets(
    struct outlook *o, struct db *db, int64_t from_days, int64_t to_days, struct base_err *err) {
    const struct target_query query = {0};
    struct reading reading = {o, from_days, to_days, false};
    int rc = target_each(db, &query, take_target, &reading, err);
    reading.own = true;
    return rc ? rc : target_each(db, &query, take_target, &reading, err);
}

/* --- putting both together --- */

static int64_t month_of(int64_t day) {
    struct base_date date = base_date_from_days(day);
    return (int64_t)date.year * 12 + date.month - 1;
}

static void count_row(const struct outlook *o, struct outlook_row *row) {
    int64_t until = o->on < row->to_days ? o->on : row->to_days;
    int64_t this_month = month_of(until), first_month = this_month;
    struct outlook_history history = {0};
    int64_t joins[OUTLOOK_MONTHS_MOST] = {0}, leavings[OUTLOOK_MONTHS_MOST] = {0};
    for (size_t i = 0; i < o->step_count; i++) {
        const struct step *step = &o->steps[i];
        if (step->day > until || !place_carry_under(o->carry, step->place_id, row->place_id)) {
            continue;
        }
        bool join = is_join(step->flow);
        bool counts = row->kind == TARGET_STOCK || step->flow == BALANCE_NEW ||
                      step->flow == BALANCE_RETURNED;
        int64_t month = month_of(step->day), ago = this_month - month;
        first_month = month < first_month ? month : first_month;
        if (!counts) {
            continue;
        }
        if (row->kind == TARGET_STOCK) {
            row->reached += join ? 1 : -1;
            row->start += step->day < row->from_days ? (join ? 1 : -1) : 0;
        } else if (step->day >= row->from_days) {
            row->reached++;
        }
        if (ago >= 1 && ago <= OUTLOOK_MONTHS_MOST) {
            joins[ago - 1] += join;
            leavings[ago - 1] += !join;
        }
    }
    int64_t months = this_month - first_month;
    history.months = (size_t)(months < OUTLOOK_MONTHS_MOST ? months : OUTLOOK_MONTHS_MOST);
    for (size_t i = 0; i < history.months; i++) {
        history.joins[i] = joins[i];
        history.leavings[i] = leavings[i];
    }
    double whole = (double)(row->to_days - row->from_days + 1);
    double gone = (double)(until - row->from_days + 1);
    double elapsed = gone < 0 ? 0 : gone / whole;
    row->expected = llround((double)row->start + (double)(row->value - row->start) * elapsed);
    outlook_forecast(
        &history, row->reached, (double)(row->to_days - until) / days_a_month, &row->forecast);
    if (row->kind == TARGET_FLOW && row->forecast.low < (double)row->reached) {
        row->forecast.low = (double)row->reached; /* who joined has joined */
    }
}

/* --- ranks --- */

struct span {
    double low, high;
};

static bool reach_span(const struct outlook_row *row, struct span *span_out) {
    struct stats_estimate found;
    struct base_err ignored = {0};
    int64_t reached = row->reached > 0 ? row->reached : 0;
    bool over = reached > row->value;
    if (row->value <= 0 ||
        stats_wilson((struct stats_count){over ? row->value : reached, over ? reached : row->value},
            STATS_LEVEL, &found, &ignored) != 0) {
        return false;
    }
    *span_out =
        over ? (struct span){1 / found.high, 1 / found.low} : (struct span){found.low, found.high};
    return true;
}

static bool same_league(
    const struct outlook *o, const struct outlook_row *a, const struct outlook_row *b) {
    struct place_row left, right;
    return a->kind == b->kind && a->from_days == b->from_days && a->to_days == b->to_days &&
           place_carry_info(o->carry, a->place_id, &left) &&
           place_carry_info(o->carry, b->place_id, &right) && str_eq(left.level, right.level);
}

static void rank_rows(struct outlook *o) {
    for (size_t i = 0; i < o->count; i++) {
        struct span mine, other;
        if (!reach_span(&o->rows[i], &mine)) {
            continue;
        }
        o->rows[i].rank = 1;
        for (size_t j = 0; j < o->count; j++) {
            if (j != i && same_league(o, &o->rows[i], &o->rows[j]) &&
                reach_span(&o->rows[j], &other)) {
                o->rows[i].rank += other.low > mine.high;
            }
        }
    }
}

static int compare_rows(const void *a, const void *b) {
    const struct outlook_row *left = a, *right = b;
    if (left->from_days != right->from_days) {
        return left->from_days < right->from_days ? -1 : 1;
    }
    if (left->to_days != right->to_days) {
        return left->to_days < right->to_days ? -1 : 1;
    }
    if (left->kind != right->kind) {
        return left->kind < right->kind ? -1 : 1;
    }
    return left->place_id < right->place_id ? -1 : left->place_id > right->place_id;
}

int outlook_new(struct db *db, int64_t on, int64_t from_days, int64_t to_days,
    struct outlook **outlook_out, struct base_err *err) {
    struct outlook *o = base_alloc(sizeof *o);
    char day[BASE_DATE_MAX];
    *o = (struct outlook){.on = on};
    base_format_date(base_date_from_days(on), day);
    int rc = place_carry_new(db, day, &o->carry, err);
    rc = rc ? rc : load_targets(o, db, from_days, to_days, err);
    rc = rc || !o->count ? rc : load_steps(o, db, err);
    if (rc) {
        outlook_free(&o);
        return rc;
    }
    if (o->count) {
        qsort(o->rows, o->count, sizeof *o->rows, compare_rows);
    }
    for (size_t i = 0; i < o->count; i++) {
        count_row(o, &o->rows[i]);
    }
    rank_rows(o);
    *outlook_out = o;
    return 0;
}

void outlook_free(struct outlook **outlook) {
    if (*outlook) {
        place_carry_free(&(*outlook)->carry);
        base_free((*outlook)->rows);
        base_free((*outlook)->steps);
        base_free(*outlook);
        *outlook = NULL;
    }
}

const struct outlook_row *outlook_rows(const struct outlook *outlook, size_t *count_out) {
    *count_out = outlook->count;
    return outlook->rows;
}

const struct place_carry *outlook_places(const struct outlook *outlook) {
    return outlook->carry;
}
