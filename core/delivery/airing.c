/* Airings to be looked at: words, lists, what was heard. */
#include "delivery/airing_private.h"

#include "base/mem.h"
#include "base/tr.h"

static const char *const states[] = {"offered", "approved", "declined", "withdrawn"};
#define STATE_COUNT (sizeof states / sizeof states[0])
static const char *const priorities[] = {"", "normal", "priority", "emergency"};

const char *airing_state_word(int state) {
    return state >= 0 && (size_t)state < STATE_COUNT ? states[state] : "?";
}

bool airing_state_from_word(struct str word, int *state_out) {
    for (int i = 0; (size_t)i < STATE_COUNT; i++) {
        if (str_is(word, states[i])) {
            *state_out = i;
            return true;
        }
    }
    return false;
}

const char *airing_priority_word(int priority) {
    return priority >= 1 && priority <= 3 ? priorities[priority] : "?";
}

const char *airing_sound_suffix(struct str format, const char **mime_out) {
    static const struct {
        const char *format, *suffix, *mime;
    } known[] = {
        {"mp3", ".mp3", "audio/mpeg"}, {"wav", ".wav", "audio/wav"}, {"ogg", ".ogg", "audio/ogg"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (str_starts(format, str_from(known[i].format))) {
            *mime_out = known[i].mime;
            return known[i].suffix;
        }
    }
    *mime_out = "audio/ogg";
    return ".ogg";
}

enum airing_word airing_word_of(const struct airing *airing, int64_t now_ms) {
    int64_t over_ms = airing->ends_ms + airing->seconds * 1000;
    if (airing->message_state != MESSAGE_ACCEPTED || airing->start_ms == 0 || over_ms >= now_ms) {
        return AIRING_NOTHING_TO_SAY;
    }
    return over_ms + AIRING_WORD_MS < now_ms ? AIRING_NOT_CONFIRMED : AIRING_AWAITS_CONFIRMATION;
}

const char *airing_reason_word(const struct airing *airing, int64_t now_ms) {
    switch (airing_word_of(airing, now_ms)) {
    case AIRING_AWAITS_CONFIRMATION:
        return "awaits_confirmation";
    case AIRING_NOT_CONFIRMED:
        return "not_confirmed";
    case AIRING_NOTHING_TO_SAY:
        break;
    }
    return message_reason_word(airing->message_reason);
}

/* --- lists --- */

#define ROW_SQL "4398046511104" /* LEDGER_OUTLET_BIT */

/* FROM on, also of the brief list. */
#define FROM_SQL                                                                                   \
    " FROM airing a JOIN campaign g ON g.id = a.campaign_id JOIN outlet o ON o.id = a.outlet_id "  \
    "LEFT JOIN message m ON m.id = (SELECT max(n.id) FROM message n WHERE n.id BETWEEN "           \
    "(a.step_id << 43) + " ROW_SQL " + (a.id << 4) AND (a.step_id << 43) + " ROW_SQL               \
    " + (a.id << 4) + 15)"

static const char columns[] =
    "SELECT a.id, coalesce((a.step_id << 43) + " ROW_SQL " + (a.id << 4), 0), a.campaign_id, "
    "coalesce(a.step_id, 0), a.outlet_id, a.recording_id, o.place_id, a.start_at, a.ends_at, "
    "a.seconds, o.households, a.priority, a.state, a.clash, coalesce(m.state, -1), "
    "coalesce(m.reason, 0), coalesce(a.decided_at, 0), coalesce(a.played_at, 0), "
    "coalesce(a.played_ms, 0), coalesce(a.confirmed_at, 0), coalesce(a.resumed_of, 0), g.name, "
    "coalesce(s.name, ''), o.code, o.name, o.owner, p.name, r.name, coalesce(r.title, r.name), "
    "r.lang, coalesce(g.spec ->> 'timezone', ''), a.decided_by, a.reason, a.confirmed_by, "
    "m.detail, CASE WHEN o.device LIKE 'paper:%' THEN m.ref END" FROM_SQL
    " JOIN place p ON p.id = o.place_id JOIN recording r ON r.id = "
    "a.recording_id LEFT JOIN step s ON s.id = a.step_id WHERE 1 = 1";

/* Another airing of another campaign at the same time, neither declined nor over. */
static const char overlaps[] =
    " AND a.state < 2 AND EXISTS (SELECT 1 FROM airing b LEFT JOIN message w ON w.id = (b.step_id "
    "<< 43) + " ROW_SQL " + (b.id << 4) WHERE b.outlet_id = a.outlet_id AND b.id <> a.id AND "
    "b.campaign_id <> a.campaign_id AND b.state < 2 AND b.start_at > a.start_at - 86400000 AND "
    "b.start_at < a.start_at + a.seconds * 1000 AND b.start_at + b.seconds * 1000 > a.start_at AND "
    "(a.clash = 1 OR b.clash = 1) AND coalesce(w.state, 0) NOT IN (2, 6))";

static void add_places(struct base_buf *sql, const struct airing_filter *f) {
    for (size_t i = 0; i < f->place_count; i++) {
        base_buf_printf(
            sql, "%s%lld", i ? ", " : " AND o.place_id IN (", (long long)f->place_ids[i]);
    }
    base_buf_add_text(sql, f->place_count ? ")" : "");
}

static void build(struct base_buf *sql, const char *select, const struct airing_filter *f) {
    base_buf_add_text(sql, select);
    base_buf_add_text(sql, f->campaign ? " AND g.name = ?1" : "");
    base_buf_add_text(sql, f->outlet ? " AND o.code = ?2" : "");
    base_buf_add_text(sql, f->from_ms ? " AND a.start_at >= ?3" : "");
    base_buf_add_text(sql, f->to_ms ? " AND a.start_at < ?4" : "");
    base_buf_add_text(sql, f->state ? " AND a.state = ?5" : "");
    base_buf_add_text(sql, f->message_state ? " AND m.state = ?6" : "");
    base_buf_add_text(sql, f->id ? " AND a.id = ?7" : "");
    base_buf_add_text(sql, f->heard ? " AND a.played_at IS NOT NULL AND a.played_ms > 0" : "");
    base_buf_add_text(sql, f->clashing ? overlaps : "");
    add_places(sql, f);
}

static void bind(struct db_stmt *stmt, const struct airing_filter *f) {
    const struct {
        bool on;
        int64_t value;
    } numbers[] = {{f->from_ms != 0, f->from_ms}, {f->to_ms != 0, f->to_ms},
        {f->state != 0, f->state - 1}, {f->message_state != 0, f->message_state - 1},
        {f->id != 0, f->id}};
    if (f->campaign) {
        db_bind_text(stmt, 1, f->campaign);
    }
    if (f->outlet) {
        db_bind_text(stmt, 2, f->outlet);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (numbers[i].on) {
            db_bind_i64(stmt, (int)i + 3, numbers[i].value);
        }
    }
}

static struct airing read_row(struct db_stmt *stmt) {
    struct airing a = {.id = db_column_i64(stmt, 0)};
    int64_t *const numbers[] = {&a.id, &a.message_id, &a.campaign_id, &a.step_id, &a.outlet_id,
        &a.recording_id, &a.place_id, &a.start_ms, &a.ends_ms, &a.seconds, &a.households};
    int64_t *const times[] = {
        &a.decided_at, &a.played_at, &a.played_ms, &a.confirmed_at, &a.resumed_of};
    struct str *const texts[] = {&a.campaign, &a.step, &a.outlet, &a.outlet_name, &a.owner,
        &a.place, &a.material, &a.title, &a.lang, &a.zone, &a.decided_by, &a.reason,
        &a.confirmed_by, &a.detail, &a.code};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        *numbers[i] = db_column_i64(stmt, (int)i);
    }
    a.priority = (int)db_column_i64(stmt, 11);
    a.state = (int)db_column_i64(stmt, 12);
    a.clash = db_column_i64(stmt, 13) != 0;
    a.message_state = (int)db_column_i64(stmt, 14);
    a.message_reason = (int)db_column_i64(stmt, 15);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        *times[i] = db_column_i64(stmt, 16 + (int)i);
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i] = db_column_str(stmt, 21 + (int)i);
    }
    return a;
}

