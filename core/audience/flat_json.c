/* A scanner for one level of JSON. Our own import writes it without blanks, PostgreSQL's jsonb
 * gives blanks and another order back, and other writers may do as JSON allows; values that are no
 * scalars are passed over as one token. */
#include "audience/flat_json.h"

#include "base/text.h"

static size_t skip_blanks(struct str json, size_t pos) {
    while (pos < json.bytes && (json.at[pos] == ' ' || json.at[pos] == '\n' ||
                                   json.at[pos] == '\t' || json.at[pos] == '\r')) {
        pos++;
    }
    return pos;
}

/* From the opening quote to behind the closing one; 0 if it has none. */
static size_t string_end(struct str json, size_t pos) {
    for (pos++; pos < json.bytes; pos++) {
        if (json.at[pos] == '\\') {
            pos++;
        } else if (json.at[pos] == '"') {
            return pos + 1;
        }
    }
    return 0;
}

/* From the first byte of a value to behind its last; 0 if it is broken. */
static size_t value_end(struct str json, size_t pos) {
    int depth = 0;
    while (pos < json.bytes) {
        char c = json.at[pos];
        if (c == '"') {
            pos = string_end(json, pos);
            if (pos == 0 || depth == 0) {
                return pos;
            }
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}')) {
            return pos;
        }
        if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            depth--;
        }
        pos++;
        if (depth == 0 && (c == '}' || c == ']')) {
            return pos;
        }
    }
    return 0;
}

bool audience__flat_next(
    struct str json, size_t *pos, struct str *name_out, struct str *value_out) {
    size_t at = skip_blanks(json, *pos);
    if (at >= json.bytes || json.at[at] != (*pos == 0 ? '{' : ',')) {
        return false;
    }
    at = skip_blanks(json, at + 1);
    if (at >= json.bytes || json.at[at] != '"') {
        return false;
    }
    size_t end = string_end(json, at);
    if (end == 0) {
        return false;
    }
    *name_out = str_of(json.at + at + 1, end - at - 2);
    at = skip_blanks(json, end);
    if (at >= json.bytes || json.at[at] != ':') {
        return false;
    }
    at = skip_blanks(json, at + 1);
    end = value_end(json, at);
    if (end <= at) {
        return false;
    }
    struct str value = str_of(json.at + at, end - at);
    *value_out = value.at[0] == '"' ? value : str_trim(value);
    *pos = end;
    return true;
}

static uint32_t hex4(struct str text, size_t pos) {
    uint32_t value = 0;
    for (size_t i = pos; i < pos + 4; i++) {
        char c = i < text.bytes ? text.at[i] : '0';
        value = value << 4 | (uint32_t)(c <= '9' ? c - '0' : ((c | 0x20) - 'a' + 10) & 0xf);
    }
    return value;
}

static size_t add_escape(struct base_buf *out, struct str body, size_t pos) {
    static const char plain[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    char c = body.at[pos];
    const char *found = c ? strchr(plain, c) : NULL;
    if (found) {
        base_buf_add_char(out, meant[found - plain]);
        return pos + 1;
    }
    if (c != 'u') {
        base_buf_add_char(out, c);
        return pos + 1;
    }
    uint32_t code = hex4(body, pos + 1);
    pos += 5;
    if (code >= 0xd800 && code < 0xdc00 && pos + 6 <= body.bytes && body.at[pos] == '\\' &&
        body.at[pos + 1] == 'u') {
        uint32_t low = hex4(body, pos + 2);
        if (low >= 0xdc00 && low < 0xe000) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            pos += 6;
        }
    }
    base_utf8_add(out, code >= 0xd800 && code < 0xe000 ? 0xfffd : code);
    return pos;
}

struct str audience__flat_text(struct str value, struct base_buf *scratch) {
    if (value.bytes == 0 || value.at[0] != '"') {
        return str_is(value, "null") ? (struct str){"", 0} : value;
    }
    struct str body = str_of(value.at + 1, value.bytes - 2);
    if (!memchr(body.at, '\\', body.bytes)) {
        return body;
    }
    base_buf_clear(scratch);
    for (size_t pos = 0; pos < body.bytes;) {
        if (body.at[pos] != '\\' || pos + 1 == body.bytes) {
            base_buf_add_char(scratch, body.at[pos++]);
        } else {
            pos = add_escape(scratch, body, pos + 1);
        }
    }
    return base_buf_str(scratch);
}

bool audience__flat_name_is(struct str raw, struct str name) {
    if (str_eq(raw, name)) {
        return true;
    }
    if (raw.bytes <= name.bytes || !memchr(raw.at, '\\', raw.bytes)) {
        return false;
    }
    struct base_buf plain;
    base_buf_init(&plain, 4096);
    bool same = str_eq(audience__flat_text(str_of(raw.at - 1, raw.bytes + 2), &plain), name);
    base_buf_release(&plain);
    return same;
}
