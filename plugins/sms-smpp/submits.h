/* What was handed to the operator last, in a file of the channel's own that outlives this process:
 * user_message_reference -> key. After a crash a late receipt that echoes the reference still finds
 * its message, though the operator's id for it was never learned. A ring: the oldest go first. */
#ifndef SMPP_SUBMITS_H
#define SMPP_SUBMITS_H

#include "refs.h"

struct submits;

/* Opens or makes the file in `folder`. NULL with an errno text in `error`. */
struct submits *submits_open(const char *folder, char *error, size_t room);
void submits_close(struct submits *submits);
/* Notes a message about to be submitted; its reference, 1 to 65535. */
uint16_t submits_add(struct submits *submits, struct lantoa_str key, struct lantoa_str address);
/* The key noted under this reference, if it went to one of these numbers. */
bool submits_find(const struct submits *submits, uint16_t reference,
    const struct refs_numbers *numbers, char key_out[SMPP_KEY_ROOM]);

/* The form of ids that was found out, kept for the next process; REFS_EITHER: none yet. */
void submits_keep_form(struct submits *submits, enum refs_form form);
enum refs_form submits_form(const struct submits *submits);

#endif
