/* What a rule puts into every message, and what it demands of channel and content: the label first,
 * the refusal instruction last, a brand name as sender. Staff can neither leave these out nor
 * change them: they join the step's text before it is compiled, so parts, cost and preview have
 * them. */
#ifndef DELIVERY_RULES_TEXT_H
#define DELIVERY_RULES_TEXT_H

#include "base/buf.h"
#include "channel/manifest.h"
#include "delivery/rules.h"

/* Appends the template text of one content row with what the rule puts into it. The label goes to
 * the front of the subject where the channel has one, else of the body; the refusal to the end of
 * the body (text, html), in the message's language, else in Vietnamese, else the rule's first. A
 * text that has it there already gets no second one. refusal_to: of the channel file, or NULL. */
void rules_text_put(const struct rule *rule, const struct channel_manifest *manifest, size_t row,
    const char *lang, const char *refusal_to, struct str text, struct base_buf *out);

/* What keeps this step from being sent under the rule, as text for staff: "" when nothing does.
 * field_out: the part of the step it is about ("channel" or "content"). */
void rules_text_fault(const struct rule *rule, const struct channel_manifest *manifest,
    const struct channel_spec *channel, const struct campaign_step *step, const char **field_out,
    char *why, size_t room);

#endif
