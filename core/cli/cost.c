/* What a campaign will cost, and what one person would get. */
#include "delivery/cost.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/tr.h"
#include "cli/cli.h"

/* --- campaign cost --- */

enum by { BY_STEP, BY_OPERATOR, BY_LANG };

static const char *key_of(const struct cost_row *row, enum by by) {
    switch (by) {
    case BY_STEP:
        return row->step;
    case BY_OPERATOR:
        return row->carrier;
    case BY_LANG:
        return row->lang;
    }
    return "";
}

static bool same_row(const struct cost_row *a, const struct cost_row *b, enum by by) {
    return strcmp(key_of(a, by), key_of(b, by)) == 0 &&
           (by != BY_STEP || a->occurrence == b->occurrence);
}

/* The rows put together by one key, in order of first sight; base_free is the caller's. */
static size_t group(const struct cost *cost, enum by by, struct cost_row **rows_out) {
    struct cost_row *rows = base_alloc_array(cost->row_count + 1, sizeof *rows);
    size_t count = 0;
    for (size_t i = 0; i < cost->row_count; i++) {
        size_t at = 0;
        while (at < count && !same_row(&rows[at], &cost->rows[i], by)) {
            at++;
        }
        if (at == count) {
            rows[count++] = cost->rows[i];
            continue;
        }
        rows[at].messages += cost->rows[i].messages;
        rows[at].units += cost->rows[i].units;
        rows[at].minor += cost->rows[i].minor;
        rows[at].at_most = rows[at].at_most || cost->rows[i].at_most;
    }
    *rows_out = rows;
    return count;
}

static int read_by(struct cli *cli, enum by *by_out) {
    const char *by = cli_option(cli, "by");
    static const char *const words[] = {"step", "operator", "lang"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!by || strcmp(by, words[i]) == 0) {
            *by_out = (enum by)i;
            return 0;
        }
    }
    return base_err_set(
        &cli->err, LANTOA_EINVAL, TR("--by %s: must be step, operator or lang"), by);
}

static void fill_rows(struct report_table *table, const struct cost *cost, enum by by) {
    struct cost_row *rows;
    size_t count = group(cost, by, &rows);
    for (size_t i = 0; i < count; i++) {
        json_t *values[6] = {json_string(key_of(&rows[i], by))};
        size_t at = 1;
        if (by == BY_STEP) {
            values[at++] = json_integer(rows[i].occurrence);
        }
        values[at++] = json_integer(rows[i].messages);
        values[at++] = json_integer(rows[i].units);
        values[at++] = json_integer(rows[i].minor);
        values[at] = json_string(rows[i].at_most ? TR("at most") : "");
        report_table_add(table, values);
    }
    base_free(rows);
}

static size_t columns_of(enum by by, struct report_column *columns) {
    static const char *const keys[] = {"step", "operator", "lang"};
    const char *const labels[] = {TR("step"), TR("operator"), TR("language")};
    size_t count = 0;
    columns[count++] = (struct report_column){keys[by], labels[by], REPORT_TEXT};
    if (by == BY_STEP) {
        columns[count++] = (struct report_column){"occurrence", TR("occurrence"), REPORT_NUMBER};
    }
    columns[count++] = (struct report_column){"messages", TR("messages"), REPORT_NUMBER};
    columns[count++] = (struct report_column){"units", TR("parts"), REPORT_NUMBER};
    columns[count++] = (struct report_column){"cost", TR("cost"), REPORT_NUMBER};
    columns[count++] = (struct report_column){"note", TR("note"), REPORT_TEXT};
    return count;
}

static json_t *suppressed_json(const struct cost *cost) {
    json_t *suppressed = json_object();
    for (int i = 0; i < COST_REASONS; i++) {
        if (cost->suppressed[i]) {
            json_object_set_new(
                suppressed, message_reason_word(i), json_integer(cost->suppressed[i]));
        }
    }
    return suppressed;
}

static json_t *missing_json(const struct cost *cost) {
    json_t *missing = json_array();
    for (size_t i = 0; i < cost->missing_count; i++) {
        json_array_append_new(missing,
            json_pack("{s:s,s:s,s:I}", "channel", cost->missing[i].channel, "prefix",
                cost->missing[i].prefix, "messages", (json_int_t)cost->missing[i].messages));
    }
    return missing;
}

