/* A message of the campaign -> the bytes of a mail: headers, structure, encodings, signature. Never
 * starts a line with a dot. */
#ifndef EMAIL_MIME_COMPOSE_H
#define EMAIL_MIME_COMPOSE_H

#include "bytes.h"
#include "email.h"

struct mime_sender; /* what all mails of the channel have in common, made once from the options */
struct mime_step;   /* the encoded files of a step, shared by its messages */

/* NULL when an option cannot be used, which the fault explains. */
struct mime_sender *mime_sender_new(const struct email_config *config, struct lantoa_fault *fault);
void mime_sender_free(struct mime_sender *sender);

/* Counts one message of the step; NULL when the step has no files or memory ran out (failed_out).
 * Ends with mime_step_drop. */
struct mime_step *mime_step_use(
    struct mime_sender *sender, const struct lantoa_step *step, bool *failed_out);
void mime_step_drop(struct mime_sender *sender, struct mime_step *step); /* NULL is fine */

/* Appends the whole mail. On failure `out` is as long as before and why_out says what is wrong:
 * LANTOA_EINVAL (content, address or name cannot be put into a mail), LANTOA_ENOMEM, LANTOA_EIO
 * (signing). */
int mime_compose(struct mime_sender *sender, const struct lantoa_message *message,
    struct mime_step *step, int64_t now_ms, struct bytes *out,
    const char **why_out) LANTOA_MUST_CHECK;
/* The envelope sender of the message: the bounce address with the key (VERP), or the from address.
 */
void mime_put_return_path(
    struct mime_sender *sender, const struct lantoa_message *message, struct bytes *out);

/* The addresses our own mail comes back to, for the LMTP listener; empty when not configured. */
struct mime_addresses {
    struct lantoa_str from, reply_to, bounce, unsubscribe;
    struct lantoa_str message_id_domain;
};
const struct mime_addresses *mime_sender_addresses(const struct mime_sender *sender);

#endif
