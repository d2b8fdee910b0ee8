/* `lantoa stats power`: sizes, power, and in words what a plan can see. */
#include "cli/stats_verbs.h"

#include "base/parse.h"
#include "base/tr.h"
#include "stats/number.h"
#include "stats/power.h"
#include <string.h>

#define SIZES_MAX 50
#define USUAL_POWER 0.8
#define BLIND_POWER 0.5

struct question {
    struct stats_plan plan;
    bool has_p1, has_power;
    double sizes[SIZES_MAX]; /* people or clusters per arm */
    size_t size_count;
};

static bool of_clusters(const struct question *q) {
    return q->plan.design >= STATS_CLUSTERS_ICC;
}

static int read_sizes(struct cli *cli, const char *name, struct question *q) {
    const char *text = cli_option(cli, name);
    struct str rest = str_from(text);
    while (text && rest.bytes > 0) {
        struct str part = str_trim(str_cut(&rest, ','));
        if (q->size_count == SIZES_MAX || stats_parse_f64(part, &q->sizes[q->size_count]) != 0) {
            return base_err_set(&cli->err, LANTOA_EINVAL,
                TR("--%s %s: numbers with commas between them, at most %d"), name, text, SIZES_MAX);
        }
        q->size_count++;
    }
    return 0;
}

static int choose_design(struct cli *cli, struct question *q) {
    bool k = cli_option(cli, "k") || cli_switch(cli, "rates") || cli_switch(cli, "matched");
    bool icc = cli_option(cli, "icc") || cli_option(cli, "cv");
    bool clusters = k || icc || cli_option(cli, "m") || cli_option(cli, "clusters");
    if (k && icc) {
        return base_err_set(&cli->err, LANTOA_EINVAL, "%s",
            TR("--k and --icc are two ways to say how alike a village is: give one"));
    }
    if (clusters && (!cli_option(cli, "m") || !(cli_option(cli, "k") || cli_option(cli, "icc")))) {
        return base_err_set(&cli->err, LANTOA_EINVAL, "%s",
            TR("villages need --m (people in each) and --icc or --k (how alike they are)"));
    }
    if (clusters && (cli_option(cli, "n") || cli_switch(cli, "base-variance"))) {
        return base_err_set(&cli->err, LANTOA_EINVAL, "%s",
            TR("--n and --base-variance are for people; villages take --clusters"));
    }
    q->plan.design = k && cli_switch(cli, "rates")      ? STATS_CLUSTERS_RATES
                     : k                                ? STATS_CLUSTERS_K
                     : clusters                         ? STATS_CLUSTERS_ICC
                     : cli_switch(cli, "base-variance") ? STATS_PEOPLE_BASE
                                                        : STATS_PEOPLE;
    q->plan.matching = cli_switch(cli, "matched") ? STATS_MATCHED : STATS_UNMATCHED;
    return 0;
}

static int read_question(struct cli *cli, struct question *q) {
    struct stats_plan *p = &q->plan;
    if (!cli_option(cli, "p0")) {
        return base_err_set(
            &cli->err, LANTOA_EINVAL, "%s", TR("--p0 is needed: the rate without the campaign"));
    }
    int rc = choose_design(cli, q);
    rc = rc ? rc : stats_option(cli, "p0", 0, &p->p0);
    rc = rc ? rc : stats_option(cli, "p1", 0, &p->p1);
    rc = rc ? rc : stats_option(cli, "power", USUAL_POWER, &p->power);
    rc = rc ? rc : stats_option(cli, "alpha", 1 - STATS_LEVEL, &p->alpha);
    rc = rc ? rc : stats_option(cli, "m", 0, &p->m);
    rc = rc ? rc : stats_option(cli, "icc", 0, &p->icc);
    rc = rc ? rc : stats_option(cli, "cv", 0, &p->size_cv);
    rc = rc ? rc : stats_option(cli, "k", 0, &p->k);
    rc = rc ? rc : read_sizes(cli, "n", q);
    rc = rc ? rc : read_sizes(cli, "clusters", q);
    q->has_p1 = cli_option(cli, "p1") != NULL;
    q->has_power = cli_option(cli, "power") != NULL;
    if (rc == 0 && !q->has_p1 && q->size_count == 0) {
        rc = base_err_set(&cli->err, LANTOA_EINVAL, "%s",
            TR("give --p1 (the rate to be seen), or --n or --clusters (how many there are)"));
    }
    return rc;
}

static void say_at(struct stats_say *say, const char *name, enum stats_unit_kind kind, double value,
    double per_arm) {
    json_t *row = stats_say_figure(say, name, kind, value);
    json_object_set_new(row, "per_arm", stats_say_json(per_arm));
}

static struct stats_number share(double value) {
    struct stats_number number = stats_number_fixed(value * 100, 2);
    size_t at = strlen(number.text);
    snprintf(number.text + at, sizeof number.text - at, " %%");
    return number;
}

/* "20 villages of 200 people per arm" or "500 people per arm". */
static void say_group(const struct question *q, double per_arm, char *out, size_t room) {
    struct stats_number size = stats_number_short(per_arm, 6);
    if (of_clusters(q)) {
        snprintf(out, room, TR("%s villages of %s people in each arm"), size.text,
            stats_number_short(q->plan.m, 6).text);
    } else {
        snprintf(out, room, TR("%s people in each arm"), size.text);
    }
}

