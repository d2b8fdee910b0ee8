/* From a contact to what it pays: attributes read, places of local support looked up, fields for
 * texts filled in. */
#include "campaign/contribution_private.h"

#include "audience/place.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/tr.h"

#include <stdlib.h>

/* --- places of layers --- */

struct contribution_places {
    size_t count;
    int64_t *ids[CONTRIBUTION_LAYERS_MOST]; /* sorted; NULL: everywhere or nowhere */
    size_t id_counts[CONTRIBUTION_LAYERS_MOST];
};

int contribution_places_load(struct db *db, const struct contribution_tables *tables,
    struct contribution_places **places_out, struct base_err *err) {
    struct contribution_places *places = base_alloc(sizeof *places);
    places->count = tables->counts[CONTRIBUTION__local];
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < places->count; i++) {
        const struct contribution__row *row = &tables->rows[CONTRIBUTION__local][i];
        const char *name = row->place;
        char dated[64];
        int64_t *found = NULL;
        size_t count = 0;
        struct base_err why = {0};
        if (strcmp(name, "*") == 0) {
            continue;
        }
        if (name[0] >= '0' && name[0] <= '9' && !strchr(name, '@')) {
            /* A code means a place on a day: that of the rule. */
            char from[BASE_DATE_MAX];
            base_format_date(base_date_from_days(row->from_days), from);
            snprintf(dated, sizeof dated, "%.40s@%s", name, from);
            name = dated;
        }
        rc = place_find(db, str_from(name), &found, &count, &why);
        if (rc == LANTOA_ENOENT || rc == LANTOA_EINVAL) {
            base_log(BASE_LOG_WARN, "contribution", "local support: %s", why.text);
            rc = 0;
        } else if (rc != 0) {
            rc = base_err_set(err, rc, "%s", why.text);
        } else {
            rc = place_under(db, found, count, &places->ids[i], &places->id_counts[i], err);
        }
        base_free(found);
    }
    if (rc) {
        contribution_places_free(&places);
        return rc;
    }
    *places_out = places;
    return 0;
}

void contribution_places_free(struct contribution_places **places) {
    if (!*places) {
        return;
    }
    for (size_t i = 0; i < (*places)->count; i++) {
        base_free((*places)->ids[i]);
    }
    base_free(*places);
    *places = NULL;
}

static int compare_ids(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

uint64_t contribution_layers_at(const struct contribution_tables *tables,
    const struct contribution_places *places, int64_t place_id) {
    uint64_t layers = 0;
    for (size_t i = 0; i < tables->counts[CONTRIBUTION__local]; i++) {
        bool holds = strcmp(tables->rows[CONTRIBUTION__local][i].place, "*") == 0;
        if (!holds && places && places->ids[i]) {
            holds = bsearch(&place_id, places->ids[i], places->id_counts[i], sizeof(int64_t),
                        compare_ids) != NULL;
        }
        layers |= (uint64_t)holds << i;
    }
    return layers;
}

/* --- attributes --- */

/* The first of the attribute's names that the contact has. */
static struct str attribute(const struct contribution_tables *tables, const struct contact *contact,
    enum contribution__attribute which, struct base_buf *scratch) {
    struct str value = {0};
    for (size_t i = 0; i < tables->attribute_counts[which] && value.bytes == 0; i++) {
        if (!contact_attr(contact, tables->attributes[which][i], scratch, &value)) {
            value = (struct str){0};
        }
    }
    return value;
}

/* "1500000", "1.500.000", "1,500,000 đ": whole amounts as people write them. */
static int read_amount(struct str text, int64_t *value_out) {
    char digits[24];
    size_t count = 0, since_sign = 0;
    bool signs = false;
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.at[i];
        if (c >= '0' && c <= '9' && count < sizeof digits) {
            digits[count++] = c;
            since_sign++;
        } else if ((c == '.' || c == ',' || c == ' ') && count > 0 && (!signs || since_sign == 3)) {
            signs = true;
            since_sign = 0;
        } else if (count > 0 && (str_is(str_of(text.at + i, text.bytes - i), "đ") ||
                                    str_is(str_of(text.at + i, text.bytes - i), "VND"))) {
            since_sign = signs && since_sign == 0 ? 3 : since_sign;
            break;
        } else {
            return LANTOA_EINVAL;
        }
    }
    if (signs && since_sign != 3) {
        return LANTOA_EINVAL; /* 1.5 is no amount in dong */
    }
    return base_parse_i64(str_of(digits, count), value_out);
}

