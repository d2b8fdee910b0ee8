/* Who wrote a campaign and who said yes to what, read off the tables. */
#include "base/buf.h"
#include "delivery/approval.h"

int approval_each(struct db *db, int64_t campaign_id,
    int (*row)(void *arg, const struct approval_row *row), void *arg, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT at, messages, units, minor, until_at, void_at, who, hash, currency, reason, "
        "void_reason FROM approval WHERE campaign_id = ?1 ORDER BY id",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, campaign_id);
        while ((rc = db_step(stmt, err)) == 1) {
            const struct approval_row found = {db_column_i64(stmt, 0), db_column_i64(stmt, 1),
                db_column_i64(stmt, 2), db_column_i64(stmt, 3), db_column_i64(stmt, 4),
                db_column_i64(stmt, 5), db_column_str(stmt, 6), db_column_str(stmt, 7),
                db_column_str(stmt, 8), db_column_str(stmt, 9), db_column_str(stmt, 10)};
            rc = row(arg, &found);
            if (rc != 0) {
                break;
            }
        }
    }
    db_finish(&stmt);
    return rc;
}

int approval_authors(
    struct db *db, int64_t campaign_id, struct base_buf *names, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(
        db, "SELECT who FROM campaign_author WHERE campaign_id = ?1 ORDER BY who", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, campaign_id);
        while ((rc = db_step(stmt, err)) == 1) {
            base_buf_add_str(names, db_column_str(stmt, 0));
            base_buf_add_char(names, '\n');
        }
    }
    db_finish(&stmt);
    return rc;
}
