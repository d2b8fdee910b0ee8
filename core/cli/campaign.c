/* Themes, channels and campaigns: files in and out, and the campaign's way from draft to done. */
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tr.h"
#include "campaign/store.h"
#include "cli/cli.h"
#include "conversion/experiment_power.h"
#include "delivery/airing_check.h"
#include "delivery/control.h"
#include "delivery/cost.h"
#include "delivery/plan.h"
#include "delivery/rehearsal.h"
#include "delivery/rules_check.h"
#include "delivery/text_check.h"
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* --- apply, check, export --- */

static void say_applied(struct cli *cli, bool changed) {
    cli_say(cli, json_pack("{s:s,s:b}", "file", cli->args[0], "changed", changed),
        changed ? TR("%s applied") : TR("%s: nothing new"), cli->args[0]);
}

static int theme_apply_verb(struct cli *cli) {
    bool changed;
    int rc = theme_apply(cli->db, cli->data_dir, cli->args[0], cli->who, &changed, &cli->err);
    if (rc == 0) {
        say_applied(cli, changed);
        rc = changed ? cli_approvals_sweep(cli) : 0;
    }
    return rc;
}

static int channel_apply_verb(struct cli *cli) {
    bool changed;
    int rc = channel_apply(cli->db, cli->data_dir, cli->args[0], cli->who, &changed, &cli->err);
    if (rc == 0) {
        say_applied(cli, changed);
        rc = changed ? cli_approvals_sweep(cli) : 0;
    }
    return rc;
}

static json_t *lines(const struct base_buf *text) {
    json_t *list = json_array();
    struct str rest = base_buf_str(text);
    while (rest.bytes) {
        struct str line = str_cut(&rest, '\n');
        if (line.bytes) {
            json_array_append_new(list, json_stringn(line.at, line.bytes));
        }
    }
    return list;
}

/* The findings are the message; the summary in err would only repeat them. */
static int tell_findings(struct cli *cli, struct base_buf *findings, int rc) {
    if (rc != 0 && findings->bytes) {
        if (cli->json) {
            cli_say(cli, json_pack("{s:b,s:o}", "ok", 0, "findings", lines(findings)), "%s", "");
        }
        fwrite(findings->at, 1, findings->bytes, stderr);
        cli->err.text[0] = '\0';
    }
    base_buf_release(findings);
    return rc;
}

/* What is no fault, but should be known. */
static void tell_notices(struct base_buf *notices) {
    if (notices->bytes) {
        fwrite(notices->at, 1, notices->bytes, stderr);
    }
    base_buf_release(notices);
}

/* The rules of sending look at a file that can be read; what cannot is campaign_apply's to tell. */
static int check_rules(struct cli *cli, struct base_buf *findings, struct base_buf *notices) {
    struct base_json *doc = NULL;
    struct campaign_spec *spec = NULL;
    struct base_err unread = {0};
    int rc = 0;
    if (base_json_load(cli->args[0], &doc, &unread) == 0 &&
        campaign_spec_parse(doc, &spec, &unread) == 0) {
        rc = rules_check(cli->db, doc, spec, findings, notices, &cli->err);
    }
    campaign_spec_free(&spec);
    base_json_free(&doc);
    return rc;
}

static int campaign_apply_verb(struct cli *cli) {
    bool changed;
    struct base_buf findings, notices;
    base_buf_init(&findings, 1 << 20);
    base_buf_init(&notices, 1 << 20);
    int rc = check_rules(cli, &findings, &notices);
    if (rc == 0) {
        rc = campaign_apply(
            cli->db, cli->data_dir, cli->args[0], cli->who, &changed, &findings, &cli->err);
    }
    if (rc == 0) {
        say_applied(cli, changed);
    }
    tell_notices(&notices);
    return tell_findings(cli, &findings, rc);
}

static bool is_file(const char *what) {
    return base_file_exists(what) || strchr(what, '/') || strchr(what, '.');
}

