/* Reckons contributions on the dated tables. Knows no database and no contact. */
#include "campaign/contribution_private.h"

#include "base/parse.h"
#include "base/text.h"
#include "base/tr.h"

#include <math.h>

#define WHOLE_BP INT64_C(10000)
enum { MISSING_MOST = 60, YEARS_LEAST = 2, YEARS_MOST = 5 };

/* --- rows --- */

static bool in_force(const struct contribution__row *row, int64_t day) {
    return row->from_days <= day && day <= row->to_days;
}

const struct contribution__row *contribution__at(
    const struct contribution_tables *tables, enum contribution__list list, int64_t day) {
    const struct contribution__row *best = NULL;
    for (size_t i = 0; i < tables->counts[list]; i++) {
        const struct contribution__row *row = &tables->rows[list][i];
        if (in_force(row, day) && (!best || row->from_days > best->from_days)) {
            best = row;
        }
    }
    return best;
}

static int need(const struct contribution_tables *tables, enum contribution__list list, int64_t day,
    const struct contribution__row **row_out, struct base_err *err) {
    *row_out = contribution__at(tables, list, day);
    if (*row_out) {
        return 0;
    }
    char date[BASE_DATE_MAX];
    base_format_date(base_date_from_days(day), date);
    return base_err_set(err, LANTOA_ENOENT,
        TR("the tables of contributions have no %s for %s (see: lantoa rules show contribution)"),
        contribution__list_label(list), date);
}

int contribution_limits(const struct contribution_tables *tables, int64_t day,
    struct contribution_limits *limits_out, struct base_err *err) {
    const struct contribution__row *rate, *line, *level, *ceiling;
    int rc = need(tables, CONTRIBUTION__rate, day, &rate, err);
    rc = rc ? rc : need(tables, CONTRIBUTION__poverty_line, day, &line, err);
    rc = rc ? rc : need(tables, CONTRIBUTION__reference_level, day, &level, err);
    rc = rc ? rc : need(tables, CONTRIBUTION__ceiling, day, &ceiling, err);
    if (rc) {
        return rc;
    }
    int64_t since = rate->from_days;
    since = line->from_days > since ? line->from_days : since;
    since = level->from_days > since ? level->from_days : since;
    *limits_out = (struct contribution_limits){.rate_bp = rate->value,
        .poverty_line = line->value,
        .reference_level = level->value,
        .floor = line->value,
        .ceiling = ceiling->value * level->value,
        .since_days = since};
    return 0;
}

/* --- groups --- */

size_t contribution_group_count(const struct contribution_tables *tables) {
    return tables->group_count;
}

const char *contribution_group_name(const struct contribution_tables *tables, size_t index) {
    return tables->groups[index].name;
}

const char *contribution_group_label(
    const struct contribution_tables *tables, size_t index, const char *lang) {
    bool english = strncmp(lang, "en", 2) == 0;
    return english ? tables->groups[index].en : tables->groups[index].vi;
}

static uint32_t group_of(const struct contribution_tables *tables, struct str key) {
    for (size_t i = 0; i < tables->group_count; i++) {
        for (size_t k = 0; k < tables->groups[i].word_count; k++) {
            if (str_is(key, tables->groups[i].words[k])) {
                return UINT32_C(1) << i;
            }
        }
    }
    return 0;
}

int contribution_groups(const struct contribution_tables *tables, struct str text,
    uint32_t *groups_out, struct base_err *err) {
    *groups_out = 0;
    while (text.bytes > 0) {
        size_t end = 0;
        while (end < text.bytes && !strchr(",;+|", text.at[end])) {
            end++;
        }
        struct str word = str_trim(str_of(text.at, end));
        text = end < text.bytes ? str_of(text.at + end + 1, text.bytes - end - 1)
                                : (struct str){text.at, 0};
        if (word.bytes == 0) {
            continue;
        }
        struct base_buf key;
        base_buf_init(&key, 1024);
        uint32_t group = word.bytes <= 256 && base_text_key(&key, word) == 0
                             ? group_of(tables, base_buf_str(&key))
                             : 0;
        base_buf_release(&key);
        if (group == 0) {
            return base_err_set(
                err, LANTOA_EINVAL, TR("'%.*s' is no group of support"), STR_ARG(word));
        }
        *groups_out |= group;
    }
    return 0;
}

