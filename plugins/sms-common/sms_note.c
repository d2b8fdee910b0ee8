/* What staff should know of a text's cost; see sms_text.h. */
#include "sms_text.h"

#include "utf8.h"

#include <stdarg.h>
#include <stdio.h>

struct note {
    char *to;
    size_t used, room;
};

__attribute__((format(printf, 2, 3))) static void add(struct note *note, const char *fmt, ...) {
    va_list args;
    if (note->used + 1 >= note->room) {
        return;
    }
    va_start(args, fmt);
    int bytes = vsnprintf(note->to + note->used, note->room - note->used, fmt, args);
    va_end(args);
    /* A sentence that does not fit is left out whole: no letter is cut in two. */
    if (bytes < 0 || (size_t)bytes >= note->room - note->used) {
        note->to[note->used] = '\0';
        note->room = note->used;
    } else {
        note->used += (size_t)bytes;
    }
}

void sms_text_note(const struct sms_cost *cost, bool vietnamese, char *note, size_t room) {
    struct note out = {note, 0, room};
    char costly[5] = "", replaced[5] = "";
    if (room > 0) {
        note[0] = '\0';
    }
    costly[sms_utf8_put(cost->costly, costly)] = '\0';
    replaced[sms_utf8_put(cost->replaced_first, replaced)] = '\0';
    const char *coding = cost->coding == SMS_GSM7 ? "GSM 7-bit" : "UCS-2";
    add(&out, vietnamese ? "%zu phần, %s, %zu ký tự" : "%zu parts, %s, %zu letters", cost->parts,
        coding, cost->letters);
    if (cost->costly != 0 && cost->stripped && cost->coding == SMS_GSM7) {
        add(&out,
            vietnamese ? "; đã bỏ dấu (\"%s\" buộc dùng UCS-2)"
                       : "; without accents (\"%s\" would force UCS-2)",
            costly);
    } else if (cost->costly != 0) {
        add(&out,
            vietnamese ? "; chữ \"%s\" (thứ %zu) buộc dùng UCS-2"
                       : "; \"%s\" (letter %zu) forces UCS-2",
            costly, cost->costly_at);
    }
    if (cost->replaced > 0) {
        add(&out,
            vietnamese ? "; đã thay %zu ký tự đặc biệt, đầu tiên là \"%s\""
                       : "; %zu smart characters replaced, the first is \"%s\"",
            cost->replaced, replaced);
    }
}
