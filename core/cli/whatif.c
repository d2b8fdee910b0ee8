/* What a change of the law would do to the people who pay today. */
#include "conversion/whatif.h"

#include "base/civil.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/tr.h"
#include "cli/cli.h"

#include <math.h>
#include <stdio.h>

#define LOCAL_OFFSET_MIN (7 * 60)

static const struct report_column group_columns[] = {{"group", "group", REPORT_TEXT},
    {"label", "name", REPORT_TEXT}, {"floor_before", "floor before", REPORT_MONEY},
    {"floor_after", "floor after", REPORT_MONEY},
    {"contribution_before", "contribution before", REPORT_MONEY},
    {"contribution_after", "contribution after", REPORT_MONEY},
    {"pay_before", "pays before", REPORT_MONEY}, {"pay_after", "pays after", REPORT_MONEY},
    {"rise", "rise", REPORT_PERCENT}};
static const struct report_column place_columns[] = {{"place_code", "code", REPORT_TEXT},
    {"place", "place", REPORT_TEXT}, {"participants", "participants", REPORT_COUNT | REPORT_SUM},
    {"below_floor", "under the floor", REPORT_COUNT | REPORT_SUM},
    {"paying_more", "would pay more", REPORT_COUNT | REPORT_SUM},
    {"low", "lapse, low", REPORT_DECIMAL | REPORT_DIGITS(1) | REPORT_SUM},
    {"middle", "lapse, middle", REPORT_DECIMAL | REPORT_DIGITS(1) | REPORT_SUM},
    {"high", "lapse, high", REPORT_DECIMAL | REPORT_DIGITS(1) | REPORT_SUM}};
static const struct report_column person_columns[] = {{"contact", "contact", REPORT_NUMBER},
    {"enrolment", "enrolment", REPORT_NUMBER}, {"place", "place", REPORT_TEXT},
    {"income", "income", REPORT_MONEY}, {"floor", "floor after", REPORT_MONEY},
    {"pay_before", "pays before", REPORT_MONEY}, {"pay_after", "pays after", REPORT_MONEY}};

struct lists {
    struct report_table groups, places, people;
    struct place_carry *carry;
};

static struct str place_name(const struct place_carry *carry, int64_t id, bool code) {
    struct place_row info;
    return place_carry_info(carry, id, &info) ? (code ? info.code : info.name) : STR("-");
}

static int add_person(void *arg, const struct whatif_person *person) {
    struct lists *lists = arg;
    struct report_table *table = &lists->people;
    if (person->contact_id) {
        report_put_i64(table, person->contact_id);
    } else {
        report_put_none(table, NULL);
    }
    report_put_i64(table, person->enrolment_id);
    report_put_text(table, place_name(lists->carry, person->place_id, false));
    report_put_i64(table, person->income);
    report_put_i64(table, person->floor);
    report_put_i64(table, person->pay_before);
    report_put_i64(table, person->pay_after);
    return 0;
}

static int add_place(void *arg, const struct whatif_place *place) {
    struct lists *lists = arg;
    struct report_table *table = &lists->places;
    report_put_text(table, place_name(lists->carry, place->place_id, true));
    report_put_text(table, place_name(lists->carry, place->place_id, false));
    report_put_i64(table, place->participants);
    report_put_i64(table, place->below_floor);
    report_put_i64(table, place->paying_more);
    for (int i = 0; i < WHATIF_SCENARIOS; i++) {
        report_put_f64(table, place->lapse[i]);
    }
    return 0;
}

static int least_of_group(const struct contribution_tables *tables, size_t group, int64_t day,
    struct contribution_result *result, struct base_err *err) {
    struct contribution_ask ask;
    contribution_ask_init(tables, &ask);
    ask.day = day;
    ask.groups = (uint32_t)1 << group;
    return contribution_reckon(tables, &ask, result, err);
}

