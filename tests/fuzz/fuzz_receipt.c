/* Receipt texts: whatever an operator writes, what is taken from it is short and printable. */
#include "fuzz.h"

#include "receipt.h"

static void printable(const char *text, size_t room) {
    FUZZ_HOLDS(memchr(text, '\0', room) != NULL);
    for (; *text != '\0'; text++) {
        FUZZ_HOLDS(*text > ' ' && *text < 0x7F);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    struct receipt receipt;
    bool said = receipt_read_text((const char *)bytes, count, &receipt);
    printable(receipt.id, sizeof(receipt.id));
    printable(receipt.error, sizeof(receipt.error));
    if (said) {
        printable(receipt.state, sizeof(receipt.state));
        FUZZ_HOLDS(receipt.kind == LANTOA_EVENT_DELIVERED || receipt.kind == LANTOA_EVENT_FAILED ||
                   receipt.kind == LANTOA_EVENT_DELAYED);
    }
    return 0;
}
