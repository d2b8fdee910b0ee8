/* Enrolments: import, review, payments due. */
#include "conversion/enrolment.h"

#include "base/civil.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/tr.h"
#include "cli/cli.h"
#include "conversion/balance.h"

static int read_id(struct cli *cli, size_t arg, int64_t *id_out) {
    if (base_parse_i64(str_from(cli->args[arg]), id_out) != 0 || *id_out <= 0) {
        return base_err_set(&cli->err, LANTOA_EINVAL, TR("%s: not a number"), cli->args[arg]);
    }
    return 0;
}

/* --- import --- */

struct profile {
    char **map, **set;
    size_t map_count, set_count;
    const char **all_map, **all_set; /* of the profile, then of the command */
};

static const char **joined(
    char **first, size_t first_count, const char *const *second, size_t second_count) {
    const char **all = base_alloc_array(first_count + second_count + 1, sizeof *all);
    for (size_t i = 0; i < first_count; i++) {
        all[i] = first[i];
    }
    for (size_t i = 0; i < second_count; i++) {
        all[first_count + i] = second[i];
    }
    return all;
}

static int use_profile(struct cli *cli, struct audience_import *import, struct profile *profile) {
    const char *name = cli_option(cli, "profile");
    if (!name) {
        return 0;
    }
    int rc = enrolment_profile_load(cli->db, name, &profile->map, &profile->map_count,
        &profile->set, &profile->set_count, &cli->err);
    if (rc == 0) {
        profile->all_map = joined(profile->map, profile->map_count, import->map, import->map_count);
        profile->all_set = joined(profile->set, profile->set_count, import->set, import->set_count);
        cli_import_release(import);
        import->map = profile->all_map;
        import->set = profile->all_set;
        import->map_count += profile->map_count;
        import->set_count += profile->set_count;
    }
    return rc;
}

static void profile_release(struct profile *profile) {
    for (size_t i = 0; i < profile->map_count; i++) {
        base_free(profile->map[i]);
    }
    for (size_t i = 0; i < profile->set_count; i++) {
        base_free(profile->set[i]);
    }
    base_free(profile->map);
    base_free(profile->set);
}

static void say_import(
    struct cli *cli, const struct audience_import *import, const struct enrolment_outcome *o) {
    json_t *json = json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:b}", "batch",
        (json_int_t)o->import.batch_id, "rows", (json_int_t)o->import.rows, "added",
        (json_int_t)o->import.added, "unchanged", (json_int_t)o->import.unchanged, "duplicates",
        (json_int_t)o->duplicates, "rejected", (json_int_t)o->import.rejected, "kept_with_faults",
        (json_int_t)o->import.kept_with_faults, "matched", (json_int_t)o->matched, "review",
        (json_int_t)o->review, "unmatched", (json_int_t)o->unmatched, "late", (json_int_t)o->late,
        "corrected", (json_int_t)o->corrected, "dry_run", import->dry_run);
    char *tail = cli_import_tail(import, &o->import);
    cli_say(cli, json,
        TR("%s%lld rows: %lld events added (%lld matched, %lld for review, %lld of nobody we know; "
           "%lld late), %lld corrected, %lld known already, %lld twice in the file, %lld rejected, "
           "%lld kept without a bad value%s"),
        import->dry_run ? TR("dry run, nothing changed: ") : "", (long long)o->import.rows,
        (long long)o->import.added, (long long)o->matched, (long long)o->review,
        (long long)o->unmatched, (long long)o->late, (long long)o->corrected,
        (long long)o->import.unchanged, (long long)o->duplicates, (long long)o->import.rejected,
        (long long)o->import.kept_with_faults, tail);
    base_free(tail);
}

static int import_verb(struct cli *cli) {
    struct audience_import import;
    struct enrolment_outcome outcome = {0};
    struct profile profile = {0};
    const char *remember = cli_option(cli, "remember");
    cli_import_init(cli, &import);
    int rc = use_profile(cli, &import, &profile);
    rc = rc ? rc : enrolment_import(cli->db, &import, &outcome, &cli->err);
    if (rc == 0 && remember && !import.dry_run) {
        rc = enrolment_profile_save(cli->db, remember, &import, &cli->err);
    }
    if (rc == 0) {
        say_import(cli, &import, &outcome);
    }
    cli_import_release(&import);
    profile_release(&profile);
    return rc;
}

