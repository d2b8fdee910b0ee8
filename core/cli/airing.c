/* Airings: who speaks when on which outlet, what the commune says to it, and how it ran. */
#include "delivery/airing.h"
#include "audience/place.h"
#include "base/civil.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/tr.h"
#include "cli/cli.h"

#define LOCAL_OFFSET_MIN (7 * 60)
#define DAY_MS (INT64_C(86400) * 1000)

/* --- which ones --- */

static int read_day(struct cli *cli, struct airing_filter *filter) {
    const char *text = cli_option(cli, "day");
    struct base_date day;
    if (!text) {
        return 0;
    }
    if (base_parse_date(str_from(text), &day) != 0) {
        return base_err_set(
            &cli->err, LANTOA_EINVAL, TR("--day %s: no date like 2026-12-01"), text);
    }
    filter->from_ms = base_ms_from_civil(
        (struct base_civil){day.year, day.month, day.day, 0, 0, 0, 0}, LOCAL_OFFSET_MIN);
    filter->to_ms = filter->from_ms + DAY_MS;
    return 0;
}

static int read_place(struct cli *cli, int64_t **under_out, struct airing_filter *filter) {
    const char *text = cli_option(cli, "place");
    int64_t *ids = NULL;
    size_t count = 0;
    *under_out = NULL;
    if (!text) {
        return 0;
    }
    int rc = place_find(cli->db, str_from(text), &ids, &count, &cli->err);
    if (rc == 0) {
        rc = place_under(cli->db, ids, count, under_out, &filter->place_count, &cli->err);
        filter->place_ids = *under_out;
    }
    base_free(ids);
    return rc;
}

static int read_states(struct cli *cli, struct airing_filter *filter) {
    const char *text = cli_option(cli, "state");
    enum message_state message;
    int state;
    if (!text) {
        return 0;
    }
    if (airing_state_from_word(str_from(text), &state)) {
        filter->state = state + 1;
    } else if (message_state_from_word(str_from(text), &message)) {
        filter->message_state = (int)message + 1;
    } else {
        return base_err_set(&cli->err, LANTOA_EINVAL,
            TR("--state %s: offered, approved, declined, or a state of messages"), text);
    }
    return 0;
}

/* The places are the caller's to free. */
static int read_filter(struct cli *cli, struct airing_filter *filter, int64_t **places_out) {
    *filter = (struct airing_filter){
        .campaign = cli_option(cli, "campaign"), .outlet = cli_option(cli, "outlet")};
    *places_out = NULL;
    int rc = read_day(cli, filter);
    rc = rc ? rc : read_states(cli, filter);
    return rc ? rc : read_place(cli, places_out, filter);
}

/* --- lists --- */

static json_t *played(const struct airing *a) {
    return a->played_at ? json_integer((a->played_ms + 500) / 1000) : json_null();
}

struct listing {
    const struct cli *cli;
    struct report_table table;
};

/* What a commune or a device said; a device's words are English, for people they are theirs. */
static json_t *detail(const struct cli *cli, const struct airing *a) {
    struct base_buf words;
    if (a->reason.bytes || cli->json || cli_switch(cli, "csv")) {
        return cli_str(a->reason.bytes ? a->reason : a->detail);
    }
    base_buf_init(&words, 1 << 13);
    airing_words(a->detail, &words);
    json_t *json = cli_str(base_buf_str(&words));
    base_buf_release(&words);
    return json;
}

static int list_row(void *arg, const struct airing *a) {
    struct listing *listing = arg;
    json_t *values[] = {json_integer(a->id), cli_time(a->start_ms), cli_str(a->outlet),
        cli_str(a->outlet_name), cli_str(a->place), cli_str(a->campaign), cli_str(a->step),
        cli_str(a->material), cli_str(a->lang), json_integer(a->seconds),
        json_string(airing_priority_word(a->priority)), json_string(airing_state_word(a->state)),
        json_boolean(a->clash),
        a->message_state < 0 ? json_null() : json_string(message_state_word(a->message_state)),
        json_string(airing_reason_word(a, base_clock_now_ms())), cli_time(a->played_at), played(a),
        cli_str(a->decided_by), cli_str(a->confirmed_by), detail(listing->cli, a), cli_str(a->code),
        json_integer(a->message_id)};
    report_table_add(&listing->table, values);
    return 0;
}

