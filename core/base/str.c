/* Pieces of text: comparing, trimming, cutting. Knows ASCII only, Unicode is in text.c. */
#include "base/str.h"

static char ascii_lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_case_eq(struct str a, struct str b) {
    if (a.bytes != b.bytes) {
        return false;
    }
    for (size_t i = 0; i < a.bytes; i++) {
        if (ascii_lower(a.at[i]) != ascii_lower(b.at[i])) {
            return false;
        }
    }
    return true;
}

bool str_starts(struct str s, struct str prefix) {
    return s.bytes >= prefix.bytes && str_eq(str_of(s.at, prefix.bytes), prefix);
}

bool str_ends(struct str s, struct str suffix) {
    if (s.bytes < suffix.bytes) {
        return false;
    }
    return suffix.bytes == 0 ||
           str_eq(str_of(s.at + (s.bytes - suffix.bytes), suffix.bytes), suffix);
}

static bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

#define NO_BREAK_SPACE "\xc2\xa0"

struct str str_trim(struct str s) {
    for (;;) {
        size_t drop = 0;
        if (s.bytes > 0 && is_blank(s.at[0])) {
            drop = 1;
        } else if (str_starts(s, STR(NO_BREAK_SPACE))) {
            drop = 2;
        }
        if (drop == 0) {
            break;
        }
        s = str_of(s.at + drop, s.bytes - drop);
    }
    for (;;) {
        if (s.bytes > 0 && is_blank(s.at[s.bytes - 1])) {
            s.bytes -= 1;
        } else if (str_ends(s, STR(NO_BREAK_SPACE))) {
            s.bytes -= 2;
        } else {
            return s;
        }
    }
}

struct str str_cut(struct str *s, char sep) {
    struct str head = *s;
    const char *hit = s->bytes ? memchr(s->at, sep, s->bytes) : NULL;
    if (!hit) {
        *s = str_of(s->bytes ? s->at + s->bytes : s->at, 0);
        return head;
    }
    head.bytes = (size_t)(hit - s->at);
    *s = str_of(hit + 1, s->bytes - head.bytes - 1);
    return head;
}

int str_cmp(struct str a, struct str b) {
    size_t shared = a.bytes < b.bytes ? a.bytes : b.bytes;
    int order = shared ? memcmp(a.at, b.at, shared) : 0;
    if (order != 0) {
        return order;
    }
    return a.bytes == b.bytes ? 0 : a.bytes < b.bytes ? -1 : 1;
}
