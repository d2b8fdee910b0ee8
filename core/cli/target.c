/* Targets of places. */
#include "conversion/target.h"

#include "base/civil.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/tr.h"
#include "cli/cli.h"
#include "cli/report.h"

static int import_verb(struct cli *cli) {
    struct audience_import import;
    struct audience_import_outcome outcome = {0};
    cli_import_init(cli, &import);
    int rc = target_import(cli->db, &import, cli->who, &outcome, &cli->err);
    if (rc == 0) {
        cli_import_say(cli, &import, &outcome, NULL);
    }
    cli_import_release(&import);
    return rc;
}

static int set_verb(struct cli *cli) {
    const char *kind = cli->args[1], *on = cli_option(cli, "on");
    struct target target = {.document = cli_option(cli, "document")};
    struct base_date decided;
    bool added = false;
    if (strcmp(kind, "stock") != 0 && strcmp(kind, "flow") != 0) {
        return base_err_set(&cli->err, LANTOA_EINVAL, "%s", TR("the kind is stock or flow"));
    }
    target.kind = strcmp(kind, "stock") == 0 ? TARGET_STOCK : TARGET_FLOW;
    if (!target.document || !*target.document) {
        return base_err_set(
            &cli->err, LANTOA_EINVAL, "%s", TR("the document that sets the target is needed"));
    }
    if (!on || base_parse_date(str_from(on), &decided) != 0) {
        return base_err_set(&cli->err, LANTOA_EINVAL, "%s",
            TR("--on: the day of the decision is needed, as 2026-01-15"));
    }
    target.decided_days = base_days_from_date(decided);
    if (base_parse_i64(str_from(cli->args[3]), &target.value) != 0 || target.value < 0 ||
        target.value > 100000000) {
        return base_err_set(
            &cli->err, LANTOA_EINVAL, "%s: %s", cli->args[3], TR("not a number of people"));
    }
    int rc = target_period(str_from(cli->args[2]), &target.from_days, &target.to_days, &cli->err);
    rc = rc ? rc
            : target_place(cli->db, str_from(cli->args[0]), target.decided_days, &target.place_id,
                  &cli->err);
    rc = rc ? rc : target_set(cli->db, &target, cli->who, &added, &cli->err);
    if (rc == 0) {
        cli_say(cli,
            json_pack("{s:I,s:s,s:I,s:b}", "place", (json_int_t)target.place_id, "kind", kind,
                "value", (json_int_t)target.value, "added", added),
            added ? TR("target recorded") : TR("this target is recorded already"));
    }
    return rc;
}

static int add_target(void *arg, const struct target_row *t) {
    json_t *values[] = {json_integer(t->place_id), cli_str(t->place_code), cli_str(t->place),
        cli_str(t->kind), cli_str(t->from), cli_str(t->to), json_integer(t->value),
        json_integer(t->first_value), json_integer(t->revisions), cli_str(t->decided_on),
        cli_str(t->document), cli_str(t->recorded_by)};
    report_table_add(arg, values);
    return 0;
}

static int list_verb(struct cli *cli) {
    const struct report_column columns[] = {{"place", TR("place"), REPORT_NUMBER},
        {"code", TR("code"), REPORT_TEXT}, {"name", TR("name"), REPORT_TEXT},
        {"kind", TR("kind"), REPORT_TEXT}, {"from", TR("from"), REPORT_TEXT},
        {"to", TR("to"), REPORT_TEXT}, {"value", TR("target"), REPORT_NUMBER},
        {"assigned", TR("as assigned"), REPORT_NUMBER},
        {"revisions", TR("revisions"), REPORT_NUMBER}, {"decided_on", TR("decided"), REPORT_TEXT},
        {"document", TR("document"), REPORT_TEXT}, {"recorded_by", TR("by"), REPORT_TEXT}};
    struct target_query query = {
        .on = cli_option(cli, "on"), .history = cli_switch(cli, "history")};
    struct report_table table;
    report_table_init(&table, columns, sizeof columns / sizeof columns[0]);
    int rc = target_each(cli->db, &query, add_target, &table, &cli->err);
    if (rc) {
        report_table_release(&table);
        return rc;
    }
    cli_table(cli, &table);
    return 0;
}

/* show: one place; report: all. */
static int report_verb(struct cli *cli) {
    struct report_option options[CLI_OPTIONS_MAX + 1];
    size_t count = 0;
    bool one = strcmp(cli->command->verb, "show") == 0;
    for (; count < cli->option_count; count++) {
        options[count] =
            (struct report_option){cli->options[count].name, cli->options[count].value};
    }
    if (one) {
        options[count++] = (struct report_option){"place", cli->args[0]};
    }
    size_t period = one ? 1 : 0;
    return cli_report(
        cli, "target", cli->arg_count > period ? cli->args[period] : NULL, options, count);
}

const struct cli_command cli_target_commands[] = {
    {"target", "import", "map=* set=* rejects= dry-run", 1, 1,
        "FILE [--map a=b] [--set a=value] [--dry-run] [--rejects F]",
        "targets of places (place_code, kind, period, value, decided_on, document)",
        CLI_NEEDS_DATABASE, import_verb},
    {"target", "set", "on= document=", 4, 4,
        "PLACE_CODE stock|flow PERIOD VALUE --on DATE --document TEXT",
        "one target; a revision is a decision of a later day", CLI_NEEDS_DATABASE, set_verb},
    {"target", "list", "csv on= history", 0, 0, "[--on DATE] [--history] [--csv]",
        "targets in force, or every decision", CLI_NEEDS_DATABASE, list_verb},
    {"target", "show", "on= kind=" CLI_REPORT_OPTIONS, 1, 2,
        "PLACE_CODE [PERIOD] [--on DATE] [--kind stock|flow]" CLI_REPORT_USAGE,
        "one place against its targets: reached, pace, gap, forecast, rank", CLI_NEEDS_DATABASE,
        report_verb},
    {"target", "report", "on= level= kind= place=" CLI_REPORT_OPTIONS, 0, 1,
        "[PERIOD] [--on DATE] [--level L] [--kind stock|flow] [--place CODE]" CLI_REPORT_USAGE,
        "all places against their targets", CLI_NEEDS_DATABASE, report_verb},
    {0},
};