static int load_for_check(struct cli *cli, struct base_json **doc_out, char **base_dir_out) {
    const char *what = cli->args[0];
    struct campaign_row row = {0};
    if (is_file(what)) {
        const char *slash = strrchr(what, '/');
        *base_dir_out = slash ? base_strndup(what, (size_t)(slash - what)) : base_strdup(".");
        return base_json_load(what, doc_out, &cli->err);
    }
    *base_dir_out = base_strdup(cli->data_dir);
    int rc = campaign_get(cli->db, what, &row, &cli->err);
    if (rc == 0) {
        rc = base_json_parse(str_from(row.spec_text), what, doc_out, &cli->err);
    }
    campaign_row_release(&row);
    return rc;
}

static int campaign_check_verb(struct cli *cli) {
    struct base_json *doc = NULL;
    struct campaign_spec *spec = NULL;
    char *base_dir = NULL;
    struct base_buf findings, notices;
    base_buf_init(&findings, 1 << 20);
    base_buf_init(&notices, 1 << 20);
    int rc = load_for_check(cli, &doc, &base_dir);
    if (rc == 0) {
        rc = campaign_spec_parse(doc, &spec, &cli->err);
    }
    if (rc == 0) {
        rc = campaign_check(cli->db, doc, spec, base_dir, &findings, &cli->err);
        int ruled = rules_check(cli->db, doc, spec, &findings, &notices, &cli->err);
        rc = rc ? rc : ruled;
    }
    if (rc == 0) {
        rc = text_check(cli->db, cli->data_dir, doc, spec, &notices, &cli->err);
        rc = rc ? rc : airing_check(cli->db, doc, spec, &notices, &cli->err);
    }
    if (rc == 0 && !is_file(cli->args[0])) { /* what is not applied has no audience to count */
        rc = cost_warn(cli->db, cli->data_dir, cli->args[0], &notices, &cli->err);
        rc = rc ? rc
                : experiment_power_warn(cli->db, cli->args[0], cli_today(), &notices, &cli->err);
    }
    if (rc == 0) {
        cli_say(cli, json_pack("{s:b,s:[],s:o}", "ok", 1, "findings", "notices", lines(&notices)),
            TR("%s: no fault found"), cli->args[0]);
    }
    tell_notices(&notices);
    campaign_spec_free(&spec);
    base_json_free(&doc);
    base_free(base_dir);
    return tell_findings(cli, &findings, rc);
}

static int export_kind(struct cli *cli, const char *kind) {
    char *json = NULL;
    int rc = campaign_export(cli->db, kind, cli->args[0], &json, &cli->err);
    if (rc == 0) {
        printf("%s\n", json);
    }
    base_free(json);
    return rc;
}

static int theme_export_verb(struct cli *cli) {
    return export_kind(cli, "theme");
}

static int campaign_export_verb(struct cli *cli) {
    return export_kind(cli, "campaign");
}

/* --- lists --- */

static int add_channel(void *arg, const struct channel_row *row) {
    json_t *values[] = {json_string(row->name), json_string(row->plugin), json_string(row->state),
        row->parked_reason ? json_string(row->parked_reason) : json_null(),
        cli_time(row->changed_at)};
    report_table_add(arg, values);
    return 0;
}

static int channel_list(struct cli *cli) {
    const struct report_column columns[] = {{"name", TR("name"), REPORT_TEXT},
        {"plugin", TR("plugin"), REPORT_TEXT}, {"state", TR("state"), REPORT_WORD},
        {"reason", TR("reason"), REPORT_TEXT}, {"changed_at", TR("changed"), REPORT_TEXT}};
    struct report_table table;
    report_table_init(&table, columns, 5);
    int rc = channel_each(cli->db, add_channel, &table, &cli->err);
    if (rc != 0) {
        report_table_release(&table);
        return rc;
    }
    cli_table(cli, &table);
    return 0;
}

