/* Sums the money of the ledger. */
#include "conversion/spending.h"

#include "campaign/store.h"
#include "delivery/ledger.h"

/* Left without a price: sent, or perhaps sent. One the operator refused costs nothing, and airings
 * have no price. */
#define SQL_FIGURES                                                                                \
    "count(m.minor), coalesce(sum(m.units), 0), coalesce(sum(m.minor), 0), sum(CASE WHEN m.minor " \
    "IS NULL AND m.state IN (3, 4, 5, 7) AND ((m.id >> 42) & 1) = 0 THEN 1 ELSE 0 END) "
#define SQL_WHERE                                                                                  \
    "WHERE m.id BETWEEN ?1 AND ?2 AND (m.minor IS NOT NULL OR m.state IN (3, 4, 5, 7)) AND (?4 = " \
    "0 OR (m.at >= ?3 AND m.at < ?4)) "

static const char all_sql[] = "SELECT 0, " SQL_FIGURES "FROM message m " SQL_WHERE;
static const char place_sql[] =
    "SELECT coalesce(c.place_id, o.place_id, 0), " SQL_FIGURES
    "FROM message m LEFT JOIN contact c ON c.id = " LEDGER_CONTACT_SQL(
        "m.id") " LEFT JOIN airing a ON a.id = " LEDGER_AIRING_SQL("m.id") " LEFT JOIN outlet o ON "
                                                                           "o.id = "
                                                                           "a.outlet_id " SQL_WHERE
                                                                           "GROUP BY 1 ORDER BY 1";

static void add(struct spending *out, struct spending_row row) {
    if (out->count == out->room) {
        out->room = out->room ? 2 * out->room : 64;
        out->rows = base_realloc(out->rows, out->room * sizeof *out->rows);
    }
    out->rows[out->count++] = row;
}

static const char *keep(struct spending *out, struct str text) {
    return base_arena_strndup(out->arena, text.at ? text.at : "", text.bytes);
}

/* steps: as the SELECT of spending_read has them. */
static int read_step(const struct spending_ask *ask, struct db_stmt *steps, struct db_stmt *figures,
    struct spending *out, struct base_err *err) {
    int64_t step = db_column_i64(steps, 0);
    struct spending_row row = {.campaign_id = db_column_i64(steps, 1),
        .theme_id = db_column_i64(steps, 2),
        .channel_id = db_column_i64(steps, 3),
        .campaign = keep(out, db_column_str(steps, 4)),
        .theme = keep(out, db_column_str(steps, 5)),
        .channel = keep(out, db_column_str(steps, 6)),
        .step = keep(out, db_column_str(steps, 7))};
    int rc;
    db_bind_i64(figures, 1, ledger_first(step));
    db_bind_i64(figures, 2, ledger_last(step));
    db_bind_i64(figures, 3, ask->from_ms);
    db_bind_i64(figures, 4, ask->until_ms);
    while ((rc = db_step(figures, err)) == 1) {
        row.place_id = db_column_i64(figures, 0);
        row.messages = db_column_i64(figures, 1);
        row.units = db_column_i64(figures, 2);
        row.minor = db_column_i64(figures, 3);
        row.unpriced = db_column_i64(figures, 4);
        if (!ask->places || row.messages || row.unpriced) {
            add(out, row);
        }
    }
    db_reset(figures);
    return rc;
}

int spending_read(
    struct db *db, const struct spending_ask *ask, struct spending *out, struct base_err *err) {
    struct db_stmt *steps = NULL;
    struct db_stmt *figures = NULL;
    *out = (struct spending){.arena = base_arena_new()};
    int rc = db_prepare(db,
        "SELECT s.id, g.id, g.theme_id, s.channel_id, g.name, t.name, c.name, s.name FROM step s "
        "JOIN campaign g ON g.id = s.campaign_id JOIN theme t ON t.id = g.theme_id JOIN channel c "
        "ON c.id = s.channel_id WHERE (?1 = 0 OR g.id = ?1) AND (?2 = 0 OR g.theme_id = ?2) AND "
        "(?1 <> 0 OR g.name NOT LIKE ?3) ORDER BY g.name, g.id, s.position, s.occurrence",
        &steps, err);
    rc = rc ? rc : db_prepare(db, ask->places ? place_sql : all_sql, &figures, err);
    if (rc == 0) {
        db_bind_i64(steps, 1, ask->campaign_id);
        db_bind_i64(steps, 2, ask->theme_id);
        db_bind_text(steps, 3, CAMPAIGN_SYSTEM_PREFIX "%");
    }
    while (rc == 0 && (rc = db_step(steps, err)) == 1) {
        rc = read_step(ask, steps, figures, out, err);
    }
    db_finish(&steps);
    db_finish(&figures);
    return rc;
}

void spending_release(struct spending *spending) {
    base_free(spending->rows);
    if (spending->arena) {
        base_arena_free(&spending->arena);
    }
    *spending = (struct spending){0};
}
