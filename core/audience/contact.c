/* Reading contacts out of statements: columns, custom attributes, known names. */
#include "audience/contact.h"

#include "audience/contact_draft.h"
#include "audience/flat_json.h"
#include "base/tr.h"

void contact_read(struct db_stmt *stmt, int first, struct contact *contact_out) {
    *contact_out = (struct contact){
        .id = db_column_i64(stmt, first),
        .ref = db_column_str(stmt, first + 1),
        .person_id = db_column_str(stmt, first + 2),
        .name = db_column_str(stmt, first + 3),
        .email = db_column_str(stmt, first + 4),
        .phone = db_column_str(stmt, first + 5),
        .lang = db_column_str(stmt, first + 6),
        .birth_date = db_column_str(stmt, first + 7),
        .sex = db_column_str(stmt, first + 8),
        .household = db_column_str(stmt, first + 9),
        .place_id = db_column_i64(stmt, first + 10),
        .enrolled_on = db_column_str(stmt, first + 11),
        .enrolled_at = db_column_i64(stmt, first + 12),
        .attrs = db_column_str(stmt, first + 13),
        .died_on = db_column_str(stmt, first + 14),
    };
}

static bool attr_text(struct str value, struct base_buf *scratch, struct str *text_out) {
    if (str_is(value, "null")) {
        return false;
    }
    *text_out = audience__flat_text(value, scratch);
    return true;
}

static bool find_from(
    struct str json, size_t pos, struct str name, struct base_buf *scratch, struct str *value_out) {
    struct str raw, value;
    while (audience__flat_next(json, &pos, &raw, &value)) {
        if (audience__flat_name_is(raw, name)) {
            return attr_text(value, scratch, value_out);
        }
    }
    return false;
}

bool contact_attr(const struct contact *contact, struct str name, struct base_buf *scratch,
    struct str *value_out) {
    return find_from(contact->attrs, 0, name, scratch, value_out);
}

void contact_attrs_scan(const struct contact *contact, struct contact_attrs *attrs_out) {
    attrs_out->json = contact->attrs;
    attrs_out->rest = 0;
    size_t n = 0;
    while (n < CONTACT_ATTRS_AT_HAND && audience__flat_next(contact->attrs, &attrs_out->rest,
                                            &attrs_out->names[n], &attrs_out->values[n])) {
        n++;
    }
    attrs_out->count = n;
}

bool contact_attrs_find(const struct contact_attrs *attrs, int *place, struct str name,
    struct base_buf *scratch, struct str *value_out) {
    size_t at = *place >= 0 ? (size_t)*place : attrs->count;
    if (at >= attrs->count || !str_eq(attrs->names[at], name)) {
        for (at = 0; at < attrs->count && !audience__flat_name_is(attrs->names[at], name); at++) {
        }
        if (at == attrs->count) {
            return attrs->count == CONTACT_ATTRS_AT_HAND &&
                   find_from(attrs->json, attrs->rest, name, scratch, value_out);
        }
        *place = (int)at;
    }
    return attr_text(attrs->values[at], scratch, value_out);
}

int contact_attribute_known(struct db *db, struct str name, bool *known_out, struct base_err *err) {
    *known_out = true;
    for (size_t i = 0; i < CONTACT_FIELDS; i++) {
        /* Some fields only tell an import something and are no part of the person. */
        bool of_import = i == CONTACT_PLACE_IN || i == CONTACT_PLACE_CODE || i == CONTACT_CONSENT;
        if (!of_import && str_is(name, audience__contact_spec.fields[i].name)) {
            return 0;
        }
    }
    if (str_is(name, "age") || str_is(name, "enrolled_on")) {
        return 0; /* made from the built-in fields */
    }
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, "SELECT 1 FROM attribute WHERE name = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_str(stmt, 1, name);
        rc = db_step(stmt, err);
        if (rc >= 0) {
            *known_out = rc == 1;
            db_reset(stmt);
            rc = 0;
        }
    }
    db_finish(&stmt);
    return rc;
}