static int print_list(struct cli *cli, const struct airing_filter *filter) {
    const struct report_column columns[] = {{"id", TR("id"), REPORT_NUMBER},
        {"start", TR("start"), REPORT_TEXT}, {"outlet", TR("outlet"), REPORT_TEXT},
        {"outlet_name", TR("name"), REPORT_TEXT}, {"place", TR("place"), REPORT_TEXT},
        {"campaign", TR("campaign"), REPORT_TEXT}, {"step", TR("step"), REPORT_TEXT},
        {"material", TR("material"), REPORT_TEXT}, {"lang", TR("language"), REPORT_TEXT},
        {"seconds", TR("seconds"), REPORT_NUMBER}, {"priority", TR("priority"), REPORT_WORD},
        {"decision", TR("decision"), REPORT_WORD}, {"clash", TR("clash"), REPORT_WORD},
        {"state", TR("state"), REPORT_WORD}, {"reason", TR("reason"), REPORT_WORD},
        {"played_at", TR("played"), REPORT_TEXT}, {"played_s", TR("heard, s"), REPORT_NUMBER},
        {"decided_by", TR("decided by"), REPORT_TEXT},
        {"confirmed_by", TR("confirmed by"), REPORT_TEXT}, {"detail", TR("detail"), REPORT_TEXT},
        {"code", TR("code"), REPORT_TEXT}, {"message", TR("message"), REPORT_NUMBER}};
    struct listing listing = {.cli = cli};
    report_table_init(&listing.table, columns, sizeof columns / sizeof columns[0]);
    int rc = airing_each(cli->db, filter, list_row, &listing, &cli->err);
    if (rc == 0) {
        cli_table(cli, &listing.table);
    } else {
        report_table_release(&listing.table);
    }
    return rc;
}

static int airing_list(struct cli *cli) {
    struct airing_filter filter;
    int64_t *places;
    int rc = read_filter(cli, &filter, &places);
    rc = rc ? rc : print_list(cli, &filter);
    base_free(places);
    return rc;
}

static int refused_row(void *arg, const struct airing_refused *r) {
    json_t *values[] = {cli_str(r->day), cli_str(r->outlet), cli_str(r->outlet_name),
        cli_str(r->campaign), cli_str(r->step), json_integer(r->asked), json_integer(r->got),
        json_string(airtime_reason_word(r->reason)), json_string(airtime_reason_text(r->reason)),
        r->by_airing ? json_integer(r->by_airing) : json_null(), cli_str(r->by_campaign)};
    report_table_add(arg, values);
    return 0;
}

static int airing_refused(struct cli *cli) {
    const struct report_column columns[] = {{"day", TR("day"), REPORT_TEXT},
        {"outlet", TR("outlet"), REPORT_TEXT}, {"outlet_name", TR("name"), REPORT_TEXT},
        {"campaign", TR("campaign"), REPORT_TEXT}, {"step", TR("step"), REPORT_TEXT},
        {"asked", TR("asked"), REPORT_NUMBER}, {"placed", TR("placed"), REPORT_NUMBER},
        {"reason", TR("reason"), REPORT_WORD}, {"why", TR("why"), REPORT_TEXT},
        {"airing", TR("in its way"), REPORT_NUMBER}, {"other", TR("of campaign"), REPORT_TEXT}};
    struct airing_filter filter;
    struct report_table table;
    int64_t *places;
    int rc = read_filter(cli, &filter, &places);
    report_table_init(&table, columns, sizeof columns / sizeof columns[0]);
    rc = rc ? rc : airing_refused_each(cli->db, &filter, refused_row, &table, &cli->err);
    if (rc == 0) {
        cli_table(cli, &table);
    } else {
        report_table_release(&table);
    }
    base_free(places);
    return rc;
}

static int airing_clash(struct cli *cli) {
    struct airing_filter filter;
    int64_t *places;
    int rc = read_filter(cli, &filter, &places);
    filter.clashing = true;
    rc = rc ? rc : print_list(cli, &filter);
    base_free(places);
    return rc;
}

/* --- decisions --- */

typedef int decide_fn(struct db *db, const struct airing_filter *filter, const char *who,
    const char *reason, struct airing_decision *decision_out, struct base_err *err);

static void add(struct airing_decision *sum, const struct airing_decision *one) {
    sum->approved += one->approved;
    sum->declined += one->declined;
    sum->unchanged += one->unchanged;
    sum->moved += one->moved;
    sum->gave_way += one->gave_way;
    sum->taken_back += one->taken_back;
    sum->refused += one->refused;
    if (!sum->why[0]) {
        memcpy(sum->why, one->why, sizeof sum->why);
    }
}

static int decide(struct cli *cli, decide_fn *fn) {
    struct airing_filter filter;
    struct airing_decision sum = {0};
    int64_t *places;
    const char *reason = cli_option(cli, "reason");
    int rc = read_filter(cli, &filter, &places);
    bool many = filter.campaign || filter.outlet || filter.from_ms || filter.place_ids;
    if (rc == 0 && many == (cli->arg_count > 0)) {
        rc = base_err_set(&cli->err, LANTOA_EINVAL, "%s",
            TR("say which: numbers of airings, or --campaign, --outlet, --place, --day"));
    }
    for (size_t i = 0; rc == 0 && i < (many ? 1 : cli->arg_count); i++) {
        struct airing_decision one;
        if (!many && (base_parse_i64(str_from(cli->args[i]), &filter.id) != 0 || filter.id < 1)) {
            rc = base_err_set(
                &cli->err, LANTOA_EINVAL, TR("'%s' is no number of an airing"), cli->args[i]);
        } else {
            rc = fn(cli->db, &filter, cli->who, reason, &one, &cli->err);
            add(&sum, &one);
        }
    }
    base_free(places);
    if (rc == 0) {
        cli_say(cli,
            json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "approved", (json_int_t)sum.approved,
                "declined", (json_int_t)sum.declined, "unchanged", (json_int_t)sum.unchanged,
                "moved", (json_int_t)sum.moved, "gave_way", (json_int_t)sum.gave_way, "taken_back",
                (json_int_t)sum.taken_back, "refused", (json_int_t)sum.refused),
            TR("%lld approved, %lld declined, %lld as they were; others: %lld moved, %lld gave "
               "way; %lld taken back from devices"),
            (long long)sum.approved, (long long)sum.declined, (long long)sum.unchanged,
            (long long)sum.moved, (long long)sum.gave_way, (long long)sum.taken_back);
        if (sum.refused > 0) {
            fprintf(stderr, TR("%lld could not be approved, the first: %s\n"),
                (long long)sum.refused, sum.why);
        }
    }
    return rc;
}

