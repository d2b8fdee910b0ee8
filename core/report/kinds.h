/* The kinds of report: a word, and the function that fills a document from the database. To add
 * one: write report_x(request, report) in a file of its own, and a row in REPORT_KINDS. The
 * function sets title, period and parameters, adds the tables (the first is the main one), charts
 * and notes; it finds its options with report_option. Heading, forms, hiding of small counts,
 * files, schedules and the command line come by themselves. */
#ifndef REPORT_KINDS_H
#define REPORT_KINDS_H

#include "report/document.h"

struct report_option {
    const char *name, *value;
};
struct report_request {
    struct db *db;
    const char *data_dir;
    const char *name; /* the campaign, theme, ...; NULL when none was given */
    const struct report_option *options;
    size_t option_count;
    bool with_charts; /* the form can show them */
    bool main_only;   /* the form has no room for further tables: they need not be made */
    bool for_public;  /* small counts are taken out */
    int64_t now_ms;   /* as-of time */
    int offset_min;   /* minutes east of UTC, for times and days */
};
const char *report_option(const struct report_request *request, const char *name); /* or NULL */

/* X(word, needs a name, function, options beyond the form, usage, help) */
#define REPORT_KINDS(X)                                                                            \
    X("campaign", true, report_campaign,                                                           \
        "by=", "NAME [--by step|state|reason|place|day|link|funnel|figure]",                       \
        "the campaign in numbers that add up to its audience")                                     \
    X("theme", false, report_theme, "", "[NAME]",                                                  \
        "all themes, or the campaigns of one: messages by state, people reached, clicks")          \
    X("channel", false, report_channel, "", "[NAME]",                                              \
        "all channels, or the campaigns of one: messages by state, people reached, clicks")        \
    X("place", false, report_place, "level= campaign= by= places-on=",                             \
        "[--level province|district|commune|village] [--by channel] [--campaign NAME] "            \
        "[--places-on DATE]",                                                                      \
        "every place of a level: people, messages by state, people reached")                       \
    X("airtime", false, report_airtime, "place= month=", "[--place P] [--month YYYY-MM]",          \
        "the month of a commune's loudspeakers, to be printed: days and times")                    \
    X("asrun", false, report_asrun,                                                                \
        "place= from= to=", "[CAMPAIGN] [--place P] [--from D] [--to D]",                          \
        "what outlets were to play and what they played, with the reason for the rest")            \
    X("attribution", false, report_attribution, "model= by= theme= all from= to= as=",             \
        "[CAMPAIGN|--theme T|--all] [--model last|first|any|linear|position|decay|markov|"         \
        "shapley] [--by channel|step|campaign|theme|place] [--from D] [--to D] "                   \
        "[--as event|registered]",                                                                 \
        "enrolments shared out over what touched the people before, by a stated model")            \
    X("cost", false, report_cost, "by= theme= level= places-on= model= from= to= as=",             \
        "[CAMPAIGN|--theme T] [--by channel|step|campaign|theme|place] [--level L] "               \
        "[--places-on DATE] [--model M] [--from D] [--to D] [--as event|registered]",              \
        "money by channel, step, campaign, theme or place; the cost of an enrolment; support "     \
        "apart")                                                                                   \
    X("experiment", true, report_experiment, "from= to=", "CAMPAIGN [--from D] [--to D]",          \
        "recorded, attributed, caused: the arms of the lot, every estimate, the verdict")          \
    X("target", false, report_target, "on= level= kind= place=",                                   \
        "[PERIOD] [--on DATE] [--level L] [--kind stock|flow] [--place CODE]",                     \
        "targets as assigned and as supplemented: reached, pace, gap, forecast, rank")             \
    X("balance", true, report_balance, "places-on= level=",                                        \
        "PERIOD [--places-on DATE] [--level province|district|commune|village]",                   \
        "participants at start and end and what happened between; or who breaks it")

#define REPORT__MAKER(word, named, make, options, usage, help)                                     \
    int make(const struct report_request *request, struct report *report, struct base_err *err)    \
        LANTOA_MUST_CHECK;
REPORT_KINDS(REPORT__MAKER)
#undef REPORT__MAKER

struct report_kind {
    const char *word;
    bool needs_name;
    int (*make)(const struct report_request *request, struct report *report, struct base_err *err);
};
const struct report_kind *report_kind_find(const char *word); /* NULL: there is none */
/* Makes the report with its heading. The caller releases it when this succeeds. LANTOA_ENOENT:
 * unknown name; LANTOA_EINVAL: an option that the kind does not take so. */
int report_make(const struct report_kind *kind, const struct report_request *request,
    struct report *report_out, struct base_err *err) LANTOA_MUST_CHECK;

#endif
