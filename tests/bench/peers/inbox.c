/* The simplest durable inbox for receipts, at its best: a text key that is unique, INSERT OR
 * IGNORE, and one commit for each receipt (WAL, synchronous FULL). No network, no parsing. Every
 * tenth receipt comes twice. usage: inbox FILE RECEIPTS */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static sqlite3 *db;

static void must(int code) {
    if (code != SQLITE_OK && code != SQLITE_DONE) {
        fprintf(stderr, "inbox: %s\n", sqlite3_errmsg(db));
        exit(1);
    }
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: inbox FILE RECEIPTS\n");
        return 2;
    }
    long wanted = strtol(argv[2], NULL, 10), message = 0;
    sqlite3_stmt *add;
    must(sqlite3_open(argv[1], &db));
    must(sqlite3_exec(db,
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE receipt (id INTEGER "
        "PRIMARY KEY, ref TEXT NOT NULL UNIQUE, status TEXT NOT NULL, at INTEGER NOT NULL)",
        NULL, NULL, NULL));
    must(sqlite3_prepare_v2(
        db, "INSERT OR IGNORE INTO receipt (ref, status, at) VALUES (?1, ?2, ?3)", -1, &add, NULL));
    double start = seconds();
    for (long done = 0; done < wanted;) {
        char ref[24];
        int bytes = snprintf(ref, sizeof ref, "%lX", message + 1);
        for (int i = message % 10 == 0 ? 2 : 1; i > 0 && done < wanted; i--, done++) {
            must(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL));
            must(sqlite3_bind_text(add, 1, ref, bytes, SQLITE_STATIC));
            must(sqlite3_bind_text(add, 2, "DELIVRD", 7, SQLITE_STATIC));
            must(sqlite3_bind_int64(add, 3, (sqlite3_int64)(seconds() * 1000)));
            must(sqlite3_step(add));
            must(sqlite3_reset(add));
            must(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
        }
        message++;
    }
    double took = seconds() - start;
    must(sqlite3_finalize(add));
    must(sqlite3_close(db));
    printf("{\"n\": %ld, \"secs\": %.6f, \"kept\": %ld}\n", wanted, took, message);
    return 0;
}
