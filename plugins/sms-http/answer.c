/* What a gateway's answer means, by the rules of the declaration: the first that fits counts. */
#include "sms_http.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

enum { GROUPS = 2, AFTER_MOST_S = 7 * 24 * 60 * 60, REGEX_MOST = 500, REPEATS_MOST = 256 };

static const char *const verdicts[] = {[VERDICT_SENT] = "sent",
    [VERDICT_RETRY] = "retry",
    [VERDICT_REFUSED] = "refused",
    [VERDICT_UNKNOWN] = "unknown",
    [VERDICT_STOP] = "stop",
    [VERDICT_TOKEN] = "token"};

enum { VERDICTS = sizeof(verdicts) / sizeof(verdicts[0]) };

static size_t verdict_of(const json_t *rule) {
    const char *word = json_string_value(json_object_get(rule, "outcome"));
    size_t i = 0;
    while (i < VERDICTS && (word == NULL || strcmp(word, verdicts[i]) != 0)) {
        i++;
    }
    return i;
}

bool reason_by_word(const char *word, enum lantoa_reason *reason_out) {
#define ROW(name, value, text)                                                                     \
    if (strcmp(word, text) == 0) {                                                                 \
        *reason_out = name;                                                                        \
        return true;                                                                               \
    }
    LANTOA_REASONS(ROW)
#undef ROW
    return false;
}

void keep_text(char *to, size_t room, const char *at, size_t count) {
    size_t used = count < room ? count : room - 1;
    while (used < count && used > 0 && ((unsigned char)at[used] & 0xC0) == 0x80) {
        used--;
    }
    for (size_t i = 0; i < used; i++) {
        to[i] = (unsigned char)at[i] < ' ' || at[i] == 0x7F ? ' ' : at[i];
    }
    to[used] = '\0';
}

static bool is_one_of(const json_t *wanted, const char *text) {
    for (size_t i = 0; json_is_array(wanted) && i < json_array_size(wanted); i++) {
        if (is_one_of(json_array_get(wanted, i), text)) {
            return true;
        }
    }
    if (json_is_array(wanted) || wanted == NULL) {
        return false;
    }
    struct bytes plain = {0};
    json_put_plain(wanted, &plain);
    bool same = strcmp(plain.at == NULL ? "" : plain.at, text) == 0;
    bytes_release(&plain);
    return same;
}

static bool fits_json(const json_t *wanted, const json_t *json) {
    void *at = json_object_iter((json_t *)(uintptr_t)wanted);
    for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)wanted, at)) {
        struct bytes found = {0};
        json_put_plain(json_at(json, json_object_iter_key(at)), &found);
        bool same = is_one_of(json_object_iter_value(at), found.at == NULL ? "" : found.at);
        bytes_release(&found);
        if (!same) {
            return false;
        }
    }
    return true;
}

static bool fits_regex(const char *pattern, const char *body, regmatch_t *groups) {
    regex_t regex;
    if (regcomp(&regex, pattern, REG_EXTENDED) != 0) {
        return false;
    }
    bool found = regexec(&regex, body, GROUPS, groups, 0) == 0;
    regfree(&regex);
    return found;
}

static bool fits(const json_t *rule, int status, struct lantoa_str body, const json_t *json,
    regmatch_t *groups) {
    char text[16];
    snprintf(text, sizeof(text), "%d", status);
    const json_t *statuses = json_object_get(rule, "status");
    const json_t *wanted = json_object_get(rule, "json");
    const char *prefix = json_string_value(json_object_get(rule, "prefix"));
    const char *regex = json_string_value(json_object_get(rule, "regex"));
    return (statuses == NULL || is_one_of(statuses, text)) &&
           (wanted == NULL || (json != NULL && fits_json(wanted, json))) &&
           (prefix == NULL || strncmp(body.at, prefix, strlen(prefix)) == 0) &&
           (regex == NULL || fits_regex(regex, body.at, groups));
}

/* "/pointer" into the JSON, or "$1": the first group of the rule's regex. */
static void take(const json_t *from, struct lantoa_str body, const json_t *json,
    const regmatch_t *groups, char *to, size_t room) {
    const char *where = json_string_value(from);
    struct bytes found = {0};
    if (where != NULL && strcmp(where, "$1") == 0) {
        if (groups[1].rm_so >= 0) {
            bytes_put(
                &found, body.at + groups[1].rm_so, (size_t)(groups[1].rm_eo - groups[1].rm_so));
        }
    } else if (where != NULL) {
        json_put_plain(json_at(json, where), &found);
    }
    keep_text(to, room, found.at == NULL ? "" : found.at, found.used);
    bytes_release(&found);
}

