/* One airing as the plugin knows it: what a message says, what became of it, and both as JSON for
 * the log on the disk. Knows no device's wire and no file. */
#ifndef LOUDSPEAKER_ITEM_H
#define LOUDSPEAKER_ITEM_H

#include "schedule.h"
#include <jansson.h>
#include <lantoa/message.h>

/* The content rows, in the order of plugin.c's table. */
enum item_field {
    FIELD_OUTLET,
    FIELD_TITLE,
    FIELD_AUDIO,
    FIELD_SECONDS,
    FIELD_START,
    FIELD_ENDS,
    FIELD_PRIORITY,
    FIELD_SCRIPT,
    FIELD_PLACE,
    FIELD_WITHDRAWN,
    FIELD_COUNT,
};

enum item_end {
    ITEM_OPEN, /* not ended */
    ITEM_PLAYED,
    ITEM_CUT,     /* begun, not finished */
    ITEM_MISSED,  /* not begun: the device was not there, or busy, or said nothing */
    ITEM_EXPIRED, /* not begun: it came too late */
    ITEM_REFUSED, /* the device could not play it */
    ITEM_WITHDRAWN,
};

#define ITEM_KEY_BYTES 24
#define ITEM_WORDS_BYTES 300

struct device;

struct item {
    struct schedule_entry entry; /* first: the schedule's entries are items */
    struct item *next;           /* of its device */
    struct device *device;
    const struct lantoa_message *message; /* until its result is given */
    char key[ITEM_KEY_BYTES];
    char *outlet, *title, *script, *place;
    char audio[124], mime[40], sha256[65], url[400];
    uint64_t audio_bytes;
    int64_t length_ms; /* of the recording */
    int64_t seconds;   /* planned */
    int zone;          /* of the planned start: minutes east of Greenwich */
    int64_t version;   /* of its device's plan, with which it came */
    /* what became of it */
    int64_t began_ms, ended_ms, played_ms;
    enum item_end end;
    char words[ITEM_WORDS_BYTES];
    int64_t clock_offset_ms; /* of the device that reported: its clock minus ours */
    bool by_device;
    uint64_t token; /* of the event under way; 0: none */
    bool told;      /* the core has it */
    bool kept;      /* it is in the log */
};

/* From a message. NULL with words when it makes no sense. One that takes an airing back has
 * *withdrawn_out set and nothing but its key read. */
struct item *item_new(
    const struct lantoa_message *message, bool *withdrawn_out, char *why, size_t why_bytes);
void item_free(struct item *item); /* NULL is fine */
/* The plan of it and, if it has ended, that. */
json_t *item_to_json(const struct item *item);
/* What item_to_json made; NULL when it is damaged. */
struct item *item_from_json(const json_t *json);
/* The end alone: {"end": "played", "began": ..., ...}; and into an item. */
json_t *item_end_to_json(const struct item *item);
bool item_end_from_json(struct item *item, const json_t *json);

/* A recording's name that is safe as a file's: letters, digits, '-', '_', '.', not hidden, at most
 * 120 bytes. */
bool item_audio_ok(const char *name, size_t bytes);
const char *item_priority_word(enum entry_priority priority);
bool item_priority_read(const char *word, enum entry_priority *priority_out);
const char *item_end_word(enum item_end end);
bool item_end_read(const char *word, enum item_end *end_out);
/* The event's kind, reason, and detail: JSON for what was played, else the words. */
void item_report(const struct item *item, enum lantoa_event_kind *kind_out,
    enum lantoa_reason *reason_out, char *detail, size_t detail_bytes);

#endif
