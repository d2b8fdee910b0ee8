/* Private to the mime_* files: the inside of a sender and of a step's files. */
#ifndef EMAIL_MIME_SENDER_H
#define EMAIL_MIME_SENDER_H

#include "address.h"
#include "dkim.h"
#include "mime_compose.h"

/* One file as it stands in a mail: part headers, empty line, base64. */
struct mime_file {
    struct bytes encoded;
    bool picture; /* has a content id: belongs to the HTML */
};

struct mime_step {
    struct mime_step *next;
    const struct lantoa_step *step; /* BORROWED while users > 0 */
    size_t users;
    struct mime_file *files;
    size_t file_count, pictures;
    const char *broken; /* why the files cannot be put into a mail; NULL when they can */
};

struct mime_sender {
    struct mime_addresses addresses; /* spans of `owned` */
    char *owned[8];
    size_t owned_count;
    bool verp;
    struct bytes from_field, reply_field; /* whole fields with CRLF */
    struct bytes url_head, url_tail;      /* of the one-click address; empty: none */
    struct dkim *dkim;                    /* NULL: no signing */
    struct mime_step *steps;
    int64_t date_second; /* the second `date` was written for */
    char date[40];
    struct bytes head,
        body; /* of the message being composed; kept, so that composing allocates nothing */
};

#endif
