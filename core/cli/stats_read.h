/* Readers of the files of `lantoa stats`, one per kind. Each takes the open csv over. Private to
 * core/cli. */
#ifndef CLI_STATS_READ_H
#define CLI_STATS_READ_H

#include "cli/stats_sheet.h"
#include "stats/cluster.h"
#include "stats/credit.h"
#include "stats/panel.h"
#include "stats/strata.h"
#include "stats/units.h"

/* What every reader is given. */
struct stats_source {
    TAKES struct audience_csv *csv;
    const char *path;
    const char *const *map; /* BORROWED */
    size_t map_count;
    struct stats_arms arms; /* the reader releases what it has seen */
};

/* stratum, arm, n, x: pairs per stratum. */
struct stats_strata_file {
    struct stats_names strata;
    struct stats_pair *pairs;
};
int stats_read_strata(struct stats_source *source, struct stats_strata_file *out,
    struct base_err *err) LANTOA_MUST_CHECK;
void stats_strata_file_release(struct stats_strata_file *file);

/* arm, cluster, stratum (may be absent or empty), n (absent: 1), x. */
struct stats_cluster_file {
    struct stats_names clusters, strata;
    struct stats_cell *cells;
    size_t count;
};
enum stats_lot { STATS_LOT_OF_CLUSTERS, STATS_LOT_WITHIN };
int stats_read_clusters(struct stats_source *source, enum stats_lot lot,
    struct stats_cluster_file *out, struct base_err *err) LANTOA_MUST_CHECK;
void stats_cluster_file_release(struct stats_cluster_file *file);

/* arm, pre, post, stratum; or arm, value, stratum (pre is 0 then). */
struct stats_panel_file {
    struct stats_names strata;
    struct stats_panel_unit *units;
    size_t count;
};
enum stats_panel_form { STATS_FORM_PANEL, STATS_FORM_VALUE };
int stats_read_panel(struct stats_source *source, enum stats_panel_form form,
    struct stats_panel_file *out, struct base_err *err) LANTOA_MUST_CHECK;
void stats_panel_file_release(struct stats_panel_file *file);

/* Long: period, unit or arm (or both), value, phase or start; wide: period, treated, control,
 * phase. Units x periods, periods in order. */
struct stats_series_file {
    struct stats_names units, periods; /* periods sorted: by number if all are numbers, else text */
    double *values;                    /* units x periods; owned */
    bool *treated;                     /* per unit; owned */
    uint32_t
        *starts; /* per unit: the first treated period or UINT32_MAX; owned; NULL: no `start` */
    size_t pre;  /* periods before the start; 0: not known */
};
/* first_post: --start, or NULL. */
int stats_read_series(struct stats_source *source, const char *first_post,
    struct stats_series_file *out, struct base_err *err) LANTOA_MUST_CHECK;
void stats_series_file_release(struct stats_series_file *file);

/* path, conversions, nulls, value, days: into the credit, which is made here once the channels are
 * known. */
struct stats_paths_options {
    unsigned models;
    double half_life;
    const char *const *windows; /* "DAYS" or "CHANNEL=DAYS"; BORROWED */
    size_t window_count;
};
struct stats_paths_file {
    struct stats_names channels;
    struct stats_credit *credit;
};
int stats_read_paths(struct stats_source *source, const struct stats_paths_options *options,
    struct stats_paths_file *out, struct base_err *err) LANTOA_MUST_CHECK;
void stats_paths_file_release(struct stats_paths_file *file);

/* coalition, value: a whole game of at most STATS_SHAPLEY_MAX channels. */
struct stats_game_file {
    struct stats_names channels;
    double *values; /* 2^channels */
};
int stats_read_game(struct stats_source *source, struct stats_game_file *out,
    struct base_err *err) LANTOA_MUST_CHECK;
void stats_game_file_release(struct stats_game_file *file);

#endif