static int undo_verb(struct cli *cli) {
    int64_t batch;
    struct enrolment_undo_outcome outcome;
    int rc = read_id(cli, 0, &batch);
    rc = rc ? rc : enrolment_undo(cli->db, batch, &outcome, &cli->err);
    if (rc == 0) {
        cli_say(cli,
            json_pack("{s:I,s:I}", "deleted", (json_int_t)outcome.deleted, "contacts",
                (json_int_t)outcome.contacts),
            TR("batch undone: %lld events gone, %lld people reckoned anew"),
            (long long)outcome.deleted, (long long)outcome.contacts);
    }
    return rc;
}

static int rematch_verb(struct cli *cli) {
    int64_t matched, review;
    int rc = enrolment_rematch(cli->db, &matched, &review, &cli->err);
    if (rc == 0) {
        cli_say(cli,
            json_pack("{s:I,s:I}", "matched", (json_int_t)matched, "review", (json_int_t)review),
            TR("%lld events matched, %lld for review"), (long long)matched, (long long)review);
    }
    return rc;
}

/* --- lists --- */

static json_t *number(int64_t value) {
    return value ? json_integer(value) : json_null();
}

static int add_row(void *arg, const struct enrolment_row *row) {
    json_t *values[] = {json_integer(row->id), number(row->contact_id), cli_str(row->event),
        cli_str(row->event_date), cli_str(row->registered_date), cli_time(row->imported_at),
        number(row->place_id), number(row->income), number(row->months), cli_str(row->method),
        cli_str(row->group), cli_str(row->sponsor), cli_str(row->matched_by),
        json_integer(row->batch_id), json_integer(row->line)};
    report_table_add(arg, values);
    return 0;
}

static int list_events(struct cli *cli, struct enrolment_query *query) {
    const struct report_column columns[] = {{"id", "id", REPORT_NUMBER},
        {"contact", TR("contact"), REPORT_NUMBER}, {"event", TR("event"), REPORT_TEXT},
        {"event_date", TR("on"), REPORT_TEXT}, {"registered_date", TR("registered"), REPORT_TEXT},
        {"imported_at", TR("imported"), REPORT_TEXT}, {"place", TR("place"), REPORT_NUMBER},
        {"income", TR("income"), REPORT_NUMBER}, {"months", TR("months"), REPORT_NUMBER},
        {"method", TR("method"), REPORT_TEXT}, {"group", TR("group"), REPORT_TEXT},
        {"sponsor", TR("sponsor"), REPORT_TEXT}, {"matched_by", TR("matched by"), REPORT_TEXT},
        {"batch", TR("batch"), REPORT_NUMBER}, {"line", TR("line"), REPORT_NUMBER}};
    struct report_table table;
    report_table_init(&table, columns, sizeof columns / sizeof columns[0]);
    query->from = cli_option(cli, "from");
    query->to = cli_option(cli, "to");
    int rc = cli_option_i64(cli, "after", 0, &query->after_id);
    rc = rc ? rc : cli_option_i64(cli, "limit", 1000, &query->most);
    rc = rc ? rc : cli_option_i64(cli, "contact", 0, &query->contact_id);
    rc = rc ? rc : enrolment_each(cli->db, query, add_row, &table, &cli->err);
    if (rc) {
        report_table_release(&table);
        return rc;
    }
    cli_table(cli, &table);
    return 0;
}

static int list_verb(struct cli *cli) {
    struct enrolment_query query = {.gifts_only = cli_switch(cli, "gifts")};
    return list_events(cli, &query);
}

static int add_review(void *arg, const struct enrolment_row *row) {
    json_t *values[] = {json_integer(row->id), cli_str(row->event), cli_str(row->event_date),
        number(row->place_id), cli_str(row->candidates), json_integer(row->batch_id),
        json_integer(row->line)};
    report_table_add(arg, values);
    return 0;
}

static int add_match(void *arg, const struct enrolment_match_row *row) {
    json_t *values[] = {number(row->place_id), cli_str(row->place), json_integer(row->events),
        json_integer(row->matched), json_integer(row->review),
        json_real((double)row->matched / (double)row->events)};
    report_table_add(arg, values);
    return 0;
}

static int match_rate_verb(struct cli *cli) {
    const struct report_column columns[] = {{"place", TR("place"), REPORT_NUMBER},
        {"name", TR("name"), REPORT_TEXT}, {"events", TR("events"), REPORT_NUMBER},
        {"matched", TR("matched"), REPORT_NUMBER}, {"review", TR("for review"), REPORT_NUMBER},
        {"rate", TR("rate"), REPORT_NUMBER}};
    struct report_table table;
    report_table_init(&table, columns, 6);
    int rc = enrolment_match_each(
        cli->db, cli_option(cli, "from"), cli_option(cli, "to"), add_match, &table, &cli->err);
    if (rc) {
        report_table_release(&table);
        return rc;
    }
    cli_table(cli, &table);
    return 0;
}

