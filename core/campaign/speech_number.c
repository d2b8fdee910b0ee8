/* Vietnamese words of numbers. */
#include "campaign/speech.h"

static const char *const digit_words[] = {
    "không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"};

static void say(struct base_buf *out, const char *word) {
    if (out->bytes > 0 && out->at[out->bytes - 1] != ' ') {
        base_buf_add_char(out, ' ');
    }
    base_buf_add_text(out, word);
}

/* The last digit, behind tens that stand (21 "mốt", 24 "tư", 25 and 15 "lăm"). */
static void say_unit(unsigned tens, unsigned unit, struct base_buf *out) {
    const char *word = digit_words[unit];
    if (tens >= 2 && unit == 1) {
        word = "mốt";
    } else if (tens >= 2 && unit == 4) {
        word = "tư";
    } else if (tens >= 1 && unit == 5) {
        word = "lăm";
    }
    say(out, word);
}

/* 1..999. full: hundreds are said even when there are none, for more stands before. */
static void say_group(unsigned number, bool full, struct base_buf *out) {
    unsigned hundreds = number / 100, tens = number / 10 % 10, unit = number % 10;
    bool with_hundreds = hundreds || full;
    if (with_hundreds) {
        say(out, digit_words[hundreds]);
        say(out, "trăm");
    }
    if (tens == 0 && unit > 0 && with_hundreds) {
        say(out, "linh");
    } else if (tens == 1) {
        say(out, "mười");
    } else if (tens > 1) {
        say(out, digit_words[tens]);
        say(out, "mươi");
    }
    if (unit > 0) {
        say_unit(tens, unit, out);
    }
}

static const uint64_t BILLION = UINT64_C(1000000000);

static void say_below_billion(uint64_t number, bool full, struct base_buf *out) {
    static const struct {
        uint64_t size;
        const char *word;
    } groups[] = {{1000000, "triệu"}, {1000, "nghìn"}, {1, NULL}};
    for (size_t i = 0; i < 3; i++) {
        unsigned group = (unsigned)(number / groups[i].size % 1000);
        if (group > 0) {
            say_group(group, full, out);
            if (groups[i].word) {
                say(out, groups[i].word);
            }
            full = true;
        }
    }
}

void speech_number(uint64_t number, struct base_buf *out) {
    if (number == 0) {
        say(out, digit_words[0]);
        return;
    }
    if (number >= BILLION) {
        speech_number(number / BILLION, out);
        say(out, "tỷ");
        say_below_billion(number % BILLION, true, out);
        return;
    }
    say_below_billion(number, false, out);
}
