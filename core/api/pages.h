/* The pages that people see: plain HTML without script, for old phones too, in the person's own
 * language. They show nothing of the person but a masked address. Knows no HTTP. */
#ifndef API_PAGES_H
#define API_PAGES_H

#include "base/buf.h"
#include "tracking/choice.h"

enum page_moment { PAGE_ASKS, PAGE_STOPPED, PAGE_AGAIN };

void page_unsubscribe(
    struct base_buf *out, const struct choice_state *state, enum page_moment moment);
/* saved: the choice shown has just been kept. */
void page_preferences(struct base_buf *out, const struct choice_state *state, bool saved);

#endif
