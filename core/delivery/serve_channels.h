/* The daemon's channels: those of the database, each a struct channel, joined to the dispatcher as
 * its ports. */
#ifndef DELIVERY_SERVE_CHANNELS_H
#define DELIVERY_SERVE_CHANNELS_H

#include "delivery/dispatch.h"
#include "delivery/serve_hooks.h"

struct serve_channels;
/* news(arg, urgent): results or room came; urgent when the channel may run dry. hooks: where
 * call-backs are kept; NULL: nowhere. All borrowed until serve_channels_free. */
struct serve_channels *serve_channels_new(struct ev_loop *loop, struct db *db, const char *data_dir,
    struct dispatcher *dispatcher, const struct serve_hook_store *hooks,
    void (*news)(void *arg, bool urgent), void *arg);
/* Starts new channels, takes up changed files, hands over new call-backs. Cheap when nothing
 * changed. A channel that cannot be started is logged and left out. */
int serve_channels_reload(struct serve_channels *channels, struct base_err *err) LANTOA_MUST_CHECK;
void serve_channels_stop(struct serve_channels *channels, int64_t grace_ms);
bool serve_channels_stopped(const struct serve_channels *channels);
bool serve_channels_parked(const struct serve_channels *channels); /* at least one is */
/* The figures of all; those over most are left out. Texts BORROWED until the next loop turn. */
struct serve_figure;
size_t serve_channels_figures(
    const struct serve_channels *channels, struct serve_figure *figures_out, size_t most);
void serve_channels_free(struct serve_channels **channels);

#endif
