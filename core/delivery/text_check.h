/* What the fixed letters of a campaign file cost, before anybody is chosen: the letter that forces
 * the dearer coding, the parts, the characters that will be replaced. What each person's message
 * costs is cost.h's. */
#ifndef DELIVERY_TEXT_CHECK_H
#define DELIVERY_TEXT_CHECK_H

#include "base/buf.h"
#include "campaign/spec.h"

/* For each step on a channel that shapes accents (SMS), and each language: one line of the
 * channel's own words, "FILE:LINE: field PATH: text\n", about the text with the rule's label and
 * refusal and without what stands in braces. A channel that cannot be asked gives no line. */
int text_check(struct db *db, const char *data_dir, const struct base_json *doc,
    const struct campaign_spec *spec, struct base_buf *notices,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
