/* Walks through a text and says it in words. What begins with a digit is speech_digits.c. */
#include "campaign/speech_private.h"

#include "base/text.h"
#include "base/tr.h"

enum { CAPS_MOST = 6 };

/* --- saying --- */

void speech__say(struct speech__scan *s, const char *words) {
    speech__say_str(s, str_from(words));
}

void speech__say_str(struct speech__scan *s, struct str words) {
    if (words.bytes == 0) {
        return;
    }
    if (s->out->bytes > 0 && s->out->at[s->out->bytes - 1] != ' ') {
        base_buf_add_char(s->out, ' ');
    }
    base_buf_add_str(s->out, words);
}

void speech__say_number(struct speech__scan *s, uint64_t number) {
    speech_number(number, s->out);
}

void speech__say_digits(struct speech__scan *s, struct str digits) {
    for (size_t i = 0; i < digits.bytes; i++) {
        speech_number((uint64_t)(digits.at[i] - '0'), s->out);
    }
}

void speech__pause(struct speech__scan *s, char sign) {
    size_t bytes = s->out->bytes;
    if (bytes == 0) {
        return;
    }
    char last = s->out->at[bytes - 1];
    if (last == ',' && sign != ',') {
        s->out->at[bytes - 1] = sign;
    } else if (!strchr(".,;:?!", last)) {
        base_buf_add_char(s->out, sign);
    }
}

/* --- looking --- */

char speech__at(const struct speech__scan *s, size_t pos) {
    return pos < s->text.bytes ? s->text.at[pos] : '\0';
}

bool speech__digit_at(const struct speech__scan *s, size_t pos) {
    return pos < s->text.bytes && s->text.at[pos] >= '0' && s->text.at[pos] <= '9';
}

/* Letters beyond ASCII: Latin with marks and above, but neither signs nor punctuation. */
static bool is_letter(uint32_t c) {
    if (c < 0x80) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    }
    return c >= 0xc0 && c != 0xd7 && c != 0xf7 && !(c >= 0x2000 && c <= 0x2bff) &&
           !(c >= 0x3000 && c <= 0x303f) && !(c >= 0xfe00 && c <= 0xfe0f) && c < 0x1f000;
}

bool speech__letter_at(const struct speech__scan *s, size_t pos) {
    size_t at = pos;
    return pos < s->text.bytes && is_letter(base_utf8_next(s->text, &at));
}

bool speech__before_is(const struct speech__scan *s, const char *words) {
    struct str rest = str_from(words);
    while (rest.bytes > 0) {
        if (str_is(str_cut(&rest, ' '), s->before)) {
            return s->before[0] != '\0';
        }
    }
    return false;
}

/* A key that ends in a letter or digit is not the beginning of a longer word. */
static bool key_ends_well(const struct speech__scan *s, struct str key, size_t pos) {
    struct speech__scan k = {.text = key};
    size_t last = key.bytes - 1;
    while (last > 0 && ((unsigned char)key.at[last] & 0xc0) == 0x80) {
        last--;
    }
    if (!speech__letter_at(&k, last) && !speech__digit_at(&k, last)) {
        return true;
    }
    return !speech__letter_at(s, pos + key.bytes) && !speech__digit_at(s, pos + key.bytes);
}

const struct speech__entry *speech__find(
    const struct speech__scan *s, const struct speech__table *table, size_t pos) {
    if (pos >= s->text.bytes) {
        return NULL;
    }
    struct str rest = str_of(s->text.at + pos, s->text.bytes - pos);
    for (size_t i = 0; i < table->count; i++) {
        const struct speech__entry *entry = &table->at[i];
        if (entry->key.at[0] == rest.at[0] && str_starts(rest, entry->key) &&
            key_ends_well(s, entry->key, pos)) {
            return entry;
        }
    }
    return NULL;
}

/* --- words --- */

