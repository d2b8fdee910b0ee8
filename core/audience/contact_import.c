/* The import of contacts: one thread reads and checks, this one writes; a filter spares new rows
 * the look-ups. */
#include "audience/contact.h"

#include "audience/contact_place.h"
#include "audience/contact_reader.h"
#include "audience/contact_store.h"
#include "audience/import_run.h"
#include "base/tr.h"

#include <unistd.h>

enum {
    /* With so many contacts for each row of the file, reading all their keys first costs more than
       the look-ups. */
    FILTER_WORTH = 8,
    ROOM_LEAST = 16 << 20,
    ALL_KEYS = (1 << CONTACT_KEYS) - 1,
    /* Drafts that were made before the filter learnt of new contacts. */
    IN_FLIGHT = AUDIENCE__BATCHES * AUDIENCE__BATCH_ROWS
};

struct import {
    struct audience__run run;
    struct audience__store store;
    struct audience__placer *placer;
    struct audience__reader *reader;
    struct audience__filter *filter; /* NULL: every key is looked up */
    struct db_stmt *newest, *keys;
    int64_t known_id;  /* keys of contacts up to this id are in the filter */
    int64_t own_added; /* contacts added here since known_id */
    int64_t distrust;  /* rows for which the filter's word does not count */
};

/* ---- the filter ---- */

static int newest_id(struct import *import, int64_t *id_out, struct base_err *err) {
    int rc = db_step(import->newest, err);
    if (rc == 1) {
        *id_out = db_column_i64(import->newest, 0);
        db_reset(import->newest);
        rc = 0;
    }
    return rc;
}

static int note_contacts(struct import *import, int64_t after_id, struct base_err *err) {
    int rc;
    audience__filter_lock(import->filter);
    db_bind_i64(import->keys, 1, after_id);
    while ((rc = db_step(import->keys, err)) == 1) {
        for (int key = 0; key < CONTACT_KEYS; key++) {
            struct str value = db_column_str(import->keys, key);
            if (value.bytes > 0) {
                (void)audience__filter_note(
                    import->filter, audience__key_hash((enum audience__contact_key)key, value));
            }
        }
    }
    audience__filter_unlock(import->filter);
    return rc;
}

/* Takes in the keys of contacts that others have added since the last transaction: when there are
 * more new ids than rows we added. (A contact whose address another program changes meanwhile may
 * be missed; the next import of the same file finds both.) */
static int filter_catch_up(struct import *import, struct base_err *err) {
    int64_t newest = 0;
    int rc = import->filter ? newest_id(import, &newest, err) : 0;
    if (rc == 0 && newest > import->known_id + import->own_added) {
        rc = note_contacts(import, import->known_id, err);
        import->distrust = IN_FLIGHT;
    }
    import->known_id = newest;
    import->own_added = 0;
    return rc;
}

static int filter_open(struct import *import, struct base_err *err) {
    int rc = db_prepare(
        import->run.db, "SELECT COALESCE(MAX(id), 0) FROM contact", &import->newest, err);
    if (rc == 0) {
        rc = db_prepare(import->run.db,
            "SELECT person_id, si_code, ref, email, phone FROM contact WHERE id > ?1",
            &import->keys, err);
    }
    int64_t newest = 0;
    rc = rc ? rc : newest_id(import, &newest, err);
    int64_t rows = audience_csv_rows(import->run.csv);
    if (rc || newest > rows * FILTER_WORTH) {
        return rc;
    }
    uint64_t keys = 0;
    for (int field = CONTACT_REF; field <= CONTACT_PHONE; field++) {
        bool key = field != CONTACT_NAME;
        keys += key && audience__columns_has(import->run.columns, (size_t)field);
    }
    import->filter = audience__filter_new(keys * (uint64_t)(rows + newest));
    import->known_id = newest;
    return newest ? note_contacts(import, 0, err) : 0;
}

/* ---- rows ---- */

static void count(struct import *import, enum audience__put put, bool faults) {
    struct audience_import_outcome *outcome = import->run.outcome;
    outcome->rows++;
    switch (put) {
    case PUT_ADDED:
        outcome->added++;
        import->own_added++;
        break;
    case PUT_UPDATED:
        outcome->updated++;
        break;
    case PUT_UNCHANGED:
        outcome->unchanged++;
        break;
    case PUT_REFUSED:
        outcome->rejected++;
        return;
    }
    outcome->kept_with_faults += faults;
}

static void write_faults(struct import *import, const struct audience__draft *draft, bool kept) {
    for (const struct audience__fault *fault = draft->faults; fault; fault = fault->next) {
        audience__run_fault(
            &import->run, draft->line, fault->field, fault->value, fault->reason, kept);
    }
}