static void warn_of_villages(struct stats_say *say, const struct question *q, double per_arm) {
    struct base_err err = {0};
    double more_villages;
    double more_people;
    struct stats_plan bigger = q->plan;
    bigger.m *= 2;
    if (stats_plan_power(&q->plan, per_arm * 2, &more_villages, &err) != 0 ||
        stats_plan_power(&bigger, per_arm, &more_people, &err) != 0) {
        return;
    }
    stats_say_words(say,
        TR("Twice the villages would see it with power %s, twice the people in each village only "
           "with %s."),
        stats_number_fixed(more_villages, 2).text, stats_number_fixed(more_people, 2).text);
    stats_say_words(say, "%s",
        TR("Better: pair villages that are alike and draw one of each pair, compare with the time "
           "before the start (stats panel, stats series), take more villages rather than more "
           "people, and measure longer before the start."));
}

static void say_power(
    struct stats_say *say, const struct question *q, double per_arm, double power) {
    char group[256];
    say_group(q, per_arm, group, sizeof group);
    stats_say_words(say, TR("With %s, a change from %s to %s is seen with power %s."), group,
        share(q->plan.p0).text, share(q->plan.p1).text, stats_number_fixed(power, 2).text);
    if (power < BLIND_POWER) {
        stats_say_words(say, "%s",
            of_clusters(q)
                ? TR("A trial of villages that is only measured afterwards is nearly blind at this "
                     "size: it would miss the effect more often than it would see it.")
                : TR("The trial is nearly blind at this size: it would miss the effect more often "
                     "than it would see it."));
    } else if (power < USUAL_POWER) {
        stats_say_words(say, TR("That is weak: the effect would be missed %s times in 100."),
            stats_number_fixed((1 - power) * 100, 0).text);
    }
    if (power < USUAL_POWER && of_clusters(q)) {
        warn_of_villages(say, q, per_arm);
    }
}

/* What a plan of villages sees at the usual numbers of them. */
static void say_ladder(struct stats_say *say, const struct question *q) {
    static const double usual[] = {20, 40, 60, 100};
    double power[4];
    struct base_err err = {0};
    for (size_t i = 0; i < 4; i++) {
        if (stats_plan_power(&q->plan, usual[i], &power[i], &err) != 0) {
            return;
        }
        say_at(say, "power", STATS_SAY_NUMBER, power[i], usual[i]);
    }
    stats_say_words(say, TR("Power at 20, 40, 60, 100 villages in each arm: %s, %s, %s, %s."),
        stats_number_fixed(power[0], 2).text, stats_number_fixed(power[1], 2).text,
        stats_number_fixed(power[2], 2).text, stats_number_fixed(power[3], 2).text);
}

static int answer_size(struct cli *cli, struct stats_say *say, const struct question *q) {
    double size;
    char group[256];
    int rc = stats_plan_size(&q->plan, &size, &cli->err);
    if (rc != 0) {
        return rc;
    }
    bool clusters = of_clusters(q);
    stats_say_figure(say, clusters ? "clusters_per_arm" : "people_per_arm", STATS_SAY_NUMBER, size);
    if (clusters) {
        stats_say_figure(say, "people_per_arm", STATS_SAY_NUMBER, size * q->plan.m);
        say_ladder(say, q);
    }
    say_group(q, ceil(size), group, sizeof group);
    stats_say_words(say, TR("A change from %s to %s is seen with power %s by %s."),
        share(q->plan.p0).text, share(q->plan.p1).text, stats_number_fixed(q->plan.power, 2).text,
        group);
    return 0;
}

static int answer_power(struct cli *cli, struct stats_say *say, const struct question *q) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < q->size_count; i++) {
        double power = 0;
        rc = stats_plan_power(&q->plan, q->sizes[i], &power, &cli->err);
        if (rc == 0) {
            say_at(say, "power", STATS_SAY_NUMBER, power, q->sizes[i]);
            say_power(say, q, q->sizes[i], power);
        }
    }
    return rc;
}

static int answer_visible(struct cli *cli, struct stats_say *say, const struct question *q) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < q->size_count; i++) {
        double above = 0;
        double below = 0;
        char group[256];
        rc = stats_plan_visible(&q->plan, q->sizes[i], &above, &below, &cli->err);
        if (rc != 0) {
            break;
        }
        say_at(say, "visible_above", STATS_SAY_SHARE, above, q->sizes[i]);
        say_at(say, "visible_below", STATS_SAY_SHARE, below, q->sizes[i]);
        say_group(q, q->sizes[i], group, sizeof group);
        stats_say_words(say,
            TR("With %s, the smallest rise that is seen with power %s is from %s to %s; anything "
               "smaller will most likely look like nothing."),
            group, stats_number_fixed(q->plan.power, 2).text, share(q->plan.p0).text,
            share(above).text);
    }
    return rc;
}

int stats_power_verb(struct cli *cli) {
    struct question q = {0};
    struct stats_say say;
    int rc = read_question(cli, &q);
    if (rc != 0) {
        return rc;
    }
    stats_say_init(cli, 1 - q.plan.alpha, &say);
    if (q.plan.design == STATS_CLUSTERS_ICC) {
        stats_say_figure(&say, "design_effect", STATS_SAY_NUMBER,
            stats_design_effect(q.plan.m, q.plan.icc, q.plan.size_cv));
    }
    if (q.size_count == 0) {
        rc = answer_size(cli, &say, &q);
    } else if (q.has_p1) {
        rc = answer_power(cli, &say, &q);
    } else {
        rc = answer_visible(cli, &say, &q);
    }
    if (q.has_p1 && q.size_count > 0 && q.has_power && rc == 0) {
        rc = answer_size(cli, &say, &q);
    }
    return stats_say_end(&say, rc);
}
