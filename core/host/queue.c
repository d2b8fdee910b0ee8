/* Messages inside the host: from the SEND frame to the plugin, in batches within the window, and
 * out again with their result. Knows frames, journal and plugin; not the socket. */
#include "base/clock.h"
#include "base/log.h"
#include "base/tr.h"
#include "host/internal.h"

#define BATCH_MOST 256
#define TURN_MS 5 /* then the loop gets its turn: results leave, the watchdog is answered */

static struct lantoa_str sdk(struct str text) {
    return (struct lantoa_str){text.at, text.bytes};
}

struct host_message *host__find(const struct host *host, uint64_t id) {
    uint32_t slot = 0;
    return base_idmap_find(host->by_id, id, &slot) ? host->by_slot[slot] : NULL;
}

struct host_step *host__find_step(const struct host *host, uint32_t ref) {
    struct host_step *step = host->steps;
    while (step && (step->ref != ref || step->forgotten)) {
        step = step->next;
    }
    return step;
}

static struct lantoa_str keep(struct base_arena *arena, struct str text) {
    return (struct lantoa_str){base_arena_strndup(arena, text.at, text.bytes), text.bytes};
}

bool host__take_step(struct host *host, struct wire_reader *body) {
    struct wire_step head;
    if (!wire_get_step(body, &head)) {
        return false;
    }
    struct base_arena *arena = base_arena_new();
    struct lantoa_part *parts =
        base_arena_alloc(arena, ((size_t)head.part_count + 1) * sizeof(*parts));
    for (uint32_t i = 0; i < head.part_count; i++) {
        struct wire_part part;
        if (!wire_get_part(body, &part)) {
            base_arena_free(&arena);
            return false;
        }
        parts[i] = (struct lantoa_part){keep(arena, part.name), keep(arena, part.mime),
            keep(arena, part.content_id), keep(arena, part.bytes)};
    }
    host__forget_step(host, head.ref);
    struct host_step *step = base_alloc(sizeof(*step));
    step->step = (struct lantoa_step){
        .size = sizeof(step->step),
        .campaign = keep(arena, head.campaign),
        .step = keep(arena, head.step),
        .message_class = keep(arena, head.message_class),
        .parts = parts,
        .part_count = head.part_count,
        .accents = keep(arena, head.accents),
    };
    step->arena = arena;
    step->ref = head.ref;
    step->next = host->steps;
    host->steps = step;
    return true;
}

void host__forget_step(struct host *host, uint32_t ref) {
    struct host_step *step = host__find_step(host, ref);
    if (step) {
        step->forgotten = true; /* host__bury frees it once its messages have ended */
    }
}

static void enqueue(struct host *host, struct host_message *message) {
    if (host->queue_tail) {
        host->queue_tail->next = message;
    } else {
        host->queue_head = message;
    }
    host->queue_tail = message;
}

/* Fills one message from its record. The texts lie in `body`'s copy inside the chunk. */
static bool fill(struct host *host, struct wire_reader *record, struct host_message *message,
    struct lantoa_str *fields, const char **why_out) {
    struct wire_message got;
    size_t field_count = host->plugin->table.content_count;
    if (!wire_get_message(record, &got) || got.field_count != field_count) {
        *why_out = "a malformed message";
        return false;
    }
    for (size_t i = 0; i < field_count; i++) {
        fields[i] = sdk(wire_get_str(record));
    }
    struct host_step *step = host__find_step(host, got.step_ref);
    if (record->bad || !step) {
        *why_out = "a message without its step";
        return false;
    }
    if (got.slot >= wire_journal_slots(host->journal) || host->by_slot[got.slot] ||
        !wire_slot_is_held(host->journal, got.slot, got.id) ||
        !base_idmap_add(host->by_id, got.id, got.slot)) {
        *why_out = "a message that is not in the journal";
        return false;
    }
    host->by_slot[got.slot] = message;
    message->message = (struct lantoa_message){
        .size = sizeof(message->message),
        .id = got.id,
        .key = sdk(got.key),
        .address = sdk(got.address),
        .name = sdk(got.name),
        .lang = sdk(got.lang),
        .due_ms = got.due_ms,
        .fields = fields,
        .step = &step->step,
    };
    message->step = step;
    message->slot = got.slot;
    step->messages++;
    return true;
}

bool host__take_messages(struct host *host, struct wire_reader *body, const char **why_out) {
    struct wire_reader counting = *body, record;
    size_t count = 0;
    while (wire_get_record(&counting, &record)) {
        count++;
    }
    if (counting.bad || count == 0) {
        *why_out = "a malformed batch";
        return false;
    }
    size_t field_count = host->plugin->table.content_count;
    size_t bytes = wire_left(body);
    struct host_chunk *chunk = base_alloc(sizeof(*chunk) + count * sizeof(struct host_message) +
                                          count * field_count * sizeof(struct lantoa_str) + bytes);
    struct host_message *messages = (struct host_message *)(void *)(chunk + 1);
    struct lantoa_str *fields = (struct lantoa_str *)(void *)(messages + count);
    char *copy = (char *)(fields + count * field_count);
    memcpy(copy, body->at, bytes);
    struct wire_reader all = wire_reader_of(str_of(copy, bytes));
    for (size_t i = 0; i < count && wire_get_record(&all, &record); i++) {
        if (!fill(host, &record, &messages[i], fields + i * field_count, why_out)) {
            return false; /* the core is wrong: the process ends, and its memory with it */
        }
        messages[i].chunk = chunk;
        chunk->alive++;
        enqueue(host, &messages[i]);
    }
    return true;
}

