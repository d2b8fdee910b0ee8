/* Reads, keeps and words one airing. */
#include "item.h"
#include "when.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_MOST 14400
#define NAME_MOST 120

static const char *const priorities[] = {"normal", "priority", "emergency"};
static const char *const ends[] = {
    "open", "played", "cut", "missed", "expired", "refused", "withdrawn"};

const char *item_priority_word(enum entry_priority priority) {
    return priorities[priority];
}

const char *item_end_word(enum item_end end) {
    return ends[end];
}

bool item_priority_read(const char *word, enum entry_priority *priority_out) {
    for (int i = 0; i < 3; i++) {
        if (strcmp(word, priorities[i]) == 0) {
            *priority_out = (enum entry_priority)i;
            return true;
        }
    }
    return false;
}

bool item_end_read(const char *word, enum item_end *end_out) {
    for (int i = 0; i < (int)(sizeof(ends) / sizeof(ends[0])); i++) {
        if (strcmp(word, ends[i]) == 0) {
            *end_out = (enum item_end)i;
            return true;
        }
    }
    return false;
}

bool item_audio_ok(const char *name, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        char c = name[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                c == '-' || c == '_' || (c == '.' && i > 0))) {
            return false;
        }
    }
    return bytes > 0 && bytes <= NAME_MOST;
}

static char *keep(struct lantoa_str text) {
    return strndup(text.at, text.bytes);
}

static bool fits(char *to, size_t room, struct lantoa_str text) {
    if (text.bytes >= room || memchr(text.at, '\0', text.bytes)) {
        return false;
    }
    memcpy(to, text.at, text.bytes);
    to[text.bytes] = '\0';
    return true;
}

static struct item *wrong(struct item *item, char *why, size_t why_bytes, const char *words) {
    snprintf(why, why_bytes, "%s", words);
    item_free(item);
    return NULL;
}

static const struct lantoa_part *find_part(const struct lantoa_message *message, const char *name) {
    for (size_t i = 0; i < message->step->part_count; i++) {
        const struct lantoa_part *part = &message->step->parts[i];
        if (part->name.bytes == strlen(name) &&
            memcmp(part->name.at, name, part->name.bytes) == 0) {
            return part;
        }
    }
    return NULL;
}

static bool read_seconds(struct lantoa_str text, int64_t *out) {
    char copy[16], *end;
    if (!fits(copy, sizeof(copy), text) || !copy[0]) {
        return false;
    }
    double value = strtod(copy, &end);
    if (*end || !(value > 0 && value <= SECONDS_MOST)) {
        return false;
    }
    *out = (int64_t)(value + 0.999);
    return true;
}

static const char *read_fields(struct item *item, const struct lantoa_message *message) {
    const struct lantoa_str *fields = message->fields;
    if (!fits(item->audio, sizeof(item->audio), fields[FIELD_AUDIO]) ||
        !item_audio_ok(item->audio, strlen(item->audio))) {
        return "audio: not the name of a recording";
    }
    const struct lantoa_part *part = find_part(message, item->audio);
    if (!part || !fits(item->mime, sizeof(item->mime), part->mime)) {
        return "audio: the step has no such recording";
    }
    if (!read_seconds(fields[FIELD_SECONDS], &item->seconds)) {
        return "seconds: must be more than 0 and at most 14400";
    }
    if (!when_read(fields[FIELD_START], &item->entry.start_ms, &item->zone)) {
        return "start: not a time with an offset, like 2026-12-01T05:00:00+07:00";
    }
    if (fields[FIELD_ENDS].bytes == 0) {
        item->entry.ends_ms = item->entry.start_ms + item->seconds * 1000;
    } else if (!when_read(fields[FIELD_ENDS], &item->entry.ends_ms, NULL) ||
               item->entry.ends_ms < item->entry.start_ms) {
        return "ends: not a time with an offset after the start";
    }
    return NULL;
}

