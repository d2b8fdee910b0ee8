/* Whole batches of enrolments: taken back, matched again after contacts came in; and the mappings
 * that are kept under a name. */
#include "conversion/enrolment_private.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/tr.h"

enum { CHUNK = 5000 };

/* --- lists of contacts --- */

struct ids {
    int64_t *at;
    size_t count, room;
};

static void ids_add(struct ids *ids, int64_t id) {
    if (ids->count == ids->room) {
        ids->room = ids->room ? 2 * ids->room : 1024;
        ids->at = base_realloc(ids->at, ids->room * sizeof *ids->at);
    }
    ids->at[ids->count++] = id;
}

static int ids_load(
    struct db *db, const char *sql, int64_t arg, struct ids *ids, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, sql, &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, arg);
        while ((rc = db_step(stmt, err)) == 1) {
            ids_add(ids, db_column_i64(stmt, 0));
        }
    }
    db_finish(&stmt);
    return rc;
}

/* Reckons the state of all these people anew, in transactions that let others in between. */
static int refresh_all(struct db *db, const struct ids *ids, struct base_err *err) {
    struct enrolment__state *state = NULL;
    int rc = enrolment__state_new(db, base_clock_now_ms(), &state, err);
    for (size_t from = 0; rc == 0 && from < ids->count; from += CHUNK) {
        rc = db_begin(db, err);
        for (size_t i = from; rc == 0 && i < ids->count && i < from + CHUNK; i++) {
            rc = enrolment__state_refresh(state, ids->at[i], err);
        }
        if (rc == 0) {
            rc = db_commit(db, err);
        } else {
            db_rollback(db);
        }
    }
    enrolment__state_free(&state);
    return rc;
}

/* --- undo --- */

static int check_batch(struct db *db, int64_t batch_id, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT COALESCE(undone_at, 0) FROM import_batch WHERE id = ?1 AND kind = 'enrolment'",
        &stmt, err);
    if (rc) {
        return rc;
    }
    db_bind_i64(stmt, 1, batch_id);
    rc = db_step(stmt, err);
    if (rc == 0) {
        rc = base_err_set(err, LANTOA_ENOENT,
            TR("there is no import of enrolments with the number %lld"), (long long)batch_id);
    } else if (rc == 1) {
        rc = db_column_i64(stmt, 0)
                 ? base_err_set(err, LANTOA_ESTATE, TR("import %lld has been undone already"),
                       (long long)batch_id)
                 : 0;
    }
    db_finish(&stmt);
    return rc;
}

static int run_with_batch(
    struct db *db, const char *sql, int64_t batch_id, int64_t now_ms, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, sql, &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, batch_id);
        if (now_ms) {
            db_bind_i64(stmt, 2, now_ms);
        }
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

int enrolment_undo(struct db *db, int64_t batch_id, struct enrolment_undo_outcome *outcome_out,
    struct base_err *err) {
    struct ids ids = {0};
    *outcome_out = (struct enrolment_undo_outcome){0};
    int rc = check_batch(db, batch_id, err);
    rc = rc ? rc
            : ids_load(db,
                  "SELECT DISTINCT contact_id FROM enrolment WHERE (batch_id = ?1 OR id IN (SELECT "
                  "enrolment_id FROM enrolment_correction WHERE batch_id = ?1)) AND contact_id IS "
                  "NOT NULL ORDER BY contact_id",
                  batch_id, &ids, err);
    rc = rc ? rc : db_begin(db, err);
    if (rc == 0) {
        rc = run_with_batch(db, "DELETE FROM enrolment WHERE batch_id = ?1", batch_id, 0, err);
        outcome_out->deleted = db_changes(db);
        rc = rc ? rc : enrolment__corrections_undo(db, batch_id, err);
        rc = rc ? rc
                : run_with_batch(db, "UPDATE import_batch SET undone_at = ?2 WHERE id = ?1",
                      batch_id, base_clock_now_ms(), err);
        if (rc == 0) {
            rc = db_commit(db, err);
        } else {
            db_rollback(db);
        }
    }
    /* Cut short here, `enrolment rematch` finishes it. */
    rc = rc ? rc : refresh_all(db, &ids, err);
    outcome_out->contacts = (int64_t)ids.count;
    base_free(ids.at);
    return rc;
}

