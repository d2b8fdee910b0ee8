/* The tables provider_ref_new, provider_ref and receipt_part. */
#include "delivery/provider_ref.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/parse.h"
#include <stdlib.h>

#define ENTRY_BYTES 16
#define ENTRIES_BYTES_MAX (size_t)(64 * 1024 * 1024)
#define FOLD_ENTRIES 50000  /* in one call: some 50 ms */
#define PRUNE_ENTRIES 20000 /* looked at in one call */
#define PRUNE_KEYS 5000
#define PRUNE_PARTS 5000
#define PARTS_MOST 1000

struct entry {
    int64_t key, message_id;
    size_t order; /* of appending */
};

struct provider_refs {
    struct db *db;
    struct base_buf fresh; /* entries of this transaction, as they are stored */
    struct db_stmt *append, *next, *drop, *is_open, *put, *find, *keys, *drop_key, *part, *parts,
        *drop_parts;
    bool any;
    int64_t row_seen, key_seen; /* pruning got so far */
    struct entry *entries;      /* FOLD_ENTRIES and one row more; made when first needed */
    size_t count, room;
};

int provider_refs_new(struct db *db, struct provider_refs **refs_out, struct base_err *err) {
    struct provider_refs *r = base_alloc(sizeof *r);
    r->db = db;
    base_buf_init(&r->fresh, ENTRIES_BYTES_MAX);
    const struct {
        struct db_stmt **stmt;
        const char *sql;
    } all[] = {
        {&r->append, "INSERT INTO provider_ref_new (at, entries) VALUES (?1, ?2)"},
        {&r->next,
            "SELECT id, at, entries FROM provider_ref_new WHERE id > ?1 ORDER BY id LIMIT 1"},
        {&r->drop, "DELETE FROM provider_ref_new WHERE id = ?1"},
        {&r->is_open, "SELECT 1 FROM message WHERE id = ?1 AND state IN (3, 4, 7)"},
        {&r->put, "INSERT INTO provider_ref (key, message_id) VALUES (?1, ?2) ON CONFLICT (key) DO "
                  "UPDATE SET message_id = excluded.message_id"},
        {&r->find, "SELECT message_id FROM provider_ref WHERE key = ?1"},
        {&r->keys, "SELECT r.key, CASE WHEN m.state IN (3, 4, 7) THEN m.at ELSE 0 END FROM "
                   "provider_ref r LEFT JOIN message m ON m.id = r.message_id WHERE r.key > ?1 "
                   "ORDER BY r.key LIMIT ?2"},
        {&r->drop_key, "DELETE FROM provider_ref WHERE key = ?1"},
        {&r->part, "INSERT INTO receipt_part (message_id, key) VALUES (?1, ?2) ON CONFLICT DO "
                   "NOTHING"},
        {&r->parts, "SELECT count(*) FROM receipt_part WHERE message_id = ?1"},
        {&r->drop_parts, "DELETE FROM receipt_part WHERE message_id IN (SELECT p.message_id FROM "
                         "receipt_part p LEFT JOIN message m ON m.id = p.message_id WHERE m.id IS "
                         "NULL OR m.state NOT IN (3, 4, 7) LIMIT ?1)"},
    };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof all / sizeof all[0]; i++) {
        rc = db_prepare(db, all[i].sql, all[i].stmt, err);
    }
    int64_t any = 0;
    if (rc == 0) {
        rc = db_get_i64(db,
            "SELECT CASE WHEN EXISTS (SELECT 1 FROM provider_ref_new) OR EXISTS (SELECT 1 FROM "
            "provider_ref) THEN 1 ELSE 0 END",
            &any, err);
    }
    r->any = any != 0;
    if (rc != 0) {
        provider_refs_free(&r);
        return rc;
    }
    *refs_out = r;
    return 0;
}

void provider_refs_free(struct provider_refs **refs) {
    struct provider_refs *r = *refs;
    if (!r) {
        return;
    }
    struct db_stmt **all[] = {&r->append, &r->next, &r->drop, &r->is_open, &r->put, &r->find,
        &r->keys, &r->drop_key, &r->part, &r->parts, &r->drop_parts};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        db_finish(all[i]);
    }
    base_buf_release(&r->fresh);
    base_free(r->entries);
    base_free(r);
    *refs = NULL;
}

int64_t provider_ref_key(int64_t channel_id, struct str ref) {
    uint64_t hash =
        (UINT64_C(0xCBF29CE484222325) ^ (uint64_t)channel_id) * UINT64_C(0x9E3779B97F4A7C15);
    for (size_t i = 0; i < ref.bytes; i++) {
        hash = (hash ^ (unsigned char)ref.at[i]) * UINT64_C(0x100000001B3);
    }
    hash ^= hash >> 32;
    hash *= UINT64_C(0xD6E8FEB86659FD93);
    hash ^= hash >> 32;
    hash &= INT64_MAX;
    return hash == 0 ? 1 : (int64_t)hash;
}

