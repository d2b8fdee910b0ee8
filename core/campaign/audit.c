/* The audit trail: who did what, append-only. */
#include "base/clock.h"
#include "campaign/store.h"

int audit_add(struct db *db, const char *who, const char *verb, const char *object,
    const char *detail, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int code = db_prepare(db,
        "INSERT INTO audit (at, who, verb, object, detail) VALUES (?1, ?2, ?3, ?4, ?5)", &stmt,
        err);
    if (code == 0) {
        db_bind_i64(stmt, 1, base_clock_now_ms());
        db_bind_text(stmt, 2, who && *who ? who : "?");
        db_bind_text(stmt, 3, verb);
        db_bind_text(stmt, 4, object);
        db_bind_text(stmt, 5, detail);
        code = db_run(stmt, err);
    }
    db_finish(&stmt);
    return code;
}
