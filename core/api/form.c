/* Reading forms. */
#include "api/form.h"

#include "base/text.h"

static int hex(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Appends the decoded text and ends it with a NUL, so that neighbours stay apart. */
static int decode(struct base_buf *out, struct str text) {
    size_t start = out->bytes;
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.at[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            int high = i + 2 < text.bytes ? hex(text.at[i + 1]) : -1;
            int low = high >= 0 ? hex(text.at[i + 2]) : -1;
            if (low < 0) {
                return LANTOA_EINVAL;
            }
            c = (char)(high << 4 | low);
            i += 2;
        }
        base_buf_add_char(out, c);
    }
    struct str made = str_of(out->at + start, out->bytes - start);
    if (made.bytes && (!base_utf8_valid(made) || base_text_has_control(made))) {
        return LANTOA_EINVAL;
    }
    base_buf_add_char(out, '\0');
    return 0;
}

int form_read(struct str body, struct form *form_out) {
    struct str rest = body;
    form_out->count = 0;
    base_buf_init(&form_out->text, body.bytes + 2 * FORM_FIELDS_MAX + 1);
    /* All the room at once: the fields point into it. */
    base_buf_grow(&form_out->text, body.bytes + 2 * FORM_FIELDS_MAX);
    form_out->text.bytes = 0;
    while (rest.bytes > 0) {
        struct str value = str_cut(&rest, '&');
        if (value.bytes == 0) {
            continue;
        }
        if (form_out->count == FORM_FIELDS_MAX) {
            return LANTOA_ELIMIT;
        }
        struct str name = str_cut(&value, '=');
        size_t name_at = form_out->text.bytes;
        if (decode(&form_out->text, name) != 0) {
            return LANTOA_EINVAL;
        }
        size_t value_at = form_out->text.bytes;
        if (decode(&form_out->text, value) != 0) {
            return LANTOA_EINVAL;
        }
        const char *text = form_out->text.at;
        form_out->fields[form_out->count].name = str_of(text + name_at, value_at - name_at - 1);
        form_out->fields[form_out->count].value =
            str_of(text + value_at, form_out->text.bytes - value_at - 1);
        form_out->count++;
    }
    return 0;
}

void form_release(struct form *form) {
    base_buf_release(&form->text);
}

struct str form_get(const struct form *form, const char *name) {
    for (size_t i = 0; i < form->count; i++) {
        if (str_is(form->fields[i].name, name)) {
            return form->fields[i].value;
        }
    }
    return (struct str){0};
}
