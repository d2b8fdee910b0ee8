/* What the status of an answer means for the message. */
#ifndef SMPP_STATUS_H
#define SMPP_STATUS_H

#include <lantoa/plugin.h>

/* Statuses that the session itself makes or looks for. */
enum {
    SMPP_ROK = 0,
    SMPP_RINVMSGLEN = 0x01,
    SMPP_RINVCMDLEN = 0x02,
    SMPP_RINVCMDID = 0x03,
    SMPP_RINVPASWD = 0x0E,
    SMPP_RINVSYSID = 0x0F,
    SMPP_RINVSYSTYP = 0x53,
    SMPP_RX_T_APPN = 0x64,
};

struct smpp_verdict {
    enum lantoa_outcome outcome; /* LANTOA_RETRY or LANTOA_REFUSED */
    enum lantoa_reason reason;
    int64_t after_ms;
    const char *name; /* "ESME_RTHROTTLED"; NULL: not in the book */
};

struct smpp_verdict smpp_status_verdict(uint32_t status);
/* "ESME_RTHROTTLED (0x00000058)" */
void smpp_status_text(uint32_t status, char *text, size_t room);

#endif
