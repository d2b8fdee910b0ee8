/* A channel from making to freeing, and what others may ask of it. The work is done in the other
 * files of this folder. */
#include "channel/channel.h"
#include "base/file.h"
#include "channel/internal.h"
#include "wire/place.h"
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTBOX_MOST ((size_t)512 << 20)
#define RENEW_GRACE_MS 10000
#define STDERR_LINE_MOST 4000

char *channel__plugin_path(const char *plugin) {
    char *path = wire_plugin_path(plugin);
    /* One that has gone: the host says so, by this name. */
    return path ? path : base_printf("%s.so", plugin);
}

struct channel *channel_new(struct ev_loop *loop, const char *data_dir,
    TAKES struct channel_spec *spec, TAKES struct channel_manifest *manifest,
    const struct channel_callbacks *callbacks, void *arg) {
    struct channel *channel = base_alloc(sizeof(*channel));
    channel->magic = CHANNEL_MAGIC;
    channel->loop = loop;
    channel->callbacks = *callbacks;
    channel->arg = arg;
    channel->spec = spec;
    channel->manifest = manifest;
    char *resolved = realpath(data_dir, NULL);
    channel->data_dir = base_strdup(resolved ? resolved : data_dir);
    base_free(resolved);
    channel->state_dir = base_printf("%s/channel/%s", channel->data_dir, spec->name);
    channel->journal_path = base_printf("%s/channel/%s.journal", channel->data_dir, spec->name);
    channel->plugin_path = channel__plugin_path(spec->plugin);
    channel->log_area = base_printf("channel %s", spec->name);
    channel->state = CHANNEL_STOPPED;
    channel->fd = channel->stderr_fd = channel->lock_fd = -1;
    channel->log_allowance = 1;
    wire_inbox_init(&channel->inbox, WIRE_TO_CORE);
    wire_writer_init(&channel->outbox, OUTBOX_MOST);
    base_buf_init(&channel->stderr_line, STDERR_LINE_MOST);
    channel__feed_init(channel);
    channel__supervisor_init(channel);
    return channel;
}

void channel_start(struct channel *channel) {
    if (channel->pid != 0 ||
        (channel->state != CHANNEL_STOPPED && channel->state != CHANNEL_PARKED)) {
        return;
    }
    channel__works(channel);
    struct base_err err = {0};
    if (base_dir_make(channel->state_dir, 0700, &err) != 0) {
        snprintf(channel->reason, sizeof(channel->reason), "%s", err.text);
        channel__set_state(channel, CHANNEL_PARKED);
        return;
    }
    channel__begin(channel);
}

void channel_stop(struct channel *channel, int64_t grace_ms) {
    if (channel->pid != 0) {
        channel__leave(channel, CHANNEL_END_STOP, grace_ms > 0 ? grace_ms : 0);
        return;
    }
    channel->end =
        CHANNEL_END_STOP; /* said from inside `results` while a dead host is being settled */
    if (channel->state != CHANNEL_STOPPED) {
        ev_timer_stop(channel->loop, &channel->acquire);
        ev_timer_stop(channel->loop, &channel->backoff);
        if (channel->lock_fd >= 0) {
            close(channel->lock_fd);
            channel->lock_fd = -1;
        }
        channel__set_state(channel, CHANNEL_STOPPED);
    }
}

