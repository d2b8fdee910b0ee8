/* Text as a network counts it and as people will see it. */
#include "social.h"

#include <stdarg.h>
#include <stdio.h>

#define WIDTH 60
#define LINK_CHARS 23 /* of any address in a text, as Mastodon counts */

/* The next code point; texts are UTF-8, and of what is none nothing behind its end is read. */
static uint32_t next_point(struct lantoa_str text, size_t *at) {
    unsigned char lead = (unsigned char)text.at[*at];
    size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    uint32_t point = more == 3 ? lead & 7U : more == 2 ? lead & 15U : more == 1 ? lead & 31U : lead;
    if (*at + more >= text.bytes && more > 0) {
        more = text.bytes - *at - 1;
    }
    for (size_t i = 1; i <= more; i++) {
        point = point << 6 | ((unsigned char)text.at[*at + i] & 63U);
    }
    *at += more + 1;
    return point;
}

size_t text_points(struct lantoa_str text) {
    size_t count = 0;
    for (size_t at = 0; at < text.bytes; count++) {
        next_point(text, &at);
    }
    return count;
}

size_t text_units(struct lantoa_str text) {
    size_t count = 0;
    for (size_t at = 0; at < text.bytes;) {
        count += next_point(text, &at) > 0xFFFF ? 2 : 1;
    }
    return count;
}

/* Bytes of the address that begins here; 0: none does. */
static size_t link_here(struct lantoa_str text, size_t at) {
    static const char *const heads[] = {"https://", "http://"};
    for (size_t i = 0; i < 2; i++) {
        size_t bytes = strlen(heads[i]);
        if (text.bytes - at > bytes && memcmp(text.at + at, heads[i], bytes) == 0) {
            size_t end = at + bytes;
            while (end < text.bytes && (unsigned char)text.at[end] > ' ') {
                end++;
            }
            return end - at;
        }
    }
    return 0;
}

size_t text_points_short_links(struct lantoa_str text) {
    size_t count = 0;
    for (size_t at = 0; at < text.bytes;) {
        size_t link = link_here(text, at);
        if (link > 0) {
            at += link;
            count += LINK_CHARS;
        } else {
            next_point(text, &at);
            count++;
        }
    }
    return count;
}

/* Latin-1 and Latin Extended letters that Vietnamese uses, and the block of its own. */
static bool is_accented(uint32_t c) {
    return (c >= 0x1EA0 && c <= 0x1EF9) || c == 0x102 || c == 0x103 || c == 0x110 || c == 0x111 ||
           c == 0x128 || c == 0x129 || c == 0x168 || c == 0x169 || c == 0x1A0 || c == 0x1A1 ||
           c == 0x1AF || c == 0x1B0 || (c >= 0xC0 && c <= 0xFF && c != 0xD7 && c != 0xF7);
}

bool text_has_accent(struct lantoa_str text) {
    for (size_t at = 0; at < text.bytes;) {
        if (is_accented(next_point(text, &at))) {
            return true;
        }
    }
    return false;
}

bool text_has_link(struct lantoa_str text) {
    for (size_t at = 0; at < text.bytes; at++) {
        bool word = at == 0 || (unsigned char)text.at[at - 1] <= ' ';
        if (link_here(text, at) > 0 ||
            (word && text.bytes - at > 4 && (memcmp(text.at + at, "www.", 4) == 0))) {
            return true;
        }
    }
    return false;
}

/* Nine digits or more in a row, blanks, dots and dashes between them not counted, of a number that
 * begins like a telephone's. */
bool text_has_phone(struct lantoa_str text) {
    size_t digits = 0;
    char first = 0;
    for (size_t at = 0; at <= text.bytes; at++) {
        char c = at < text.bytes ? text.at[at] : 'x';
        if (c >= '0' && c <= '9') {
            first = digits == 0 ? c : first;
            digits++;
        } else if (digits > 0 && (c == ' ' || c == '.' || c == '-')) {
            continue;
        } else {
            if (digits >= 9 && digits <= 12 && (first == '0' || first == '8')) {
                return true;
            }
            digits = 0;
        }
    }
    return false;
}

size_t text_words(struct lantoa_str text) {
    size_t words = 0;
    bool letters = false, other = false;
    for (size_t at = 0; at <= text.bytes;) {
        uint32_t c = ' ';
        if (at < text.bytes) {
            c = next_point(text, &at);
        } else {
            at++;
        }
        if (c <= ' ' || c == ',' || c == '.' || c == ';' || c == ':') {
            words += letters && !other;
            letters = other = false;
        } else if ((c | 32) >= 'a' && (c | 32) <= 'z') {
            letters = true;
        } else if (c >= 0xC0) {
            letters = true;
        } else {
            other = true;
        }
    }
    return words;
}

