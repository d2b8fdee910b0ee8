/* One row of a contact file, checked and brought into normal form, before the database is asked
 * anything. Private to core/audience. Runs in the reading thread of an import: knows no database.
 */
#ifndef AUDIENCE_CONTACT_DRAFT_H
#define AUDIENCE_CONTACT_DRAFT_H

#include "audience/columns.h"
#include "base/mem.h"

/* In the order of the table of fields in contact_draft.c. */
enum audience__contact_field {
    CONTACT_REF,
    CONTACT_PERSON_ID,
    CONTACT_SI_CODE,
    CONTACT_NAME,
    CONTACT_EMAIL,
    CONTACT_PHONE,
    CONTACT_LANG,
    CONTACT_BIRTH_DATE,
    CONTACT_SEX,
    CONTACT_HOUSEHOLD,
    CONTACT_PLACE,
    CONTACT_PLACE_IN,
    CONTACT_PLACE_CODE,
    CONTACT_ENROLLED,
    CONTACT_CONSENT,
    CONTACT_FIELDS
};
extern const struct audience__column_spec audience__contact_spec;

/* The keys a person is known by, strongest first: the rank of the matching rules in contact.h. */
enum audience__contact_key {
    KEY_PERSON_ID,
    KEY_SI_CODE,
    KEY_REF,
    KEY_EMAIL,
    KEY_PHONE,
    CONTACT_KEYS
};

struct audience__fault {
    struct audience__fault *next;
    struct str field, value;
    const char *reason;
};

enum audience__given { GIVEN_NOT = -1, GIVEN_NO = 0, GIVEN_YES = 1 };

/* All texts live in the arena of the batch. Empty ones (.at NULL): the file gives nothing. */
struct audience__draft {
    int64_t line;
    struct str keys[CONTACT_KEYS];
    uint64_t hashes[CONTACT_KEYS]; /* of the keys that are given; differs by kind of key */
    struct str name, name_key, lang, birth_date, sex, household, place, place_code, enrolled_on;
    struct str attrs; /* JSON object; empty: none */
    enum audience__given enrolled, consent;
    struct audience__fault *faults;
    bool refused; /* the faults say why */
    unsigned
        maybe_known; /* bit per key that may stand in the database already; set by the reader */
};

struct audience__drafter; /* what making drafts needs: columns, scratch memory. One thread. */
struct audience__drafter *audience__drafter_new(
    const struct audience_csv *csv, const struct audience__columns *columns, int64_t today_days);
void audience__drafter_free(struct audience__drafter **drafter);
void audience__draft_make(struct audience__drafter *drafter, const struct audience_csv_row *row,
    struct base_arena *arena, struct audience__draft *draft_out);

/* The hash of a key, for the filter; of an email address in small letters. */
uint64_t audience__key_hash(enum audience__contact_key key, struct str value);

#endif
