/* The journal of a channel: a file mapped by the core and the host alike, one slot per message
 * handed over. It outlives either of them, so after a crash it says what never began, what is
 * really unknown, and what ended without the core having heard.
 *
 *   FREE -> HELD  (core, before the frame leaves)
 *        -> BEGAN (host, before the first byte leaves)
 *        -> ENDED (host, with the result)
 *        -> FREE  (core, once the result is committed)
 *
 * Each step is a release store of the state after everything else of the slot. The file is no proof
 * against a power cut, and says so itself: its head carries the boot id of the machine. The lock of
 * the file (flock) belongs to the host, see channel.h. */
#ifndef WIRE_JOURNAL_H
#define WIRE_JOURNAL_H

#include "base/err.h"
#include "wire/record.h"
#include <sys/types.h>

#define WIRE_JOURNAL_SLOTS_MOST 20480

enum wire_slot_state { WIRE_SLOT_FREE = 0, WIRE_SLOT_HELD, WIRE_SLOT_BEGAN, WIRE_SLOT_ENDED };

struct wire_journal; /* a mapping */

/* Makes the file an empty journal of `slots` slots, all its blocks allocated. The caller holds the
 * lock, and no mapping. */
int wire_journal_format(int fd, uint32_t slots, struct base_err *err) LANTOA_MUST_CHECK;
/* Maps a journal, checking its head and size: LANTOA_ECORRUPT when it is none or damaged,
 * LANTOA_ESTATE when the machine has been started anew since it was written (it can then not be
 * trusted). fd may be closed afterwards. */
int wire_journal_map(
    int fd, struct wire_journal **journal_out, struct base_err *err) LANTOA_MUST_CHECK;
void wire_journal_unmap(struct wire_journal **journal);
uint32_t wire_journal_slots(const struct wire_journal *journal);

/* Which process is the host, so that a left-over one can be told from a stranger with the same
 * number. */
void wire_journal_set_host(struct wire_journal *journal, pid_t pid);
/* The host named in the journal if that very process still runs, else 0. */
pid_t wire_journal_host(const struct wire_journal *journal);

/* Transitions. The caller has checked the slot number; those of the host return false when the slot
 * is not in the state it must be in or holds another id, and change nothing then. */
void wire_slot_hold(struct wire_journal *journal, uint32_t slot, uint64_t id);
bool wire_slot_begin(struct wire_journal *journal, uint32_t slot, uint64_t id) LANTOA_MUST_CHECK;
bool wire_slot_end(struct wire_journal *journal, uint32_t slot,
    const struct wire_result *result) LANTOA_MUST_CHECK;
void wire_slot_free(struct wire_journal *journal, uint32_t slot);

/* Reads a slot; whatever nonsense stands there becomes a valid answer: an ENDED slot that does not
 * make sense reads as BEGAN. Texts are BORROWED from the mapping. result_out->id is set for all but
 * FREE. */
enum wire_slot_state wire_slot_read(
    const struct wire_journal *journal, uint32_t slot, struct wire_result *result_out);
bool wire_slot_is_held(const struct wire_journal *journal, uint32_t slot, uint64_t id);

#endif
