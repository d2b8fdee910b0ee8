/* The files of a step, encoded once for all its messages; see mime_compose.h. */
#include "mime_encode.h"
#include "mime_sender.h"

#include <stdlib.h>

static const char *file_fault(const struct lantoa_part *part) {
    if (mime_has_control(part->name) || mime_has_control(part->content_id) ||
        mime_has_control(part->mime)) {
        return "a file's name, type or content id has a control character";
    }
    for (size_t i = 0; i < part->content_id.bytes; i++) {
        char c = part->content_id.at[i];
        if (c <= ' ' || c == '<' || c == '>' || c >= 0x7f) {
            return "a file's content id has a character that cannot stand there";
        }
    }
    bool slash = false;
    for (size_t i = 0; i < part->mime.bytes; i++) {
        char c = part->mime.at[i];
        slash |= c == '/';
        if (c <= ' ' || c >= 0x7f || strchr("()<>@,;:\\\"[]?=", c) != NULL) {
            return "a file's type is no MIME type";
        }
    }
    return slash ? NULL : "a file's type is no MIME type";
}

static void encode_file(const struct lantoa_part *part, bool picture, struct mime_file *file) {
    struct bytes *out = &file->encoded;
    file->picture = picture;
    bytes_put_text(out, "Content-Type: ");
    bytes_put_str(out, part->mime);
    if (part->name.bytes > 0) {
        mime_put_parameter(out, "name", part->name);
    }
    bytes_put_text(out, "\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: ");
    bytes_put_text(out, picture ? "inline" : "attachment");
    if (part->name.bytes > 0) {
        mime_put_parameter(out, "filename", part->name);
    }
    if (picture) {
        bytes_put_text(out, "\r\nContent-ID: <");
        bytes_put_str(out, part->content_id);
        bytes_put_char(out, '>');
    }
    bytes_put_text(out, "\r\n\r\n");
    mime_put_base64(out, part->bytes.at, part->bytes.bytes);
}

struct mime_step *mime_step_use(
    struct mime_sender *sender, const struct lantoa_step *step, bool *failed_out) {
    *failed_out = false;
    if (step == NULL || step->part_count == 0) {
        return NULL;
    }
    for (struct mime_step *known = sender->steps; known != NULL; known = known->next) {
        if (known->step == step) {
            known->users++;
            return known;
        }
    }
    struct mime_step *own = calloc(1, sizeof(*own));
    struct mime_file *files = calloc(step->part_count, sizeof(*files));
    *failed_out = own == NULL || files == NULL;
    if (*failed_out) {
        free(own);
        free(files);
        return NULL;
    }
    *own = (struct mime_step){.next = sender->steps,
        .step = step,
        .users = 1,
        .files = files,
        .file_count = step->part_count};
    sender->steps = own;
    for (size_t i = 0; i < step->part_count && own->broken == NULL; i++) {
        own->broken = file_fault(&step->parts[i]);
        if (own->broken == NULL) {
            encode_file(&step->parts[i], step->parts[i].content_id.bytes > 0, &files[i]);
            own->pictures += files[i].picture;
        }
        if (files[i].encoded.failed) {
            own->broken = "the files of the step are too large";
        }
    }
    return own;
}

void mime_step_drop(struct mime_sender *sender, struct mime_step *step) {
    if (step == NULL || --step->users > 0) {
        return;
    }
    struct mime_step **link = &sender->steps;
    while (*link != step) {
        link = &(*link)->next;
    }
    *link = step->next;
    for (size_t i = 0; i < step->file_count; i++) {
        bytes_release(&step->files[i].encoded);
    }
    free(step->files);
    free(step);
}