/* --- support --- */

struct support {
    const struct contribution__row *central; /* NULL: none */
    int64_t central_months;                  /* the State supports at most */
    /* The best row of each layer that fits the person. */
    const struct contribution__row *layers[CONTRIBUTION_LAYERS_MOST];
    size_t layer_count;
};

static void add_source(struct contribution_result *result, const char *source) {
    for (size_t i = 0; i < result->source_count; i++) {
        if (strcmp(result->sources[i], source) == 0) {
            return;
        }
    }
    if (result->source_count < CONTRIBUTION_SOURCES_MOST) {
        result->sources[result->source_count++] = source;
    }
}

static void find_central(const struct contribution_tables *tables,
    const struct contribution_ask *ask, uint32_t groups, struct support *support) {
    for (size_t i = 0; i < tables->counts[CONTRIBUTION__central]; i++) {
        const struct contribution__row *row = &tables->rows[CONTRIBUTION__central][i];
        if (in_force(row, ask->day) && (row->groups & groups) &&
            (!support->central || row->value > support->central->value)) {
            support->central = row;
        }
    }
    const struct contribution__row *limit =
        contribution__at(tables, CONTRIBUTION__central_months, ask->day);
    support->central_months = limit ? limit->value : INT64_MAX;
}

static void find_layers(const struct contribution_tables *tables,
    const struct contribution_ask *ask, uint32_t groups, struct support *support) {
    for (size_t i = 0; i < tables->counts[CONTRIBUTION__local]; i++) {
        const struct contribution__row *row = &tables->rows[CONTRIBUTION__local][i];
        if (!in_force(row, ask->day) || !(row->groups & groups) || !(ask->layers >> i & 1) ||
            (row->resident && !ask->resident)) {
            continue;
        }
        size_t at = 0;
        while (at < support->layer_count && strcmp(support->layers[at]->layer, row->layer) != 0) {
            at++;
        }
        if (at == support->layer_count) {
            support->layers[support->layer_count++] = row;
        } else if (row->value > support->layers[at]->value) {
            support->layers[at] = row;
        }
    }
}

static int64_t part(int64_t amount, int64_t rate_bp, int64_t support_bp) {
    int64_t scale = WHOLE_BP * WHOLE_BP;
    return (amount * rate_bp * support_bp + scale / 2) / scale;
}

static int64_t at_least_0(int64_t value) {
    return value > 0 ? value : 0;
}

/* What is given for the nth month (from 0) of a payment. */
struct month {
    int64_t support, local, central_bp, local_bp;
};

static struct month month_at(const struct contribution_ask *ask, const struct support *support,
    const struct contribution_result *result, int64_t n) {
    struct month month = {0};
    int64_t rate = result->limits.rate_bp, line = result->limits.poverty_line;
    if (support->central && ask->supported + n < support->central_months) {
        month.central_bp = support->central->value;
    }
    int64_t on_line_bp = 0, on_income_bp = 0;
    int64_t local_done = (ask->local_supported < 0 ? ask->supported : ask->local_supported) + n;
    for (size_t i = 0; i < support->layer_count; i++) {
        const struct contribution__row *row = support->layers[i];
        if (row->months && local_done >= row->months) {
            continue;
        }
        *(row->on_income ? &on_income_bp : &on_line_bp) += row->value;
    }
    if (ask->local_bp >= 0) {
        on_line_bp = ask->local_bp;
        on_income_bp = 0;
    }
    /* Everything together is at most the whole of what is supported. */
    int64_t left = WHOLE_BP - month.central_bp;
    on_line_bp = on_line_bp < left ? on_line_bp : left;
    on_income_bp = on_income_bp < left - on_line_bp ? on_income_bp : left - on_line_bp;
    month.local_bp = on_line_bp + on_income_bp;
    month.support = part(line, rate, month.central_bp);
    month.local = part(line, rate, on_line_bp) + part(result->income, rate, on_income_bp);
    month.support = month.support < result->month ? month.support : result->month;
    int64_t rest = result->month - month.support;
    month.local = month.local < rest ? month.local : rest;
    return month;
}

/* --- methods --- */

