/* Saying yes to a campaign, starting it, and looking at who said yes to what. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/tr.h"
#include "cli/cli.h"
#include "delivery/airing.h"
#include "delivery/approval.h"

/* --- approve, start --- */

static void print_approved(
    struct cli *cli, const struct approval_outcome *o, const struct airing_sum *airings) {
    const struct approval_figures *f = &o->figures;
    printf(TR("campaign %s: %lld people, %lld messages, %lld parts, %lld %s; approved as %.16s\n"),
        cli->args[0], (long long)f->people, (long long)f->messages, (long long)f->units,
        (long long)f->minor, f->currency, o->hash);
    if (airings->airings > 0) {
        printf(
            TR("%lld airings on %lld outlets, which cover about %lld households (an estimate)\n"),
            (long long)airings->airings, (long long)airings->outlets,
            (long long)airings->households);
    }
    if (f->budget_minor >= 0 && f->minor > f->budget_minor) {
        printf(TR("OVER THE BUDGET of %lld %s by %lld: what is beyond it will not be sent\n"),
            (long long)f->budget_minor, f->currency, (long long)(f->minor - f->budget_minor));
    }
    if (o->need.built_in && o->need.approvers == 1) {
        printf("%s\n", TR("approved by one person; rules for a second: lantoa rules apply "
                          "config/rules/approval.json"));
    }
    if (o->state == CAMPAIGN_PLANNED) {
        printf(o->need.author_may
                   ? TR("%d of %d approvals; somebody else must approve it as well\n")
                   : TR("%d of %d approvals; somebody else, who did not write it, must approve it "
                        "as well\n"),
            o->given, o->need.approvers);
    } else {
        printf(TR("campaign %s is %s"), cli->args[0], TR(campaign_state_word(o->state)));
        putchar('\n');
    }
}

static json_t *approved_json(
    struct cli *cli, const struct approval_outcome *o, const struct airing_sum *airings) {
    const struct approval_figures *f = &o->figures;
    return json_pack("{s:s,s:s,s:i,s:i,s:b,s:I,s:I,s:I,s:I,s:s,s:o,s:b,s:s,s:o,s:I,s:I,s:I}",
        "campaign", cli->args[0], "state", campaign_state_word(o->state), "approvals", o->given,
        "needed", o->need.approvers, "built_in_rules", o->need.built_in, "people",
        (json_int_t)f->people, "messages", (json_int_t)f->messages, "units", (json_int_t)f->units,
        "cost", (json_int_t)f->minor, "currency", f->currency, "budget",
        f->budget_minor < 0 ? json_null() : json_integer(f->budget_minor), "over_budget",
        f->budget_minor >= 0 && f->minor > f->budget_minor, "hash", o->hash, "until",
        cli_time(o->until_ms), "airings", (json_int_t)airings->airings, "outlets",
        (json_int_t)airings->outlets, "households", (json_int_t)airings->households);
}

static int campaign_approve_verb(struct cli *cli) {
    struct approval_outcome outcome;
    struct airing_sum airings;
    int rc = approval_give(cli->db, cli->data_dir, cli->args[0], cli->who,
        cli_option(cli, "reason"), &outcome, &cli->err);
    rc = rc == 0 ? airing_sum(cli->db, cli->args[0], &airings, &cli->err) : rc;
    if (rc == 0 && cli->json) {
        cli_say(cli, approved_json(cli, &outcome, &airings), "%s", "");
    } else if (rc == 0) {
        print_approved(cli, &outcome, &airings);
    }
    return rc;
}

static int campaign_start_verb(struct cli *cli) {
    int rc = approval_start(cli->db, cli->data_dir, cli->args[0], cli->who, &cli->err);
    if (rc == 0) {
        cli_say(cli, json_pack("{s:s,s:s}", "campaign", cli->args[0], "state", "running"),
            TR("campaign %s is %s"), cli->args[0], TR("running"));
    }
    return rc;
}

/* --- what a change makes void --- */

static void tell_void(void *arg, const char *campaign, const char *why) {
    (void)arg;
    fprintf(stderr, TR("campaign %s is planned again: %s\n"), campaign, why);
}

int cli_approvals_sweep(struct cli *cli) {
    return approval_sweep(cli->db, tell_void, NULL, &cli->err);
}

/* --- show --- */

/* Where the rows go: a list, or a table. */
struct adding {
    json_t *json; /* NULL: the table */
    struct report_table *table;
    const struct report_column *columns;
};

static json_t *text_of(struct str text) {
    return text.bytes ? json_stringn(text.at, text.bytes) : json_null();
}

