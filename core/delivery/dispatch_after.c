/* Steps that follow another, or step in for it: when a person's turn comes. */
#include "delivery/dispatch_private.h"

/* When a row of the step before that is still open may have come to its end, plus the delay. */
static int64_t after_open(
    const struct delivery_step *step, int64_t now_ms, const struct dispatch_earlier *before) {
    int64_t earliest = before->due_ms > now_ms ? before->due_ms : now_ms + 60000;
    return calendar_add(step->campaign->zone, earliest, step->spec->when.delay);
}

/* A step that steps in for another: only for whom that one did not reach, for a reason it names. */
static int after_failure(const struct delivery_step *step, int64_t now_ms,
    const struct dispatch_earlier *before, int64_t *due_out) {
    const struct campaign_when *when = &step->spec->when;
    switch (before->state) {
    case MESSAGE_FAILED:
    case MESSAGE_SUPPRESSED:
        return policy_fallback_fits(when, before->reason) ? 0 : SUPPRESSED_CONDITION;
    case MESSAGE_ACCEPTED: /* it may still come back */
        *due_out = calendar_add(step->campaign->zone, before->at_ms, when->delay);
        return *due_out > now_ms ? 0 : SUPPRESSED_CONDITION;
    case MESSAGE_PLANNED:
    case MESSAGE_HELD:
    case MESSAGE_SENDING:
        *due_out = before->due_ms > now_ms ? before->due_ms : now_ms + 60000;
        return 0;
    default:
        return SUPPRESSED_CONDITION;
    }
}

int dispatch__after(const struct delivery_step *step, int64_t now_ms,
    const struct dispatch_earlier *before, int64_t *due_out) {
    *due_out = 0;
    if (step->after_id == 0) {
        return 0;
    }
    if (step->spec->when.fallback_count) {
        return after_failure(step, now_ms, before, due_out);
    }
    switch (before->state) {
    case MESSAGE_ACCEPTED:
    case MESSAGE_DELIVERED:
    case MESSAGE_UNCERTAIN:
        *due_out = calendar_add(step->campaign->zone, before->at_ms, step->spec->when.delay);
        return 0;
    case MESSAGE_PLANNED:
    case MESSAGE_HELD:
    case MESSAGE_SENDING:
        *due_out = after_open(step, now_ms, before);
        return 0;
    default:
        return SUPPRESSED_CONDITION;
    }
}