/* --- several parts --- */

struct str provider_ref_next(struct str *rest) {
    size_t from = 0;
    while (from < rest->bytes && rest->at[from] == ' ') {
        from++;
    }
    size_t end = from;
    while (end < rest->bytes && rest->at[end] != ' ') {
        end++;
    }
    struct str word = str_of(rest->at + from, end - from);
    *rest = str_of(rest->at + end, rest->bytes - end);
    return word;
}

/* "+2" */
static bool is_rest(struct str word, int64_t *more_out) {
    return word.bytes > 1 && word.at[0] == '+' &&
           base_parse_i64(str_of(word.at + 1, word.bytes - 1), more_out) == 0 && *more_out > 0 &&
           *more_out < PARTS_MOST;
}

size_t provider_ref_parts(struct str ref) {
    size_t words = 0;
    int64_t more;
    for (struct str word; (word = provider_ref_next(&ref)).bytes;) {
        words += words && is_rest(word, &more) ? (size_t)more : 1;
    }
    return words ? words : 1;
}

int provider_refs_part(struct provider_refs *r, int64_t message_id, int64_t key,
    size_t *arrived_out, struct base_err *err) {
    db_bind_i64(r->part, 1, message_id);
    db_bind_i64(r->part, 2, key);
    int rc = db_run(r->part, err);
    if (rc == 0) {
        db_bind_i64(r->parts, 1, message_id);
        rc = db_step(r->parts, err);
        *arrived_out = rc == 1 ? (size_t)db_column_i64(r->parts, 0) : 0;
        db_reset(r->parts);
        r->any = true;
    }
    return rc < 0 ? rc : 0;
}

/* --- appending --- */

static void store64(uint8_t *at, int64_t value) {
    for (int i = 0; i < 8; i++) {
        at[i] = (uint8_t)((uint64_t)value >> (8 * i));
    }
}

static int64_t load64(const uint8_t *at) {
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--) {
        value = value << 8 | at[i];
    }
    return (int64_t)value;
}

void provider_refs_add(struct provider_refs *r, int64_t key, int64_t message_id) {
    uint8_t entry[ENTRY_BYTES];
    store64(entry, key);
    store64(entry + 8, message_id);
    base_buf_add(&r->fresh, entry, sizeof entry);
}

int provider_refs_flush(struct provider_refs *r, int64_t now_ms, struct base_err *err) {
    if (r->fresh.bytes == 0) {
        return 0;
    }
    db_bind_i64(r->append, 1, now_ms);
    db_bind_blob(r->append, 2, r->fresh.at, r->fresh.bytes);
    int rc = db_run(r->append, err);
    base_buf_clear(&r->fresh);
    r->any = true;
    return rc;
}

void provider_refs_forget(struct provider_refs *r) {
    base_buf_clear(&r->fresh);
    r->row_seen = r->key_seen = 0;
}

/* --- folding --- */

static int is_open(
    struct provider_refs *r, int64_t message_id, bool *open_out, struct base_err *err) {
    db_bind_i64(r->is_open, 1, message_id);
    int rc = db_step(r->is_open, err);
    *open_out = rc == 1;
    db_reset(r->is_open);
    return rc < 0 ? rc : 0;
}

static void collect(struct provider_refs *r, struct str bytes) {
    size_t more = bytes.bytes / ENTRY_BYTES;
    if (r->count + more > r->room) {
        r->room = r->count + more > 2 * r->room ? r->count + more : 2 * r->room;
        r->entries = base_realloc(r->entries, r->room * sizeof *r->entries);
    }
    for (size_t i = 0; i < more; i++) {
        const uint8_t *at = (const uint8_t *)bytes.at + i * ENTRY_BYTES;
        r->entries[r->count] = (struct entry){load64(at), load64(at + 8), r->count};
        r->count++;
    }
}

/* The next row behind `after`; *id_out 0: there is none. Its entries are appended. */
static int read_row(struct provider_refs *r, int64_t after, int64_t *id_out, int64_t *at_out,
    struct base_err *err) {
    db_bind_i64(r->next, 1, after);
    int rc = db_step(r->next, err);
    *id_out = 0;
    if (rc == 1) {
        *id_out = db_column_i64(r->next, 0);
        *at_out = db_column_i64(r->next, 1);
        collect(r, db_column_blob(r->next, 2));
    }
    db_reset(r->next);
    return rc < 0 ? rc : 0;
}

static int drop_row(struct provider_refs *r, int64_t id, struct base_err *err) {
    db_bind_i64(r->drop, 1, id);
    return db_run(r->drop, err);
}

static int drop_settled(struct provider_refs *r, struct base_err *err) {
    size_t kept = 0;
    for (size_t i = 0; i < r->count; i++) {
        bool open;
        int rc = is_open(r, r->entries[i].message_id, &open, err);
        if (rc != 0) {
            return rc;
        }
        if (open) {
            r->entries[kept++] = r->entries[i];
        }
    }
    r->count = kept;
    return 0;
}

