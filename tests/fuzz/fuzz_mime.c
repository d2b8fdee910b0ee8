/* Mail that comes back (bounces, spam reports, answers): any bytes get one kind, and texts that end
 * and are fit for people to read. The first byte says whether the envelope sender was empty. */
#include "fuzz.h"

#include "dsn.h"
#include <string.h>

static void mime_text(const char *text, size_t room) {
    size_t length = strnlen(text, room);
    FUZZ_HOLDS(length < room);
    for (size_t i = 0; i < length; i++) {
        FUZZ_HOLDS((unsigned char)text[i] >= ' ');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    static int ready;
    if (!ready) {
        dsn_init();
        ready = 1;
    }
    if (count == 0) {
        return 0;
    }
    struct dsn dsn;
    memset(&dsn, 0x5a, sizeof(dsn));
    const struct lantoa_str domain = {"example.com", 11};
    dsn_parse((const char *)bytes + 1, count - 1, bytes[0] & 1, domain, &dsn);
    FUZZ_HOLDS(dsn.kind >= DSN_FAILED && dsn.kind <= DSN_PERSON);
    mime_text(dsn.key, sizeof(dsn.key));
    mime_text(dsn.from, sizeof(dsn.from));
    mime_text(dsn.detail, sizeof(dsn.detail));
    return 0;
}
