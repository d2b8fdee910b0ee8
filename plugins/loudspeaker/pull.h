/* What the door for devices (pull_http.c) asks of the plan (pull.c). */
#ifndef LOUDSPEAKER_PULL_H
#define LOUDSPEAKER_PULL_H

#include "asrun.h"
#include "loudspeaker.h"

/* The device that an Authorization header speaks for, if its proof holds: "Lantoa ID NONCE MAC".
 * nonce_out gets the nonce. NULL: not proved. */
struct device *pull_authorize(struct player *player, const char *authorization, const char *method,
    const char *target, const void *body, size_t bytes, char nonce_out[static 80]);
/* The device has its plan of that version. */
void pull_seen(struct device *device, int64_t version);
/* Takes a report; the answer's text, to be freed. Which keys must be told before the answer may go
 * is found by pull_settled. */
char *pull_take(struct device *device, const struct asrun *asrun);
/* Whether the core has confirmed all of these records. */
bool pull_settled(const struct device *device, const struct asrun *asrun);

#endif