static int list_by_sql(struct cli *cli, const char *sql, const struct report_column *columns,
    size_t count, void (*add)(struct report_table *table, struct db_stmt *stmt)) {
    struct db_stmt *stmt = NULL;
    struct report_table table;
    report_table_init(&table, columns, count);
    int rc = db_prepare(cli->db, sql, &stmt, &cli->err);
    while (rc >= 0 && stmt && (rc = db_step(stmt, &cli->err)) == 1) {
        add(&table, stmt);
    }
    db_finish(&stmt);
    if (rc != 0) {
        report_table_release(&table);
        return rc;
    }
    cli_table(cli, &table);
    return 0;
}

static void add_campaign(struct report_table *table, struct db_stmt *stmt) {
    json_t *values[] = {cli_str(db_column_str(stmt, 0)), cli_str(db_column_str(stmt, 1)),
        json_string(campaign_state_word((enum campaign_state)db_column_i64(stmt, 2))),
        cli_str(db_column_str(stmt, 3)), cli_time(db_column_i64(stmt, 4)),
        cli_time(db_column_i64(stmt, 5)), cli_str(db_column_str(stmt, 6)),
        cli_time(db_column_i64(stmt, 7)), cli_time(db_column_i64(stmt, 8))};
    report_table_add(table, values);
}

static int campaign_list(struct cli *cli) {
    int swept = cli_approvals_sweep(cli);
    if (swept != 0) {
        return swept;
    }
    const struct report_column columns[] = {{"name", TR("name"), REPORT_TEXT},
        {"theme", TR("theme"), REPORT_TEXT}, {"state", TR("state"), REPORT_WORD},
        {"waits_for", TR("waits because"), REPORT_TEXT}, {"planned_at", TR("planned"), REPORT_TEXT},
        {"approved_at", TR("approved"), REPORT_TEXT}, {"approved_by", TR("by"), REPORT_TEXT},
        {"started_at", TR("started"), REPORT_TEXT}, {"ended_at", TR("ended"), REPORT_TEXT}};
    return list_by_sql(cli,
        "SELECT g.name, t.name, g.state, g.wait_reason, coalesce(g.planned_at, 0), "
        "coalesce(g.approved_at, 0), g.approved_by, "
        "coalesce(g.started_at, 0), coalesce(g.ended_at, 0) FROM campaign g JOIN theme t ON t.id = "
        "g.theme_id ORDER BY g.id",
        columns, 9, add_campaign);
}

static void add_theme(struct report_table *table, struct db_stmt *stmt) {
    json_t *values[] = {cli_str(db_column_str(stmt, 0)), cli_time(db_column_i64(stmt, 1))};
    report_table_add(table, values);
}

static int theme_list(struct cli *cli) {
    const struct report_column columns[] = {
        {"name", TR("name"), REPORT_TEXT}, {"changed_at", TR("changed"), REPORT_TEXT}};
    return list_by_sql(
        cli, "SELECT name, changed_at FROM theme ORDER BY name", columns, 2, add_theme);
}

/* --- the campaign's way --- */

static void show_planned(void *arg, int64_t contacts) {
    (void)arg;
    fprintf(stderr, "\r%" PRId64, contacts);
}

