/* Reads as-run reports strictly, and corrects their clock. */
#include "asrun.h"
#include "when.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OFFSET_MOST (INT64_C(200) * 366 * 86400000)
#define EARLY_MS (INT64_C(12) * 3600000)
#define LATE_MS 120000
#define PLAYED_MOST (INT64_C(24) * 3600000)

/* 0 absent, 1 read, -1 wrong. */
static int read_time(const json_t *json, const char *name, int64_t *ms_out) {
    const json_t *value = json_object_get(json, name);
    if (!value || json_is_null(value)) {
        return 0;
    }
    const char *text = json_string_value(value);
    struct lantoa_str str = {text ? text : "", text ? strlen(text) : 0};
    return when_read(str, ms_out, NULL) ? 1 : -1;
}

static int read_integer(const json_t *json, const char *name, int64_t most, int64_t *out) {
    const json_t *value = json_object_get(json, name);
    if (!value || json_is_null(value)) {
        return 0;
    }
    if (!json_is_integer(value) || json_integer_value(value) > most ||
        json_integer_value(value) < -most) {
        return -1;
    }
    *out = json_integer_value(value);
    return 1;
}

static bool is_key(const char *text) {
    size_t bytes = strlen(text);
    return bytes > 0 && bytes < ITEM_KEY_BYTES &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz234567") == bytes;
}

/* NULL, or the field that is wrong. */
static const char *read_record(const json_t *json, struct asrun_record *record) {
    const char *key = json_string_value(json_object_get(json, "key"));
    const char *result = json_string_value(json_object_get(json, "result"));
    const char *reason = json_string_value(json_object_get(json, "reason"));
    if (!key || !is_key(key)) {
        return "key";
    }
    snprintf(record->key, sizeof(record->key), "%s", key);
    if (!result || !item_end_read(result, &record->end) || record->end == ITEM_OPEN ||
        record->end == ITEM_WITHDRAWN) {
        return "result";
    }
    int start = read_time(json, "start", &record->start_ms);
    int end = read_time(json, "end", &record->end_ms);
    bool began = record->end == ITEM_PLAYED || record->end == ITEM_CUT;
    if (start < 0 || (began && start == 0)) {
        return "start";
    }
    if (end < 0 || (began && end == 0) ||
        (start > 0 && end > 0 && record->end_ms < record->start_ms)) {
        return "end";
    }
    int played = read_integer(json, "played_ms", PLAYED_MOST, &record->played_ms);
    if (played < 0 || (began && played == 0) || record->played_ms < 0) {
        return "played_ms";
    }
    int offset = read_integer(json, "offset_ms", OFFSET_MOST, &record->offset_ms);
    if (offset < 0) {
        return "offset_ms";
    }
    record->knows_offset = offset > 0;
    for (size_t i = 0; reason && reason[i] && i + 1 < sizeof(record->reason); i++) {
        record->reason[i] = (unsigned char)reason[i] < ' ' ? ' ' : reason[i];
    }
    /* A letter of several bytes that was cut in two goes. */
    size_t bytes = strlen(record->reason);
    if (bytes + 1 == sizeof(record->reason)) {
        while (bytes > 0 && ((unsigned char)record->reason[bytes - 1] & 0xC0) == 0x80) {
            bytes--;
        }
        record->reason[bytes > 0 ? bytes - 1 : 0] = '\0';
    }
    return NULL;
}

static bool read_all(const json_t *json, struct asrun *out, char *why, size_t why_bytes) {
    const json_t *records = json_object_get(json, "records");
    int clock = read_time(json, "clock", &out->clock_ms);
    out->has_clock = clock > 0;
    if (clock < 0) {
        snprintf(why, why_bytes, "clock: not a time with an offset");
        return false;
    }
    if (!json_is_array(records) || json_array_size(records) > ASRUN_RECORDS_MOST) {
        snprintf(why, why_bytes, "records: must be a list of at most %d", ASRUN_RECORDS_MOST);
        return false;
    }
    out->count = json_array_size(records);
    out->records = calloc(out->count + 1, sizeof(*out->records));
    if (!out->records) {
        snprintf(why, why_bytes, "no memory");
        return false;
    }
    for (size_t i = 0; i < out->count; i++) {
        const char *field = read_record(json_array_get(records, i), &out->records[i]);
        if (field) {
            snprintf(why, why_bytes, "records[%zu].%s: missing or wrong", i, field);
            return false;
        }
    }
    return true;
}

bool asrun_read(const char *body, size_t bytes, struct asrun *out, char *why, size_t why_bytes) {
    json_error_t error;
    *out = (struct asrun){0};
    json_t *json =
        bytes <= ASRUN_BYTES_MOST ? json_loadb(body, bytes, JSON_REJECT_DUPLICATES, &error) : NULL;
    bool good = json_is_object(json);
    if (!good) {
        snprintf(why, why_bytes, "not a JSON object of at most 1 MiB");
    } else {
        good = read_all(json, out, why, why_bytes);
    }
    json_decref(json);
    if (!good) {
        asrun_release(out);
    }
    return good;
}

void asrun_release(struct asrun *asrun) {
    free(asrun->records);
    *asrun = (struct asrun){0};
}

static void word(const struct asrun_record *record, struct item *item) {
    const char *gap = record->reason[0] ? ": " : "";
    char clock[WHEN_BYTES];
    bool emergency = strcmp(record->reason, "emergency") == 0;
    switch (record->end) {
    case ITEM_CUT:
        when_print_clock(item->ended_ms, item->zone, clock);
        /* One word of the devices' for what the core repeats, if there is room that day. */
        snprintf(item->words, sizeof(item->words), "cut%s%s at %s, %lld of %lld s played",
            emergency ? " by an " : gap, record->reason, clock, (long long)(item->played_ms / 1000),
            (long long)((item->length_ms + 500) / 1000));
        break;
    case ITEM_MISSED:
    case ITEM_EXPIRED:
    case ITEM_REFUSED:
        snprintf(item->words, sizeof(item->words), "%s%s%s",
            record->end == ITEM_REFUSED ? "refused by the device" : item_end_word(record->end), gap,
            record->reason);
        break;
    case ITEM_OPEN:
    case ITEM_PLAYED:
    case ITEM_WITHDRAWN:
        break;
    }
}

void asrun_apply(
    const struct asrun_record *record, int64_t clock_offset_ms, int64_t now_ms, struct item *item) {
    int64_t offset = record->knows_offset ? record->offset_ms : clock_offset_ms;
    item->by_device = true;
    item->clock_offset_ms = offset;
    item->began_ms = record->start_ms ? record->start_ms - offset : 0;
    item->ended_ms = record->end_ms ? record->end_ms - offset : now_ms;
    item->played_ms = record->played_ms < item->length_ms ? record->played_ms : item->length_ms;
    item->words[0] = '\0';
    word(record, item);
    bool can_be =
        item->began_ms >= item->entry.start_ms - EARLY_MS && item->ended_ms <= now_ms + LATE_MS;
    if (record->end == ITEM_PLAYED && !can_be) {
        snprintf(item->words, sizeof(item->words), "the device's clock cannot be right");
    }
}
