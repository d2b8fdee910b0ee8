/* What goes to the host: steps, messages, cancellations, look-ups. A message put is encoded at once
 * and waits for the flush; a slot is its place in the journal from the flush to the
 * acknowledgement. Knows nothing of how the process came to be. */
#include "base/tr.h"
#include "channel/internal.h"

#define PUT_CEILING ((size_t)256 << 20)
#define MESSAGE_MOST (WIRE_MOST_BYTES - 64)
/* What a plugin's host may hold in messages at once, as a part of the memory it is allowed. */
#define BYTES_LEAST ((size_t)8 << 20)
#define BYTES_PART 4
#define HOOKS_MOST 64
#define HOOK_BYTES_MOST ((size_t)8 << 20)

void channel__feed_init(struct channel *channel) {
    wire_writer_init(&channel->put, PUT_CEILING);
}

static void told_free(struct channel_told *told) {
    base_buf_release(&told->frame);
    base_free(told);
}

void channel__feed_release(struct channel *channel) {
    while (channel->steps) {
        struct channel_told *told = channel->steps;
        channel->steps = told->next;
        told_free(told);
    }
    wire_writer_release(&channel->put);
}

static struct channel_told *find_step(struct channel *channel, uint32_t ref) {
    if (channel->last_step && channel->last_step->ref == ref) {
        return channel->last_step;
    }
    struct channel_told *told = channel->steps;
    while (told && told->ref != ref) {
        told = told->next;
    }
    if (told) {
        channel->last_step = told;
    }
    return told;
}

static bool can_write(const struct channel *channel) {
    return channel->state == CHANNEL_READY && channel->fd >= 0;
}

void channel__tell_steps(struct channel *channel) {
    for (struct channel_told *told = channel->steps; told; told = told->next) {
        wire_append(&channel->outbox, base_buf_str(&told->frame));
    }
}

int channel_step(struct channel *channel, uint32_t step_ref, struct str campaign, struct str step,
    struct str message_class, struct str accents, const struct channel_part *parts,
    size_t part_count, struct base_err *err) {
    BASE_ASSERT(step_ref != 0); /* 0 means "all" in channel_cancel */
    size_t bytes = campaign.bytes + step.bytes + message_class.bytes + accents.bytes + 64;
    for (size_t i = 0; i < part_count; i++) {
        bytes += parts[i].name.bytes + parts[i].mime.bytes + parts[i].content_id.bytes;
        bytes += parts[i].bytes.bytes + 20;
    }
    if (bytes > WIRE_MOST_STEP_BYTES) {
        return base_err_set(err, LANTOA_ELIMIT,
            TR("the attachments of step %.*s are larger than %d MB together"), STR_ARG(step),
            (int)(WIRE_MOST_STEP_BYTES >> 20));
    }
    channel_step_forget(channel, step_ref);
    struct wire_writer writer;
    wire_writer_init(&writer, WIRE_MOST_STEP_BYTES + 4);
    struct wire_step head = {
        step_ref, campaign, step, message_class, (uint32_t)part_count, accents};
    wire_put_step(&writer, &head);
    for (size_t i = 0; i < part_count; i++) {
        struct wire_part part = {parts[i].name, parts[i].mime, parts[i].content_id, parts[i].bytes};
        wire_put_part(&writer, &part);
    }
    wire_end(&writer);
    struct channel_told *told = base_alloc(sizeof(*told));
    told->ref = step_ref;
    told->frame = writer.buf; /* moved */
    told->next = channel->steps;
    channel->steps = told;
    if (can_write(channel)) {
        wire_append(&channel->outbox, base_buf_str(&told->frame));
        channel__flush(channel);
    }
    return 0;
}

