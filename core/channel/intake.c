/* Frames from the host. Its plugin may have written rubbish, so each frame is checked against what
 * the core knows, and the first that does not fit ends the host. Whatever one read brought is told
 * in one call. */
#include "base/tr.h"
#include "channel/internal.h"

static void *grow(void *list, size_t *room, size_t size) {
    size_t more = *room ? *room * 2 : 256;
    *room = more;
    return base_realloc(list, more * size);
}

bool channel__note_result(struct channel *channel, const struct wire_result *result) {
    uint32_t slot = 0;
    if (!base_idmap_find(channel->by_id, result->id, &slot) || slot != result->slot ||
        channel->slots[slot].use != CHANNEL_SLOT_OUT) {
        return false;
    }
    channel->slots[slot].use = CHANNEL_SLOT_TOLD;
    channel->bytes_out -= channel->slots[slot].bytes;
    channel->slots[slot].bytes = 0;
    if (result->outcome == LANTOA_SENT) {
        channel__works(channel);
    }
    if (channel->result_count == channel->result_room) {
        channel->results = grow(channel->results, &channel->result_room, sizeof(*channel->results));
    }
    channel->results[channel->result_count++] = (struct channel_result){
        .id = result->id,
        .outcome = result->outcome,
        .reason = result->reason,
        .after_ms = result->after_ms,
        .ref = result->ref,
        .detail = result->detail,
    };
    return true;
}

void channel__deliver(struct channel *channel) {
    size_t results = channel->result_count, events = channel->event_count;
    channel->result_count = channel->event_count = 0;
    if (results > 0) {
        channel->callbacks.results(channel->arg, channel, channel->results, results);
    }
    if (events > 0) {
        channel->callbacks.events(channel->arg, channel, channel->events, events);
    }
}

static bool take_results(struct channel *channel, struct wire_reader *body) {
    struct wire_reader record;
    while (wire_get_record(body, &record)) {
        struct wire_result result;
        if (!wire_get_result(&record, &result) || !channel__note_result(channel, &result)) {
            return false;
        }
    }
    return !body->bad;
}

static bool take_events(struct channel *channel, struct wire_reader *body) {
    struct wire_reader record;
    while (wire_get_record(body, &record)) {
        struct wire_event event;
        if (!wire_get_event(&record, &event)) {
            return false;
        }
        if (channel->event_count == channel->event_room) {
            channel->events = grow(channel->events, &channel->event_room, sizeof(*channel->events));
        }
        channel->events[channel->event_count++] = (struct channel_event){
            .token = event.token,
            .kind = event.kind,
            .reason = event.reason,
            .key = event.key,
            .ref = event.ref,
            .address = event.address,
            .detail = event.detail,
        };
    }
    return !body->bad;
}

static bool take_greeting(struct channel *channel, struct wire_reader *body) {
    struct wire_greeting greeting;
    if (channel->greeted || !wire_get_greeting(body, &greeting)) {
        return false;
    }
    if (greeting.major != WIRE_MAJOR) {
        channel__end_host(channel, CHANNEL_END_FAIL,
            TR("lantoa-channel speaks version %u of the frames, this program %u"), greeting.major,
            WIRE_MAJOR);
        return true;
    }
    channel->greeted = true;
    return true;
}

static bool take_ready(struct channel *channel) {
    if (!channel->greeted || channel->state != CHANNEL_STARTING) {
        return false;
    }
    channel__host_greeted(channel);
    return true;
}

static bool take_metric(struct channel *channel, struct wire_reader *body) {
    struct wire_metric metric;
    if (!wire_get_metric(body, &metric)) {
        return false;
    }
    size_t i = 0;
    while (i < channel->metric_count && !str_is(metric.name, channel->metrics[i].name)) {
        i++;
    }
    if (i == CHANNEL_METRICS_MOST) {
        return false; /* the host keeps to this limit too */
    }
    if (i == channel->metric_count) {
        channel->metric_count++;
        memcpy(channel->metrics[i].name, metric.name.at, metric.name.bytes);
        channel->metrics[i].name[metric.name.bytes] = '\0';
    }
    channel->metrics[i].value = metric.value;
    return true;
}

