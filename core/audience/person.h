/* Facts about a person as people write them, and their one normal form: dates of birth, sex,
 * language, identity numbers. Private to core/audience. */
#ifndef AUDIENCE_PERSON_H
#define AUDIENCE_PERSON_H

#include "base/civil.h"
#include "base/err.h"
#include "base/str.h"

/* "1985-03-02", "02/03/1985", "2.3.1985", "1985": YYYY-MM-DD, or YYYY when only the year is known.
 * Not after today. */
int audience__birth_date(struct str text, int64_t today_days, char out[static BASE_DATE_MAX],
    struct base_err *err) LANTOA_MUST_CHECK;
/* The same without the bare year. */
int audience__past_date(struct str text, int64_t today_days, char out[static BASE_DATE_MAX],
    struct base_err *err) LANTOA_MUST_CHECK;
/* "f" or "m", from nữ, nam, female, male, ...; NULL: not understood. */
const char *audience__sex(struct str text);
/* BCP 47, primary part in lower case; also "tiếng Việt", "English". */
int audience__lang(struct str text, char out[static 36], struct base_err *err) LANTOA_MUST_CHECK;
/* 12 digits; an 11-digit one gets back the 0 that spreadsheets drop. */
int audience__person_id(
    struct str text, char out[static 13], struct base_err *err) LANTOA_MUST_CHECK;
/* 10 digits likewise. LANTOA_EEXIST: it is a 12-digit personal ID, which took its place in 2025;
 * out is not set. */
int audience__si_code(struct str text, char out[static 11], struct base_err *err) LANTOA_MUST_CHECK;
/* NULL, or why the personal ID does not go with the birth date (may be empty) or the sex (may be
 * empty); translated. */
const char *audience__person_id_contradicts(
    struct str person_id, struct str birth_date, struct str sex);

#endif
