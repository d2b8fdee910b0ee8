/* The command line: one binary, verbs on the data folder. A command is a row of a table; this
 * header is what its function works with. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "audience/csv.h"
#include "base/err.h"
#include "report/table.h"
#include "store/db.h"
#include <jansson.h>

#define CLI_ARGS_MAX 16
#define CLI_OPTIONS_MAX 256

struct cli_option {
    const char *name, *value; /* value NULL for a switch */
};

struct cli {
    const char *data_dir; /* --data, else LANTOA_DATA, else ./lantoa-data */
    const char *who;      /* --by, else the system user */
    bool json;
    const char *args[CLI_ARGS_MAX];
    size_t arg_count;
    struct cli_option options[CLI_OPTIONS_MAX];
    size_t option_count;
    struct db *db;                     /* open when the command asks for it */
    const struct cli_command *command; /* the one that runs */
    struct base_err err;
};

enum cli_needs { CLI_NEEDS_NOTHING, CLI_NEEDS_DATABASE };

struct cli_command {
    const char *noun, *verb; /* verb "" when the noun stands alone */
    const char *options;     /* "map=* rejects= dry-run": '=' takes a value, '*' may be repeated */
    size_t least_args, most_args;
    const char *usage; /* behind the words, e.g. "FILE [--dry-run]" */
    const char *help;
    enum cli_needs needs;
    int (*run)(struct cli
            *cli); /* 0, or a negative LANTOA_E* with cli->err set; 1: failed and told already */
};

/* Tables of the commands, one per file, ended by a row without noun. */
extern const struct cli_command cli_data_commands[], cli_audience_commands[],
    cli_consent_commands[], cli_campaign_commands[], cli_message_commands[], cli_serve_commands[],
    cli_http_commands[], cli_cost_commands[], cli_inbox_commands[], cli_report_commands[],
    cli_report_schedule_commands[], cli_contribution_commands[], cli_enrolment_commands[],
    cli_target_commands[], cli_approval_commands[], cli_stats_commands[], cli_experiment_commands[],
    cli_outlet_commands[], cli_material_commands[], cli_airing_commands[], cli_calendar_commands[],
    cli_place_commands[], cli_whatif_commands[], cli_campaign_power_commands[],
    cli_channel_commands[], cli_plugin_commands[];

const char *cli_option(const struct cli *cli, const char *name); /* NULL when absent */
bool cli_switch(const struct cli *cli, const char *name);
/* All values of a repeatable option, in order; the array is the caller's (base_free), its texts are
 * not. */
size_t cli_option_all(const struct cli *cli, const char *name, const char ***values_out);
int cli_option_i64(
    struct cli *cli, const char *name, int64_t fallback, int64_t *value_out) LANTOA_MUST_CHECK;

int64_t cli_today(void); /* the local day, days since 1970 */

/* Prints a JSON object (TAKES it) when --json, else the text. */
void cli_say(const struct cli *cli, json_t *json, const char *fmt, ...) LANTOA_PRINTF(3, 4);
/* Prints a table in the form that --json, --csv or neither asks for, and releases it. */
void cli_table(const struct cli *cli, struct report_table *table);
/* Milliseconds as local text "2026-12-01T08:00:00+07:00"; null for 0. New reference. */
json_t *cli_time(int64_t ms);
json_t *cli_str(struct str text); /* null when .at is NULL. New reference */

/* Fills the common part of an import from --map, --set, --rejects, --dry-run; cli_import_release
 * frees it. */
void cli_import_init(const struct cli *cli, struct audience_import *import_out);
void cli_import_release(struct audience_import *import);
/* What stands behind the counts of an import: its batch, and how to learn of faults. Caller owns.
 */
char *cli_import_tail(
    const struct audience_import *import, const struct audience_import_outcome *outcome);
/* more: further members of the JSON, BORROWED, or NULL. */
void cli_import_say(const struct cli *cli, const struct audience_import *import,
    const struct audience_import_outcome *outcome, json_t *more);

int cli_restore(struct cli *cli); /* the verb */

/* Takes back the approvals that a change has made void, and says so. */
int cli_approvals_sweep(struct cli *cli) LANTOA_MUST_CHECK;

#endif