bool host__pump_wanted(const struct host *host) {
    size_t window = host->window < host->plugin_window ? host->window : host->plugin_window;
    return host->queue_head && host->ready && !host->draining && !host->leaving &&
           !host->fail_text[0] && host->underway < window;
}

static size_t fill_batch(struct host *host, const struct lantoa_message **batch, size_t most) {
    size_t count = 0;
    int64_t now = base_clock_real_ms();
    while (count < most && host__pump_wanted(host)) {
        struct host_message *message = host->queue_head;
        host->queue_head = message->next;
        if (!host->queue_head) {
            host->queue_tail = NULL;
        }
        message->next = NULL;
        message->stage = HOST_HANDED;
        message->handed_ms = now;
        host->underway++;
        batch[count++] = &message->message;
    }
    return count;
}

void host__pump(struct host *host) {
    const struct lantoa_message *batch[BATCH_MOST];
    size_t most = host->plugin->table.max_batch;
    if (most == 0 || most > BATCH_MOST) {
        most = BATCH_MOST;
    }
    int64_t until = base_clock_real_ms() + TURN_MS;
    do {
        size_t count = fill_batch(host, batch, most);
        if (count == 0) {
            return;
        }
        host->plugin->table.ops.send(host->self, batch, count);
    } while (base_clock_real_ms() < until);
}

void host__end_message(
    struct host *host, struct host_message *message, const struct wire_result *result) {
    if (!wire_slot_end(host->journal, message->slot, result)) {
        host__fault(
            host, TR("the journal of message %llu is damaged"), (unsigned long long)result->id);
    }
    if (host->fd >= 0) {
        wire_put_result(&host->outbox, result);
    }
    host->ended[host->ended_at++ % (sizeof(host->ended) / sizeof(host->ended[0]))] = result->id;
    base_idmap_remove(host->by_id, result->id);
    host->by_slot[message->slot] = NULL;
    if (message->stage != HOST_QUEUED) {
        host->underway--;
    }
    message->step->messages--;
    struct host_chunk *chunk = message->chunk;
    if (--chunk->alive == 0) {
        chunk->next_dead = host->dead;
        host->dead = chunk;
    }
}

static void give_back(struct host *host, struct host_message *message) {
    struct wire_result result = {
        .id = message->message.id,
        .slot = message->slot,
        .outcome = LANTOA_NOT_SENT,
        .ref = {"", 0},
        .detail = {"", 0},
    };
    host__end_message(host, message, &result);
}

static bool concerns(const struct host_message *message, uint32_t step_ref) {
    return step_ref == 0 || message->step->ref == step_ref;
}

static void cancel_queued(struct host *host, uint32_t step_ref) {
    struct host_message *message = host->queue_head;
    host->queue_head = host->queue_tail = NULL;
    while (message) {
        struct host_message *next = message->next;
        message->next = NULL;
        if (concerns(message, step_ref)) {
            give_back(host, message);
        } else {
            enqueue(host, message);
        }
        message = next;
    }
}

void host__cancel(struct host *host, uint32_t step_ref) {
    cancel_queued(host, step_ref);
    if (!host->plugin->table.ops.cancel || !host->self) {
        return;
    }
    uint64_t ids[BATCH_MOST];
    size_t count = 0;
    /* The plugin's results of this very call do not move what is walked: by_slot has one place per
     * slot. */
    for (uint32_t slot = 0; slot < wire_journal_slots(host->journal); slot++) {
        const struct host_message *message = host->by_slot[slot];
        if (message && message->stage == HOST_HANDED && concerns(message, step_ref)) {
            ids[count++] = message->message.id;
            if (count == BATCH_MOST) {
                host->plugin->table.ops.cancel(host->self, ids, count);
                count = 0;
            }
        }
    }
    if (count > 0) {
        host->plugin->table.ops.cancel(host->self, ids, count);
    }
}

void host__check_overdue(struct host *host) {
    int64_t oldest = base_clock_real_ms() - host->timeout_ms;
    for (uint32_t slot = 0; host->underway > 0 && slot < wire_journal_slots(host->journal);
         slot++) {
        const struct host_message *message = host->by_slot[slot];
        if (message && message->stage != HOST_QUEUED && message->handed_ms < oldest) {
            host__fault(host, TR("the plugin has given no result for message %llu in %lld s"),
                (unsigned long long)message->message.id, (long long)(host->timeout_ms / 1000));
        }
    }
}

void host__bury(struct host *host) {
    while (host->dead) {
        struct host_chunk *chunk = host->dead;
        host->dead = chunk->next_dead;
        base_free(chunk);
    }
    struct host_step **at = &host->steps;
    while (*at) {
        struct host_step *step = *at;
        if (step->forgotten && step->messages == 0) {
            *at = step->next;
            base_arena_free(&step->arena);
            base_free(step);
        } else {
            at = &step->next;
        }
    }
}

void host__queue_free(struct host *host) {
    for (uint32_t slot = 0; host->by_slot && slot < wire_journal_slots(host->journal); slot++) {
        struct host_message *message = host->by_slot[slot];
        if (message) {
            message->step->messages--;
            if (--message->chunk->alive == 0) {
                message->chunk->next_dead = host->dead;
                host->dead = message->chunk;
            }
        }
    }
    for (struct host_step *step = host->steps; step; step = step->next) {
        step->forgotten = true;
    }
    host__bury(host);
    base_free(host->by_slot);
    host->by_slot = NULL;
    base_idmap_free(&host->by_id);
    host->queue_head = host->queue_tail = NULL;
}
