/* The import of consents: who is found by a key, and a row for the ledger unless it stands there
 * already. */
#include "audience/consent.h"

#include "audience/contact.h"
#include "audience/import_run.h"
#include "audience/person.h"
#include "base/civil.h"
#include "base/parse.h"
#include "base/text.h"
#include "base/tr.h"

enum field {
    FIELD_REF,
    FIELD_PERSON_ID,
    FIELD_EMAIL,
    FIELD_PHONE,
    FIELD_CHANNEL,
    FIELD_PURPOSE,
    FIELD_ACTION,
    FIELD_AT,
    FIELD_SOURCE,
    FIELD_EVIDENCE,
    FIELDS
};

static const struct audience__field fields[FIELDS] = {
    [FIELD_REF] = {"ref", "id|ma|ma so"},
    [FIELD_PERSON_ID] = {"person_id", "cccd|so cccd|so dinh danh|so dinh danh ca nhan|personal id"},
    [FIELD_EMAIL] = {"email", "e mail|mail|thu dien tu|dia chi email"},
    [FIELD_PHONE] = {"phone", "so dien thoai|dien thoai|sdt|di dong|so di dong|mobile"},
    [FIELD_CHANNEL] = {"channel", "kenh"},
    [FIELD_PURPOSE] = {"purpose", "muc dich"},
    [FIELD_ACTION] = {"action", "hanh dong|dong y|consent"},
    [FIELD_AT] = {"at", "ngay|thoi gian|thoi diem|date"},
    [FIELD_SOURCE] = {"source", "nguon"},
    [FIELD_EVIDENCE] = {"evidence", "bang chung|minh chung"},
};
static const struct audience__column_spec spec = {.fields = fields, .field_count = FIELDS};

enum { KEYS = 4, KEY_MOST = 1024 };

struct consenting {
    struct audience__run run;
    struct db_stmt *find[KEYS], *newest, *known, *insert;
    struct base_buf key;
};

static struct str value_of(
    const struct consenting *import, const struct audience_csv_row *row, enum field field) {
    return audience__columns_value(import->run.columns, row, field);
}

static void refuse(struct consenting *import, const struct audience_csv_row *row, enum field field,
    const char *reason) {
    audience__run_fault(&import->run, row->line,
        audience__columns_heading(import->run.columns, import->run.csv, &spec, field),
        value_of(import, row, field), reason, false);
    import->run.outcome->rejected++;
}

/* The stored form of a key; LANTOA_EINVAL with the reason. */
static int normal_key(
    struct consenting *import, enum field field, struct str value, struct base_err *err) {
    char id[13], phone[20];
    int rc;
    base_buf_clear(&import->key);
    switch (field) {
    case FIELD_EMAIL:
        return contact_email(value, &import->key, err);
    case FIELD_PHONE:
        rc = contact_phone(value, phone, err);
        base_buf_add_text(&import->key, rc ? "" : phone);
        return rc;
    case FIELD_PERSON_ID:
        rc = audience__person_id(value, id, err);
        base_buf_add_text(&import->key, rc ? "" : id);
        return rc;
    default:
        return base_text_nfc(&import->key, value);
    }
}

/* Whom the row means. 0 with *id_out 0: refused. An e-mail or phone that several people share says
 * not whose consent it is. */
