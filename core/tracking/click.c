/* Adding clicks. */
#include "tracking/click.h"

#include "base/mem.h"
#include "base/tr.h"

struct click_writer {
    struct db_stmt *insert, *sent;
};

int click_writer_new(struct db *db, struct click_writer **writer_out, struct base_err *err) {
    struct click_writer *w = base_alloc(sizeof *w);
    int rc = db_prepare(db,
        "INSERT INTO click (message_id, link, at, machine, agent_hash) VALUES (?1, ?2, ?3, ?4, ?5)",
        &w->insert, err);
    if (rc == 0) {
        rc = db_prepare(db, "SELECT at FROM message WHERE id = ?1", &w->sent, err);
    }
    if (rc != 0) {
        click_writer_free(&w);
        return rc;
    }
    *writer_out = w;
    return 0;
}

void click_writer_free(struct click_writer **writer) {
    if (*writer) {
        db_finish(&(*writer)->insert);
        db_finish(&(*writer)->sent);
        base_free(*writer);
        *writer = NULL;
    }
}

int click_add(struct click_writer *w, const struct click *click, struct base_err *err) {
    enum click_machine machine = click->machine;
    if (machine == CLICK_HUMAN) {
        db_bind_i64(w->sent, 1, click->message_id);
        int rc = db_step(w->sent, err);
        if (rc < 0) {
            return rc;
        }
        if (rc == 1) {
            int64_t after_ms = click->at_ms - db_column_i64(w->sent, 0);
            bool fast = after_ms >= 0 && after_ms < MACHINE_FAST_MS;
            machine = fast ? CLICK_FAST : machine;
            db_reset(w->sent);
        }
    }
    db_bind_i64(w->insert, 1, click->message_id);
    db_bind_i64(w->insert, 2, click->link);
    db_bind_i64(w->insert, 3, click->at_ms);
    db_bind_i64(w->insert, 4, machine);
    db_bind_i64(w->insert, 5, click->agent_hash);
    return db_run(w->insert, err);
}

int click_target(struct db *db, int64_t step_id, int number, char **url_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, "SELECT url FROM link WHERE step_id = ?1 AND number = ?2", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, step_id);
        db_bind_i64(stmt, 2, number);
        rc = db_step(stmt, err);
        if (rc == 1) {
            struct str url = db_column_str(stmt, 0);
            *url_out = base_strndup(url.at, url.bytes);
            rc = 0;
        } else if (rc == 0) {
            rc = base_err_set(err, LANTOA_ENOENT, "%s", TR("there is no such link"));
        }
    }
    db_finish(&stmt);
    return rc;
}
