/* Experiments by the thousand whose truth is known: do the tests err as often as they say, do the
 * intervals hold the truth as often as they say? Prints the figures, ends with 1 when one lies
 * outside its band: false positives 4.5 to 5.5 %, coverage 94 to 96 %.
 *
 * usage: simulate [ROUNDS [SEED]]     the same seed gives the same figures */
#include "stats/cluster.h"
#include "stats/random.h"
#include "stats/rate.h"
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 100000
#define SEED 20261123
#define VILLAGES_MAX 100
#define ICC 0.02

struct tally {
    long rounds, rejected, covered;
};

static int64_t draw(struct stats_random *random, int64_t n, double p) {
    int64_t x = 0;
    for (int64_t i = 0; i < n; i++) {
        x += stats_random_unit(random) < p;
    }
    return x;
}

static void count(
    struct tally *tally, const struct stats_estimate *interval, double p, double truth) {
    tally->rounds++;
    tally->rejected += p < 1 - STATS_LEVEL;
    tally->covered += interval->low <= truth && truth <= interval->high;
}

static double percent(long part, long whole) {
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

/* Says the figures of a case; 1 when one is outside its band. */
static int judge(const char *what, double effect, const struct tally *t) {
    double covered = percent(t->covered, t->rounds);
    double rejected = percent(t->rejected, t->rounds);
    int bad = covered < 94 || covered > 96;
    printf("%-34s effect %4.1f %%: coverage %5.2f %%", what, effect * 100, covered);
    if (effect == 0) {
        bad += rejected < 4.5 || rejected > 5.5;
        printf(", false positives %4.2f %%", rejected);
    } else {
        printf(", seen in        %5.2f %%", rejected);
    }
    printf("%s\n", bad ? "   OUTSIDE" : "");
    return bad > 0;
}

static int two_rates(struct stats_random *random, long rounds, int64_t n, double p0, double p1) {
    struct tally tally = {0, 0, 0};
    char what[64];
    for (long i = 0; i < rounds; i++) {
        struct stats_pair pair = {{draw(random, n, p1), n}, {draw(random, n, p0), n}};
        struct stats_estimate interval;
        struct stats_estimate test;
        struct base_err err = {0};
        if (stats_newcombe(pair, STATS_LEVEL, &interval, &err) != 0 ||
            stats_pooled_z(pair, STATS_LEVEL, &test, &err) != 0) {
            fprintf(stderr, "simulate: %s\n", err.text);
            return 1;
        }
        count(&tally, &interval, test.p, p1 - p0);
    }
    snprintf(what, sizeof what, "two rates, %lld people an arm", (long long)n);
    return judge(what, p1 - p0, &tally);
}

/* Villages of 40 to 160 people; each has a rate of its own around that of its arm, spread evenly so
 * that the intracluster correlation is ICC. */
static void draw_villages(struct stats_random *random, uint32_t villages, double p0, double p1,
    struct stats_cell *cells) {
    for (uint32_t g = 0; g < villages; g++) {
        bool treated = g % 2 == 1;
        double p = treated ? p1 : p0;
        double spread = sqrt(3 * ICC * p * (1 - p));
        double own = p + spread * (2 * stats_random_unit(random) - 1);
        int64_t n = 40 + (int64_t)stats_random_below(random, 121);
        cells[g] = (struct stats_cell){g, 0, treated, n, draw(random, n, own)};
    }
}

static int by_villages(
    struct stats_random *random, long rounds, uint32_t villages, double p0, double p1) {
    struct tally tally = {0, 0, 0};
    char what[64];
    for (long i = 0; i < rounds; i++) {
        struct stats_cell cells[VILLAGES_MAX];
        struct stats_cluster result;
        struct base_err err = {0};
        draw_villages(random, villages, p0, p1, cells);
        if (stats_cluster(cells, villages, STATS_WITHOUT_STRATA, STATS_LEVEL, &result, &err) != 0) {
            fprintf(stderr, "simulate: %s\n", err.text);
            return 1;
        }
        count(&tally, &result.cr2, result.cr2.p, p1 - p0);
    }
    snprintf(what, sizeof what, "%u villages in all, CR2", villages);
    return judge(what, p1 - p0, &tally);
}

int main(int argc, char **argv) {
    static const uint32_t villages[] = {20, 40, 60, 100};
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : ROUNDS;
    struct stats_random random = {argc > 2 ? strtoull(argv[2], NULL, 10) : SEED};
    int bad = 0;
    if (rounds < 1 || rounds > 10000000) {
        fprintf(stderr, "usage: simulate [ROUNDS [SEED]]\n");
        return 2;
    }
    printf("%ld rounds each\n", rounds);
    bad += two_rates(&random, rounds, 500, 0.08, 0.08);
    bad += two_rates(&random, rounds, 2000, 0.05, 0.05);
    bad += two_rates(&random, rounds, 2000, 0.05, 0.07);
    for (size_t i = 0; i < sizeof villages / sizeof villages[0]; i++) {
        bad += by_villages(&random, rounds, villages[i], 0.1, 0.1);
        bad += by_villages(&random, rounds, villages[i], 0.1, 0.14);
    }
    printf("simulate: %d outside\n", bad);
    return bad > 0;
}
