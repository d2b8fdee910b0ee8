/* Lots over places, and arms drawn elsewhere: who is to be written to, who is left out for
 * comparison, who comes in a later wave. Drawn or imported before the first message, kept with its
 * hash, and never changed after the start. (The simple holdout, by a bucket of each unit, is in
 * plan.h and needs no table.)
 *
 * The lot: within each stratum places are put in the order of the first 8 bytes (big endian) of
 * HMAC-SHA-256(experiment key, "lot:place:ID"); the first of them are the control, as many as the
 * share says; what rounding leaves goes on to the next stratum. Of waves, they are dealt out in
 * turn. */
#ifndef DELIVERY_LOT_H
#define DELIVERY_LOT_H

#include "audience/csv.h"
#include "base/hash.h"
#include "campaign/store.h"

/* X(NAME, word) */
#define LOT_DESIGNS(X)                                                                             \
    X(LOT_LOTTERY, "lottery")                                                                      \
    X(LOT_WAVES, "waves")                                                                          \
    X(LOT_IMPORTED, "imported")
#define LOT__ENUM(name, word) name,
enum lot_design { LOT_DESIGNS(LOT__ENUM) LOT_DESIGN_COUNT };
#undef LOT__ENUM
const char *lot_design_word(enum lot_design design);

#define LOT_UNITS_MOST 5000000
#define LOT_STRATUM_BYTES_MOST 200

struct lot_unit {
    int64_t id; /* place, or contact */
    int arm;    /* 0 control, 1 treated; of waves: the wave, from 1 */
    const char *stratum;
};
struct lot {
    struct base_arena *arena;
    enum lot_design design;
    enum holdout_unit unit; /* CONTACT: units are contacts; HOUSEHOLD too, each of its people */
    bool measure_only;
    char hash[BASE_HEX_SHA256_MAX];
    int64_t drawn_at;
    char *drawn_by;
    struct lot_unit *units; /* in order of id */
    size_t count;
};

/* *lot_out NULL: the campaign has none. */
int lot_load(struct db *db, int64_t campaign_id, struct lot **lot_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void lot_free(struct lot **lot);
/* NULL: not in the lot. */
const struct lot_unit *lot_find(const struct lot *lot, int64_t unit_id);
/* Whether somebody is kept out: the unit is in the control arm of a lot that decides. */
bool lot_keeps_out(const struct lot *lot, int64_t contact_id, int64_t place_id);
/* The wave of a place, from 1; 1 when it is in none. lot may be NULL. */
int lot_wave(const struct lot *lot, int64_t place_id);

/* Draws the lot of a campaign whose file asks for one over places (holdout.design) and keeps it, in
 * place of an earlier one. Nothing to do for others. In the caller's transaction. LANTOA_EINVAL: an
 * arm or a wave would be empty; a step of airings, which waves cannot delay. */
int lot_draw(struct db *db, const struct campaign_row *row, const struct campaign_spec *spec,
    int64_t now_ms, const char *who, struct base_err *err) LANTOA_MUST_CHECK;

struct lot_outcome {
    int64_t rows, units, control, treated, repeated; /* repeated: the same unit and arm again */
    int64_t people;                                  /* contacts of the units */
    char hash[BASE_HEX_SHA256_MAX];
    bool changed; /* false: the same arms were there */
};
/* Columns unit, arm, stratum (perhaps missing). unit: a place's code on the first day of the
 * campaign, a contact's ref (or personal ID, phone, e-mail), a household. arm: treated, control and
 * their like. measure_only: the arms decide nothing about messages, only the analysis uses them.
 *
 * All or nothing; errors name file, line and field: an unknown unit, a unit in both arms, an empty
 * arm. LANTOA_ESTATE: the campaign draws a lot of its own; it has been planned, or has started, and
 * the arms would change what is sent; it has ended or runs and other arms are there. */
int lot_import(struct db *db, const char *campaign, const struct audience_import *import,
    enum holdout_unit unit, bool measure_only, const char *who, struct lot_outcome *outcome_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* Private to lot.c and lot_import.c: writes units (in any order; sorted here) and their hash, in
 * the caller's transaction. */
int lot__keep(struct db *db, int64_t campaign_id, struct lot *lot, const char *campaign,
    const char *who, struct base_err *err) LANTOA_MUST_CHECK;
void lot__hash(struct lot *lot);

#endif