static bool take_log(struct channel *channel, struct wire_reader *body) {
    struct wire_log log;
    if (!wire_get_log(body, &log)) {
        return false;
    }
    channel__log_line(channel, (enum base_log_level)log.level, log.text);
    return true;
}

static bool take_fail(struct channel *channel, struct wire_reader *body) {
    struct wire_fault fault;
    if (!wire_get_fail(body, &fault)) {
        return false;
    }
    channel->spoke_last = true;
    enum channel_end end = fault.fail == WIRE_FAIL_FAULT ? CHANNEL_END_CRASH : CHANNEL_END_FAIL;
    channel__end_host(channel, end, STR_FMT, STR_ARG(fault.text));
    return true;
}

static bool take_pong(struct channel *channel, struct wire_reader *body) {
    uint64_t number = wire_get_u64(body);
    if (body->bad || number > channel->ping) {
        return false;
    }
    if (number == channel->ping) {
        channel->unanswered = 0;
    }
    return true;
}

static bool take_hook_done(struct channel *channel, struct wire_reader *body) {
    struct wire_hook_done done;
    if (!wire_get_hook_done(body, &done) || channel->hooks_out == 0) {
        return false;
    }
    channel->hooks_out--;
    if (channel->hooks_out == 0) {
        channel->hook_bytes_out = 0;
    }
    /* Its events came before it and must be recorded no later. */
    channel__deliver(channel);
    if (channel->callbacks.hook_done) {
        channel->callbacks.hook_done(channel->arg, channel, done.token, done.code);
    }
    return true;
}

static bool take_drained(struct channel *channel) {
    if (!channel->leaving) {
        return false;
    }
    channel->spoke_last = true;
    channel__end_host(channel, channel->end, "%s", "");
    return true;
}

static bool take_frame(struct channel *channel, enum wire_frame type, struct wire_reader *body) {
    switch (type) {
    case WIRE_HELLO:
        return take_greeting(channel, body);
    case WIRE_READY:
        return take_ready(channel);
    case WIRE_RESULTS:
        return take_results(channel, body);
    case WIRE_EVENTS:
        return take_events(channel, body);
    case WIRE_LOG:
        return take_log(channel, body);
    case WIRE_METRIC:
        return take_metric(channel, body);
    case WIRE_PONG:
        return take_pong(channel, body);
    case WIRE_FAIL:
        return take_fail(channel, body);
    case WIRE_DRAINED:
        return take_drained(channel);
    case WIRE_HOOK_DONE:
        return take_hook_done(channel, body);
    case WIRE_CHECK:
    case WIRE_CHECKED:
    case WIRE_HOOK:
    case WIRE_STEP:
    case WIRE_STEP_FORGET:
    case WIRE_SEND:
    case WIRE_CANCEL:
    case WIRE_LOOKUP:
    case WIRE_EVENT_DONE:
    case WIRE_RECONFIGURE:
    case WIRE_DRAIN:
    case WIRE_PING:
    case WIRE_CLOCK:
    case WIRE_QUOTE:
    case WIRE_QUOTES: /* of hosts for quotes only, see quote.c */
        break;
    }
    return false;
}

void channel__take_frames(struct channel *channel) {
    while (channel->fd >= 0) {
        enum wire_frame type;
        struct wire_reader body;
        int code = wire_inbox_next(&channel->inbox, &type, &body);
        if (code == 0) {
            break;
        }
        if (code < 0) {
            channel__end_host(channel, CHANNEL_END_CRASH, "%s",
                TR("the plugin or its host wrote bytes that are no frame"));
        } else if (!take_frame(channel, type, &body)) {
            channel__end_host(channel, CHANNEL_END_CRASH,
                TR("the host sent a frame %s that makes no sense"), wire_frame_name(type));
        }
    }
    channel__deliver(channel);
}