static json_t *cost_json(const struct cli *cli, const struct cost *cost, json_t *rows) {
    return json_pack("{s:s,s:I,s:I,s:I,s:I,s:s,s:b,s:o,s:b,s:I,s:I,s:o,s:o,s:o}", "campaign",
        cli->args[0], "audience", (json_int_t)cost->audience, "messages",
        (json_int_t)cost->messages, "units", (json_int_t)cost->units, "cost",
        (json_int_t)cost->minor, "currency", cost->currency, "at_most", cost->at_most, "budget",
        cost->budget_minor < 0 ? json_null() : json_integer(cost->budget_minor), "over_budget",
        !cost_within_budget(cost), "failed", (json_int_t)cost->failed, "refused",
        (json_int_t)cost->refused, "suppressed", suppressed_json(cost), "missing",
        missing_json(cost), "rows", rows);
}

static void print_budget(const struct cost *cost) {
    if (cost->budget_minor < 0) {
        return;
    }
    if (cost_within_budget(cost)) {
        printf(TR("within the budget of %lld %s; %lld are left\n"), (long long)cost->budget_minor,
            cost->currency, (long long)(cost->budget_minor - cost->minor));
    } else {
        printf(TR("OVER THE BUDGET of %lld %s by %lld\n"), (long long)cost->budget_minor,
            cost->currency, (long long)(cost->minor - cost->budget_minor));
    }
}

static void print_cost(struct cli *cli, const struct cost *cost, struct report_table *table) {
    cli_table(cli, table);
    putchar('\n');
    printf(cost->at_most ? TR("%lld messages, %lld parts, at most %lld %s\n")
                         : TR("%lld messages, %lld parts, %lld %s\n"),
        (long long)cost->messages, (long long)cost->units, (long long)cost->minor, cost->currency);
    for (int i = 0; i < COST_REASONS; i++) {
        if (cost->suppressed[i]) {
            printf(TR("%lld will not be sent: %s\n"), (long long)cost->suppressed[i],
                message_reason_label(i));
        }
    }
    if (cost->failed) {
        printf(TR("%lld have failed\n"), (long long)cost->failed);
    }
    if (cost->refused) {
        printf(TR("%lld cannot be sent by their channel: too long, or letters it lacks\n"),
            (long long)cost->refused);
    }
    print_budget(cost);
}

static int campaign_cost_verb(struct cli *cli) {
    struct costing *costing = NULL;
    struct report_column columns[8];
    struct report_table table;
    struct cost cost;
    enum by by = BY_STEP;
    int rc = read_by(cli, &by);
    if (rc == 0) {
        rc = costing_open(cli->db, cli->data_dir, cli->args[0], &costing, &cli->err);
    }
    if (rc == 0) {
        rc = costing_run(costing, NULL, 0, &cost, &cli->err);
    }
    if (rc == 0) {
        size_t count = columns_of(by, columns);
        report_table_init(&table, columns, count);
        fill_rows(&table, &cost, by);
        if (cli->json) {
            cli_say(cli, cost_json(cli, &cost, report_table_rows(&table)), "%s", "");
            report_table_release(&table);
        } else if (cli_switch(cli, "csv")) {
            cli_table(cli, &table);
        } else {
            print_cost(cli, &cost, &table);
        }
        rc = cost_complete(&cost, &cli->err);
        cost_release(&cost);
    }
    costing_close(&costing);
    return rc;
}

/* --- message preview --- */

static json_t *links_json(const struct cost_preview *p) {
    json_t *links = json_array();
    for (size_t i = 0; i < p->link_count; i++) {
        json_array_append_new(
            links, json_pack("{s:s,s:s}", "link", p->links[i].shown, "url", p->links[i].leads_to));
    }
    return links;
}

static json_t *preview_json(int64_t contact, const struct cost_preview *p) {
    return json_pack("{s:I,s:s,s:s,s:s,s:s,s:s,s:I,s:o,s:b,s:s,s:s,s:o}", "contact",
        (json_int_t)contact, "name", p->name, "address", p->address, "lang", p->lang, "operator",
        p->carrier, "reason", message_reason_word(p->reason), "units", (json_int_t)p->units, "cost",
        p->priced ? json_integer(p->minor) : json_null(), "refused", p->refused, "note",
        p->note ? p->note : "", "text", p->text, "links", links_json(p));
}

