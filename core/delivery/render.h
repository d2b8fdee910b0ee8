/* Rendering one message: a contact's values put into a step's templates. */
#ifndef DELIVERY_RENDER_H
#define DELIVERY_RENDER_H

#include "delivery/step.h"

/* The name of a message's own text (table message_text) in a template. */
#define RENDER_MESSAGE_TEXT "message.text"

struct delivery_renderer; /* scratch memory, place names; one per thread and connection */
int delivery_renderer_new(
    struct db *db, struct delivery_renderer **renderer_out, struct base_err *err) LANTOA_MUST_CHECK;
void delivery_renderer_free(struct delivery_renderer **renderer);

/* Resolves the names of a freshly compiled template of this step and language. */
void delivery_values_resolve(
    const struct delivery_step *step, const char *lang, struct delivery_template *template);
void delivery_values_free(struct delivery_template *template);

/* Index of the language this contact is written to in. */
size_t delivery_lang(const struct delivery_step *step, const struct contact *contact);
/* Renders all content fields; fields_out has manifest->content_count entries, BORROWED until the
 * next call. LANTOA_ENOENT, EINVAL or ELIMIT: this person's message cannot be made
 * (template_error), err says why. now_ms gives {{today}} and ages; key is {{message_key}}. */
int delivery_render(struct delivery_renderer *renderer, struct delivery_step *step, size_t lang,
    const struct contact *contact, const char *key, int64_t now_ms, struct str *fields_out,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
