/* Draws and keeps lots over places. */
#include "delivery/lot.h"

#include "audience/segment.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/tr.h"
#include "campaign/calendar.h"

const char *lot_design_word(enum lot_design design) {
    static const char *const words[] = {
#define WORD(name, word) word,
        LOT_DESIGNS(WORD)
#undef WORD
    };
    return words[design];
}

static const char *const unit_words[] = {
    [HOLDOUT_CONTACT] = "contact", [HOLDOUT_HOUSEHOLD] = "household", [HOLDOUT_PLACE] = "place"};

static int by_id(const void *a, const void *b) {
    int64_t x = ((const struct lot_unit *)a)->id;
    int64_t y = ((const struct lot_unit *)b)->id;
    return (x > y) - (x < y);
}

/* --- asking --- */

const struct lot_unit *lot_find(const struct lot *lot, int64_t unit_id) {
    const struct lot_unit key = {.id = unit_id};
    return lot->count ? bsearch(&key, lot->units, lot->count, sizeof key, by_id) : NULL;
}

bool lot_keeps_out(const struct lot *lot, int64_t contact_id, int64_t place_id) {
    if (!lot || lot->measure_only) {
        return false;
    }
    const struct lot_unit *unit = lot_find(lot, lot->unit == HOLDOUT_PLACE ? place_id : contact_id);
    return unit && unit->arm == 0;
}

int lot_wave(const struct lot *lot, int64_t place_id) {
    if (!lot || lot->design != LOT_WAVES) {
        return 1;
    }
    const struct lot_unit *unit = lot_find(lot, place_id);
    return unit ? unit->arm : 1;
}

/* --- in the database --- */

static int read_head(struct db *db, int64_t campaign_id, struct lot *lot, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT design, unit, measure_only, hash, drawn_at, drawn_by FROM experiment WHERE "
        "campaign_id = ?1",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, campaign_id);
        rc = db_step(stmt, err);
    }
    if (rc == 1) {
        struct str by = db_column_str(stmt, 5);
        for (int i = 0; i < LOT_DESIGN_COUNT; i++) {
            if (str_is(db_column_str(stmt, 0), lot_design_word((enum lot_design)i))) {
                lot->design = (enum lot_design)i;
            }
        }
        for (int i = HOLDOUT_CONTACT; i <= HOLDOUT_PLACE; i++) {
            if (str_is(db_column_str(stmt, 1), unit_words[i])) {
                lot->unit = (enum holdout_unit)i;
            }
        }
        lot->measure_only = db_column_i64(stmt, 2) != 0;
        snprintf(lot->hash, sizeof lot->hash, "%.*s", STR_ARG(db_column_str(stmt, 3)));
        lot->drawn_at = db_column_i64(stmt, 4);
        lot->drawn_by = base_arena_strndup(lot->arena, by.at, by.bytes);
    }
    db_finish(&stmt);
    return rc;
}

static int read_units(struct db *db, int64_t campaign_id, struct lot *lot, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    size_t room = 0;
    int rc = db_prepare(db,
        "SELECT unit_id, arm, stratum FROM experiment_unit WHERE campaign_id = ?1 ORDER BY unit_id",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, campaign_id);
    }
    const char *last = "";
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        struct str stratum = db_column_str(stmt, 2);
        if (lot->count == room) {
            room = room ? 2 * room : 256;
            lot->units = base_realloc(lot->units, room * sizeof *lot->units);
        }
        if (!str_is(stratum, last)) {
            last = base_arena_strndup(lot->arena, stratum.at, stratum.bytes);
        }
        lot->units[lot->count++] =
            (struct lot_unit){db_column_i64(stmt, 0), (int)db_column_i64(stmt, 1), last};
        rc = 0;
    }
    db_finish(&stmt);
    return rc;
}

int lot_load(struct db *db, int64_t campaign_id, struct lot **lot_out, struct base_err *err) {
    struct lot *lot = base_alloc(sizeof *lot);
    lot->arena = base_arena_new();
    *lot_out = NULL;
    int rc = read_head(db, campaign_id, lot, err);
    if (rc == 1) {
        rc = read_units(db, campaign_id, lot, err);
        if (rc == 0) {
            *lot_out = lot;
            return 0;
        }
    }
    lot_free(&lot);
    return rc;
}

void lot_free(struct lot **lot) {
    if (*lot) {
        base_free((*lot)->units);
        base_arena_free(&(*lot)->arena);
        base_free(*lot);
        *lot = NULL;
    }
}

void lot__hash(struct lot *lot) {
    struct base_buf text;
    uint8_t digest[BASE_SHA256_BYTES];
    base_buf_init(&text, (size_t)1 << 31);
    if (lot->count) {
        qsort(lot->units, lot->count, sizeof *lot->units, by_id);
    }
    for (size_t i = 0; i < lot->count; i++) {
        base_buf_printf(&text, "%lld:%d:%s\n", (long long)lot->units[i].id, lot->units[i].arm,
            lot->units[i].stratum);
    }
    base_sha256(base_buf_str(&text), digest);
    base_hex(digest, sizeof digest, lot->hash);
    base_buf_release(&text);
}

