/* Declarations of gateways: whatever a file says, it is refused with a text that names file and
 * field, or it is one that requests can be made of, answers read and call-backs taken by. */
#include "fuzz_gateway.h"

static void ask(const struct declaration *declaration, const struct scope *scopes, size_t count) {
    struct composed made = {0};
    if (compose_request(declaration->request, scopes, count, &made)) {
        FUZZ_HOLDS(made.url.at != NULL && made.method != NULL);
        FUZZ_HOLDS(made.header_count <= sizeof(made.headers) / sizeof(made.headers[0]));
        for (size_t i = 0; i < made.header_count; i++) {
            FUZZ_HOLDS(strpbrk(made.headers[i].value, "\r\n") == NULL);
        }
    }
    compose_release(&made);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    struct declaration declaration;
    struct lantoa_fault fault = {.size = sizeof(fault)};
    json_t *root = json_loadb((const char *)bytes, count, JSON_REJECT_DUPLICATES, NULL);
    if (root == NULL) {
        return 0;
    }
    if (!declare_take("f.json", root, &declaration, &fault)) {
        FUZZ_HOLDS(memchr(fault.why_en, '\0', sizeof(fault.why_en)) != NULL);
        FUZZ_HOLDS(memchr(fault.why_vi, '\0', sizeof(fault.why_vi)) != NULL);
        FUZZ_HOLDS(strncmp(fault.why_en, "f.json: ", 8) == 0);
        FUZZ_HOLDS(declaration.root == NULL);
        return 0;
    }
    const struct scope scopes[2] = {gateway_scope(), gateway_scope()};
    ask(&declaration, scopes, declaration.max_batch > 1 ? 2 : 1);
    gateway_read(declaration.answer, 200, "{\"code\": 0, \"id\": \"x1\", \"list\": [{\"a\": 1}]}");
    gateway_read(declaration.item_answer, 500, "0: Accepted for delivery");
    gateway_hook(&declaration, "id=1&status=DELIVRD", "7", "id=2&status=UNDELIV&text=xin+chao", 30);
    declare_release(&declaration);
    return 0;
}
