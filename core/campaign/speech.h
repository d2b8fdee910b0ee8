/* Text made ready for a voice. A synthesiser reads "15" as "mười năm", "500.000" and "UBND" wrongly
 * and text in NFD as English; here numbers, dates, times, money, percents, telephone numbers, units
 * and abbreviations become the words a person would say. Pure: text and tables in, text out.
 *
 * Spoken numbers follow Vietnamese school usage: mươi, mốt, tư, lăm, linh, nghìn; the month and the
 * weekday four are tư; days 1 to 10 of a month are mùng. "," is the decimal sign, "." separates
 * thousands. */
#ifndef CAMPAIGN_SPEECH_H
#define CAMPAIGN_SPEECH_H

#include "base/buf.h"
#include "base/json.h"
#include "store/db.h"

#define SPEECH_TEXT_MOST (64 * 1024) /* bytes in */
#define SPEECH_OUT_MOST (1024 * 1024)

struct speech; /* the tables; read only once made, so any thread may use them */

/* The built-in table, config/rules/speech.json, as it is written there. */
const char *speech_default(void);
/* true if a file of rules holds these. */
bool speech_is(const struct base_json *doc);
/* LANTOA_EINVAL with file, line and field. */
int speech_parse(const struct base_json *doc, struct speech **speech_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* The table in force: meta key "speech", else the built-in one. */
int speech_load(struct db *db, struct speech **speech_out, struct base_err *err) LANTOA_MUST_CHECK;
int speech_text(struct db *db, char **text_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Puts a file in force, in the caller's transaction. */
int speech_apply(struct db *db, const char *path, struct base_err *err) LANTOA_MUST_CHECK;
void speech_free(struct speech **speech);

/* How a language is spoken; NULL: there is no voice for it (lang "vi-VN" is as "vi"). */
struct speech_language {
    const char *lang;
    const char *voice;                       /* of the synthesiser */
    bool expand;                             /* numbers and the rest become words here */
    int rate;                                /* words a minute asked of the synthesiser */
    int words_per_minute, comma_ms, stop_ms; /* of a person reading aloud */
};
const struct speech_language *speech_language(const struct speech *speech, const char *lang);

/* Appends text in the words of the language, NFC. text: UTF-8, at most SPEECH_TEXT_MOST bytes. A
 * language without a voice, or one that does not expand, gets NFC and nothing else. LANTOA_EINVAL,
 * LANTOA_ELIMIT */
int speech_expand(const struct speech *speech, const char *lang, struct str text,
    struct base_buf *out, struct base_err *err) LANTOA_MUST_CHECK;

/* How long a person needs to read text aloud: its words (in Vietnamese: syllables) at the rate of
 * the table, and a pause at each comma and stop. A language without a rate is read at that of
 * Vietnamese. */
struct speech_reading {
    int64_t words, ms;
};
int speech_reading(const struct speech *speech, const char *lang, struct str text,
    struct speech_reading *reading_out, struct base_err *err) LANTOA_MUST_CHECK;

/* Appends the words of a number, for tests and other texts: 1005 "một nghìn không trăm linh năm".
 */
void speech_number(uint64_t number, struct base_buf *out);

#endif
