/* Delivery receipts: what became of a message, from TLVs or from the text that operators put into
 * short_message. Pure functions. */
#ifndef SMPP_RECEIPT_H
#define SMPP_RECEIPT_H

#include "pdu.h"

enum { SMPP_ID_MOST = 64, RECEIPT_WORD_MOST = 32 };

struct receipt {
    char id[SMPP_ID_MOST + 1]; /* as the operator wrote it; "" when it named none */
    enum lantoa_event_kind kind;
    enum lantoa_reason reason;
    char state[RECEIPT_WORD_MOST]; /* "DELIVRD", or what stood there */
    char error[RECEIPT_WORD_MOST]; /* the operator's or the network's code; may be empty */
};

/* Whether this deliver_sm or data_sm is a receipt, and what it says. TLVs win over the text. */
bool receipt_read(const struct smpp_pdu *pdu, struct receipt *receipt_out);
/* The text alone: "id:... stat:... err:...", any order, any case, any spacing. False when it has no
 * stat. */
bool receipt_read_text(const char *text, size_t bytes, struct receipt *receipt_out);

#endif