static int attribute_fault(const char *what, struct str value, struct base_err *err) {
    return base_err_set(
        err, LANTOA_EINVAL, TR("the contact's %s '%.*s' cannot be read"), what, STR_ARG(value));
}

int contribution_ask_contact(const struct contribution_tables *tables,
    const struct contribution_places *places, const struct contact *contact, int64_t day,
    struct base_buf *scratch, struct contribution_ask *ask_out, bool *raised_out,
    struct base_err *err) {
    struct contribution_limits limits;
    int rc = contribution_limits(tables, day, &limits, err);
    if (rc) {
        return rc;
    }
    contribution_ask_init(tables, ask_out);
    ask_out->day = day;
    ask_out->layers = contribution_layers_at(tables, places, contact->place_id);
    struct str income = attribute(tables, contact, CONTRIBUTION__INCOME, scratch);
    struct str group = attribute(tables, contact, CONTRIBUTION__GROUP, scratch);
    struct str months = attribute(tables, contact, CONTRIBUTION__SUPPORTED, scratch);
    struct str resident = attribute(tables, contact, CONTRIBUTION__RESIDENT, scratch);
    if (income.bytes && read_amount(income, &ask_out->income) != 0) {
        return attribute_fault(TR("income"), income, err);
    }
    if (months.bytes && (base_parse_i64(months, &ask_out->supported) != 0 ||
                            ask_out->supported < 0 || ask_out->supported > 1200)) {
        return attribute_fault(TR("number of months"), months, err);
    }
    if (resident.bytes && base_parse_bool(resident, &ask_out->resident) != 0) {
        return attribute_fault(TR("residence"), resident, err);
    }
    rc = contribution_groups(tables, group, &ask_out->groups, err);
    *raised_out = ask_out->income > 0 && ask_out->income < limits.floor;
    if (ask_out->income < limits.floor) {
        ask_out->income = 0;
    }
    return rc;
}

/* --- fields of texts --- */

static const char *const field_names[] = {
#define FIELD_NAME(name, meaning) #name,
    CONTRIBUTION_FIELDS(FIELD_NAME)
#undef FIELD_NAME
};

int contribution_field(struct str name) {
    for (int i = 0; i < CONTRIBUTION_FIELD_COUNT; i++) {
        if (str_is(name, field_names[i])) {
            return i;
        }
    }
    return -1;
}

bool contribution_field_is_amount(int field) {
    return field >= CONTRIBUTION_FIELD_contribution && field <= CONTRIBUTION_FIELD_pay_5y;
}

static void put_amount(struct contribution_fields *fields, int field, int64_t value) {
    snprintf(fields->text[field], CONTRIBUTION_FIELD_ROOM, "%lld", (long long)value);
}