static int forget(struct db *db, int64_t campaign_id, struct base_err *err) {
    static const char *const sql[] = {"DELETE FROM experiment_unit WHERE campaign_id = ?1",
        "DELETE FROM experiment WHERE campaign_id = ?1"};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < 2; i++) {
        struct db_stmt *stmt = NULL;
        rc = db_prepare(db, sql[i], &stmt, err);
        if (rc == 0) {
            db_bind_i64(stmt, 1, campaign_id);
            rc = db_run(stmt, err);
        }
        db_finish(&stmt);
    }
    return rc;
}

static int keep_head(struct db *db, int64_t campaign_id, const struct lot *lot, const char *who,
    struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "INSERT INTO experiment (campaign_id, design, unit, measure_only, hash, drawn_at, drawn_by)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, campaign_id);
        db_bind_text(stmt, 2, lot_design_word(lot->design));
        db_bind_text(stmt, 3, unit_words[lot->unit]);
        db_bind_i64(stmt, 4, lot->measure_only);
        db_bind_text(stmt, 5, lot->hash);
        db_bind_i64(stmt, 6, base_clock_now_ms());
        db_bind_text(stmt, 7, who && *who ? who : "?");
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

int lot__keep(struct db *db, int64_t campaign_id, struct lot *lot, const char *campaign,
    const char *who, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    lot__hash(lot);
    int rc = forget(db, campaign_id, err);
    rc = rc == 0 ? keep_head(db, campaign_id, lot, who, err) : rc;
    rc = rc == 0 ? db_prepare(db,
                       "INSERT INTO experiment_unit (campaign_id, unit_id, arm, stratum) VALUES "
                       "(?1, ?2, ?3, ?4)",
                       &stmt, err)
                 : rc;
    for (size_t i = 0; rc == 0 && i < lot->count; i++) {
        db_bind_i64(stmt, 1, campaign_id);
        db_bind_i64(stmt, 2, lot->units[i].id);
        db_bind_i64(stmt, 3, lot->units[i].arm);
        db_bind_text(stmt, 4, lot->units[i].stratum);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc == 0 ? audit_add(db, who, lot_design_word(lot->design), campaign, lot->hash, err)
                   : rc;
}

/* --- drawing --- */

struct ticket {
    int64_t place_id;
    uint64_t order; /* by the lot, within the stratum */
    const char *stratum;
};

static int ticket_order(const void *a, const void *b) {
    const struct ticket *x = a;
    const struct ticket *y = b;
    int order = strcmp(x->stratum, y->stratum);
    if (order) {
        return order;
    }
    return x->order != y->order ? (x->order > y->order) - (x->order < y->order)
                                : (x->place_id > y->place_id) - (x->place_id < y->place_id);
}

static uint64_t ticket_of(struct base_hmac *key, int64_t place_id) {
    uint8_t mac[BASE_SHA256_BYTES];
    char unit[40];
    snprintf(unit, sizeof unit, "lot:place:%lld", (long long)place_id);
    base_hmac_sign(key, unit, strlen(unit), mac);
    uint64_t head = 0;
    for (int i = 0; i < 8; i++) {
        head = head << 8 | mac[i];
    }
    return head;
}

/* The places of the audience with their stratum: the place above, or what most of the people there
 * have in an attribute. */
static int read_tickets(struct db *db, const struct campaign_spec *spec, int64_t today_days,
    struct lot *lot, struct ticket **tickets_out, size_t *count_out, struct base_err *err) {
    struct segment *audience = NULL;
    struct db_stmt *stmt = NULL;
    struct base_buf sql;
    size_t room = 0;
    int next;
    base_buf_init(&sql, 1 << 20);
    base_buf_add_text(&sql, "SELECT c.place_id, ");
    if (!spec->holdout_strata) {
        base_buf_add_text(&sql, "''");
    } else if (strcmp(spec->holdout_strata, "parent") == 0) {
        base_buf_add_text(&sql, "coalesce((SELECT CAST(q.parent_id AS TEXT) FROM place q WHERE "
                                "q.id = c.place_id), '')");
    } else { /* letters, digits and _ only: the reader of the file has seen to that */
        base_buf_printf(&sql, "coalesce(CAST(c.attrs ->> '%s' AS TEXT), '')", spec->holdout_strata);
    }
    base_buf_add_text(
        &sql, " AS s, count(*) AS n FROM contact c WHERE c.place_id IS NOT NULL AND (");
    int rc = segment_parse(db, str_from(spec->audience), &audience, NULL, err);
    rc = rc == 0 ? segment_sql(audience, &sql, 1, &next, err) : rc;
    base_buf_add_text(&sql, ") GROUP BY c.place_id, s ORDER BY c.place_id, n DESC, s");
    rc = rc == 0 ? db_prepare(db, base_buf_text(&sql), &stmt, err) : rc;
    if (rc == 0) {
        segment_bind(audience, stmt, 1, today_days);
    }
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        int64_t place = db_column_i64(stmt, 0);
        struct str stratum = db_column_str(stmt, 1);
        rc = 0;
        if (*count_out && (*tickets_out)[*count_out - 1].place_id == place) {
            continue;
        }
        if (*count_out == room) {
            room = room ? 2 * room : 256;
            *tickets_out = base_realloc(*tickets_out, room * sizeof **tickets_out);
        }
        size_t bytes =
            stratum.bytes < LOT_STRATUM_BYTES_MOST ? stratum.bytes : LOT_STRATUM_BYTES_MOST;
        (*tickets_out)[(*count_out)++] = (struct ticket){
            place, 0, base_arena_strndup(lot->arena, stratum.at ? stratum.at : "", bytes)};
    }
    db_finish(&stmt);
    base_buf_release(&sql);
    segment_free(&audience);
    return rc;
}

/* Deals the tickets out. */
static void deal(
    const struct campaign_spec *spec, const struct ticket *tickets, size_t count, struct lot *lot) {
    size_t from = 0;
    int64_t control = 0;
    lot->units = base_alloc_array(count + 1, sizeof *lot->units);
    lot->count = count;
    while (from < count) {
        size_t to = from;
        while (to < count && strcmp(tickets[to].stratum, tickets[from].stratum) == 0) {
            to++;
        }
        int64_t wanted =
            (int64_t)((double)to * spec->holdout_percent / 100 + 0.5); /* so far, all strata */
        for (size_t i = from; i < to; i++) {
            bool kept_out = control < wanted;
            int arm = spec->holdout_design == HOLDOUT_WAVES
                          ? 1 + (int)(i % (size_t)spec->holdout_waves)
                          : !kept_out;
            control += spec->holdout_design == HOLDOUT_LOTTERY && kept_out;
            lot->units[i] = (struct lot_unit){tickets[i].place_id, arm, tickets[i].stratum};
        }
        from = to;
    }
}

static int check_steps(const struct campaign_spec *spec, struct base_err *err) {
    for (size_t i = 0; spec->holdout_design == HOLDOUT_WAVES && i < spec->step_count; i++) {
        if (spec->steps[i].airings.on) {
            return base_err_set(err, LANTOA_EINVAL,
                TR("step %s: airings cannot come in waves; make a campaign of their own of them"),
                spec->steps[i].name);
        }
    }
    return 0;
}

static int check_arms(
    const struct campaign_spec *spec, const struct lot *lot, struct base_err *err) {
    size_t control = 0;
    for (size_t i = 0; i < lot->count; i++) {
        control += lot->units[i].arm == 0;
    }
    if (spec->holdout_design == HOLDOUT_WAVES && lot->count < (size_t)spec->holdout_waves) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("campaign %s: %zu places of the audience are too few for %lld waves"), spec->name,
            lot->count, (long long)spec->holdout_waves);
    }
    if (spec->holdout_design == HOLDOUT_LOTTERY && (control == 0 || control == lot->count)) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("campaign %s: a lot of %g %% over %zu places leaves an arm empty"), spec->name,
            spec->holdout_percent, lot->count);
    }
    return 0;
}

