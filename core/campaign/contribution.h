/* What a person pays for voluntary social insurance, on dated tables of the law.
 *
 * No figure of the law stands in code. The tables are a JSON file, config/rules/contribution.json;
 * it is built into the program as the default and replaced by `lantoa rules apply FILE` (meta key
 * "contribution"). Every row has a first day `from`, perhaps a last day `to`, and its source.
 *
 * Money is whole dong (int64_t), rates of support are basis points (1/100 %), days are those of
 * base/civil.h. Formulas (domain facts 1.1; C contribution, PL poverty line, TN chosen income):
 *   C = round(rate * TN)                                 a month
 *   S = round(rate * PL * central rate), 0 once the months of support are used up
 *   L = round(rate * PL * local rate), or of TN where the local rule says so; stacked layers add up
 *   pay = C - S - L, never below 0; central and local rates on the poverty line never above 100 %
 *   n months at once: n times that, each month with its own S and L
 *   2 to 5 years ahead: sum over i = 1..12n of rate * TN / (1 + r)^(i - 1), less S and L of each
 *   t missing months: sum over i = 1..t of rate * TN * (1 + r)^i
 *
 * All but the loading is pure. A table belongs to one thread. */
#ifndef CAMPAIGN_CONTRIBUTION_H
#define CAMPAIGN_CONTRIBUTION_H

#include "audience/contact.h"
#include "base/civil.h"
#include "base/json.h"
#include "base/mem.h"
#include "store/db.h"

#define CONTRIBUTION_GROUPS_MOST 32
#define CONTRIBUTION_LAYERS_MOST 64
#define CONTRIBUTION_SOURCES_MOST 16

struct contribution_tables;