static void grouped(int64_t value, bool english, char *out, size_t room) {
    char digits[24];
    int count = snprintf(digits, sizeof digits, "%lld", (long long)value);
    size_t at = 0;
    for (int i = 0; i < count && at + 2 < room; i++) {
        if (i > 0 && (count - i) % 3 == 0) {
            out[at++] = english ? ',' : '.';
        }
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

/* Amounts that citizens see say of which day they are and by what (domain facts 8, item 9). */
static void put_note(struct contribution_fields *fields, const struct contribution_ask *ask,
    const struct contribution_result *result, const char *lang) {
    bool english = strncmp(lang, "en", 2) == 0;
    char line[32];
    struct base_date day = base_date_from_days(ask->day);
    struct base_date since = base_date_from_days(result->limits.since_days);
    grouped(result->limits.poverty_line, english, line, sizeof line);
    snprintf(fields->text[CONTRIBUTION_FIELD_note], CONTRIBUTION_FIELD_ROOM,
        english ? "for information, reckoned on %02d/%02d/%04d with the poverty line of VND %s and "
                  "parameters in force since %02d/%02d/%04d"
                : "số tiền tham khảo, tính ngày %02d/%02d/%04d theo chuẩn nghèo %s đ và các mức áp "
                  "dụng từ %02d/%02d/%04d",
        day.day, day.month, day.year, line, since.day, since.month, since.year);
}

/* The methods of the fields pay_3 to pay_5y. */
static void put_methods(const struct contribution_tables *tables,
    const struct contribution_ask *ask, uint32_t wanted, struct contribution_fields *fields) {
    static const struct {
        int field;
        struct contribution_method method;
    } rows[] = {
        {CONTRIBUTION_FIELD_pay_3, {CONTRIBUTION_MONTHS, 3}},
        {CONTRIBUTION_FIELD_pay_6, {CONTRIBUTION_MONTHS, 6}},
        {CONTRIBUTION_FIELD_pay_12, {CONTRIBUTION_MONTHS, 12}},
        {CONTRIBUTION_FIELD_pay_2y, {CONTRIBUTION_YEARS, 24}},
        {CONTRIBUTION_FIELD_pay_3y, {CONTRIBUTION_YEARS, 36}},
        {CONTRIBUTION_FIELD_pay_4y, {CONTRIBUTION_YEARS, 48}},
        {CONTRIBUTION_FIELD_pay_5y, {CONTRIBUTION_YEARS, 60}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct contribution_ask other = *ask;
        struct contribution_result result;
        other.method = rows[i].method;
        if ((wanted >> rows[i].field & 1) &&
            contribution_reckon(tables, &other, &result, NULL) == 0) {
            put_amount(fields, rows[i].field, result.pay);
        }
    }
}

int contribution_fill(const struct contribution_tables *tables, const struct contribution_ask *ask,
    bool raised, const char *lang, uint32_t wanted, struct contribution_fields *fields_out,
    struct base_err *err) {
    struct contribution_result result;
    struct contribution_ask monthly = *ask;
    for (int i = 0; i < CONTRIBUTION_FIELD_COUNT; i++) {
        fields_out->text[i][0] = '\0';
    }
    monthly.method = (struct contribution_method){CONTRIBUTION_MONTHS, 1};
    int rc = contribution_reckon(tables, &monthly, &result, err);
    if (rc) {
        return rc;
    }
    put_amount(fields_out, CONTRIBUTION_FIELD_income, result.income);
    put_amount(fields_out, CONTRIBUTION_FIELD_contribution, result.month);
    put_amount(fields_out, CONTRIBUTION_FIELD_support, result.support);
    put_amount(fields_out, CONTRIBUTION_FIELD_local, result.local);
    put_amount(fields_out, CONTRIBUTION_FIELD_pay, result.pay);
    put_amount(fields_out, CONTRIBUTION_FIELD_floor, result.limits.floor);
    put_amount(fields_out, CONTRIBUTION_FIELD_ceiling, result.limits.ceiling);
    put_methods(tables, ask, wanted, fields_out);
    if (raised) {
        snprintf(fields_out->text[CONTRIBUTION_FIELD_raised], CONTRIBUTION_FIELD_ROOM, "yes");
    }
    base_format_date(base_date_from_days(ask->day), fields_out->text[CONTRIBUTION_FIELD_date]);
    base_format_date(base_date_from_days(result.limits.since_days),
        fields_out->text[CONTRIBUTION_FIELD_parameters_date]);
    put_note(fields_out, ask, &result, lang);
    return 0;
}
