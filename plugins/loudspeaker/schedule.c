/* The order of one device's entries. A device has tens of them: plain walks. */
#include "schedule.h"
#include <stddef.h>

void schedule_add(struct schedule *schedule, struct schedule_entry *entry) {
    struct schedule_entry **at = &schedule->first;
    while (*at && (*at)->start_ms <= entry->start_ms) {
        at = &(*at)->next;
    }
    entry->next = *at;
    *at = entry;
}

void schedule_remove(struct schedule *schedule, struct schedule_entry *entry) {
    struct schedule_entry **at = &schedule->first;
    while (*at && *at != entry) {
        at = &(*at)->next;
    }
    if (*at) {
        *at = entry->next;
    }
    if (schedule->playing == entry) {
        schedule->playing = NULL;
    }
    entry->next = NULL;
}

static bool goes_before(const struct schedule_entry *a, const struct schedule_entry *b) {
    if (a->priority != b->priority) {
        return a->priority > b->priority;
    }
    if ((a->state == ENTRY_HELD) != (b->state == ENTRY_HELD)) {
        return a->state == ENTRY_HELD;
    }
    return a->start_ms < b->start_ms;
}

static struct schedule_entry *best_due(const struct schedule *schedule, int64_t now_ms) {
    struct schedule_entry *best = NULL;
    for (struct schedule_entry *entry = schedule->first; entry; entry = entry->next) {
        bool due =
            entry->state != ENTRY_PLAYS && entry->start_ms <= now_ms && entry->retry_ms <= now_ms;
        if (due && (!best || goes_before(entry, best))) {
            best = entry;
        }
    }
    return best;
}

static bool is_over(const struct schedule_entry *entry, int64_t now_ms, int64_t resume_ms) {
    return (entry->state == ENTRY_WAITS && now_ms > entry->ends_ms) ||
           (entry->state == ENTRY_HELD && now_ms > entry->held_ms + resume_ms);
}

static int64_t wake_at(const struct schedule *schedule, int64_t now_ms, int64_t resume_ms) {
    int64_t at_ms = INT64_MAX;
    for (const struct schedule_entry *entry = schedule->first; entry; entry = entry->next) {
        if (entry->state == ENTRY_PLAYS) {
            continue;
        }
        int64_t over = (entry->state == ENTRY_HELD ? entry->held_ms + resume_ms : entry->ends_ms);
        int64_t from = entry->start_ms > entry->retry_ms ? entry->start_ms : entry->retry_ms;
        int64_t next = from > now_ms && from <= over ? from : over + 1;
        at_ms = next < at_ms ? next : at_ms;
    }
    return at_ms;
}

struct schedule_step schedule_next(
    const struct schedule *schedule, int64_t now_ms, int64_t resume_ms) {
    for (struct schedule_entry *entry = schedule->first; entry; entry = entry->next) {
        if (is_over(entry, now_ms, resume_ms)) {
            return (struct schedule_step){
                entry->state == ENTRY_HELD ? SCHEDULE_CUT : SCHEDULE_EXPIRED, entry, now_ms};
        }
    }
    struct schedule_entry *best = best_due(schedule, now_ms);
    if (best && !schedule->playing) {
        return (struct schedule_step){SCHEDULE_BEGIN, best, now_ms};
    }
    if (best && best->priority == ENTRY_EMERGENCY &&
        schedule->playing->priority != ENTRY_EMERGENCY) {
        return (struct schedule_step){SCHEDULE_INTERRUPT, schedule->playing, now_ms};
    }
    for (struct schedule_entry *entry = schedule->first; entry; entry = entry->next) {
        if (entry != schedule->playing && entry->start_ms <= now_ms && entry->retry_ms <= now_ms) {
            entry->block = ENTRY_DEVICE_BUSY;
        }
    }
    return (struct schedule_step){SCHEDULE_WAIT, NULL, wake_at(schedule, now_ms, resume_ms)};
}

void schedule_begin(struct schedule *schedule, struct schedule_entry *entry) {
    entry->state = ENTRY_PLAYS;
    schedule->playing = entry;
}

void schedule_hold(struct schedule *schedule, int64_t now_ms) {
    schedule->playing->state = ENTRY_HELD;
    schedule->playing->held_ms = now_ms;
    schedule->playing = NULL;
}

void schedule_postpone(struct schedule *schedule, int64_t retry_ms) {
    struct schedule_entry *entry = schedule->playing;
    entry->state = entry->held_ms ? ENTRY_HELD : ENTRY_WAITS;
    entry->retry_ms = retry_ms;
    entry->block = ENTRY_DEVICE_OFFLINE;
    schedule->playing = NULL;
}
