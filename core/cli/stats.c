/* `lantoa stats`: the statistics of the program on counts and files of one's own, to check them
 * against another tool. Needs no data folder. */
#include "cli/stats_verbs.h"

#include "base/parse.h"
#include "base/tr.h"
#include "stats/cace.h"
#include "stats/multiple.h"
#include "stats/number.h"
#include <string.h>

int stats_option(struct cli *cli, const char *name, double fallback, double *value_out) {
    const char *text = cli_option(cli, name);
    *value_out = fallback;
    if (!text) {
        return 0;
    }
    struct str number = str_trim(str_from(text));
    bool percent = str_ends(number, STR("%"));
    if (percent) {
        number = str_trim(str_of(number.at, number.bytes - 1));
    }
    if (stats_parse_f64(number, value_out) != 0 || !(fabs(*value_out) <= 1e15)) {
        return base_err_set(&cli->err, LANTOA_EINVAL,
            TR("--%s %s: no number, with a point as in 0.03 or 3%%"), name, text);
    }
    *value_out /= percent ? 100 : 1;
    return 0;
}

int stats_level(struct cli *cli, double *level_out) {
    int rc = stats_option(cli, "level", STATS_LEVEL, level_out);
    return rc ? rc : stats_level_check(*level_out, &cli->err);
}

int stats_parse_count(
    struct cli *cli, const char *what, const char *text, struct stats_count *out) {
    struct str n = str_from(text);
    struct str x = str_cut(&n, '/');
    /* Sums of these stay exact in a double. */
    const int64_t most = INT64_C(1000000000000);
    if (base_parse_i64(str_trim(x), &out->x) != 0 || base_parse_i64(str_trim(n), &out->n) != 0 ||
        out->n > most) {
        return base_err_set(&cli->err, LANTOA_EINVAL,
            TR("%s \"%s\": write conversions/people, as in 184/1860"), what, text);
    }
    int rc = stats_count_check(*out, &cli->err);
    if (rc != 0) {
        base_err_prefix(&cli->err, "%s \"%s\"", what, text);
    }
    return rc;
}

struct estimator {
    const char *name;
    enum stats_unit_kind kind;
    stats_pair_estimator *run;
};

static const struct estimator rate_estimators[] = {
    {"newcombe", STATS_SAY_SHARE, stats_newcombe},
    {"wald", STATS_SAY_SHARE, stats_wald},
    {"pooled_z", STATS_SAY_SHARE, stats_pooled_z},
    {"chi_square", STATS_SAY_NUMBER, stats_chi_square},
    {"hc2", STATS_SAY_SHARE, stats_hc2},
    {"fisher", STATS_SAY_SHARE, stats_fisher},
    {"fisher_greater", STATS_SAY_SHARE, stats_fisher_greater},
    {"fisher_less", STATS_SAY_SHARE, stats_fisher_less},
    {"risk_ratio", STATS_SAY_NUMBER, stats_risk_ratio},
    {"lift", STATS_SAY_SHARE, stats_lift},
    {"odds_ratio", STATS_SAY_NUMBER, stats_odds_ratio},
    {"incremental", STATS_SAY_NUMBER, stats_incremental},
};

static void say_wilson(struct stats_say *say, const char *name, struct stats_count count) {
    struct stats_estimate e;
    struct base_err err = {0};
    int rc = stats_wilson(count, say->level, &e, &err);
    stats_say_row(say, name, STATS_SAY_SHARE, rc, &e, &err);
}

static int say_cost(struct cli *cli, struct stats_say *say, struct stats_pair pair) {
    double cost;
    struct stats_estimate e;
    struct base_err err = {0};
    int rc = stats_option(cli, "cost", 0, &cost);
    if (rc != 0 || !cli_option(cli, "cost")) {
        return rc;
    }
    rc = stats_cost_per_incremental(pair, cost, say->level, &e, &err);
    if (rc == LANTOA_EINVAL) {
        cli->err = err;
        return rc;
    }
    stats_say_row(say, "cost_per_incremental", STATS_SAY_NUMBER, rc, &e, &err);
    return 0;
}

static int say_cace(struct cli *cli, struct stats_say *say, struct stats_pair pair) {
    const char *reached = cli_option(cli, "reached");
    const char *control = cli_option(cli, "reached-control");
    struct stats_pair contact = {{0, 0}, {0, pair.control.n}};
    struct stats_estimate itt;
    struct stats_estimate e;
    struct base_err err = {0};
    if (!reached) {
        return control ? base_err_set(&cli->err, LANTOA_EINVAL, "%s",
                             TR("--reached-control goes with --reached"))
                       : 0;
    }
    int rc = stats_parse_count(cli, "--reached", reached, &contact.treated);
    rc = rc || !control ? rc
                        : stats_parse_count(cli, "--reached-control", control, &contact.control);
    if (rc != 0) {
        return rc;
    }
    double z = 0;
    rc = stats_wald(pair, say->level, &itt, &err);
    rc = rc ? rc : stats_cace(&itt, contact, say->level, &e, &z, &err);
    json_t *row = stats_say_row(say, "cace", STATS_SAY_SHARE, rc, &e, &err);
    json_object_set_new(row, "first_stage_z", stats_say_json(z));
    return 0;
}