/* A name that is not there is a slip, not an empty list. */
static int check_names(struct db *db, const struct airing_filter *f, struct base_err *err) {
    struct campaign_row row = {0};
    struct db_stmt *stmt = NULL;
    int rc = f->campaign ? campaign_get(db, f->campaign, &row, err) : 0;
    campaign_row_release(&row);
    if (rc != 0 || !f->outlet) {
        return rc;
    }
    rc = db_prepare(db, "SELECT 1 FROM outlet WHERE code = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, f->outlet);
        rc = db_step(stmt, err);
    }
    db_finish(&stmt);
    if (rc == 0) {
        return base_err_set(
            err, LANTOA_ENOENT, TR("there is no outlet with the code %s"), f->outlet);
    }
    return rc < 0 ? rc : 0;
}

/* The rows that the filter lets through, ready for the first step. */
static int open_list(struct db *db, const char *what, const struct airing_filter *filter,
    const char *order, struct db_stmt **stmt_out, struct base_err *err) {
    struct base_buf sql;
    base_buf_init(&sql, 1 << 20);
    build(&sql, what, filter);
    base_buf_add_text(&sql, order);
    int rc = check_names(db, filter, err);
    if (rc == 0) {
        rc = base_buf_ok(&sql) ? db_prepare(db, base_buf_text(&sql), stmt_out, err)
                               : base_err_set(err, LANTOA_ELIMIT, "%s", TR("is too large"));
    }
    if (rc == 0) {
        bind(*stmt_out, filter);
    }
    base_buf_release(&sql);
    return rc;
}

