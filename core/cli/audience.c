/* Places, contacts, segments. */
#include "audience/contact.h"
#include "audience/contact_query.h"
#include "audience/import.h"
#include "audience/place.h"
#include "audience/segment.h"
#include "audience/segment_store.h"
#include "base/civil.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/tr.h"
#include "campaign/store.h"
#include "cli/cli.h"
#include "conversion/enrolment.h"

typedef int import_fn(struct db *db, const struct audience_import *import,
    struct audience_import_outcome *outcome_out, struct base_err *err);

static int run_import(struct cli *cli, import_fn *fn) {
    struct audience_import import;
    struct audience_import_outcome outcome = {0};
    cli_import_init(cli, &import);
    int rc = fn(cli->db, &import, &outcome, &cli->err);
    if (rc == 0) {
        cli_import_say(cli, &import, &outcome, NULL);
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

/* Enrolments that came in before their people are matched now, and those whose people are gone are
 * of nobody again. */
static int match_enrolments(struct cli *cli) {
    int64_t matched, review, events = 0;
    int rc = db_get_i64(cli->db, "SELECT COUNT(*) FROM (SELECT 1 FROM enrolment LIMIT 1) AS one",
        &events, &cli->err);
    return rc == 0 && events ? enrolment_rematch(cli->db, &matched, &review, &cli->err) : rc;
}

static int contact_import_verb(struct cli *cli) {
    int rc = run_import(cli, contact_import);
    return rc == 0 && !cli_switch(cli, "dry-run") ? match_enrolments(cli) : rc;
}

static int contact_undo_verb(struct cli *cli) {
    int64_t batch;
    struct contact_undo_outcome outcome;
    if (base_parse_i64(str_from(cli->args[0]), &batch) != 0) {
        return base_err_set(
            &cli->err, LANTOA_EINVAL, TR("%s: not the number of an import batch"), cli->args[0]);
    }
    int rc = contact_undo(cli->db, batch, &outcome, &cli->err);
    rc = rc ? rc : match_enrolments(cli);
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

static json_t *contact_json(const struct contact *c) {
    return json_pack("{s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "id", (json_int_t)c->id,
        "ref", cli_str(c->ref), "name", cli_str(c->name), "email", cli_str(c->email), "phone",
        cli_str(c->phone), "lang", cli_str(c->lang), "birth_date", cli_str(c->birth_date), "sex",
        cli_str(c->sex), "household", cli_str(c->household), "enrolled_on", cli_str(c->enrolled_on),
        "died_on", cli_str(c->died_on));
}

static int add_contact(void *arg, const struct contact *c) {
    json_t *values[] = {json_integer(c->id), cli_str(c->ref), cli_str(c->name), cli_str(c->email),
        cli_str(c->phone), cli_str(c->lang), cli_str(c->birth_date), cli_str(c->enrolled_on)};
    report_table_add(arg, values);
    return 0;
}

#define CONTACT_ROWS 100

static int contact_list(struct cli *cli) {
    const struct report_column columns[] = {{"id", "id", REPORT_NUMBER},
        {"ref", TR("ref"), REPORT_TEXT}, {"name", TR("name"), REPORT_TEXT},
        {"email", TR("email"), REPORT_TEXT}, {"phone", TR("phone"), REPORT_TEXT},
        {"lang", TR("language"), REPORT_TEXT}, {"birth_date", TR("born"), REPORT_TEXT},
        {"enrolled_on", TR("enrolled"), REPORT_TEXT}};
    const char *expression = cli_option(cli, "segment");
    struct segment *segment = NULL;
    struct report_table table;
    struct audience_import today;
    cli_import_init(cli, &today);
    struct contact_query query = {.text = cli->arg_count ? str_from(cli->args[0]) : (struct str){0},
        .today_days = today.today_days};
    cli_import_release(&today);
    report_table_init(&table, columns, 8);
    int rc = cli_option_i64(cli, "after", 0, &query.after_id);
    if (rc == 0) {
        rc = cli_option_i64(cli, "limit", CONTACT_ROWS, &query.most);
    }
    const char *order = cli_option(cli, "order");
    if (rc == 0 && order && strcmp(order, "name") != 0 && strcmp(order, "id") != 0) {
        rc = base_err_set(&cli->err, LANTOA_EINVAL, TR("--order %s: must be name or id"), order);
    }
    query.order = order && strcmp(order, "name") == 0 ? CONTACT_BY_NAME : CONTACT_BY_ID;
    if (rc == 0 && query.order == CONTACT_BY_NAME && cli_option(cli, "after")) {
        rc = base_err_set(
            &cli->err, LANTOA_EINVAL, "%s", TR("--after goes with the order of ids only"));
    }
    if (rc == 0 && expression) {
        rc = segment_parse(cli->db, str_from(expression), &segment, NULL, &cli->err);
    }
    if (rc == 0) {
        query.segment = segment;
        rc = contact_each(cli->db, &query, add_contact, &table, &cli->err);
    }
    segment_free(&segment);
    if (rc != 0) {
        report_table_release(&table);
        return rc;
    }
    cli_table(cli, &table);
    return 0;
}

static int add_attr(void *arg, struct str name, struct str value) {
    char key[128];
    snprintf(key, sizeof key, STR_FMT, STR_ARG(name));
    json_object_set_new(arg, key, cli_str(value));
    return 0;
}

/* "place_id" and "place", the name with those above it; null when none is known. */
static int add_place_names(struct cli *cli, const struct contact *c, json_t *json) {
    struct base_buf path;
    base_buf_init(&path, 4096);
    int rc = c->place_id ? place_path(cli->db, c->place_id, &path, &cli->err) : 0;
    if (rc == 0) {
        json_object_set_new(
            json, "place_id", c->place_id ? json_integer(c->place_id) : json_null());
        json_object_set_new(
            json, "place", c->place_id ? cli_str(base_buf_str(&path)) : json_null());
    }
    base_buf_release(&path);
    return rc;
}

static int show_contact(void *arg, const struct contact *c) {
    json_t *json = contact_json(c);
    json_t *attrs = json_object();
    int rc = add_place_names(arg, c, json);
    rc = rc ? rc : contact_attr_each(c, add_attr, attrs);
    json_object_set_new(json, "attributes", attrs);
    if (rc) {
        json_decref(json);
        return rc;
    }
    char *text = json_dumps(json, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    printf("%s\n", text);
    base_free(text);
    json_decref(json);
    return rc;
}

static int contact_show(struct cli *cli) {
    int64_t id;
    if (base_parse_i64(str_from(cli->args[0]), &id) != 0) {
        return base_err_set(
            &cli->err, LANTOA_EINVAL, TR("%s: not the number of a contact"), cli->args[0]);
    }
    return contact_get(cli->db, id, show_contact, cli, &cli->err);
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

static int segment_save_verb(struct cli *cli) {
    struct str name = str_from(cli->args[0]), expression = str_from(cli->args[1]);
    int rc = campaign_segment_may_change(cli->db, name, expression, &cli->err);
    rc = rc ? rc : segment_save(cli->db, name, expression, base_clock_now_ms(), &cli->err);
    if (rc == 0) {
        cli_say(cli, json_pack("{s:s,s:s}", "name", cli->args[0], "expression", cli->args[1]),
            TR("segment %s is kept; use it as: segment '%s'"), cli->args[0], cli->args[0]);
    }
    return rc;
}

static int segment_remove_verb(struct cli *cli) {
    struct str name = str_from(cli->args[0]);
    int rc = campaign_segment_may_change(cli->db, name, (struct str){0}, &cli->err);
    rc = rc ? rc : segment_remove(cli->db, name, &cli->err);
    if (rc == 0) {
        cli_say(
            cli, json_pack("{s:s}", "name", cli->args[0]), TR("segment %s is gone"), cli->args[0]);
    }
    return rc;
}

static int add_segment(void *arg, const struct segment_row *segment) {
    json_t *values[] = {
        cli_str(segment->name), cli_str(segment->expression), cli_time(segment->changed_at)};
    report_table_add(arg, values);
    return 0;
}

static int segment_list(struct cli *cli) {
    const struct report_column columns[] = {{"name", TR("name"), REPORT_TEXT},
        {"expression", TR("expression"), REPORT_TEXT}, {"changed_at", TR("changed"), REPORT_TEXT}};
    struct report_table table;
    report_table_init(&table, columns, 3);
    int rc = segment_each(cli->db, add_segment, &table, &cli->err);
    if (rc != 0) {
        report_table_release(&table);
        return rc;
    }
    cli_table(cli, &table);
    return 0;
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
    {"segment", "save", "", 2, 2, "NAME EXPRESSION", "keep an audience expression under a name",
        CLI_NEEDS_DATABASE, segment_save_verb},
    {"segment", "list", "csv", 0, 0, "[--csv]", "the kept audience expressions", CLI_NEEDS_DATABASE,
        segment_list},
    {"segment", "remove", "", 1, 1, "NAME", "forget a kept audience expression", CLI_NEEDS_DATABASE,
        segment_remove_verb},
    {"contact", "list", "segment= order= after= limit= csv", 0, 1,
        "[TEXT] [--segment EXPRESSION] [--order name|id] [--after ID] [--limit N] [--csv]",
        "people by name, key or audience expression; accents do not matter", CLI_NEEDS_DATABASE,
        contact_list},
    {"contact", "show", "", 1, 1, "ID", "one person with all attributes", CLI_NEEDS_DATABASE,
        contact_show},
    {0},
};
