/* Addresses nobody may send to. They are stored in the same normal form as those of contacts, or
 * they would never be found; email addresses in small letters, since hardly a mail server tells An@
 * from an@, and a refusal by one of them means both. */
#include "audience/consent.h"

#include "audience/contact.h"
#include "audience/import_run.h"
#include "base/civil.h"
#include "base/mem.h"
#include "base/tr.h"
#include "store/schema.h"
#include <ctype.h>

enum { ADDRESS_MOST = 1024 };

/* Appends the normal form. kind: "email" or "phone". */
static int normal_form(
    const char *kind, struct str address, struct base_buf *out, struct base_err *err) {
    if (strcmp(kind, "email") == 0) {
        size_t from = out->bytes;
        int rc = contact_email(address, out, err);
        for (size_t i = from; rc == 0 && i < out->bytes; i++) {
            out->at[i] = (char)tolower((unsigned char)out->at[i]);
        }
        return rc;
    }
    if (strcmp(kind, "phone") == 0) {
        char phone[20];
        int rc = contact_phone(address, phone, err);
        if (rc == 0) {
            base_buf_add_text(out, phone);
        }
        return rc;
    }
    return base_err_set(err, LANTOA_EINVAL, TR("an address is of the kind email or phone"));
}

static bool reason_known(struct str reason) {
    return str_is(reason, "opted_out") || str_is(reason, "do_not_call") ||
           str_is(reason, "invalid");
}

/* ---- one address ---- */

#define INSERT_SQL                                                                                 \
    "INSERT INTO suppression (kind, address, reason, at, source, batch_id) VALUES (?1, ?2, ?3, "   \
    "?4, ?5, ?6) ON CONFLICT DO NOTHING"

int suppression_add(struct db *db, const char *kind, struct str address, const char *reason,
    int64_t at_ms, const char *source, struct base_err *err) {
    struct base_buf normal;
    base_buf_init(&normal, ADDRESS_MOST);
    struct db_stmt *stmt = NULL;
    int rc = normal_form(kind, address, &normal, err);
    if (rc == 0 && !reason_known(str_from(reason))) {
        rc =
            base_err_set(err, LANTOA_EINVAL, TR("the reason is opted_out, do_not_call or invalid"));
    }
    rc = rc ? rc : db_prepare(db, INSERT_SQL, &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, kind);
        db_bind_str(stmt, 2, base_buf_str(&normal));
        db_bind_text(stmt, 3, reason);
        db_bind_i64(stmt, 4, at_ms);
        db_bind_text(stmt, 5, source);
        db_bind_null(stmt, 6);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    base_buf_release(&normal);
    return rc;
}

int suppression_remove(struct db *db, const char *kind, struct str address, struct base_err *err) {
    struct base_buf normal;
    base_buf_init(&normal, ADDRESS_MOST);
    struct db_stmt *stmt = NULL;
    int rc = normal_form(kind, address, &normal, err);
    rc =
        rc ? rc
           : db_prepare(db, "DELETE FROM suppression WHERE kind = ?1 AND address = ?2", &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, kind);
        db_bind_str(stmt, 2, base_buf_str(&normal));
        rc = db_run(stmt, err);
    }
    if (rc == 0 && db_changes(db) == 0) {
        rc = base_err_set(err, LANTOA_ENOENT, TR("%s is not suppressed"), base_buf_text(&normal));
    }
    db_finish(&stmt);
    base_buf_release(&normal);
    return rc;
}

