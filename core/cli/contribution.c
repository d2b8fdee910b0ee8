/* What a person pays for voluntary social insurance. */
#include "campaign/contribution.h"

#include "audience/place.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/tr.h"
#include "cli/cli.h"
#include <math.h>

#define LOCAL_OFFSET_MIN (7 * 60)
enum { ENDING_DAYS = 90 };

/* "2026-06" is the first of the month. */
static int read_day(struct cli *cli, int64_t *day_out) {
    const char *text = cli_option(cli, "date");
    struct base_civil now = base_civil_from_ms(base_clock_now_ms(), LOCAL_OFFSET_MIN);
    struct base_date date = {now.year, now.month, now.day};
    if (text) {
        char full[16];
        snprintf(full, sizeof full, strlen(text) == 7 ? "%.7s-01" : "%.12s", text);
        if (base_parse_date(str_from(full), &date) != 0) {
            return base_err_set(
                &cli->err, LANTOA_EINVAL, TR("--date %s: write it as 2026-06 or 2026-06-15"), text);
        }
    }
    *day_out = base_days_from_date(date);
    return 0;
}

static int read_place(struct cli *cli, const struct contribution_tables *tables, uint64_t *layers) {
    const char *name = cli_option(cli, "place");
    struct contribution_places *places = NULL;
    int64_t *ids = NULL;
    size_t count = 0;
    if (!name) {
        return 0;
    }
    int rc = place_find(cli->db, str_from(name), &ids, &count, &cli->err);
    rc = rc ? rc : contribution_places_load(cli->db, tables, &places, &cli->err);
    if (rc == 0) {
        *layers = contribution_layers_at(tables, places, ids[0]);
        for (size_t i = 1; i < count && rc == 0; i++) {
            if (contribution_layers_at(tables, places, ids[i]) != *layers) {
                rc = base_err_set(&cli->err, LANTOA_EINVAL,
                    TR("--place %s: several places have this name, with different local support: "
                       "name the district or province too"),
                    name);
            }
        }
    }
    base_free(ids);
    contribution_places_free(&places);
    return rc;
}

static int read_local(struct cli *cli, int64_t *bp_out) {
    const char *text = cli_option(cli, "local");
    double percent;
    if (text && (base_parse_f64(str_from(text), &percent) != 0 || percent < 0 || percent > 100)) {
        return base_err_set(
            &cli->err, LANTOA_EINVAL, TR("--local %s: a percentage from 0 to 100"), text);
    }
    *bp_out = text ? (int64_t)lround(percent * 100) : -1;
    return 0;
}

static int read_ask(
    struct cli *cli, const struct contribution_tables *tables, struct contribution_ask *ask) {
    const char *method = cli_option(cli, "method");
    const char *group = cli_option(cli, "group");
    contribution_ask_init(tables, ask);
    ask->resident = !cli_switch(cli, "not-resident");
    int rc = read_day(cli, &ask->day);
    rc = rc ? rc : cli_option_i64(cli, "income", 0, &ask->income);
    rc = rc ? rc : cli_option_i64(cli, "months-supported", 0, &ask->supported);
    rc = rc ? rc : cli_option_i64(cli, "poverty-line", -1, &ask->poverty_line);
    if (rc == 0 && (ask->supported < 0 || ask->supported > 1200)) {
        rc = base_err_set(&cli->err, LANTOA_EINVAL, TR("--months-supported: from 0 to 1200"));
    }
    if (rc == 0 && (ask->poverty_line < -1 || ask->poverty_line == 0 ||
                       ask->poverty_line > INT64_C(1000000000))) {
        rc = base_err_set(&cli->err, LANTOA_EINVAL, TR("--poverty-line: an amount in dong"));
    }
    rc = rc ? rc : read_local(cli, &ask->local_bp);
    if (rc == 0 && group) {
        rc = contribution_groups(tables, str_from(group), &ask->groups, &cli->err);
    }
    if (rc == 0 && method) {
        rc = contribution_method_parse(str_from(method), &ask->method, &cli->err);
    }
    return rc ? rc : read_place(cli, tables, &ask->layers);
}

static int add_ending(void *arg, const struct contribution_ending *ending) {
    char date[BASE_DATE_MAX];
    base_format_date(base_date_from_days(ending->to_days), date);
    json_array_append_new(arg, json_pack("{s:s,s:s,s:s,s:s}", "support", ending->what, "group",
                                   ending->group, "last_day", date, "source", ending->source));
    return 0;
}

