/* What people say back: keyword rules, the inbox, events of contacts, consents undone. */
#include "tracking/inbox.h"
#include "audience/consent.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/text.h"
#include "base/tr.h"
#include "cli/cli.h"
#include "tracking/contact_event.h"
#include "tracking/keyword.h"
#include "tracking/undo.h"

#define ROWS_MOST 1000
#define LINE_BYTES_MOST 160 /* of a text in a list; `inbox show` has all of it */

/* New reference. */
static json_t *number_or_null(int64_t number) {
    return number ? json_integer((json_int_t)number) : json_null();
}

/* A text for a cell: one line, not endless. New reference. */
static json_t *cell(struct str text) {
    struct base_buf line;
    base_buf_init(&line, LINE_BYTES_MOST + 8);
    base_buf_add(&line, text.at, base_utf8_cut(text, LINE_BYTES_MOST));
    for (size_t i = 0; i < line.bytes; i++) {
        if (line.at[i] == '\n' || line.at[i] == '\r' || line.at[i] == '\t') {
            line.at[i] = ' ';
        }
    }
    if (line.bytes < text.bytes) {
        base_buf_add_text(&line, "…");
    }
    json_t *json = json_stringn(line.bytes ? line.at : "", line.bytes);
    base_buf_release(&line);
    return json;
}

static int read_id(struct cli *cli, const char *text, int64_t *id_out) {
    if (base_parse_i64(str_from(text), id_out) != 0 || *id_out <= 0) {
        return base_err_set(&cli->err, LANTOA_EINVAL, TR("%s: not a number of a row"), text);
    }
    return 0;
}

static int end_table(struct cli *cli, struct report_table *table, int rc) {
    if (rc != 0) {
        report_table_release(table);
        return rc;
    }
    cli_table(cli, table);
    return 0;
}

/* --- keywords --- */

static int keywords_apply_verb(struct cli *cli) {
    size_t count = 0;
    int rc = keywords_apply(cli->db, cli->args[0], cli->who, &count, &cli->err);
    if (rc == 0) {
        cli_say(cli, json_pack("{s:s,s:I}", "applied", cli->args[0], "rules", (json_int_t)count),
            TR("keyword rules of %s are in force: %zu"), cli->args[0], count);
    }
    return rc;
}

static int keywords_show_verb(struct cli *cli) {
    char *text = NULL;
    int rc = keywords_text(cli->db, &text, &cli->err);
    if (rc == 0) {
        json_t *json = json_loads(text, 0, NULL);
        char *pretty = json ? json_dumps(json, JSON_INDENT(2) | JSON_PRESERVE_ORDER) : NULL;
        printf("%s\n", pretty ? pretty : text);
        base_free(pretty);
        json_decref(json);
    }
    base_free(text);
    return rc;
}

/* --- inbox --- */

static int add_inbox_row(void *arg, const struct inbox_row *row) {
    struct report_table *table = arg;
    json_t *values[] = {json_integer((json_int_t)row->id), cli_time(row->at_ms),
        json_string(inbox_state_word(row->state)), cli_str(row->channel), cli_str(row->address),
        number_or_null(row->contact_id), cli_str(row->name), cli_str(row->kind), cli_str(row->act),
        cli_str(row->assigned), cell(row->text)};
    report_table_add(table, values);
    return 0;
}

static int inbox_list_verb(struct cli *cli) {
    const struct report_column columns[] = {{"id", TR("number"), REPORT_NUMBER},
        {"at", TR("came"), REPORT_TEXT}, {"state", TR("state"), REPORT_WORD},
        {"channel", TR("channel"), REPORT_TEXT}, {"address", TR("address"), REPORT_TEXT},
        {"contact", TR("contact"), REPORT_NUMBER}, {"name", TR("name"), REPORT_TEXT},
        {"kind", TR("kind"), REPORT_WORD}, {"act", TR("understood as"), REPORT_WORD},
        {"assigned", TR("assigned to"), REPORT_TEXT}, {"text", TR("text"), REPORT_TEXT}};
    struct report_table table;
    struct inbox_filter filter = {.open_only = cli_switch(cli, "open")};
    int rc = cli_option_i64(cli, "limit", ROWS_MOST, &filter.limit);
    report_table_init(&table, columns, sizeof columns / sizeof columns[0]);
    if (rc == 0) {
        rc = inbox_each(cli->db, &filter, add_inbox_row, &table, &cli->err);
    }
    return end_table(cli, &table, rc);
}