int suppression_each(struct db *db, const char *kind, int64_t most,
    int (*row)(void *arg, const struct suppression_row *suppression), void *arg,
    struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT kind, address, reason, at, source FROM suppression WHERE CAST(?1 AS TEXT) IS NULL "
        "OR kind = ?1 ORDER BY at DESC, address LIMIT ?2",
        &stmt, err);
    if (rc) {
        return rc;
    }
    db_bind_text(stmt, 1, kind);
    db_bind_i64(stmt, 2, most);
    while ((rc = db_step(stmt, err)) == 1) {
        struct suppression_row suppression = {.kind = db_column_str(stmt, 0),
            .address = db_column_str(stmt, 1),
            .reason = db_column_str(stmt, 2),
            .at_ms = db_column_i64(stmt, 3),
            .source = db_column_str(stmt, 4)};
        rc = row(arg, &suppression);
        if (rc) {
            break;
        }
    }
    db_finish(&stmt);
    return rc;
}

/* ---- a list of them ---- */

enum field { FIELD_ADDRESS, FIELD_EMAIL, FIELD_PHONE, FIELD_REASON, FIELDS };

static const struct audience__field fields[FIELDS] = {
    [FIELD_ADDRESS] = {"address", "dia chi"},
    [FIELD_EMAIL] = {"email", "e mail|mail|thu dien tu|dia chi email"},
    [FIELD_PHONE] = {"phone",
        "so dien thoai|dien thoai|sdt|di dong|so di dong|mobile|phone number|msisdn"},
    [FIELD_REASON] = {"reason", "ly do"},
};
static const struct audience__column_spec spec = {.fields = fields, .field_count = FIELDS};

#define CONFIRM_SQL                                                                                \
    "UPDATE suppression SET batch_id = ?3 WHERE kind = ?1 AND address = ?2 AND reason = "          \
    "'do_not_call' AND source = '" SUPPRESSION_LIST_SOURCE "'"

struct suppressing {
    struct audience__run run;
    struct db_stmt *insert;
    struct db_stmt *confirm; /* of the list: the address stands in the new one too */
    struct base_buf normal;
    bool is_list; /* the do-not-call list */
};

/* One address of a row. *taken_io: an address of the row was good; *added_io: it was new. */
static int take_address(struct suppressing *import, const struct audience_csv_row *row,
    enum field field, struct str reason, bool *taken_io, bool *added_io, struct base_err *err) {
    struct str address = audience__columns_value(import->run.columns, row, field);
    if (address.bytes == 0) {
        return 0;
    }
    bool email =
        field == FIELD_EMAIL || (field == FIELD_ADDRESS && memchr(address.at, '@', address.bytes));
    const char *kind = email ? "email" : "phone";
    struct base_err why = {0};
    base_buf_clear(&import->normal);
    if (normal_form(kind, address, &import->normal, &why)) {
        audience__run_fault(&import->run, row->line,
            audience__columns_heading(import->run.columns, import->run.csv, &spec, field), address,
            why.text, false);
        return 0;
    }
    *taken_io = true;
    db_bind_text(import->insert, 1, kind);
    db_bind_str(import->insert, 2, base_buf_str(&import->normal));
    db_bind_str(import->insert, 3, reason.bytes ? reason : STR("opted_out"));
    db_bind_i64(import->insert, 4, import->run.now_ms);
    db_bind_text(import->insert, 5, import->is_list ? SUPPRESSION_LIST_SOURCE : "import");
    db_bind_i64(import->insert, 6, import->run.batch_id);
    int rc = db_run(import->insert, err);
    bool added = rc == 0 && db_changes(import->run.db) > 0;
    *added_io |= added;
    if (rc == 0 && !added && import->is_list) {
        db_bind_text(import->confirm, 1, kind);
        db_bind_str(import->confirm, 2, base_buf_str(&import->normal));
        db_bind_i64(import->confirm, 3, import->run.batch_id);
        rc = db_run(import->confirm, err);
    }
    return rc;
}