static void print_preview(int64_t contact, const struct cost_preview *p) {
    if (contact) {
        printf(TR("contact %lld, %s, %s: %lld parts, "), (long long)contact, p->name, p->address,
            (long long)p->units);
    } else {
        printf(TR("page of %s: "), p->name);
    }
    if (p->priced) {
        printf(TR("cost %lld\n"), (long long)p->minor);
    } else {
        printf("%s\n", TR("no price for this number"));
    }
    if (p->reason) {
        printf(TR("will not be sent: %s\n"), message_reason_label(p->reason));
    }
    if (p->refused) {
        printf("%s\n", TR("the channel cannot send it"));
    }
    if (p->note && p->note[0]) {
        printf("%s\n", p->note);
    }
    printf("\n%s\n\n", p->text);
    for (size_t i = 0; i < p->link_count; i++) {
        printf(TR("%s leads to %s\n"), p->links[i].shown, p->links[i].leads_to);
    }
}

static int preview_one(
    struct cli *cli, struct costing *costing, const char *step, int64_t contact, json_t *list) {
    struct cost_preview preview;
    int rc = costing_preview(costing, step, contact, &preview, &cli->err);
    if (rc == 0) {
        if (cli->json) {
            json_array_append_new(list, preview_json(contact, &preview));
        } else {
            print_preview(contact, &preview);
        }
        cost_preview_release(&preview);
    }
    return rc;
}

static int preview_longest(
    struct cli *cli, struct costing *costing, const char *step, int64_t count, json_t *list) {
    struct cost cost;
    int rc = costing_run(costing, step, (size_t)count, &cost, &cli->err);
    for (size_t i = 0; rc == 0 && i < cost.longest_count; i++) {
        rc = preview_one(cli, costing, step, cost.longest[i].contact_id, list);
    }
    if (rc == 0) {
        cost_release(&cost);
    }
    return rc;
}

static int read_preview(struct cli *cli, int64_t *contact_out, int64_t *longest_out) {
    int rc = cli_option_i64(cli, "contact", 0, contact_out);
    if (rc == 0) {
        rc = cli_option_i64(cli, "longest", 0, longest_out);
    }
    bool one = *contact_out > 0 && *contact_out <= LEDGER_RECIPIENT_MAX;
    bool several = *longest_out > 0 && *longest_out <= COST_LONGEST_MOST;
    /* Neither: a step that speaks on a page has one message only. */
    bool neither = !cli_option(cli, "contact") && !cli_option(cli, "longest");
    if (rc == 0 && (!cli_option(cli, "step") || (one == several && !neither))) {
        rc = base_err_set(&cli->err, LANTOA_EINVAL,
            TR("needs --step S, and either --contact ID or --longest N (1 to %d)"),
            COST_LONGEST_MOST);
    }
    return rc;
}

static int message_preview_verb(struct cli *cli) {
    struct costing *costing = NULL;
    json_t *list = json_array();
    int64_t contact = 0, longest = 0;
    int rc = read_preview(cli, &contact, &longest);
    if (rc == 0) {
        rc = costing_open(cli->db, cli->data_dir, cli->args[0], &costing, &cli->err);
    }
    const char *step = cli_option(cli, "step");
    if (rc == 0) {
        rc = longest ? preview_longest(cli, costing, step, longest, list)
                     : preview_one(cli, costing, step, contact, list);
    }
    if (rc == 0 && cli->json) {
        cli_say(cli, json_pack("{s:O}", "rows", list), "%s", "");
    }
    json_decref(list);
    costing_close(&costing);
    return rc;
}

const struct cli_command cli_cost_commands[] = {
    {"campaign", "cost", "by= csv", 1, 1, "NAME [--by step|operator|lang] [--csv]",
        "messages, parts and money, exact, before approval; changes nothing", CLI_NEEDS_DATABASE,
        campaign_cost_verb},
    {"message", "preview", "step= contact= longest=", 1, 1,
        "CAMPAIGN --step S [--contact ID|--longest N]",
        "what a person or page would get, and what it costs; or the N longest", CLI_NEEDS_DATABASE,
        message_preview_verb},
    {0},
};
