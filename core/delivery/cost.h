/* What a campaign will cost, exactly, before it is approved: every message is rendered for its
 * person with the real templates and policy, and the channel's plugin says how many units (parts of
 * an SMS) it has. Nothing is sent, planned or changed. A draft is planned into private copies of
 * the ledger's tables, so a draft and its plan cost the same. Memory does not grow with the
 * audience. */
#ifndef DELIVERY_COST_H
#define DELIVERY_COST_H

#include "channel/price.h"
#include "delivery/ledger.h"
#include "delivery/link.h"
#include "store/db.h"

#define COST_REASONS 64 /* above every reason that suppresses */
#define COST_LONGEST_MOST 100
#define COST_MISSING_MOST 64

/* The messages of one step in one language to the numbers of one operator. */
struct cost_row {
    char step[120], lang[36],
        carrier[40]; /* carrier: the operator, "" when it is nobody's number */
    int occurrence;
    /* Not everybody of these gets one: the step steps in for those whom another does not reach. */
    bool at_most;
    int64_t messages, units, minor;
};

struct cost_longest {
    int64_t contact_id, units, bytes;
};

/* Messages whose numbers begin so have no price in their channel's list. */
struct cost_missing {
    char channel[64], prefix[8];
    int64_t messages;
};

struct cost {
    int64_t audience;               /* rows of the ledger: contacts times steps */
    int64_t messages, units, minor; /* what goes out, or has gone out */
    int64_t failed;  /* tried, and failed for good; costs something only when it was taken first */
    int64_t refused; /* the channel cannot send them (too many parts, ...) */
    int64_t suppressed[COST_REASONS];
    bool at_most;         /* of some row */
    int64_t budget_minor; /* -1: none */
    char currency[8];
    struct cost_row *rows; /* in the order of the steps */
    size_t row_count;
    struct cost_missing missing[COST_MISSING_MOST];
    size_t missing_count;
    int64_t missing_messages;
    struct cost_longest longest[COST_LONGEST_MOST]; /* most units first, then most bytes */
    size_t longest_count;
};

/* A campaign open for questions; belongs to one thread. */
struct costing;
/* data_dir: where relative paths of secrets start. */
int costing_open(struct db *db, const char *data_dir, const char *campaign,
    struct costing **costing_out, struct base_err *err) LANTOA_MUST_CHECK;
void costing_close(struct costing **costing);

/* All messages; of one step when step is not NULL. longest: how many of the longest to name.
 * LANTOA_ENOENT: no such step. A missing price is no error here: see cost_complete. */
int costing_run(struct costing *costing, const char *step, size_t longest, struct cost *cost_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void cost_release(struct cost *cost);
/* 0 when every message has a price; else LANTOA_EINVAL, and err names the missing ones. */
int cost_complete(const struct cost *cost, struct base_err *err) LANTOA_MUST_CHECK;
/* False when there is a budget and the cost is above it. */
bool cost_within_budget(const struct cost *cost);

/* All of it in one call, for approval: the whole cost, or why it cannot be approved: LANTOA_EINVAL
 * when a price is missing, LANTOA_ELIMIT when it is above the budget; cost_out is then released. */
int cost_for_approval(struct db *db, const char *data_dir, const char *campaign,
    struct cost *cost_out, struct base_err *err) LANTOA_MUST_CHECK;

/* For a campaign with a budget, appends a line with the figures when it costs more than that, or
 * when a price is missing; nothing otherwise. */
int cost_warn(struct db *db, const char *data_dir, const char *campaign, struct base_buf *lines,
    struct base_err *err) LANTOA_MUST_CHECK;

/* A short link of a message, and where it leads. */
struct cost_preview_link {
    char *shown, *leads_to;
};

/* What one person would get. Texts are owned; cost_preview_release frees them. */
struct cost_preview {
    int reason; /* SUPPRESSED_*: why they would not get it; 0 */
    char *address, *name, *text, *note;
    char lang[36], carrier[40];
    bool priced; /* false: the price list has none for this number */
    bool refused;
    int64_t units, minor;
    struct cost_preview_link links[LINK_NUMBERS];
    size_t link_count;
};
int costing_preview(struct costing *costing, const char *step, int64_t contact_id,
    struct cost_preview *preview_out, struct base_err *err) LANTOA_MUST_CHECK;
void cost_preview_release(struct cost_preview *preview);

#endif
