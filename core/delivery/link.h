/* Short links: /t/CODE stands for one link of one message. The code carries the message's id and
 * its own proof, so that a click finds its row without an index and nobody can guess another's.
 * Knows nothing of HTTP.
 *
 * Which addresses of a step's content are links, and their numbers, is fixed when the step is
 * planned (table link); a step that was planned without a public address has none and its
 * addresses go out as they are. What the campaign has them tell the sites they lead to (utm.h) is
 * put into where a link leads, else into the address itself. */
#ifndef DELIVERY_LINK_H
#define DELIVERY_LINK_H

#include "base/buf.h"
#include "base/hash.h"
#include "delivery/utm.h"
#include "store/db.h"

#define LINK_CODE_BYTES 16
#define LINK_NUMBERS 32 /* links of a step: 0..31 */

/* 16 characters of base64url: 63 bits id, 5 bits number, 28 bits HMAC-SHA-256 under the instance
 * key. */
void link_code(
    struct base_hmac *instance, int64_t id, int number, char out[static LINK_CODE_BYTES + 1]);
/* LANTOA_EINVAL when it is no code of this instance. */
int link_code_read(struct base_hmac *instance, struct str code, int64_t *id_out,
    int *number_out) LANTOA_MUST_CHECK;

/* The public address of this installation (meta public_url): http or https, no '/' at its end, no
 * query. LANTOA_EINVAL says what is wrong. */
#define LINK_PUBLIC_URL_MAX 200
int link_public_url_check(struct str url, struct base_err *err) LANTOA_MUST_CHECK;

/* --- the links of one step; belongs to the thread of its step --- */

struct delivery_links;
enum links_use {
    LINKS_AS_PLANNED, /* only what table link has is a link */
    LINKS_PLANNING,   /* new addresses become links; delivery_links_save keeps them */
};
/* Takes utm (NULL: none), also on error. *links_out is NULL when nothing is to be done with
 * addresses: no public address, and no utm. */
int delivery_links_load(struct db *db, int64_t step_id, enum links_use use,
    struct delivery_utm *utm, struct delivery_links **links_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void delivery_links_free(struct delivery_links **links);
/* Appends a template's text with its addresses (http, https) replaced by {{{link.N}}}: every
 * address in plain text, those in href="..." in HTML. What contains a tag is never a link and only
 * gets its utm; what stands inside one is left alone. LANTOA_ELIMIT: more than LINK_NUMBERS. */
int delivery_links_rewrite(struct delivery_links *links, struct str text, bool html,
    struct base_buf *out, struct base_err *err) LANTOA_MUST_CHECK;
/* Inside the caller's transaction. links may be NULL: then the step has none from now on. */
int delivery_links_save(struct db *db, int64_t step_id, const struct delivery_links *links,
    struct base_err *err) LANTOA_MUST_CHECK;

/* Numbers of what a template may name beside the links. */
#define LINK_UNSUBSCRIBE LINK_NUMBERS       /* {{unsubscribe_url}}: /u/KEY */
#define LINK_PREFERENCES (LINK_NUMBERS + 1) /* {{preferences_url}}: /p/KEY */
/* The number that a template's name stands for, -1 for other names. */
int delivery_link_name(struct str name);
#define LINK_URL_MAX (LINK_PUBLIC_URL_MAX + 32)
/* Where a link leads, BORROWED; empty: there is no such link. */
struct str delivery_link_target(const struct delivery_links *links, int number);
/* The address for the message with this ledger key; out gets it. Empty when links is NULL or there
 * is no public address. A key
 * that is none (a preview's) gives an address of the right length. */
struct str delivery_link_url(
    struct delivery_links *links, int number, const char *key, char out[static LINK_URL_MAX]);

#endif