static int64_t gross_years(const struct contribution_result *result, int months) {
    double sum = 0, factor = 1;
    double month = (double)result->limits.rate_bp / (double)WHOLE_BP * (double)result->income;
    for (int i = 0; i < months; i++) {
        sum += month / factor;
        factor *= 1 + result->fund_rate;
    }
    return llround(sum);
}

static int64_t gross_missing(const struct contribution_result *result, int months) {
    double sum = 0, factor = 1;
    double month = (double)result->limits.rate_bp / (double)WHOLE_BP * (double)result->income;
    for (int i = 0; i < months; i++) {
        factor *= 1 + result->fund_rate;
        sum += month * factor;
    }
    return llround(sum);
}

/* Sets gross and fund_rate; *supported_out: these months have support. */
static int reckon_gross(const struct contribution_tables *tables,
    const struct contribution_ask *ask, struct contribution_result *result, bool *supported_out,
    struct base_err *err) {
    const struct contribution__row *fund, *missing;
    *supported_out = true;
    if (ask->method.kind == CONTRIBUTION_MONTHS) {
        result->gross = result->month * ask->method.months;
        return 0;
    }
    int rc = need(tables, CONTRIBUTION__fund_rate, ask->day, &fund, err);
    if (rc) {
        return rc;
    }
    result->fund_rate = fund->rate;
    add_source(result, fund->source);
    if (ask->method.kind == CONTRIBUTION_YEARS) {
        result->gross = gross_years(result, ask->method.months);
        return 0;
    }
    rc = need(tables, CONTRIBUTION__missing, ask->day, &missing, err);
    if (rc == 0 && ask->method.months > missing->value) {
        rc = base_err_set(err, LANTOA_EINVAL, TR("at most %lld missing months can be paid: %s"),
            (long long)missing->value, missing->source);
    }
    if (rc == 0) {
        *supported_out = missing->supported;
        add_source(result, missing->source);
        result->gross = gross_missing(result, ask->method.months);
    }
    return rc;
}

/* --- the question --- */

void contribution_ask_init(const struct contribution_tables *tables, struct contribution_ask *ask) {
    *ask = (struct contribution_ask){.local_supported = -1,
        .resident = true,
        .method = {CONTRIBUTION_MONTHS, 1},
        .layers = contribution_layers_at(tables, NULL, 0),
        .poverty_line = -1,
        .local_bp = -1};
}

static int check_income(const struct contribution_ask *ask,
    const struct contribution_tables *tables, struct contribution_result *result,
    struct base_err *err) {
    const struct contribution_limits *limits = &result->limits;
    char date[BASE_DATE_MAX];
    base_format_date(base_date_from_days(ask->day), date);
    result->income = ask->income ? ask->income : limits->floor;
    if (result->income < limits->floor) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("an income of %lld lies below the floor of %lld, the rural poverty line on %s"),
            (long long)result->income, (long long)limits->floor, date);
    }
    if (result->income > limits->ceiling) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("an income of %lld lies above the ceiling of %lld, %lld times the reference level "
               "of %lld on %s"),
            (long long)result->income, (long long)limits->ceiling,
            (long long)contribution__at(tables, CONTRIBUTION__ceiling, ask->day)->value,
            (long long)limits->reference_level, date);
    }
    return 0;
}

static void use_limits_sources(const struct contribution_tables *tables,
    const struct contribution_ask *ask, struct contribution_result *result) {
    add_source(result, contribution__at(tables, CONTRIBUTION__rate, ask->day)->source);
    if (ask->poverty_line < 0) {
        add_source(result, contribution__at(tables, CONTRIBUTION__poverty_line, ask->day)->source);
    }
}

static void reckon_support(const struct contribution_ask *ask, const struct support *support,
    bool supported, struct contribution_result *result) {
    for (int n = 0; n < result->months; n++) {
        struct month month = {0};
        if (supported) {
            month = month_at(ask, support, result, n);
        }
        if (n == 0) {
            result->support = month.support;
            result->local = month.local;
            result->central_bp = month.central_bp;
            result->local_bp = month.local_bp;
            result->pay_month = at_least_0(result->month - month.support - month.local);
        }
        result->supported_months += month.support > 0;
        result->support_total += month.support;
        result->local_total += month.local;
    }
    result->pay = at_least_0(result->gross - result->support_total - result->local_total);
}

