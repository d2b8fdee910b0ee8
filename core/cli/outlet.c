/* Outlets: import, undo, list, reach. */
#include "audience/outlet.h"
#include "audience/place.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/tr.h"
#include "cli/cli.h"
#include "delivery/airing.h"

#include <math.h>

/* What is booked on the outlets that changed follows the change. *more_out: for the JSON. */
static int review(struct cli *cli, json_t **more_out, struct base_buf *text) {
    struct airing_review r;
    int rc = airing_review(cli->db, cli->who, text, &r, &cli->err);
    if (rc != 0) {
        return rc;
    }
    *more_out = json_pack("{s:{s:I,s:I,s:I,s:I,s:I}}", "airings", "withdrawn",
        (json_int_t)r.withdrawn, "taken_back", (json_int_t)r.taken_back, "moved",
        (json_int_t)r.moved, "dropped", (json_int_t)r.dropped, "offered", (json_int_t)r.offered);
    if (!cli->json && r.withdrawn + r.taken_back + r.moved + r.dropped + r.offered > 0) {
        base_buf_printf(text,
            TR("airings on these outlets: %lld approved ones withdrawn, %lld taken back from "
               "devices; of those offered %lld moved, %lld dropped; %lld offered anew (lantoa "
               "airing list)\n"),
            (long long)r.withdrawn, (long long)r.taken_back, (long long)r.moved,
            (long long)r.dropped, (long long)r.offered);
    }
    return 0;
}

static int import_verb(struct cli *cli) {
    struct audience_import import;
    struct audience_import_outcome outcome = {0};
    struct base_buf text;
    json_t *more = NULL;
    cli_import_init(cli, &import);
    base_buf_init(&text, 1 << 20);
    int rc = outlet_import(cli->db, &import, &outcome, &cli->err);
    if (rc == 0 && !import.dry_run) {
        rc = review(cli, &more, &text);
    }
    if (rc == 0) {
        cli_import_say(cli, &import, &outcome, more);
        fputs(base_buf_text(&text), cli->json ? stderr : stdout);
    }
    json_decref(more);
    base_buf_release(&text);
    cli_import_release(&import);
    return rc;
}

static int undo_verb(struct cli *cli) {
    int64_t batch;
    struct outlet_undo_outcome o;
    struct base_buf text;
    json_t *more = NULL;
    if (base_parse_i64(str_from(cli->args[0]), &batch) != 0) {
        return base_err_set(
            &cli->err, LANTOA_EINVAL, TR("%s: not the number of an import batch"), cli->args[0]);
    }
    base_buf_init(&text, 1 << 20);
    int rc = outlet_undo(cli->db, batch, &o, &cli->err);
    rc = rc ? rc : review(cli, &more, &text);
    if (rc == 0) {
        json_t *said = json_pack("{s:I,s:I,s:I,s:I}", "deleted", (json_int_t)o.deleted, "restored",
            (json_int_t)o.restored, "retired", (json_int_t)o.retired, "kept", (json_int_t)o.kept);
        json_object_update(said, more);
        cli_say(cli, said,
            TR("batch undone: %lld outlets deleted, %lld put back, %lld retired because airings "
               "speak of them, %lld kept because a later import changed them"),
            (long long)o.deleted, (long long)o.restored, (long long)o.retired, (long long)o.kept);
        fputs(base_buf_text(&text), cli->json ? stderr : stdout);
    }
    json_decref(more);
    base_buf_release(&text);
    return rc;
}

/* The outlets that --place, --where, --channel and --all ask for. */
static int select_outlets(struct cli *cli, struct outlet_set **set_out) {
    struct outlet_filter filter = {.where = str_from(cli_option(cli, "where")),
        .channel = cli_option(cli, "channel"),
        .with_retired = cli_switch(cli, "all")};
    const char *place = cli_option(cli, "place");
    int64_t *named = NULL, *under = NULL;
    size_t count = 0;
    int rc = 0;
    if (place) {
        rc = place_find(cli->db, str_from(place), &named, &count, &cli->err);
        rc = rc ? rc : place_under(cli->db, named, count, &under, &filter.place_count, &cli->err);
        filter.place_ids = under;
    }
    rc = rc ? rc : outlet_query(cli->db, &filter, set_out, NULL, &cli->err);
    base_free(named);
    base_free(under);
    return rc;
}

/* People read the days in their language, programs always the same ones. */
static json_t *windows_json(
    const struct cli *cli, const struct outlet_window *windows, size_t count) {
    struct base_buf text;
    base_buf_init(&text, 1 << 14);
    if (cli->json || cli_switch(cli, "csv")) {
        outlet_windows_text(windows, count, &text);
    } else {
        outlet_windows_shown(windows, count, &text);
    }
    json_t *json = cli_str(str_from(base_buf_text(&text)));
    base_buf_release(&text);
    return json;
}

static json_t *languages_json(const struct outlet *outlet) {
    struct base_buf text;
    base_buf_init(&text, 1024);
    for (size_t i = 0; i < outlet->language_count; i++) {
        base_buf_printf(&text, "%s%s", i ? " " : "", outlet->languages[i]);
    }
    json_t *json = cli_str(str_from(base_buf_text(&text)));
    base_buf_release(&text);
    return json;
}

static json_t *degrees(double value) {
    return isnan(value) ? json_null() : json_real(value);
}

