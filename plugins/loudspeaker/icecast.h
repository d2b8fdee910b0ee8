/* One mount of an Icecast server, fed through libshout without blocking: connects when there is
 * something to play, keeps the connection for what follows at once, and paces by itself.
 *
 * Knows no schedule: it plays a file from a position and says how that went. */
#ifndef LOUDSPEAKER_ICECAST_H
#define LOUDSPEAKER_ICECAST_H

#include "device.h"
#include <lantoa/host.h>

struct icecast;

struct icecast_calls {
    void (*started)(void *arg);                 /* the first sound leaves */
    void (*over)(void *arg);                    /* all of it has been heard */
    void (*lost)(void *arg, const char *words); /* not connected, or not any more; it has stopped */
};

/* url and password are BORROWED until icecast_free; ca_file may be NULL (those of the system).
 * NULL: no memory. */
struct icecast *icecast_new(const struct lantoa_host *host, const struct device_url *url,
    const char *password, const char *ca_file, const struct icecast_calls *calls, void *arg);
void icecast_free(struct icecast *icecast); /* NULL is fine */
/* Plays the file. False: it cannot be read. */
bool icecast_play(struct icecast *icecast, const char *path, int64_t from_ms);
/* The connection stays for what comes next, for a moment. No call back follows. */
void icecast_stop(struct icecast *icecast);
int64_t icecast_played_ms(const struct icecast *icecast);

#endif
