/* The table of statuses; see status.h. */
#include "status.h"

#include <stdio.h>

struct smpp_verdict smpp_status_verdict(uint32_t status) {
    switch (status) {
#define SMPP_STATUS(name, value, outcome, reason, wait)                                            \
    case value:                                                                                    \
        return (struct smpp_verdict){LANTOA_##outcome, LANTOA_REASON_##reason, wait, #name};
#include "status.def"
#undef SMPP_STATUS
    default:
        return (struct smpp_verdict){LANTOA_REFUSED, LANTOA_REASON_OTHER, 0, NULL};
    }
}

void smpp_status_text(uint32_t status, char *text, size_t room) {
    struct smpp_verdict verdict = smpp_status_verdict(status);
    snprintf(text, room, "%s (0x%08X)", verdict.name == NULL ? "status" : verdict.name,
        (unsigned)status);
}
