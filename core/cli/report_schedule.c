/* lantoa report schedule add|list|remove. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/tr.h"
#include "cli/cli.h"
#include "report/schedule.h"

static const char *needed(struct cli *cli, const char *name, int *rc) {
    const char *value = cli_option(cli, name);
    if (!value && *rc == 0) {
        *rc = base_err_set(&cli->err, LANTOA_EINVAL, TR("--%s is needed"), name);
    }
    return value;
}

static int add(struct cli *cli) {
    static const char *const kept[] = {"by", "level", "campaign"};
    struct report_option options[sizeof kept / sizeof kept[0]];
    const char **to = NULL;
    int64_t next_at = 0;
    int rc = cli->arg_count == 2 ? 0
                                 : base_err_set(&cli->err, LANTOA_EINVAL, "%s",
                                       TR("report schedule add needs a name"));
    struct report_schedule schedule = {.name = cli->args[1],
        .kind = needed(cli, "kind", &rc),
        .subject = cli_option(cli, "of"),
        .options = options,
        .form = cli_option(cli, "form") ? cli_option(cli, "form") : "pdf",
        .lang = cli_option(cli, "lang") ? cli_option(cli, "lang") : "vi",
        .channel = needed(cli, "channel", &rc),
        .rrule = needed(cli, "rule", &rc),
        .first = needed(cli, "first", &rc),
        .timezone = cli_option(cli, "timezone")};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        if (cli_option(cli, kept[i])) {
            options[schedule.option_count++] =
                (struct report_option){kept[i], cli_option(cli, kept[i])};
        }
    }
    schedule.recipient_count = cli_option_all(cli, "to", &to);
    schedule.recipients = to;
    if (rc == 0) {
        rc = report_schedule_add(
            cli->db, cli->data_dir, &schedule, cli->who, base_clock_now_ms(), &next_at, &cli->err);
    }
    if (rc == 0) {
        json_t *next = cli_time(next_at);
        cli_say(cli, json_pack("{s:s,s:O}", "name", schedule.name, "next_at", next),
            TR("%s: the next report is made at %s"), schedule.name, json_string_value(next));
        json_decref(next);
    }
    base_free(to);
    return rc;
}

static int list(struct cli *cli) {
    static const struct report_column columns[] = {REPORT_SCHEDULE_COLUMNS};
    struct report_table table;
    report_table_init(&table, columns, sizeof columns / sizeof columns[0]);
    int rc = report_schedule_list(cli->db, &table, &cli->err);
    if (rc == 0) {
        cli_table(cli, &table);
    } else {
        report_table_release(&table);
    }
    return rc;
}

static int remove_one(struct cli *cli) {
    if (cli->arg_count != 2) {
        return base_err_set(
            &cli->err, LANTOA_EINVAL, "%s", TR("report schedule remove needs a name"));
    }
    int rc =
        report_schedule_remove(cli->db, cli->args[1], cli->who, base_clock_now_ms(), &cli->err);
    if (rc == 0) {
        cli_say(
            cli, json_pack("{s:s}", "removed", cli->args[1]), TR("%s is removed"), cli->args[1]);
    }
    return rc;
}

static int schedule_verb(struct cli *cli) {
    static const struct {
        const char *word;
        int (*run)(struct cli *cli);
    } verbs[] = {{"add", add}, {"list", list}, {"remove", remove_one}};
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(cli->args[0], verbs[i].word) == 0) {
            return verbs[i].run(cli);
        }
    }
    return base_err_set(
        &cli->err, LANTOA_EINVAL, TR("report schedule %s: add, list or remove"), cli->args[0]);
}

const struct cli_command cli_report_schedule_commands[] = {
    {"report", "schedule",
        "kind= of= by= level= campaign= channel= to=* rule= first= timezone= form= csv", 1, 2,
        "add NAME --kind K [--of NAME] --rule RRULE --first LOCAL --channel C --to EMAIL ... "
        "[--form pdf|xlsx|html|csv] | list | remove NAME",
        "reports that go to managers by themselves", CLI_NEEDS_DATABASE, schedule_verb},
    {0},
};
