/* Consents and suppressions. */
#include "audience/consent.h"

#include "base/civil.h"
#include "base/clock.h"
#include "base/tr.h"
#include "cli/cli.h"

static int consent_import_verb(struct cli *cli) {
    struct audience_import import;
    struct audience_import_outcome outcome = {0};
    cli_import_init(cli, &import);
    int rc = consent_import(cli->db, &import, &outcome, &cli->err);
    if (rc == 0) {
        cli_import_say(cli, &import, &outcome, NULL);
    }
    cli_import_release(&import);
    return rc;
}

/* --list do-not-call --dated D: *day_out is D; else -1. */
static int read_list(struct cli *cli, int64_t *day_out) {
    const char *list = cli_option(cli, "list");
    const char *dated = cli_option(cli, "dated");
    struct base_date date;
    *day_out = -1;
    if (!list && !dated) {
        return 0;
    }
    if (!list || strcmp(list, "do-not-call") != 0) {
        return base_err_set(
            &cli->err, LANTOA_EINVAL, "%s", TR("--list: the only list there is is do-not-call"));
    }
    if (!dated || base_parse_date(str_from(dated), &date) != 0) {
        return base_err_set(&cli->err, LANTOA_EINVAL, "%s",
            TR("--dated: say of which day the list is, as 2026-11-01"));
    }
    *day_out = base_days_from_date(date);
    return 0;
}

static int suppression_import_verb(struct cli *cli) {
    struct audience_import import;
    struct audience_import_outcome outcome = {0};
    int64_t day;
    int rc = read_list(cli, &day);
    if (rc != 0) {
        return rc;
    }
    cli_import_init(cli, &import);
    rc = day < 0 ? suppression_import(cli->db, &import, &outcome, &cli->err)
                 : suppression_import_list(cli->db, &import, day,
                       cli_switch(cli, "drop-missing") ? SUPPRESSION_LOSS_MEANT
                                                       : SUPPRESSION_LOSS_REFUSED,
                       &outcome, &cli->err);
    if (rc == 0) {
        cli_import_say(cli, &import, &outcome, NULL);
    }
    cli_import_release(&import);
    return rc;
}

static const char *kind_of(const char *address) {
    return strchr(address, '@') ? "email" : "phone";
}

static int suppression_add_verb(struct cli *cli) {
    const char *reason = cli_option(cli, "reason");
    int rc = suppression_add(cli->db, kind_of(cli->args[0]), str_from(cli->args[0]),
        reason ? reason : "opted_out", base_clock_now_ms(), cli->who, &cli->err);
    if (rc == 0) {
        cli_say(cli, json_pack("{s:s}", "address", cli->args[0]),
            reason && strcmp(reason, "do_not_call") == 0 ? TR("%s gets no more advertising")
                                                         : TR("%s will not be written to again"),
            cli->args[0]);
    }
    return rc;
}

static int suppression_remove_verb(struct cli *cli) {
    int rc = suppression_remove(cli->db, kind_of(cli->args[0]), str_from(cli->args[0]), &cli->err);
    if (rc == 0) {
        cli_say(cli, json_pack("{s:s}", "address", cli->args[0]), TR("%s may be written to again"),
            cli->args[0]);
    }
    return rc;
}

static int add_suppression(void *arg, const struct suppression_row *row) {
    json_t *values[] = {cli_str(row->kind), cli_str(row->address), cli_str(row->reason),
        cli_str(row->source), cli_time(row->at_ms)};
    report_table_add(arg, values);
    return 0;
}

#define SUPPRESSION_ROWS 1000

static int suppression_list(struct cli *cli) {
    const struct report_column columns[] = {{"kind", TR("kind"), REPORT_TEXT},
        {"address", TR("address"), REPORT_TEXT}, {"reason", TR("reason"), REPORT_WORD},
        {"source", TR("source"), REPORT_TEXT}, {"at", TR("since"), REPORT_TEXT}};
    struct report_table table;
    int64_t most;
    int rc = cli_option_i64(cli, "limit", SUPPRESSION_ROWS, &most);
    report_table_init(&table, columns, 5);
    if (rc == 0) {
        rc = suppression_each(
            cli->db, cli_option(cli, "kind"), most, add_suppression, &table, &cli->err);
    }
    if (rc != 0) {
        report_table_release(&table);
        return rc;
    }
    cli_table(cli, &table);
    return 0;
}

const struct cli_command cli_consent_commands[] = {
    {"consent", "import", "map=* set=* rejects= dry-run", 1, 1, "FILE [--dry-run] [--rejects F]",
        "consents given or withdrawn, from CSV (email|phone|ref|person_id, channel, purpose, "
        "action, at, source, evidence)",
        CLI_NEEDS_DATABASE, consent_import_verb},
    {"suppression", "import", "map=* set=* rejects= dry-run list= dated= drop-missing", 1, 1,
        "FILE [--list do-not-call --dated DAY [--drop-missing]] [--dry-run] [--rejects F]",
        "addresses nobody may write to, from CSV (address, reason)", CLI_NEEDS_DATABASE,
        suppression_import_verb},
    {"suppression", "add", "reason=", 1, 1, "ADDRESS [--reason opted_out|do_not_call|invalid]",
        "never write to this address again", CLI_NEEDS_DATABASE, suppression_add_verb},
    {"suppression", "remove", "", 1, 1, "ADDRESS", "the address may be written to again",
        CLI_NEEDS_DATABASE, suppression_remove_verb},
    {"suppression", "list", "kind= limit= csv", 0, 0, "[--kind email|phone] [--limit N] [--csv]",
        "the addresses nobody may write to, newest first", CLI_NEEDS_DATABASE, suppression_list},
    {0},
};
