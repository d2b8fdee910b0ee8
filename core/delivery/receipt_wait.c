/* The table receipt_waiting, and the numbers in it in memory. */
#include "delivery/receipt_wait.h"

#include "base/buf.h"
#include "base/idmap.h"
#include "base/mem.h"

#define TEXTS_BYTES_MAX (size_t)(64 * 1024 * 1024)
#define TAKE_MOST 100 /* receipts for one number at a time */

#define COLUMNS                                                                                    \
    "SELECT id, at, channel_id, kind, reason, ref_key, ref, address, detail FROM receipt_waiting "

struct row {
    int64_t id;
    struct receipt receipt;
    size_t ref, address, detail; /* into texts */
};

struct receipt_wait {
    struct db *db;
    struct db_stmt *add, *by_key, *behind, *drop, *old;
    struct base_idmap *keys; /* NULL: none is known */
    size_t count;
    bool stale; /* count and keys are to be read again */
    struct row *rows;
    size_t row_count, row_room;
    struct base_buf texts;
};

/* --- life --- */

/* The map counts the receipts of each number. */
static void change_key(struct receipt_wait *w, int64_t key, bool more) {
    uint32_t count = 0;
    if (key == 0) {
        return;
    }
    if (!w->keys) {
        w->keys = base_idmap_new(RECEIPT_WAIT_MOST);
    }
    if (base_idmap_find(w->keys, (uint64_t)key, &count)) {
        (void)base_idmap_remove(w->keys, (uint64_t)key);
    }
    count = more ? count + 1 : count > 0 ? count - 1 : 0;
    if (count > 0) {
        (void)base_idmap_add(w->keys, (uint64_t)key, count);
    }
}

static int load(struct receipt_wait *w, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    base_idmap_free(&w->keys);
    w->count = 0;
    w->stale = false;
    int rc = db_prepare(w->db, "SELECT ref_key FROM receipt_waiting LIMIT ?1", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, RECEIPT_WAIT_MOST);
        while ((rc = db_step(stmt, err)) == 1) {
            change_key(w, db_column_i64(stmt, 0), true);
            w->count++;
        }
    }
    db_finish(&stmt);
    return rc;
}

int receipt_wait_new(struct db *db, struct receipt_wait **wait_out, struct base_err *err) {
    struct receipt_wait *w = base_alloc(sizeof *w);
    w->db = db;
    base_buf_init(&w->texts, TEXTS_BYTES_MAX);
    const struct {
        struct db_stmt **stmt;
        const char *sql;
    } all[] = {
        {&w->add, "INSERT INTO receipt_waiting (at, channel_id, kind, reason, ref_key, ref, "
                  "address, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"},
        {&w->by_key,
            COLUMNS "WHERE ref_key = ?1 AND ref_key <> 0 AND id > ?2 ORDER BY id LIMIT ?3"},
        {&w->behind, COLUMNS "WHERE id > ?1 ORDER BY id LIMIT ?2"},
        {&w->drop, "DELETE FROM receipt_waiting WHERE id = ?1"},
        {&w->old, "DELETE FROM receipt_waiting WHERE at < ?1"},
    };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof all / sizeof all[0]; i++) {
        rc = db_prepare(db, all[i].sql, all[i].stmt, err);
    }
    if (rc == 0) {
        rc = load(w, err);
    }
    if (rc != 0) {
        receipt_wait_free(&w);
        return rc;
    }
    *wait_out = w;
    return 0;
}

void receipt_wait_free(struct receipt_wait **wait) {
    struct receipt_wait *w = *wait;
    if (!w) {
        return;
    }
    struct db_stmt **all[] = {&w->add, &w->by_key, &w->behind, &w->drop, &w->old};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        db_finish(all[i]);
    }
    base_idmap_free(&w->keys);
    base_buf_release(&w->texts);
    base_free(w->rows);
    base_free(w);
    *wait = NULL;
}

void receipt_wait_forget(struct receipt_wait *w) {
    w->stale = true;
}

size_t receipt_wait_count(const struct receipt_wait *w) {
    return w->count;
}

bool receipt_wait_has(const struct receipt_wait *w, int64_t ref_key) {
    uint32_t count;
    return w->stale || (w->keys && base_idmap_find(w->keys, (uint64_t)ref_key, &count));
}

/* --- adding and taking --- */

static int refresh(struct receipt_wait *w, struct base_err *err) {
    return w->stale ? load(w, err) : 0;
}

static struct str or_null(struct str text) {
    return text.bytes ? text : (struct str){0};
}

