/* A contact as stored, and what a draft makes of it: values that the file gives replace, empty ones
 * leave. Private to core/audience. */
#ifndef AUDIENCE_CONTACT_MERGE_H
#define AUDIENCE_CONTACT_MERGE_H

#include "audience/contact_draft.h"
#include "store/db.h"

/* The stored columns that an import can change, in the order of the statements. place_id and
 * enrolled_at are numbers. */
#define CONTACT_STORED(X)                                                                          \
    X(ref)                                                                                         \
    X(person_id)                                                                                   \
    X(si_code)                                                                                     \
    X(name)                                                                                        \
    X(name_key)                                                                                    \
    X(email)                                                                                       \
    X(phone)                                                                                       \
    X(lang)                                                                                        \
    X(birth_date)                                                                                  \
    X(sex)                                                                                         \
    X(household)                                                                                   \
    X(place_id)                                                                                    \
    X(enrolled_on)                                                                                 \
    X(enrolled_at)                                                                                 \
    X(attrs)

#define CONTACT__STORED_ENUM(name) STORED_##name,
enum audience__stored { CONTACT_STORED(CONTACT__STORED_ENUM) STORED_COUNT };
#undef CONTACT__STORED_ENUM

struct audience__contact_row {
    struct str texts[STORED_COUNT]; /* BORROWED; those of place_id and enrolled_at stay empty */
    int64_t place_id, enrolled_at;  /* 0: none */
};

/* From the columns of a SELECT in the order above. */
void audience__row_read(struct db_stmt *stmt, struct audience__contact_row *row_out);
/* Puts the draft over the row; attrs gets the merged object if it changes. true if anything
 * changed. */
bool audience__merge(struct audience__contact_row *row, const struct audience__draft *draft,
    int64_t place_id, int64_t now_ms, const char *today, struct base_buf *attrs);
/* Appends the row as a JSON object, columns without value left out: what import_before keeps. */
void audience__row_json(const struct audience__contact_row *row, struct base_buf *json);

#endif