int contribution_reckon(const struct contribution_tables *tables,
    const struct contribution_ask *ask, struct contribution_result *result_out,
    struct base_err *err) {
    struct contribution_result result = {0};
    struct support support = {0};
    bool supported = true;
    uint32_t groups = ask->groups | tables->other;
    int rc = contribution_limits(tables, ask->day, &result.limits, err);
    if (rc == 0 && ask->poverty_line >= 0) {
        result.limits.poverty_line = result.limits.floor = ask->poverty_line;
    }
    rc = rc ? rc : check_income(ask, tables, &result, err);
    if (rc) {
        return rc;
    }
    use_limits_sources(tables, ask, &result);
    result.month = part(result.income, result.limits.rate_bp, WHOLE_BP);
    result.months = ask->method.months;
    find_central(tables, ask, groups, &support);
    find_layers(tables, ask, groups, &support);
    rc = reckon_gross(tables, ask, &result, &supported, err);
    if (rc) {
        return rc;
    }
    reckon_support(ask, &support, supported, &result);
    if (result.central_bp > 0 && support.central) {
        add_source(&result, support.central->source);
        result.limits.since_days = support.central->from_days > result.limits.since_days
                                       ? support.central->from_days
                                       : result.limits.since_days;
    }
    for (size_t i = 0; i < support.layer_count && result.local_bp > 0 && ask->local_bp < 0; i++) {
        add_source(&result, support.layers[i]->source);
    }
    *result_out = result;
    return 0;
}

/* --- words for methods --- */

static const struct {
    const char *key;
    struct contribution_method method;
} method_words[] = {
    {"monthly", {CONTRIBUTION_MONTHS, 1}},
    {"hang thang", {CONTRIBUTION_MONTHS, 1}},
    {"thang", {CONTRIBUTION_MONTHS, 1}},
    {"quarterly", {CONTRIBUTION_MONTHS, 3}},
    {"hang quy", {CONTRIBUTION_MONTHS, 3}},
    {"nua nam", {CONTRIBUTION_MONTHS, 6}},
    {"yearly", {CONTRIBUTION_MONTHS, 12}},
    {"hang nam", {CONTRIBUTION_MONTHS, 12}},
};

static bool months_method(int64_t months, struct contribution_method *method_out) {
    *method_out = (struct contribution_method){CONTRIBUTION_MONTHS, (int)months};
    return months == 1 || months == 3 || months == 6 || months == 12;
}

static bool years_method(int64_t years, struct contribution_method *method_out) {
    if (years < YEARS_LEAST || years > YEARS_MOST) {
        return false;
    }
    *method_out = (struct contribution_method){CONTRIBUTION_YEARS, (int)(12 * years)};
    return true;
}

/* A folded word: a number and what it counts. */
static bool parse_counted(struct str word, struct contribution_method *method_out) {
    struct str rest = word;
    bool missing = str_starts(rest, STR("missing:")) || str_starts(rest, STR("thieu "));
    if (missing) {
        size_t cut = rest.at[0] == 'm' ? 8 : 6;
        rest = str_trim(str_of(rest.at + cut, rest.bytes - cut));
    }
    size_t digits = 0;
    while (digits < rest.bytes && rest.at[digits] >= '0' && rest.at[digits] <= '9') {
        digits++;
    }
    int64_t count;
    if (base_parse_i64(str_of(rest.at, digits), &count) != 0) {
        return false;
    }
    struct str unit = str_trim(str_of(rest.at + digits, rest.bytes - digits));
    bool years = str_is(unit, "y") || str_is(unit, "nam") || str_is(unit, "years");
    bool months =
        unit.bytes == 0 || str_is(unit, "m") || str_is(unit, "thang") || str_is(unit, "months");
    if (missing) {
        *method_out = (struct contribution_method){CONTRIBUTION_MISSING, (int)count};
        return months && count >= 1 && count <= MISSING_MOST;
    }
    if (years) {
        return count == 1 ? months_method(12, method_out) : years_method(count, method_out);
    }
    return months && (months_method(count, method_out) ||
                         (count % 12 == 0 && years_method(count / 12, method_out)));
}