static int take_row(void *arg, const struct inbox_row *row) {
    json_t *json = json_pack("{s:I,s:o,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "id",
        (json_int_t)row->id, "at", cli_time(row->at_ms), "state", inbox_state_word(row->state),
        "channel", cli_str(row->channel), "address", cli_str(row->address), "contact",
        number_or_null(row->contact_id), "name", cli_str(row->name), "message",
        number_or_null(row->message_id), "kind", cli_str(row->kind), "act", cli_str(row->act),
        "assigned", cli_str(row->assigned), "note", cli_str(row->note), "text", cli_str(row->text));
    *(json_t **)arg = json;
    return 1;
}

static int take_act(void *arg, const struct inbox_act *act) {
    json_array_append_new(arg, json_pack("{s:o,s:o,s:o,s:o,s:o}", "at", cli_time(act->at_ms), "who",
                                   cli_str(act->who), "verb", cli_str(act->verb), "text",
                                   cli_str(act->text), "message", number_or_null(act->message_id)));
    return 0;
}

static int inbox_show_verb(struct cli *cli) {
    struct inbox_filter filter = {.limit = 1};
    json_t *entry = NULL;
    json_t *history = json_array();
    int rc = read_id(cli, cli->args[0], &filter.id);
    if (rc == 0) {
        rc = inbox_each(cli->db, &filter, take_row, &entry, &cli->err);
        rc = rc > 0 ? 0 : rc;
    }
    if (rc == 0 && !entry) {
        rc = base_err_set(&cli->err, LANTOA_ENOENT, TR("there is no entry %lld in the inbox"),
            (long long)filter.id);
    }
    if (rc == 0) {
        rc = inbox_history(cli->db, filter.id, take_act, history, &cli->err);
    }
    if (rc == 0) {
        json_object_set(entry, "history", history);
        char *text = json_dumps(entry, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
        printf("%s\n", text);
        base_free(text);
    }
    json_decref(entry);
    json_decref(history);
    return rc;
}

static int inbox_answer_verb(struct cli *cli) {
    int64_t id;
    int64_t message_id = 0;
    struct str text = str_from(cli->args[1]);
    int rc = read_id(cli, cli->args[0], &id);
    if (rc == 0 && cli_switch(cli, "by-hand")) {
        rc = inbox_answer_by_hand(cli->db, id, text, cli->who, &cli->err);
    } else if (rc == 0) {
        rc = inbox_answer(cli->db, id, text, cli->who, &message_id, &cli->err);
    }
    if (rc == 0) {
        cli_say(cli,
            json_pack("{s:I,s:o}", "id", (json_int_t)id, "message", number_or_null(message_id)),
            message_id ? TR("entry %lld is answered: message %lld")
                       : TR("entry %lld is recorded as answered"),
            (long long)id, (long long)message_id);
    }
    return rc;
}

static int inbox_close_verb(struct cli *cli) {
    int64_t id;
    int rc = read_id(cli, cli->args[0], &id);
    if (rc == 0) {
        rc = inbox_close(cli->db, id, cli->who, &cli->err);
    }
    if (rc == 0) {
        cli_say(cli, json_pack("{s:I,s:s}", "id", (json_int_t)id, "state", "closed"),
            TR("entry %lld is closed"), (long long)id);
    }
    return rc;
}

static int inbox_assign_verb(struct cli *cli) {
    int64_t id;
    int rc = read_id(cli, cli->args[0], &id);
    if (rc == 0) {
        rc = inbox_assign(cli->db, id, str_from(cli->args[1]), cli->who, &cli->err);
    }
    if (rc == 0) {
        cli_say(cli, json_pack("{s:I,s:s}", "id", (json_int_t)id, "assigned", cli->args[1]),
            TR("entry %lld is with %s"), (long long)id, cli->args[1]);
    }
    return rc;
}

/* --- contacts and consents --- */

static int add_event(void *arg, const struct contact_event *event) {
    json_t *values[] = {cli_time(event->at_ms), cli_str(event->kind), cli_str(event->channel),
        number_or_null(event->message_id), number_or_null(event->inbound_id), cell(event->text)};
    report_table_add(arg, values);
    return 0;
}

static int contact_events_verb(struct cli *cli) {
    const struct report_column columns[] = {{"at", TR("came"), REPORT_TEXT},
        {"kind", TR("kind"), REPORT_WORD}, {"channel", TR("channel"), REPORT_TEXT},
        {"message", TR("message"), REPORT_NUMBER}, {"inbox", TR("inbox"), REPORT_NUMBER},
        {"text", TR("text"), REPORT_TEXT}};
    struct report_table table;
    int64_t id;
    int rc = read_id(cli, cli->args[0], &id);
    report_table_init(&table, columns, sizeof columns / sizeof columns[0]);
    if (rc == 0) {
        rc = contact_event_each(cli->db, id, add_event, &table, &cli->err);
    }
    return end_table(cli, &table, rc);
}

static int add_consent(void *arg, const struct consent_row *row) {
    json_t *values[] = {json_integer((json_int_t)row->id),
        json_integer((json_int_t)row->contact_id), cli_time(row->at_ms), cli_str(row->channel),
        cli_str(row->purpose), json_string(row->given ? "given" : "withdrawn"),
        cli_str(row->source), cli_str(row->evidence)};
    report_table_add(arg, values);
    return 0;
}

static int consent_list_verb(struct cli *cli) {
    const struct report_column columns[] = {{"id", TR("number"), REPORT_NUMBER},
        {"contact", TR("contact"), REPORT_NUMBER}, {"at", TR("since"), REPORT_TEXT},
        {"channel", TR("channel"), REPORT_TEXT}, {"purpose", TR("purpose"), REPORT_WORD},
        {"action", TR("consent"), REPORT_WORD}, {"source", TR("source"), REPORT_TEXT},
        {"evidence", TR("evidence"), REPORT_TEXT}};
    struct report_table table;
    int64_t contact_id;
    int64_t most;
    int rc = cli_option_i64(cli, "contact", 0, &contact_id);
    if (rc == 0) {
        rc = cli_option_i64(cli, "limit", ROWS_MOST, &most);
    }
    report_table_init(&table, columns, sizeof columns / sizeof columns[0]);
    if (rc == 0) {
        rc = consent_each(cli->db, contact_id, most, add_consent, &table, &cli->err);
    }
    return end_table(cli, &table, rc);
}

static int consent_undo_verb(struct cli *cli) {
    struct undo_outcome outcome;
    int64_t id;
    const char *note = cli_option(cli, "note");
    int rc = read_id(cli, cli->args[0], &id);
    if (rc == 0) {
        rc = consent_undo(cli->db, id, note ? note : "", cli->who, &outcome, &cli->err);
    }
    if (rc == 0) {
        cli_say(cli,
            json_pack("{s:I,s:I,s:I,s:b}", "id", (json_int_t)id, "rows", (json_int_t)outcome.rows,
                "suppressions_removed", (json_int_t)outcome.freed, "advertising",
                outcome.everything),
            outcome.everything
                ? TR("withdrawal %lld is undone; addresses free again: %lld")
                : TR("withdrawal %lld is undone, except for advertising, for which there was no "
                     "consent before; addresses free again: %lld"),
            (long long)id, (long long)outcome.freed);
    }
    return rc;
}

const struct cli_command cli_inbox_commands[] = {
    {"keywords", "apply", "", 1, 1, "FILE",
        "put keyword rules in force: what TC, STOP, DK BHXH mean", CLI_NEEDS_DATABASE,
        keywords_apply_verb},
    {"keywords", "show", "", 0, 0, "", "print the keyword rules in force", CLI_NEEDS_DATABASE,
        keywords_show_verb},
    {"inbox", "list", "open limit= csv", 0, 0, "[--open] [--limit N] [--csv]",
        "what people said back, newest first", CLI_NEEDS_DATABASE, inbox_list_verb},
    {"inbox", "show", "", 1, 1, "ID", "one entry, whole, and what was done with it",
        CLI_NEEDS_DATABASE, inbox_show_verb},
    {"inbox", "answer", "by-hand", 2, 2, "ID TEXT [--by-hand]",
        "answer by the channel it came by; --by-hand only records what was said another way",
        CLI_NEEDS_DATABASE, inbox_answer_verb},
    {"inbox", "close", "", 1, 1, "ID", "nothing more is to be done", CLI_NEEDS_DATABASE,
        inbox_close_verb},
    {"inbox", "assign", "", 2, 2, "ID NAME", "say who looks after it", CLI_NEEDS_DATABASE,
        inbox_assign_verb},
    {"contact", "events", "csv", 1, 1, "ID [--csv]",
        "what a person made known: interest, refusals, complaints", CLI_NEEDS_DATABASE,
        contact_events_verb},
    {"consent", "list", "contact= limit= csv", 0, 0, "[--contact ID] [--limit N] [--csv]",
        "consents given and withdrawn, newest first", CLI_NEEDS_DATABASE, consent_list_verb},
    {"consent", "undo", "note=", 1, 1, "ID --note TEXT",
        "take a withdrawal back, with evidence; audited", CLI_NEEDS_DATABASE, consent_undo_verb},
    {0},
};