static int read_planned(struct cli *cli, struct stats_facts *facts) {
    const char *text = cli_option(cli, "planned");
    if (!text) {
        return 0;
    }
    struct str right = str_from(text);
    struct str left = str_cut(&right, ':');
    if (stats_parse_f64(str_trim(left), &facts->planned_share[1]) != 0 ||
        stats_parse_f64(str_trim(right), &facts->planned_share[0]) != 0 ||
        !(facts->planned_share[0] > 0 && facts->planned_share[1] > 0)) {
        return base_err_set(&cli->err, LANTOA_EINVAL,
            TR("--planned %s: treated:control, as in 1:1 or 90:10"), text);
    }
    return 0;
}

static int say_two(struct cli *cli, struct stats_say *say, struct stats_pair pair) {
    for (size_t i = 0; i < sizeof rate_estimators / sizeof rate_estimators[0]; i++) {
        const struct estimator *r = &rate_estimators[i];
        struct stats_estimate e;
        struct base_err err = {0};
        int rc = r->run(pair, say->level, &e, &err);
        stats_say_row(say, r->name, r->kind, rc, &e, &err);
    }
    struct stats_facts facts = {.n = {pair.control.n, pair.treated.n},
        .x = {pair.control.x, pair.treated.x},
        .balance_p = STATS_ABSENT};
    int rc = say_cost(cli, say, pair);
    rc = rc ? rc : say_cace(cli, say, pair);
    rc = rc ? rc : read_planned(cli, &facts);
    rc = rc ? rc : cli_option_i64(cli, "contaminated", 0, &facts.contaminated);
    if (rc == 0) {
        stats_say_guards(say, &facts);
    }
    return rc;
}

int stats_rates_verb(struct cli *cli) {
    struct stats_pair pair = {{0, 0}, {0, 0}};
    struct stats_say say;
    double level;
    int rc = stats_level(cli, &level);
    rc = rc ? rc : stats_parse_count(cli, TR("treated"), cli->args[0], &pair.treated);
    if (rc == 0 && cli->arg_count == 2) {
        rc = stats_parse_count(cli, TR("control"), cli->args[1], &pair.control);
    }
    if (rc != 0) {
        return rc;
    }
    stats_say_init(cli, level, &say);
    say_wilson(&say, "wilson_treated", pair.treated);
    if (cli->arg_count == 2) {
        say_wilson(&say, "wilson_control", pair.control);
        rc = say_two(cli, &say, pair);
    }
    return stats_say_end(&say, rc);
}

int stats_adjust_verb(struct cli *cli) {
    double p[CLI_ARGS_MAX] = {0};
    double holm[CLI_ARGS_MAX] = {0};
    double bh[CLI_ARGS_MAX] = {0};
    struct stats_say say;
    for (size_t i = 0; i < cli->arg_count; i++) {
        if (stats_parse_f64(str_from(cli->args[i]), &p[i]) != 0) {
            return base_err_set(
                &cli->err, LANTOA_EINVAL, TR("\"%s\": no p value, as in 0.03"), cli->args[i]);
        }
    }
    int rc = stats_holm(p, cli->arg_count, holm, &cli->err);
    rc = rc ? rc : stats_benjamini_hochberg(p, cli->arg_count, bh, &cli->err);
    if (rc != 0) {
        return rc;
    }
    stats_say_init(cli, STATS_LEVEL, &say);
    for (int which = 0; which < 2; which++) {
        for (size_t i = 0; i < cli->arg_count; i++) {
            struct stats_estimate e;
            stats_estimate_clear(&e);
            e.estimate = p[i];
            e.p = which ? bh[i] : holm[i];
            stats_say_row(
                &say, which ? "benjamini_hochberg" : "holm", STATS_SAY_NUMBER, 0, &e, NULL);
        }
    }
    return stats_say_end(&say, 0);
}

/* ".2,.5,1" */
static int read_shares(struct cli *cli, double *shares, int64_t *looks) {
    const char *text = cli_option(cli, "at");
    struct str rest = str_from(text);
    *looks = 0;
    while (rest.bytes > 0) {
        struct str part = str_trim(str_cut(&rest, ','));
        if (*looks == STATS_LOOKS_MAX || stats_parse_f64(part, &shares[*looks]) != 0) {
            return base_err_set(&cli->err, LANTOA_EINVAL,
                TR("--at %s: shares of the information that rise to 1, as in 0.3,0.6,1"), text);
        }
        ++*looks;
    }
    return 0;
}

