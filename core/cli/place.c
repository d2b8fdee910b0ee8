/* Places over time: whole lists, what they leave open, links by hand. */
#include "audience/place.h"

#include "audience/place_history.h"
#include "base/civil.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/tr.h"
#include "campaign/store.h"
#include "cli/cli.h"

#include <string.h>

enum { LISTS_MOST = CLI_ARGS_MAX, PATH_BYTES = 4096 };

/* "FILE@2025-07-01" */
struct dated_file {
    char path[PATH_BYTES], date[BASE_DATE_MAX];
    int64_t day;
};

static int read_dated(struct cli *cli, const char *text, struct dated_file *file_out) {
    const char *at = strrchr(text, '@');
    struct base_date date;
    if (!at || at == text || (size_t)(at - text) >= sizeof file_out->path ||
        base_parse_date(str_from(at + 1), &date) != 0) {
        return base_err_set(&cli->err, LANTOA_EINVAL,
            TR("%s: write it as FILE@2025-07-01, with the day the list holds from"), text);
    }
    snprintf(file_out->path, sizeof file_out->path, "%.*s", (int)(at - text), text);
    file_out->day = base_days_from_date(date);
    base_format_date(date, file_out->date);
    return 0;
}

/* An import with one more constant: field=date. text holds it. */
struct dated_import {
    struct audience_import import;
    const char **set;
    char text[48], rejects[PATH_BYTES];
};

static void import_init(const struct cli *cli, const struct dated_file *file, const char *field,
    struct dated_import *out) {
    const char **set = NULL;
    const char *rejects = cli_option(cli, "rejects");
    size_t count = cli_option_all(cli, "set", &set);
    cli_import_init(cli, &out->import);
    snprintf(out->text, sizeof out->text, "%s=%s", field, file->date);
    out->set = base_alloc_array(count + 1, sizeof *out->set);
    for (size_t i = 0; i < count; i++) {
        out->set[i] = set[i];
    }
    out->set[count] = out->text;
    base_free((void *)(uintptr_t)set);
    base_free((void *)(uintptr_t)out->import.set);
    out->import.set = out->set;
    out->import.set_count = count + 1;
    out->import.path = file->path;
    out->import.rejects_path = NULL;
    if (rejects) {
        snprintf(out->rejects, sizeof out->rejects, "%s-%s-%s.csv", rejects, field, file->date);
        out->import.rejects_path = out->rejects;
    }
}

static const struct report_column history_columns[] = {{"day", "day", REPORT_TEXT},
    {"rows", "rows", REPORT_COUNT}, {"added", "added", REPORT_COUNT},
    {"updated", "updated", REPORT_COUNT}, {"unchanged", "unchanged", REPORT_COUNT},
    {"rejected", "rejected", REPORT_COUNT}, {"ended", "ended", REPORT_COUNT},
    {"successors", "successors given", REPORT_COUNT}, {"linked", "linked by name", REPORT_COUNT},
    {"split", "split", REPORT_COUNT}, {"unmatched", "unmatched", REPORT_COUNT}};

static void add_list(struct report_table *table, const struct dated_file *file,
    const struct place_list_outcome *outcome) {
    report_put_text(table, str_from(file->date));
    report_put_i64(table, outcome->import.rows);
    report_put_i64(table, outcome->import.added);
    report_put_i64(table, outcome->import.updated);
    report_put_i64(table, outcome->import.unchanged);
    report_put_i64(table, outcome->import.rejected + outcome->successors.rejected);
    report_put_i64(table, outcome->ended);
    report_put_i64(table, outcome->successors.rows);
    report_put_i64(table, outcome->linked);
    report_put_i64(table, outcome->split);
    report_put_i64(table, outcome->unmatched);
}

static int take_list(struct cli *cli, const struct dated_file *list,
    const struct dated_file *successors, struct report_table *table) {
    struct dated_import whole = {0}, links = {0};
    struct place_list_outcome outcome;
    import_init(cli, list, "valid_from", &whole);
    if (successors) {
        import_init(cli, successors, "since", &links);
    }
    int rc = place_import_whole(
        cli->db, &whole.import, successors ? &links.import : NULL, list->day, &outcome, &cli->err);
    if (rc == 0) {
        add_list(table, list, &outcome);
    }
    cli_import_release(&whole.import);
    cli_import_release(&links.import);
    return rc;
}

static int compare_days(const void *a, const void *b) {
    const struct dated_file *left = a, *right = b;
    return left->day < right->day ? -1 : left->day > right->day;
}

static int read_lists(struct cli *cli, struct dated_file *lists, struct dated_file *successors) {
    const char *given = cli_option(cli, "succession");
    int rc = given ? read_dated(cli, given, successors) : 0;
    bool used = !given;
    for (size_t i = 0; rc == 0 && i < cli->arg_count; i++) {
        rc = read_dated(cli, cli->args[i], &lists[i]);
        used = used || (rc == 0 && lists[i].day == successors->day);
    }
    if (rc == 0 && !used) {
        rc = base_err_set(&cli->err, LANTOA_EINVAL,
            TR("--succession: there is no list of %s, the day they happened"), successors->date);
    }
    return rc;
}

