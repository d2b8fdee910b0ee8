/* Mail addresses: syntax, mailboxes with a name, and the keys we hang behind a "+". Pure functions.
 */
#ifndef EMAIL_ADDRESS_H
#define EMAIL_ADDRESS_H

#include "bytes.h"

#define ADDRESS_MOST 254 /* RFC 5321: 256 with the angle brackets */
#define ADDRESS_KEY_BYTES 20

/* An option such as `Name <local@domain>` or `local@domain`, taken apart; spans of the given text.
 */
struct address_mailbox {
    struct lantoa_str name; /* without quotes; empty when absent */
    struct lantoa_str spec; /* local@domain */
};

/* Whether the text is an addr-spec that SMTP without SMTPUTF8 can carry: dot-atom or quoted local
 * part of at most 64 bytes, host name or address literal, ASCII only, no control characters. */
bool address_valid(struct lantoa_str spec);
/* The part behind the last "@"; empty when there is none. */
struct lantoa_str address_domain(struct lantoa_str spec);
/* Whether the text is a host name that may stand behind "@": labels of letters, digits and hyphens.
 */
bool address_domain_valid(struct lantoa_str domain);
/* LANTOA_EINVAL when the address inside is not valid or the name has control characters. */
int address_mailbox_parse(const char *text, struct address_mailbox *mailbox_out) LANTOA_MUST_CHECK;
/* Appends base with "+key" behind its local part. */
void address_put_tagged(struct bytes *out, struct lantoa_str base, struct lantoa_str key);
/* Whether spec is base, or base with "+key": key_out then has the key in lower case, else "". ASCII
 * case is ignored throughout. */
bool address_match_tagged(
    struct lantoa_str spec, struct lantoa_str base, char key_out[ADDRESS_KEY_BYTES + 1]);
/* Whether the text is a message key: 20 characters of a-z and 2-7. */
bool address_key_valid(struct lantoa_str key);

#endif
