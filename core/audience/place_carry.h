/* Figures recorded under the places of one day, shown under those of another.
 *
 * Forward: a place that ended on or before the day is followed to its successors. Where there are
 * several, whole people are shared out by the shares (taken to nine decimals, divided by their
 * sum): amounts by largest remainder, so that the parts add up to the amount exactly; people one by
 * one, each to the successor that has least of its share, so that any number of them is shared out
 * within one of its share.
 * Back: a place that began after the day is shown under the one it came of when there was one only.
 * When it was put together from several, nobody knows which of them the figure belongs to: it stays
 * under today's place, and place_carry_old_names names the old ones. Nothing is guessed.
 * A place without successor stays as it is: its figures are shown under its own, ended, row.
 * One thread. */
#ifndef AUDIENCE_PLACE_CARRY_H
#define AUDIENCE_PLACE_CARRY_H

#include "audience/place.h"
#include "base/buf.h"
#include "store/db.h"

struct place_carry;
/* on: "2026-12-31". Reads the places once. */
int place_carry_new(struct db *db, const char *on, struct place_carry **carry_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void place_carry_free(struct place_carry **carry);

#define PLACE_CARRY_PARTS 64
struct place_part {
    int64_t place_id, amount;
};
/* amount >= 0, at most 10^15. Writes the parts, by place; their amounts sum to amount. */
size_t place_carry_amount(const struct place_carry *carry, int64_t place_id, int64_t amount,
    struct place_part parts_out[static PLACE_CARRY_PARTS]);
/* Where one more person of this place is shown. Counts: the same calls in the same order give the
 * same answers. */
int64_t place_carry_person(struct place_carry *carry, int64_t place_id);
/* Whether people of both are, as far as anybody knows, in one place today. */
bool place_carry_kin(const struct place_carry *carry, int64_t a, int64_t b);
/* "Xã Dĩnh Trì, Phường Thọ Xương": what of the day this later place was put together from. Appends
 * nothing for places that stood on the day. */
void place_carry_old_names(const struct place_carry *carry, int64_t place_id, struct base_buf *out);

/* Texts BORROWED from carry. false: no such place. */
bool place_carry_info(
    const struct place_carry *carry, int64_t place_id, struct place_row *info_out);
/* The place of this level that it lies under, or is; itself when there is none. A place that began
 * after the day lies where all that it was put together from lay, when that was one place (a
 * commune of today under the old district). */
int64_t place_carry_above(const struct place_carry *carry, int64_t place_id, struct str level);
/* Whether it is that place or lies under it. */
bool place_carry_under(const struct place_carry *carry, int64_t place_id, int64_t upper_id);

#endif
