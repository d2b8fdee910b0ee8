/* The secrets of devices and mounts, and what is proved with them. The text of the option `keys`
 * has one line each: a name, blanks, the secret. Names: a device's ID, or USER@HOST:PORT/MOUNT,
 * HOST:PORT/MOUNT or HOST:PORT of an Icecast server. Lines that begin with '#' are left out. */
#ifndef LOUDSPEAKER_KEYS_H
#define LOUDSPEAKER_KEYS_H

#include <lantoa/fault.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct keys;

/* NULL when the text is no such list, with a fault that names the line. text NULL: an empty list.
 */
struct keys *keys_new(const char *text, struct lantoa_fault *fault);
void keys_free(struct keys *keys); /* wipes it first */
/* BORROWED; NULL: there is none. */
const char *keys_find(const struct keys *keys, const char *name);

#define KEYS_MAC_BYTES 65
/* HMAC-SHA-256 (RFC 2104) in hex. */
void keys_sign(const char *key, const void *bytes, size_t count, char out[static KEYS_MAC_BYTES]);
/* In constant time. */
bool keys_equal(const char *mac, const char *other);
/* SHA-256 in hex. */
void keys_digest(const void *bytes, size_t count, char out[static KEYS_MAC_BYTES]);

#endif
