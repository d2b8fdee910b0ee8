/* Figures of networks in the database: put in as told, read in the order of reports. */
#include "delivery/figure.h"

#include "base/json.h"
#include "base/tr.h"
#include <jansson.h>

static bool name_good(const char *name) {
    size_t bytes = strlen(name);
    return bytes > 0 && bytes <= 40 && name[0] >= 'a' && name[0] <= 'z' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == bytes;
}

static int put(struct db_stmt *stmt, int64_t message_id, const char *name, const json_t *value,
    int64_t now_ms, struct base_err *err) {
    db_bind_i64(stmt, 1, message_id);
    db_bind_text(stmt, 2, name);
    if (json_is_integer(value)) {
        db_bind_i64(stmt, 3, json_integer_value(value));
    } else {
        db_bind_null(stmt, 3);
    }
    db_bind_i64(stmt, 4, now_ms);
    return db_run(stmt, err);
}

int figure_take(
    struct db *db, int64_t message_id, struct str detail, int64_t now_ms, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    json_t *root = json_loadb(detail.at, detail.bytes, JSON_REJECT_DUPLICATES, NULL);
    size_t count = 0;
    const char *name;
    json_t *value;
    int rc = db_prepare(db,
        "INSERT INTO message_figure (message_id, name, value, at) VALUES (?1, ?2, ?3, ?4) ON "
        "CONFLICT (message_id, name) DO UPDATE SET value = excluded.value, at = excluded.at",
        &stmt, err);
    json_object_foreach(root, name, value) {
        bool number = json_is_integer(value) && json_integer_value(value) >= 0;
        if (rc == 0 && name_good(name) && (number || json_is_null(value)) &&
            count++ < FIGURE_NAMES_MAX) {
            rc = put(stmt, message_id, name, value, now_ms, err);
        }
    }
    db_finish(&stmt);
    json_decref(root);
    return rc;
}

int figure_each(struct db *db, const char *campaign, const char *channel,
    int (*row)(void *arg, const struct figure *figure), void *arg, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT f.message_id, g.name, s.name, h.name, m.ref, f.name, f.value, f.at FROM "
        "message_figure f JOIN message m ON m.id = f.message_id JOIN step s ON s.id = "
        "f.message_id >> 43 JOIN campaign g ON g.id = s.campaign_id JOIN channel h ON h.id = "
        "s.channel_id WHERE (g.name = ?1 OR ?1 = '') AND (h.name = ?2 OR ?2 = '') ORDER BY g.name, "
        "s.position, s.occurrence, "
        "f.message_id, f.name",
        &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, campaign ? campaign : "");
        db_bind_text(stmt, 2, channel ? channel : "");
        while ((rc = db_step(stmt, err)) == 1) {
            const struct figure figure = {.message_id = db_column_i64(stmt, 0),
                .campaign = db_column_str(stmt, 1),
                .step = db_column_str(stmt, 2),
                .channel = db_column_str(stmt, 3),
                .ref = db_column_str(stmt, 4),
                .name = db_column_str(stmt, 5),
                .given = !db_column_is_null(stmt, 6),
                .value = db_column_i64(stmt, 6),
                .at = db_column_i64(stmt, 7)};
            rc = row(arg, &figure);
            if (rc != 0) {
                break;
            }
        }
    }
    db_finish(&stmt);
    return rc;
}
