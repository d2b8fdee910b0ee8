/* Rule files that staff write: keyword rules and rules of sending. What is accepted can be asked
 * anything: each text a rule puts into a message can be put, each pattern found again, and no two
 * rules of sending for the same thing hold on the same day. The bytes are one file, and also the
 * answer that the keywords are asked about. */
#include "fuzz.h"

#include "base/json.h"
#include "base/text.h"
#include "channel/manifest.h"
#include "delivery/rules_text.h"
#include "tracking/keyword.h"

#define NOW_MS INT64_C(1795000000000)

static void put_texts(const struct rule *rule, struct str text) {
    static char subject[] = "subject", plain[] = "text", html[] = "html";
    struct channel_content rows[] = {
        {.name = subject}, {.name = plain}, {.name = html, .flags = LANTOA_CONTENT_HTML}};
    const struct channel_manifest manifest = {.content = rows, .content_count = 3};
    for (size_t row = 0; row < 3; row++) {
        struct base_buf out;
        base_buf_init(&out, (size_t)1 << 22);
        rules_text_put(rule, &manifest, row, "vi", "8088", text, &out);
        FUZZ_HOLDS(out.bytes >= text.bytes);
        base_buf_release(&out);
    }
}

static void ask_rules(const struct base_json *doc, struct str bytes) {
    struct rules *rules = NULL;
    struct base_err err = {0};
    if (rules_parse(doc, &rules, &err) != 0) {
        FUZZ_HOLDS(rules == NULL && err.text[0] != '\0' && base_utf8_valid(str_from(err.text)));
        return;
    }
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *a = &rules->rules[i];
        FUZZ_HOLDS(a->from_day <= a->to_day && a->cap_count <= RULE_CAPS_MAX);
        FUZZ_HOLDS(a->refusal_count <= RULE_LANGS_MAX);
        for (size_t k = 0; k < i; k++) {
            const struct rule *b = &rules->rules[k];
            FUZZ_HOLDS(strcmp(a->class, b->class) != 0 || strcmp(a->channel, b->channel) != 0 ||
                       a->from_day > b->to_day || b->from_day > a->to_day);
        }
        put_texts(a, bytes);
    }
    (void)rules_find(rules, "advertising", "sms", NOW_MS);
    FUZZ_HOLDS(rules_change_at(rules, NOW_MS) > NOW_MS);
    rules_free(&rules);
}

static void ask_keywords(const struct base_json *doc, struct str bytes) {
    struct keywords *keywords = NULL;
    struct base_err err = {0};
    if (keywords_parse(doc, &keywords, &err) != 0) {
        FUZZ_HOLDS(keywords == NULL && err.text[0] != '\0');
        FUZZ_HOLDS(base_utf8_valid(str_from(err.text)));
        return;
    }
    struct base_buf text;
    base_buf_init(&text, (size_t)1 << 22);
    for (size_t i = 0; i < keywords->count; i++) {
        const struct keyword_rule *rule = &keywords->rules[i];
        FUZZ_HOLDS(rule->pattern_count > 0);
        base_buf_clear(&text);
        (void)keyword_confirm(keywords, rule, STR("en"), NOW_MS, &text);
    }
    (void)keywords_match(keywords, bytes, "sms", NOW_MS);
    base_buf_release(&text);
    keywords_free(&keywords);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    struct str text = str_of((const char *)bytes, count);
    struct base_json *doc = NULL;
    struct base_err err = {0};
    if (base_json_parse(text, "rules.json", &doc, &err) == 0) {
        ask_rules(doc, text);
        ask_keywords(doc, text);
    }
    base_json_free(&doc);
    return 0;
}
