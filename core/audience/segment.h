/* Audience expressions: parsed once, compiled to bound SQL, and also evaluated in memory against
 * one contact (for only_if at the last moment).
 *
 *   expr    = or
 *   or      = and { "or" and }
 *   and     = not { "and" not }
 *   not     = [ "not" ] primary
 *   primary = "(" expr ")" | "all" | "enrolled"
 *           | field op value
 *           | field [ "not" ] "in" "(" value { "," value } ")"
 *           | field [ "not" ] "between" value "and" value
 *           | field [ "not" ] "starts with" text
 *           | field "is" [ "not" ] "empty"
 *           | "has" ( "email" | "phone" )
 *           | "place" [ "not" ] "under" place { "," place } | "place" ( "=" | "!=" ) place
 *           | "place" "is" [ "not" ] "empty"
 *           | "segment" text
 *           | "consent" "for" text
 *           | "got" text [ "step" text ]         (was sent a message of that campaign)
 *   op      = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~"
 *   value   = text | number | "date" text
 *   text    = 'in single quotes, one inside doubled'
 *   place   = text as place_find takes it
 *   field   = ref person_id name email phone lang birth_date sex household age enrolled_on,
 *             or any custom attribute
 *
 * Words of the language are case-insensitive. Text compares exactly, after NFC, in byte order;
 * `~` compares the name folded ("name ~ 'nguyen thi hoa'"). Phones, e-mails, dates, sex and
 * language are brought into their stored form first (phone = '0912 345 678'), the case of an e-mail
 * address does not matter. A number compared
 * with an attribute compares as numbers, and an attribute that is no number (a sign, digits, one
 * point; at most 18 characters) does not match. age is in whole years on the given day. An absent
 * or empty value matches no comparison except `is empty` and `!=`, for a != b says not a = b.
 * Depth at most 64, text at most 64 KiB, 10,000 values. Errors name the column (1-based, in
 * characters): "column 17: unknown attribute 'ocupation' (did you mean 'occupation'?)". */
#ifndef AUDIENCE_SEGMENT_H
#define AUDIENCE_SEGMENT_H

#include "audience/contact.h"
#include "store/db.h"

struct segment;

/* Names of places, attributes, segments and campaigns are looked up in db now. column of the fault
 * in *column_out (may be NULL). */
int segment_parse(struct db *db, struct str text, struct segment **segment_out, int *column_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* The same for an expression of a campaign that may not be in the database yet: its own name is
 * known. The segment is good for a check only. own_campaign BORROWED for the call. */
int segment_parse_own(struct db *db, struct str text, struct str own_campaign,
    struct segment **segment_out, int *column_out, struct base_err *err) LANTOA_MUST_CHECK;
void segment_free(struct segment **segment);

/* Appends a condition over table alias c (contact), with placeholders from first_index on;
 * *next_index_out is the next free one. */
int segment_sql(const struct segment *segment, struct base_buf *sql, int first_index,
    int *next_index_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Binds the values in the same order; today_days fixes age. Texts stay owned by the segment, which
 * must outlive the statement's use. */
void segment_bind(
    const struct segment *segment, struct db_stmt *stmt, int first_index, int64_t today_days);
int segment_count(struct db *db, const struct segment *segment, int64_t today_days,
    int64_t *count_out, struct base_err *err) LANTOA_MUST_CHECK;

/* The same question for one contact, without the database where possible (place sets are resolved
 * at parse time; `got` and `consent` run prepared statements). */
int segment_match(struct segment *segment, struct db *db, const struct contact *contact,
    int64_t today_days, bool *match_out, struct base_err *err) LANTOA_MUST_CHECK;
/* true if the expression asks whether somebody is enrolled (then a failed only_if is reported as
 * converted). */
bool segment_asks_enrolled(const struct segment *segment);
/* Whether it asks the saved segment of that name, itself or by another one. */
bool segment_uses(const struct segment *segment, struct str name);

#endif