struct item *item_new(
    const struct lantoa_message *message, bool *withdrawn_out, char *why, size_t why_bytes) {
    struct item *item = calloc(1, sizeof(*item));
    const struct lantoa_str *fields = message->fields;
    char priority[16];
    if (!item) {
        return wrong(item, why, why_bytes, "no memory");
    }
    item->message = message;
    item->outlet = keep(fields[FIELD_OUTLET]);
    item->title = keep(fields[FIELD_TITLE]);
    item->script = keep(fields[FIELD_SCRIPT]);
    item->place = keep(fields[FIELD_PLACE]);
    if (!item->outlet || !item->title || !item->script || !item->place) {
        return wrong(item, why, why_bytes, "no memory");
    }
    if (!fits(item->key, sizeof(item->key), message->key) ||
        !fits(item->url, sizeof(item->url), message->address)) {
        return wrong(item, why, why_bytes, "key or address is too long");
    }
    bool given = fits(priority, sizeof(priority), fields[FIELD_PRIORITY]) && priority[0];
    *withdrawn_out = fields[FIELD_WITHDRAWN].bytes > 0;
    if (*withdrawn_out) {
        return item;
    }
    if (fields[FIELD_PRIORITY].bytes > 0 &&
        !(given && item_priority_read(priority, &item->entry.priority))) {
        return wrong(item, why, why_bytes, "priority: must be normal, priority or emergency");
    }
    const char *words = read_fields(item, message);
    return words ? wrong(item, why, why_bytes, words) : item;
}

void item_free(struct item *item) {
    if (item) {
        free(item->outlet);
        free(item->title);
        free(item->script);
        free(item->place);
        free(item);
    }
}

json_t *item_end_to_json(const struct item *item) {
    return json_pack("{s:s, s:I, s:I, s:I, s:s, s:I, s:b}", "end", ends[item->end], "began",
        (json_int_t)item->began_ms, "ended", (json_int_t)item->ended_ms, "played",
        (json_int_t)item->played_ms, "words", item->words, "offset",
        (json_int_t)item->clock_offset_ms, "by_device", item->by_device ? 1 : 0);
}

bool item_end_from_json(struct item *item, const json_t *json) {
    const char *end, *words;
    json_int_t began, ended, played, offset;
    int by_device;
    json_t *own;
    union {
        const json_t *from;
        json_t *to;
    } cast = {.from = json};
    own = cast.to; /* only read */
    if (json_unpack(own, "{s:s, s:I, s:I, s:I, s:s, s:I, s:b}", "end", &end, "began", &began,
            "ended", &ended, "played", &played, "words", &words, "offset", &offset, "by_device",
            &by_device) != 0 ||
        !item_end_read(end, &item->end)) {
        return false;
    }
    item->began_ms = began;
    item->ended_ms = ended;
    item->played_ms = played;
    item->clock_offset_ms = offset;
    item->by_device = by_device != 0;
    snprintf(item->words, sizeof(item->words), "%s", words);
    return true;
}

json_t *item_to_json(const struct item *item) {
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:i, s:I, "
                  "s:I, s:s, s:I}",
            "key", item->key, "url", item->url, "outlet", item->outlet, "title", item->title,
            "script", item->script, "place", item->place, "audio", item->audio, "mime", item->mime,
            "sha256", item->sha256, "bytes", (json_int_t)item->audio_bytes, "length",
            (json_int_t)item->length_ms, "seconds", (json_int_t)item->seconds, "zone", item->zone,
            "start", (json_int_t)item->entry.start_ms, "ends", (json_int_t)item->entry.ends_ms,
            "priority", priorities[item->entry.priority], "version", (json_int_t)item->version);
    if (json && item->end != ITEM_OPEN) {
        json_object_set_new(json, "became", item_end_to_json(item));
    }
    if (json && item->entry.held_ms) {
        json_object_set_new(json, "held", json_integer(item->entry.held_ms));
        json_object_set_new(json, "began", json_integer(item->began_ms));
        json_object_set_new(json, "played", json_integer(item->played_ms));
    }
    if (json && item->told) {
        json_object_set_new(json, "told", json_true());
    }
    return json;
}

/* A text of the object, copied into room; false: there is none, or it is too long. */
static bool get(const json_t *json, const char *name, char *to, size_t room) {
    const char *text = json_string_value(json_object_get(json, name));
    return text && (size_t)snprintf(to, room, "%s", text) < room;
}