static void add_outlet(const struct cli *cli, struct report_table *table, const struct outlet *o) {
    json_t *values[] = {json_string(o->code), json_string(o->name),
        json_string(outlet_kind_word(o->kind)), json_string(outlet_owner_word(o->owner)),
        json_string(o->place), json_integer(o->households),
        windows_json(cli, o->windows, o->window_count), windows_json(cli, o->quiet, o->quiet_count),
        json_integer(o->minutes_per_day), json_real((double)o->lead_ms / 3600000),
        o->device ? json_string(o->device) : json_null(), json_string(o->channel),
        languages_json(o), degrees(o->lat), degrees(o->lon),
        json_string(o->retired ? "retired" : "active"), json_integer(o->id)};
    report_table_add(table, values);
}

static int list_verb(struct cli *cli) {
    const struct report_column columns[] = {{"code", TR("code"), REPORT_TEXT},
        {"name", TR("name"), REPORT_TEXT}, {"kind", TR("kind"), REPORT_WORD},
        {"owner", TR("owner"), REPORT_WORD}, {"place", TR("place"), REPORT_TEXT},
        {"households", TR("households (estimate)"), REPORT_NUMBER},
        {"windows", TR("windows"), REPORT_TEXT}, {"quiet", TR("quiet hours"), REPORT_TEXT},
        {"minutes_per_day", TR("minutes a day"), REPORT_NUMBER},
        {"lead_hours", TR("handed out before, h"), REPORT_DECIMAL},
        {"device", TR("device"), REPORT_TEXT}, {"channel", TR("channel"), REPORT_TEXT},
        {"languages", TR("languages"), REPORT_TEXT}, {"lat", TR("latitude"), REPORT_DECIMAL},
        {"lon", TR("longitude"), REPORT_DECIMAL}, {"state", TR("state"), REPORT_WORD},
        {"id", "id", REPORT_NUMBER}};
    struct outlet_set *set = NULL;
    struct report_table table;
    int rc = select_outlets(cli, &set);
    if (rc) {
        return rc;
    }
    report_table_init(&table, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < outlet_set_count(set); i++) {
        add_outlet(cli, &table, outlet_set_at(set, i));
    }
    outlet_set_free(&set);
    cli_table(cli, &table);
    return 0;
}

static int reach_verb(struct cli *cli) {
    struct outlet_set *set = NULL;
    int64_t households = 0;
    int rc = select_outlets(cli, &set);
    if (rc) {
        return rc;
    }
    size_t count = outlet_set_count(set);
    int64_t *ids = base_alloc_array(count + 1, sizeof *ids);
    for (size_t i = 0; i < count; i++) {
        ids[i] = outlet_set_at(set, i)->id;
    }
    rc = outlet_reach(cli->db, ids, count, &households, &cli->err);
    if (rc == 0) {
        cli_say(cli,
            json_pack("{s:I,s:I,s:b}", "outlets", (json_int_t)count, "households",
                (json_int_t)households, "estimate", 1),
            TR("%lld outlets cover about %lld households (an estimate from their coverage; nobody "
               "counted who listens)"),
            (long long)count, (long long)households);
    }
    base_free(ids);
    outlet_set_free(&set);
    return rc;
}

static int add_coverage(void *arg, const struct outlet_coverage *coverage) {
    json_t *values[] = {json_integer(coverage->place_id), cli_str(coverage->place),
        json_integer(coverage->households), json_boolean(coverage->share)};
    report_table_add(arg, values);
    return 0;
}

static int coverage_verb(struct cli *cli) {
    const struct report_column columns[] = {{"place_id", "id", REPORT_NUMBER},
        {"place", TR("place"), REPORT_TEXT},
        {"households", TR("households (estimate)"), REPORT_NUMBER},
        {"share", TR("share of the whole"), REPORT_TEXT}};
    struct outlet_filter filter = {.with_retired = true};
    struct outlet_set *set = NULL;
    struct report_table table;
    int64_t id = 0;
    int rc = outlet_query(cli->db, &filter, &set, NULL, &cli->err);
    for (size_t i = 0; rc == 0 && i < outlet_set_count(set); i++) {
        const struct outlet *outlet = outlet_set_at(set, i);
        id = strcmp(outlet->code, cli->args[0]) == 0 ? outlet->id : id;
    }
    outlet_set_free(&set);
    if (rc == 0 && !id) {
        rc = base_err_set(
            &cli->err, LANTOA_ENOENT, TR("there is no outlet with the code %s"), cli->args[0]);
    }
    if (rc) {
        return rc;
    }
    report_table_init(&table, columns, 4);
    rc = outlet_coverage_each(cli->db, id, add_coverage, &table, &cli->err);
    if (rc) {
        report_table_release(&table);
        return rc;
    }
    cli_table(cli, &table);
    return 0;
}

const struct cli_command cli_outlet_commands[] = {
    {"outlet", "import", "map=* set=* rejects= dry-run", 1, 1,
        "FILE [--map a=b] [--set a=value] [--dry-run] [--rejects F]",
        "loudspeaker stations and clusters from CSV or XLSX", CLI_NEEDS_DATABASE, import_verb},
    {"outlet", "undo", "", 1, 1, "BATCH", "take an import of outlets back", CLI_NEEDS_DATABASE,
        undo_verb},
    {"outlet", "list", "csv place= where= channel= all", 0, 0,
        "[--place NAME] [--where EXPRESSION] [--channel NAME] [--all] [--csv]",
        "the outlets: when, where and on what they speak", CLI_NEEDS_DATABASE, list_verb},
    {"outlet", "coverage", "csv", 1, 1, "CODE [--csv]", "the places an outlet is heard in",
        CLI_NEEDS_DATABASE, coverage_verb},
    {"outlet", "reach", "place= where= channel= all", 0, 0,
        "[--place NAME] [--where EXPRESSION] [--channel NAME] [--all]",
        "how many households these outlets cover, an estimate", CLI_NEEDS_DATABASE, reach_verb},
    {0},
};