static int history_verb(struct cli *cli) {
    struct dated_file *lists = base_alloc_array(LISTS_MOST, sizeof *lists);
    struct dated_file *successors = base_alloc(sizeof *successors);
    struct report_table table;
    memset(successors, 0, sizeof *successors);
    report_table_init(&table, history_columns, sizeof history_columns / sizeof history_columns[0]);
    int rc = read_lists(cli, lists, successors);
    if (rc == 0) {
        qsort(lists, cli->arg_count, sizeof *lists, compare_days);
    }
    for (size_t i = 0; rc == 0 && i < cli->arg_count; i++) {
        bool has = successors->path[0] && successors->day == lists[i].day;
        rc = take_list(cli, &lists[i], has ? successors : NULL, &table);
    }
    base_free(lists);
    base_free(successors);
    if (rc) {
        report_table_release(&table);
        return rc;
    }
    cli_table(cli, &table);
    return 0;
}

/* --- what is left open --- */

static const struct report_column gap_columns[] = {{"state", "state", REPORT_WORD},
    {"id", "id", REPORT_NUMBER}, {"code", "code", REPORT_TEXT}, {"name", "name", REPORT_TEXT},
    {"level", "level", REPORT_TEXT}, {"parent", "parent", REPORT_TEXT},
    {"ended", "ended", REPORT_TEXT}, {"hint", "under its code since, or successors", REPORT_TEXT},
    {"share_sum", "sum of shares", REPORT_DECIMAL}};

static int add_gap(void *arg, const struct place_gap_row *row) {
    struct report_table *table = arg;
    report_put_word(table, row->gap == PLACE_SPLIT ? "split" : "unmatched");
    report_put_i64(table, row->place_id);
    report_put_text(table, row->code);
    report_put_text(table, row->name);
    report_put_text(table, row->level);
    report_put_text(table, row->parent);
    report_put_text(table, row->ended);
    report_put_text(table, row->hint);
    if (row->gap == PLACE_SPLIT) {
        report_put_f64(table, row->share_sum);
    } else {
        report_put_none(table, NULL);
    }
    return 0;
}

static int unmatched_verb(struct cli *cli) {
    struct report_table table;
    report_table_init(&table, gap_columns, sizeof gap_columns / sizeof gap_columns[0]);
    int rc = place_gap_each(cli->db, add_gap, &table, &cli->err);
    if (rc) {
        report_table_release(&table);
        return rc;
    }
    cli_table(cli, &table);
    return 0;
}

static int link_verb(struct cli *cli) {
    const char *since = cli_option(cli, "since"), *given = cli_option(cli, "share");
    struct base_date date;
    double share = 1;
    bool changed = false;
    char detail[96];
    if (!since || base_parse_date(str_from(since), &date) != 0) {
        return base_err_set(&cli->err, LANTOA_EINVAL, "%s",
            TR("--since: the first day of the new place is needed, as 2025-07-01"));
    }
    if (given && base_parse_f64(str_from(given), &share) != 0) {
        return base_err_set(
            &cli->err, LANTOA_EINVAL, "%s", TR("the share is a number above 0, at most 1"));
    }
    int rc = place_link(cli->db, str_from(cli->args[0]), str_from(cli->args[1]),
        base_days_from_date(date), share, &changed, &cli->err);
    if (rc == 0 && changed) {
        snprintf(detail, sizeof detail, "%.40s %.12s %g", cli->args[1], since, share);
        rc = audit_add(cli->db, cli->who, "place link", cli->args[0], detail, &cli->err);
    }
    if (rc == 0) {
        cli_say(cli,
            json_pack("{s:s,s:s,s:f,s:b}", "old", cli->args[0], "new", cli->args[1], "share", share,
                "changed", changed),
            changed ? TR("place linked") : TR("this link is known already"));
    }
    return rc;
}

const struct cli_command cli_place_commands[] = {
    {"place", "history", "csv set=* succession= rejects=", 1, LISTS_MOST,
        "FILE@DATE... [--succession FILE@DATE] [--set a=value] [--rejects PREFIX] [--csv]",
        "whole lists of places, each of its day: ends and links what later lists no longer name",
        CLI_NEEDS_DATABASE, history_verb},
    {"place", "unmatched", "csv", 0, 0, "[--csv]",
        "places that ended and nobody knows what came of them, or that were split",
        CLI_NEEDS_DATABASE, unmatched_verb},
    {"place", "link", "since= share=", 2, 2, "OLD_CODE NEW_CODE --since DATE [--share S]",
        "say what came of a place", CLI_NEEDS_DATABASE, link_verb},
    {0},
};
