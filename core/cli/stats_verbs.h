/* The verbs of `lantoa stats` and what they share. Private to core/cli. */
#ifndef CLI_STATS_VERBS_H
#define CLI_STATS_VERBS_H

#include "cli/stats_read.h"
#include "cli/stats_say.h"

/* Options as numbers: 0.03, or 3% of a share. `fallback` when absent. */
int stats_option(
    struct cli *cli, const char *name, double fallback, double *value_out) LANTOA_MUST_CHECK;
/* "184/1860". what: what errors call it. */
int stats_parse_count(
    struct cli *cli, const char *what, const char *text, struct stats_count *out) LANTOA_MUST_CHECK;
/* --level, in (0, 1). */
int stats_level(struct cli *cli, double *level_out) LANTOA_MUST_CHECK;

int stats_rates_verb(struct cli *cli);
int stats_strata_verb(struct cli *cli);
int stats_clusters_verb(struct cli *cli);
int stats_panel_verb(struct cli *cli);
int stats_permute_verb(struct cli *cli);
int stats_series_verb(struct cli *cli);
int stats_power_verb(struct cli *cli);
int stats_paths_verb(struct cli *cli);
int stats_shapley_verb(struct cli *cli);
int stats_adjust_verb(struct cli *cli);
int stats_bounds_verb(struct cli *cli);

#endif
