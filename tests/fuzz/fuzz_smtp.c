/* Replies of an SMTP server: any bytes are no reply yet, a broken one, or a reply whose parts lie
 * inside what came and are fit for people to read. */
#include "fuzz.h"

#include "smtp_reply.h"
#include <string.h>

static void smtp_inside(const struct lantoa_str *part, const char *from, size_t bytes) {
    FUZZ_HOLDS(part->bytes == 0 || (part->at >= from && part->at + part->bytes <= from + bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    const char *at = (const char *)bytes;
    size_t left = count;
    while (left > 0) {
        struct smtp_reply reply;
        int taken = smtp_reply_parse(at, left, &reply);
        if (taken <= 0) {
            break;
        }
        FUZZ_HOLDS((size_t)taken <= left && taken <= SMTP_REPLY_MOST);
        FUZZ_HOLDS(reply.code >= 200 && reply.code <= 599);
        smtp_inside(&reply.lines, at, (size_t)taken);
        smtp_inside(&reply.last, at, (size_t)taken);
        char text[SMTP_DETAIL_MOST + 1];
        size_t length = smtp_reply_text(&reply, text, sizeof(text));
        FUZZ_HOLDS(length < sizeof(text));
        for (size_t i = 0; i < length; i++) {
            FUZZ_HOLDS((unsigned char)text[i] >= ' ');
        }
        (void)smtp_reply_ref(&reply);
        (void)smtp_reply_extensions(&reply);
        for (enum smtp_stage stage = SMTP_AT_CONNECT; stage <= SMTP_AT_BODY; stage++) {
            struct smtp_verdict verdict = smtp_reply_verdict(&reply, stage);
            FUZZ_HOLDS(reply.code < 400 || verdict.outcome == LANTOA_RETRY ||
                       verdict.outcome == LANTOA_REFUSED);
            FUZZ_HOLDS(verdict.after_ms >= 0);
        }
        at += taken;
        left -= (size_t)taken;
    }
    return 0;
}
