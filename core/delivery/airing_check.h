/* What a campaign file's airings will play, told before they are planned: how long each recording
 * of a material lasts or its text takes to read aloud, and which outlets have none in their
 * language. Where they find a place is airing.h's to say. */
#ifndef DELIVERY_AIRING_CHECK_H
#define DELIVERY_AIRING_CHECK_H

#include "base/buf.h"
#include "base/json.h"
#include "campaign/spec.h"
#include "store/db.h"

/* For each material of each step with airings, lines "FILE:LINE: field PATH: text\n": one for each
 * recording that stands, and one for each language that the step's outlets prefer (without
 * "outlets": all of its channel) and that has no approved recording. The seconds are the
 * recording's; those of reading aloud are speech_reading()'s, at the rate of the table of speech in
 * force (config/rules/speech.json, with its source). A material that is not known gives no line:
 * campaign_check() finds it. */
int airing_check(struct db *db, const struct base_json *doc, const struct campaign_spec *spec,
    struct base_buf *notices, struct base_err *err) LANTOA_MUST_CHECK;

#endif
