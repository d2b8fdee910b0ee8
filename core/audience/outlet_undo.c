/* Takes an import of outlets back: what it added goes, what it changed is as before, unless a later
 * import changed it again. */
#include "audience/outlet_private.h"

#include "base/clock.h"
#include "base/tr.h"

struct undoing {
    struct db *db;
    struct outlet__table *table;
    struct base_arena *arena;
    struct outlet__row row;
    struct outlet_undo_outcome *outcome;
    int64_t now_ms;
};

static int check_batch(struct db *db, int64_t batch_id, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT COALESCE(undone_at, 0) FROM import_batch WHERE id = ?1 AND kind = 'outlet'", &stmt,
        err);
    if (rc) {
        return rc;
    }
    db_bind_i64(stmt, 1, batch_id);
    rc = db_step(stmt, err);
    if (rc == 0) {
        rc = base_err_set(err, LANTOA_ENOENT,
            TR("there is no import of outlets with the number %lld"), (long long)batch_id);
    } else if (rc == 1) {
        rc = db_column_i64(stmt, 0)
                 ? base_err_set(err, LANTOA_ESTATE, TR("import %lld has been undone already"),
                       (long long)batch_id)
                 : 0;
    }
    db_finish(&stmt);
    return rc;
}

/* true if a later import that stands changed the outlet. */
#define LATER                                                                                      \
    "EXISTS (SELECT 1 FROM outlet_before l JOIN import_batch i ON i.id = l.batch_id WHERE "        \
    "l.outlet_id = o.id AND l.batch_id > ?1 AND i.undone_at IS NULL)"

/* Runs act for each row (id, text) of the query. The rows are read first: act changes the tables.
 */
static int each(struct undoing *u, const char *sql, int64_t batch_id,
    int (*act)(struct undoing *u, int64_t id, struct str text, struct base_err *err),
    struct base_err *err) {
    struct item {
        struct item *next;
        int64_t id;
        struct str text;
    } *first = NULL, **last = &first;
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(u->db, sql, &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, batch_id);
    }
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        struct str text = db_column_str(stmt, 1);
        struct item *item = base_arena_alloc(u->arena, sizeof *item);
        item->id = db_column_i64(stmt, 0);
        item->text =
            str_of(base_arena_strndup(u->arena, text.at ? text.at : "", text.bytes), text.bytes);
        *last = item;
        last = &item->next;
        rc = 0;
    }
    db_finish(&stmt);
    for (const struct item *item = first; rc == 0 && item; item = item->next) {
        rc = act(u, item->id, item->text, err);
    }
    return rc;
}

static int put_back(struct undoing *u, int64_t id, struct str text, struct base_err *err) {
    struct str other = {0};
    int rc = outlet__row_from_json(text, u->arena, &u->row, err);
    if (rc == 0 && u->row.device.at) {
        rc = outlet__table_device(u->table, u->row.device, u->row.code, u->arena, &other, err);
    }
    if (rc == 0 && other.at) {
        rc = base_err_set(err, LANTOA_ESTATE,
            TR("outlet %.*s cannot be put back: outlet %.*s has its device now"),
            STR_ARG(u->row.code), STR_ARG(other));
    }
    rc = rc ? rc : outlet__table_save(u->table, &u->row, 0, u->now_ms, &id, err);
    u->outcome->restored += rc == 0;
    return rc;
}

static int take_away(struct undoing *u, int64_t id, struct str text, struct base_err *err) {
    (void)text;
    u->outcome->deleted++;
    return outlet__table_delete(u->table, id, err);
}

static int retire(struct undoing *u, int64_t id, struct str text, struct base_err *err) {
    (void)text;
    int rc = outlet__table_load(u->table, id, u->arena, &u->row, err);
    u->row.state = STR("retired");
    u->row.device = (struct str){0}; /* another outlet may have it now */
    u->outcome->retired++;
    return rc ? rc : outlet__table_save(u->table, &u->row, 0, u->now_ms, &id, err);
}

static int leave(struct undoing *u, int64_t id, struct str text, struct base_err *err) {
    (void)id;
    (void)text;
    (void)err;
    u->outcome->kept++;
    return 0;
}

/* Devices may have been swapped between the outlets that are put back: let go of first. */
static int let_go(struct db *db, int64_t batch_id, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "UPDATE outlet AS o SET device = NULL WHERE o.id IN (SELECT b.outlet_id FROM outlet_before "
        "b WHERE b.batch_id = ?1) AND NOT " LATER,
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, batch_id);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

static int mark(struct db *db, int64_t batch_id, int64_t now_ms, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, "UPDATE import_batch SET undone_at = ?2 WHERE id = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, batch_id);
        db_bind_i64(stmt, 2, now_ms);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

static int undo(struct undoing *u, int64_t batch_id, struct base_err *err) {
    static const char added_in_use[] =
        "SELECT o.id, o.code FROM outlet o WHERE o.batch_id = ?1 AND NOT " LATER
        " AND o.id IN (SELECT outlet_id FROM airing)";
    static const char added[] = "SELECT o.id, o.code FROM outlet o WHERE o.batch_id = ?1 AND "
                                "NOT " LATER " AND o.id NOT IN (SELECT outlet_id FROM airing)";
    static const char changed[] = "SELECT o.id, b.before FROM outlet o JOIN outlet_before b ON "
                                  "b.outlet_id = o.id AND b.batch_id = ?1 WHERE NOT " LATER;
    static const char later[] =
        "SELECT o.id, o.code FROM outlet o WHERE (o.batch_id = ?1 OR o.id IN (SELECT b.outlet_id "
        "FROM outlet_before b WHERE b.batch_id = ?1)) AND " LATER;
    int rc = each(u, later, batch_id, leave, err);
    rc = rc ? rc : each(u, added_in_use, batch_id, retire, err);
    rc = rc ? rc : each(u, added, batch_id, take_away, err);
    rc = rc ? rc : let_go(u->db, batch_id, err);
    rc = rc ? rc : each(u, changed, batch_id, put_back, err);
    return rc ? rc : mark(u->db, batch_id, u->now_ms, err);
}

int outlet_undo(struct db *db, int64_t batch_id, struct outlet_undo_outcome *outcome_out,
    struct base_err *err) {
    struct undoing *u = base_alloc(sizeof *u);
    *outcome_out = (struct outlet_undo_outcome){0};
    u->db = db;
    u->outcome = outcome_out;
    u->now_ms = base_clock_now_ms();
    u->arena = base_arena_new();
    int rc = outlet__table_new(db, &u->table, err);
    rc = rc ? rc : db_begin(db, err);
    if (rc == 0) {
        rc = check_batch(db, batch_id, err);
        rc = rc ? rc : undo(u, batch_id, err);
        if (rc == 0) {
            rc = db_commit(db, err);
        } else {
            db_rollback(db);
        }
    }
    outlet__table_free(&u->table);
    base_arena_free(&u->arena);
    base_free(u);
    return rc;
}