static struct str word_at(const struct speech__scan *s, size_t pos) {
    size_t end = pos;
    while (speech__letter_at(s, end)) {
        (void)base_utf8_next(s->text, &end);
    }
    return str_of(s->text.at + pos, end - pos);
}

/* The foreign words, in any case, maybe with a hyphen in them. */
static const struct speech__entry *find_word(const struct speech__scan *s, size_t pos) {
    const struct speech__table *table = &s->speech->words;
    for (size_t i = 0; i < table->count; i++) {
        struct str key = table->at[i].key;
        if (s->text.bytes - pos >= key.bytes &&
            str_case_eq(str_of(s->text.at + pos, key.bytes), key) && key_ends_well(s, key, pos)) {
            return &table->at[i];
        }
    }
    return NULL;
}

/* true for capitals without marks, and Đ, that are no Vietnamese syllable: they are spelled. */
static bool is_syllable(const char *word, size_t bytes) {
    static const char *const heads[] = {"ngh", "ch", "gh", "gi", "kh", "ng", "nh", "ph", "qu", "th",
        "tr", "b", "c", "d", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "x", ""};
    static const char *const tails[] = {"", "c", "ch", "m", "n", "ng", "nh", "p", "t"};
    for (size_t h = 0; h < sizeof heads / sizeof heads[0]; h++) {
        size_t at = strlen(heads[h]);
        if (bytes < at || strncmp(word, heads[h], at) != 0) {
            continue;
        }
        size_t vowels = strspn(word + at, "aeiouy");
        for (size_t t = 0; t < sizeof tails / sizeof tails[0]; t++) {
            if (vowels >= 1 && vowels <= 3 && strcmp(word + at + vowels, tails[t]) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool is_spelled(struct str word) {
    char lower[CAPS_MOST * 2 + 1];
    size_t count = 0;
    bool marked = false;
    for (size_t i = 0; i < word.bytes; i++) {
        if (word.at[i] >= 'A' && word.at[i] <= 'Z') {
            if (count == CAPS_MOST) {
                return false;
            }
            lower[count++] = (char)(word.at[i] | 0x20);
        } else if (i + 1 < word.bytes && memcmp(word.at + i, "\xc4\x90", 2) == 0) { /* Đ */
            marked = true;
            i++;
            if (count == CAPS_MOST) {
                return false;
            }
            lower[count++] = 'd';
        } else {
            return false;
        }
    }
    lower[count] = '\0';
    (void)marked;
    return count == 1 || !is_syllable(lower, count);
}

static void spell(struct speech__scan *s, struct str word) {
    for (size_t pos = 0; pos < word.bytes;) {
        size_t from = pos;
        (void)base_utf8_next(word, &pos);
        struct str letter = str_of(word.at + from, pos - from);
        struct str words = letter;
        for (size_t i = 0; i < s->speech->letters.count; i++) {
            if (str_eq(s->speech->letters.at[i].key, letter)) {
                words = s->speech->letters.at[i].words;
            }
        }
        speech__say_str(s, words);
    }
}

/* The number of Roman digits, 0 if it is none. Up to 89, which is more than any chapter. */
static unsigned roman(struct str word) {
    static const struct {
        const char *sign;
        unsigned value;
    } signs[] = {{"L", 50}, {"XL", 40}, {"X", 10}, {"IX", 9}, {"V", 5}, {"IV", 4}, {"I", 1}};
    unsigned value = 0;
    size_t at = 0;
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        size_t bytes = strlen(signs[i].sign);
        unsigned most = signs[i].value == 10 || signs[i].value == 1 ? 3 : 1;
        for (unsigned k = 0; k < most && word.bytes - at >= bytes &&
                             strncmp(word.at + at, signs[i].sign, bytes) == 0;
             k++) {
            value += signs[i].value;
            at += bytes;
        }
    }
    return at == word.bytes ? value : 0;
}

static void say_word(struct speech__scan *s, struct str word) {
    unsigned number = roman(word);
    bool counted = number && speech__before_is(s, "quý khóa khoá kỳ kỷ đợt thứ chương phần loại "
                                                  "mục hạng cấp khu vùng nhóm giai");
    if (counted && number == 4 && speech__before_is(s, "quý thứ")) {
        speech__say(s, "tư");
    } else if (counted && number == 1 && speech__before_is(s, "thứ")) {
        speech__say(s, "nhất");
    } else if (counted) {
        speech__say_number(s, number);
    } else if (is_spelled(word)) {
        spell(s, word);
    } else {
        speech__say_str(s, word);
    }
}

/* What stands before the next one, in lower case: the marks of capitals are kept. */
static void remember(struct speech__scan *s, struct str word) {
    struct base_buf lower;
    base_buf_init(&lower, sizeof s->before - 1);
    for (size_t pos = 0; pos < word.bytes;) {
        uint32_t c = base_utf8_next(word, &pos);
        bool capital = (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7);
        bool pair = (c >= 0x100 && c <= 0x17f) || (c >= 0x1ea0 && c <= 0x1ef9);
        c = capital ? c + 0x20 : pair && c % 2 == 0 ? c + 1 : c == 0x1af ? 0x1b0 : c;
        base_utf8_add(&lower, c);
    }
    (void)snprintf(s->before, sizeof s->before, "%s", lower.overfull ? "" : base_buf_text(&lower));
    base_buf_release(&lower);
}

static void scan_letters(struct speech__scan *s) {
    const struct speech__entry *known = speech__find(s, &s->speech->abbreviations, s->pos);
    known = known ? known : find_word(s, s->pos);
    struct str word = word_at(s, s->pos);
    if (known) {
        speech__say_str(s, known->words);
        s->pos += known->key.bytes;
        struct str words = known->words;
        while (memchr(words.at, ' ', words.bytes)) {
            (void)str_cut(&words, ' ');
        }
        remember(s, words);
    } else {
        say_word(s, word);
        s->pos += word.bytes;
        remember(s, word);
    }
    if (speech__at(s, s->pos) == '.' && speech__letter_at(s, s->pos + 1)) {
        speech__say(s, "chấm"); /* an address on the net */
        s->pos++;
    }
}

/* --- signs --- */

static bool ends_paragraph(struct speech__scan *s) {
    return s->text.at[s->pos] == '\n';
}

/* Between a letter and a digit, or within a document's number. */
static bool is_joint(const struct speech__scan *s) {
    bool before = s->pos > 0 && s->text.at[s->pos - 1] != ' ' && s->text.at[s->pos - 1] != '\n';
    char next = speech__at(s, s->pos + 1);
    return before && next && next != ' ' && next != '\n';
}

static void scan_sign(struct speech__scan *s) {
    const struct speech__entry *sign;
    size_t next = s->pos;
    uint32_t c = base_utf8_next(s->text, &next);
    bool line = ends_paragraph(s);
    bool minus = c == '-' && speech__digit_at(s, next) &&
                 (s->pos == 0 || s->text.at[s->pos - 1] == ' ') && s->out->bytes > 0 &&
                 s->text.at[s->pos - 1] != '\n';
    s->range = false;
    if (line || c == 0x2026) {
        speech__pause(s, '.');
    } else if (c == '.' || c == '?' || c == '!' || c == ';' || c == ':' || c == ',') {
        speech__pause(s, (char)c);
    } else if (minus) {
        speech__say(s, "âm");
    } else if (c == '-' || c == 0x2013 || c == 0x2014) {
        if (!is_joint(s)) {
            speech__pause(s, ',');
        }
    } else if (c == '(' || c == ')' || c == '[' || c == ']') {
        speech__pause(s, ',');
    } else if ((sign = speech__find(s, &s->speech->signs, s->pos))) {
        speech__say_str(s, sign->words);
        next = s->pos + sign->key.bytes;
    }
    if (c != ' ' && c != 0xa0) {
        s->before[0] = '\0';
    }
    s->pos = next;
}

static bool skip_scheme(struct speech__scan *s) {
    static const char *const schemes[] = {"https://", "http://"};
    struct str rest = str_of(s->text.at + s->pos, s->text.bytes - s->pos);
    for (size_t i = 0; i < 2; i++) {
        if (str_starts(rest, str_from(schemes[i]))) {
            s->pos += strlen(schemes[i]);
            return true;
        }
    }
    return false;
}

static void scan(struct speech__scan *s) {
    while (s->pos < s->text.bytes && base_buf_ok(s->out)) {
        bool plus = speech__at(s, s->pos) == '+' && speech__digit_at(s, s->pos + 1);
        if (speech__digit_at(s, s->pos) || plus) {
            speech__scan_digits(s);
            s->before[0] = '\0';
        } else if (speech__letter_at(s, s->pos)) {
            s->range = false;
            if (!skip_scheme(s)) {
                scan_letters(s);
            }
        } else {
            scan_sign(s);
        }
    }
}

/* --- the whole --- */

int speech_expand(const struct speech *speech, const char *lang, struct str text,
    struct base_buf *out, struct base_err *err) {
    const struct speech_language *language = speech_language(speech, lang);
    if (text.bytes > SPEECH_TEXT_MOST) {
        return base_err_set(
            err, LANTOA_ELIMIT, TR("the text is longer than %d KiB"), SPEECH_TEXT_MOST / 1024);
    }
    if (!base_utf8_valid(text) || memchr(text.at ? text.at : "", '\0', text.bytes)) {
        return base_err_set(err, LANTOA_EINVAL, "%s", TR("the text is no UTF-8"));
    }
    struct base_buf nfc, words;
    base_buf_init(&nfc, 4 * SPEECH_TEXT_MOST);
    base_buf_init(&words, SPEECH_OUT_MOST);
    int rc = base_text_nfc(&nfc, text);
    if (rc == 0 && language && language->expand) {
        struct speech__scan s = {.speech = speech, .text = base_buf_str(&nfc), .out = &words};
        scan(&s);
        rc = base_buf_ok(&words) ? 0 : LANTOA_ELIMIT;
    } else if (rc == 0) {
        base_buf_add_str(&words, base_buf_str(&nfc));
    }
    if (rc == 0) {
        base_buf_add_str(out, base_buf_str(&words));
    } else {
        (void)base_err_set(err, rc, "%s", TR("the text is too long in words"));
    }
    base_buf_release(&nfc);
    base_buf_release(&words);
    return rc;
}

int speech_reading(const struct speech *speech, const char *lang, struct str text,
    struct speech_reading *reading_out, struct base_err *err) {
    const struct speech_language *language = speech_language(speech, lang);
    struct base_buf words;
    enum { MINUTE_MS = 60000 };
    *reading_out = (struct speech_reading){0};
    if (!language) {
        language = speech_language(speech, "vi");
    }
    base_buf_init(&words, SPEECH_OUT_MOST);
    int rc = speech_expand(speech, lang, text, &words, err);
    bool inside = false;
    int64_t pauses = 0;
    for (size_t i = 0; rc == 0 && i < words.bytes; i++) {
        char c = words.at[i];
        bool gap = c == ' ' || c == '\n' || c == '\t' || c == '\r';
        bool sign = strchr(",;:.!?", c) != NULL && c;
        reading_out->words += !gap && !sign && !inside;
        inside = !gap && (inside || !sign);
        bool last = i + 1 == words.bytes || strchr(" \n\t\r", words.at[i + 1]);
        if (sign && last && language) {
            pauses += c == ',' || c == ';' || c == ':' ? language->comma_ms : language->stop_ms;
        }
    }
    if (language) {
        reading_out->ms = reading_out->words * MINUTE_MS / language->words_per_minute + pauses;
    }
    base_buf_release(&words);
    return rc;
}