static int campaign_plan_verb(struct cli *cli) {
    struct plan_outcome outcome;
    const struct plan_progress progress = {isatty(2) ? show_planned : NULL, NULL};
    int rc = campaign_plan(cli->db, cli->args[0], cli->who, &progress, &outcome, &cli->err);
    if (progress.fn) {
        fputc('\n', stderr);
    }
    struct base_buf notices;
    base_buf_init(&notices, 1 << 20);
    rc = rc ? rc : cost_warn(cli->db, cli->data_dir, cli->args[0], &notices, &cli->err);
    rc = rc ? rc : experiment_power_warn(cli->db, cli->args[0], cli_today(), &notices, &cli->err);
    if (rc == 0) {
        cli_say(cli,
            json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:s,s:o,s:{s:I,s:I,s:I,s:I,s:I,s:I}}", "campaign",
                cli->args[0], "audience", (json_int_t)outcome.audience, "holdout",
                (json_int_t)outcome.holdout, "steps", (json_int_t)outcome.steps, "planned",
                (json_int_t)outcome.planned, "suppressed", (json_int_t)outcome.suppressed,
                "assignment_hash", outcome.assignment_hash, "notices", lines(&notices), "airings",
                "booked", (json_int_t)outcome.airings.placed + outcome.airings.clashes, "clashes",
                (json_int_t)outcome.airings.clashes, "refused", (json_int_t)outcome.airings.refused,
                "interrupts", (json_int_t)outcome.airings.interrupts, "moved",
                (json_int_t)outcome.airings.moved, "dropped", (json_int_t)outcome.airings.dropped),
            TR("%lld people, %lld kept out by lot; %lld steps, %lld messages planned, %lld "
               "suppressed"),
            (long long)outcome.audience, (long long)outcome.holdout, (long long)outcome.steps,
            (long long)outcome.planned, (long long)outcome.suppressed);
    }
    if (rc == 0 && !cli->json && outcome.airings.asked > 0) {
        printf(TR("\nairtime: %lld airings, %lld of them over what others have (lantoa airing "
                  "clash), %lld without a place (lantoa airing refused)\n"),
            (long long)(outcome.airings.placed + outcome.airings.clashes),
            (long long)outcome.airings.clashes, (long long)outcome.airings.refused);
    }
    if (rc == 0 && !cli->json && outcome.airings.moved + outcome.airings.dropped > 0) {
        printf(TR("airings of other campaigns that nobody approved yet: %lld moved, %lld gave "
                  "way\n"),
            (long long)outcome.airings.moved, (long long)outcome.airings.dropped);
    }
    if (rc == 0 && !cli->json && outcome.airings.interrupts > 0) {
        printf(TR("the emergency runs into %lld airings of others, as things stand\n"),
            (long long)outcome.airings.interrupts);
    }
    tell_notices(&notices);
    return rc;
}

static int say_state(struct cli *cli, int rc, const char *state) {
    if (rc == 0) {
        cli_say(cli, json_pack("{s:s,s:s}", "campaign", cli->args[0], "state", state),
            TR("campaign %s is %s"), cli->args[0], TR(state));
    }
    return rc;
}

static int campaign_unplan_verb(struct cli *cli) {
    return say_state(cli, campaign_unplan(cli->db, cli->args[0], cli->who, &cli->err), "draft");
}

static int campaign_pause_verb(struct cli *cli) {
    return say_state(cli, control_pause(cli->db, cli->args[0], cli->who, &cli->err), "paused");
}

static int campaign_resume_verb(struct cli *cli) {
    return say_state(cli, control_resume(cli->db, cli->args[0], cli->who, &cli->err), "running");
}

static int campaign_stop_verb(struct cli *cli) {
    struct campaign_row row = {0};
    int rc = control_stop(cli->db, cli->args[0], cli->who, &cli->err);
    rc = rc ? rc : campaign_get(cli->db, cli->args[0], &row, &cli->err);
    rc = say_state(cli, rc, campaign_state_word(row.state)); /* it may have been done already */
    campaign_row_release(&row);
    return rc;
}

static int stop_all(struct cli *cli) {
    int64_t stopped;
    int rc = control_stop_all(cli->db, cli->who, &stopped, &cli->err);
    if (rc == 0) {
        cli_say(cli, json_pack("{s:I}", "stopped", (json_int_t)stopped),
            TR("%lld campaigns stopped"), (long long)stopped);
    }
    return rc;
}

/* --- rehearsal --- */

static json_t *local_time(int64_t ms, int offset_min) {
    char text[BASE_ISO_MAX];
    if (ms == 0) {
        return json_null();
    }
    base_format_iso(ms, offset_min, text);
    return json_string(text);
}

static const struct report_column *count_columns(void) {
    static struct report_column columns[7];
    columns[0] = (struct report_column){"step", TR("step"), REPORT_TEXT};
    columns[1] = (struct report_column){"occurrence", TR("occurrence"), REPORT_NUMBER};
    columns[2] = (struct report_column){"state", TR("state"), REPORT_WORD};
    columns[3] = (struct report_column){"reason", TR("reason"), REPORT_WORD};
    columns[4] = (struct report_column){"messages", TR("messages"), REPORT_NUMBER};
    columns[5] = (struct report_column){"first_at", TR("first"), REPORT_TEXT};
    columns[6] = (struct report_column){"last_at", TR("last"), REPORT_TEXT};
    return columns;
}