void channel_step_forget(struct channel *channel, uint32_t step_ref) {
    struct channel_told **at = &channel->steps;
    while (*at && (*at)->ref != step_ref) {
        at = &(*at)->next;
    }
    struct channel_told *told = *at;
    if (!told) {
        return;
    }
    *at = told->next;
    channel->last_step = NULL;
    told_free(told);
    if (can_write(channel)) {
        wire_begin(&channel->outbox, WIRE_STEP_FORGET);
        wire_put_u32(&channel->outbox, step_ref);
        wire_end(&channel->outbox);
        channel__flush(channel);
    }
}

bool channel_step_known(const struct channel *channel, uint32_t step_ref) {
    const struct channel_told *told = channel->steps;
    while (told && told->ref != step_ref) {
        told = told->next;
    }
    return told != NULL;
}

static size_t bytes_allowed(const struct channel *channel) {
    size_t part = (channel->spec->memory_mb << 20) / BYTES_PART;
    return part > BYTES_LEAST ? part : BYTES_LEAST;
}

size_t channel_room(const struct channel *channel) {
    if (!can_write(channel) || channel->leaving || channel->bytes_out >= bytes_allowed(channel)) {
        return 0;
    }
    return channel->free_count;
}

size_t channel_outstanding(const struct channel *channel) {
    return channel->outstanding;
}

int channel_put(struct channel *channel, const struct channel_message *message) {
    if (channel_room(channel) == 0) {
        return LANTOA_EAGAIN;
    }
    uint32_t known = 0;
    if (message->id == 0 || !find_step(channel, message->step_ref) ||
        base_idmap_find(channel->by_id, message->id, &known)) {
        return LANTOA_EINVAL;
    }
    uint32_t slot = channel->free_slots[channel->free_count - 1];
    struct wire_message record = {
        .id = message->id,
        .slot = slot,
        .step_ref = message->step_ref,
        .due_ms = message->due_ms,
        .key = message->key,
        .address = message->address,
        .name = message->name,
        .lang = message->lang,
        .field_count = (uint32_t)channel->manifest->content_count,
        .fields = message->fields,
    };
    size_t bytes = wire_message_bytes(&record);
    if (bytes > MESSAGE_MOST) {
        return LANTOA_ELIMIT;
    }
    if (channel->put.frame &&
        channel->put.buf.bytes - channel->put.frame_at + bytes > MESSAGE_MOST) {
        wire_end(&channel->put);
    }
    wire_put_message(&channel->put, &record);
    channel->free_count--;
    channel->slots[slot] = (struct channel_slot){message->id, (uint32_t)bytes, CHANNEL_SLOT_PUT};
    channel->bytes_out += bytes;
    channel->put_slots[channel->put_count++] = slot;
    base_idmap_add(channel->by_id, message->id, slot);
    return 0;
}

void channel_flush(struct channel *channel) {
    if (channel->put_count == 0) {
        return;
    }
    wire_end(&channel->put);
    BASE_ASSERT(wire_writer_ok(&channel->put));
    bool sendable = can_write(channel) && !channel->leaving;
    for (size_t i = 0; i < channel->put_count; i++) {
        struct channel_slot *slot = &channel->slots[channel->put_slots[i]];
        slot->use = sendable ? CHANNEL_SLOT_OUT : CHANNEL_SLOT_BACK;
        /* First the journal, then the frame: a host never sees a message whose slot is not held. */
        if (sendable) {
            wire_slot_hold(channel->journal, channel->put_slots[i], slot->id);
        }
    }
    channel->outstanding += channel->put_count;
    channel->put_count = 0;
    if (sendable) {
        wire_append(&channel->outbox, base_buf_str(&channel->put.buf));
        channel__flush(channel);
    } else {
        /* The host has gone since they were put. They come back, but not from inside this call. */
        ev_timer_stop(channel->loop, &channel->orphans);
        ev_timer_set(&channel->orphans, 0, 0);
        ev_timer_start(channel->loop, &channel->orphans);
    }
    wire_writer_clear(&channel->put);
    channel->full = channel_room(channel) == 0;
}

