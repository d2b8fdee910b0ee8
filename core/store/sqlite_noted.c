/* Notes which steps of the ledger changed, so that kept figures know whether they still hold.
 * SQLite tells of every row that is written, whoever wrote it; the rows of one step count once for
 * the transaction. */
#include "base/mem.h"
#include "store/sqlite_private.h"

#include <string.h>

enum { STEP_SHIFT = 43 }; /* message.id = step << 43 | ... (core/delivery/ledger.h) */

static void note(struct sqlite_noted *noted, int64_t key) {
    if (noted->count && noted->keys[noted->last] == key) {
        return; /* nearly always: the rows of a step are written one after the other */
    }
    for (size_t i = 0; i < noted->count; i++) {
        if (noted->keys[i] == key) {
            noted->last = i;
            return;
        }
    }
    if (noted->count == noted->room) {
        noted->room = noted->room ? 2 * noted->room : 16;
        noted->keys = base_realloc(noted->keys, noted->room * sizeof *noted->keys);
    }
    noted->last = noted->count;
    noted->keys[noted->count++] = key;
}

static void row_written(
    void *arg, int what, const char *schema, const char *table, sqlite3_int64 row) {
    struct sqlite_db *db = arg;
    if (strcmp(table, "message") == 0 && strcmp(schema, "main") == 0) {
        note(&db->noted, row >> STEP_SHIFT);
    } else if (strcmp(table, "contact") == 0 && strcmp(schema, "main") == 0) {
        note(&db->noted, DB_NOTED_ARRIVALS);
        if (what != SQLITE_INSERT) {
            note(&db->noted, DB_NOTED_PEOPLE);
        }
    }
}

void sqlite__note_start(struct sqlite_db *db) {
    sqlite3_update_hook(db->handle, row_written, db);
}

/* False: a database older than the table, which keeps no figures either. */
static bool has_table(struct sqlite_db *db) {
    sqlite3_stmt *stmt = NULL;
    bool there = sqlite3_prepare_v2(db->handle,
                     "SELECT 1 FROM main.sqlite_schema WHERE name = 'ledger_change'", -1, &stmt,
                     NULL) == SQLITE_OK &&
                 sqlite3_step(stmt) == SQLITE_ROW;
    sqlite3_finalize(stmt);
    return there;
}

int sqlite__note_write(struct db *head, struct base_err *err) {
    struct sqlite_db *db = (struct sqlite_db *)head;
    size_t count = db->noted.count;
    int result = SQLITE_OK;
    db->noted.count = 0;
    if (count == 0 || (!db->note_stmt && !has_table(db))) {
        return 0;
    }
    if (!db->note_stmt) {
        result = sqlite3_prepare_v3(db->handle,
            "INSERT INTO ledger_change (step_id, times) VALUES (?1, 1) ON CONFLICT (step_id) DO "
            "UPDATE SET times = ledger_change.times + 1",
            -1, SQLITE_PREPARE_PERSISTENT, &db->note_stmt, NULL);
    }
    for (size_t i = 0; result == SQLITE_OK && i < count; i++) {
        sqlite3_bind_int64(db->note_stmt, 1, db->noted.keys[i]);
        sqlite3_step(db->note_stmt);
        result = sqlite3_reset(db->note_stmt);
    }
    return result == SQLITE_OK ? 0 : sqlite__fault(head->name, db->handle, result, err);
}

void sqlite__note_forget(struct db *head) {
    ((struct sqlite_db *)head)->noted.count = 0;
}

void sqlite__note_end(struct sqlite_db *db) {
    sqlite3_finalize(db->note_stmt);
    base_free(db->noted.keys);
}