static void fill_counts(struct report_table *table, const struct rehearsal *r) {
    for (size_t i = 0; i < r->count_count; i++) {
        const struct rehearsal_count *c = &r->counts[i];
        json_t *values[] = {json_string(c->step), json_integer(c->occurrence),
            json_string(message_state_word(c->state)), json_string(message_reason_word(c->reason)),
            json_integer(c->messages), local_time(c->first_ms, r->offset_min),
            local_time(c->last_ms, r->offset_min)};
        report_table_add(table, values);
    }
}

static void fill_waves(struct report_table *table, const struct rehearsal *r) {
    for (size_t i = 0; i < r->wave_count; i++) {
        const struct rehearsal_wave *w = &r->waves[i];
        json_t *values[] = {local_time(w->hour_ms, r->offset_min), json_string(w->step),
            json_integer(w->occurrence), json_integer(w->messages),
            json_integer((w->messages + w->minutes - 1) / w->minutes)};
        report_table_add(table, values);
    }
}

static json_t *firsts_json(const struct rehearsal *r) {
    json_t *list = json_array();
    for (size_t i = 0; i < r->first_count; i++) {
        json_array_append_new(
            list, json_pack("{s:s,s:i,s:I}", "step", r->firsts[i].step, "occurrence",
                      r->firsts[i].occurrence, "messages", (json_int_t)r->firsts[i].messages));
    }
    return list;
}

static void print_firsts(const struct rehearsal *r) {
    for (size_t i = 0; i < r->first_count; i++) {
        const struct rehearsal_first *first = &r->firsts[i];
        bool recurs = first->occurrence > 1 ||
                      (i + 1 < r->first_count && strcmp(first->step, first[1].step) == 0);
        char *name = recurs ? base_printf(TR("%s, occurrence %d"), first->step, first->occurrence)
                            : base_strdup(first->step);
        printf(
            TR("\nstep %s: the first %lld messages go alone; the rest follows once they arrive\n"),
            name, (long long)first->messages);
        base_free(name);
    }
}

static void print_rehearsal(struct cli *cli, const struct rehearsal *r) {
    const struct report_column wave_columns[] = {{"hour", TR("hour"), REPORT_TEXT},
        {"step", TR("step"), REPORT_TEXT}, {"occurrence", TR("occurrence"), REPORT_NUMBER},
        {"messages", TR("messages"), REPORT_NUMBER}, {"per_minute", TR("a minute"), REPORT_NUMBER}};
    struct report_table counts;
    struct report_table waves;
    report_table_init(&counts, count_columns(), 7);
    report_table_init(&waves, wave_columns, 5);
    fill_counts(&counts, r);
    fill_waves(&waves, r);
    if (cli->json) {
        cli_say(cli,
            json_pack("{s:s,s:I,s:o,s:o,s:I,s:o,s:o,s:o,s:o,s:{s:I,s:I,s:I}}", "campaign",
                cli->args[0], "audience", (json_int_t)r->audience, "starts_at",
                local_time(r->start_ms, r->offset_min), "ends_at",
                local_time(r->end_ms, r->offset_min), "cost", (json_int_t)r->cost_minor, "note",
                r->note ? json_string(r->note) : json_null(), "first_waves", firsts_json(r), "rows",
                report_table_rows(&counts), "waves", report_table_rows(&waves), "airings", "booked",
                (json_int_t)r->airings, "clashes", (json_int_t)r->clashes, "refused",
                (json_int_t)r->refused),
            "%s", "");
        report_table_release(&counts);
        report_table_release(&waves);
        return;
    }
    char start[BASE_ISO_MAX] = "-";
    char end[BASE_ISO_MAX] = "-";
    if (r->start_ms) {
        base_format_iso(r->start_ms, r->offset_min, start);
        base_format_iso(r->end_ms, r->offset_min, end);
    }
    printf(TR("rehearsal of %s: %lld people; first message %s, last %s; cost %lld; nothing was "
              "sent\n\n"),
        cli->args[0], (long long)r->audience, start, end, (long long)r->cost_minor);
    cli_table(cli, &counts);
    putchar('\n');
    cli_table(cli, &waves);
    print_firsts(r);
    if (r->airings + r->refused > 0) {
        printf(TR("\nairtime: %lld airings, %lld of them over what others have (lantoa airing "
                  "clash), %lld without a place (lantoa airing refused)\n"),
            (long long)r->airings, (long long)r->clashes, (long long)r->refused);
    }
    if (r->note) {
        printf("\n%s\n", r->note);
    }
}