int stats_bounds_verb(struct cli *cli) {
    double shares[STATS_LOOKS_MAX];
    double z[2][STATS_LOOKS_MAX];
    double alpha;
    int64_t looks;
    struct stats_say say;
    bool at = cli_option(cli, "at") != NULL;
    int rc = stats_option(cli, "alpha", 0.05, &alpha);
    rc = rc ? rc : cli_option_i64(cli, "looks", 5, &looks);
    rc = rc || !at ? rc : read_shares(cli, shares, &looks);
    if (rc == 0 && (looks < 1 || looks > STATS_LOOKS_MAX)) {
        rc = base_err_set(&cli->err, LANTOA_EINVAL,
            TR("the number of looks must lie between 1 and %d"), STATS_LOOKS_MAX);
    }
    for (int which = 0; rc == 0 && which < 2; which++) {
        rc = stats_bounds(which ? STATS_POCOCK : STATS_OBRIEN_FLEMING, at ? shares : NULL,
            (size_t)looks, alpha, z[which], &cli->err);
    }
    if (rc != 0) {
        return rc;
    }
    stats_say_init(cli, 1 - alpha, &say);
    for (int which = 0; which < 2; which++) {
        for (int64_t k = 0; k < looks; k++) {
            json_t *row = stats_say_figure(
                &say, which ? "pocock" : "obrien_fleming", STATS_SAY_NUMBER, z[which][k]);
            json_object_set_new(row, "look", json_integer(k + 1));
        }
    }
    return stats_say_end(&say, 0);
}

#define FILE_OPTIONS "map=* control= treated= level="
#define FILE_USAGE "[--control NAME] [--treated NAME] [--map HEADING=FIELD ...]"

const struct cli_command cli_stats_commands[] = {
    {"stats", "rates", "level= cost= planned= reached= reached-control= contaminated=", 1, 2,
        "X/N [X/N] [--cost C] [--planned T:C] [--reached X/N [--reached-control X/N]] "
        "[--contaminated N] [--level 0.95]",
        "one rate, or treated and control compared every way", CLI_NEEDS_NOTHING, stats_rates_verb},
    {"stats", "strata", FILE_OPTIONS, 1, 1, "FILE " FILE_USAGE,
        "two arms in strata: stratum,arm,n,x", CLI_NEEDS_NOTHING, stats_strata_verb},
    {"stats", "clusters", FILE_OPTIONS " within draws= seed=", 1, 1,
        "FILE [--within] [--draws N] [--seed N] " FILE_USAGE,
        "villages drawn by lot: arm,cluster,stratum,n,x", CLI_NEEDS_NOTHING, stats_clusters_verb},
    {"stats", "panel", FILE_OPTIONS " draws= seed=", 1, 1,
        "FILE [--draws N] [--seed N] " FILE_USAGE, "units before and after: arm,pre,post,stratum",
        CLI_NEEDS_NOTHING, stats_panel_verb},
    {"stats", "permute", FILE_OPTIONS " draws= seed=", 1, 1,
        "FILE [--draws N] [--seed N] " FILE_USAGE, "permutation test of units: arm,value,stratum",
        CLI_NEEDS_NOTHING, stats_permute_verb},
    {"stats", "series", FILE_OPTIONS " start= method= not-yet", 1, 1,
        "FILE [--method M] [--start PERIOD] [--not-yet] " FILE_USAGE,
        "series: period,unit,arm,value,phase or start; or period,treated,control,phase",
        CLI_NEEDS_NOTHING, stats_series_verb},
    {"stats", "power",
        "p0= p1= power= alpha= n= m= icc= cv= k= clusters= matched rates base-variance", 0, 0,
        "--p0 P [--p1 P] [--power P] [--alpha A] [--n N] [--m M --icc R [--cv C] | --m M --k K "
        "[--matched] [--rates]] [--clusters N,...] [--base-variance]",
        "how many are needed, or what is seen with those there are; in words", CLI_NEEDS_NOTHING,
        stats_power_verb},
    {"stats", "paths", "map=* model=* half-life= window=*", 1, 1,
        "FILE [--model M ...] [--half-life DAYS] [--window [CHANNEL=]DAYS ...]",
        "attribution: path,conversions,nulls,value,days", CLI_NEEDS_NOTHING, stats_paths_verb},
    {"stats", "shapley", "map=*", 1, 1, "FILE", "Shapley values of a game: coalition,value",
        CLI_NEEDS_NOTHING, stats_shapley_verb},
    {"stats", "adjust", "", 1, CLI_ARGS_MAX, "P ...", "several p values adjusted: Holm, BH",
        CLI_NEEDS_NOTHING, stats_adjust_verb},
    {"stats", "bounds", "looks= at= alpha=", 0, 0, "[--looks N | --at T,...] [--alpha A]",
        "bounds on z for looks before the end", CLI_NEEDS_NOTHING, stats_bounds_verb},
    {0},
};