static int take_row(
    struct suppressing *import, const struct audience_csv_row *row, struct base_err *err) {
    struct audience_import_outcome *outcome = import->run.outcome;
    outcome->rows++;
    import->run.position = audience_csv_position(import->run.csv);
    struct str reason = audience__columns_value(import->run.columns, row, FIELD_REASON);
    const char *fault = row->fault;
    if (!fault && reason.bytes > 0 && !reason_known(reason)) {
        fault = TR("the reason is opted_out, do_not_call or invalid");
    } else if (!fault && import->is_list && reason.bytes && !str_is(reason, "do_not_call")) {
        fault = TR("a do-not-call list has no other reason than do_not_call");
    }
    if (fault) {
        audience__run_fault(&import->run, row->line, (struct str){NULL, 0},
            row->fault ? row->fields[0] : reason, fault, false);
        outcome->rejected++;
        return 0;
    }
    bool taken = false, added = false;
    int rc = 0;
    reason = import->is_list ? STR("do_not_call") : reason;
    for (int field = FIELD_ADDRESS; rc == 0 && field <= FIELD_PHONE; field++) {
        rc = take_address(import, row, (enum field)field, reason, &taken, &added, err);
    }
    outcome->rejected += !taken;
    outcome->added += added;
    outcome->unchanged += taken && !added;
    return rc;
}

/* *began_ms_out: what the addresses that are new have as their time. */
static int import_file(struct db *db, const struct audience_import *options, bool is_list,
    struct audience_import_outcome *outcome_out, int64_t *began_ms_out, struct base_err *err) {
    static const int needed[] = {FIELD_ADDRESS, FIELD_EMAIL, FIELD_PHONE, -1};
    struct suppressing import = {.is_list = is_list};
    int rc = audience__run_open(&import.run, db, options, &spec, outcome_out, err);
    if (rc) {
        return rc;
    }
    base_buf_init(&import.normal, ADDRESS_MOST);
    rc = audience__run_needs(&import.run, needed, err);
    rc = rc ? rc : audience__run_start(&import.run, "suppression", err);
    *began_ms_out = import.run.now_ms;
    rc = rc ? rc : db_prepare(db, INSERT_SQL, &import.insert, err);
    rc = rc ? rc : db_prepare(db, CONFIRM_SQL, &import.confirm, err);
    struct audience_csv_row row;
    while (rc == 0 && (rc = audience_csv_next(import.run.csv, &row, err)) == 1) {
        bool committed = false;
        rc = take_row(&import, &row, err);
        rc = rc ? rc : audience__run_row(&import.run, &committed, err);
    }
    db_finish(&import.insert);
    db_finish(&import.confirm);
    rc = audience__run_end(&import.run, rc, err);
    base_buf_release(&import.normal);
    return rc;
}

int suppression_import(struct db *db, const struct audience_import *options,
    struct audience_import_outcome *outcome_out, struct base_err *err) {
    int64_t began_ms;
    return import_file(db, options, false, outcome_out, &began_ms, err);
}

/* A list of yesterday must not make one of today look older than it is. *newer_out: the list is of
 * a later day than the one in force. */
static int check_day(struct db *db, int64_t dated_day, const struct audience_import *options,
    bool *newer_out, struct base_err *err) {
    char *kept = NULL;
    struct base_date date;
    struct base_err missing = {0};
    *newer_out = false;
    if (dated_day > options->today_days) {
        return base_err_set(err, LANTOA_EINVAL, "%s", TR("the day of the list is to come"));
    }
    int rc = schema_meta_get(db, SUPPRESSION_LIST_META, &kept, &missing);
    if (rc != 0) {
        return rc == LANTOA_ENOENT ? 0 : base_err_set(err, rc, "%s", missing.text);
    }
    rc = base_parse_date(str_from(kept), &date);
    *newer_out = rc != 0 || base_days_from_date(date) < dated_day;
    if (rc == 0 && base_days_from_date(date) > dated_day) {
        rc = base_err_set(
            err, LANTOA_EINVAL, TR("the do-not-call list in force is newer: it is of %s"), kept);
    } else {
        rc = 0;
    }
    base_free(kept);
    return rc;
}

#define OF_LIST "reason = 'do_not_call' AND source = '" SUPPRESSION_LIST_SOURCE "'"