void channel__give_back(struct channel *channel) {
    for (uint32_t slot = 0; slot < channel->slot_count; slot++) {
        if (channel->slots[slot].use == CHANNEL_SLOT_BACK) {
            channel->slots[slot].use = CHANNEL_SLOT_OUT;
            struct wire_result result = {.id = channel->slots[slot].id,
                .slot = slot,
                .outcome = LANTOA_NOT_SENT,
                .ref = {"", 0},
                .detail = {"", 0}};
            channel__note_result(channel, &result);
        }
    }
    channel__deliver(channel);
}

static void free_slot(struct channel *channel, uint32_t slot) {
    base_idmap_remove(channel->by_id, channel->slots[slot].id);
    channel->bytes_out -= channel->slots[slot].bytes;
    channel->slots[slot] = (struct channel_slot){0};
    channel->free_slots[channel->free_count++] = slot;
}

void channel_discard(struct channel *channel) {
    while (channel->put_count > 0) {
        free_slot(channel, channel->put_slots[--channel->put_count]);
    }
    wire_writer_clear(&channel->put);
}

void channel_ack(struct channel *channel, const uint64_t *ids, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t slot = 0;
        if (!base_idmap_find(channel->by_id, ids[i], &slot) ||
            channel->slots[slot].use != CHANNEL_SLOT_TOLD) {
            continue;
        }
        wire_slot_free(channel->journal, slot);
        free_slot(channel, slot);
        channel->outstanding--;
    }
    /* There is room again where there was none. Told on the next loop turn: acknowledgements come
     * in many calls, and from inside `results`. */
    if (channel->full && channel_room(channel) > 0) {
        channel->full = false;
        ev_timer_stop(channel->loop, &channel->notice);
        ev_timer_set(&channel->notice, 0, 0);
        ev_timer_start(channel->loop, &channel->notice);
    }
}

static void put_and_flush(struct channel *channel) {
    wire_end(&channel->outbox);
    channel__flush(channel);
}

void channel_event_done(struct channel *channel, uint64_t token) {
    if (can_write(channel)) {
        wire_batch(&channel->outbox, WIRE_EVENT_DONE);
        wire_put_u64(&channel->outbox, token);
        /* Many come in a row: the frame stays open, and leaves with the end of the loop turn. */
        ev_io_start(channel->loop, &channel->writing);
    }
}

void channel_cancel(struct channel *channel, uint32_t step_ref) {
    if (can_write(channel)) {
        wire_begin(&channel->outbox, WIRE_CANCEL);
        wire_put_u32(&channel->outbox, step_ref);
        put_and_flush(channel);
    }
}

void channel_lookup(struct channel *channel, struct str key, struct str ref) {
    if (can_write(channel) && (channel->manifest->capabilities & LANTOA_CAN_LOOKUP)) {
        wire_begin(&channel->outbox, WIRE_LOOKUP);
        wire_put_str(&channel->outbox, wire_tidy(key, WIRE_EVENT_TEXT_MOST));
        wire_put_str(&channel->outbox, wire_tidy(ref, WIRE_EVENT_TEXT_MOST));
        put_and_flush(channel);
    }
}

int channel_hook(struct channel *channel, const struct channel_hook *hook) {
    size_t bytes = hook->query.bytes + hook->headers.bytes + hook->body.bytes;
    if (!channel->manifest->hooks) {
        return LANTOA_ENOENT;
    }
    if (bytes > MESSAGE_MOST) {
        return LANTOA_ELIMIT;
    }
    if (!can_write(channel) || channel->leaving || channel->hooks_out >= HOOKS_MOST ||
        (channel->hooks_out > 0 && channel->hook_bytes_out + bytes > HOOK_BYTES_MOST)) {
        return LANTOA_EAGAIN;
    }
    struct wire_hook frame = {hook->token, hook->at_ms, hook->query, hook->headers, hook->body};
    wire_put_hook(&channel->outbox, &frame);
    channel->hooks_out++;
    channel->hook_bytes_out += bytes;
    put_and_flush(channel);
    return 0;
}
