/* A year of campaigns in a data folder made by `lantoa init`, and the same rows as CSV for the
 * peers: people in 200 communes, 20 campaigns one after the other over 4 channels each, enrolments
 * at random. One person has at most one message of a step. Seeded: the same figures make the same
 * file. usage: history DATABASE DELIVERIES ENROLMENTS CSVFOLDER */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define PLACES 200
#define CAMPAIGNS 20
#define CHANNELS 4
#define YEAR_MS INT64_C(31536000000)
#define BASE_MS INT64_C(1764522000000) /* 2025-12-01 00:00 +07:00 */
#define DAY_MS INT64_C(86400000)
#define OFFSET_MS (7 * INT64_C(3600000))

static sqlite3 *db;
static uint64_t state = 88172645463325252U;

static uint64_t next(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void fail(const char *what) {
    fprintf(stderr, "history: %s: %s\n", what, sqlite3_errmsg(db));
    exit(1);
}

static void run(const char *sql) {
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail(sql);
    }
}

static sqlite3_stmt *prepare(const char *sql) {
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) {
        fail(sql);
    }
    return stmt;
}

static void done(sqlite3_stmt *stmt) {
    if (sqlite3_step(stmt) != SQLITE_DONE) {
        fail("insert");
    }
    sqlite3_reset(stmt);
}

static FILE *open_csv(const char *folder, const char *name, const char *head) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s.csv", folder, name);
    FILE *file = fopen(path, "w");
    if (!file) {
        fail(path);
    }
    fprintf(file, "%s\n", head);
    return file;
}

static void make_frame(void) {
    char sql[1024];
    run("INSERT INTO theme (id, name, spec, changed_at) VALUES (1, 'bench', '{\"name\": "
        "\"bench\"}', 0)");
    for (int i = 1; i <= CHANNELS; i++) {
        snprintf(sql, sizeof sql,
            "INSERT INTO channel (id, name, plugin, spec, manifest, kind, address, state, "
            "changed_at) "
            "VALUES (%d, 'c%d', 'outbox', '{}', '{}', 'c%d', 1, 'ready', 0)",
            i, i, i);
        run(sql);
    }
    for (int i = 1; i <= PLACES; i++) {
        snprintf(sql, sizeof sql,
            "INSERT INTO place (id, code, name, name_key, short_key, level, valid_from) VALUES "
            "(%d, "
            "'%05d', 'P%d', 'p%d', 'p%d', 'commune', '2025-07-01')",
            i, i, i, i, i);
        run(sql);
    }
    for (int i = 1; i <= CAMPAIGNS; i++) {
        snprintf(sql, sizeof sql,
            "INSERT INTO campaign (id, name, theme_id, spec, state, experiment_key, started_at, "
            "changed_at) VALUES (%d, 'k%02d', 1, '{\"name\": \"k%02d\", \"theme\": \"bench\", "
            "\"class\": \"state_information\", \"legal_basis\": \"a measurement\", "
            "\"default_lang\": \"en\", \"window\": {\"from\": \"2025-12-01\", \"to\": "
            "\"2026-11-30\", \"timezone\": \"Asia/Ho_Chi_Minh\"}, \"audience\": \"all\", "
            "\"steps\": [{\"name\": \"s\", \"channel\": \"c1\", \"when\": {\"at\": \"now\"}, "
            "\"content\": {\"en\": {\"text\": \"Hello\"}}}]}', 5, x'00', %" PRId64 ", %" PRId64 ")",
            i, i, i, BASE_MS + (i - 1) * (YEAR_MS / CAMPAIGNS),
            BASE_MS + i * (YEAR_MS / CAMPAIGNS));
        run(sql);
    }
}