int contribution_method_parse(
    struct str text, struct contribution_method *method_out, struct base_err *err) {
    struct base_buf key;
    bool found = false;
    base_buf_init(&key, 256);
    if (text.bytes > 0 && text.bytes <= 64 && base_text_key(&key, text) == 0) {
        struct str word = base_buf_str(&key);
        for (size_t i = 0; !found && i < sizeof method_words / sizeof method_words[0]; i++) {
            found = str_is(word, method_words[i].key);
            *method_out = method_words[i].method;
        }
        found = found || parse_counted(word, method_out);
    }
    base_buf_release(&key);
    return found ? 0
                 : base_err_set(err, LANTOA_EINVAL,
                       TR("'%.*s' is no method of payment: monthly, 3, 6, 12, 2y to 5y, missing:N "
                          "with N from 1 to %d"),
                       (int)base_utf8_cut(text, 64), text.at, MISSING_MOST);
}

void contribution_method_word(
    struct contribution_method method, char out[static CONTRIBUTION_METHOD_MAX]) {
    switch (method.kind) {
    case CONTRIBUTION_MONTHS:
        if (method.months == 1) {
            snprintf(out, CONTRIBUTION_METHOD_MAX, "monthly");
        } else {
            snprintf(out, CONTRIBUTION_METHOD_MAX, "%d", method.months);
        }
        break;
    case CONTRIBUTION_YEARS:
        snprintf(out, CONTRIBUTION_METHOD_MAX, "%dy", method.months / 12);
        break;
    case CONTRIBUTION_MISSING:
        snprintf(out, CONTRIBUTION_METHOD_MAX, "missing:%d", method.months);
        break;
    }
}

/* --- deadlines --- */

static int64_t month_start(int64_t day, int months) {
    struct base_date date = base_date_from_days(day);
    int month = date.year * 12 + date.month - 1 + months;
    return base_days_from_date((struct base_date){month / 12, month % 12 + 1, 1});
}

int64_t contribution_next_start(struct contribution_method method, int64_t start_day) {
    return month_start(start_day, method.months);
}

int contribution_deadline(const struct contribution_tables *tables,
    struct contribution_method method, int64_t start_day, int64_t *day_out) {
    const struct contribution__row *best = NULL;
    for (size_t i = 0; i < tables->counts[CONTRIBUTION__deadlines]; i++) {
        const struct contribution__row *row = &tables->rows[CONTRIBUTION__deadlines][i];
        bool same = row->method.kind == method.kind &&
                    (method.kind == CONTRIBUTION_YEARS || row->method.months == method.months);
        if (same && in_force(row, start_day) && (!best || row->from_days > best->from_days)) {
            best = row;
        }
    }
    if (!best) {
        return LANTOA_ENOENT;
    }
    *day_out = month_start(start_day, (int)best->value) - 1;
    return 0;
}

/* --- support that ends --- */

static bool has_successor(const struct contribution_tables *tables, enum contribution__list list,
    const struct contribution__row *row) {
    for (size_t i = 0; i < tables->counts[list]; i++) {
        const struct contribution__row *next = &tables->rows[list][i];
        if (in_force(next, row->to_days + 1) && (next->groups & row->groups) == row->groups &&
            (!row->layer || strcmp(row->layer, next->layer) == 0)) {
            return true;
        }
    }
    return false;
}

int contribution_each_ending(const struct contribution_tables *tables, int64_t day, int64_t days,
    int (*row)(void *arg, const struct contribution_ending *ending), void *arg) {
    static const enum contribution__list lists[] = {CONTRIBUTION__central, CONTRIBUTION__local};
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; i < tables->counts[lists[l]]; i++) {
            const struct contribution__row *r = &tables->rows[lists[l]][i];
            if (!in_force(r, day) || r->to_days == INT64_MAX || r->to_days - day > days ||
                has_successor(tables, lists[l], r)) {
                continue;
            }
            const char *group = "*";
            for (size_t g = 0; g < tables->group_count && r->groups != UINT32_MAX; g++) {
                group = r->groups >> g & 1 ? tables->groups[g].name : group;
            }
            const struct contribution_ending ending = {
                r->layer ? r->layer : "central", group, r->source, r->to_days};
            int rc = row(arg, &ending);
            if (rc) {
                return rc;
            }
        }
    }
    return 0;
}
