/* What the rules of sending say of a campaign file before it is planned. */
#ifndef DELIVERY_RULES_CHECK_H
#define DELIVERY_RULES_CHECK_H

#include "base/buf.h"
#include "campaign/spec.h"

/* Appends to findings what keeps a step from being planned ("FILE:LINE: field PATH: text\n", as
 * campaign_check), and to notices what staff should know: that messages will wait for a newer
 * do-not-call list, or a step for a person because its time is over. Steps whose channel does not
 * exist are passed over: campaign_check names them. LANTOA_EINVAL when there is a finding. */
int rules_check(struct db *db, const struct base_json *doc, const struct campaign_spec *spec,
    struct base_buf *findings, struct base_buf *notices, struct base_err *err) LANTOA_MUST_CHECK;

#endif