/* --- matching again --- */

/* Open events by one of their hashes. */
struct open_event {
    int64_t hash, id, place_id;
    int kind; /* 0 person_id, 1 si_code, 2 phone, 3 name */
};
struct open_events {
    struct open_event *at;
    size_t count, room;
};

static void open_add(struct open_events *open, struct db_stmt *stmt, int column, int kind) {
    if (db_column_is_null(stmt, column)) {
        return;
    }
    if (open->count == open->room) {
        open->room = open->room ? 2 * open->room : 1024;
        open->at = base_realloc(open->at, open->room * sizeof *open->at);
    }
    open->at[open->count++] = (struct open_event){
        db_column_i64(stmt, column), db_column_i64(stmt, 0), db_column_i64(stmt, 5), kind};
}

static int compare_open(const void *a, const void *b) {
    const struct open_event *left = a, *right = b;
    return left->hash < right->hash ? -1 : left->hash > right->hash;
}

static int load_open(struct db *db, struct open_events *open, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT id, person_hash, si_hash, phone_hash, name_hash, place_id FROM enrolment WHERE "
        "contact_id IS NULL AND review < 2",
        &stmt, err);
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        for (int kind = 0; kind < 4; kind++) {
            open_add(open, stmt, 1 + kind, kind);
        }
        rc = 0;
    }
    db_finish(&stmt);
    if (open->count > 0) {
        qsort(open->at, open->count, sizeof *open->at, compare_open);
    }
    return rc;
}

/* What was found for an open event: the strongest kind, and whether several fit. */
struct finding {
    int64_t id; /* of the event */
    int64_t contacts[ENROLMENT__CANDIDATES_MOST];
    size_t count;
    int kind;
};
struct findings {
    struct finding *at;
    size_t count, room;
};

static int compare_finding(const void *a, const void *b) {
    const struct finding *left = a, *right = b;
    if (left->id != right->id) {
        return left->id < right->id ? -1 : 1;
    }
    return left->kind - right->kind;
}

static void findings_add(
    struct findings *findings, const struct open_event *event, int64_t contact_id) {
    if (findings->count == findings->room) {
        findings->room = findings->room ? 2 * findings->room : 256;
        findings->at = base_realloc(findings->at, findings->room * sizeof *findings->at);
    }
    findings->at[findings->count++] = (struct finding){
        .id = event->id, .contacts = {contact_id}, .count = 1, .kind = event->kind};
}

struct rematch {
    struct db *db;
    struct enrolment__hasher hasher;
    struct enrolment__matcher *matcher;
    struct open_events open;
    struct findings findings;
};

static int look_up(struct rematch *r, int kind, const char *word, struct str value,
    int64_t contact_id, int64_t place_id, struct base_err *err) {
    if (value.bytes == 0) {
        return 0;
    }
    struct open_event key = {.hash = enrolment__hash(&r->hasher, word, value)};
    size_t low = 0, high = r->open.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (r->open.at[middle].hash < key.hash) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < r->open.count && r->open.at[low].hash == key.hash; low++) {
        bool same = true;
        if (r->open.at[low].kind != kind) {
            continue;
        }
        if (kind == 3) {
            int rc =
                enrolment__same_place(r->matcher, r->open.at[low].place_id, place_id, &same, err);
            if (rc) {
                return rc;
            }
            same = same && place_id != 0;
        }
        if (same) {
            findings_add(&r->findings, &r->open.at[low], contact_id);
        }
    }
    return 0;
}

