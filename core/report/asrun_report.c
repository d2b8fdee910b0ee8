/* What the loudspeakers played: by outlet and owner; what was not heard and why; whose word it is;
 * and whose clock was wrong. */
#include "audience/outlet.h"
#include "base/mem.h"
#include "base/tr.h"
#include "report/airing_scope.h"

#define WORDS_BYTES_MAX 4096
#define CLOCK_WRONG_MS 2000 /* less is the way over the network */

/* X(key, label): what became of airings; they add up to the planned ones. */
#define ENDS(X)                                                                                    \
    X(played, "played")                                                                            \
    X(cut, "cut")                                                                                  \
    X(missed, "not played")                                                                        \
    X(refused, "declined, withdrawn, expired")                                                     \
    X(open, "still open")
#define END_ENUM(key, label) END_##key,
enum end { ENDS(END_ENUM) END_COUNT };
#undef END_ENUM

struct tally {
    int64_t outlet_id, households, planned, ends[END_COUNT], planned_s, heard_ms;
    int64_t by_device, by_sender, confirmed; /* of the played ones: whose word it is */
    int64_t clock_wrong, clock_doubtful;     /* airings */
    int64_t clock_offset_ms, clock_seen_ms;  /* of the last of these */
    char *code, *name, *owner, *place;
};
struct as_run {
    struct tally *rows;
    size_t count, room;
    int64_t now_ms;
    struct report_table *lost;      /* those that were not heard in full */
    struct report_table *confirmed; /* those that a person tells of */
};

static enum end end_of(const struct airing *a, int64_t now_ms) {
    switch (a->message_state) {
    case MESSAGE_DELIVERED:
        return a->played_ms > 0 && a->played_ms < (a->seconds - 1) * 1000 ? END_cut : END_played;
    case MESSAGE_FAILED:
        return a->played_ms > 0 ? END_cut : END_missed;
    case MESSAGE_SUPPRESSED:
        return END_refused;
    default:
        if (airing_word_of(a, now_ms) == AIRING_NOT_CONFIRMED) {
            return END_missed;
        }
        return a->state >= AIRING_DECLINED ? END_refused : END_open;
    }
}

static struct tally *tally_of(struct as_run *run, const struct airing *a) {
    for (size_t i = run->count; i-- > 0;) {
        if (run->rows[i].outlet_id == a->outlet_id) {
            return &run->rows[i];
        }
    }
    if (run->count == run->room) {
        run->room = run->room ? 2 * run->room : 64;
        run->rows = base_realloc(run->rows, run->room * sizeof *run->rows);
    }
    struct tally *t = &run->rows[run->count++];
    *t = (struct tally){.outlet_id = a->outlet_id,
        .households = a->households,
        .code = base_strndup(a->outlet.at, a->outlet.bytes),
        .name = base_strndup(a->outlet_name.at, a->outlet_name.bytes),
        .owner = base_strndup(a->owner.at, a->owner.bytes),
        .place = base_strndup(a->place.at, a->place.bytes)};
    return t;
}

static void put_lost(struct as_run *run, const struct airing *a) {
    struct str why = a->reason.bytes ? a->reason : a->detail;
    struct base_buf words;
    base_buf_init(&words, WORDS_BYTES_MAX);
    airing_words(why.bytes ? why : str_from(TR(airing_reason_word(a, run->now_ms))), &words);
    report_put_i64(run->lost, a->start_ms);
    report_put_text(run->lost, a->outlet);
    report_put_text(run->lost, a->campaign);
    report_put_text(run->lost, a->title);
    report_put_i64(run->lost, a->seconds);
    report_put_i64(run->lost, a->played_at ? a->played_ms / 1000 : 0);
    report_put_word(run->lost, message_state_word(a->message_state));
    report_put_text(run->lost, base_buf_str(&words));
    base_buf_release(&words);
}

static void put_confirmed(struct as_run *run, const struct airing *a) {
    report_put_i64(run->confirmed, a->start_ms);
    report_put_text(run->confirmed, a->outlet);
    report_put_text(run->confirmed, a->campaign);
    report_put_text(run->confirmed, a->title);
    report_put_i64(run->confirmed, a->played_at);
    report_put_i64(run->confirmed, a->played_ms / 1000);
    report_put_text(run->confirmed, a->confirmed_by);
    report_put_i64(run->confirmed, a->confirmed_at);
}

/* Whose word it is that it was played, and by which clock. */
static void count_proof(struct tally *t, const struct airing *a) {
    struct airing_proof proof;
    airing_proof_read(a->detail, &proof);
    bool wrong = proof.clock_offset_ms > CLOCK_WRONG_MS || proof.clock_offset_ms < -CLOCK_WRONG_MS;
    t->by_device += proof.by == AIRING_BY_DEVICE;
    t->by_sender += proof.by == AIRING_BY_SENDER;
    t->clock_wrong += wrong || proof.clock_doubtful;
    t->clock_doubtful += proof.clock_doubtful;
    if ((wrong || proof.clock_doubtful) && a->start_ms >= t->clock_seen_ms) {
        t->clock_seen_ms = a->start_ms;
        t->clock_offset_ms = proof.clock_offset_ms;
    }
}

