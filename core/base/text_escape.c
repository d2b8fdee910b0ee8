/* Text on its way into other formats: JSON strings, HTML; and the check for control characters. */
#include "base/text.h"
#include "base/text_fold.h"

bool base_text_has_control(struct str text) {
    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c < 0x20 ? c != '\t' && c != '\r' && c != '\n' : c == 0x7f) {
            return true;
        }
        /* U+0080..U+009F, the second set of controls */
        if (c == 0xc2 && i + 1 < text.bytes && (unsigned char)text.at[i + 1] <= 0x9f) {
            return true;
        }
    }
    return false;
}

static bool json_plain(unsigned char c) {
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static void json_escape(struct base_buf *buf, char c) {
    switch (c) {
    case '"':
        base_buf_add_text(buf, "\\\"");
        return;
    case '\\':
        base_buf_add_text(buf, "\\\\");
        return;
    case '\n':
        base_buf_add_text(buf, "\\n");
        return;
    case '\r':
        base_buf_add_text(buf, "\\r");
        return;
    case '\t':
        base_buf_add_text(buf, "\\t");
        return;
    default:
        base_buf_printf(buf, "\\u%04x", (unsigned)(unsigned char)c);
    }
}

void base_text_json(struct base_buf *buf, struct str text) {
    base_buf_add_char(buf, '"');
    for (size_t pos = 0; pos < text.bytes;) {
        size_t run = 0;
        while (pos + run < text.bytes && json_plain((unsigned char)text.at[pos + run])) {
            run++;
        }
        base_buf_add(buf, text.at + pos, run);
        pos += run;
        if (pos == text.bytes) {
            break;
        }
        uint32_t c;
        size_t bytes = base__utf8_decode(text, pos, &c);
        if (bytes > 1) {
            base_buf_add(buf, text.at + pos, bytes);
        } else if (bytes == 1) {
            json_escape(buf, text.at[pos]);
        } else {
            base_utf8_add(buf, 0xfffd); /* a reader of the result must never choke on it */
            bytes = 1;
        }
        pos += bytes;
    }
    base_buf_add_char(buf, '"');
}

static const char *html_entity(char c) {
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void base_text_html(struct base_buf *buf, struct str text) {
    size_t from = 0;
    for (size_t pos = 0; pos < text.bytes; pos++) {
        const char *entity = html_entity(text.at[pos]);
        if (entity) {
            base_buf_add(buf, text.at + from, pos - from);
            base_buf_add_text(buf, entity);
            from = pos + 1;
        }
    }
    if (from < text.bytes) {
        base_buf_add(buf, text.at + from, text.bytes - from);
    }
}
