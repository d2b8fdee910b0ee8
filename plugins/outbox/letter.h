/* What stands in a file of the outbox. */
#ifndef OUTBOX_LETTER_H
#define OUTBOX_LETTER_H

#include <lantoa/message.h>

/* The content rows of the plugin, in their order. */
enum letter_field { LETTER_SUBJECT, LETTER_TEXT, LETTER_HTML, LETTER_FIELDS };

/* A buffer that is used for one message after the other; zeroed at first, `at` is freed by its
 * owner. */
struct letter {
    char *at;
    size_t bytes, room;
};

/* Head lines, an empty line, the text, and the HTML version if there is one. Returns 0 or ENOMEM.
 */
int letter_compose(struct letter *letter, const struct lantoa_message *message);

#endif
