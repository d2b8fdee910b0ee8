/* Phones and e-mail addresses: what is valid, and its one normal form. Knows no database. */
#include "audience/contact.h"

#include "base/text.h"
#include "base/tr.h"

/* ---- phones ---- */

enum {
    E164_MOST_DIGITS = 15,
    E164_LEAST_DIGITS = 8,
    NATIONAL_DIGITS = 9, /* of a Vietnamese mobile number, without the 0 */
    PHONE_TEXT_MOST = 64
};

struct digits {
    char at[PHONE_TEXT_MOST];
    size_t count;
    bool plus;
};

/* Old 11-digit mobile prefixes and what they became in 2018, both without the 0. Source: decision
 * 798/QD-BTTTT. */
static const struct {
    char old[4], now[3];
} old_prefixes[] = {{"162", "32"}, {"163", "33"}, {"164", "34"}, {"165", "35"}, {"166", "36"},
    {"167", "37"}, {"168", "38"}, {"169", "39"}, {"120", "70"}, {"121", "79"}, {"122", "77"},
    {"126", "76"}, {"128", "78"}, {"123", "83"}, {"124", "84"}, {"125", "85"}, {"127", "81"},
    {"129", "82"}, {"186", "56"}, {"188", "58"}, {"199", "59"}};

/* Signs that people write between digits, and unseen ones that come along when a number is copied.
 */
static bool is_separator(uint32_t c) {
    return c == ' ' || c == '.' || c == '-' || c == '(' || c == ')' || c == '\t' || c == 0xa0 ||
           (c >= 0x2000 && c <= 0x2015) || (c >= 0x202a && c <= 0x202f) || c == 0x2060 ||
           c == 0xfeff;
}

static int take_digits(struct str text, struct digits *out, struct base_err *err) {
    if (!base_utf8_valid(text)) {
        return base_err_set(err, LANTOA_EINVAL, TR("not a phone number"));
    }
    out->count = 0;
    out->plus = false;
    bool several = false;
    for (size_t pos = 0; pos < text.bytes;) {
        uint32_t c = base_utf8_next(text, &pos);
        if (c >= '0' && c <= '9') {
            if (out->count == sizeof(out->at)) {
                return base_err_set(err, LANTOA_EINVAL, TR("too many digits for a phone number"));
            }
            out->at[out->count++] = (char)c;
        } else if (c == '+' && out->count == 0 && !out->plus) {
            out->plus = true;
        } else if ((c == '/' || c == ';' || c == ',') && out->count >= NATIONAL_DIGITS) {
            several = true;
            break;
        } else if (!is_separator(c)) {
            return base_err_set(err, LANTOA_EINVAL,
                (c | 0x20) == 'e' && out->count > 0 ? TR("the spreadsheet turned the number into "
                                                         "1.2E+10: format the column as text")
                                                    : TR("not a phone number"));
        }
    }
    if (several) {
        return base_err_set(err, LANTOA_EINVAL, TR("several numbers in one cell"));
    }
    if (out->count == 0) {
        return base_err_set(err, LANTOA_EINVAL, TR("not a phone number"));
    }
    return 0;
}

/* Source: the field notes on mobile ranges, 2018 plan: 3[2-9] 5[2689] 7[06-9] 8[1-9] 9[0-9]. */
static bool is_mobile(const char *national) {
    char second = national[1];
    switch (national[0]) {
    case '3':
        return second >= '2';
    case '5':
        return second == '2' || second == '6' || second == '8' || second == '9';
    case '7':
        return second == '0' || second >= '6';
    case '8':
        return second >= '1';
    case '9':
        return true;
    default:
        return false;
    }
}

static int national_fault(const char *national, size_t count, struct base_err *err) {
    if (count == NATIONAL_DIGITS + 1) {
        for (size_t i = 0; i < sizeof(old_prefixes) / sizeof(old_prefixes[0]); i++) {
            if (memcmp(national, old_prefixes[i].old, 3) == 0) {
                return base_err_set(err, LANTOA_EINVAL,
                    TR("an old 11-digit number; since 2018 it is 0%s%.7s"), old_prefixes[i].now,
                    national + 3);
            }
        }
        if (national[0] == '2') {
            return base_err_set(err, LANTOA_EINVAL, TR("a landline: no message can be sent to it"));
        }
    }
    return base_err_set(err, LANTOA_EINVAL,
        TR("not a Vietnamese mobile number (a foreign one needs a + in front)"));
}