static int find_contact(struct consenting *import, const struct audience_csv_row *row,
    int64_t *id_out, struct base_err *err) {
    *id_out = 0;
    enum field asked = FIELD_REF;
    for (int field = FIELD_REF; field <= FIELD_PHONE; field++) {
        struct str value = value_of(import, row, (enum field)field);
        if (value.bytes == 0) {
            continue;
        }
        struct base_err why = {0};
        asked = (enum field)field;
        if (normal_key(import, asked, value, &why)) {
            *id_out = 0;
            refuse(import, row, asked, why.text);
            return 0;
        }
        struct db_stmt *find = import->find[field];
        int64_t ids[2] = {0};
        int count = 0, rc;
        db_bind_str(find, 1, base_buf_str(&import->key));
        while ((rc = db_step(find, err)) == 1 && count < 2) {
            ids[count++] = db_column_i64(find, 0);
        }
        db_reset(find);
        if (rc < 0) {
            return rc;
        }
        if (count > 1) {
            *id_out = 0;
            refuse(import, row, asked, TR("several people have this address: add an identifier"));
            return 0;
        }
        if (*id_out != 0 && count == 1 && ids[0] != *id_out) {
            *id_out = 0;
            refuse(import, row, asked, TR("two keys of this row belong to two different people"));
            return 0;
        }
        *id_out = count ? ids[0] : *id_out;
    }
    if (*id_out == 0) {
        refuse(import, row, asked, TR("no contact has this key"));
    }
    return 0;
}

static bool read_action(struct str text, bool *given_out) {
    if (str_case_eq(text, STR("given")) || str_case_eq(text, STR("withdrawn"))) {
        *given_out = (text.at[0] | 0x20) == 'g';
        return true;
    }
    return text.bytes > 0 && base_parse_bool(text, given_out) == 0;
}

/* Times without a zone are taken as Vietnam's, where the forms were filled in. */
static bool read_at(struct str text, int64_t now_ms, int64_t *at_ms_out) {
    enum { VIETNAM_MIN = 7 * 60 };
    struct base_civil civil;
    bool has_offset = false;
    int offset_min = VIETNAM_MIN;
    struct base_date date;
    if (text.bytes == 0) {
        *at_ms_out = now_ms;
        return true;
    }
    if (base_parse_datetime(text, &civil, &has_offset, &offset_min) == 0) {
        *at_ms_out = base_ms_from_civil(civil, has_offset ? offset_min : VIETNAM_MIN);
    } else if (base_parse_date(text, &date) == 0) {
        civil = (struct base_civil){.year = date.year, .month = date.month, .day = date.day};
        *at_ms_out = base_ms_from_civil(civil, VIETNAM_MIN);
    } else {
        return false;
    }
    return *at_ms_out <= now_ms;
}

static struct str or_all(struct str text) {
    return text.bytes ? text : STR("*");
}

/* true if the ledger says so already: the same act at the same time, or, when the file gives no
 * time, the same as the newest row. */
static int is_known(struct consenting *import, const struct audience_csv_row *row, bool given,
    bool *known_out, struct base_err *err) {
    struct db_stmt *stmt = value_of(import, row, FIELD_AT).bytes ? import->known : import->newest;
    int rc = db_step(stmt, err);
    *known_out = rc == 1 && (db_column_i64(stmt, 0) != 0) == given;
    db_reset(stmt);
    return rc < 0 ? rc : 0;
}

static int write_consent(struct consenting *import, const struct audience_csv_row *row,
    int64_t contact_id, bool given, int64_t at_ms, struct base_err *err) {
    struct str source = value_of(import, row, FIELD_SOURCE);
    struct str evidence = value_of(import, row, FIELD_EVIDENCE);
    struct db_stmt *all[] = {import->newest, import->known, import->insert};
    for (size_t i = 0; i < 3; i++) {
        db_bind_i64(all[i], 1, contact_id);
        db_bind_str(all[i], 2, or_all(value_of(import, row, FIELD_CHANNEL)));
        db_bind_str(all[i], 3, or_all(value_of(import, row, FIELD_PURPOSE)));
    }
    for (size_t i = 1; i < 3; i++) {
        db_bind_i64(all[i], 4, given);
        db_bind_i64(all[i], 5, at_ms);
    }
    bool known = false;
    int rc = is_known(import, row, given, &known, err);
    if (rc || known) {
        import->run.outcome->unchanged += known;
        return rc;
    }
    db_bind_str(import->insert, 6, source.bytes ? source : STR("import"));
    db_bind_str(import->insert, 7, evidence.bytes ? evidence : (struct str){NULL, 0});
    db_bind_i64(import->insert, 8, import->run.batch_id);
    import->run.outcome->added++;
    return db_run(import->insert, err);
}