static int place_of(struct import *import, const struct audience__draft *draft,
    int64_t *place_id_out, const char **fault_out, struct base_err *err) {
    *place_id_out = 0;
    *fault_out = NULL;
    if (draft->place.bytes == 0 && draft->place_code.bytes == 0) {
        return 0;
    }
    return audience__placer_find(
        import->placer, draft->place_code, draft->place, place_id_out, fault_out, err);
}

static int take_row(
    struct import *import, const struct audience__draft *draft, struct base_err *err) {
    if (draft->refused) {
        write_faults(import, draft, false);
        count(import, PUT_REFUSED, true);
        return 0;
    }
    int64_t place_id = 0;
    const char *place_fault = NULL, *refusal = NULL;
    enum audience__put put = PUT_REFUSED;
    int rc = place_of(import, draft, &place_id, &place_fault, err);
    if (rc == 0) {
        unsigned maybe_known = import->distrust > 0 ? ALL_KEYS : draft->maybe_known;
        import->distrust -= import->distrust > 0;
        rc = audience__store_put(&import->store, draft, place_id, maybe_known, &put, &refusal, err);
    }
    if (rc) {
        return rc;
    }
    write_faults(import, draft, put != PUT_REFUSED);
    if (place_fault) {
        bool by_code = draft->place_code.bytes > 0;
        audience__run_fault(&import->run, draft->line,
            audience__columns_heading(import->run.columns, import->run.csv, &audience__contact_spec,
                by_code ? CONTACT_PLACE_CODE : CONTACT_PLACE),
            by_code ? draft->place_code : draft->place, place_fault, put != PUT_REFUSED);
    }
    if (put == PUT_REFUSED) {
        audience__run_fault(
            &import->run, draft->line, (struct str){NULL, 0}, draft->keys[KEY_REF], refusal, false);
    }
    count(import, put, draft->faults || place_fault);
    return 0;
}

static int take_batch(struct import *import, struct audience__batch *batch, struct base_err *err) {
    import->run.position = batch->position;
    for (size_t i = 0; i < batch->count; i++) {
        int rc = take_row(import, &batch->drafts[i], err);
        bool committed = false;
        if (rc == 0) {
            rc = audience__run_row(&import->run, &committed, err);
        }
        if (rc == 0 && committed) {
            rc = filter_catch_up(import, err);
        }
        if (rc) {
            return rc;
        }
    }
    if (batch->result < 0) {
        return base_err_set(err, batch->result, "%s", batch->err.text);
    }
    return 0;
}

static int take_all(struct import *import, struct base_err *err) {
    int rc = audience__reader_start(import->run.csv, import->run.columns,
        import->run.options->today_days, import->filter, &import->reader, err);
    bool more = rc == 0;
    while (more) {
        struct audience__batch *batch = audience__reader_next(import->reader);
        rc = take_batch(import, batch, err);
        more = rc == 0 && batch->result == 1;
    }
    audience__reader_stop(&import->reader);
    return rc;
}

/* ---- the whole ---- */

