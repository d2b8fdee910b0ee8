/* Composes the file of one message. Knows the message, not where it is written. */
#include "letter.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char html_line[] = "\n--- html ---\n";

static void add(struct letter *letter, const char *bytes, size_t count) {
    memcpy(letter->at + letter->bytes, bytes, count);
    letter->bytes += count;
}

/* A line break inside a value would end its head line: it becomes a blank. */
static void add_line(struct letter *letter, const char *name, struct lantoa_str value) {
    if (value.bytes == 0) {
        return;
    }
    add(letter, name, strlen(name));
    size_t from = letter->bytes;
    add(letter, value.at, value.bytes);
    for (size_t i = from; i < letter->bytes; i++) {
        if (letter->at[i] == '\n' || letter->at[i] == '\r') {
            letter->at[i] = ' ';
        }
    }
    add(letter, "\n", 1);
}

int letter_compose(struct letter *letter, const struct lantoa_message *message) {
    const struct lantoa_str *fields = message->fields;
    size_t needed = 256 + message->address.bytes + message->name.bytes + message->key.bytes +
                    message->lang.bytes;
    for (int i = 0; i < LETTER_FIELDS; i++) {
        needed += fields[i].bytes;
    }
    if (needed > letter->room) {
        char *more = realloc(letter->at, 2 * needed);
        if (!more) {
            return ENOMEM;
        }
        letter->at = more;
        letter->room = 2 * needed;
    }
    letter->bytes = 0;
    add_line(letter, "To: ", message->address);
    add_line(letter, "Name: ", message->name);
    add_line(letter, "Key: ", message->key);
    add_line(letter, "Lang: ", message->lang);
    add_line(letter, "Subject: ", fields[LETTER_SUBJECT]);
    add(letter, "\n", 1);
    add(letter, fields[LETTER_TEXT].at, fields[LETTER_TEXT].bytes);
    add(letter, "\n", 1);
    if (fields[LETTER_HTML].bytes > 0) {
        add(letter, html_line, sizeof(html_line) - 1);
        add(letter, fields[LETTER_HTML].at, fields[LETTER_HTML].bytes);
        add(letter, "\n", 1);
    }
    return 0;
}
