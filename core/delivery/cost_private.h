/* What the files of cost.h share. */
#ifndef DELIVERY_COST_PRIVATE_H
#define DELIVERY_COST_PRIVATE_H

#include "channel/quote.h"
#include "delivery/cost.h"
#include "delivery/policy.h"
#include "delivery/render.h"
#include "delivery/scratch.h"

struct cost__channel {
    int64_t id;
    struct channel_spec *spec;
    struct channel_manifest *manifest;
    struct channel_quote *quote;
};

/* A step, and what is the same for all its messages. */
struct cost__step {
    struct delivery_step *step;
    struct cost__channel *channel;
    struct channel_tariff *tariff; /* NULL: no price list */
    int64_t at_ms, day;            /* when it goes out, as far as that is known */
};

struct costing {
    struct db *db; /* ours or the copy */
    struct scratch scratch;
    struct rules *rules;
    struct delivery_campaign *campaign;
    struct delivery_renderer *renderer;
    struct channel_operators *operators;
    struct cost__channel *channels;
    size_t channel_count;
    struct cost__step *steps; /* as the campaign's */
    struct db_stmt *rows;

    /* Of the question that is being answered. */
    struct cost *cost;
    struct cost_preview *preview;
    size_t longest_most;
    size_t *buckets; /* 1 + index in cost->rows, by step, language and operator; 0: none yet */
    size_t row_room;
    int64_t *prices; /* different prices of a unit */
    size_t price_count;
};

/* One row of the ledger with its person. */
struct cost__message {
    int64_t id;
    int state, reason, before_state, before_reason; /* before_state -1: none */
    int64_t units, minor;                           /* as booked when it left; -1: not */
    struct policy_person person;
};

/* Runs `each` for the rows with first <= id <= last; a non-zero value it returns ends the walk. */
int cost__each(struct costing *c, const struct cost__step *step, int64_t first, int64_t last,
    int (*each)(struct costing *c, const struct cost__step *step, struct cost__message *message,
        struct base_err *err),
    struct base_err *err) LANTOA_MUST_CHECK;
/* Why this message costs nothing; 0: it does. */
int cost__reason(struct costing *c, const struct cost__step *step, struct cost__message *message,
    int *reason_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Renders it; fields_out as delivery_render. */
int cost__render(struct costing *c, const struct cost__step *step,
    const struct cost__message *message, size_t *lang_out, struct str *fields_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* cost.c's and cost_preview.c's ends of the answers. */
int cost__answered(void *costing, const struct channel_quoted *quoted);
void cost__previewed(struct costing *c, const struct channel_quoted *quoted);

/* A key that is no message's own, of the same length and letters. */
#define COST__KEY "aaaaaaaaaaaaaaaaaaaa"

#endif
