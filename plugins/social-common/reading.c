/* What an answer means. Details are for staff and stand in both languages, because a row of the
 * ledger is read by whoever looks. */
#include "social.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define PAUSE_MS 60000
#define PAUSE_MOST_S (7 * 24 * 60 * 60)

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

const struct social_error *error_find(
    const struct social_error *table, int64_t code, int64_t subcode) {
    for (; table->en != NULL; table++) {
        if (table->code == code && (table->subcode == 0 || table->subcode == subcode)) {
            return table;
        }
    }
    return NULL;
}

void reading_error(
    struct social_reading *out, const struct social_error *row, int64_t code, const char *said) {
    char text[900], words[260];
    keep_text(words, sizeof(words), said, strlen(said));
    *out = (struct social_reading){row->verdict, row->reason, row->after_ms, "", ""};
    bool slower = row->verdict == SOCIAL_SLOWER;
    int used = snprintf(text, sizeof(text), "%lld: %s%s%s%s · %s%s", (long long)code, words,
        words[0] != '\0' ? " · " : "", row->en, slower ? "; it goes on by itself" : "", row->vi,
        slower ? "; hệ thống tự gửi tiếp" : "");
    keep_text(out->detail, sizeof(out->detail), text, used > 0 ? strlen(text) : 0);
}

void reading_sent(struct social_reading *out, const char *ref) {
    *out = (struct social_reading){.verdict = SOCIAL_SENT};
    keep_text(out->ref, sizeof(out->ref), ref, strlen(ref));
}

void reading_set(struct social_reading *out, enum social_verdict verdict, enum lantoa_reason reason,
    const char *en, const char *vi) {
    char text[900];
    *out = (struct social_reading){.verdict = verdict, .reason = reason};
    snprintf(text, sizeof(text), "%s%s%s", en, vi[0] != '\0' ? " · " : "", vi);
    keep_text(out->detail, sizeof(out->detail), text, strlen(text));
}

void words_set(struct social_words *out, const char *en, const char *vi, ...) {
    va_list args, again;
    va_start(args, vi);
    va_copy(again, args);
    vsnprintf(out->en, sizeof(out->en), en, args);
    vsnprintf(out->vi, sizeof(out->vi), vi, again);
    va_end(again);
    va_end(args);
}

void reading_words(struct social_reading *out, enum social_verdict verdict,
    enum lantoa_reason reason, const struct social_words *words) {
    reading_set(out, verdict, reason, words->en, words->vi);
}

const char *header_of(const struct lantoa_http_answer *answer, const char *name) {
    for (size_t i = 0; i < answer->header_count; i++) {
        if (strcmp(answer->headers[i].name, name) == 0) {
            return answer->headers[i].value;
        }
    }
    return "";
}

void reading_status(
    struct social_reading *out, const struct lantoa_http_answer *answer, bool may_repeat) {
    char en[120], vi[160];
    long after = strtol(header_of(answer, "retry-after"), NULL, 10);
    snprintf(en, sizeof(en), "the server answered %d without saying why", answer->status);
    snprintf(vi, sizeof(vi), "máy chủ trả lời %d mà không nêu lý do", answer->status);
    if (answer->status == 429 || (answer->status == 503 && after > 0)) {
        reading_set(out, SOCIAL_SLOWER, LANTOA_REASON_THROTTLED,
            "the network asks to send more slowly; it goes on by itself",
            "mạng yêu cầu gửi chậm lại; hệ thống tự gửi tiếp");
        out->after_ms = after > 0 && after < PAUSE_MOST_S ? after * 1000 : PAUSE_MS;
    } else if (answer->status == 401 || answer->status == 403) {
        reading_set(out, SOCIAL_STOP, LANTOA_REASON_LOGIN, en, vi);
    } else if (may_repeat || answer->status == 503) {
        reading_set(out, SOCIAL_RETRY, LANTOA_REASON_TEMPORARY, en, vi);
    } else if (answer->status >= 500) {
        reading_set(out, SOCIAL_UNKNOWN, LANTOA_REASON_PROTOCOL, en, vi);
    } else {
        reading_set(out, SOCIAL_REFUSED, LANTOA_REASON_PROTOCOL, en, vi);
    }
}

void reading_said(struct social_reading *out, const char *said) {
    char text[900], words[260];
    if (said == NULL || said[0] == '\0') {
        return;
    }
    keep_text(words, sizeof(words), said, strlen(said));
    snprintf(text, sizeof(text), "%s · %s", words, out->detail);
    keep_text(out->detail, sizeof(out->detail), text, strlen(text));
}
