/* What one device has to play, and in which order. Pure: no clock, no device, no file; the caller
 * gives the time and does what schedule_next says.
 *
 * Priorities (Circular 39/2020/TT-BTTTT): emergency goes before priority, priority before normal.
 * Only an emergency interrupts, and only what is none itself; what it interrupted goes on
 * afterwards if that is soon enough, or ends as cut. */
#ifndef LOUDSPEAKER_SCHEDULE_H
#define LOUDSPEAKER_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

enum entry_priority { ENTRY_NORMAL, ENTRY_PRIORITY, ENTRY_EMERGENCY };
enum entry_state { ENTRY_WAITS, ENTRY_PLAYS, ENTRY_HELD };
/* Why an entry that is due does not play. */
enum entry_block { ENTRY_FREE, ENTRY_DEVICE_BUSY, ENTRY_DEVICE_OFFLINE };

struct schedule_entry {
    struct schedule_entry *next;
    int64_t start_ms, ends_ms; /* ends_ms: the latest begin */
    int64_t retry_ms;          /* not to be begun before this (the device was not there) */
    int64_t held_ms;           /* when it was interrupted */
    enum entry_priority priority;
    enum entry_state state;
    enum entry_block block;
};

struct schedule {
    struct schedule_entry *first; /* by start, then by the order of adding */
    struct schedule_entry *playing;
};

enum schedule_act {
    SCHEDULE_WAIT,      /* nothing to do before at_ms (INT64_MAX: ever) */
    SCHEDULE_BEGIN,     /* entry, from its start or from where it was held */
    SCHEDULE_INTERRUPT, /* entry plays: stop it, then schedule_hold */
    SCHEDULE_EXPIRED,   /* entry was not begun in time: remove it */
    SCHEDULE_CUT,       /* entry was held for too long: remove it */
};

struct schedule_step {
    enum schedule_act act;
    struct schedule_entry *entry;
    int64_t at_ms;
};

void schedule_add(
    struct schedule *schedule, struct schedule_entry *entry); /* entry is BORROWED until removed */
void schedule_remove(struct schedule *schedule, struct schedule_entry *entry);
/* Says what is to be done at now_ms; ask again after having done it, until it says to wait. A held
 * entry may go on until resume_ms after it was interrupted. */
struct schedule_step schedule_next(
    const struct schedule *schedule, int64_t now_ms, int64_t resume_ms);
void schedule_begin(struct schedule *schedule, struct schedule_entry *entry); /* now it plays */
void schedule_hold(struct schedule *schedule, int64_t now_ms); /* what plays was interrupted */
/* What plays (or was to) could not: the device is not there. Not tried again before retry_ms. */
void schedule_postpone(struct schedule *schedule, int64_t retry_ms);

#endif