static char *get_copy(const json_t *json, const char *name) {
    const char *text = json_string_value(json_object_get(json, name));
    return text ? strdup(text) : NULL;
}

static int64_t number(const json_t *json, const char *name) {
    return json_integer_value(json_object_get(json, name));
}

struct item *item_from_json(const json_t *json) {
    struct item *item = calloc(1, sizeof(*item));
    char priority[16];
    if (!item) {
        return NULL;
    }
    item->outlet = get_copy(json, "outlet");
    item->title = get_copy(json, "title");
    item->script = get_copy(json, "script");
    item->place = get_copy(json, "place");
    bool good = item->outlet && item->title && item->script && item->place &&
                get(json, "key", item->key, sizeof(item->key)) && item->key[0] &&
                get(json, "url", item->url, sizeof(item->url)) &&
                get(json, "audio", item->audio, sizeof(item->audio)) &&
                item_audio_ok(item->audio, strlen(item->audio)) &&
                get(json, "mime", item->mime, sizeof(item->mime)) &&
                get(json, "sha256", item->sha256, sizeof(item->sha256)) &&
                get(json, "priority", priority, sizeof(priority)) &&
                item_priority_read(priority, &item->entry.priority);
    item->audio_bytes = (uint64_t)number(json, "bytes");
    item->length_ms = number(json, "length");
    item->seconds = number(json, "seconds");
    item->zone = (int)number(json, "zone");
    item->entry.start_ms = number(json, "start");
    item->entry.ends_ms = number(json, "ends");
    item->version = number(json, "version");
    item->told = json_is_true(json_object_get(json, "told"));
    item->kept = true;
    item->entry.held_ms = number(json, "held");
    if (item->entry.held_ms) {
        item->entry.state = ENTRY_HELD;
        item->began_ms = number(json, "began");
        item->played_ms = number(json, "played");
    }
    const json_t *became = json_object_get(json, "became");
    good = good && item->seconds > 0 && (!became || item_end_from_json(item, became));
    if (!good) {
        item_free(item);
        return NULL;
    }
    return item;
}

void item_report(const struct item *item, enum lantoa_event_kind *kind_out,
    enum lantoa_reason *reason_out, char *detail, size_t detail_bytes) {
    static const enum lantoa_reason reasons[] = {
        [ITEM_OPEN] = LANTOA_REASON_OTHER,
        [ITEM_PLAYED] = LANTOA_REASON_NONE,
        [ITEM_CUT] = LANTOA_REASON_OTHER,
        [ITEM_MISSED] = LANTOA_REASON_UNREACHABLE,
        [ITEM_EXPIRED] = LANTOA_REASON_TIMEOUT,
        [ITEM_REFUSED] = LANTOA_REASON_REFUSED,
        [ITEM_WITHDRAWN] = LANTOA_REASON_OTHER,
    };
    char start[WHEN_BYTES], end[WHEN_BYTES], offset[64] = "";
    *kind_out = item->end == ITEM_PLAYED ? LANTOA_EVENT_DELIVERED : LANTOA_EVENT_FAILED;
    *reason_out = reasons[item->end];
    when_print(item->began_ms, item->zone, start);
    if (item->end != ITEM_PLAYED) {
        bool cut = item->end == ITEM_CUT && item->began_ms != 0;
        snprintf(
            detail, detail_bytes, "%s%s%s", item->words, cut ? ", from " : "", cut ? start : "");
        return;
    }
    when_print(item->ended_ms, item->zone, end);
    if (item->by_device) {
        snprintf(
            offset, sizeof(offset), ",\"clock_offset_ms\":%lld", (long long)item->clock_offset_ms);
    }
    snprintf(detail, detail_bytes,
        "{\"start\":\"%s\",\"end\":\"%s\",\"played_ms\":%lld,\"by\":\"%s\"%s%s}", start, end,
        (long long)item->played_ms, item->by_device ? "device" : "sender", offset,
        item->words[0] ? ",\"clock\":\"doubtful\"" : "");
}
