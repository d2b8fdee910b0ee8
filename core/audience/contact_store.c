/* Finding the same person again, adding and updating. The rules of who is the same stand in
 * contact.h. */
#include "audience/contact_store.h"

#include "audience/contact.h"
#include "audience/contact_merge.h"
#include "base/civil.h"
#include "base/text.h"
#include "base/tr.h"

/* A number that hundreds of records share ("0900000000") knows nobody: looking through them all
 * would only take time. */
enum { CANDIDATES_MOST = 100, JSON_MOST = 16 * 1024 * 1024 };

static const char *const key_columns[CONTACT_KEYS] = {
    "person_id", "si_code", "ref", "email", "phone"};

/* ---- statements ---- */

static int prepare_finds(struct audience__store *store, const char *table, struct base_err *err) {
    int rc = 0;
    for (int key = 0; rc == 0 && key < CONTACT_KEYS; key++) {
        char *equals = key == KEY_EMAIL ? base_strdup(CONTACT_HAS_EMAIL("t", "?1"))
                                        : base_printf("t.%s = ?1", key_columns[key]);
        char *sql = base_printf("SELECT id, person_id, si_code, ref, name_key, birth_date FROM %s "
                                "t WHERE %s ORDER BY id LIMIT %d",
            table, equals, CANDIDATES_MOST);
        base_free(equals);
        rc = db_prepare(store->db, sql, &store->find[key], err);
        base_free(sql);
    }
    return rc;
}