/* One number. sql: about rows of the list, with ?1 the batch and ?2 a time. */
static int about_batch(struct db *db, const char *sql, int64_t batch_id, int64_t at_ms,
    int64_t *count_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, sql, &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, batch_id);
        db_bind_i64(stmt, 2, at_ms);
        rc = db_step(stmt, err);
        *count_out = rc == 1 ? db_column_i64(stmt, 0) : db_changes(db);
    }
    db_finish(&stmt);
    return rc < 0 ? rc : 0;
}

/* The addresses of the lists before that the new one does not have. */
static int drop_older(
    struct db *db, struct audience_import_outcome *outcome, struct base_err *err) {
    int64_t dropped = 0;
    int rc =
        about_batch(db, "DELETE FROM suppression WHERE " OF_LIST " AND batch_id < ?1 AND ?2 = 0",
            outcome->batch_id, 0, &dropped, err);
    outcome->dropped = dropped;
    return rc;
}

/* A list hardly ever gets much shorter: then the file is a wrong one, or not the whole. What it
 * brought is taken away again. */
static int refuse_loss(struct db *db, const struct audience_import *options, int64_t began_ms,
    struct audience_import_outcome *outcome, struct base_err *err) {
    int64_t leaving = 0, before = 0, gone;
    int rc = about_batch(db,
        "SELECT count(*) FROM suppression WHERE " OF_LIST " AND batch_id < ?1 AND ?2 >= 0",
        outcome->batch_id, began_ms, &leaving, err);
    rc = rc ? rc
            : about_batch(db,
                  "SELECT count(*) FROM suppression WHERE " OF_LIST
                  " AND (batch_id < ?1 OR (batch_id = ?1 AND at < ?2))",
                  outcome->batch_id, began_ms, &before, err);
    if (rc != 0 || leaving <= SUPPRESSION_LOSS_FREE || leaving * 10 <= before) {
        return rc;
    }
    rc = about_batch(db, "DELETE FROM suppression WHERE " OF_LIST " AND batch_id = ?1 AND at = ?2",
        outcome->batch_id, began_ms, &gone, err);
    return rc ? rc
              : base_err_set(err, LANTOA_ESTATE,
                    TR("%s lacks %lld of the %lld addresses of the do-not-call list in force, more "
                       "than a tenth: is it the right file, and all of it? The list is still the "
                       "one before; --drop-missing takes this one nevertheless"),
                    options->path, (long long)leaving, (long long)before);
}

/* The new day and the end of the old list at once: a crash before leaves both lists standing. */
static int keep_day(struct db *db, int64_t dated_day, bool newer,
    struct audience_import_outcome *outcome, struct base_err *err) {
    char text[BASE_DATE_MAX];
    base_format_date(base_date_from_days(dated_day), text);
    int rc = db_begin(db, err);
    if (rc != 0) {
        return rc;
    }
    rc = newer ? drop_older(db, outcome, err) : 0;
    rc = rc ? rc : schema_meta_set(db, SUPPRESSION_LIST_META, text, err);
    if (rc == 0) {
        return db_commit(db, err);
    }
    db_rollback(db);
    return rc;
}

int suppression_import_list(struct db *db, const struct audience_import *options, int64_t dated_day,
    enum suppression_loss loss, struct audience_import_outcome *outcome_out, struct base_err *err) {
    bool newer;
    int64_t began_ms = 0;
    int rc = check_day(db, dated_day, options, &newer, err);
    rc = rc ? rc : import_file(db, options, true, outcome_out, &began_ms, err);
    if (rc != 0 || options->dry_run) {
        return rc;
    }
    if (outcome_out->added + outcome_out->unchanged == 0) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("%s has no address; the do-not-call list is "
               "still the one before"),
            options->path);
    }
    rc = newer && loss == SUPPRESSION_LOSS_REFUSED
             ? refuse_loss(db, options, began_ms, outcome_out, err)
             : 0;
    return rc ? rc : keep_day(db, dated_day, newer, outcome_out, err);
}
