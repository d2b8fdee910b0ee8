/* Reading facts about a person. The shape of the 12-digit personal ID: province, sex and century,
 * year of birth, serial. */
#include "audience/person.h"

#include "base/parse.h"
#include "base/text.h"
#include "base/tr.h"

enum { OLDEST_YEAR = 1900, DATE_TEXT_MOST = 10, WORD_MOST = 64 };

static int not_a_date(struct base_err *err) {
    return base_err_set(
        err, LANTOA_EINVAL, TR("not a date (write it as 1985-03-02 or 02/03/1985)"));
}

/* Day-first dates with dots or hyphens get slashes, the form base knows; a time of day behind is
 * dropped. */
static int read_date(struct str text, struct base_date *date_out) {
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.at[i] == ' ' || text.at[i] == 'T') {
            text.bytes = i;
        }
    }
    char copy[DATE_TEXT_MOST];
    if (text.bytes > sizeof(copy) || text.bytes < 8) {
        return LANTOA_EINVAL;
    }
    memcpy(copy, text.at, text.bytes);
    bool day_first = copy[1] < '0' || copy[1] > '9' || copy[2] < '0' || copy[2] > '9';
    for (size_t i = 0; day_first && i < text.bytes; i++) {
        if (copy[i] == '.' || copy[i] == '-') {
            copy[i] = '/';
        }
    }
    return base_parse_date(str_of(copy, text.bytes), date_out);
}

int audience__past_date(
    struct str text, int64_t today_days, char out[static BASE_DATE_MAX], struct base_err *err) {
    struct base_date date;
    if (read_date(text, &date)) {
        return not_a_date(err);
    }
    if (date.year < OLDEST_YEAR || base_days_from_date(date) > today_days) {
        return base_err_set(err, LANTOA_EINVAL, TR("a date before 1900 or in the future"));
    }
    base_format_date(date, out);
    return 0;
}

int audience__birth_date(
    struct str text, int64_t today_days, char out[static BASE_DATE_MAX], struct base_err *err) {
    int64_t year;
    if (text.bytes != 4 || base_parse_i64(text, &year)) {
        return audience__past_date(text, today_days, out, err);
    }
    if (year < OLDEST_YEAR || year > base_date_from_days(today_days).year) {
        return base_err_set(err, LANTOA_EINVAL, TR("a date before 1900 or in the future"));
    }
    memcpy(out, text.at, 4);
    out[4] = '\0';
    return 0;
}

/* Folds text into out for a look-up in a table of words. */
static bool fold(struct str text, char out[static WORD_MOST]) {
    struct base_buf key;
    base_buf_init(&key, WORD_MOST - 1);
    bool ok = text.bytes < WORD_MOST && base_text_key(&key, text) == 0;
    if (ok) {
        memcpy(out, base_buf_text(&key), key.bytes + 1);
    }
    base_buf_release(&key);
    return ok;
}

static const char *look_up(const char *const table[][2], size_t count, const char *word) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i][0], word) == 0) {
            return table[i][1];
        }
    }
    return NULL;
}

const char *audience__sex(struct str text) {
    static const char *const words[][2] = {{"f", "f"}, {"m", "m"}, {"nu", "f"}, {"nam", "m"},
        {"female", "f"}, {"male", "m"}, {"woman", "f"}, {"man", "m"}, {"gai", "f"}, {"trai", "m"}};
    char word[WORD_MOST];
    return fold(text, word) ? look_up(words, sizeof(words) / sizeof(words[0]), word) : NULL;
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int audience__lang(struct str text, char out[static 36], struct base_err *err) {
    static const char *const words[][2] = {{"tieng viet", "vi"}, {"viet", "vi"},
        {"vietnamese", "vi"}, {"tieng anh", "en"}, {"anh", "en"}, {"english", "en"}};
    size_t primary = 0;
    while (primary < text.bytes && is_letter(text.at[primary])) {
        primary++;
    }
    bool tag = primary >= 2 && primary <= 3 && text.bytes < 36;
    size_t part = 0;
    for (size_t i = primary; i < text.bytes && tag; i++) {
        bool hyphen = text.at[i] == '-' || text.at[i] == '_';
        bool sign = is_letter(text.at[i]) || (text.at[i] >= '0' && text.at[i] <= '9');
        tag = i == primary ? hyphen : hyphen ? part > 0 : sign && part < 8;
        part = hyphen ? 0 : part + 1;
    }
    if (tag && (primary == text.bytes || part > 0)) {
        for (size_t i = 0; i < text.bytes; i++) {
            char c = text.at[i];
            out[i] = (char)(i < primary ? c | 0x20 : c == '_' ? '-' : c);
        }
        out[text.bytes] = '\0';
        return 0;
    }
    char word[WORD_MOST];
    const char *known =
        fold(text, word) ? look_up(words, sizeof(words) / sizeof(words[0]), word) : NULL;
    if (!known) {
        return base_err_set(err, LANTOA_EINVAL, TR("not a language code (vi, en, ...)"));
    }
    memcpy(out, known, strlen(known) + 1);
    return 0;
}

/* The digits of text, blanks and dots passed over; -1 if something else stands there or more than
 * room. */
static int digits_only(struct str text, char *out, int room) {
    int count = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.at[i];
        if (c == ' ' || c == '.' || (c == '\'' && i == 0)) {
            continue;
        }
        if (c < '0' || c > '9' || count == room) {
            return -1;
        }
        out[count++] = c;
    }
    return count;
}

int audience__person_id(struct str text, char out[static 13], struct base_err *err) {
    char digits[12];
    int count = digits_only(text, digits, 12);
    if (count == 12) {
        memcpy(out, digits, 12);
    } else if (count == 11 && digits[0] != '0') {
        /* Every province code begins with 0. */
        out[0] = '0';
        memcpy(out + 1, digits, 11);
    } else {
        return base_err_set(err, LANTOA_EINVAL, TR("not a personal ID of 12 digits"));
    }
    out[12] = '\0';
    return 0;
}

int audience__si_code(struct str text, char out[static 11], struct base_err *err) {
    char digits[12];
    int count = digits_only(text, digits, 12);
    if (count == 12) {
        return LANTOA_EEXIST;
    }
    if (count == 9) {
        out[0] = '0';
        memcpy(out + 1, digits, 9);
    } else if (count == 10) {
        memcpy(out, digits, 10);
    } else {
        return base_err_set(err, LANTOA_EINVAL, TR("not a social-insurance code of 10 digits"));
    }
    out[10] = '\0';
    return 0;
}

const char *audience__person_id_contradicts(
    struct str person_id, struct str birth_date, struct str sex) {
    if (person_id.bytes != 12) {
        return NULL;
    }
    int mark = person_id.at[3] - '0';
    int64_t year = 0;
    if (birth_date.bytes >= 4 && base_parse_i64(str_of(birth_date.at, 4), &year) == 0) {
        int64_t said =
            OLDEST_YEAR + mark / 2 * 100 + (person_id.at[4] - '0') * 10 + (person_id.at[5] - '0');
        if (said != year) {
            return TR("the personal ID says another year of birth");
        }
    }
    if (sex.bytes == 1 && (mark % 2 == 0) != (sex.at[0] == 'm')) {
        return TR("the personal ID says the other sex");
    }
    return NULL;
}