/* The values of a row, in the order of the columns of campaign_show. */
static int add_approval(void *arg, const struct approval_row *row) {
    const struct adding *to = arg;
    json_t *values[] = {cli_time(row->at_ms), text_of(row->who), json_integer(row->messages),
        json_integer(row->units), json_integer(row->minor), text_of(row->currency),
        text_of(row->hash), text_of(row->reason), cli_time(row->until_ms),
        cli_time(row->void_at_ms), text_of(row->void_reason)};
    if (to->json) {
        json_t *object = json_object();
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            json_object_set_new(object, to->columns[i].key, values[i]);
        }
        json_array_append_new(to->json, object);
    } else {
        report_table_add(to->table, values);
    }
    return 0;
}

static json_t *authors_json(struct base_buf *names) {
    json_t *list = json_array();
    struct str rest = base_buf_str(names);
    while (rest.bytes) {
        struct str name = str_cut(&rest, '\n');
        json_array_append_new(list, json_stringn(name.at, name.bytes));
    }
    return list;
}

struct shown {
    struct campaign_row row;
    struct approval_need need;
    int given;
    struct base_buf authors;
};

static void print_shown(const struct shown *s) {
    printf(TR("campaign %s is %s"), s->row.name, TR(campaign_state_word(s->row.state)));
    putchar('\n');
    if (s->row.wait_reason) {
        printf(TR("waits: %s\n"), s->row.wait_reason);
    }
    struct str rest = base_buf_str(&s->authors);
    while (rest.bytes) {
        struct str name = str_cut(&rest, '\n');
        printf(TR("written by %.*s\n"), STR_ARG(name));
    }
    if (s->row.state == CAMPAIGN_PLANNED || s->row.state == CAMPAIGN_APPROVED) {
        printf(TR("%d of %d approvals%s%s\n"), s->given, s->need.approvers,
            s->need.author_may ? "" : TR(", by nobody who wrote it"),
            s->need.reason ? TR(", with a reason") : "");
    }
    putchar('\n');
}

static json_t *shown_json(struct shown *s, json_t *rows) {
    return json_pack("{s:s,s:s,s:s?,s:o,s:i,s:i,s:b,s:b,s:o}", "campaign", s->row.name, "state",
        campaign_state_word(s->row.state), "waits_for", s->row.wait_reason, "authors",
        authors_json(&s->authors), "given", s->given, "needed", s->need.approvers, "author_may",
        s->need.author_may, "reason_needed", s->need.reason, "rows", rows);
}

static int say_shown(
    struct cli *cli, struct shown *s, const struct report_column *columns, size_t count) {
    struct report_table table;
    struct adding to = {cli->json ? json_array() : NULL, &table, columns};
    report_table_init(&table, columns, count);
    int rc = approval_each(cli->db, s->row.id, add_approval, &to, &cli->err);
    if (rc == 0 && cli->json) {
        cli_say(cli, shown_json(s, to.json), "%s", "");
    } else if (rc == 0) {
        print_shown(s);
        cli_table(cli, &table);
        return 0;
    } else {
        json_decref(to.json);
    }
    report_table_release(&table);
    return rc;
}

static int campaign_show(struct cli *cli) {
    const struct report_column columns[] = {{"at", TR("at"), REPORT_TEXT},
        {"who", TR("who"), REPORT_TEXT}, {"messages", TR("messages"), REPORT_NUMBER},
        {"units", TR("parts"), REPORT_NUMBER}, {"cost", TR("cost"), REPORT_NUMBER},
        {"currency", TR("currency"), REPORT_TEXT}, {"hash", TR("hash"), REPORT_TEXT},
        {"reason", TR("reason"), REPORT_TEXT}, {"until", TR("until"), REPORT_TEXT},
        {"void_at", TR("void since"), REPORT_TEXT}, {"void_reason", TR("because"), REPORT_TEXT}};
    struct shown s = {0};
    base_buf_init(&s.authors, (size_t)1 << 20);
    int rc = cli_approvals_sweep(cli);
    if (rc == 0) {
        rc = campaign_get(cli->db, cli->args[0], &s.row, &cli->err);
    }
    if (rc == 0) {
        rc = approval_status(cli->db, s.row.id, &s.need, &s.given, &cli->err);
    }
    if (rc == 0) {
        rc = approval_authors(cli->db, s.row.id, &s.authors, &cli->err);
    }
    if (rc == 0) {
        rc = say_shown(cli, &s, columns, sizeof columns / sizeof columns[0]);
    }
    base_buf_release(&s.authors);
    campaign_row_release(&s.row);
    return rc;
}

const struct cli_command cli_approval_commands[] = {
    {"campaign", "approve", "reason=", 1, 1, "NAME [--reason TEXT]",
        "say yes to a planned campaign, as it stands and at its cost", CLI_NEEDS_DATABASE,
        campaign_approve_verb},
    {"campaign", "start", "", 1, 1, "NAME", "let an approved campaign run", CLI_NEEDS_DATABASE,
        campaign_start_verb},
    {"campaign", "show", "csv", 1, 1, "NAME",
        "who wrote it, who approved what and when, and what is still missing", CLI_NEEDS_DATABASE,
        campaign_show},
    {0},
};