int airing_each(struct db *db, const struct airing_filter *filter,
    int (*row)(void *arg, const struct airing *airing), void *arg, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = open_list(db, columns, filter, " ORDER BY a.start_at, o.code, a.id", &stmt, err);
    if (rc == 0) {
        while ((rc = db_step(stmt, err)) == 1) {
            const struct airing airing = read_row(stmt);
            rc = row(arg, &airing);
            if (rc != 0) {
                break;
            }
        }
    }
    db_finish(&stmt);
    return rc;
}

/* --- in brief --- */

static const char brief_columns[] =
    "SELECT a.id, coalesce((a.step_id << 43) + " ROW_SQL
    " + (a.id << 4), 0), a.outlet_id, a.campaign_id, a.start_at, a.seconds, a.state, a.priority, "
    "coalesce(m.state, -1), a.clash, coalesce(g.spec ->> 'timezone', ''), a.device IS NOT NULL AND "
    "a.played_at IS NULL" FROM_SQL " WHERE 1 = 1";

/* The zones of a campaign's airings are one: found once. */
struct zone_of {
    int64_t campaign_id;
    const struct calendar_zone *zone;
};

static int read_brief(struct db_stmt *stmt, struct zone_of *last, struct airing__brief *row_out,
    struct base_err *err) {
    char name[64];
    int rc = 0;
    *row_out = (struct airing__brief){.id = db_column_i64(stmt, 0),
        .message_id = db_column_i64(stmt, 1),
        .outlet_id = db_column_i64(stmt, 2),
        .campaign_id = db_column_i64(stmt, 3),
        .start_ms = db_column_i64(stmt, 4),
        .seconds = db_column_i64(stmt, 5),
        .state = (int)db_column_i64(stmt, 6),
        .priority = (int)db_column_i64(stmt, 7),
        .message_state = (int)db_column_i64(stmt, 8),
        .clash = db_column_i64(stmt, 9) != 0,
        .unheard_of = db_column_i64(stmt, 11) != 0};
    if (last->campaign_id != row_out->campaign_id) {
        snprintf(name, sizeof name, "%.*s", STR_ARG(db_column_str(stmt, 10)));
        rc = calendar_zone_find(name[0] ? name : "Asia/Ho_Chi_Minh", &last->zone, err);
        last->campaign_id = rc == 0 ? row_out->campaign_id : 0;
    }
    row_out->zone = last->zone;
    row_out->day = rc == 0 ? airing__local(row_out->zone, row_out->start_ms).day : 0;
    return rc;
}

int airing__briefs_load(struct db *db, const struct airing_filter *filter,
    struct airing__briefs *out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    struct zone_of last = {0};
    *out = (struct airing__briefs){0};
    int rc = open_list(db, brief_columns, filter, "", &stmt, err);
    if (rc == 0) {
        while ((rc = db_step(stmt, err)) == 1) {
            if (out->count == out->room) {
                out->room = out->room ? 2 * out->room : 64;
                out->rows = base_realloc(out->rows, out->room * sizeof *out->rows);
            }
            rc = read_brief(stmt, &last, &out->rows[out->count++], err);
            if (rc != 0) {
                break;
            }
        }
    }
    db_finish(&stmt);
    return rc;
}

/* --- what has no place, what was heard --- */

