/* Rules of approval: a file is refused with a line, or every question gets an answer within bounds.
 */
#include "fuzz.h"

#include "delivery/approval_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    struct base_json *doc = NULL;
    struct approval_rules *rules = NULL;
    struct base_err err = {0};
    int rc = base_json_parse(str_of((const char *)data, bytes), "fuzz.json", &doc, &err);
    if (rc == 0) {
        rc = approval_rules_parse(doc, &rules, &err);
    }
    FUZZ_HOLDS((rc == 0) == (rules != NULL));
    FUZZ_HOLDS(rc == 0 || err.text[0]);
    for (int64_t day = 20000; rules && day < 21000; day += 100) {
        struct approval_need need;
        approval_need_init(rules, &need);
        approval_need_add(rules, "emergency", "sms", day, day, &need);
        FUZZ_HOLDS(need.approvers >= 1 && need.approvers <= 9 && need.valid_ms >= 0);
    }
    approval_rules_free(&rules);
    base_json_free(&doc);
    return 0;
}