/* The tables of a file {"contribution": {...}}; errors name file, line and field. */
int contribution_parse(TAKES struct base_json *doc, struct contribution_tables **tables_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void contribution_free(struct contribution_tables **tables);
/* Those of this database, else the ones built in. */
int contribution_load(
    struct db *db, struct contribution_tables **tables_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Checks the file, puts it in force, writes the audit. */
int contribution_apply(
    struct db *db, const char *path, const char *who, struct base_err *err) LANTOA_MUST_CHECK;
/* The text in force; caller owns. */
int contribution_text(struct db *db, char **text_out, struct base_err *err) LANTOA_MUST_CHECK;

/* --- methods of payment --- */

enum contribution_kind { CONTRIBUTION_MONTHS = 1, CONTRIBUTION_YEARS, CONTRIBUTION_MISSING };
struct contribution_method {
    enum contribution_kind kind;
    int months; /* 1, 3, 6, 12; 24 to 60 for YEARS; 1 to 60 for MISSING */
};
#define CONTRIBUTION_METHOD_MAX 16
/* "monthly", "1", "3", "6", "12", "2y" to "5y", "missing:12"; also as Vietnamese files have it:
 * "hằng tháng", "3 tháng", "2 năm", "thiếu 12 tháng". LANTOA_EINVAL lists the words. */
int contribution_method_parse(struct str text, struct contribution_method *method_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void contribution_method_word(
    struct contribution_method method, char out[static CONTRIBUTION_METHOD_MAX]);

/* --- groups --- */

/* The groups a text names, as a set (bit per group of the tables): "poor", "hộ cận nghèo; dân tộc
 * thiểu số". LANTOA_EINVAL names the word that is no group. Empty text: none, so "other". */
int contribution_groups(const struct contribution_tables *tables, struct str text,
    uint32_t *groups_out, struct base_err *err) LANTOA_MUST_CHECK;
size_t contribution_group_count(const struct contribution_tables *tables);
/* BORROWED. */
const char *contribution_group_name(const struct contribution_tables *tables, size_t index);
const char *contribution_group_label(
    const struct contribution_tables *tables, size_t index, const char *lang);

/* --- the calculation --- */

/* Parameters of one day. */
struct contribution_limits {
    int64_t rate_bp, poverty_line, reference_level, floor, ceiling;
    int64_t since_days; /* first day of the newest of these parameters */
};
/* LANTOA_ENOENT: a parameter has no value on that day; err names it. */
int contribution_limits(const struct contribution_tables *tables, int64_t day,
    struct contribution_limits *limits_out, struct base_err *err) LANTOA_MUST_CHECK;

struct contribution_ask {
    int64_t day;             /* of payment */
    int64_t income;          /* chosen income a month; 0: the floor */
    uint32_t groups;         /* of contribution_groups; 0: other */
    int64_t supported;       /* months the State has supported so far */
    int64_t local_supported; /* the same of local support; -1: as `supported` */
    bool resident;           /* of the place that gives local support */
    struct contribution_method method;
    uint64_t layers; /* bit per row of "local": the person lives where it holds; see places below */
    /* What if: other values than the tables have; -1: as in the tables. */
    int64_t poverty_line, local_bp;
};
/* The usual question: floor, other, monthly, resident, every layer that holds everywhere. */
void contribution_ask_init(const struct contribution_tables *tables, struct contribution_ask *ask);

struct contribution_result {
    struct contribution_limits limits;
    int64_t income;                                 /* as reckoned with */
    int64_t month, support, local;                  /* C, S, L of the first month */
    int64_t pay_month;                              /* of the first month */
    int64_t central_bp, local_bp;                   /* rates used in the first month */
    int months;                                     /* that are paid for at once */
    int supported_months;                           /* of them with the State's support */
    int64_t gross, support_total, local_total, pay; /* of the whole payment */
    double fund_rate;                               /* r a month, 0 when not used */
    const char *sources[CONTRIBUTION_SOURCES_MOST]; /* of the rows used; BORROWED */
    size_t source_count;
};
/* LANTOA_EINVAL: below the floor or above the ceiling (with the limit), or a method that does not
 * exist; LANTOA_ENOENT: a parameter is not known for that day. */
int contribution_reckon(const struct contribution_tables *tables,
    const struct contribution_ask *ask, struct contribution_result *result_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* --- deadlines --- */

/* The last day to pay for a period of the method that begins in the month of start_day.
 * LANTOA_ENOENT: the method has none (missing months), or none is known. */
int contribution_deadline(const struct contribution_tables *tables,
    struct contribution_method method, int64_t start_day, int64_t *day_out) LANTOA_MUST_CHECK;
/* First day of the period that follows the one paid for. */
int64_t contribution_next_start(struct contribution_method method, int64_t start_day);

/* Calls back for each dated row of support (central and local) that ends within `days` after day
 * and has no successor the day after. row returns 0 to go on. */
struct contribution_ending {
    const char *what, *group, *source; /* what: "central" or the layer's name. BORROWED */
    int64_t to_days;
};
int contribution_each_ending(const struct contribution_tables *tables, int64_t day, int64_t days,
    int (*row)(void *arg, const struct contribution_ending *ending), void *arg);

/* --- where local layers hold --- */

struct contribution_places;
/* Looks the places of the layers up; a layer whose place is not known holds nowhere (and is named
 * in a log line). */
int contribution_places_load(struct db *db, const struct contribution_tables *tables,
    struct contribution_places **places_out, struct base_err *err) LANTOA_MUST_CHECK;
void contribution_places_free(struct contribution_places **places);
/* The set for contribution_ask.layers of somebody at place_id; 0: nobody knows where. NULL places:
 * only layers that hold everywhere. */
uint64_t contribution_layers_at(const struct contribution_tables *tables,
    const struct contribution_places *places, int64_t place_id);

/* --- one contact --- */

/* Fills the question from a contact's attributes (names in "attributes" of the tables): chosen
 * income or the floor, groups, months supported, resident. raised: the income given lies below the
 * floor, so the floor is taken. scratch is for unescaping. LANTOA_EINVAL: an attribute cannot be
 * read. */
int contribution_ask_contact(const struct contribution_tables *tables,
    const struct contribution_places *places, const struct contact *contact, int64_t day,
    struct base_buf *scratch, struct contribution_ask *ask_out, bool *raised_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* Fields of {{contribution.x}} and of {{x}} inside {{#contribution}}. X(name, meaning) */
#define CONTRIBUTION_FIELDS(X)                                                                     \
    X(income, "chosen income a month; the floor when none is known or it lies below")              \
    X(contribution, "contribution a month before support")                                         \
    X(support, "the State's support a month")                                                      \
    X(local, "local support a month")                                                              \
    X(pay, "what the person pays a month")                                                         \
    X(pay_3, "for 3 months at once")                                                               \
    X(pay_6, "for 6 months at once")                                                               \
    X(pay_12, "for 12 months at once")                                                             \
    X(pay_2y, "for 2 years ahead")                                                                 \
    X(pay_3y, "for 3 years ahead")                                                                 \
    X(pay_4y, "for 4 years ahead")                                                                 \
    X(pay_5y, "for 5 years ahead")                                                                 \
    X(floor, "least income a month one may choose")                                                \
    X(ceiling, "highest income a month one may choose")                                            \
    X(raised, "yes when the person's present income lies below the floor")                         \
    X(date, "day of the calculation")                                                              \
    X(parameters_date, "first day of the parameters used")                                         \
    X(note, "for information, of which day, by which parameters")

enum contribution_field {
#define CONTRIBUTION__FIELD(name, meaning) CONTRIBUTION_FIELD_##name,
    CONTRIBUTION_FIELDS(CONTRIBUTION__FIELD)
#undef CONTRIBUTION__FIELD
        CONTRIBUTION_FIELD_COUNT
};
/* -1: no such field. */
int contribution_field(struct str name);
/* true for fields that are amounts to pay: a text that shows one shows the date too. */
bool contribution_field_is_amount(int field);

/* Fills in every field of one person; reckoned only for the methods asked for (bit per field).
 * Texts are plain numbers, dates YYYY-MM-DD; note is in the language. A field that cannot be
 * reckoned stays empty. LANTOA_EINVAL, LANTOA_ENOENT as contribution_reckon. */
#define CONTRIBUTION_FIELD_ROOM 320
struct contribution_fields {
    char text[CONTRIBUTION_FIELD_COUNT][CONTRIBUTION_FIELD_ROOM];
};
int contribution_fill(const struct contribution_tables *tables, const struct contribution_ask *ask,
    bool raised, const char *lang, uint32_t wanted, struct contribution_fields *fields_out,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