void channel_free(struct channel **channel) {
    struct channel *old = *channel;
    if (!old) {
        return;
    }
    BASE_ASSERT(old->magic == CHANNEL_MAGIC);
    channel__stop_timers(old);
    ev_io_stop(old->loop, &old->reading);
    ev_io_stop(old->loop, &old->writing);
    ev_io_stop(old->loop, &old->complaining);
    if (old->pid != 0) {
        kill(old->pid, SIGKILL);
        while (waitpid(old->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    int descriptors[] = {old->fd, old->stderr_fd, old->lock_fd};
    for (size_t i = 0; i < sizeof(descriptors) / sizeof(descriptors[0]); i++) {
        if (descriptors[i] >= 0) {
            close(descriptors[i]);
        }
    }
    channel__feed_release(old);
    channel__slots_free(old);
    wire_journal_unmap(&old->journal);
    wire_inbox_release(&old->inbox);
    wire_writer_release(&old->outbox);
    base_buf_release(&old->stderr_line);
    channel_spec_free(&old->spec);
    channel_manifest_free(&old->manifest);
    base_free(old->results);
    base_free(old->events);
    base_free(old->data_dir);
    base_free(old->state_dir);
    base_free(old->journal_path);
    base_free(old->plugin_path);
    base_free(old->log_area);
    old->magic = 0;
    base_free(old);
    *channel = NULL;
}

static bool option_same(const json_t *a, const json_t *b) {
    return (!a && !b) || (a && b && json_equal(a, b));
}

enum difference { SAME, LIVE, RESTART };

/* What the new options ask for. */
static enum difference compare_options(
    const struct channel *channel, const struct channel_spec *spec) {
    struct base_json *old = NULL, *new = NULL;
    struct base_err err = {0};
    enum difference difference = SAME;
    if (base_json_parse(str_from(channel->spec->options_json), "options", &old, &err) != 0 ||
        base_json_parse(str_from(spec->options_json), "options", &new, &err) != 0) {
        difference = RESTART;
    }
    for (size_t i = 0; i < channel->manifest->option_count && difference != RESTART; i++) {
        const struct channel_option *option = &channel->manifest->options[i];
        if (option_same(json_object_get(base_json_root(old), option->name),
                json_object_get(base_json_root(new), option->name))) {
            continue;
        }
        bool live = (option->flags & LANTOA_LIVE) && channel->manifest->reconfigures;
        difference = live ? LIVE : RESTART;
    }
    base_json_free(&old);
    base_json_free(&new);
    return difference;
}

static enum difference compare(const struct channel *channel, const struct channel_spec *spec,
    const struct channel_manifest *manifest) {
    const struct channel_spec *old = channel->spec;
    if (strcmp(old->plugin, spec->plugin) != 0 ||
        strcmp(channel->manifest->version, manifest->version) != 0 ||
        channel->manifest->content_count != manifest->content_count ||
        strcmp(old->hosts, spec->hosts) != 0 || old->memory_mb != spec->memory_mb ||
        old->timeout_s != spec->timeout_s || spec->window > channel->slot_count) {
        return RESTART;
    }
    enum difference difference = compare_options(channel, spec);
    return difference == SAME && old->window != spec->window ? LIVE : difference;
}

void channel_reconfigure(struct channel *channel, TAKES struct channel_spec *spec,
    TAKES struct channel_manifest *manifest) {
    BASE_ASSERT(strcmp(channel->spec->name, spec->name) == 0);
    enum difference difference = compare(channel, spec, manifest);
    channel_spec_free(&channel->spec);
    channel_manifest_free(&channel->manifest);
    channel->spec = spec;
    channel->manifest = manifest;
    base_free(channel->plugin_path);
    channel->plugin_path = channel__plugin_path(spec->plugin);
    if (channel->state == CHANNEL_READY && !channel->leaving && difference != RESTART) {
        if (difference == LIVE) {
            struct wire_settings settings = {str_from(spec->options_json), (uint32_t)spec->window};
            wire_put_settings(&channel->outbox, &settings);
            channel__flush(channel);
        }
        return;
    }
    if (channel->pid != 0) {
        if (channel->end != CHANNEL_END_STOP || !channel->leaving) {
            channel__leave(channel, CHANNEL_END_RENEW, RENEW_GRACE_MS);
        }
    } else if (channel->state == CHANNEL_BACKOFF || channel->state == CHANNEL_PARKED) {
        /* New settings may be the cure: at once, with a clean slate. */
        ev_timer_stop(channel->loop, &channel->backoff);
        channel__works(channel);
        channel__begin(channel);
    }
}

enum channel_state channel_state(const struct channel *channel) {
    return channel->state;
}

const char *channel_name(const struct channel *channel) {
    return channel->spec->name;
}

const char *channel_parked_reason(const struct channel *channel) {
    bool down = channel->state == CHANNEL_PARKED || channel->state == CHANNEL_BACKOFF;
    return down ? channel->reason : NULL;
}

const char *channel_trouble(const struct channel *channel) {
    bool down = channel->state == CHANNEL_PARKED || channel->deaths > 0;
    return down && channel->reason[0] ? channel->reason : NULL;
}

const struct channel_spec *channel_get_spec(const struct channel *channel) {
    return channel->spec;
}

const struct channel_manifest *channel_get_manifest(const struct channel *channel) {
    return channel->manifest;
}

size_t channel_metrics(const struct channel *channel, const struct channel_metric **metrics_out) {
    *metrics_out = channel->metrics;
    return channel->metric_count;
}