static int airing_approve_verb(struct cli *cli) {
    return decide(cli, airing_approve);
}

static int airing_decline_verb(struct cli *cli) {
    return decide(cli, airing_decline);
}

static int airing_confirm_verb(struct cli *cli) {
    const char *text = cli_option(cli, "played");
    struct base_civil civil;
    bool has_offset = false;
    int offset_min = LOCAL_OFFSET_MIN;
    int64_t id;
    int64_t seconds = 0;
    int rc = airing_of_word(cli->db, str_from(cli->args[0]), &id, &cli->err);
    if (rc != 0) {
        return rc;
    }
    if (!text || base_parse_datetime(str_from(text), &civil, &has_offset, &offset_min) != 0 ||
        !strchr(text, ':')) {
        return base_err_set(&cli->err, LANTOA_EINVAL, "%s",
            TR("say when it was played: --played 2026-12-01T05:02"));
    }
    rc = cli_option_i64(cli, "seconds", 0, &seconds);
    int64_t at_ms = base_ms_from_civil(civil, has_offset ? offset_min : LOCAL_OFFSET_MIN);
    if (rc == 0) {
        rc = airing_confirm(
            cli->db, id, at_ms, seconds, cli->who, cli_option(cli, "note"), &cli->err);
    }
    if (rc == 0) {
        cli_say(cli, json_pack("{s:I,s:s}", "airing", (json_int_t)id, "by", cli->who),
            TR("airing %lld: played, confirmed by %s"), (long long)id, cli->who);
    }
    return rc;
}

static int airing_plan_verb(struct cli *cli) {
    struct airing_outcome out;
    int rc = airing_replan(cli->db, cli->args[0], cli->who, &out, &cli->err);
    if (rc == 0) {
        cli_say(cli,
            json_pack("{s:I,s:I,s:I,s:I,s:I}", "placed", (json_int_t)out.placed, "clashes",
                (json_int_t)out.clashes, "refused", (json_int_t)out.refused, "moved",
                (json_int_t)out.moved, "dropped", (json_int_t)out.dropped),
            TR("%lld airings placed, %lld over what others have, %lld without a place; of those "
               "offered %lld moved, %lld dropped"),
            (long long)out.placed, (long long)out.clashes, (long long)out.refused,
            (long long)out.moved, (long long)out.dropped);
    }
    return rc;
}

const struct cli_command cli_airing_commands[] = {
    {"airing", "list", "csv campaign= outlet= place= day= state=", 0, 0,
        "[--campaign NAME] [--outlet CODE] [--place P] [--day D] [--state S]",
        "booked broadcasts: when, where, what, decided by whom, how they ran", CLI_NEEDS_DATABASE,
        airing_list},
    {"airing", "refused", "csv campaign= outlet= place=", 0, 0,
        "[--campaign NAME] [--outlet CODE] [--place P]",
        "what was asked for and has no place, and why", CLI_NEEDS_DATABASE, airing_refused},
    {"airing", "clash", "csv campaign= outlet= place= day=", 0, 0,
        "[--campaign NAME] [--outlet CODE] [--place P] [--day D]",
        "airings of different campaigns at the same time on one outlet: approving one decides",
        CLI_NEEDS_DATABASE, airing_clash},
    {"airing", "approve", "campaign= outlet= place= day= reason=", 0, CLI_ARGS_MAX,
        "ID...|[--campaign NAME] [--outlet CODE] [--place P] [--day D] [--reason TEXT]",
        "the commune's yes", CLI_NEEDS_DATABASE, airing_approve_verb},
    {"airing", "decline", "campaign= outlet= place= day= reason=", 0, CLI_ARGS_MAX,
        "ID...|[--campaign NAME] [--outlet CODE] [--place P] [--day D] --reason TEXT",
        "the commune's no", CLI_NEEDS_DATABASE, airing_decline_verb},
    {"airing", "confirm", "played= seconds= note=", 1, 1,
        "ID|CODE --played TIME [--seconds N] [--note TEXT] --by WHO",
        "a person says that it was played, when and how long", CLI_NEEDS_DATABASE,
        airing_confirm_verb},
    {"airing", "plan", "", 1, 1, "CAMPAIGN",
        "plan a campaign's airings again around what changed; approved ones stay",
        CLI_NEEDS_DATABASE, airing_plan_verb},
    {0}};