static int count_airing(void *arg, const struct airing *a) {
    struct as_run *run = arg;
    struct tally *t = tally_of(run, a);
    enum end end = end_of(a, run->now_ms);
    t->planned++;
    t->ends[end]++;
    t->planned_s += a->seconds;
    t->heard_ms += a->played_at ? a->played_ms : 0;
    if (a->confirmed_by.bytes > 0) {
        t->confirmed++;
        put_confirmed(run, a);
    } else {
        count_proof(t, a);
    }
    if (end != END_played && end != END_open) {
        put_lost(run, a);
    }
    return 0;
}

static void put_numbers(struct report_table *table, const struct tally *t) {
    report_put_i64(table, t->planned);
    for (size_t e = 0; e < END_COUNT; e++) {
        report_put_i64(table, t->ends[e]);
    }
    report_put_share(table, t->ends[END_played], t->planned);
    report_put_i64(table, t->by_device);
    report_put_i64(table, t->by_sender);
    report_put_i64(table, t->confirmed);
    report_put_f64(table, (double)t->planned_s / 60);
    report_put_f64(table, (double)t->heard_ms / 60000);
}

static void put_tallies(const struct as_run *run, struct report_table *table) {
    for (size_t i = 0; i < run->count; i++) {
        const struct tally *t = &run->rows[i];
        report_put_text(table, str_from(t->code));
        report_put_text(table, str_from(t->name));
        report_put_word(table, t->owner);
        report_put_text(table, str_from(t->place));
        put_numbers(table, t);
        report_put_i64(table, t->households);
    }
    report_table_sum(table, TR("all"));
}

/* The same by who owns the loudspeakers: communes, villages. */
static void put_owners(const struct as_run *run, struct report_table *table) {
    static const enum outlet_owner owners[] = {OUTLET_COMMUNE, OUTLET_VILLAGE};
    for (size_t o = 0; o < sizeof owners / sizeof owners[0]; o++) {
        const char *word = outlet_owner_word(owners[o]);
        struct tally sum = {0};
        int64_t outlets = 0;
        for (size_t i = 0; i < run->count; i++) {
            const struct tally *t = &run->rows[i];
            if (strcmp(t->owner, word) != 0) {
                continue;
            }
            outlets++;
            sum.planned += t->planned;
            sum.planned_s += t->planned_s;
            sum.heard_ms += t->heard_ms;
            sum.by_device += t->by_device;
            sum.by_sender += t->by_sender;
            sum.confirmed += t->confirmed;
            for (size_t e = 0; e < END_COUNT; e++) {
                sum.ends[e] += t->ends[e];
            }
        }
        if (outlets > 0) {
            report_put_word(table, word);
            report_put_i64(table, outlets);
            put_numbers(table, &sum);
        }
    }
}

static void put_clocks(const struct as_run *run, struct report_table *table) {
    for (size_t i = 0; i < run->count; i++) {
        const struct tally *t = &run->rows[i];
        if (t->clock_wrong > 0) {
            report_put_text(table, str_from(t->code));
            report_put_text(table, str_from(t->name));
            report_put_i64(table, t->clock_wrong);
            report_put_f64(table, (double)t->clock_offset_ms / 1000);
            report_put_i64(table, t->clock_seen_ms);
            report_put_i64(table, t->clock_doubtful);
        }
    }
}

/* Households that heard at least one outlet that played something. */
static int put_reach(const struct report_request *request, const struct as_run *run,
    struct report *report, struct base_err *err) {
    int64_t *ids = base_alloc_array(run->count + 1, sizeof *ids);
    size_t count = 0;
    int64_t households = 0;
    for (size_t i = 0; i < run->count; i++) {
        if (run->rows[i].heard_ms > 0) {
            ids[count++] = run->rows[i].outlet_id;
        }
    }
    int rc = outlet_reach(request->db, ids, count, &households, err);
    base_free(ids);
    if (rc == 0) {
        report_param_count(report, TR("households covered (an estimate)"), households);
        report_note(report, "%s",
            TR("Households are those that the outlets cover: an estimate, never people reached."));
    }
    return rc;
}

/* What outlets and owners are counted by. */
#define END_COLUMN(key, label) {#key, TR(label), REPORT_COUNT | REPORT_SUM},
#define NUMBER_COLUMNS                                                                             \
    {"planned", TR("planned"), REPORT_COUNT | REPORT_SUM},                                         \
        ENDS(END_COLUMN){"share", TR("share played"), REPORT_PERCENT},                             \
        {"by_device", TR("told by the device"), REPORT_COUNT | REPORT_SUM},                        \
        {"by_sender", TR("only sent to it"), REPORT_COUNT | REPORT_SUM},                           \
        {"confirmed", TR("confirmed by people"), REPORT_COUNT | REPORT_SUM},                       \
        {"planned_min", TR("minutes planned"), REPORT_DECIMAL | REPORT_DIGITS(1) | REPORT_SUM}, {  \
        "heard_min", TR("minutes played"), REPORT_DECIMAL | REPORT_DIGITS(1) | REPORT_SUM          \
    }