int lot_draw(struct db *db, const struct campaign_row *row, const struct campaign_spec *spec,
    int64_t now_ms, const char *who, struct base_err *err) {
    const struct calendar_zone *zone = NULL;
    struct lot *lot = NULL;
    struct ticket *tickets = NULL;
    size_t count = 0;
    if (!spec->has_holdout || spec->holdout_design == HOLDOUT_BUCKETS) {
        /* A file that drew a lot before and does not any more. */
        int rc = lot_load(db, row->id, &lot, err);
        rc = rc == 0 && lot && lot->design != LOT_IMPORTED ? forget(db, row->id, err) : rc;
        lot_free(&lot);
        return rc;
    }
    struct base_hmac *key = base_hmac_new(row->experiment_key, sizeof row->experiment_key);
    lot = base_alloc(sizeof *lot);
    lot->arena = base_arena_new();
    lot->design = spec->holdout_design == HOLDOUT_WAVES ? LOT_WAVES : LOT_LOTTERY;
    lot->unit = HOLDOUT_PLACE;
    int rc = check_steps(spec, err);
    rc = rc == 0 ? calendar_zone_find(spec->timezone, &zone, err) : rc;
    if (rc == 0) {
        int64_t local = now_ms + calendar_offset_min(zone, now_ms) * INT64_C(60000);
        rc = read_tickets(db, spec, local / INT64_C(86400000), lot, &tickets, &count, err);
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        tickets[i].order = ticket_of(key, tickets[i].place_id);
    }
    if (rc == 0) {
        if (count) {
            qsort(tickets, count, sizeof *tickets, ticket_order);
        }
        deal(spec, tickets, count, lot);
        rc = check_arms(spec, lot, err);
    }
    rc = rc == 0 ? lot__keep(db, row->id, lot, row->name, who, err) : rc;
    base_free(tickets);
    base_hmac_free(&key);
    lot_free(&lot);
    return rc;
}