int contact_phone(struct str text, char out[static 20], struct base_err *err) {
    struct digits digits = {0};
    int rc = take_digits(text, &digits, err);
    if (rc) {
        return rc;
    }
    const char *at = digits.at;
    size_t count = digits.count;
    bool international = digits.plus;
    if (!international && count > 2 && at[0] == '0' && at[1] == '0') {
        international = true;
        at += 2;
        count -= 2;
    }
    bool vietnamese =
        count >= 2 && at[0] == '8' && at[1] == '4' && (international || count > NATIONAL_DIGITS);
    if (international && !vietnamese) {
        if (count < E164_LEAST_DIGITS || count > E164_MOST_DIGITS || at[0] == '0') {
            return base_err_set(
                err, LANTOA_EINVAL, TR("not an international phone number (+ and 8 to 15 digits)"));
        }
        out[0] = '+';
        memcpy(out + 1, at, count);
        out[count + 1] = '\0';
        return 0;
    }
    if (vietnamese) {
        at += 2;
        count -= 2;
    }
    if (count > 0 && at[0] == '0') { /* also the wrong but common +84 (0)912 ... */
        at++;
        count--;
    }
    if (count != NATIONAL_DIGITS || !is_mobile(at)) {
        return national_fault(at, count, err);
    }
    memcpy(out, "+84", 3);
    memcpy(out + 3, at, NATIONAL_DIGITS);
    out[3 + NATIONAL_DIGITS] = '\0';
    return 0;
}

/* ---- e-mail ---- */

enum { EMAIL_MOST = 254, LOCAL_MOST = 64, LABEL_MOST = 63 };

static bool is_letter_or_digit(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* RFC 5321 dot-string: runs of atext with single dots between them. */
static const char *local_fault(struct str local) {
    if (local.bytes == 0) {
        return TR("nothing before the @");
    }
    if (local.bytes > LOCAL_MOST) {
        return TR("more than 64 characters before the @");
    }
    bool dot = true;
    for (size_t i = 0; i < local.bytes; i++) {
        unsigned char c = (unsigned char)local.at[i];
        if (c == '.') {
            if (dot) {
                return TR("a dot in the wrong place before the @");
            }
            dot = true;
            continue;
        }
        dot = false;
        if (c >= 0x80) {
            return TR("a letter with an accent before the @");
        }
        if (!is_letter_or_digit(c) && !(c && strchr("!#$%&'*+-/=?^_`{|}~", c))) {
            return TR("a sign that an address cannot have before the @");
        }
    }
    return dot ? TR("a dot in the wrong place before the @") : NULL;
}

static const char *label_fault(struct str label) {
    if (label.bytes == 0) {
        return TR("a dot in the wrong place in the domain");
    }
    if (label.bytes > LABEL_MOST) {
        return TR("a part of the domain is too long");
    }
    if (label.at[0] == '-' || label.at[label.bytes - 1] == '-') {
        return TR("a hyphen in the wrong place in the domain");
    }
    for (size_t i = 0; i < label.bytes; i++) {
        unsigned char c = (unsigned char)label.at[i];
        if (c < 0x80 && c != '-' && !is_letter_or_digit(c)) {
            return TR("a sign that a domain cannot have");
        }
    }
    return NULL;
}

static const char *domain_fault(struct str domain) {
    size_t labels = 0;
    bool digits_only = true;
    struct str rest = domain;
    for (bool more = true; more; labels++) {
        more = memchr(rest.at, '.', rest.bytes) != NULL;
        struct str label = str_cut(&rest, '.');
        const char *fault = label_fault(label);
        if (fault) {
            return fault;
        }
        digits_only = true;
        for (size_t i = 0; i < label.bytes; i++) {
            digits_only = digits_only && label.at[i] >= '0' && label.at[i] <= '9';
        }
    }
    if (labels < 2) {
        return TR("the domain has no dot");
    }
    return digits_only ? TR("the domain ends in a number") : NULL;
}

int contact_email(struct str text, struct base_buf *out, struct base_err *err) {
    text = str_trim(text);
    if (!base_utf8_valid(text)) {
        return base_err_set(err, LANTOA_EINVAL, TR("not valid UTF-8"));
    }
    if (text.bytes > EMAIL_MOST) {
        return base_err_set(err, LANTOA_EINVAL, TR("longer than 254 characters"));
    }
    const char *sign = text.bytes ? memchr(text.at, '@', text.bytes) : NULL;
    if (!sign) {
        return base_err_set(err, LANTOA_EINVAL, TR("no @ in the address"));
    }
    struct str local = str_of(text.at, (size_t)(sign - text.at));
    struct str domain = str_of(sign + 1, text.bytes - local.bytes - 1);
    const char *fault = local_fault(local);
    if (!fault) {
        fault = domain.bytes ? domain_fault(domain) : TR("nothing after the @");
    }
    if (fault) {
        return base_err_set(err, LANTOA_EINVAL, "%s", fault);
    }
    size_t before = out->bytes;
    base_buf_add_str(out, str_of(text.at, local.bytes + 1));
    size_t domain_at = out->bytes;
    if (base_text_nfc(out, domain) || !base_buf_ok(out) || out->bytes - before > EMAIL_MOST) {
        out->bytes = before;
        return base_err_set(err, LANTOA_EINVAL, TR("longer than 254 characters"));
    }
    for (size_t i = domain_at; i < out->bytes; i++) {
        if (out->at[i] >= 'A' && out->at[i] <= 'Z') {
            out->at[i] = (char)(out->at[i] + ('a' - 'A'));
        }
    }
    return 0;
}
