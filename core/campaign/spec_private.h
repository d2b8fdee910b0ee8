/* Shared by the files that parse campaign and theme files. */
#ifndef CAMPAIGN_SPEC_PRIVATE_H
#define CAMPAIGN_SPEC_PRIVATE_H

#include "campaign/calendar.h"
#include "campaign/spec.h"
#include "campaign/spec_read.h"

enum {
    SPEC__STEPS_MOST = 200,
    SPEC__LANGS_MOST = 8,
    SPEC__FIELDS_MOST = 32,
    SPEC__ATTACHMENTS_MOST = 20,
    SPEC__OCCURRENCES_MOST = 1000,
    SPEC__WINDOW_DAYS_MOST = 3660,
    SPEC__FALLBACK_REASONS_MOST = 16,
};

/* spec_steps.c: reads "steps" into spec, whose window and zone are already there. zone is NULL
 * after a fault. */
void spec__steps(struct spec__reader *r, const struct spec__node *node,
    const struct calendar_zone *zone, const struct campaign_utm *utm, struct campaign_spec *spec);
void spec__step_release(struct campaign_step *step);
/* spec_airings.c */
void spec__airings(struct spec__reader *r, const struct spec__node *step_node,
    const struct campaign_spec *spec, struct campaign_step *step);
void spec__airings_release(struct campaign_airings *airings);
/* spec_utm.c: reads "utm" of a node; what it does not say is as in `above` (NULL: the campaign's
 * own). */
void spec__utm(struct spec__reader *r, const struct spec__node *parent,
    const struct campaign_utm *above, struct campaign_utm *utm_out);
void spec__utm_release(struct campaign_utm *utm);
/* The first moment of the window and the first after it. */
void spec__window(const struct campaign_spec *spec, const struct calendar_zone *zone,
    int64_t *open_ms_out, int64_t *close_ms_out);

#endif
