/* Finding the keyword rule a message fits. Rules are read in keyword_parse.c. */
#include "tracking/keyword.h"

#include "base/mem.h"
#include "base/text.h"
#include "tracking/keyword_fold.h"

#define TEXT_BYTES_MOST 600 /* of a message, looked at: every keyword stands at its head */

const char *keyword_act_word(enum keyword_act act) {
    switch (act) {
    case KEYWORD_NONE:
        return "";
    case KEYWORD_OPT_OUT:
        return "opt_out";
    case KEYWORD_INTEREST:
        return "interest";
    case KEYWORD_HELP:
        return "help";
    }
    return "";
}

static bool in_force(const struct keyword_rule *rule, int64_t today) {
    return (!rule->has_from || base_days_from_date(rule->from) <= today) &&
           (!rule->has_to || base_days_from_date(rule->to) >= today);
}

/* How many words of the message make up the pattern; 0: it does not begin with it. */
static size_t words_of(const struct keyword_words *words, const struct keyword_pattern *pattern) {
    for (size_t i = 0; i < words->count && words->word[i].key_end <= pattern->bytes; i++) {
        if (words->word[i].key_end == pattern->bytes) {
            return memcmp(words->keys.at, pattern->key, pattern->bytes) == 0 ? i + 1 : 0;
        }
    }
    return 0;
}

static bool is_exception(
    const struct keyword_rule *rule, const struct keyword_words *words, size_t count) {
    struct str exact = str_of(words->exact.at, words->word[count - 1].exact_end);
    for (size_t i = 0; i < rule->except_count; i++) {
        if (str_eq(exact, str_of(rule->except[i].key, rule->except[i].bytes))) {
            return true;
        }
    }
    return false;
}

/* Bytes of the longest pattern of the rule that the message fits; 0: none. */
static size_t fit(const struct keyword_rule *rule, const struct keyword_words *words) {
    size_t longest = 0;
    for (size_t i = 0; i < rule->pattern_count; i++) {
        const struct keyword_pattern *pattern = &rule->patterns[i];
        size_t count = pattern->bytes > longest ? words_of(words, pattern) : 0;
        bool alone = count == words->count && !words->more;
        if (count > 0 && (alone || !rule->whole) && !is_exception(rule, words, count)) {
            longest = pattern->bytes;
        }
    }
    return longest;
}

const struct keyword_rule *keywords_match(
    const struct keywords *keywords, struct str text, const char *channel_kind, int64_t now_ms) {
    struct keyword_words words;
    const struct keyword_rule *best = NULL;
    size_t longest = 0;
    struct base_civil local =
        base_civil_from_ms(now_ms, calendar_offset_min(keywords->zone, now_ms));
    int64_t today = base_days_from_date((struct base_date){local.year, local.month, local.day});
    keyword_words_read(&words, text, TEXT_BYTES_MOST);
    for (size_t i = 0; i < keywords->count; i++) {
        const struct keyword_rule *rule = &keywords->rules[i];
        bool any = strcmp(rule->channel, "*") == 0;
        if ((!any && strcmp(rule->channel, channel_kind) != 0) || !in_force(rule, today)) {
            continue;
        }
        size_t bytes = fit(rule, &words);
        if (bytes > longest || (bytes > 0 && bytes == longest && !any)) {
            best = rule;
            longest = bytes;
        }
    }
    keyword_words_release(&words);
    return best;
}

const struct keyword_rule *keywords_refusal(const struct keywords *keywords) {
    for (size_t i = 0; i < keywords->count; i++) {
        if (keywords->rules[i].act == KEYWORD_OPT_OUT) {
            return &keywords->rules[i];
        }
    }
    return NULL;
}

bool keyword_confirm(const struct keywords *keywords, const struct keyword_rule *rule,
    struct str lang, int64_t received_ms, struct base_buf *out) {
    static const char placeholder[] = "{{received}}";
    struct str wanted = lang.bytes ? lang : str_from(rule->lang);
    const char *text =
        str_is(wanted, "en") && rule->confirm_en ? rule->confirm_en : rule->confirm_vi;
    if (!text) {
        return false;
    }
    struct base_civil at =
        base_civil_from_ms(received_ms, calendar_offset_min(keywords->zone, received_ms));
    const char *found;
    while ((found = strstr(text, placeholder))) {
        base_buf_add(out, text, (size_t)(found - text));
        base_buf_printf(
            out, "%02d/%02d/%04d %02d:%02d", at.day, at.month, at.year, at.hour, at.minute);
        text = found + sizeof placeholder - 1;
    }
    base_buf_add_text(out, text);
    return true;
}