static int add_groups(struct cli *cli, struct report_table *table,
    const struct contribution_tables *before, const struct contribution_tables *after,
    int64_t day) {
    int rc = 0;
    for (size_t g = 0; rc == 0 && g < contribution_group_count(before); g++) {
        struct contribution_result was, is;
        rc = least_of_group(before, g, day, &was, &cli->err);
        rc = rc ? rc : least_of_group(after, g, day, &is, &cli->err);
        if (rc == 0) {
            report_put_text(table, str_from(contribution_group_name(before, g)));
            report_put_text(table, str_from(contribution_group_label(
                                       before, g, base_tr_get() == BASE_LANG_VI ? "vi" : "en")));
            report_put_i64(table, was.limits.floor);
            report_put_i64(table, is.limits.floor);
            report_put_i64(table, was.month);
            report_put_i64(table, is.month);
            report_put_i64(table, was.pay_month);
            report_put_i64(table, is.pay_month);
            report_put_share(table, is.pay_month - was.pay_month, was.pay_month);
        }
    }
    return rc;
}

static void say(struct cli *cli, const struct lists *lists, const struct whatif_lapse *lapse) {
    const struct report_table *tables[] = {&lists->groups, &lists->places, &lists->people};
    if (cli->json) {
        json_t *json = json_pack("{s:o,s:o,s:o,s:o,s:{s:s,s:s}}", "groups",
            report_table_rows(&lists->groups), "places", report_table_rows(&lists->places), "sum",
            report_table_sum_json(&lists->places), "people", report_table_rows(&lists->people),
            "assumption", "from", lapse->from, "source", lapse->source);
        cli_say(cli, json, "%s", "");
        return;
    }
    struct base_buf out;
    base_buf_init(&out, 1 << 28);
    for (size_t i = 0; i < (cli_switch(cli, "people") ? 3 : 2); i++) {
        report_table_write(tables[i], REPORT_AS_TEXT, &out);
        base_buf_add_char(&out, '\n');
    }
    base_buf_printf(&out, TR("Lapse: assumption of %s (%s)\n"), lapse->from, lapse->source);
    fwrite(out.at, 1, out.bytes, stdout);
    base_buf_release(&out);
}

#define INIT(table, columns) report_table_init(table, columns, sizeof columns / sizeof columns[0])

static int run(struct cli *cli, int64_t day, const char *const *changes, size_t count) {
    struct contribution_tables *before = NULL, *after = NULL;
    struct whatif_lapse lapse;
    struct lists lists = {0};
    const struct whatif_calls calls = {add_person, add_place, &lists};
    char on[BASE_DATE_MAX];
    struct base_civil now = base_civil_from_ms(base_clock_now_ms(), LOCAL_OFFSET_MIN);
    base_format_date((struct base_date){now.year, now.month, now.day}, on);
    INIT(&lists.groups, group_columns);
    INIT(&lists.places, place_columns);
    INIT(&lists.people, person_columns);
    int rc = whatif_lapse_load(cli_option(cli, "assumption"), &lapse, &cli->err);
    rc = rc ? rc : contribution_load(cli->db, &before, &cli->err);
    rc = rc ? rc : whatif_tables(cli->db, changes, count, day, &after, &cli->err);
    rc = rc ? rc : place_carry_new(cli->db, on, &lists.carry, &cli->err);
    rc = rc ? rc : add_groups(cli, &lists.groups, before, after, day);
    rc = rc ? rc : whatif_run(cli->db, before, after, &lapse, day, on, &calls, &cli->err);
    if (rc == 0) {
        report_table_sum(&lists.places, TR("Total"));
        say(cli, &lists, &lapse);
    }
    report_table_release(&lists.groups);
    report_table_release(&lists.places);
    report_table_release(&lists.people);
    place_carry_free(&lists.carry);
    contribution_free(&before);
    contribution_free(&after);
    return rc;
}

static int whatif_verb(struct cli *cli) {
    const char **changes = NULL;
    size_t count = cli_option_all(cli, "parameter", &changes);
    const char *from = cli_option(cli, "from");
    struct base_date date;
    int rc;
    if (!from || base_parse_date(str_from(from), &date) != 0 || count == 0) {
        rc = base_err_set(&cli->err, LANTOA_EINVAL, "%s",
            TR("--parameter NAME=VALUE and --from DATE are needed"));
    } else {
        rc = run(cli, base_days_from_date(date), changes, count);
    }
    base_free((void *)(uintptr_t)changes);
    return rc;
}

const struct cli_command cli_whatif_commands[] = {
    {"whatif", "", "parameter=* from= assumption= people", 0, 0,
        "--parameter NAME=VALUE... --from DATE [--assumption FILE] [--people]",
        "what a change of the law would do: least payment by group, people under the floor, lapses",
        CLI_NEEDS_DATABASE, whatif_verb},
    {0},
};
