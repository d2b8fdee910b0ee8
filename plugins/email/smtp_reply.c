/* Parsing of SMTP replies; see smtp_reply.h. Knows no connection. */
#include "smtp_reply.h"

#include <strings.h>

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* "5.1.1 " at the front of a text: class, subject, detail. Returns its length with the blank behind
 * it, or 0. */
static size_t parse_enhanced(const char *at, size_t bytes, int enhanced[3]) {
    size_t i = 0;
    for (int part = 0; part < 3; part++) {
        size_t digits = 0;
        enhanced[part] = 0;
        while (i < bytes && is_digit(at[i]) && digits < 3) {
            enhanced[part] = enhanced[part] * 10 + (at[i] - '0');
            i++;
            digits++;
        }
        bool dot = i < bytes && at[i] == '.';
        if (digits == 0 || (part < 2 && !dot)) {
            return 0;
        }
        i += part < 2;
    }
    if (enhanced[0] != 2 && enhanced[0] != 4 && enhanced[0] != 5) {
        return 0;
    }
    if (i == bytes) {
        return i;
    }
    return at[i] == ' ' || at[i] == '\t' ? i + 1 : 0;
}

int smtp_reply_parse(const char *at, size_t bytes, struct smtp_reply *reply_out) {
    size_t from = 0;
    int code = 0;
    for (;;) {
        size_t left = bytes - from;
        const char *line = at + from;
        size_t look = left < SMTP_REPLY_MOST - from ? left : SMTP_REPLY_MOST - from;
        const char *newline = look == 0 ? NULL : memchr(line, '\n', look);
        /* Nonsense is seen at its first bytes: whoever speaks another protocol need not send a line
         * end. */
        for (size_t i = 0; i < look && i < 3 && line + i != newline; i++) {
            if (!is_digit(line[i]) || (i == 0 && (line[0] < '2' || line[0] > '5'))) {
                return LANTOA_EPROTO;
            }
        }
        if (newline == NULL) {
            return left >= SMTP_REPLY_MOST - from ? LANTOA_EPROTO : 0;
        }
        size_t length = (size_t)(newline - line);
        length -= length > 0 && line[length - 1] == '\r';
        if (length < 3) {
            return LANTOA_EPROTO;
        }
        int this_code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
        if ((code != 0 && this_code != code) || (length > 3 && line[3] != ' ' && line[3] != '-')) {
            return LANTOA_EPROTO;
        }
        code = this_code;
        from = (size_t)(newline + 1 - at);
        if (length == 3 || line[3] == ' ') {
            const char *text = line + (length > 3 ? 4 : 3);
            size_t text_bytes = length - (length > 3 ? 4 : 3);
            struct smtp_reply reply = {.code = code, .lines = {at, from}};
            size_t skip = parse_enhanced(text, text_bytes, reply.enhanced);
            reply.has_enhanced = skip > 0;
            reply.last = (struct lantoa_str){text + skip, text_bytes - skip};
            *reply_out = reply;
            return (int)from;
        }
    }
}

size_t smtp_text_clean(char *to, size_t room, const char *at, size_t bytes) {
    size_t used = 0;
    for (size_t i = 0; i < bytes && used + 1 < room;) {
        unsigned char c = (unsigned char)at[i];
        size_t width = c < 0x80                ? 1
                       : c >= 0xc2 && c < 0xe0 ? 2
                       : c >= 0xe0 && c < 0xf0 ? 3
                       : c >= 0xf0 && c < 0xf5 ? 4
                                               : 0;
        bool good = width > 0 && i + width <= bytes && c != 0x7f && (c >= ' ' || c == '\t');
        for (size_t k = 1; good && k < width; k++) {
            good = ((unsigned char)at[i + k] & 0xc0) == 0x80;
        }
        if (good && width >= 3) { /* overlong forms, surrogates, over U+10FFFF */
            unsigned char second = (unsigned char)at[i + 1];
            good = !(c == 0xe0 && second < 0xa0) && !(c == 0xed && second >= 0xa0) &&
                   !(c == 0xf0 && second < 0x90) && !(c == 0xf4 && second >= 0x90);
        }
        if (!good) {
            to[used++] = '?';
            i++;
            continue;
        }
        if (used + width >= room) {
            break;
        }
        if (c == '\t') {
            to[used++] = ' ';
        } else {
            memcpy(to + used, at + i, width);
            used += width;
        }
        i += width;
    }
    if (room > 0) {
        to[used] = '\0';
    }
    return used;
}

