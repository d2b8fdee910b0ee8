/* The airings of a commune as a calendar that telephones and mail programs subscribe to (RFC 5545),
 * and the address by which they find it. */
#ifndef REPORT_AIRING_FEED_H
#define REPORT_AIRING_FEED_H

#include "base/buf.h"
#include "base/hash.h"
#include "store/db.h"

#define AIRING_FEED_DAYS_BACK 31 /* what a feed shows around today */
#define AIRING_FEED_DAYS_AHEAD 92
#define AIRING_FEED_TOKEN_BYTES 40
#define AIRING_FEED_PATH "/lich/" /* "schedule"; behind it the token and ".ics" */

/* Events for what the outlets standing in a place (and below it) are to play and have played,
 * from_ms <= start < to_ms. Offered airings are tentative, declined and suppressed ones are left
 * out, so they vanish at the next look. An airing that a person plays carries its confirmation code
 * once it was handed out. Times are in UTC; texts are in the language of the process. instance: the
 * events have the names that the paper's own calendars give them, so nothing is there twice.
 * LANTOA_ENOENT: no such place; LANTOA_ELIMIT: more than out's ceiling. */
int airing_feed_write(struct db *db, struct base_hmac *instance, int64_t place_id, int64_t from_ms,
    int64_t to_ms, int64_t now_ms, struct base_buf *out, int64_t *events_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* "57-0123456789abcdef0123": the place and 80 bits of HMAC-SHA-256 with the instance's key. Who has
 * it can read that schedule and nothing else. */
void airing_feed_token(
    struct base_hmac *instance, int64_t place_id, char out[static AIRING_FEED_TOKEN_BYTES + 1]);
/* LANTOA_EINVAL when it is no token of this instance. */
int airing_feed_token_read(
    struct base_hmac *instance, struct str token, int64_t *place_id_out) LANTOA_MUST_CHECK;

#endif
