/* Old values and new ones. Knows no SQL text. */
#include "audience/contact_merge.h"

#include "audience/flat_json.h"
#include "base/text.h"

void audience__row_read(struct db_stmt *stmt, struct audience__contact_row *row_out) {
    *row_out = (struct audience__contact_row){0};
    for (int i = 0; i < STORED_COUNT; i++) {
        if (i == STORED_place_id) {
            row_out->place_id = db_column_i64(stmt, i);
        } else if (i == STORED_enrolled_at) {
            row_out->enrolled_at = db_column_i64(stmt, i);
        } else {
            row_out->texts[i] = db_column_str(stmt, i);
        }
    }
}

static bool put(struct audience__contact_row *row, enum audience__stored column, struct str value) {
    if (value.bytes == 0 || str_eq(row->texts[column], value)) {
        return false;
    }
    row->texts[column] = value;
    return true;
}

/* ---- attributes ---- */

/* The value that the object gives the name; false: none. */
static bool member(struct str json, struct str name, struct str *value_out) {
    struct str raw;
    for (size_t pos = 0; audience__flat_next(json, &pos, &raw, value_out);) {
        if (audience__flat_name_is(raw, name)) {
            return true;
        }
    }
    return false;
}

static void member_add(struct base_buf *out, struct str name, struct str value) {
    base_buf_add_char(out, out->bytes ? ',' : '{');
    base_buf_add_char(out, '"');
    base_buf_add_str(out, name);
    base_buf_add_text(out, "\":");
    base_buf_add_str(out, value);
}

/* A good address at last makes the bad one that was kept aside pointless. */
static bool outdated(struct str name, const struct audience__draft *draft) {
    return (draft->keys[KEY_EMAIL].bytes > 0 && str_is(name, "email_invalid")) ||
           (draft->keys[KEY_PHONE].bytes > 0 && str_is(name, "phone_invalid"));
}

static bool merge_attrs(
    struct audience__contact_row *row, const struct audience__draft *draft, struct base_buf *out) {
    struct str old = row->texts[STORED_attrs];
    if (old.bytes == 0 || str_eq(old, draft->attrs)) {
        return put(row, STORED_attrs, draft->attrs);
    }
    bool changed = false;
    struct str name, value, other;
    base_buf_clear(out);
    for (size_t pos = 0; audience__flat_next(old, &pos, &name, &value);) {
        if (outdated(name, draft)) {
            changed = true;
            continue;
        }
        if (member(draft->attrs, name, &other) && !str_eq(other, value)) {
            changed = true;
            value = other;
        }
        member_add(out, name, value);
    }
    for (size_t pos = 0; audience__flat_next(draft->attrs, &pos, &name, &value);) {
        if (!member(old, name, &other)) {
            changed = true;
            member_add(out, name, value);
        }
    }
    if (changed) {
        if (out->bytes > 0) {
            base_buf_add_char(out, '}');
        }
        row->texts[STORED_attrs] = base_buf_str(out);
    }
    return changed;
}

/* ---- the whole ---- */

static bool merge_enrolled(struct audience__contact_row *row, const struct audience__draft *draft,
    int64_t now_ms, const char *today) {
    struct str old = row->texts[STORED_enrolled_on];
    if (draft->enrolled == GIVEN_NOT || (draft->enrolled == GIVEN_NO && old.bytes == 0)) {
        return false;
    }
    if (draft->enrolled == GIVEN_NO) {
        row->texts[STORED_enrolled_on] = (struct str){NULL, 0};
        row->enrolled_at = 0;
        return true;
    }
    /* A bare "yes" tells nothing new about somebody whose date is known. */
    struct str date = draft->enrolled_on.bytes ? draft->enrolled_on
                      : old.bytes              ? old
                                               : str_from(today);
    if (old.bytes == 0) {
        row->enrolled_at = now_ms;
    }
    return put(row, STORED_enrolled_on, date);
}

bool audience__merge(struct audience__contact_row *row, const struct audience__draft *draft,
    int64_t place_id, int64_t now_ms, const char *today, struct base_buf *attrs) {
    bool changed = put(row, STORED_ref, draft->keys[KEY_REF]);
    changed |= put(row, STORED_person_id, draft->keys[KEY_PERSON_ID]);
    changed |= put(row, STORED_si_code, draft->keys[KEY_SI_CODE]);
    changed |= put(row, STORED_name, draft->name);
    changed |= put(row, STORED_name_key, draft->name_key);
    /* Of one address in two spellings the first stays: both name the same box. */
    changed |= !str_case_eq(row->texts[STORED_email], draft->keys[KEY_EMAIL]) &&
               put(row, STORED_email, draft->keys[KEY_EMAIL]);
    changed |= put(row, STORED_phone, draft->keys[KEY_PHONE]);
    changed |= put(row, STORED_lang, draft->lang);
    changed |= put(row, STORED_birth_date, draft->birth_date);
    changed |= put(row, STORED_sex, draft->sex);
    changed |= put(row, STORED_household, draft->household);
    if (place_id != 0 && row->place_id != place_id) {
        row->place_id = place_id;
        changed = true;
    }
    changed |= merge_enrolled(row, draft, now_ms, today);
    changed |= merge_attrs(row, draft, attrs);
    return changed;
}

void audience__row_json(const struct audience__contact_row *row, struct base_buf *json) {
    static const char *const names[STORED_COUNT] = {
#define NAME_ITEM(name) #name,
        CONTACT_STORED(NAME_ITEM)
#undef NAME_ITEM
    };
    char separator = '{';
    for (int i = 0; i < STORED_COUNT; i++) {
        int64_t number = i == STORED_place_id      ? row->place_id
                         : i == STORED_enrolled_at ? row->enrolled_at
                                                   : 0;
        if (number == 0 && row->texts[i].bytes == 0) {
            continue;
        }
        base_buf_printf(json, "%c\"%s\":", separator, names[i]);
        separator = ',';
        if (number) {
            base_buf_printf(json, "%lld", (long long)number);
        } else {
            base_text_json(json, row->texts[i]);
        }
    }
    if (separator == '{') {
        base_buf_add_char(json, '{');
    }
    base_buf_add_char(json, '}');
}