static int add_due(void *arg, const struct enrolment_due_row *row) {
    json_t *values[] = {json_integer(row->contact_id), number(row->place_id), cli_str(row->paid_to),
        cli_str(row->due_on), cli_str(row->method)};
    report_table_add(arg, values);
    return 0;
}

static int due_verb(struct cli *cli) {
    const struct report_column columns[] = {{"contact", TR("contact"), REPORT_NUMBER},
        {"place", TR("place"), REPORT_NUMBER}, {"paid_to", TR("paid to"), REPORT_TEXT},
        {"due_on", TR("due on"), REPORT_TEXT}, {"method", TR("method"), REPORT_TEXT}};
    struct report_table table;
    report_table_init(&table, columns, 5);
    int rc = enrolment_due_each(
        cli->db, cli_option(cli, "from"), cli_option(cli, "to"), add_due, &table, &cli->err);
    if (rc) {
        report_table_release(&table);
        return rc;
    }
    cli_table(cli, &table);
    return 0;
}

/* --- balance --- */

struct balance_lists {
    struct report_table table;
    struct balance_row sum;
};

static void add_balance_row(struct report_table *table, const struct balance_row *row, bool sum) {
    json_t *values[3 + BALANCE_FLOWS] = {
        sum ? json_string("sum") : json_integer(row->place_id), json_integer(row->start)};
    for (int i = 0; i < BALANCE_FLOWS; i++) {
        values[2 + i] = json_integer(row->flows[i]);
    }
    values[2 + BALANCE_FLOWS] = json_integer(row->end);
    report_table_add(table, values);
}

static int add_balance(void *arg, const struct balance_row *row) {
    struct balance_lists *lists = arg;
    add_balance_row(&lists->table, row, false);
    lists->sum.start += row->start;
    lists->sum.end += row->end;
    for (int i = 0; i < BALANCE_FLOWS; i++) {
        lists->sum.flows[i] += row->flows[i];
    }
    return 0;
}

static int tell_fault(void *arg, const struct balance_fault *fault) {
    (void)arg;
    fprintf(stderr, TR("enrolment %lld (contact %lld), %.*s on %.*s: %s\n"),
        (long long)fault->enrolment_id, (long long)fault->contact_id, STR_ARG(fault->event),
        STR_ARG(fault->event_date), fault->reason);
    return 0;
}

static int balance_verb(struct cli *cli) {
    const struct report_column columns[] = {{"place", TR("place"), REPORT_TEXT},
        {"start", TR("start"), REPORT_NUMBER}, {"new", "new", REPORT_NUMBER},
        {"returned", "returned", REPORT_NUMBER}, {"lapsed", "lapsed", REPORT_NUMBER},
        {"to_compulsory", "to_compulsory", REPORT_NUMBER},
        {"pensioned", "pensioned", REPORT_NUMBER},
        {"lump_sum_exit", "lump_sum_exit", REPORT_NUMBER}, {"died", "died", REPORT_NUMBER},
        {"moved_in", "moved_in", REPORT_NUMBER}, {"moved_out", "moved_out", REPORT_NUMBER},
        {"end", TR("end"), REPORT_NUMBER}};
    const char *texts[] = {cli->args[0], cli->args[1],
        cli_option(cli, "places-on") ? cli_option(cli, "places-on") : cli->args[1]};
    char days[3][BASE_DATE_MAX];
    struct balance_lists lists = {0};
    const struct balance_calls calls = {.row = add_balance, .fault = tell_fault, .arg = &lists};
    int64_t faults = 0;
    for (int i = 0; i < 3; i++) {
        struct base_date date;
        if (base_parse_date(str_from(texts[i]), &date) != 0) {
            return base_err_set(&cli->err, LANTOA_EINVAL,
                TR("%s: not a date (write it as 2026-12-31 or 31/12/2026)"), texts[i]);
        }
        base_format_date(date, days[i]);
    }
    report_table_init(&lists.table, columns, sizeof columns / sizeof columns[0]);
    int rc = balance_each(cli->db, days[0], days[1], days[2], &calls, &faults, &cli->err);
    if (rc == 0 && faults) {
        rc = base_err_set(&cli->err, LANTOA_EINVAL,
            TR("the balance does not hold: %lld events cannot be as they stand (see above)"),
            (long long)faults);
    }
    if (rc) {
        report_table_release(&lists.table);
        return rc;
    }
    add_balance_row(&lists.table, &lists.sum, true);
    cli_table(cli, &lists.table);
    return 0;
}