static int take_row(
    struct consenting *import, const struct audience_csv_row *row, struct base_err *err) {
    import->run.outcome->rows++;
    import->run.position = audience_csv_position(import->run.csv);
    bool given = false;
    int64_t at_ms = 0, contact_id = 0;
    if (row->fault) {
        refuse(import, row, FIELD_REF, row->fault);
        return 0;
    }
    if (!read_action(value_of(import, row, FIELD_ACTION), &given)) {
        refuse(import, row, FIELD_ACTION, TR("the action is given or withdrawn"));
        return 0;
    }
    if (!read_at(value_of(import, row, FIELD_AT), import->run.now_ms, &at_ms)) {
        refuse(import, row, FIELD_AT, TR("not a date and time up to now"));
        return 0;
    }
    int rc = find_contact(import, row, &contact_id, err);
    return rc || contact_id == 0 ? rc : write_consent(import, row, contact_id, given, at_ms, err);
}

static int prepare(struct consenting *import, struct base_err *err) {
    static const char *const finds[KEYS] = {"SELECT id FROM contact WHERE ref = ?1 LIMIT 2",
        "SELECT id FROM contact WHERE person_id = ?1 LIMIT 2",
        "SELECT c.id FROM contact c WHERE " CONTACT_HAS_EMAIL("c", "?1") " LIMIT 2",
        "SELECT id FROM contact WHERE phone = ?1 LIMIT 2"};
    int rc = 0;
    for (int i = 0; rc == 0 && i < KEYS; i++) {
        rc = db_prepare(import->run.db, finds[i], &import->find[i], err);
    }
    rc = rc ? rc
            : db_prepare(import->run.db,
                  "SELECT action FROM consent WHERE contact_id = ?1 AND channel = ?2 AND purpose = "
                  "?3 AND action = ?4 AND at = ?5",
                  &import->known, err);
    rc = rc ? rc
            : db_prepare(import->run.db,
                  "SELECT action FROM consent WHERE contact_id = ?1 AND channel = ?2 AND purpose = "
                  "?3 ORDER BY at DESC, id DESC LIMIT 1",
                  &import->newest, err);
    return rc ? rc
              : db_prepare(import->run.db,
                    "INSERT INTO consent (contact_id, channel, purpose, action, at, source, "
                    "evidence, batch_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                    &import->insert, err);
}

int consent_import(struct db *db, const struct audience_import *options,
    struct audience_import_outcome *outcome_out, struct base_err *err) {
    static const int needed_key[] = {FIELD_REF, FIELD_PERSON_ID, FIELD_EMAIL, FIELD_PHONE, -1};
    static const int needed_action[] = {FIELD_ACTION, -1};
    struct consenting import = {0};
    int rc = audience__run_open(&import.run, db, options, &spec, outcome_out, err);
    if (rc) {
        return rc;
    }
    base_buf_init(&import.key, KEY_MOST * 64);
    rc = audience__run_needs(&import.run, needed_key, err);
    rc = rc ? rc : audience__run_needs(&import.run, needed_action, err);
    rc = rc ? rc : audience__run_start(&import.run, "consent", err);
    rc = rc ? rc : prepare(&import, err);
    struct audience_csv_row row;
    while (rc == 0 && (rc = audience_csv_next(import.run.csv, &row, err)) == 1) {
        bool committed = false;
        rc = take_row(&import, &row, err);
        rc = rc ? rc : audience__run_row(&import.run, &committed, err);
    }
    for (int i = 0; i < KEYS; i++) {
        db_finish(&import.find[i]);
    }
    db_finish(&import.newest);
    db_finish(&import.known);
    db_finish(&import.insert);
    rc = audience__run_end(&import.run, rc, err);
    base_buf_release(&import.key);
    return rc;
}
