/* What a device that fetches is told: its plan as JSON, and one item as a command. Signed with the
 * device's key, so that it can trust a stored plan. */
#ifndef LOUDSPEAKER_PLAN_H
#define LOUDSPEAKER_PLAN_H

#include "loudspeaker.h"

/* {"device", "version", "nonce", "server_time", "server_time_ms", "valid_until", "items": [...]},
 * to be freed; NULL: no memory. */
char *plan_write(const struct device *device, const char *nonce);
/* {"body": "{\"device\", \"server_time_ms\", \"item\"}", "mac"}: mac is that of "play\n" and body.
 */
char *plan_write_play(const struct item *item, const char *key);
/* Whether the device is still to be told of the item. */
bool plan_has(const struct item *item, int64_t now_ms);
/* HMAC-SHA-256 under `key` of "NONCE\nBODY". */
void plan_sign(
    const char *key, const char *nonce, const char *body, char out[static KEYS_MAC_BYTES]);
/* HMAC-SHA-256 under `key` of "METHOD\nTARGET\nNONCE\nSHA-256 of the body in hex": what a device
 * puts into Authorization. */
bool plan_sign_request(const char *key, const char *method, const char *target, const char *nonce,
    const void *body, size_t bytes, char out[static KEYS_MAC_BYTES]);

#endif
