/* The fields of outlets in expressions. Knows no grammar. */
#include "audience/nearest.h"
#include "audience/outlet_private.h"
#include "audience/person.h"
#include "audience/segment_parser.h"
#include "base/tr.h"

/* name: as people write it. column: in the table outlet. */
static const struct field {
    const char *name, *column;
    enum audience__segment_column kind;
} fields[] = {
    {"code", "code", COLUMN_OUTLET_TEXT},
    {"name", "name", COLUMN_OUTLET_NAME},
    {"channel", "channel", COLUMN_OUTLET_TEXT},
    {"device", "device", COLUMN_OUTLET_TEXT},
    {"kind", "kind", COLUMN_OUTLET_KIND},
    {"owner", "owner", COLUMN_OUTLET_OWNER},
    {"households", "households", COLUMN_OUTLET_NUMBER},
    {"minutes_per_day", "minutes_per_day", COLUMN_OUTLET_NUMBER},
    {"language", "languages", COLUMN_OUTLET_LANGUAGE},
};
enum { FIELDS = sizeof fields / sizeof fields[0] };

int audience__outlet_operand(struct audience__names *names, struct str word,
    struct audience__operand *operand_out, struct base_err *err) {
    static const char *const others[] = {"place", "covers", "all"};
    struct audience__nearest nearest;
    (void)names;
    audience__nearest_init(&nearest, word);
    for (size_t i = 0; i < FIELDS; i++) {
        if (str_case_eq(word, str_from(fields[i].name))) {
            operand_out->column = fields[i].kind;
            operand_out->name = str_from(fields[i].column);
            return 0;
        }
        audience__nearest_offer(&nearest, str_from(fields[i].name));
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        audience__nearest_offer(&nearest, str_from(others[i]));
    }
    if (nearest.best.bytes) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("unknown field '%.*s' of outlets (did you mean '%.*s'?)"), STR_ARG(word),
            STR_ARG(nearest.best));
    }
    return base_err_set(err, LANTOA_EINVAL,
        TR("unknown field '%.*s' of outlets (there are code, name, kind, owner, place, covers, "
           "households, minutes_per_day, language, channel, device)"),
        STR_ARG(word));
}

static struct str keep(struct audience__names *names, const char *text) {
    size_t bytes = strlen(text);
    return str_of(base_arena_strndup(names->arena, text, bytes), bytes);
}

static int language_value(
    struct audience__names *names, struct audience__value *value, struct base_err *err) {
    char lang[36], pattern[48];
    int rc = audience__lang(value->text, lang, err);
    if (rc == 0) {
        (void)snprintf(pattern, sizeof pattern, "%% %s %%", lang);
        value->text = keep(names, pattern);
    }
    return rc;
}

int audience__outlet_value(struct audience__names *names, const struct audience__operand *operand,
    bool exact, struct audience__value *value, struct base_err *err) {
    int found;
    if (operand->column == COLUMN_OUTLET_NUMBER) {
        return value->is_number
                   ? 0
                   : base_err_set(err, LANTOA_EINVAL,
                         TR("'%.*s' is a number: compare it with a number without quotes"),
                         STR_ARG(operand->name));
    }
    if (value->is_number && !exact) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("'%.*s' is a text: compare it with a text in quotes"), STR_ARG(operand->name));
    }
    value->is_number = false; /* code = 12 means the text 12 */
    if (operand->column == COLUMN_OUTLET_LANGUAGE) {
        return language_value(names, value, err);
    }
    if (operand->column == COLUMN_OUTLET_KIND) {
        found = outlet__kind_find(value->text);
        if (found < 0) {
            return base_err_set(err, LANTOA_EINVAL, TR("kind is 'station' or 'cluster'"));
        }
        value->text = str_from(outlet_kind_word((enum outlet_kind)found));
    }
    if (operand->column == COLUMN_OUTLET_OWNER) {
        found = outlet__owner_find(value->text);
        if (found < 0) {
            return base_err_set(err, LANTOA_EINVAL, TR("owner is 'commune' or 'village'"));
        }
        value->text = str_from(outlet_owner_word((enum outlet_owner)found));
    }
    return 0;
}

bool audience__outlet_allows(const struct audience__operand *operand, struct str word) {
    bool equal = str_is(word, "=") || str_is(word, "!=") || str_case_eq(word, STR("in"));
    bool text_only =
        str_is(word, "~") || str_case_eq(word, STR("is")) || str_case_eq(word, STR("starts"));
    bool known = equal || text_only || str_case_eq(word, STR("between")) || str_is(word, "<") ||
                 str_is(word, "<=") || str_is(word, ">") || str_is(word, ">=");
    if (!known) {
        return true; /* the grammar says what is expected here */
    }
    switch (operand->column) {
    case COLUMN_OUTLET_NUMBER:
        return !text_only;
    case COLUMN_OUTLET_KIND:
    case COLUMN_OUTLET_OWNER:
    case COLUMN_OUTLET_LANGUAGE:
        return equal;
    case COLUMN_ref:
    case COLUMN_person_id:
    case COLUMN_name:
    case COLUMN_email:
    case COLUMN_phone:
    case COLUMN_lang:
    case COLUMN_birth_date:
    case COLUMN_sex:
    case COLUMN_household:
    case COLUMN_enrolled_on:
    case COLUMN_ATTRIBUTE:
    case COLUMN_OUTLET_TEXT:
    case COLUMN_OUTLET_NAME:
        break;
    }
    return true;
}

int outlet__where_parse(struct db *db, struct str text, struct segment **segment_out,
    int *column_out, struct base_err *err) {
    return audience__segment_parse(db, text, (struct str){0}, true, segment_out, column_out, err);
}
