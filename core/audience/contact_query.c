/* Contacts for the eyes of people. */
#include "audience/contact_query.h"

#include "audience/flat_json.h"
#include "base/mem.h"
#include "base/name_order.h"
#include "base/text.h"
#include "base/tr.h"
#include <stdlib.h>

enum { SQL_MOST = 16 * 1024 * 1024, TEXT_MOST = 4096 };

/* The text as each kind of key stores it; NULL where it cannot be one. */
struct keys {
    struct base_buf nfc, email, pattern;
    char phone[20];
};

/* LIKE's own signs are taken as they are written. */
static void like_pattern(struct base_buf *out, struct str key) {
    base_buf_add_char(out, '%');
    for (size_t i = 0; i < key.bytes; i++) {
        if (key.at[i] && strchr("%_\\", key.at[i])) {
            base_buf_add_char(out, '\\');
        }
        base_buf_add_char(out, key.at[i]);
    }
    base_buf_add_char(out, '%');
}

static int keys_read(struct keys *keys, struct str text, struct base_err *err) {
    base_buf_init(&keys->nfc, TEXT_MOST);
    base_buf_init(&keys->email, TEXT_MOST);
    base_buf_init(&keys->pattern, TEXT_MOST);
    struct base_buf folded;
    base_buf_init(&folded, TEXT_MOST);
    int rc = base_utf8_valid(text) ? 0 : LANTOA_EINVAL;
    rc = rc ? rc : base_text_nfc(&keys->nfc, str_trim(text));
    rc = rc ? rc : base_text_key(&folded, text);
    like_pattern(&keys->pattern, base_buf_str(&folded));
    base_buf_release(&folded);
    keys->phone[0] = '\0';
    if (rc == 0) {
        if (contact_phone(text, keys->phone, NULL)) {
            keys->phone[0] = '\0';
        }
        if (contact_email(text, &keys->email, NULL)) {
            base_buf_clear(&keys->email);
        }
    }
    return rc ? base_err_set(err, LANTOA_EINVAL, TR("the text to look for is not valid")) : 0;
}

static void keys_release(struct keys *keys) {
    base_buf_release(&keys->nfc);
    base_buf_release(&keys->email);
    base_buf_release(&keys->pattern);
}

/* PostgreSQL takes no gaps between placeholders. */
static int first_segment_index(const struct contact_query *query) {
    return query->text.bytes == 0 ? 3 : query->keys_only ? 6 : 7;
}

static int query_sql(
    const struct contact_query *query, struct base_buf *sql, struct base_err *err) {
    base_buf_add_text(sql, "SELECT " CONTACT_COLUMNS " FROM contact c WHERE c.id > ?1");
    if (query->text.bytes > 0) {
        base_buf_add_text(
            sql, " AND (c.ref = ?3 OR c.person_id = ?3 OR c.si_code = ?3 OR " CONTACT_HAS_EMAIL(
                     "c", "?4") " OR c.phone = ?5");
        base_buf_add_text(sql, query->keys_only ? ")" : " OR c.name_key LIKE ?6 ESCAPE '\\')");
    }
    if (query->segment) {
        int next = 0;
        base_buf_add_text(sql, " AND ");
        int rc = segment_sql(query->segment, sql, first_segment_index(query), &next, err);
        if (rc) {
            return rc;
        }
    }
    base_buf_add_text(sql, " ORDER BY c.id LIMIT ?2");
    return 0;
}

static void query_bind(const struct contact_query *query, struct keys *keys, struct db_stmt *stmt) {
    db_bind_i64(stmt, 1, query->after_id);
    db_bind_i64(stmt, 2, query->most);
    if (query->text.bytes > 0) {
        db_bind_str(stmt, 3, base_buf_str(&keys->nfc));
        db_bind_text(stmt, 4, keys->email.bytes ? base_buf_text(&keys->email) : NULL);
        db_bind_text(stmt, 5, keys->phone[0] ? keys->phone : NULL);
        if (!query->keys_only) {
            db_bind_str(stmt, 6, base_buf_str(&keys->pattern));
        }
    }
    if (query->segment) {
        segment_bind(query->segment, stmt, first_segment_index(query), query->today_days);
    }
}

static int each_row(struct db_stmt *stmt, int (*row)(void *arg, const struct contact *contact),
    void *arg, struct base_err *err) {
    int rc;
    while ((rc = db_step(stmt, err)) == 1) {
        struct contact contact;
        contact_read(stmt, 0, &contact);
        rc = row(arg, &contact);
        if (rc) {
            db_reset(stmt);
            break;
        }
    }
    return rc;
}

/* --- by name --- */

struct named {
    int64_t id;
    size_t at, bytes; /* its key */
};

struct sorting {
    struct named *all;
    size_t count, room;
    struct base_buf keys;
    struct base_err *err;
};

