/* What a short answer means: keyword rules as data. They are a JSON text in the database (meta key
 * "keywords", replaced by `lantoa keywords apply FILE`; without one the built-in default counts,
 * config/rules/keywords.json). Knows no contact and no message.
 *
 * { "timezone": "Asia/Ho_Chi_Minh",                          for "from" and "to"; this is the
 * default "keywords": [ { "name": "refuse", "act": "opt_out" | "interest" | "help", "channel": "*"
 * | "sms" | ..., "lang": "vi",          lang: of the answer when nobody knows "match": "first" |
 * "whole", "from": "2020-10-01", "to": "2027-12-31",            both days included, both optional
 *       "patterns": ["TC", "TỪ CHỐI"], "except": ["đúng"],
 *       "confirm": {"vi": "... {{received}} ...", "en": "..."},
 *       "source": "Decree 91/2020/ND-CP" }, ... ] }
 *
 * Accents, case, blanks and punctuation of a pattern do not matter, nor does the Unicode form: "TỪ
 * CHỐI", "tu choi", "T.U-CHOI!" and "tuchoi" are one. "whole" fits a message that says nothing
 * else; "first" one that begins with these words. A pattern in the middle of a sentence never fits:
 * "đừng quên nhé" is no refusal. `except` are spellings with their accents that do not count, since
 * "đúng" (right) and "dừng" (stop) are one word without them. Of several patterns that fit, the
 * longest wins, then the one for the channel over the one for all. The same pattern in two rules
 * that hold at the same time for the same channel is refused.
 *
 * {{received}} in a confirmation becomes the time the message came, "23/11/2026 15:45"; nothing
 * else may stand in braces. */
#ifndef TRACKING_KEYWORD_H
#define TRACKING_KEYWORD_H

#include "base/civil.h"
#include "base/json.h"
#include "campaign/calendar.h"
#include "store/db.h"

enum keyword_act { KEYWORD_NONE = 0, KEYWORD_OPT_OUT, KEYWORD_INTEREST, KEYWORD_HELP };
/* "opt_out", "interest", "help"; "" for none. */
const char *keyword_act_word(enum keyword_act act);

struct keyword_pattern {
    char *key; /* folded, without blanks */
    size_t bytes;
};

struct keyword_rule {
    char *name, *channel, *lang; /* channel "*": any */
    enum keyword_act act;
    bool whole;
    bool has_from, has_to;
    struct base_date from, to;
    struct keyword_pattern *patterns;
    size_t pattern_count;
    struct keyword_pattern *except; /* lower case, NFC, without blanks */
    size_t except_count;
    char *confirm_vi, *confirm_en; /* NULL: none */
};

struct keywords {
    struct keyword_rule *rules;
    size_t count;
    const struct calendar_zone *zone;
};

/* The text of config/rules/keywords.json, which is part of the program. */
const char *keywords_default(void);

int keywords_parse(const struct base_json *doc, struct keywords **keywords_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void keywords_free(struct keywords **keywords);
/* The text in force; caller owns. */
int keywords_text(struct db *db, char **json_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Checks FILE and puts it in force; audited. *count_out: its rules. */
int keywords_apply(struct db *db, const char *path, const char *who, size_t *count_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* The rule a message of this channel kind fits; NULL: none. text may be anything. BORROWED. */
const struct keyword_rule *keywords_match(
    const struct keywords *keywords, struct str text, const char *channel_kind, int64_t now_ms);
/* The rule whose confirmation goes out when no keyword, but a page or the channel says it was a
 * refusal; NULL: none. BORROWED. */
const struct keyword_rule *keywords_refusal(const struct keywords *keywords);
/* Appends the confirmation of a rule in a language ("vi", "en"; empty: the rule's own), false when
 * it has none. */
bool keyword_confirm(const struct keywords *keywords, const struct keyword_rule *rule,
    struct str lang, int64_t received_ms, struct base_buf *out);

#endif
