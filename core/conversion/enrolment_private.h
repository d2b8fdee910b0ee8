/* Shared by the files of enrolments: who an event is about, and what follows for that person. */
#ifndef CONVERSION_ENROLMENT_PRIVATE_H
#define CONVERSION_ENROLMENT_PRIVATE_H

#include "base/civil.h"
#include "base/hash.h"
#include "campaign/contribution.h"
#include "conversion/enrolment.h"

/* --- hashes (enrolment_hash.c) --- */

struct enrolment__hasher {
    struct base_hmac *hmac;
};
int enrolment__hasher_init(
    struct enrolment__hasher *hasher, struct db *db, struct base_err *err) LANTOA_MUST_CHECK;
void enrolment__hasher_release(struct enrolment__hasher *hasher);
/* 63 bits of the HMAC over kind, a NUL, the value; never 0. */
int64_t enrolment__hash(const struct enrolment__hasher *hasher, const char *kind, struct str value);

/* --- matching (enrolment_match.c) --- */

/* Whom a row names; what it does not give is empty. In normal form. */
struct enrolment__person {
    struct str person_id, si_code, phone, name_key, birth_date;
    int64_t place_id;
};
enum { ENROLMENT__CANDIDATES_MOST = 8 };
struct enrolment__match {
    int64_t contact_id; /* 0: nobody, or several */
    const char *by;     /* person_id, si_code, phone, name; NULL */
    int64_t candidates[ENROLMENT__CANDIDATES_MOST];
    size_t count; /* more than one: for review */
};
struct enrolment__matcher;
int enrolment__matcher_new(
    struct db *db, struct enrolment__matcher **matcher_out, struct base_err *err) LANTOA_MUST_CHECK;
void enrolment__matcher_free(struct enrolment__matcher **matcher);
int enrolment__match(struct enrolment__matcher *matcher, const struct enrolment__person *person,
    struct enrolment__match *match_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Whether two places are the same or kin over time (one under the other, or its successor). */
int enrolment__same_place(struct enrolment__matcher *matcher, int64_t a, int64_t b, bool *same_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* --- what follows for a contact (enrolment_state.c) --- */

struct enrolment__state;
int enrolment__state_new(struct db *db, int64_t now_ms, struct enrolment__state **state_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void enrolment__state_free(struct enrolment__state **state);
/* Reckons the contact's enrolment and next payment from all its events. In an open transaction. */
int enrolment__state_refresh(
    struct enrolment__state *state, int64_t contact_id, struct base_err *err) LANTOA_MUST_CHECK;

/* --- corrections (enrolment_correct.c) --- */

/* What a later file says of an event that is there already; empty and 0: it says nothing. */
struct enrolment__correction {
    int64_t enrolment_id, batch_id; /* batch: of the later file */
    struct str registered_date, method, groups;
    int64_t place_id, income, months;
};
struct enrolment__corrector;
int enrolment__corrector_new(struct db *db, struct enrolment__corrector **corrector_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void enrolment__corrector_free(struct enrolment__corrector **corrector);
/* Takes over what differs and keeps the old values for an undo. In an open transaction. */
int enrolment__correct(struct enrolment__corrector *corrector,
    const struct enrolment__correction *values, bool *changed_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* Takes the corrections of a batch back. In an open transaction. */
int enrolment__corrections_undo(
    struct db *db, int64_t batch_id, struct base_err *err) LANTOA_MUST_CHECK;

#endif
