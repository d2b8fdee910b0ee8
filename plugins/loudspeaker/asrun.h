/* What a device reports of its playing: the body of POST /device/ID/asrun.
 *
 *   {"clock": "2026-12-01T05:10:00+07:00",            its clock when it sends this
 *    "records": [{"key": "...", "result": "played",   played, cut, missed, expired or refused
 *                 "start": "...", "end": "...",       on its clock; absent when it did not begin
 *                 "played_ms": 30000,
 *                 "offset_ms": 0,                     its clock minus the server's at that time, if
 *                                                     it knew; else that of `clock` is taken
 *                 "reason": "..."}]}
 *
 * Pure functions; the body comes from outside. */
#ifndef LOUDSPEAKER_ASRUN_H
#define LOUDSPEAKER_ASRUN_H

#include "item.h"

#define ASRUN_BYTES_MOST ((size_t)1 << 20)
#define ASRUN_RECORDS_MOST 2000

struct asrun_record {
    char key[ITEM_KEY_BYTES];
    enum item_end end;
    int64_t start_ms, end_ms; /* 0: not said */
    int64_t played_ms;
    bool knows_offset;
    int64_t offset_ms;
    char reason[160];
};

struct asrun {
    bool has_clock;
    int64_t clock_ms;
    struct asrun_record *records;
    size_t count;
};

/* False with words that name the record and field. */
bool asrun_read(const char *body, size_t bytes, struct asrun *out, char *why, size_t why_bytes);
void asrun_release(struct asrun *asrun);
/* Puts a record into its item, times corrected: clock_offset_ms is the device's clock minus ours. A
 * time that even then cannot be (before the plan, after now) is marked as doubtful. */
void asrun_apply(
    const struct asrun_record *record, int64_t clock_offset_ms, int64_t now_ms, struct item *item);

#endif