int airing_refused_each(struct db *db, const struct airing_filter *filter,
    int (*row)(void *arg, const struct airing_refused *refused), void *arg, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    struct base_buf sql;
    base_buf_init(&sql, 1 << 20);
    base_buf_add_text(&sql,
        "SELECT g.name, coalesce(s.name, ''), o.code, o.name, f.day, f.asked, f.got, f.reason, "
        "coalesce(f.by_airing, 0), h.name FROM airing_refusal f JOIN campaign g ON g.id = "
        "f.campaign_id JOIN outlet o ON o.id = f.outlet_id LEFT JOIN step s ON s.id = f.step_id "
        "LEFT JOIN airing b ON b.id = f.by_airing LEFT JOIN campaign h ON h.id = b.campaign_id "
        "WHERE 1 = 1");
    base_buf_add_text(&sql, filter->campaign ? " AND g.name = ?1" : "");
    base_buf_add_text(&sql, filter->outlet ? " AND o.code = ?2" : "");
    add_places(&sql, filter);
    base_buf_add_text(&sql, " ORDER BY f.day, o.code, f.step_id");
    int rc = check_names(db, filter, err);
    rc = rc == 0 ? db_prepare(db, base_buf_text(&sql), &stmt, err) : rc;
    base_buf_release(&sql);
    if (rc == 0) {
        const struct airing_filter named = {.campaign = filter->campaign, .outlet = filter->outlet};
        bind(stmt, &named);
        while ((rc = db_step(stmt, err)) == 1) {
            struct airing_refused found = {.campaign = db_column_str(stmt, 0),
                .step = db_column_str(stmt, 1),
                .outlet = db_column_str(stmt, 2),
                .outlet_name = db_column_str(stmt, 3),
                .day = db_column_str(stmt, 4),
                .by_campaign = db_column_str(stmt, 9),
                .asked = db_column_i64(stmt, 5),
                .got = db_column_i64(stmt, 6),
                .by_airing = db_column_i64(stmt, 8)};
            if (airtime_reason_from_word(db_column_str(stmt, 7), &found.reason) != 0) {
                found.reason = AIRTIME_TAKEN;
            }
            rc = row(arg, &found);
            if (rc != 0) {
                break;
            }
        }
    }
    db_finish(&stmt);
    return rc;
}

int airing_sum(
    struct db *db, const char *campaign, struct airing_sum *sum_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int64_t *ids = NULL;
    size_t room = 0;
    size_t count = 0;
    *sum_out = (struct airing_sum){0};
    int rc = db_prepare(db,
        "SELECT a.outlet_id, count(*) FROM airing a JOIN campaign g ON g.id = a.campaign_id WHERE "
        "g.name = ?1 AND a.state < 2 GROUP BY a.outlet_id ORDER BY a.outlet_id",
        &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, campaign);
        while ((rc = db_step(stmt, err)) == 1) {
            if (count == room) {
                room = room ? 2 * room : 64;
                ids = base_realloc(ids, room * sizeof *ids);
            }
            ids[count++] = db_column_i64(stmt, 0);
            sum_out->airings += db_column_i64(stmt, 1);
        }
    }
    db_finish(&stmt);
    sum_out->outlets = (int64_t)count;
    if (rc == 0 && count > 0) {
        rc = outlet_reach(db, ids, count, &sum_out->households, err);
    }
    base_free(ids);
    return rc;
}

int airing_heard_each(struct db *db, int64_t place_id, int64_t from_ms, int64_t to_ms,
    int (*row)(void *arg, const struct airing_heard *heard), void *arg, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT a.id, (a.step_id << 43) + " ROW_SQL " + (a.id << 4), a.campaign_id, a.step_id, "
        "a.outlet_id, a.played_at, a.played_ms, v.households FROM outlet_coverage v JOIN airing a "
        "ON a.outlet_id = v.outlet_id WHERE v.place_id = ?1 AND a.played_at >= ?2 AND a.played_at "
        "< ?3 AND a.played_ms > 0 AND a.step_id IS NOT NULL ORDER BY a.played_at, a.id",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, place_id);
        db_bind_i64(stmt, 2, from_ms);
        db_bind_i64(stmt, 3, to_ms);
        while ((rc = db_step(stmt, err)) == 1) {
            const struct airing_heard heard = {db_column_i64(stmt, 0), db_column_i64(stmt, 1),
                db_column_i64(stmt, 2), db_column_i64(stmt, 3), db_column_i64(stmt, 4),
                db_column_i64(stmt, 5), db_column_i64(stmt, 6), db_column_i64(stmt, 7)};
            rc = row(arg, &heard);
            if (rc != 0) {
                break;
            }
        }
    }
    db_finish(&stmt);
    return rc;
}