int receipt_wait_add(struct receipt_wait *w, const struct receipt *receipt, struct base_err *err) {
    int rc = refresh(w, err);
    if (rc != 0) {
        return rc;
    }
    if (w->count >= RECEIPT_WAIT_MOST) {
        return LANTOA_ELIMIT;
    }
    db_bind_i64(w->add, 1, receipt->at_ms);
    db_bind_i64(w->add, 2, receipt->channel_id);
    db_bind_i64(w->add, 3, receipt->kind);
    db_bind_i64(w->add, 4, receipt->reason);
    db_bind_i64(w->add, 5, receipt->ref_key);
    db_bind_str(w->add, 6, or_null(receipt->ref));
    db_bind_str(w->add, 7, or_null(receipt->address));
    db_bind_str(w->add, 8, or_null(receipt->detail));
    rc = db_run(w->add, err);
    if (rc == 0) {
        change_key(w, receipt->ref_key, true);
        w->count++;
    }
    return rc;
}

static size_t keep(struct receipt_wait *w, struct str text) {
    size_t at = w->texts.bytes;
    base_buf_add_str(&w->texts, text);
    return at;
}

/* Reads them all before any is shown, for showing may write to the same table. */
static int read_rows(struct receipt_wait *w, struct db_stmt *stmt, struct base_err *err) {
    int rc;
    w->row_count = 0;
    base_buf_clear(&w->texts);
    while ((rc = db_step(stmt, err)) == 1) {
        if (w->row_count == w->row_room) {
            w->row_room = w->row_room ? 2 * w->row_room : 64;
            w->rows = base_realloc(w->rows, w->row_room * sizeof *w->rows);
        }
        struct row *row = &w->rows[w->row_count++];
        *row = (struct row){.id = db_column_i64(stmt, 0),
            .receipt = {.at_ms = db_column_i64(stmt, 1),
                .channel_id = db_column_i64(stmt, 2),
                .kind = (enum lantoa_event_kind)db_column_i64(stmt, 3),
                .reason = (enum lantoa_reason)db_column_i64(stmt, 4),
                .ref_key = db_column_i64(stmt, 5),
                .ref = db_column_str(stmt, 6),
                .address = db_column_str(stmt, 7),
                .detail = db_column_str(stmt, 8)}};
        row->ref = keep(w, row->receipt.ref);
        row->address = keep(w, row->receipt.address);
        row->detail = keep(w, row->receipt.detail);
    }
    for (size_t i = 0; i < w->row_count; i++) {
        struct row *row = &w->rows[i];
        row->receipt.ref.at = w->texts.at + row->ref;
        row->receipt.address.at = w->texts.at + row->address;
        row->receipt.detail.at = w->texts.at + row->detail;
    }
    return rc;
}

static int show(struct receipt_wait *w, struct db_stmt *stmt, receipt_wait_fn *fn, void *arg,
    struct base_err *err) {
    int rc = read_rows(w, stmt, err);
    for (size_t i = 0; rc == 0 && i < w->row_count; i++) {
        bool found = false;
        rc = fn(arg, &w->rows[i].receipt, &found, err);
        if (rc == 0 && found) {
            db_bind_i64(w->drop, 1, w->rows[i].id);
            rc = db_run(w->drop, err);
            change_key(w, w->rows[i].receipt.ref_key, false);
            w->count--;
        }
    }
    return rc;
}

int receipt_wait_take(
    struct receipt_wait *w, int64_t ref_key, receipt_wait_fn *fn, void *arg, struct base_err *err) {
    int rc = refresh(w, err);
    if (rc != 0 || !receipt_wait_has(w, ref_key)) {
        return rc;
    }
    db_bind_i64(w->by_key, 1, ref_key);
    db_bind_i64(w->by_key, 2, 0);
    db_bind_i64(w->by_key, 3, TAKE_MOST);
    return show(w, w->by_key, fn, arg, err);
}

int receipt_wait_walk(struct receipt_wait *w, int64_t *after_io, size_t most, receipt_wait_fn *fn,
    void *arg, struct base_err *err) {
    int rc = refresh(w, err);
    if (rc == 0) {
        db_bind_i64(w->behind, 1, *after_io);
        db_bind_i64(w->behind, 2, (int64_t)most);
        rc = show(w, w->behind, fn, arg, err);
    }
    if (rc == 0) {
        *after_io = w->row_count == most ? w->rows[most - 1].id : 0;
    }
    return rc;
}

int receipt_wait_prune(struct receipt_wait *w, int64_t before_ms, struct base_err *err) {
    db_bind_i64(w->old, 1, before_ms);
    int rc = db_run(w->old, err);
    if (rc == 0 && db_changes(w->db) > 0) {
        w->stale = true;
    }
    return rc;
}
