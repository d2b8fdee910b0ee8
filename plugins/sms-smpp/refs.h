/* The operator's message ids of this process, and whose message each is: receipts name only the id.
 * Bounded: the oldest go first. Also the forms of an id: operators write the same number in hex in
 * the answer and in decimal in the receipt. Knows no session. */
#ifndef SMPP_REFS_H
#define SMPP_REFS_H

#include "parts.h"
#include "receipt.h"

enum { SMPP_KEY_BYTES = 20, SMPP_KEY_ROOM = 32 };

/* How ids are written in answers and receipts: option msg_id_type. */
enum refs_form {
    REFS_TEXT,             /* the same text in both */
    REFS_HEX,              /* hexadecimal in both; zeros and case do not count */
    REFS_DECIMAL,          /* decimal in both */
    REFS_HEX_THEN_DECIMAL, /* hexadecimal in the answer, decimal in the receipt */
    REFS_DECIMAL_THEN_HEX,
    REFS_EITHER, /* found out by trying; the number written to must agree as well */
};

/* The two numbers of a receipt: who it is from, and to whom. Operators swap them. */
struct refs_numbers {
    struct lantoa_str from, to;
};

struct refs;

/* most: ids remembered, rounded up to a power of two. NULL when out of memory. */
struct refs *refs_new(enum refs_form form, size_t most);
void refs_free(struct refs *refs);
/* From now on the ids of messages in several parts are noted in this file, BORROWED until
 * refs_free; those that stand in it are learned, with what has arrived. */
void refs_keep(struct refs *refs, struct parts *parts);

/* A message of `parts` parts has begun to be accepted: its handle for refs_add, never 0. 0 when out
 * of memory: receipts of this message will have no key. */
uint64_t refs_message(
    struct refs *refs, struct lantoa_str key, struct lantoa_str address, size_t parts);
/* An answer gave this id to a part of that message. */
void refs_add(struct refs *refs, uint64_t message, const char *id);

/* With REFS_EITHER: the form that fitted last; REFS_EITHER while none has. refs_learn tells what an
 * earlier process found out. */
enum refs_form refs_learned(const struct refs *refs);
void refs_learn(struct refs *refs, enum refs_form form);

/* The id of an answer in the form in which it is told to the core, as result.ref. */
void refs_of_answer(const struct refs *refs, const char *id, char *ref, size_t room);
/* The id of a receipt in that same form, as event.ref. */
void refs_of_receipt(const struct refs *refs, const char *id, char *ref, size_t room);

enum refs_found {
    REFS_UNKNOWN,
    REFS_PARTIAL, /* a part of several has arrived, others are awaited: nothing to tell yet */
    REFS_FOUND,   /* key_out is filled in */
};
/* What a receipt with this id means for its message. DELIVERED needs all parts; anything else is
 * told at once. */
enum refs_found refs_take(struct refs *refs, const char *id, const struct refs_numbers *numbers,
    enum lantoa_event_kind kind, char key_out[SMPP_KEY_ROOM]);

#endif
