/* Later files of the registry may say otherwise of an event that is there already. */
#include "conversion/enrolment_private.h"

#include "base/mem.h"

struct enrolment__corrector {
    struct db *db;
    struct db_stmt *keep, *correct;
};

#define DIFFERS                                                                                    \
    "COALESCE(?2, registered_date) IS DISTINCT FROM registered_date OR COALESCE(?3, place_id) IS " \
    "DISTINCT FROM place_id OR COALESCE(?4, income) IS DISTINCT FROM income OR COALESCE(?5, "      \
    "months) IS DISTINCT FROM months OR COALESCE(?6, method) IS DISTINCT FROM method OR "          \
    "COALESCE(?7, support_group) IS DISTINCT FROM support_group"

int enrolment__corrector_new(
    struct db *db, struct enrolment__corrector **corrector_out, struct base_err *err) {
    struct enrolment__corrector *c = base_alloc(sizeof *c);
    *c = (struct enrolment__corrector){.db = db};
    int rc = db_prepare(db,
        "INSERT INTO enrolment_correction (batch_id, enrolment_id, registered_date, place_id, "
        "income, months, method, support_group) SELECT ?8, id, registered_date, place_id, income, "
        "months, method, support_group FROM enrolment WHERE id = ?1 AND (" DIFFERS
        ") ON CONFLICT DO NOTHING",
        &c->keep, err);
    rc = rc ? rc
            : db_prepare(db,
                  "UPDATE enrolment SET registered_date = COALESCE(?2, registered_date), place_id "
                  "= COALESCE(?3, place_id), income = COALESCE(?4, income), months = COALESCE(?5, "
                  "months), method = COALESCE(?6, method), support_group = COALESCE(?7, "
                  "support_group) WHERE id = ?1 AND (" DIFFERS ")",
                  &c->correct, err);
    if (rc) {
        enrolment__corrector_free(&c);
        return rc;
    }
    *corrector_out = c;
    return 0;
}

void enrolment__corrector_free(struct enrolment__corrector **corrector) {
    if (*corrector) {
        db_finish(&(*corrector)->keep);
        db_finish(&(*corrector)->correct);
        base_free(*corrector);
        *corrector = NULL;
    }
}

static void bind_number(struct db_stmt *stmt, int index, int64_t value) {
    if (value) {
        db_bind_i64(stmt, index, value);
    } else {
        db_bind_null(stmt, index);
    }
}

static void bind_word(struct db_stmt *stmt, int index, struct str word) {
    db_bind_str(stmt, index, word.bytes ? word : (struct str){0});
}

int enrolment__correct(struct enrolment__corrector *c, const struct enrolment__correction *values,
    bool *changed_out, struct base_err *err) {
    struct db_stmt *both[] = {c->keep, c->correct};
    int rc = 0;
    *changed_out = false;
    for (size_t k = 0; rc == 0 && k < 2; k++) {
        db_bind_i64(both[k], 1, values->enrolment_id);
        bind_word(both[k], 2, values->registered_date);
        bind_number(both[k], 3, values->place_id);
        bind_number(both[k], 4, values->income);
        bind_number(both[k], 5, values->months);
        bind_word(both[k], 6, values->method);
        bind_word(both[k], 7, values->groups);
        if (k == 0) {
            db_bind_i64(both[k], 8, values->batch_id);
        }
        rc = db_run(both[k], err);
        *changed_out = rc == 0 && k == 1 && db_changes(c->db) > 0;
    }
    return rc;
}

int enrolment__corrections_undo(struct db *db, int64_t batch_id, struct base_err *err) {
    static const char *const sql[] = {
        "UPDATE enrolment SET registered_date = c.registered_date, place_id = c.place_id, income = "
        "c.income, months = c.months, method = c.method, support_group = c.support_group FROM "
        "enrolment_correction c WHERE c.batch_id = ?1 AND enrolment.id = c.enrolment_id",
        "DELETE FROM enrolment_correction WHERE batch_id = ?1"};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < 2; i++) {
        struct db_stmt *stmt = NULL;
        rc = db_prepare(db, sql[i], &stmt, err);
        if (rc == 0) {
            db_bind_i64(stmt, 1, batch_id);
            rc = db_run(stmt, err);
        }
        db_finish(&stmt);
    }
    return rc;
}