/* By key, so that the pages of the table are met in order; of equal keys the newest is put last. */
static int by_key(const void *a, const void *b) {
    const struct entry *one = a, *other = b;
    if (one->key != other->key) {
        return one->key < other->key ? -1 : 1;
    }
    return (one->order > other->order) - (one->order < other->order);
}

static int put_all(struct provider_refs *r, struct base_err *err) {
    if (r->count > 1) {
        qsort(r->entries, r->count, sizeof *r->entries, by_key);
    }
    for (size_t i = 0; i < r->count; i++) {
        db_bind_i64(r->put, 1, r->entries[i].key);
        db_bind_i64(r->put, 2, r->entries[i].message_id);
        int rc = db_run(r->put, err);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

int provider_refs_fold(struct provider_refs *r, bool *more_out, struct base_err *err) {
    int64_t id = 1, at;
    int rc = 0;
    r->count = 0;
    while (rc == 0 && id != 0 && r->count < FOLD_ENTRIES) {
        rc = read_row(r, 0, &id, &at, err);
        if (rc == 0 && id != 0) {
            rc = drop_row(r, id, err);
        }
    }
    *more_out = id != 0;
    if (rc == 0) {
        rc = drop_settled(r, err);
    }
    return rc == 0 ? put_all(r, err) : rc;
}

int provider_refs_find(
    struct provider_refs *r, int64_t key, int64_t *message_id_out, struct base_err *err) {
    db_bind_i64(r->find, 1, key);
    int rc = db_step(r->find, err);
    *message_id_out = rc == 1 ? db_column_i64(r->find, 0) : 0;
    db_reset(r->find);
    return rc < 0 ? rc : 0;
}

/* --- pruning --- */

bool provider_refs_any(const struct provider_refs *r) {
    return r->any;
}

static int any_open(struct provider_refs *r, bool *open_out, struct base_err *err) {
    int rc = 0;
    *open_out = false;
    for (size_t i = 0; rc == 0 && !*open_out && i < r->count; i++) {
        rc = is_open(r, r->entries[i].message_id, open_out, err);
    }
    return rc;
}

static int prune_rows(
    struct provider_refs *r, int64_t now_ms, bool *left_out, struct base_err *err) {
    size_t looked = 0;
    int64_t id = r->row_seen;
    int rc = 0;
    while (looked < PRUNE_ENTRIES) {
        int64_t next, at = 0;
        bool open = true;
        r->count = 0;
        rc = read_row(r, id, &next, &at, err);
        if (rc != 0 || next == 0) {
            id = 0;
            break;
        }
        id = next;
        looked += r->count + 1;
        rc = any_open(r, &open, err);
        if (rc == 0 && (!open || at < now_ms - PROVIDER_REF_KEEP_MS)) {
            rc = drop_row(r, id, err);
        } else if (rc == 0) {
            *left_out = true;
        }
        if (rc != 0) {
            return rc;
        }
    }
    *left_out |= id != 0 || r->row_seen != 0; /* a part was not looked at */
    r->row_seen = id;
    return rc;
}

static int prune_keys(
    struct provider_refs *r, int64_t now_ms, bool *left_out, struct base_err *err) {
    size_t seen = 0;
    int64_t last = r->key_seen;
    int rc;
    r->count = 0;
    db_bind_i64(r->keys, 1, r->key_seen);
    db_bind_i64(r->keys, 2, PRUNE_KEYS);
    while ((rc = db_step(r->keys, err)) == 1) {
        last = db_column_i64(r->keys, 0);
        seen++;
        if (db_column_i64(r->keys, 1) < now_ms - PROVIDER_REF_KEEP_MS) {
            uint8_t entry[ENTRY_BYTES] = {0};
            store64(entry, last);
            collect(r, str_of((const char *)entry, sizeof entry));
        } else {
            *left_out = true;
        }
    }
    for (size_t i = 0; rc == 0 && i < r->count; i++) {
        db_bind_i64(r->drop_key, 1, r->entries[i].key);
        rc = db_run(r->drop_key, err);
    }
    *left_out |= seen == PRUNE_KEYS || r->key_seen != 0;
    r->key_seen = seen == PRUNE_KEYS ? last : 0;
    return rc;
}

int provider_refs_prune(struct provider_refs *r, int64_t now_ms, struct base_err *err) {
    bool left = false;
    int rc = prune_rows(r, now_ms, &left, err);
    if (rc == 0) {
        rc = prune_keys(r, now_ms, &left, err);
    }
    if (rc == 0) {
        db_bind_i64(r->drop_parts, 1, PRUNE_PARTS);
        rc = db_run(r->drop_parts, err);
        left |= rc == 0 && db_changes(r->db) > 0;
    }
    if (rc == 0) {
        r->any = left;
    }
    return rc;
}