bool message_in_vietnamese(const struct lantoa_message *message) {
    return message->lang.bytes != 2 || memcmp(message->lang.at, "en", 2) != 0;
}

/* --- the frame --- */

struct canvas {
    char *at;
    size_t room, used;
};

static void put(struct canvas *canvas, const char *fmt, ...) LANTOA_PRINTF(2, 3);
static void put(struct canvas *canvas, const char *fmt, ...) {
    va_list args;
    if (canvas->used + 1 >= canvas->room) {
        return;
    }
    va_start(args, fmt);
    int count = vsnprintf(canvas->at + canvas->used, canvas->room - canvas->used, fmt, args);
    va_end(args);
    size_t left = canvas->room - canvas->used - 1;
    canvas->used += count < 0 ? 0 : (size_t)count < left ? (size_t)count : left;
}

static void put_line(struct canvas *canvas, struct lantoa_str text) {
    put(canvas, "│ %.*s\n", (int)text.bytes, text.at);
}

/* Broken at blanks. */
static void put_wrapped(struct canvas *canvas, struct lantoa_str text) {
    size_t start = 0;
    while (start < text.bytes) {
        size_t at = start, points = 0, blank = 0;
        while (at < text.bytes && text.at[at] != '\n' && points < WIDTH) {
            blank = text.at[at] == ' ' ? at : blank;
            next_point(text, &at);
            points++;
        }
        bool whole = at == text.bytes || text.at[at] == '\n';
        size_t end = whole ? at : blank > start ? blank : at;
        put_line(canvas, (struct lantoa_str){text.at + start, end - start});
        start = end + (end < text.bytes && (text.at[end] == '\n' || text.at[end] == ' '));
    }
}

static struct lantoa_str server_of(struct lantoa_str link) {
    size_t at = 0;
    while (at + 2 < link.bytes && memcmp(link.at + at, "://", 3) != 0) {
        at++;
    }
    at = at + 2 < link.bytes ? at + 3 : 0;
    size_t end = at;
    while (end < link.bytes && strchr("/?#", link.at[end]) == NULL) {
        end++;
    }
    return (struct lantoa_str){link.at + at, end - at};
}

static void put_files(struct canvas *canvas, const struct social_look *look) {
    for (size_t i = 0; i < step_files(look->step); i++) {
        const struct lantoa_part *part = &look->step->parts[i];
        struct picture_size size;
        bool picture = part_is_picture(part);
        put(canvas, "│ [%s: %.*s",
            picture ? (look->vietnamese ? "ảnh" : "picture") : (look->vietnamese ? "tệp" : "file"),
            (int)part->name.bytes, part->name.at);
        if (picture && picture_measure(part->bytes, &size)) {
            put(canvas, ", %u × %u", (unsigned)size.width, (unsigned)size.height);
        }
        put(canvas, ", %zu KiB]\n", (part->bytes.bytes + 1023) / 1024);
    }
}

void look_show(const struct social_look *look, char *text, size_t room) {
    struct canvas canvas = {text, room, 0};
    if (room == 0) {
        return;
    }
    text[0] = '\0';
    put(&canvas, "┌ %s%s%s\n", look->network, look->sender[0] != '\0' ? " · " : "", look->sender);
    if (look->title.bytes > 0) {
        put_wrapped(&canvas, look->title);
        put(&canvas, "│\n");
    }
    if (look->pictures_first) {
        put_files(&canvas, look);
    }
    put_wrapped(&canvas, look->text);
    if (look->link.bytes > 0 && look->link_in_text) {
        put(&canvas, "│\n");
        put_line(&canvas, look->link);
    }
    if (!look->pictures_first) {
        put_files(&canvas, look);
    }
    if (look->link.bytes > 0 && !look->link_in_text) {
        struct lantoa_str server = server_of(look->link);
        put(&canvas, "│ ┌ %.*s\n│ └ %.*s\n", (int)server.bytes, server.at, (int)look->link.bytes,
            look->link.at);
    }
    if (look->button.bytes > 0) {
        put(&canvas, "│ ( %.*s )\n", (int)look->button.bytes, look->button.at);
    }
    put(&canvas, "└\n");
    if (look->most > 0) {
        put(&canvas, look->vietnamese ? "%zu / %zu ký tự%s\n" : "%zu / %zu characters%s\n",
            look->used, look->most,
            look->used <= look->most ? ""
            : look->vietnamese       ? ": quá dài"
                                     : ": too long");
    }
    if (look->notes != NULL && look->notes[0] != '\0') {
        put(&canvas, "%s\n", look->notes);
    }
    while (canvas.used > 0 && text[canvas.used - 1] == '\n') {
        text[--canvas.used] = '\0';
    }
}
