/* Arms that somebody else drew come in; lots are looked at. */
#include "base/clock.h"
#include "base/tr.h"
#include "cli/cli.h"
#include "delivery/lot.h"

static int read_unit(struct cli *cli, enum holdout_unit *unit_out) {
    static const char *const words[] = {"contact", "household", "place"};
    const char *unit = cli_option(cli, "unit");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (unit && strcmp(unit, words[i]) == 0) {
            *unit_out = (enum holdout_unit)(i + 1);
            return 0;
        }
    }
    return base_err_set(&cli->err, LANTOA_EINVAL, "%s",
        TR("--unit contact|household|place: say what the lot was drawn over"));
}

static int import(struct cli *cli) {
    const char *campaign = cli_option(cli, "campaign");
    struct audience_import import;
    struct lot_outcome out;
    enum holdout_unit unit = HOLDOUT_CONTACT;
    if (!campaign) {
        return base_err_set(&cli->err, LANTOA_EINVAL, "%s", TR("--campaign NAME is needed"));
    }
    int rc = read_unit(cli, &unit);
    if (rc != 0) {
        return rc;
    }
    cli_import_init(cli, &import);
    rc = lot_import(cli->db, campaign, &import, unit, cli_switch(cli, "measure-only"), cli->who,
        &out, &cli->err);
    if (rc == 0) {
        cli_say(cli,
            json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:s,s:b}", "rows", (json_int_t)out.rows, "units",
                (json_int_t)out.units, "treated", (json_int_t)out.treated, "control",
                (json_int_t)out.control, "repeated", (json_int_t)out.repeated, "people",
                (json_int_t)out.people, "hash", out.hash, "changed", out.changed),
            out.changed ? TR("%lld units treated, %lld control, %lld people; hash %s")
                        : TR("nothing new: %lld units treated, %lld control, %lld people; hash %s"),
            (long long)out.treated, (long long)out.control, (long long)out.people, out.hash);
    }
    cli_import_release(&import);
    return rc;
}

static const char *arm_text(const struct lot *lot, int arm, char *room, size_t bytes) {
    if (lot->design != LOT_WAVES) {
        return arm ? "treated" : "control";
    }
    snprintf(room, bytes, TR("wave %d"), arm);
    return room;
}

static int put_units(struct cli *cli, const struct lot *lot) {
    const struct report_column columns[] = {{"unit", TR("unit"), REPORT_TEXT},
        {"arm", TR("arm"), REPORT_WORD}, {"stratum", TR("stratum"), REPORT_TEXT}};
    struct report_table table;
    struct db_stmt *stmt = NULL;
    char room[40];
    int rc = db_prepare(cli->db,
        lot->unit == HOLDOUT_PLACE ? "SELECT code FROM place WHERE id = ?1"
                                   : "SELECT coalesce(ref, CAST(id AS TEXT)) FROM contact WHERE id "
                                     "= ?1",
        &stmt, &cli->err);
    report_table_init(&table, columns, 3);
    for (size_t i = 0; rc == 0 && i < lot->count; i++) {
        db_bind_i64(stmt, 1, lot->units[i].id);
        rc = db_step(stmt, &cli->err);
        report_put_text(&table, rc == 1 ? db_column_str(stmt, 0) : STR("?"));
        report_put_word(&table, arm_text(lot, lot->units[i].arm, room, sizeof room));
        report_put_text(&table, str_from(lot->units[i].stratum));
        rc = rc < 0 ? rc : 0;
        db_reset(stmt);
    }
    db_finish(&stmt);
    if (rc == 0) {
        cli_table(cli, &table);
    } else {
        report_table_release(&table);
    }
    return rc;
}

static int show(struct cli *cli) {
    struct campaign_row row = {0};
    struct lot *lot = NULL;
    int rc = campaign_get(cli->db, cli->args[0], &row, &cli->err);
    rc = rc == 0 ? lot_load(cli->db, row.id, &lot, &cli->err) : rc;
    if (rc == 0 && !lot) {
        rc = base_err_set(&cli->err, LANTOA_ENOENT,
            TR("campaign %s has no lot over places and no imported arms"), cli->args[0]);
    }
    if (rc == 0 && lot) {
        rc = put_units(cli, lot);
    }
    lot_free(&lot);
    campaign_row_release(&row);
    return rc;
}

const struct cli_command cli_experiment_commands[] = {
    {"experiment", "import", "campaign= unit= map=* set=* dry-run measure-only", 1, 1,
        "--campaign NAME --unit contact|household|place FILE [--map HEADING=COLUMN] "
        "[--measure-only]"
        " [--dry-run]",
        "take arms that were drawn elsewhere (columns unit, arm, stratum)", CLI_NEEDS_DATABASE,
        import},
    {"experiment", "show", "csv", 1, 1, "CAMPAIGN",
        "the units of a lot with their arm or wave, and their stratum", CLI_NEEDS_DATABASE, show},
    {0},
};