static int *make_people(long count, const char *folder) {
    FILE *csv = open_csv(folder, "contact", "id,locality");
    int *place = calloc((size_t)count + 1, sizeof *place);
    sqlite3_stmt *stmt =
        prepare("INSERT INTO contact (id, ref, name, name_key, phone, place_id) VALUES (?1, ?2, "
                "'Nguyen Van A', 'nguyen van a', ?3, ?4)");
    for (long i = 1; i <= count; i++) {
        char ref[32];
        char phone[32];
        place[i] = 1 + (int)(next() % PLACES);
        snprintf(ref, sizeof ref, "r%ld", i);
        snprintf(phone, sizeof phone, "+849%08ld", i);
        sqlite3_bind_int64(stmt, 1, i);
        sqlite3_bind_text(stmt, 2, ref, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(stmt, 3, phone, -1, SQLITE_TRANSIENT);
        sqlite3_bind_int(stmt, 4, place[i]);
        done(stmt);
        fprintf(csv, "%ld,%05d\n", i, place[i]);
    }
    sqlite3_finalize(stmt);
    fclose(csv);
    return place;
}

static void make_messages(long deliveries, long people, const char *folder) {
    FILE *csv = open_csv(folder, "delivery", "id,contact,campaign,channel,state,sent_at");
    sqlite3_stmt *step =
        prepare("INSERT INTO step (id, campaign_id, position, occurrence, name, channel_id, state, "
                "first_sent_at, last_sent_at) VALUES (?1, ?2, ?3, 1, 's', ?4, 3, ?5, ?6)");
    sqlite3_stmt *stmt =
        prepare("INSERT INTO message (id, state, reason, tries, at) VALUES (?1, ?2, 0, 1, ?3)");
    long number = 0;
    int64_t span = YEAR_MS / CAMPAIGNS;
    for (int i = 0; i < CAMPAIGNS * CHANNELS; i++) {
        int64_t id = i + 1;
        int64_t from = BASE_MS + i / CHANNELS * span;
        long left = deliveries / (CAMPAIGNS * CHANNELS);
        sqlite3_bind_int64(step, 1, id);
        sqlite3_bind_int(step, 2, 1 + i / CHANNELS);
        sqlite3_bind_int(step, 3, i % CHANNELS);
        sqlite3_bind_int(step, 4, 1 + i % CHANNELS);
        sqlite3_bind_int64(step, 5, from);
        sqlite3_bind_int64(step, 6, from + span);
        done(step);
        for (long c = 1; c <= people && left; c++) { /* a draw without putting back, in order */
            if ((long)(next() % (uint64_t)(people - c + 1)) >= left) {
                continue;
            }
            int sent = next() % 10 ? 4 : 6;
            int64_t at = from + (int64_t)(next() % (uint64_t)span);
            left--;
            sqlite3_bind_int64(stmt, 1, id << 43 | c << 4);
            sqlite3_bind_int(stmt, 2, sent);
            sqlite3_bind_int64(stmt, 3, at);
            done(stmt);
            fprintf(csv, "%ld,%ld,%d,%d,%d,%" PRId64 "\n", ++number, c, 1 + i / CHANNELS,
                1 + i % CHANNELS, sent, at);
        }
    }
    sqlite3_finalize(stmt);
    sqlite3_finalize(step);
    fclose(csv);
}

static void make_enrolments(long count, long people, const int *place, const char *folder) {
    FILE *csv = open_csv(folder, "enrolment", "id,contact,at");
    sqlite3_stmt *stmt =
        prepare("INSERT INTO enrolment (batch_id, line, event, event_date, imported_at, place_id, "
                "contact_id, fingerprint) VALUES (1, ?1, 'new', ?2, 0, ?3, ?4, ?1)");
    sqlite3_stmt *date = prepare("SELECT date(?1, 'unixepoch')");
    for (long i = 1; i <= count; i++) {
        long contact = 1 + (long)(next() % (uint64_t)people);
        int64_t day = (BASE_MS + OFFSET_MS) / DAY_MS + (int64_t)(next() % 365);
        sqlite3_bind_int64(date, 1, day * 86400);
        sqlite3_step(date);
        sqlite3_bind_int64(stmt, 1, i);
        sqlite3_bind_text(
            stmt, 2, (const char *)sqlite3_column_text(date, 0), -1, SQLITE_TRANSIENT);
        sqlite3_bind_int(stmt, 3, place[contact]);
        sqlite3_bind_int64(stmt, 4, contact);
        done(stmt);
        sqlite3_reset(date);
        fprintf(csv, "%ld,%ld,%" PRId64 "\n", i, contact, (day + 1) * DAY_MS - OFFSET_MS - 1);
    }
    sqlite3_finalize(stmt);
    sqlite3_finalize(date);
    fclose(csv);
}

int main(int argc, char **argv) {
    if (argc != 5 || sqlite3_open(argv[1], &db) != SQLITE_OK) {
        fprintf(stderr, "usage: history DATABASE DELIVERIES ENROLMENTS CSVFOLDER\n");
        return 2;
    }
    long deliveries = strtol(argv[2], NULL, 10);
    long people = deliveries / 5;
    run("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; BEGIN");
    make_frame();
    int *place = make_people(people, argv[4]);
    make_messages(deliveries, people, argv[4]);
    make_enrolments(strtol(argv[3], NULL, 10), people, place, argv[4]);
    run("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
    free(place);
    sqlite3_close(db);
    return 0;
}
