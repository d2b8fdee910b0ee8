/* Looks names up in the database and values up in the rules of their columns. Knows no grammar. */
#include "audience/segment_names.h"

#include "audience/columns.h"
#include "audience/nearest.h"
#include "audience/person.h"
#include "base/text.h"
#include "base/tr.h"

static const char *const column_names[] = {
#define COLUMN_NAME(name) #name,
    SEGMENT_COLUMNS(COLUMN_NAME)
#undef COLUMN_NAME
};

void audience__names_release(struct audience__names *names) {
    base_free(names->attributes);
    names->attributes = NULL;
}

static struct str keep(struct audience__names *names, struct str text) {
    return str_of(base_arena_strndup(names->arena, text.at, text.bytes), text.bytes);
}

static int load_attributes(struct audience__names *names, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = names->loaded ? 0 : db_prepare(names->db, "SELECT name FROM attribute", &stmt, err);
    while (rc == 0 && stmt && (rc = db_step(stmt, err)) == 1) {
        if (names->count == names->room) {
            names->room = names->room ? names->room * 2 : 32;
            names->attributes =
                base_realloc(names->attributes, names->room * sizeof(*names->attributes));
        }
        names->attributes[names->count++] = keep(names, db_column_str(stmt, 0));
        rc = 0;
    }
    db_finish(&stmt);
    names->loaded = rc == 0;
    return rc;
}

static bool is_attribute_name(struct str name) {
    for (size_t i = 0; i < name.bytes; i++) {
        char c = name.at[i];
        bool first = c >= 'a' && c <= 'z';
        if (!first && (i == 0 || !((c >= '0' && c <= '9') || c == '_'))) {
            return false;
        }
    }
    return name.bytes > 0 && name.bytes <= 64;
}

int audience__names_operand(struct audience__names *names, struct str word,
    struct audience__operand *operand_out, struct base_err *err) {
    if (names->of_outlets) {
        return audience__outlet_operand(names, word, operand_out, err);
    }
    struct base_buf folded;
    base_buf_init(&folded, 1024);
    audience__attribute_name(&folded, word);
    struct audience__nearest nearest;
    audience__nearest_init(&nearest, keep(names, base_buf_str(&folded)));
    base_buf_release(&folded);
    for (int i = 0; i < COLUMN_ATTRIBUTE; i++) {
        if (str_case_eq(word, str_from(column_names[i]))) {
            operand_out->column = (enum audience__segment_column)i;
            operand_out->name = str_from(column_names[i]);
            return 0;
        }
        audience__nearest_offer(&nearest, str_from(column_names[i]));
    }
    int rc = load_attributes(names, err);
    if (rc) {
        return rc;
    }
    for (size_t i = 0; i < names->count; i++) {
        /* The name goes into the SQL as it is, so what stands in the table is not trusted. */
        if (str_case_eq(word, names->attributes[i]) && is_attribute_name(names->attributes[i])) {
            operand_out->column = COLUMN_ATTRIBUTE;
            operand_out->name = names->attributes[i];
            return 0;
        }
        audience__nearest_offer(&nearest, names->attributes[i]);
    }
    static const char *const conditions[] = {
        "all", "enrolled", "age", "place", "segment", "consent", "got", "has"};
    for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
        audience__nearest_offer(&nearest, str_from(conditions[i]));
    }
    if (nearest.best.bytes) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("unknown attribute '%.*s' (did you mean '%.*s'?)"), STR_ARG(word),
            STR_ARG(nearest.best));
    }
    return base_err_set(err, LANTOA_EINVAL, TR("unknown attribute '%.*s'"), STR_ARG(word));
}

/* ---- values ---- */

struct str audience__names_small_letters(struct audience__names *names, struct str text) {
    char *small = base_arena_strndup(names->arena, text.at, text.bytes);
    for (size_t i = 0; i < text.bytes; i++) {
        small[i] += small[i] >= 'A' && small[i] <= 'Z' ? 'a' - 'A' : 0;
    }
    return str_of(small, text.bytes);
}

static int normal_address(struct audience__names *names, const struct audience__operand *operand,
    struct audience__value *value, struct base_err *err) {
    char phone[20];
    if (operand->column == COLUMN_phone) {
        int rc = contact_phone(value->text, phone, err);
        value->text = rc ? value->text : keep(names, str_from(phone));
        return rc;
    }
    struct base_buf email;
    base_buf_init(&email, 1024);
    int rc = contact_email(value->text, &email, err);
    value->text = rc ? value->text : audience__names_small_letters(names, base_buf_str(&email));
    base_buf_release(&email);
    return rc;
}

static int normal_date(
    struct audience__names *names, struct audience__value *value, struct base_err *err) {
    struct base_date date;
    bool year = value->text.bytes == 4;
    for (size_t i = 0; i < value->text.bytes && year; i++) {
        year = value->text.at[i] >= '0' && value->text.at[i] <= '9';
    }
    if (year) {
        return 0;
    }
    if (base_parse_date(value->text, &date)) {
        return base_err_set(err, LANTOA_EINVAL, TR("'%.*s' is not a date (write it as 1985-03-02)"),
            STR_ARG(value->text));
    }
    char text[BASE_DATE_MAX];
    base_format_date(date, text);
    value->text = keep(names, str_from(text));
    return 0;
}

