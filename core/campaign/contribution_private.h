/* The tables of contribution.h as read; shared by its files. */
#ifndef CAMPAIGN_CONTRIBUTION_PRIVATE_H
#define CAMPAIGN_CONTRIBUTION_PRIVATE_H

#include "campaign/contribution.h"

/* The dated lists. X(name, what errors about a missing value call it) */
#define CONTRIBUTION__LISTS(X)                                                                     \
    X(rate, "contribution rate")                                                                   \
    X(poverty_line, "poverty line")                                                                \
    X(reference_level, "reference level")                                                          \
    X(ceiling, "ceiling")                                                                          \
    X(central, "central support")                                                                  \
    X(central_months, "months of support")                                                         \
    X(local, "local support")                                                                      \
    X(fund_rate, "fund rate")                                                                      \
    X(missing, "missing months")                                                                   \
    X(deadlines, "deadline")

enum contribution__list {
#define CONTRIBUTION__LIST_ENUM(name, label) CONTRIBUTION__##name,
    CONTRIBUTION__LISTS(CONTRIBUTION__LIST_ENUM)
#undef CONTRIBUTION__LIST_ENUM
        CONTRIBUTION__LIST_COUNT
};

struct contribution__row {
    int64_t from_days, to_days;        /* both included; to INT64_MAX: open */
    int64_t value;                     /* vnd, times, months, or basis points; by the list */
    double rate;                       /* fund_rate: a month, 0.0031 */
    uint32_t groups;                   /* central, local: bit of the group, all bits for "*" */
    const char *layer, *place;         /* local; place "*": everywhere */
    bool on_income;                    /* local: reckoned on the chosen income */
    bool resident;                     /* local: only for residents */
    bool supported;                    /* missing: the State supports them too */
    int months;                        /* local: at most so many months, 0: no limit */
    struct contribution_method method; /* deadlines */
    const char *source;
};

struct contribution__group {
    const char *name, *vi, *en;
    char *words[12]; /* folded; owned */
    size_t word_count;
};

#define CONTRIBUTION__NAMES_MOST 8
enum contribution__attribute {
    CONTRIBUTION__INCOME,
    CONTRIBUTION__GROUP,
    CONTRIBUTION__SUPPORTED,
    CONTRIBUTION__RESIDENT,
    CONTRIBUTION__ATTRIBUTES
};

struct contribution_tables {
    struct base_json *doc; /* owns the texts */
    struct contribution__row *rows[CONTRIBUTION__LIST_COUNT];
    size_t counts[CONTRIBUTION__LIST_COUNT];
    struct contribution__group groups[CONTRIBUTION_GROUPS_MOST];
    size_t group_count;
    uint32_t other; /* the group everybody belongs to */
    struct str attributes[CONTRIBUTION__ATTRIBUTES][CONTRIBUTION__NAMES_MOST];
    size_t attribute_counts[CONTRIBUTION__ATTRIBUTES];
};

/* The newest row of the list in force on the day; NULL: none. */
const struct contribution__row *contribution__at(
    const struct contribution_tables *tables, enum contribution__list list, int64_t day);
/* "poverty line" and so on, translated. */
const char *contribution__list_label(enum contribution__list list);

#endif