static int prepare_writes(struct audience__store *store, const char *table, struct base_err *err) {
    char *insert = base_printf("INSERT INTO %s (ref, person_id, si_code, name, name_key, email, "
                               "phone, lang, birth_date, sex, household, place_id, enrolled_on, "
                               "enrolled_at, attrs, batch_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, "
                               "?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        table);
    char *insert_id = base_printf("%s RETURNING id", insert);
    char *read = base_printf("SELECT ref, person_id, si_code, name, name_key, email, phone, lang, "
                             "birth_date, sex, household, place_id, enrolled_on, enrolled_at, "
                             "attrs, batch_id FROM %s WHERE id = ?1",
        table);
    char *update = base_printf(
        "UPDATE %s SET ref = ?1, person_id = ?2, si_code = ?3, name = ?4, name_key = ?5, email = "
        "?6, phone = ?7, lang = ?8, birth_date = ?9, sex = ?10, household = ?11, place_id = ?12, "
        "enrolled_on = ?13, enrolled_at = ?14, attrs = ?15 WHERE id = ?16",
        table);
    int rc = db_prepare(store->db, insert, &store->insert, err);
    rc = rc ? rc : db_prepare(store->db, insert_id, &store->insert_id, err);
    rc = rc ? rc : db_prepare(store->db, read, &store->read, err);
    rc = rc ? rc : db_prepare(store->db, update, &store->update, err);
    base_free(insert);
    base_free(insert_id);
    base_free(read);
    base_free(update);
    return rc;
}

int audience__store_init(struct audience__store *store, struct db *db, const char *table,
    int64_t batch_id, int64_t now_ms, int64_t today_days, struct base_err *err) {
    *store = (struct audience__store){.db = db, .batch_id = batch_id, .now_ms = now_ms};
    base_format_date(base_date_from_days(today_days), store->today);
    base_buf_init(&store->attrs, JSON_MOST);
    base_buf_init(&store->json, JSON_MOST);
    int rc = prepare_finds(store, table, err);
    rc = rc ? rc : prepare_writes(store, table, err);
    rc = rc ? rc
            : db_prepare(db,
                  "INSERT INTO import_before (batch_id, contact_id, before) VALUES (?1, ?2, ?3) "
                  "ON CONFLICT DO NOTHING",
                  &store->before, err);
    rc = rc ? rc
            : db_prepare(db,
                  "SELECT action FROM consent WHERE contact_id = ?1 AND channel = '*' AND "
                  "purpose = 'advertising' ORDER BY at DESC, id DESC LIMIT 1",
                  &store->consent_newest, err);
    rc = rc ? rc
            : db_prepare(db,
                  "INSERT INTO consent (contact_id, channel, purpose, action, at, source, "
                  "batch_id) VALUES (?1, '*', 'advertising', ?2, ?3, 'import', ?4)",
                  &store->consent_add, err);
    return rc;
}

void audience__store_release(struct audience__store *store) {
    for (int key = 0; key < CONTACT_KEYS; key++) {
        db_finish(&store->find[key]);
    }
    db_finish(&store->read);
    db_finish(&store->insert);
    db_finish(&store->insert_id);
    db_finish(&store->update);
    db_finish(&store->before);
    db_finish(&store->consent_newest);
    db_finish(&store->consent_add);
    base_buf_release(&store->attrs);
    base_buf_release(&store->json);
}

/* ---- the same person ---- */

static bool differ(struct str a, struct str b) {
    return a.bytes > 0 && b.bytes > 0 && !str_eq(a, b);
}

static bool dates_differ(struct str a, struct str b) {
    if (a.bytes == 4 || b.bytes == 4) { /* one gives the year only */
        a.bytes = a.bytes > 4 ? 4 : a.bytes;
        b.bytes = b.bytes > 4 ? 4 : b.bytes;
    }
    return differ(a, b);
}

/* A candidate found by e-mail or phone: do the two records speak of two people? */
static bool contradicts(
    struct db_stmt *candidate, const struct audience__draft *draft, bool by_phone) {
    return differ(db_column_str(candidate, 1), draft->keys[KEY_PERSON_ID]) ||
           differ(db_column_str(candidate, 2), draft->keys[KEY_SI_CODE]) ||
           differ(db_column_str(candidate, 3), draft->keys[KEY_REF]) ||
           (by_phone && differ(db_column_str(candidate, 4), draft->name_key)) ||
           dates_differ(db_column_str(candidate, 5), draft->birth_date);
}

/* Looks one key up. *id_out: the person it points at, 0 none; already: the one found by stronger
 * keys wins if it is among them. *many_out: the key fits several people alike. */
static int find_by_key(struct audience__store *store, const struct audience__draft *draft, int key,
    int64_t already, int64_t *id_out, bool *many_out, struct base_err *err) {
    bool weak = key == KEY_EMAIL || key == KEY_PHONE;
    struct db_stmt *stmt = store->find[key];
    *id_out = 0;
    *many_out = false;
    int rc;
    db_bind_str(stmt, 1, draft->keys[key]);
    while ((rc = db_step(stmt, err)) == 1) {
        int64_t id = db_column_i64(stmt, 0);
        if (weak && id != already && contradicts(stmt, draft, key == KEY_PHONE)) {
            continue;
        }
        if (*id_out == 0 || id == already) {
            *many_out = false;
            *id_out = id;
        } else if (*id_out != already) {
            *many_out = true;
        }
        if (!weak) {
            db_reset(stmt);
            return 0;
        }
    }
    return rc;
}

static int find_person(struct audience__store *store, const struct audience__draft *draft,
    unsigned maybe_known, int64_t *id_out, const char **refusal_out, struct base_err *err) {
    int64_t found = 0;
    *refusal_out = NULL;
    for (int key = 0; key < CONTACT_KEYS; key++) {
        if (!(maybe_known & 1u << key) || draft->keys[key].bytes == 0) {
            continue;
        }
        int64_t id = 0;
        bool many = false;
        int rc = find_by_key(store, draft, key, found, &id, &many, err);
        if (rc) {
            return rc;
        }
        if (many && found == 0) {
            *refusal_out = key == KEY_PHONE
                               ? TR("several people have this phone: add a name or an identifier")
                               : TR("several people have this e-mail: add an identifier");
            return 0;
        }
        if (id != 0 && found != 0 && id != found) {
            *refusal_out = TR("two keys of this row belong to two different people");
            return 0;
        }
        found = id ? id : found;
    }
    *id_out = found;
    return 0;
}

/* ---- writing ---- */

static void bind_stored(struct db_stmt *stmt, const struct audience__contact_row *row) {
    for (int i = 0; i < STORED_COUNT; i++) {
        if (i == STORED_place_id || i == STORED_enrolled_at) {
            int64_t value = i == STORED_place_id ? row->place_id : row->enrolled_at;
            if (value) {
                db_bind_i64(stmt, i + 1, value);
            } else {
                db_bind_null(stmt, i + 1);
            }
        } else {
            struct str text = row->texts[i];
            db_bind_str(stmt, i + 1, text.bytes ? text : (struct str){NULL, 0});
        }
    }
}

static int give_consent(struct audience__store *store, int64_t contact_id,
    enum audience__given given, struct base_err *err) {
    db_bind_i64(store->consent_newest, 1, contact_id);
    int rc = db_step(store->consent_newest, err);
    if (rc < 0) {
        return rc;
    }
    int64_t newest = rc == 1 ? db_column_i64(store->consent_newest, 0) : -1;
    db_reset(store->consent_newest);
    if (newest == (int64_t)given) {
        return 0; /* the same file again adds nothing to the ledger */
    }
    db_bind_i64(store->consent_add, 1, contact_id);
    db_bind_i64(store->consent_add, 2, given);
    db_bind_i64(store->consent_add, 3, store->now_ms);
    db_bind_i64(store->consent_add, 4, store->batch_id);
    return db_run(store->consent_add, err);
}

static int add(struct audience__store *store, const struct audience__draft *draft, int64_t place_id,
    struct base_err *err) {
    struct audience__contact_row row = {0};
    (void)audience__merge(&row, draft, place_id, store->now_ms, store->today, &store->attrs);
    /* Nobody reads the id unless a consent goes with it. */
    bool consent = draft->consent != GIVEN_NOT && store->batch_id != 0;
    struct db_stmt *stmt = consent ? store->insert_id : store->insert;
    bind_stored(stmt, &row);
    db_bind_i64(stmt, STORED_COUNT + 1, store->batch_id);
    if (!consent) {
        return db_run(stmt, err);
    }
    int rc = db_step(stmt, err);
    if (rc != 1) {
        return rc;
    }
    int64_t id = db_column_i64(stmt, 0);
    db_reset(stmt);
    return give_consent(store, id, draft->consent, err);
}

static int keep_before(struct audience__store *store, int64_t id,
    const struct audience__contact_row *row, struct base_err *err) {
    base_buf_clear(&store->json);
    audience__row_json(row, &store->json);
    db_bind_i64(store->before, 1, store->batch_id);
    db_bind_i64(store->before, 2, id);
    db_bind_str(store->before, 3, base_buf_str(&store->json));
    return db_run(store->before, err);
}

static int change(struct audience__store *store, const struct audience__draft *draft, int64_t id,
    int64_t place_id, bool *changed_out, struct base_err *err) {
    db_bind_i64(store->read, 1, id);
    int rc = db_step(store->read, err);
    if (rc != 1) {
        return rc ? rc : base_err_set(err, LANTOA_ECORRUPT, TR("a contact vanished"));
    }
    struct audience__contact_row row;
    audience__row_read(store->read, &row);
    bool own = db_column_i64(store->read, STORED_COUNT) == store->batch_id;
    struct audience__contact_row before = row;
    *changed_out =
        audience__merge(&row, draft, place_id, store->now_ms, store->today, &store->attrs);
    rc = 0;
    if (*changed_out) {
        /* A row this very import added goes away as a whole when it is undone. */
        if (store->batch_id != 0 && !own) {
            rc = keep_before(store, id, &before, err);
        }
        if (rc == 0) {
            bind_stored(store->update, &row);
            db_bind_i64(store->update, STORED_COUNT + 1, id);
            rc = db_run(store->update, err);
        }
    }
    db_reset(store->read);
    if (rc == 0 && draft->consent != GIVEN_NOT && store->batch_id != 0) {
        rc = give_consent(store, id, draft->consent, err);
    }
    return rc;
}

int audience__store_put(struct audience__store *store, const struct audience__draft *draft,
    int64_t place_id, unsigned maybe_known, enum audience__put *put_out, const char **refusal_out,
    struct base_err *err) {
    int64_t id = 0;
    *refusal_out = NULL;
    int rc = maybe_known ? find_person(store, draft, maybe_known, &id, refusal_out, err) : 0;
    if (rc) {
        return rc;
    }
    if (*refusal_out) {
        *put_out = PUT_REFUSED;
        return 0;
    }
    if (id == 0) {
        *put_out = PUT_ADDED;
        return add(store, draft, place_id, err);
    }
    bool changed = false;
    rc = change(store, draft, id, place_id, &changed, err);
    *put_out = changed ? PUT_UPDATED : PUT_UNCHANGED;
    return rc;
}
