/* What a campaign's lot will be able to see, before it starts. */
#include "base/civil.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/tr.h"
#include "cli/cli.h"
#include "conversion/experiment_power.h"
#include "report/document.h"
#include "stats/estimate.h"
#include <math.h>

#define DAY_MS INT64_C(86400000)

int64_t cli_today(void) {
    return (base_clock_now_ms() + REPORT_LOCAL_OFFSET_MIN * INT64_C(60000)) / DAY_MS;
}

/* "3%", "3 %" or ".03" */
static int read_share(struct cli *cli, const char *name, double *value_io) {
    const char *text = cli_option(cli, name);
    if (!text) {
        return 0;
    }
    struct str number = str_trim(str_from(text));
    bool percent = number.bytes && number.at[number.bytes - 1] == '%';
    number.bytes -= percent;
    if (base_parse_f64(str_trim(number), value_io) != 0 || !isfinite(*value_io)) {
        return base_err_set(
            &cli->err, LANTOA_EINVAL, TR("--%s %s: must be a share, 3%% or .03"), name, text);
    }
    *value_io /= percent ? 100 : 1;
    return 0;
}

static json_t *number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *rows_json(const struct experiment_power *power) {
    json_t *rows = json_array();
    for (size_t i = 0; i < power->row_count; i++) {
        const struct experiment_power_row *row = &power->rows[i];
        json_array_append_new(
            rows, json_pack("{s:o,s:o,s:o,s:o,s:o}", "icc",
                      power->unit == HOLDOUT_PLACE ? number(row->icc) : json_null(),
                      "design_effect", number(row->design_effect), "power", number(row->power),
                      "visible_above", number(row->above), "needed_per_arm", number(row->needed)));
    }
    return rows;
}

static json_t *words_json(const struct base_buf *words) {
    json_t *list = json_array();
    struct str rest = base_buf_str(words);
    while (rest.bytes) {
        struct str line = str_cut(&rest, '\n');
        if (line.bytes) {
            json_array_append_new(list, json_stringn(line.at, line.bytes));
        }
    }
    return list;
}

static int power_verb(struct cli *cli) {
    struct experiment_power_ask ask = {.campaign = cli->args[0],
        .today = cli_today(),
        .p0 = STATS_ABSENT,
        .effect = STATS_ABSENT,
        .icc = STATS_ABSENT,
        .power = 0.8};
    static const char *const units[] = {"", "contact", "household", "place"};
    struct experiment_power power;
    struct base_buf words;
    int rc = read_share(cli, "p0", &ask.p0);
    rc = rc ? rc : read_share(cli, "effect", &ask.effect);
    rc = rc ? rc : read_share(cli, "icc", &ask.icc);
    rc = rc ? rc : read_share(cli, "power", &ask.power);
    rc = rc ? rc : experiment_power_run(cli->db, &ask, &power, &cli->err);
    if (rc) {
        return rc;
    }
    base_buf_init(&words, 1 << 16);
    experiment_power_words(&power, &words);
    struct str text = str_trim(base_buf_str(&words));
    cli_say(cli,
        json_pack("{s:b,s:s,s:[I,I],s:[I,I],s:o,s:o,s:o,s:o,s:I,s:b,s:o,s:o}", "by_lot",
            power.by_lot, "unit", power.by_lot ? units[power.unit] : "", "units",
            (json_int_t)power.units[0], (json_int_t)power.units[1], "people",
            (json_int_t)power.people[0], (json_int_t)power.people[1], "per_arm",
            number(power.per_arm), "people_per_place", number(power.size), "p0", number(power.p0),
            "p1", number(power.p1), "days", (json_int_t)power.days, "weak", power.weak, "rows",
            rows_json(&power), "words", words_json(&words)),
        "%.*s", STR_ARG(text));
    base_buf_release(&words);
    return 0;
}

const struct cli_command cli_campaign_power_commands[] = {
    {"campaign", "power", "p0= effect= icc= power=", 1, 1,
        "NAME [--p0 SHARE] [--effect SHARE] [--icc I] [--power SHARE]",
        "what its lot will be able to see: power and smallest visible effect, in words",
        CLI_NEEDS_DATABASE, power_verb},
    {0},
};