void answer_read(const json_t *rules, int status, struct lantoa_str body, const json_t *json,
    struct reading *out) {
    *out = (struct reading){.verdict = VERDICT_UNKNOWN, .reason = LANTOA_REASON_PROTOCOL};
    for (size_t i = 0; i < json_array_size(rules) && !out->matched; i++) {
        const json_t *rule = json_array_get(rules, i);
        regmatch_t groups[GROUPS] = {{-1, -1}, {-1, -1}};
        if (!fits(rule, status, body, json, groups)) {
            continue;
        }
        const char *word = json_string_value(json_object_get(rule, "reason"));
        out->matched = true;
        out->verdict = (enum verdict)verdict_of(rule);
        out->reason = LANTOA_REASON_NONE;
        if (word != NULL) {
            (void)reason_by_word(word, &out->reason);
        } else if (out->verdict != VERDICT_SENT) {
            out->reason = LANTOA_REASON_OTHER;
        }
        out->after_ms = json_integer_value(json_object_get(rule, "after_s")) * 1000;
        take(json_object_get(rule, "ref"), body, json, groups, out->ref, sizeof(out->ref));
        take(json_object_get(rule, "detail"), body, json, groups, out->detail, sizeof(out->detail));
    }
    if (out->detail[0] == '\0' && (!out->matched || out->verdict != VERDICT_SENT)) {
        char text[sizeof(out->detail)];
        int used = snprintf(text, sizeof(text), "%sHTTP %d: ",
            out->matched ? "" : "the answer fits no rule of the declaration: ", status);
        keep_text(out->detail, sizeof(out->detail), text, (size_t)used);
        keep_text(out->detail + used, sizeof(out->detail) - (size_t)used, body.at, body.bytes);
    }
}

/* Behind the bracket expression that begins at `at`, whose first "]" is a letter like any other. */
static const char *behind_bracket(const char *at) {
    at += at[1] == '^' ? 2 : 1;
    at += *at == ']';
    return at + strcspn(at, "]") + (strchr(at, ']') != NULL);
}

/* How often "{3,5}" repeats at most. */
static unsigned long bound_of(const char *at) {
    char *end = NULL;
    unsigned long least = strtoul(at + 1, &end, 10);
    unsigned long most = *end == ',' ? strtoul(end + 1, NULL, 10) : least;
    most = most > least ? most : least;
    return most > REPEATS_MOST ? REPEATS_MOST + 1 : most;
}

/* regcomp writes repetitions out: what is repeated within them doubles with each, and eats all
 * memory of the process long before it is refused. */
static bool regex_is_modest(const char *pattern) {
    unsigned long times = 1;
    bool repeat = false, group = false;
    if (strlen(pattern) > REGEX_MOST) {
        return false;
    }
    for (const char *at = pattern; *at != '\0' && times <= REPEATS_MOST;) {
        bool repeats = strchr("+*?{", *at) != NULL;
        if (repeats && repeat) {
            return false;
        }
        if (*at == '{') {
            times *= bound_of(at) + 1;
            at += strcspn(at, "}");
        } else if (*at == '+' && group) {
            times *= 2;
        }
        repeat = repeats;
        group = *at == ')';
        if (*at == '[') {
            at = behind_bracket(at);
        } else {
            at += *at == '\0' ? 0 : *at == '\\' && at[1] != '\0' ? 2 : 1;
        }
    }
    return times <= REPEATS_MOST;
}

struct both answer_fault(const json_t *rule) {
    enum lantoa_reason reason;
    const char *word = json_string_value(json_object_get(rule, "reason"));
    const char *pattern = json_string_value(json_object_get(rule, "regex"));
    regex_t regex;
    if (verdict_of(rule) == VERDICTS) {
        return (struct both){"outcome must be one of sent, retry, refused, unknown, stop, token",
            "outcome phải là một trong sent, retry, refused, unknown, stop, token"};
    }
    if (word != NULL && !reason_by_word(word, &reason)) {
        return (struct both){
            "reason is none of the known words", "reason không phải là từ nào đã biết"};
    }
    if (pattern != NULL && !regex_is_modest(pattern)) {
        return (struct both){
            "regex is too long, or repeats too often", "regex quá dài hoặc lặp quá nhiều lần"};
    }
    if (pattern != NULL && regcomp(&regex, pattern, REG_EXTENDED) != 0) {
        return (struct both){"regex does not compile", "regex không đúng cú pháp"};
    }
    if (pattern != NULL) {
        regfree(&regex);
    }
    const json_t *after = json_object_get(rule, "after_s");
    if (after != NULL && (!json_is_integer(after) || json_integer_value(after) < 0 ||
                             json_integer_value(after) > AFTER_MOST_S)) {
        return (struct both){"after_s must be a whole number of seconds, at most seven days",
            "after_s phải là số giây nguyên, nhiều nhất bảy ngày"};
    }
    return (struct both){0};
}
