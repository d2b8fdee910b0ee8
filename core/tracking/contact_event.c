/* Events of a contact: adding and reading them. */
#include "tracking/contact_event.h"

#include "base/tr.h"

int contact_event_add(struct db *db, const struct contact_event *event, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "INSERT INTO contact_event (contact_id, at, kind, channel, text, message_id, inbound_id) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, event->contact_id);
        db_bind_i64(stmt, 2, event->at_ms);
        db_bind_str(stmt, 3, event->kind);
        db_bind_str(stmt, 4, event->channel);
        db_bind_str(stmt, 5, event->text.at ? event->text : STR(""));
        if (event->message_id) {
            db_bind_i64(stmt, 6, event->message_id);
        }
        if (event->inbound_id) {
            db_bind_i64(stmt, 7, event->inbound_id);
        }
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

static int check_contact(struct db *db, int64_t contact_id, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, "SELECT 1 FROM contact WHERE id = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, contact_id);
        rc = db_step(stmt, err);
        rc = rc == 0 ? base_err_set(err, LANTOA_ENOENT,
                           TR("there is no contact with the number %lld"), (long long)contact_id)
                     : rc;
    }
    db_finish(&stmt);
    return rc < 0 ? rc : 0;
}

int contact_event_each(struct db *db, int64_t contact_id,
    int (*row)(void *arg, const struct contact_event *event), void *arg, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = check_contact(db, contact_id, err);
    if (rc == 0) {
        rc = db_prepare(db,
            "SELECT at, kind, channel, text, message_id, inbound_id FROM contact_event WHERE "
            "contact_id = ?1 ORDER BY at, id",
            &stmt, err);
    }
    if (rc == 0) {
        db_bind_i64(stmt, 1, contact_id);
        while ((rc = db_step(stmt, err)) == 1) {
            const struct contact_event event = {.contact_id = contact_id,
                .at_ms = db_column_i64(stmt, 0),
                .kind = db_column_str(stmt, 1),
                .channel = db_column_str(stmt, 2),
                .text = db_column_str(stmt, 3),
                .message_id = db_column_i64(stmt, 4),
                .inbound_id = db_column_i64(stmt, 5)};
            rc = row(arg, &event);
            if (rc != 0) {
                break;
            }
        }
    }
    db_finish(&stmt);
    return rc;
}