static int look_at_contacts(struct rematch *r, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(r->db,
        "SELECT id, person_id, si_code, phone, name_key, birth_date, place_id FROM contact", &stmt,
        err);
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        int64_t id = db_column_i64(stmt, 0), place = db_column_i64(stmt, 6);
        struct str name = db_column_str(stmt, 4), birth = db_column_str(stmt, 5);
        char text[1200] = "", phone[1200] = "";
        if (name.bytes && birth.bytes == 10) {
            snprintf(text, sizeof text, "%.*s|%.*s", (int)(name.bytes < 1000 ? name.bytes : 1000),
                name.at, STR_ARG(birth));
        }
        if (name.bytes && db_column_str(stmt, 3).bytes) {
            snprintf(phone, sizeof phone, "%.*s|%.*s", STR_ARG(db_column_str(stmt, 3)),
                (int)(name.bytes < 1000 ? name.bytes : 1000), name.at);
        }
        rc = look_up(r, 0, "person_id", db_column_str(stmt, 1), id, place, err);
        rc = rc ? rc : look_up(r, 1, "si_code", db_column_str(stmt, 2), id, place, err);
        rc = rc ? rc : look_up(r, 2, "phone", db_column_str(stmt, 3), id, place, err);
        rc = rc ? rc : look_up(r, 2, "phone", str_from(phone), id, place, err);
        rc = rc ? rc : look_up(r, 3, "name", str_from(text), id, place, err);
    }
    db_finish(&stmt);
    return rc;
}

/* One finding an event: of the strongest kind, with all contacts that fit it. */
static void merge_findings(struct findings *findings) {
    size_t to = 0;
    if (findings->count > 0) {
        qsort(findings->at, findings->count, sizeof *findings->at, compare_finding);
    }
    for (size_t i = 0; i < findings->count; i++) {
        struct finding *last = to ? &findings->at[to - 1] : NULL;
        if (!last || last->id != findings->at[i].id) {
            findings->at[to++] = findings->at[i];
        } else if (last->kind == findings->at[i].kind && last->count < ENROLMENT__CANDIDATES_MOST) {
            last->contacts[last->count++] = findings->at[i].contacts[0];
        }
    }
    findings->count = to;
}

static int write_findings(
    struct rematch *r, int64_t *matched_out, int64_t *review_out, struct base_err *err) {
    static const char *const words[] = {"person_id", "si_code", "phone", "name"};
    struct db_stmt *settle = NULL, *ask = NULL;
    int rc = db_prepare(r->db,
        "UPDATE enrolment SET contact_id = ?2, matched_by = ?3, review = 0 WHERE id = ?1", &settle,
        err);
    rc = rc ? rc
            : db_prepare(r->db, "UPDATE enrolment SET review = 1, matched_by = ?2 WHERE id = ?1",
                  &ask, err);
    rc = rc ? rc : db_begin(r->db, err);
    for (size_t i = 0; rc == 0 && i < r->findings.count; i++) {
        const struct finding *found = &r->findings.at[i];
        char candidates[24 * ENROLMENT__CANDIDATES_MOST + 16] = "";
        size_t at = 0;
        for (size_t k = 0; k < found->count; k++) {
            at += (size_t)snprintf(candidates + at, sizeof candidates - at, "%s%lld", k ? " " : "",
                (long long)found->contacts[k]);
        }
        struct db_stmt *stmt = found->count == 1 ? settle : ask;
        db_bind_i64(stmt, 1, found->id);
        if (found->count == 1) {
            db_bind_i64(stmt, 2, found->contacts[0]);
            db_bind_text(stmt, 3, words[found->kind]);
            ++*matched_out;
        } else {
            db_bind_text(stmt, 2, candidates);
            ++*review_out;
        }
        rc = db_run(stmt, err);
    }
    db_finish(&settle);
    db_finish(&ask);
    if (rc == 0) {
        return db_commit(r->db, err);
    }
    if (db_in_transaction(r->db)) {
        db_rollback(r->db);
    }
    return rc;
}

/* Events whose contact is gone are of nobody again. */
static int let_go(struct db *db, struct base_err *err) {
    int rc = db_begin(db, err);
    if (rc) {
        return rc;
    }
    rc = db_exec(db,
        "UPDATE enrolment SET contact_id = NULL, matched_by = NULL, review = 0 WHERE contact_id IS "
        "NOT NULL AND contact_id NOT IN (SELECT id FROM contact); "
        "DELETE FROM enrolment_due WHERE contact_id NOT IN (SELECT id FROM contact); "
        "DELETE FROM enrolment_before WHERE contact_id NOT IN (SELECT id FROM contact)",
        err);
    if (rc == 0) {
        return db_commit(db, err);
    }
    db_rollback(db);
    return rc;
}