size_t smtp_reply_text(const struct smtp_reply *reply, char *text, size_t room) {
    const char *line = reply->lines.at, *end = line + reply->lines.bytes;
    size_t used = 0;
    bool first = true;
    while (line < end && used + 2 < room) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *stop = newline == NULL ? end : newline;
        const char *next = newline == NULL ? end : newline + 1;
        while (stop > line && (stop[-1] == '\r' || stop[-1] == ' ')) {
            stop--;
        }
        if (!first) { /* later lines repeat the codes */
            int enhanced[3];
            line += stop - line > 4 ? 4 : stop - line;
            line += parse_enhanced(line, (size_t)(stop - line), enhanced);
            text[used++] = ' ';
        }
        size_t start = used;
        used += smtp_text_clean(text + used, room - used, line, (size_t)(stop - line));
        if (first && used > start + 3 && text[start + 3] == '-') {
            text[start + 3] = ' ';
        }
        first = false;
        line = next;
    }
    if (room > 0) {
        text[used] = '\0';
    }
    return used;
}

static const char *find(struct lantoa_str text, const char *word) {
    size_t bytes = strlen(word);
    for (size_t i = 0; i + bytes <= text.bytes; i++) {
        if (strncasecmp(text.at + i, word, bytes) == 0) {
            return text.at + i;
        }
    }
    return NULL;
}

struct lantoa_str smtp_reply_ref(const struct smtp_reply *reply) {
    struct lantoa_str text = reply->last;
    const char *end = text.at + text.bytes;
    /* " as " within "queued as": memmem is quick, and this runs once per message. */
    const char *id = memmem(text.at, text.bytes, "queued as ", 10);
    if (id != NULL) {
        id += 10;
    } else if ((id = memmem(text.at, text.bytes, "id=", 3)) != NULL) {
        id += 3;
    }
    if (id == NULL || id == end) {
        return (struct lantoa_str){
            text.at, text.bytes < SMTP_REF_MOST ? text.bytes : SMTP_REF_MOST};
    }
    const char *stop = id;
    while (stop<end && * stop> ' ' && *stop < 0x7f && stop - id < SMTP_REF_MOST &&
           !(stop > id && strchr(",;)>", *stop) != NULL)) {
        stop++;
    }
    return (struct lantoa_str){id, (size_t)(stop - id)};
}

/* Reasons by enhanced code (RFC 3463); detail -1 is any. First match wins, so special ones stand
 * before general ones. */
static const struct {
    int subject, detail;
    enum lantoa_reason permanent, transient;
} meanings[] = {
    {1, 7, LANTOA_REASON_REFUSED,
        LANTOA_REASON_TEMPORARY}, /* the sender's address, not the recipient's */
    {1, 8, LANTOA_REASON_REFUSED, LANTOA_REASON_TEMPORARY},
    {1, -1, LANTOA_REASON_ADDRESS, LANTOA_REASON_TEMPORARY},
    {2, 1, LANTOA_REASON_ADDRESS, LANTOA_REASON_TEMPORARY}, /* mailbox disabled */
    {2, 2, LANTOA_REASON_MAILBOX_FULL, LANTOA_REASON_MAILBOX_FULL},
    {2, 3, LANTOA_REASON_TOO_LARGE, LANTOA_REASON_TOO_LARGE},
    {3, 2, LANTOA_REASON_REFUSED, LANTOA_REASON_TEMPORARY}, /* system not accepting messages */
    {3, 4, LANTOA_REASON_TOO_LARGE, LANTOA_REASON_TOO_LARGE},
    {4, 5, LANTOA_REASON_UNREACHABLE, LANTOA_REASON_THROTTLED}, /* congestion */
    {4, -1, LANTOA_REASON_UNREACHABLE, LANTOA_REASON_UNREACHABLE},
    {5, 3, LANTOA_REASON_REFUSED, LANTOA_REASON_THROTTLED}, /* too many recipients */
    {5, -1, LANTOA_REASON_PROTOCOL, LANTOA_REASON_PROTOCOL},
    {6, -1, LANTOA_REASON_CONTENT, LANTOA_REASON_CONTENT},
    {7, 8, LANTOA_REASON_LOGIN, LANTOA_REASON_LOGIN},
    {7, 9, LANTOA_REASON_LOGIN, LANTOA_REASON_LOGIN},
};

static enum lantoa_reason reason_by_code(const struct smtp_reply *reply, enum smtp_stage stage) {
    switch (reply->code) {
    case 452:
    case 552:
        return stage == SMTP_AT_RCPT ? LANTOA_REASON_MAILBOX_FULL
               : reply->code == 452  ? LANTOA_REASON_THROTTLED
                                     : LANTOA_REASON_TOO_LARGE;
    case 454:
    case 530:
    case 534:
    case 535:
    case 538:
        return LANTOA_REASON_LOGIN;
    case 500:
    case 501:
    case 502:
    case 503:
    case 504:
        return LANTOA_REASON_PROTOCOL;
    case 550:
    case 551:
    case 553:
        return stage == SMTP_AT_RCPT ? LANTOA_REASON_ADDRESS : LANTOA_REASON_REFUSED;
    case 554:
    case 571:
        return stage == SMTP_AT_BODY ? LANTOA_REASON_CONTENT : LANTOA_REASON_REFUSED;
    default:
        return reply->code < 500 ? LANTOA_REASON_TEMPORARY : LANTOA_REASON_REFUSED;
    }
}