/* The names of the custom attributes, so that an expression can be told about an unknown one. */
static int record_attributes(struct import *import, struct base_err *err) {
    const struct audience__columns *columns = import->run.columns;
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(import->run.db,
        "INSERT INTO attribute (name, heading, batch_id) VALUES (?1, ?2, ?3) "
        "ON CONFLICT DO NOTHING",
        &stmt, err);
    static const char *const kept_aside[] = {"email_invalid", "phone_invalid"};
    for (size_t i = 0; rc == 0 && i < columns->custom_count + 2; i++) {
        struct str own = str_from(kept_aside[i < 2 ? i : 0]);
        db_bind_str(stmt, 1, i < 2 ? own : columns->customs[i - 2].name);
        db_bind_str(stmt, 2, i < 2 ? own : columns->customs[i - 2].heading);
        db_bind_i64(stmt, 3, import->run.batch_id);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

/* A dry run of a large file would hold the one writer's place for as long as it takes, so it works
 * on a copy of the contacts that no other connection sees, and that goes away with the transaction.
 * A small one writes to the table itself and rolls back. */
enum { DRY_RUN_ROWS = AUDIENCE__RUN_ROWS };
#define DRY_TABLE "dry_contact"
#define DRY_COLUMNS                                                                                \
    "id, batch_id, ref, person_id, si_code, name, name_key, email, phone, lang, birth_date, sex, " \
    "household, place_id, enrolled_on, enrolled_at, attrs"

static int copy_contacts(struct db *db, struct base_err *err) {
    return db_exec(db,
        "CREATE TEMP TABLE " DRY_TABLE " (id @ID@, batch_id BIGINT, ref TEXT, person_id TEXT, "
        "si_code TEXT, name TEXT, name_key TEXT, email TEXT, phone TEXT, lang TEXT, "
        "birth_date TEXT, sex TEXT, household TEXT, place_id BIGINT, enrolled_on TEXT, "
        "enrolled_at BIGINT, attrs @JSON@);"
        "INSERT INTO " DRY_TABLE " (" DRY_COLUMNS ") SELECT " DRY_COLUMNS " FROM contact;"
        "CREATE INDEX dry_person ON " DRY_TABLE " (person_id) WHERE person_id IS NOT NULL;"
        "CREATE INDEX dry_si ON " DRY_TABLE " (si_code) WHERE si_code IS NOT NULL;"
        "CREATE INDEX dry_ref ON " DRY_TABLE " (ref) WHERE ref IS NOT NULL;"
        "CREATE INDEX dry_email ON " DRY_TABLE " (email) WHERE email IS NOT NULL;"
        "CREATE INDEX dry_email_mixed ON " DRY_TABLE " (lower(email)) WHERE email <> lower(email);"
        "CREATE INDEX dry_phone ON " DRY_TABLE " (phone) WHERE phone IS NOT NULL",
        err);
}

static int import_rows(struct import *import, struct base_err *err) {
    struct audience__run *run = &import->run;
    int64_t today = run->options->today_days;
    import->placer = audience__placer_new(run->db, today);
    int rc = run->reads_only ? copy_contacts(run->db, err) : 0;
    rc = rc ? rc
            : audience__store_init(&import->store, run->db, run->reads_only ? DRY_TABLE : "contact",
                  run->batch_id, run->now_ms, today, err);
    rc = rc || run->options->dry_run ? rc : record_attributes(import, err);
    rc = rc ? rc : filter_open(import, err);
    rc = rc ? rc : take_all(import, err);
    audience__store_release(&import->store);
    audience__placer_free(&import->placer);
    audience__filter_free(&import->filter);
    db_finish(&import->newest);
    db_finish(&import->keys);
    return rc;
}

/* Taking back writes too: the pages of what was added and the places in the indexes, once more in
 * the write-ahead log. Measured: as much as the file for plain rows; twice that and a floor. */
static int hold_room(struct import *import, int *room_out, struct base_err *err) {
    *room_out = -1;
    if (import->run.options->dry_run || audience_csv_rows(import->run.csv) <= AUDIENCE__RUN_ROWS) {
        return 0; /* one transaction takes itself back */
    }
    int64_t bytes = audience_csv_bytes(import->run.csv);
    return db_reserve(import->run.db, ROOM_LEAST + 2 * bytes, room_out, err);
}

/* An import that failed half way leaves everything as it was, or says how to get there. */
static void take_back(struct import *import, struct base_err *err) {
    struct contact_undo_outcome undone;
    struct base_err why = {0};
    long long batch = (long long)import->run.batch_id;
    if (contact_undo(import->run.db, batch, &undone, &why) == 0) {
        (void)base_err_prefix(err, TR("import %lld stopped and was taken back"), batch);
    } else {
        (void)base_err_prefix(err,
            TR("import %lld stopped half way and could not be taken back; lantoa contact undo "
               "%lld"),
            batch, batch);
    }
}

int contact_import(struct db *db, const struct audience_import *options,
    struct audience_import_outcome *outcome_out, struct base_err *err) {
    static const int needed[] = {
        CONTACT_REF, CONTACT_PERSON_ID, CONTACT_SI_CODE, CONTACT_EMAIL, CONTACT_PHONE, -1};
    struct import *import = base_alloc(sizeof(*import));
    int rc =
        audience__run_open(&import->run, db, options, &audience__contact_spec, outcome_out, err);
    if (rc == 0) {
        import->run.reads_only =
            options->dry_run && audience_csv_rows(import->run.csv) > DRY_RUN_ROWS;
        int room = -1;
        import->run.taken_back = true;
        rc = audience__run_needs(&import->run, needed, err);
        rc = rc ? rc : hold_room(import, &room, err);
        rc = rc ? rc : audience__run_start(&import->run, "contact", err);
        rc = rc ? rc : import_rows(import, err);
        rc = audience__run_end(&import->run, rc, err);
        if (room >= 0) {
            close(room);
        }
        if (rc && import->run.batch_id) {
            take_back(import, err);
        }
    }
    base_free(import);
    return rc;
}
