/* What a name typed by a person can mean among the places of all times. */
#include "audience/place.h"

#include "audience/nearest.h"
#include "audience/place_name.h"
#include "base/civil.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"

enum { NAME_MOST = 1024, ANCESTORS_MOST = 8 };

struct found {
    int64_t *ids;
    size_t count, room;
    bool exact; /* the ids match with accents too; looser ones are no longer taken */
};

static void found_add(struct found *found, int64_t id, bool exact) {
    if (found->exact && !exact) {
        return;
    }
    if (exact && !found->exact) {
        found->exact = true;
        found->count = 0;
    }
    if (found->count == found->room) {
        found->room = found->room ? found->room * 2 : 8;
        found->ids = base_realloc(found->ids, found->room * sizeof(*found->ids));
    }
    found->ids[found->count++] = id;
}

/* true if the key means a place of this full key and short key. */
static bool key_means(struct str key, struct str name_key, struct str short_key) {
    return str_eq(key, name_key) || str_eq(key, short_key);
}

/* Climbs from a place: does any ancestor bear the name? */
static int has_ancestor(
    struct db_stmt *parent, int64_t id, struct str key, bool *has_out, struct base_err *err) {
    *has_out = false;
    for (int i = 0; i < ANCESTORS_MOST && id != 0; i++) {
        db_bind_i64(parent, 1, id);
        int rc = db_step(parent, err);
        if (rc != 1) {
            return rc;
        }
        id = db_column_i64(parent, 0);
        bool same = key_means(key, db_column_str(parent, 1), db_column_str(parent, 2));
        db_reset(parent);
        if (same) {
            *has_out = true;
            return 0;
        }
    }
    return 0;
}

/* The part of the text before the first comma is the place; the parts behind are ancestors, nearest
 * first. */
struct query {
    struct str name; /* NFC */
    struct base_buf name_text, key, ancestor_keys[3];
    size_t ancestors;
};

static void query_release(struct query *query) {
    base_buf_release(&query->name_text);
    base_buf_release(&query->key);
    for (size_t i = 0; i < 3; i++) {
        base_buf_release(&query->ancestor_keys[i]);
    }
}

static int query_read(struct query *query, struct str text, struct base_err *err) {
    base_buf_init(&query->name_text, NAME_MOST);
    base_buf_init(&query->key, NAME_MOST);
    for (size_t i = 0; i < 3; i++) {
        base_buf_init(&query->ancestor_keys[i], NAME_MOST);
    }
    query->ancestors = 0;
    struct str rest = text;
    struct str name = str_trim(str_cut(&rest, ','));
    int rc = base_text_nfc(&query->name_text, name);
    query->name = base_buf_str(&query->name_text);
    rc = rc ? rc : base_text_key(&query->key, name);
    while (rc == 0 && rest.at && rest.bytes > 0 && query->ancestors < 3) {
        rc =
            base_text_key(&query->ancestor_keys[query->ancestors++], str_trim(str_cut(&rest, ',')));
    }
    if (rc || query->key.bytes == 0) {
        return base_err_set(err, LANTOA_EINVAL, TR("not the name of a place"));
    }
    return 0;
}

static int search(
    struct db *db, const struct query *query, struct found *found, struct base_err *err) {
    struct db_stmt *stmt = NULL, *parent = NULL;
    struct str key = base_buf_str(&query->key);
    struct str short_key = audience__place_short(key);
    int rc = db_prepare(db,
        "SELECT id, name, name_key, COALESCE(parent_id, 0) FROM place WHERE short_key = ?1 "
        "ORDER BY id",
        &stmt, err);
    if (rc == 0) {
        rc = db_prepare(db,
            "SELECT COALESCE(parent_id, 0), name_key, short_key FROM place WHERE id = ?1", &parent,
            err);
    }
    if (rc == 0) {
        db_bind_str(stmt, 1, short_key);
    }
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        rc = 0;
        struct str name = db_column_str(stmt, 1);
        /* "xã Đồng Tiến" must not find the district of that name. */
        if (short_key.bytes != key.bytes && !str_eq(db_column_str(stmt, 2), key)) {
            continue;
        }
        bool wanted = true;
        for (size_t i = 0; i < query->ancestors && wanted && rc == 0; i++) {
            rc = has_ancestor(parent, db_column_i64(stmt, 3),
                base_buf_str(&query->ancestor_keys[i]), &wanted, err);
        }
        if (rc == 0 && wanted) {
            bool exact = str_eq(name, query->name) ||
                         str_eq(audience__place_bare(name), audience__place_bare(query->name));
            found_add(found, db_column_i64(stmt, 0), exact);
        }
    }
    db_finish(&stmt);
    db_finish(&parent);
    return rc;
}

