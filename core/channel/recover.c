/* The journal from the core's side: whose it is, what the last run left in it, and what a host that
 * died leaves. Reads and frees slots; starts and stops nothing. */
#include "base/file.h"
#include "base/tr.h"
#include "channel/internal.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#define AHEAD_LEAST 1000

static uint32_t wanted_slots(const struct channel *channel) {
    size_t window = channel->spec->window;
    return (uint32_t)(window + (window > AHEAD_LEAST ? window : AHEAD_LEAST));
}

void channel__slots_new(struct channel *channel, uint32_t count) {
    channel__slots_free(channel);
    channel->slots = base_alloc_array(count, sizeof(*channel->slots));
    channel->free_slots = base_alloc_array(count, sizeof(*channel->free_slots));
    channel->put_slots = base_alloc_array(count, sizeof(*channel->put_slots));
    channel->by_id = base_idmap_new(count);
    channel->slot_count = count;
    channel->free_count = 0;
    /* The lowest slot lies on top: a channel with little to do touches few pages of its journal. */
    for (uint32_t slot = count; slot > 0; slot--) {
        channel->free_slots[channel->free_count++] = slot - 1;
    }
}

void channel__slots_free(struct channel *channel) {
    base_free(channel->slots);
    base_free(channel->free_slots);
    base_free(channel->put_slots);
    base_idmap_free(&channel->by_id);
    channel->slots = NULL;
    channel->free_slots = channel->put_slots = NULL;
    channel->slot_count = 0;
    channel->free_count = channel->put_count = channel->outstanding = 0;
    channel->bytes_out = 0;
}

/* A description of its own: the lock goes with it to the host, and is free again when the last
 * process that has it is gone. */
bool channel__lock(struct channel *channel) {
    if (channel->lock_fd >= 0) {
        return true;
    }
    int made = open(channel->journal_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (made >= 0) {
        close(made);
    }
    int fd = open(channel->journal_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return false;
    }
    channel->lock_fd = fd;
    return true;
}

pid_t channel__leftover(const struct channel *channel) {
    struct wire_journal *journal = NULL;
    struct base_err err = {0};
    int fd = open(channel->journal_path, O_RDWR | O_CLOEXEC);
    pid_t pid = 0;
    if (fd >= 0) {
        if (wire_journal_map(fd, &journal, &err) == 0) {
            pid = wire_journal_host(journal);
            wire_journal_unmap(&journal);
        }
        close(fd);
    }
    return pid;
}

/* Every slot of the last run that is not free becomes one of ours, out with a host that is no more.
 * Ids are unique in a sound journal. */
static void adopt_slots(struct channel *channel) {
    channel->free_count = 0;
    for (uint32_t slot = channel->slot_count; slot > 0; slot--) {
        struct wire_result result;
        enum wire_slot_state state = wire_slot_read(channel->journal, slot - 1, &result);
        if (state == WIRE_SLOT_FREE || !base_idmap_add(channel->by_id, result.id, slot - 1)) {
            channel->free_slots[channel->free_count++] = slot - 1;
            continue;
        }
        channel->slots[slot - 1] = (struct channel_slot){result.id, 0, CHANNEL_SLOT_OUT};
        channel->outstanding++;
    }
}

static int make_fresh(struct channel *channel, int fd, struct base_err *err) {
    wire_journal_unmap(&channel->journal);
    uint32_t slots = wanted_slots(channel);
    int code = wire_journal_format(fd, slots, err);
    code = code ? code : wire_journal_map(fd, &channel->journal, err);
    if (!code) {
        channel__slots_new(channel, slots);
    }
    return code;
}

int channel__recover(struct channel *channel, struct base_err *err) {
    int fd = open(channel->journal_path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return base_err_set(err, LANTOA_EIO, TR("read the channel's journal: %s"), strerror(errno));
    }
    bool trusted = true;
    if (!channel->recovered) {
        struct base_err why = {0};
        trusted = wire_journal_map(fd, &channel->journal, &why) == 0;
        if (trusted) {
            channel__slots_new(channel, wire_journal_slots(channel->journal));
            adopt_slots(channel);
            channel__settle(channel);
        } else if (why.code == LANTOA_ESTATE) {
            base_log(BASE_LOG_WARN, channel->log_area, "%s", why.text);
        }
    }
    /* With everything acknowledged the file can be made anew, in the size wanted now; else it stays
     * as it is until the next start. */
    int code = 0;
    if (!channel->journal || (channel->outstanding == 0 && channel->put_count == 0)) {
        code = make_fresh(channel, fd, err);
    }
    close(fd);
    if (!code && !channel->recovered) {
        channel->recovered = true;
        channel->callbacks.recovered(channel->arg, channel, trusted);
    }
    return code;
}

void channel__settle(struct channel *channel) {
    BASE_ASSERT(channel->pid == 0);
    for (uint32_t slot = 0; slot < channel->slot_count; slot++) {
        if (channel->slots[slot].use != CHANNEL_SLOT_OUT) {
            continue;
        }
        struct wire_result result;
        enum wire_slot_state state = wire_slot_read(channel->journal, slot, &result);
        if (state == WIRE_SLOT_HELD && result.id == channel->slots[slot].id) {
            result.outcome = LANTOA_NOT_SENT;
        } else if (state != WIRE_SLOT_ENDED || result.id != channel->slots[slot].id) {
            result = (struct wire_result){
                .slot = slot, .outcome = LANTOA_UNKNOWN, .ref = {"", 0}, .detail = {"", 0}};
        }
        result.id = channel->slots[slot].id;
        channel__note_result(channel, &result);
    }
    channel__deliver(channel);
}
