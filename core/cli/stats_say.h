/* How `lantoa stats` tells its results: rows of estimates with a reason where there is none,
 * guards, sentences. Private to core/cli. */
#ifndef CLI_STATS_SAY_H
#define CLI_STATS_SAY_H

#include "cli/cli.h"
#include "stats/estimate.h"
#include "stats/guard.h"

/* SHARE: 0.0366 is read as 3.66 %. */
enum stats_unit_kind { STATS_SAY_SHARE, STATS_SAY_NUMBER };

struct stats_say {
    const struct cli *cli; /* BORROWED */
    json_t *rows, *guards, *words;
    double level;
    struct base_buf text;
};

void stats_say_init(const struct cli *cli, double level, struct stats_say *say_out);
/* Prints everything when rc is 0, releases it, and returns rc. */
int stats_say_end(struct stats_say *say, int rc);

/* A row. rc: what the estimator returned; when it is not 0, the row has no figures and the text of
 * err as its note. Returns the row (BORROWED), so that more keys may be added. */
json_t *stats_say_row(struct stats_say *say, const char *name, enum stats_unit_kind kind, int rc,
    const struct stats_estimate *estimate, struct base_err *err);
/* A single figure. */
json_t *stats_say_figure(
    struct stats_say *say, const char *name, enum stats_unit_kind kind, double value);
void stats_say_guards(struct stats_say *say, const struct stats_facts *facts);
/* A sentence, translated by the caller. */
void stats_say_words(struct stats_say *say, const char *fmt, ...) LANTOA_PRINTF(2, 3);
/* null for what is absent or infinite. New reference. */
json_t *stats_say_json(double value);

#endif