static json_t *result_json(const struct contribution_tables *tables,
    const struct contribution_ask *ask, const struct contribution_result *r) {
    char day[BASE_DATE_MAX], since[BASE_DATE_MAX], due[BASE_DATE_MAX] = "";
    char method[CONTRIBUTION_METHOD_MAX];
    int64_t due_day;
    json_t *sources = json_array(), *ending = json_array();
    base_format_date(base_date_from_days(ask->day), day);
    base_format_date(base_date_from_days(r->limits.since_days), since);
    contribution_method_word(ask->method, method);
    if (contribution_deadline(tables, ask->method, ask->day, &due_day) == 0) {
        base_format_date(base_date_from_days(due_day), due);
    }
    for (size_t i = 0; i < r->source_count; i++) {
        json_array_append_new(sources, json_string(r->sources[i]));
    }
    (void)contribution_each_ending(tables, ask->day, ENDING_DAYS, add_ending, ending);
    json_t *json = json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:f,s:f}", "date", day,
        "parameters_since", since, "income", (json_int_t)r->income, "floor",
        (json_int_t)r->limits.floor, "ceiling", (json_int_t)r->limits.ceiling, "contribution",
        (json_int_t)r->month, "support", (json_int_t)r->support, "local", (json_int_t)r->local,
        "pay_month", (json_int_t)r->pay_month, "support_percent", (double)r->central_bp / 100,
        "local_percent", (double)r->local_bp / 100);
    json_t *whole = json_pack("{s:s,s:i,s:i,s:I,s:I,s:I,s:I,s:o,s:o,s:o,s:o}", "method", method,
        "months", r->months, "supported_months", r->supported_months, "gross", (json_int_t)r->gross,
        "support_total", (json_int_t)r->support_total, "local_total", (json_int_t)r->local_total,
        "pay", (json_int_t)r->pay, "fund_rate",
        r->fund_rate > 0 ? json_real(r->fund_rate) : json_null(), "due",
        due[0] ? json_string(due) : json_null(), "sources", sources, "ending", ending);
    json_object_update(json, whole);
    json_decref(whole);
    return json;
}

static void say_result(
    const struct contribution_ask *ask, const struct contribution_result *r, json_t *json) {
    char method[CONTRIBUTION_METHOD_MAX];
    contribution_method_word(ask->method, method);
    printf(TR("for information, of %s, by parameters in force since %s\n"),
        json_string_value(json_object_get(json, "date")),
        json_string_value(json_object_get(json, "parameters_since")));
    printf(TR("income %lld (from %lld to %lld)\n"), (long long)r->income,
        (long long)r->limits.floor, (long long)r->limits.ceiling);
    printf(
        TR("a month: contribution %lld, State %lld (%.2f %%), local %lld (%.2f %%), pays %lld\n"),
        (long long)r->month, (long long)r->support, (double)r->central_bp / 100,
        (long long)r->local, (double)r->local_bp / 100, (long long)r->pay_month);
    printf(TR("method %s, %d months: contribution %lld, State %lld, local %lld, pays %lld\n"),
        method, r->months, (long long)r->gross, (long long)r->support_total,
        (long long)r->local_total, (long long)r->pay);
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(json, "ending"), i, item) {
        printf(TR("warning: the support '%s' ends on %s (%s)\n"),
            json_string_value(json_object_get(item, "support")),
            json_string_value(json_object_get(item, "last_day")),
            json_string_value(json_object_get(item, "source")));
    }
    json_array_foreach(json_object_get(json, "sources"), i, item) {
        printf(TR("source: %s\n"), json_string_value(item));
    }
}

static int contribution_verb(struct cli *cli) {
    struct contribution_tables *tables = NULL;
    struct contribution_ask ask;
    struct contribution_result result;
    int rc = contribution_load(cli->db, &tables, &cli->err);
    rc = rc ? rc : read_ask(cli, tables, &ask);
    rc = rc ? rc : contribution_reckon(tables, &ask, &result, &cli->err);
    if (rc == 0) {
        json_t *json = result_json(tables, &ask, &result);
        if (cli->json) {
            cli_say(cli, json, "%s", "");
        } else {
            say_result(&ask, &result, json);
            json_decref(json);
        }
    }
    contribution_free(&tables);
    return rc;
}

const struct cli_command cli_contribution_commands[] = {
    {"contribution", "",
        "date= income= group= months-supported= method= place= local= poverty-line= not-resident",
        0, 0,
        "[--date 2026-06] [--income N] [--group G] [--months-supported N] "
        "[--method monthly|3|6|12|2y..5y|missing:N] [--place P] [--local PERCENT] "
        "[--poverty-line N] [--not-resident]",
        "what a person pays, by the dated tables of the law; what if, with --local and "
        "--poverty-line",
        CLI_NEEDS_DATABASE, contribution_verb},
    {0},
};