static struct report_table *add_table(struct report *report, const char *key, const char *heading,
    const struct report_column *columns, size_t bytes) {
    struct report_column *kept = base_arena_alloc(report->arena, bytes);
    memcpy(kept, columns, bytes);
    return report_add_table(report, key, heading, kept, bytes / sizeof *columns);
}

static struct report_table *add_outlets(struct report *report) {
    const struct report_column columns[] = {{"outlet", TR("outlet"), REPORT_TEXT},
        {"name", TR("name"), REPORT_TEXT}, {"owner", TR("owner"), REPORT_WORD},
        {"place", TR("place"), REPORT_TEXT}, NUMBER_COLUMNS,
        {"households", TR("households (estimate)"), REPORT_COUNT}};
    return add_table(report, "outlets", "", columns, sizeof columns);
}

static struct report_table *add_owners(struct report *report) {
    const struct report_column columns[] = {{"owner", TR("owner"), REPORT_WORD},
        {"outlets", TR("outlets"), REPORT_COUNT | REPORT_SUM}, NUMBER_COLUMNS};
    return add_table(report, "owners", TR("By owner"), columns, sizeof columns);
}

static struct report_table *add_lost(struct report *report) {
    const struct report_column columns[] = {{"start", TR("planned for"), REPORT_TIME},
        {"outlet", TR("outlet"), REPORT_TEXT}, {"campaign", TR("campaign"), REPORT_TEXT},
        {"material", TR("material"), REPORT_TEXT}, {"seconds", TR("seconds"), REPORT_COUNT},
        {"played_s", TR("heard, s"), REPORT_COUNT}, {"state", TR("state"), REPORT_WORD},
        {"why", TR("why"), REPORT_TEXT}};
    return add_table(report, "lost", TR("Not heard, or not in full"), columns, sizeof columns);
}

static struct report_table *add_confirmed(struct report *report) {
    const struct report_column columns[] = {{"start", TR("planned for"), REPORT_TIME},
        {"outlet", TR("outlet"), REPORT_TEXT}, {"campaign", TR("campaign"), REPORT_TEXT},
        {"material", TR("material"), REPORT_TEXT}, {"played_at", TR("played"), REPORT_TIME},
        {"played_s", TR("heard, s"), REPORT_COUNT},
        {"confirmed_by", TR("confirmed by"), REPORT_TEXT},
        {"confirmed_at", TR("said so"), REPORT_TIME}};
    return add_table(report, "confirmed", TR("Confirmed by people"), columns, sizeof columns);
}

static struct report_table *add_clocks(struct report *report) {
    const struct report_column columns[] = {{"outlet", TR("outlet"), REPORT_TEXT},
        {"name", TR("name"), REPORT_TEXT}, {"airings", TR("airings"), REPORT_COUNT | REPORT_SUM},
        {"offset_s", TR("seconds fast (- slow)"), REPORT_DECIMAL | REPORT_DIGITS(1)},
        {"seen_at", TR("last seen"), REPORT_TIME},
        {"doubtful", TR("times in doubt"), REPORT_COUNT | REPORT_SUM}};
    return add_table(
        report, "clocks", TR("Clocks of devices that were wrong"), columns, sizeof columns);
}

int report_asrun(
    const struct report_request *request, struct report *report, struct base_err *err) {
    struct airing_scope scope;
    struct as_run run = {.now_ms = request->now_ms};
    int rc = airing_scope_read(request, &scope, err);
    if (rc == 0) {
        scope.filter.campaign = request->name;
        report_title(report, "%s", TR("What the loudspeakers played"));
        report_subtitle(report, "%s", request->name ? request->name : "");
        struct report_table *table = add_outlets(report);
        struct report_table *owners = add_owners(report);
        run.lost = add_lost(report);
        run.confirmed = add_confirmed(report);
        struct report_table *clocks = add_clocks(report);
        run.lost->offset_min = run.confirmed->offset_min = clocks->offset_min = request->offset_min;
        rc = airing_each(request->db, &scope.filter, count_airing, &run, err);
        if (rc == 0) {
            put_tallies(&run, table);
            put_owners(&run, owners);
            put_clocks(&run, clocks);
            rc = put_reach(request, &run, report, err);
        }
        report_note(report, "%s",
            TR("A stream proves that it was sent, not that a horn sounded. Times of devices are "
               "put right by the error of their clocks."));
    }
    for (size_t i = 0; i < run.count; i++) {
        base_free(run.rows[i].code);
        base_free(run.rows[i].name);
        base_free(run.rows[i].owner);
        base_free(run.rows[i].place);
    }
    base_free(run.rows);
    airing_scope_release(&scope);
    return rc;
}