static int normal_fact(struct audience__names *names, const struct audience__operand *operand,
    struct audience__value *value, struct base_err *err) {
    char lang[36], id[13];
    const char *sex;
    int rc;
    switch (operand->column) {
    case COLUMN_sex:
        sex = audience__sex(value->text);
        if (!sex) {
            return base_err_set(err, LANTOA_EINVAL, TR("sex is 'f' or 'm'"));
        }
        value->text = str_from(sex);
        return 0;
    case COLUMN_lang:
        rc = audience__lang(value->text, lang, err);
        value->text = rc ? value->text : keep(names, str_from(lang));
        return rc;
    case COLUMN_person_id:
        rc = audience__person_id(value->text, id, err);
        value->text = rc ? value->text : keep(names, str_from(id));
        return rc;
    case COLUMN_phone:
    case COLUMN_email:
        return normal_address(names, operand, value, err);
    case COLUMN_ref:
    case COLUMN_name:
    case COLUMN_household:
    case COLUMN_birth_date:
    case COLUMN_enrolled_on:
    case COLUMN_ATTRIBUTE:
    case COLUMN_OUTLET_TEXT:
    case COLUMN_OUTLET_NUMBER:
    case COLUMN_OUTLET_NAME:
    case COLUMN_OUTLET_KIND:
    case COLUMN_OUTLET_OWNER:
    case COLUMN_OUTLET_LANGUAGE:
        break;
    }
    return 0;
}

int audience__names_value(struct audience__names *names, const struct audience__operand *operand,
    bool exact, struct audience__value *value, struct base_err *err) {
    if (names->of_outlets) {
        return audience__outlet_value(names, operand, exact, value, err);
    }
    if (operand->column == COLUMN_ATTRIBUTE) {
        return 0;
    }
    bool date = operand->column == COLUMN_birth_date || operand->column == COLUMN_enrolled_on;
    if (value->is_number && !exact && !date) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("'%.*s' is a text: compare it with a text in quotes"), STR_ARG(operand->name));
    }
    value->is_number = false; /* household = 12 means the text 12 */
    if (date) {
        return normal_date(names, value, err);
    }
    if (!exact && operand->column == COLUMN_email) {
        value->text = audience__names_small_letters(names, value->text);
    }
    return exact ? normal_fact(names, operand, value, err) : 0;
}

/* ---- segments, campaigns, purposes ---- */

/* What is looked up by its name. near and unknown are the texts for a name that is not there. */
struct kind {
    const char *one_sql; /* id, and what else is wanted, by name */
    const char *all_sql; /* names */
    const char *unknown, *near;
};

/* LANTOA_ENOENT with the nearest name there is. */
static int unknown_name(
    struct audience__names *names, const struct kind *kind, struct str name, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    struct audience__nearest nearest;
    audience__nearest_init(&nearest, name);
    int rc = db_prepare(names->db, kind->all_sql, &stmt, err);
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        audience__nearest_offer(&nearest, keep(names, db_column_str(stmt, 0)));
        rc = 0;
    }
    db_finish(&stmt);
    if (rc) {
        return rc;
    }
    return nearest.best.bytes
               ? base_err_set(err, LANTOA_ENOENT, kind->near, STR_ARG(name), STR_ARG(nearest.best))
               : base_err_set(err, LANTOA_ENOENT, kind->unknown, STR_ARG(name));
}

static int find_named(struct audience__names *names, const struct kind *kind, struct str name,
    int64_t *id_out, struct str *text_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(names->db, kind->one_sql, &stmt, err);
    if (rc) {
        return rc;
    }
    db_bind_str(stmt, 1, name);
    rc = db_step(stmt, err);
    if (rc == 1) {
        *id_out = db_column_i64(stmt, 0);
        if (text_out) {
            *text_out = keep(names, db_column_str(stmt, 1));
        }
        db_reset(stmt);
    }
    db_finish(&stmt);
    return rc == 1 ? 0 : rc ? rc : unknown_name(names, kind, name, err);
}

int audience__names_segment(struct audience__names *names, struct str name, int64_t *id_out,
    struct str *expression_out, struct base_err *err) {
    const struct kind kind = {.one_sql = "SELECT id, expression FROM segment WHERE name = ?1",
        .all_sql = "SELECT name FROM segment ORDER BY name",
        .unknown = TR("unknown segment '%.*s'"),
        .near = TR("unknown segment '%.*s' (did you mean '%.*s'?)")};
    return find_named(names, &kind, name, id_out, expression_out, err);
}

int audience__names_campaign(
    struct audience__names *names, struct str name, int64_t *id_out, struct base_err *err) {
    const struct kind kind = {.one_sql = "SELECT id FROM campaign WHERE name = ?1",
        .all_sql = "SELECT name FROM campaign ORDER BY name",
        .unknown = TR("unknown campaign '%.*s'"),
        .near = TR("unknown campaign '%.*s' (did you mean '%.*s'?)")};
    int rc = find_named(names, &kind, name, id_out, NULL, err);
    if (rc == LANTOA_ENOENT && name.bytes && str_eq(name, names->own_campaign)) {
        *err = (struct base_err){0};
        *id_out = 0;
        rc = 0;
    }
    return rc;
}

/* ---- purposes ---- */

int audience__names_purpose(struct str purpose, struct base_err *err) {
    static const char *const purposes[] = {
        "state_information", "advertising", "personal_service", "emergency", "internal"};
    struct audience__nearest nearest;
    audience__nearest_init(&nearest, purpose);
    for (size_t i = 0; i < sizeof(purposes) / sizeof(purposes[0]); i++) {
        if (str_is(purpose, purposes[i])) {
            return 0;
        }
        audience__nearest_offer(&nearest, str_from(purposes[i]));
    }
    return nearest.best.bytes
               ? base_err_set(err, LANTOA_EINVAL,
                     TR("unknown purpose '%.*s' (did you mean '%.*s'?)"), STR_ARG(purpose),
                     STR_ARG(nearest.best))
               : base_err_set(err, LANTOA_EINVAL, TR("unknown purpose '%.*s'"), STR_ARG(purpose));
}