/* --- review --- */

static int review_list(struct cli *cli) {
    const struct report_column columns[] = {{"id", "id", REPORT_NUMBER},
        {"event", TR("event"), REPORT_TEXT}, {"event_date", TR("on"), REPORT_TEXT},
        {"place", TR("place"), REPORT_NUMBER}, {"contacts", TR("contacts"), REPORT_TEXT},
        {"batch", TR("batch"), REPORT_NUMBER}, {"line", TR("line"), REPORT_NUMBER}};
    struct enrolment_query query = {.review_only = true};
    struct report_table table;
    report_table_init(&table, columns, 7);
    int rc = enrolment_each(cli->db, &query, add_review, &table, &cli->err);
    if (rc) {
        report_table_release(&table);
        return rc;
    }
    cli_table(cli, &table);
    return 0;
}

static int settle(struct cli *cli, int64_t id, int64_t contact_id) {
    int rc = enrolment_settle(cli->db, id, contact_id, cli->who, &cli->err);
    if (rc == 0) {
        cli_say(cli, json_pack("{s:I,s:o}", "id", (json_int_t)id, "contact", number(contact_id)),
            contact_id ? TR("enrolment %lld is that of contact %lld")
                       : TR("enrolment %lld is of nobody we know"),
            (long long)id, (long long)contact_id);
    }
    return rc;
}

static int review_verb(struct cli *cli) {
    int64_t id, contact_id;
    const char *act = cli->args[0];
    if (strcmp(act, "list") == 0 && cli->arg_count == 1) {
        return review_list(cli);
    }
    if (strcmp(act, "match") == 0 && cli->arg_count == 3) {
        int rc = read_id(cli, 1, &id);
        rc = rc ? rc : read_id(cli, 2, &contact_id);
        return rc ? rc : settle(cli, id, contact_id);
    }
    if (strcmp(act, "reject") == 0 && cli->arg_count == 2) {
        int rc = read_id(cli, 1, &id);
        return rc ? rc : settle(cli, id, 0);
    }
    return base_err_set(&cli->err, LANTOA_EINVAL, "%s",
        TR("usage: lantoa enrolment review list | match ID CONTACT | reject ID"));
}

const struct cli_command cli_enrolment_commands[] = {
    {"enrolment", "import", "map=* set=* rejects= dry-run remember= profile=", 1, 1,
        "FILE [--map a=b] [--set a=value] [--profile NAME] [--remember NAME] [--dry-run] "
        "[--rejects F]",
        "who joined, renewed, lapsed, from the registry's CSV or XLSX file", CLI_NEEDS_DATABASE,
        import_verb},
    {"enrolment", "undo", "", 1, 1, "BATCH", "take an import of enrolments back",
        CLI_NEEDS_DATABASE, undo_verb},
    {"enrolment", "rematch", "", 0, 0, "", "look for the people of events nobody matched so far",
        CLI_NEEDS_DATABASE, rematch_verb},
    {"enrolment", "list", "csv from= to= contact= gifts after= limit=", 0, 0,
        "[--from DATE] [--to DATE] [--contact ID] [--gifts] [--after ID] [--limit N] [--csv]",
        "the events, or the gift books only", CLI_NEEDS_DATABASE, list_verb},
    {"enrolment", "match-rate", "csv from= to=", 0, 0, "[--from DATE] [--to DATE] [--csv]",
        "how many events of each place have a contact", CLI_NEEDS_DATABASE, match_rate_verb},
    {"enrolment", "due", "csv from= to=", 0, 0, "[--from DATE] [--to DATE] [--csv]",
        "whose next payment is due when", CLI_NEEDS_DATABASE, due_verb},
    {"enrolment", "balance", "csv places-on=", 2, 2, "FROM TO [--places-on DATE] [--csv]",
        "participants at start and end, and what happened between; or the events that cannot be",
        CLI_NEEDS_DATABASE, balance_verb},
    {"enrolment", "review", "csv", 1, 3, "list | match ID CONTACT | reject ID",
        "events that several people fit: whose are they?", CLI_NEEDS_DATABASE, review_verb},
    {0},
};
