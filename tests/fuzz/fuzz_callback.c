/* Call-backs: a byte that picks a declaration, a line of query, a line that is a header's value,
 * and the body. Whatever comes, an event has a kind, a reference or an address, and valid bounds;
 * what carries no right signature gives none. */
#include "fuzz_gateway.h"

static const char *const declared[] = {
    /* fields of the query, as Kannel; a secret */
    "{\"signature\": {\"type\": \"equal\", \"given\": \"{{query.secret}}\", \"secret\": "
    "\"{{callback_secret}}\"}, \"kinds\": [{\"kind\": \"receipt\", \"has\": \"{{query.st}}\", "
    "\"key\": \"{{query.key}}\", \"status\": \"{{query.st}}\", \"detail\": \"{{query.rep}}\", "
    "\"map\": {\"1\": \"delivered\", \"2\": \"failed\", \"4\": \"delayed\", \"8\": \"ignore\"}, "
    "\"reasons\": {\"2\": \"refused\"}}, {\"kind\": \"inbound\", \"has\": \"{{query.from}}\", "
    "\"address\": \"{{query.from}}\", \"text\": \"{{query.text}}\", \"charset\": "
    "\"{{query.charset}}\"}]}",
    /* a list in JSON, unsigned */
    "{\"kinds\": [{\"kind\": \"receipt\", \"items\": \"/reports\", \"has\": \"{{json./status}}\", "
    "\"ref\": \"{{json./id}}\", \"status\": \"{{json./status}}\", \"map\": {\"ok\": \"delivered\", "
    "\"no\": \"failed\"}}, {\"kind\": \"inbound\", \"items\": \"/mo\", \"address\": "
    "\"{{json./from}}\", \"text\": \"{{json./text}}\"}]}",
    /* form fields, a signature in a header with a time */
    "{\"signature\": {\"type\": \"hmac-sha256\", \"given\": \"{{header.x-sign}}\", \"text\": "
    "\"{{query.t}}.{{body}}\", \"secret\": \"{{callback_secret}}\", \"timestamp\": "
    "\"{{query.t}}\", "
    "\"within_s\": 300}, \"kinds\": [{\"kind\": \"receipt\", \"ref\": \"{{form.id}}\", "
    "\"status\": \"{{form.status}}\", \"map\": {\"DELIVRD\": \"delivered\"}}]}",
    /* the same without a signature, so that what lies behind it is reached; in another charset */
    "{\"kinds\": [{\"kind\": \"receipt\", \"has\": \"{{form.status}}\", \"ref\": \"{{form.id}}\", "
    "\"status\": \"{{form.status}}\", \"detail\": \"{{form.why}}\", \"map\": {\"DELIVRD\": "
    "\"delivered\", \"UNDELIV\": \"failed\"}}, {\"kind\": \"inbound\", \"address\": "
    "\"{{form.from}}\", \"text\": \"{{form.text}}\", \"charset\": \"{{form.charset}}\"}]}",
};
#define DECLARED (sizeof(declared) / sizeof(declared[0]))
#define REQUEST                                                                                    \
    "{\"request\": {\"url\": \"x\"}, \"answer\": [{\"outcome\": \"sent\"}], \"callbacks\": %s}"

static const struct declaration *declaration_of(size_t which) {
    static struct declaration made[DECLARED];
    char text[2000];
    struct lantoa_fault fault = {.size = sizeof(fault)};
    if (made[which].root == NULL) {
        snprintf(text, sizeof(text), REQUEST, declared[which]);
        if (!declare_take("f", json_loads(text, 0, NULL), &made[which], &fault)) {
            fprintf(stderr, "%s\n", fault.why_en);
            abort();
        }
    }
    return &made[which];
}

/* A line of its own in new memory, so that a step over its end is seen. */
static char *cut_line(const uint8_t **bytes, size_t *count) {
    const uint8_t *end = memchr(*bytes, '\n', *count);
    size_t length = end == NULL ? *count : (size_t)(end - *bytes);
    char *line = malloc(length + 1);
    FUZZ_HOLDS(line != NULL);
    memcpy(line, *bytes, length);
    line[length] = '\0';
    *count -= end == NULL ? length : length + 1;
    *bytes += end == NULL ? length : length + 1;
    return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    if (count == 0) {
        return 0;
    }
    const struct declaration *declaration = declaration_of(bytes[0] % DECLARED);
    bytes++;
    count--;
    char *query = cut_line(&bytes, &count);
    char *header = cut_line(&bytes, &count);
    gateway_hook(declaration, query, header, (const char *)bytes, count);
    free(query);
    free(header);
    return 0;
}
