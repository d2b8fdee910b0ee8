/* Places, contacts, segments. */
#include "audience/contact.h"
#include "audience/import.h"
#include "audience/place.h"
#include "audience/segment.h"
#include "base/civil.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/tr.h"
#include "cli/cli.h"

typedef int import_fn(struct db *db, const struct audience_import *import,
    struct audience_import_outcome *outcome_out, struct base_err *err);

static int run_import(struct cli *cli, import_fn *fn) {
    struct audience_import import;
    struct audience_import_outcome outcome = {0};
    cli_import_init(cli, &import);
    int rc = fn(cli->db, &import, &outcome, &cli->err);
    if (rc == 0) {
        cli_import_say(cli, &import, &outcome);
    }
    cli_import_release(&import);
    return rc;
}

/* --- places --- */

static int place_import_verb(struct cli *cli) {
    return run_import(cli, cli_switch(cli, "successors") ? place_import_successors : place_import);
}

static int add_place(void *arg, const struct place_row *place) {
    json_t *values[] = {json_integer(place->id), cli_str(place->code), cli_str(place->name),
        cli_str(place->level), place->parent_id ? json_integer(place->parent_id) : json_null(),
        cli_str(place->valid_from), cli_str(place->valid_to)};
    report_table_add(arg, values);
    return 0;
}

static int place_list(struct cli *cli) {
    const struct report_column columns[] = {{"id", "id", REPORT_NUMBER},
        {"code", TR("code"), REPORT_TEXT}, {"name", TR("name"), REPORT_TEXT},
        {"level", TR("level"), REPORT_TEXT}, {"parent_id", TR("parent"), REPORT_NUMBER},
        {"valid_from", TR("valid from"), REPORT_TEXT}, {"valid_to", TR("valid to"), REPORT_TEXT}};
    struct report_table table;
    struct audience_import today;
    const char *on = cli_option(cli, "on");
    cli_import_init(cli, &today);
    int64_t day = cli_switch(cli, "all") ? -1 : today.today_days;
    cli_import_release(&today);
    if (on) {
        struct base_date date;
        if (base_parse_date(str_from(on), &date) != 0) {
            return base_err_set(&cli->err, LANTOA_EINVAL, TR("--on %s: no date"), on);
        }
        day = base_days_from_date(date);
    }
    report_table_init(&table, columns, 7);
    int rc = place_each(cli->db, day, add_place, &table, &cli->err);
    if (rc != 0) {
        report_table_release(&table);
        return rc;
    }
    cli_table(cli, &table);
    return 0;
}

/* --- contacts --- */

static int contact_import_verb(struct cli *cli) {
    return run_import(cli, contact_import);
}

static int contact_undo_verb(struct cli *cli) {
    int64_t batch;
    struct contact_undo_outcome outcome;
    if (base_parse_i64(str_from(cli->args[0]), &batch) != 0) {
        return base_err_set(
            &cli->err, LANTOA_EINVAL, TR("%s: not the number of an import batch"), cli->args[0]);
    }
    int rc = contact_undo(cli->db, batch, &outcome, &cli->err);
    if (rc == 0) {
        cli_say(cli,
            json_pack("{s:I,s:I,s:I}", "deleted", (json_int_t)outcome.deleted, "restored",
                (json_int_t)outcome.restored, "kept", (json_int_t)outcome.kept),
            TR("batch undone: %lld contacts deleted, %lld put back, %lld kept because they are in "
               "use"),
            (long long)outcome.deleted, (long long)outcome.restored, (long long)outcome.kept);
    }
    return rc;
}

static int add_batch(void *arg, const struct import_batch *batch) {
    json_t *values[] = {json_integer(batch->id), cli_str(batch->kind), cli_str(batch->file),
        cli_time(batch->started_at), cli_time(batch->finished_at), json_integer(batch->rows),
        json_integer(batch->added), json_integer(batch->updated), json_integer(batch->rejected),
        cli_time(batch->undone_at)};
    report_table_add(arg, values);
    return 0;
}

static int contact_imports(struct cli *cli) {
    const struct report_column columns[] = {{"batch", TR("batch"), REPORT_NUMBER},
        {"kind", TR("kind"), REPORT_TEXT}, {"file", TR("file"), REPORT_TEXT},
        {"started_at", TR("started"), REPORT_TEXT}, {"finished_at", TR("finished"), REPORT_TEXT},
        {"rows", TR("rows"), REPORT_NUMBER}, {"added", TR("added"), REPORT_NUMBER},
        {"updated", TR("updated"), REPORT_NUMBER}, {"rejected", TR("rejected"), REPORT_NUMBER},
        {"undone_at", TR("undone"), REPORT_TEXT}};
    struct report_table table;
    report_table_init(&table, columns, 10);
    int rc = import_batch_each(cli->db, 1000, add_batch, &table, &cli->err);
    if (rc != 0) {
        report_table_release(&table);
        return rc;
    }
    cli_table(cli, &table);
    return 0;
}

/* --- segments --- */

static int segment_count_verb(struct cli *cli) {
    struct segment *segment = NULL;
    struct audience_import today;
    int64_t count = 0;
    cli_import_init(cli, &today);
    int rc = segment_parse(cli->db, str_from(cli->args[0]), &segment, NULL, &cli->err);
    if (rc == 0) {
        rc = segment_count(cli->db, segment, today.today_days, &count, &cli->err);
    }
    if (rc == 0) {
        cli_say(cli, json_pack("{s:s,s:I}", "expression", cli->args[0], "count", (json_int_t)count),
            "%lld", (long long)count);
    }
    cli_import_release(&today);
    segment_free(&segment);
    return rc;
}

const struct cli_command cli_audience_commands[] = {
    {"place", "import", "map=* set=* rejects= dry-run successors", 1, 1,
        "FILE [--successors] [--map a=b] [--set a=value] [--dry-run] [--rejects F]",
        "places from CSV (code, name, level, parent, valid_from, valid_to), or what became of them "
        "(old_code, new_code, since, share)",
        CLI_NEEDS_DATABASE, place_import_verb},
    {"place", "list", "csv on= all", 0, 0, "[--on DATE | --all] [--csv]",
        "places standing today, on a date, or ever", CLI_NEEDS_DATABASE, place_list},
    {"contact", "import", "map=* set=* rejects= dry-run", 1, 1,
        "FILE [--map a=b] [--set a=value] [--dry-run] [--rejects F]",
        "people from CSV; unknown columns become attributes", CLI_NEEDS_DATABASE,
        contact_import_verb},
    {"contact", "imports", "csv", 0, 0, "[--csv]", "what was imported when", CLI_NEEDS_DATABASE,
        contact_imports},
    {"contact", "undo", "", 1, 1, "BATCH", "take an import back", CLI_NEEDS_DATABASE,
        contact_undo_verb},
    {"segment", "count", "", 1, 1, "EXPRESSION", "how many contacts an audience expression selects",
        CLI_NEEDS_DATABASE, segment_count_verb},
    {0},
};
