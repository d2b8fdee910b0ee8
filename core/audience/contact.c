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

bool contact_attr(const struct contact *contact, struct str name, struct base_buf *scratch,
    struct str *value_out) {
    struct str raw, value;
    for (size_t pos = 0; audience__flat_next(contact->attrs, &pos, &raw, &value);) {
        if (audience__flat_name_is(raw, name)) {
            if (str_is(value, "null")) {
                return false;
            }
            *value_out = audience__flat_text(value, scratch);
            return true;
        }
    }
    return false;
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