static int take_name(void *arg, const struct contact *contact) {
    struct sorting *sorting = arg;
    if (sorting->count == CONTACT_SORTED_MOST) {
        return base_err_set(sorting->err, LANTOA_ELIMIT,
            TR("more than %d people cannot be put in order of name"), CONTACT_SORTED_MOST);
    }
    if (sorting->count == sorting->room) {
        sorting->room = sorting->room ? 2 * sorting->room : 256;
        sorting->all = base_realloc(sorting->all, sorting->room * sizeof *sorting->all);
    }
    size_t at = sorting->keys.bytes;
    int rc = base_name_order(&sorting->keys, contact->name);
    sorting->all[sorting->count++] =
        (struct named){contact->id, at, rc == 0 ? sorting->keys.bytes - at : 0};
    return rc == LANTOA_EINVAL ? 0 : rc;
}

static int by_name(const void *a, const void *b, void *arg) {
    const struct named *one = a, *other = b;
    const char *keys = arg;
    size_t shorter = one->bytes < other->bytes ? one->bytes : other->bytes;
    int order = shorter ? memcmp(keys + one->at, keys + other->at, shorter) : 0;
    order = order ? order : (one->bytes > other->bytes) - (one->bytes < other->bytes);
    return order ? order : (one->id > other->id) - (one->id < other->id);
}

static int each_by_name(struct db *db, const struct contact_query *query,
    int (*row)(void *arg, const struct contact *contact), void *arg, struct base_err *err) {
    struct sorting sorting = {.err = err};
    struct contact_query all = *query;
    all.order = CONTACT_BY_ID;
    all.most = CONTACT_SORTED_MOST + 1;
    base_buf_init(&sorting.keys, (size_t)1 << 30);
    int rc = contact_each(db, &all, take_name, &sorting, err);
    if (rc == 0 && sorting.count > 1) {
        qsort_r(sorting.all, sorting.count, sizeof *sorting.all, by_name, sorting.keys.at);
    }
    for (size_t i = 0; rc == 0 && i < sorting.count && i < (size_t)query->most; i++) {
        rc = contact_get(db, sorting.all[i].id, row, arg, err);
        rc = rc == LANTOA_ENOENT ? 0 : rc; /* gone meanwhile */
    }
    base_buf_release(&sorting.keys);
    base_free(sorting.all);
    return rc;
}

int contact_each(struct db *db, const struct contact_query *query,
    int (*row)(void *arg, const struct contact *contact), void *arg, struct base_err *err) {
    struct keys keys;
    struct base_buf sql;
    struct db_stmt *stmt = NULL;
    if (query->order == CONTACT_BY_NAME) {
        return each_by_name(db, query, row, arg, err);
    }
    base_buf_init(&sql, SQL_MOST);
    int rc = keys_read(&keys, query->text, err);
    rc = rc ? rc : query_sql(query, &sql, err);
    rc = rc ? rc : db_prepare(db, base_buf_text(&sql), &stmt, err);
    if (rc == 0) {
        query_bind(query, &keys, stmt);
        rc = each_row(stmt, row, arg, err);
    }
    db_finish(&stmt);
    base_buf_release(&sql);
    keys_release(&keys);
    return rc;
}

int contact_get(struct db *db, int64_t id, int (*row)(void *arg, const struct contact *contact),
    void *arg, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc =
        db_prepare(db, "SELECT " CONTACT_COLUMNS " FROM contact c WHERE c.id = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, id);
        rc = db_step(stmt, err);
        if (rc == 1) {
            struct contact contact;
            contact_read(stmt, 0, &contact);
            rc = row(arg, &contact);
            db_reset(stmt);
        } else if (rc == 0) {
            rc = base_err_set(
                err, LANTOA_ENOENT, TR("there is no contact with the number %lld"), (long long)id);
        }
    }
    db_finish(&stmt);
    return rc;
}

int contact_attr_each(const struct contact *contact,
    int (*row)(void *arg, struct str name, struct str value), void *arg) {
    struct base_buf scratch;
    base_buf_init(&scratch, SQL_MOST);
    struct str name, value;
    int rc = 0;
    for (size_t pos = 0; rc == 0 && audience__flat_next(contact->attrs, &pos, &name, &value);) {
        rc = row(arg, name, audience__flat_text(value, &scratch));
    }
    base_buf_release(&scratch);
    return rc;
}

int contact_attribute_each(struct db *db,
    int (*row)(void *arg, struct str name, struct str heading), void *arg, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, "SELECT name, heading FROM attribute ORDER BY name", &stmt, err);
    if (rc) {
        return rc;
    }
    while ((rc = db_step(stmt, err)) == 1) {
        rc = row(arg, db_column_str(stmt, 0), db_column_str(stmt, 1));
        if (rc) {
            break;
        }
    }
    db_finish(&stmt);
    return rc;
}
