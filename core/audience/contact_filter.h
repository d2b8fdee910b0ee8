/* A Bloom filter over the keys of contacts: says "certainly new" for nearly every key of a first
 * import, so that such rows need no look-up. Private to core/audience. */
#ifndef AUDIENCE_CONTACT_FILTER_H
#define AUDIENCE_CONTACT_FILTER_H

#include <stdbool.h>
#include <stdint.h>

struct audience__filter;

/* Room for that many keys at about one false alarm in a hundred; never more than 32 MiB (then with
 * more false alarms). */
struct audience__filter *audience__filter_new(uint64_t keys);
void audience__filter_free(struct audience__filter **filter);
/* The reading thread and the writing one share a filter: each takes it for a while at a time. */
void audience__filter_lock(struct audience__filter *filter);
void audience__filter_unlock(struct audience__filter *filter);
/* Takes the key in. false: it was certainly not there before. Only while locked. */
bool audience__filter_note(struct audience__filter *filter, uint64_t hash);
/* Brings the hash's cache line near, some time ahead of its use. */
void audience__filter_prefetch(const struct audience__filter *filter, uint64_t hash);

#endif