static int campaign_rehearse_verb(struct cli *cli) {
    struct rehearsal rehearsal;
    base_log_set(
        BASE_LOG_WARN, 2); /* the rehearsed steps' log is not news of anything that happened */
    int64_t from = cli_option(cli, "clock") ? base_clock_now_ms() : 0;
    int rc = rehearsal_run(cli->db, cli->data_dir, cli->args[0], from, &rehearsal, &cli->err);
    if (rc == 0) {
        print_rehearsal(cli, &rehearsal);
        rehearsal_release(&rehearsal);
    }
    return rc;
}

const struct cli_command cli_campaign_commands[] = {
    {"theme", "apply", "", 1, 1, "FILE", "take over a theme file", CLI_NEEDS_DATABASE,
        theme_apply_verb},
    {"theme", "list", "csv", 0, 0, "", "the themes", CLI_NEEDS_DATABASE, theme_list},
    {"theme", "export", "", 1, 1, "NAME", "print a theme as its file", CLI_NEEDS_DATABASE,
        theme_export_verb},
    {"channel", "apply", "", 1, 1, "FILE", "take over a channel file", CLI_NEEDS_DATABASE,
        channel_apply_verb},
    {"channel", "list", "csv", 0, 0, "", "the channels and their state", CLI_NEEDS_DATABASE,
        channel_list},
    {"campaign", "apply", "", 1, 1, "FILE", "check a campaign file and take it over",
        CLI_NEEDS_DATABASE, campaign_apply_verb},
    {"campaign", "check", "", 1, 1, "FILE|NAME",
        "name every fault with file, line and field; change nothing", CLI_NEEDS_DATABASE,
        campaign_check_verb},
    {"campaign", "export", "", 1, 1, "NAME", "print a campaign as its file", CLI_NEEDS_DATABASE,
        campaign_export_verb},
    {"campaign", "list", "csv", 0, 0, "", "the campaigns, their state and what they wait for",
        CLI_NEEDS_DATABASE, campaign_list},
    {"campaign", "plan", "", 1, 1, "NAME", "freeze the audience into the ledger",
        CLI_NEEDS_DATABASE, campaign_plan_verb},
    {"campaign", "unplan", "", 1, 1, "NAME", "back to draft", CLI_NEEDS_DATABASE,
        campaign_unplan_verb},
    {"campaign", "rehearse", "", 1, 1, "NAME", "the whole campaign on a fast clock, nothing sent",
        CLI_NEEDS_DATABASE, campaign_rehearse_verb},
    {"campaign", "pause", "", 1, 1, "NAME",
        "nothing more leaves until resume; takes effect within 2 s", CLI_NEEDS_DATABASE,
        campaign_pause_verb},
    {"campaign", "resume", "", 1, 1, "NAME",
        "go on, also after a missed start or a restored backup", CLI_NEEDS_DATABASE,
        campaign_resume_verb},
    {"campaign", "stop", "", 1, 1, "NAME", "end for good; what has not left never will",
        CLI_NEEDS_DATABASE, campaign_stop_verb},
    {"stop-all", "", "", 0, 0, "", "stop every campaign now", CLI_NEEDS_DATABASE, stop_all},
    {0},
};
