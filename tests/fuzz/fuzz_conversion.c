/* Tables of contributions, windows of attribution, the assumption on lapses: a file is refused with
 * a line, or every question gets an answer within bounds. The bytes are the file, and also the
 * method and the groups that are asked about. */
#include "fuzz.h"

#include "base/text.h"
#include "campaign/contribution.h"
#include "conversion/touch_rules.h"
#include "conversion/whatif.h"

#define INCOME_MOST INT64_C(1000000000000)

static void refused(const struct base_err *err) {
    FUZZ_HOLDS(err->text[0] != '\0' && base_utf8_valid(str_from(err->text)));
}

static void reckon(const struct contribution_tables *tables, const struct contribution_ask *ask) {
    struct contribution_result r;
    struct base_err err = {0};
    if (contribution_reckon(tables, ask, &r, &err) != 0) {
        refused(&err);
        return;
    }
    FUZZ_HOLDS(r.month >= 0 && r.support >= 0 && r.local >= 0 && r.pay_month >= 0 && r.pay >= 0);
    FUZZ_HOLDS(r.pay_month <= r.month && r.pay <= r.gross);
    FUZZ_HOLDS(r.supported_months >= 0 && r.supported_months <= r.months && r.months <= 60);
    FUZZ_HOLDS(r.central_bp >= 0 && r.central_bp <= 10000 && r.local_bp >= 0);
    FUZZ_HOLDS(r.source_count <= CONTRIBUTION_SOURCES_MOST);
}

static void ask_contribution(struct str bytes) {
    static const struct contribution_method methods[] = {{CONTRIBUTION_MONTHS, 1},
        {CONTRIBUTION_MONTHS, 12}, {CONTRIBUTION_YEARS, 60}, {CONTRIBUTION_MISSING, 60}};
    struct contribution_tables *tables = NULL;
    struct base_json *doc = NULL;
    struct base_err err = {0};
    if (base_json_parse(bytes, "contribution.json", &doc, &err) != 0) {
        return;
    }
    if (contribution_parse(doc, &tables, &err) != 0) {
        FUZZ_HOLDS(tables == NULL);
        refused(&err);
        return;
    }
    struct contribution_ask ask;
    contribution_ask_init(tables, &ask);
    FUZZ_HOLDS(contribution_group_count(tables) <= CONTRIBUTION_GROUPS_MOST);
    if (contribution_groups(tables, bytes, &ask.groups, &err) != 0) {
        ask.groups = 0;
    }
    for (ask.day = 16000; ask.day < 24000; ask.day += 1000) {
        for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
            int64_t day = 0;
            ask.method = methods[i];
            for (ask.income = 0; ask.income <= INCOME_MOST; ask.income += INCOME_MOST / 4) {
                reckon(tables, &ask);
            }
            if (contribution_deadline(tables, methods[i], ask.day, &day) == 0) {
                FUZZ_HOLDS(contribution_next_start(methods[i], ask.day) > ask.day);
            }
        }
    }
    contribution_free(&tables);
}

static void ask_method(struct str bytes) {
    struct contribution_method method, again;
    struct base_err err = {0};
    char word[CONTRIBUTION_METHOD_MAX];
    if (contribution_method_parse(bytes, &method, &err) != 0) {
        refused(&err);
        return;
    }
    contribution_method_word(method, word);
    FUZZ_HOLDS(contribution_method_parse(str_from(word), &again, &err) == 0);
    FUZZ_HOLDS(again.kind == method.kind && again.months == method.months);
}

static void ask_touches(const struct base_json *doc) {
    struct touch_rules *rules = NULL;
    struct base_err err = {0};
    if (touch_rules_parse(doc, &rules, &err) != 0) {
        FUZZ_HOLDS(rules == NULL);
        refused(&err);
        return;
    }
    int64_t longest = touch_rules_longest(rules);
    for (int kind = 0; kind < TOUCH_KIND_COUNT; kind++) {
        int64_t window = touch_rules_window(rules, "sms", (enum touch_kind)kind);
        FUZZ_HOLDS(window >= -1 && window <= longest);
    }
    FUZZ_HOLDS(touch_rules_half_life(rules) >= 0.1 && touch_rules_half_life(rules) <= 366);
    touch_rules_free(&rules);
}

static void ask_lapse(const struct base_json *doc) {
    struct whatif_lapse lapse;
    struct base_err err = {0};
    if (whatif_lapse_parse(doc, &lapse, &err) != 0) {
        refused(&err);
        return;
    }
    for (int64_t before = 0; before <= 1000; before += 100) {
        double last = 0;
        for (int scenario = 0; scenario < WHATIF_SCENARIOS; scenario++) {
            double share = whatif_lapse_share(&lapse, scenario, before, 700);
            FUZZ_HOLDS(share >= last && share <= 1);
            last = share;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    struct str text = str_of((const char *)bytes, count);
    struct base_json *doc = NULL;
    struct base_err err = {0};
    ask_contribution(text);
    if (base_utf8_valid(text)) { /* as files and attributes are, when they are asked about */
        ask_method(text);
    }
    if (base_json_parse(text, "rules.json", &doc, &err) == 0) {
        ask_touches(doc);
        ask_lapse(doc);
    }
    base_json_free(&doc);
    return 0;
}