/* A code means different places at different times, so alone it finds none: LANTOA_ENOENT with how
 * to write the newest. 0: it is no code either. */
static int only_a_code(struct db *db, struct str text, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, "SELECT MAX(valid_from) FROM place WHERE code = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_str(stmt, 1, text);
        rc = db_step(stmt, err);
    }
    if (rc == 1) {
        struct str day = db_column_str(stmt, 0);
        rc = day.bytes ? base_err_set(err, LANTOA_ENOENT,
                             TR("\"%.*s\" is a code: write it with a day, \"%.*s@%.*s\""),
                             STR_ARG(text), STR_ARG(text), STR_ARG(day))
                       : 0;
    }
    db_finish(&stmt);
    return rc;
}

/* LANTOA_ENOENT with the nearest name there is. */
static int not_found(struct db *db, struct str text, struct str key, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    struct base_buf best;
    base_buf_init(&best, NAME_MOST);
    struct audience__nearest nearest;
    audience__nearest_init(&nearest, audience__place_short(key));
    int rc = db_prepare(db, "SELECT DISTINCT short_key, name FROM place", &stmt, err);
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        size_t before = nearest.distance;
        audience__nearest_offer(&nearest, db_column_str(stmt, 0));
        if (nearest.distance < before) {
            base_buf_clear(&best);
            base_buf_add_str(&best, db_column_str(stmt, 1));
        }
        rc = 0;
    }
    db_finish(&stmt);
    if (rc == 0) {
        rc = best.bytes
                 ? base_err_set(err, LANTOA_ENOENT,
                       TR("unknown place \"%.*s\" (did you mean \"%s\"?)"), STR_ARG(text),
                       base_buf_text(&best))
                 : base_err_set(err, LANTOA_ENOENT, TR("unknown place \"%.*s\""), STR_ARG(text));
    }
    base_buf_release(&best);
    return rc;
}

/* "24@2022-01-01" */
static int find_code(
    struct db *db, struct str text, const char *at, struct found *found, struct base_err *err) {
    struct base_date date;
    struct str day = str_trim(str_of(at + 1, text.bytes - (size_t)(at - text.at) - 1));
    if (base_parse_date(day, &date)) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("\"%.*s\" is not a date (write the place as code@2026-01-31)"), STR_ARG(day));
    }
    int64_t id = 0;
    int rc = place_by_code(db, str_trim(str_of(text.at, (size_t)(at - text.at))), NULL,
        base_days_from_date(date), &id, err);
    if (rc == 0) {
        found_add(found, id, true);
    }
    return rc;
}

int place_find(
    struct db *db, struct str name, int64_t **ids_out, size_t *count_out, struct base_err *err) {
    struct found found = {0};
    struct query query = {0};
    name = str_trim(name);
    const char *at = name.bytes ? memchr(name.at, '@', name.bytes) : NULL;
    int rc;
    if (at) {
        rc = find_code(db, name, at, &found, err);
    } else {
        rc = query_read(&query, name, err);
        rc = rc ? rc : search(db, &query, &found, err);
        if (rc == 0 && found.count == 0) {
            rc = only_a_code(db, name, err);
            rc = rc ? rc : not_found(db, name, base_buf_str(&query.key), err);
        }
        query_release(&query);
    }
    if (rc) {
        base_free(found.ids);
        return rc;
    }
    *ids_out = found.ids;
    *count_out = found.count;
    return 0;
}
