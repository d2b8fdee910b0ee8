/* Steps ready to work: a campaign's steps loaded from the database with everything compiled once
 * per step (templates, only_if, rules, times), so that nothing is done per message that can be done
 * per step. Belongs to one thread and one database connection. */
#ifndef DELIVERY_STEP_H
#define DELIVERY_STEP_H

#include "audience/segment.h"
#include "campaign/calendar.h"
#include "campaign/spec.h"
#include "campaign/store.h"
#include "campaign/template.h"
#include "delivery/ledger.h"
#include "delivery/link.h"
#include "delivery/lot.h"
#include "delivery/rules.h"

#define DELIVERY_LANGS_MAX 8
/* A start that is later than that was missed and waits for a person: law 6. */
#define DELIVERY_MISSED_MS (INT64_C(2) * 60 * 60 * 1000)
#define DELIVERY_FIELDS_MAX 32 /* content rows of a channel */

struct delivery_campaign {
    int64_t id;
    struct campaign_row row;
    struct campaign_spec *spec;
    struct theme_spec *theme;
    const struct calendar_zone *zone;
    struct lot *lot;           /* of places or imported arms; NULL: none */
    int64_t open_ms, close_ms; /* the window: first moment, and the first moment after it */
    int64_t spent_minor;       /* booked: cost of what the operators have, or may have, taken */
    struct delivery_step *steps;
    size_t step_count;
    bool stale;   /* a failed transaction touched it: to be loaded again */
    bool listed;  /* mark of a reload */
    bool watched; /* ran in an earlier turn of this dispatcher, so a late start was not missed */
};

/* One name that a template uses, resolved once: where its value comes from. */
struct delivery_value {
    int kind;        /* enum in render.c */
    int number;      /* of a link or field; where an attribute stood in the last contact */
    struct str name; /* BORROWED from the template */
    char *text;      /* constant value, owned; NULL otherwise */
};

struct delivery_template {
    struct template *template; /* NULL: the content has no such field */
    struct delivery_value *values;
    size_t value_count;
    bool single_line;
};

/* Of the first wave, in the database. */
enum step_wave { STEP_WAVE_NONE = 0, STEP_WAVE_OUT, STEP_WAVE_JUDGED };

struct delivery_step {
    int64_t id;
    uint32_t ref; /* the number the channel host knows it by: the id */
    struct delivery_campaign *campaign;
    const struct campaign_step *spec;
    char sound[65]; /* outlet steps: the recording that the next message plays, its sha256 */
    int occurrence;
    enum step_state state;
    int64_t channel_id;
    struct channel_manifest *manifest;
    const struct rule *rule;
    /* Why the rule lets nothing of this step leave, whatever the person: the sender is no brand
     * name,
     * ... Owned; NULL: nothing keeps it. */
    char *forbidden;
    char *refusal_to;    /* of the channel file, or NULL; owned */
    bool release;        /* rows that only the rule or the do-not-call list held may go on */
    int64_t price_minor; /* of a message, when the channel was read; else 0 */
    bool has_prices;     /* the channel has a price list */
    int64_t start_ms;    /* 0: not known yet ("now", or it follows another step) */
    int64_t after_id;    /* 0: none */
    int64_t first_sent_ms, last_sent_ms;
    size_t lang_count;
    const char *langs[DELIVERY_LANGS_MAX];
    struct delivery_template *templates; /* [lang * manifest->content_count + field] */
    struct segment *only_if;
    struct delivery_links *links; /* NULL: addresses go out as they are */

    /* Where the dispatcher stands; rebuilt from the ledger at any time. */
    int64_t cursor;      /* rows up to here have been looked at */
    int64_t last_id;     /* highest id of the step's rows */
    bool swept;          /* the cursor has reached last_id */
    int64_t next_due_ms; /* no row of its own time is due before this; 0: look */
    int64_t pause_ms;    /* the cursor stands until then: the next row follows an earlier step */
    enum step_wave wave;
    int64_t wave_last;            /* while OUT: rows behind this id wait */
    int64_t wave_at_ms;           /* when all of the wave had been looked at; 0: not yet */
    int64_t wave_from;            /* it begins here; 0: at the step's first row */
    int64_t wave_size;            /* 0: not known any more */
    int64_t wave_look_ms;         /* when it is judged again though nothing came */
    size_t outstanding;           /* handed to the host, not recorded yet */
    size_t outstanding_committed; /* the same as of the last commit */
};

/* The rule for this step at a moment, or at its start when that is later. */
const struct rule *delivery_step_rule(
    const struct delivery_step *step, const struct rules *rules, int64_t now_ms);

/* Loads one campaign whatever its state; LANTOA_EINVAL if its channel, templates or expressions no
 * longer fit. */
int delivery_campaign_load(struct db *db, int64_t campaign_id, const struct rules *rules,
    struct delivery_campaign **campaign_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Whether what its messages cost is kept. */
static inline bool delivery_step_books(const struct delivery_step *step) {
    return step->price_minor > 0 || step->has_prices || step->campaign->spec->budget_minor >= 0;
}
/* Whether it is one message on the channel's own page, whose row is ledger_page_id. */
static inline bool delivery_step_to_page(const struct delivery_step *step) {
    return step->manifest->address == LANTOA_ADDRESS_PAGE;
}
/* Whether its messages go to people, one each. */
static inline bool delivery_step_to_people(const struct delivery_step *step) {
    return !step->spec->airings.on && !delivery_step_to_page(step);
}
/* Reads spent_minor off the ledger again. */
int delivery_campaign_spent(
    struct db *db, struct delivery_campaign *campaign, struct base_err *err) LANTOA_MUST_CHECK;
void delivery_campaign_free(struct delivery_campaign **campaign);
struct delivery_step *delivery_campaign_step(
    struct delivery_campaign *campaign, int64_t step_id); /* NULL if not its own */

#endif
