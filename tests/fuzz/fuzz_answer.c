/* What a gateway answers: an HTTP status (the first two bytes) and any body. One of the rules fits
 * or none does; what is kept of it is short and printable. */
#include "fuzz_gateway.h"

static const char rules_text[] =
    "[{\"status\": [200, 201], \"json\": {\"/code\": [\"0\", 100]}, \"outcome\": \"sent\", "
    "\"ref\": \"/data/id\"},"
    " {\"prefix\": \"0:\", \"outcome\": \"sent\", \"ref\": \"$1\"},"
    " {\"regex\": \"^ID=([0-9A-F-]+)$\", \"outcome\": \"sent\", \"ref\": \"$1\"},"
    " {\"status\": 429, \"outcome\": \"retry\", \"reason\": \"throttled\", \"after_s\": 5},"
    " {\"json\": {\"/code\": 101}, \"outcome\": \"stop\", \"reason\": \"login\", "
    "\"detail\": \"/message\"},"
    " {\"json\": {\"/list/0/error\": \"*\"}, \"outcome\": \"refused\", "
    "\"reason\": \"invalid_address\", \"detail\": \"/list/0/error\"}]";

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    static json_t *rules;
    rules = rules != NULL ? rules : json_loads(rules_text, 0, NULL);
    FUZZ_HOLDS(rules != NULL);
    if (count < 2) {
        return 0;
    }
    int status = 100 + (bytes[0] * 256 + bytes[1]) % 500;
    /* As the HTTP client gives it: with a NUL behind the last byte. */
    char *body = malloc(count - 1);
    FUZZ_HOLDS(body != NULL);
    memcpy(body, bytes + 2, count - 2);
    body[count - 2] = '\0';
    gateway_read_bytes(rules, status, body, count - 2);
    free(body);
    return 0;
}