static bool about_pace(const struct smtp_reply *reply) {
    static const char *const words[] = {"rate", "too many", "too fast", "throttl", "limit"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (find(reply->last, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

struct smtp_verdict smtp_reply_verdict(const struct smtp_reply *reply, enum smtp_stage stage) {
    bool permanent = reply->code >= 500;
    struct smtp_verdict verdict = {
        .outcome = permanent ? LANTOA_REFUSED : LANTOA_RETRY,
        .reason = reason_by_code(reply, stage),
    };
    if (reply->has_enhanced) {
        for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
            if (meanings[i].subject == reply->enhanced[1] &&
                (meanings[i].detail == -1 || meanings[i].detail == reply->enhanced[2])) {
                verdict.reason = permanent ? meanings[i].permanent : meanings[i].transient;
                break;
            }
        }
        if (reply->enhanced[1] == 7 && verdict.reason != LANTOA_REASON_LOGIN) {
            bool spam = stage == SMTP_AT_BODY || find(reply->last, "spam") != NULL;
            verdict.reason = !permanent ? LANTOA_REASON_TEMPORARY
                             : spam     ? LANTOA_REASON_CONTENT
                                        : LANTOA_REASON_REFUSED;
        }
    }
    /* The server has no time for us at all: that spends none of the message's tries. Behind MAIL
     * the same words may be about this message, which must not be tried for ever, unless they speak
     * of our pace. */
    if (!permanent && (reply->code == 421 || verdict.reason == LANTOA_REASON_THROTTLED)) {
        bool pace = stage < SMTP_AT_RCPT || about_pace(reply);
        verdict.reason = pace ? LANTOA_REASON_THROTTLED : LANTOA_REASON_TEMPORARY;
        verdict.after_ms = pace ? 10 * 1000 : 0;
    }
    if (permanent && (reply->code == 503 || verdict.reason == LANTOA_REASON_LOGIN)) {
        /* Our order of commands or our login was wrong: nothing is said about this message. */
        verdict.outcome = LANTOA_RETRY;
    }
    if (!permanent && verdict.reason != LANTOA_REASON_MAILBOX_FULL &&
        (find(reply->last, "greylist") != NULL || find(reply->last, "graylist") != NULL)) {
        verdict.reason = LANTOA_REASON_TEMPORARY;
        verdict.after_ms =
            5 * 60 *
            1000; /* most greylists open after five minutes; sooner only starts their clock again */
    }
    return verdict;
}

struct smtp_extensions smtp_reply_extensions(const struct smtp_reply *reply) {
    struct smtp_extensions has = {0};
    const char *line = reply->lines.at, *end = line + reply->lines.bytes;
    for (bool first = true; line < end; first = false) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *stop = newline == NULL ? end : newline;
        const char *next = newline == NULL ? end : newline + 1;
        while (stop > line && (stop[-1] == '\r' || stop[-1] == ' ')) {
            stop--;
        }
        if (first || stop - line < 5) { /* the first line is the server's name */
            line = next;
            continue;
        }
        struct lantoa_str word = {line + 4, (size_t)(stop - line - 4)};
        const char *blank = memchr(word.at, ' ', word.bytes);
        size_t keyword = blank == NULL ? word.bytes : (size_t)(blank - word.at);
        struct lantoa_str rest = {word.at + keyword, word.bytes - keyword};
        if (keyword == 10 && strncasecmp(word.at, "PIPELINING", 10) == 0) {
            has.pipelining = true;
        } else if (keyword == 8 && strncasecmp(word.at, "CHUNKING", 8) == 0) {
            has.chunking = true;
        } else if (keyword == 8 && strncasecmp(word.at, "STARTTLS", 8) == 0) {
            has.starttls = true;
        } else if (keyword == 4 && strncasecmp(word.at, "SIZE", 4) == 0) {
            has.size = true;
            for (size_t i = 1; i < rest.bytes && is_digit(rest.at[i]) && i < 19; i++) {
                has.size_most = has.size_most * 10 + (uint64_t)(rest.at[i] - '0');
            }
        } else if (word.bytes >= 5 && strncasecmp(word.at, "AUTH", 4) == 0 &&
                   (word.at[4] == ' ' || word.at[4] == '=')) {
            has.auth = true;
            has.auth_plain |= find(word, "PLAIN") != NULL;
            has.auth_login |= find(word, "LOGIN") != NULL;
        }
        line = next;
    }
    return has;
}