int enrolment_rematch(
    struct db *db, int64_t *matched_out, int64_t *review_out, struct base_err *err) {
    struct rematch r = {.db = db};
    struct ids ids = {0};
    *matched_out = *review_out = 0;
    int rc = let_go(db, err);
    rc = rc ? rc : enrolment__hasher_init(&r.hasher, db, err);
    rc = rc ? rc : enrolment__matcher_new(db, &r.matcher, err);
    rc = rc ? rc : load_open(db, &r.open, err);
    if (rc == 0 && r.open.count > 0) {
        rc = look_at_contacts(&r, err);
        merge_findings(&r.findings);
        rc = rc ? rc : write_findings(&r, matched_out, review_out, err);
    }
    rc = rc ? rc
            : ids_load(db,
                  "SELECT DISTINCT contact_id FROM enrolment WHERE contact_id > ?1 UNION SELECT "
                  "contact_id FROM enrolment_before UNION SELECT contact_id FROM enrolment_due",
                  0, &ids, err);
    rc = rc ? rc : refresh_all(db, &ids, err);
    enrolment__hasher_release(&r.hasher);
    enrolment__matcher_free(&r.matcher);
    base_free(r.open.at);
    base_free(r.findings.at);
    base_free(ids.at);
    return rc;
}

/* --- profiles --- */

static json_t *list_of(const char *const *texts, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_string(texts[i]));
    }
    return list;
}

int enrolment_profile_save(
    struct db *db, const char *name, const struct audience_import *import, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    json_t *options = json_pack("{s:o,s:o}", "map", list_of(import->map, import->map_count), "set",
        list_of(import->set, import->set_count));
    char *text = json_dumps(options, JSON_COMPACT);
    json_decref(options);
    int rc = db_begin(db, err);
    if (rc == 0) {
        rc = db_prepare(db,
            "INSERT INTO import_profile (kind, name, options, changed_at) VALUES ('enrolment', ?1, "
            "?2, ?3) ON CONFLICT (kind, name) DO UPDATE SET options = excluded.options, changed_at "
            "= excluded.changed_at",
            &stmt, err);
        if (rc == 0) {
            db_bind_text(stmt, 1, name);
            db_bind_text(stmt, 2, text);
            db_bind_i64(stmt, 3, base_clock_now_ms());
            rc = db_run(stmt, err);
        }
        db_finish(&stmt);
        if (rc == 0) {
            rc = db_commit(db, err);
        } else {
            db_rollback(db);
        }
    }
    base_free(text);
    return rc;
}

static size_t copy_list(json_t *list, char ***out) {
    size_t count = json_array_size(list);
    *out = base_alloc_array(count + 1, sizeof **out);
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        (*out)[i] = base_strdup(text ? text : "");
    }
    return count;
}

int enrolment_profile_load(struct db *db, const char *name, char ***map_out, size_t *map_count_out,
    char ***set_out, size_t *set_count_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT options FROM import_profile WHERE kind = 'enrolment' AND name = ?1", &stmt, err);
    if (rc) {
        return rc;
    }
    db_bind_text(stmt, 1, name);
    rc = db_step(stmt, err);
    if (rc == 1) {
        struct str text = db_column_str(stmt, 0);
        json_t *options = json_loadb(text.at, text.bytes, 0, NULL);
        *map_count_out = copy_list(json_object_get(options, "map"), map_out);
        *set_count_out = copy_list(json_object_get(options, "set"), set_out);
        json_decref(options);
        rc = 0;
    } else if (rc == 0) {
        rc = base_err_set(err, LANTOA_ENOENT, TR("no mapping is kept under the name '%s'"), name);
    }
    db_finish(&stmt);
    return rc;
}
