/* "Did you mean ...?": the candidate nearest to a mistyped word. Private to core/audience. */
#ifndef AUDIENCE_NEAREST_H
#define AUDIENCE_NEAREST_H

#include "base/str.h"

struct audience__nearest {
    struct str word;
    struct str best; /* BORROWED from the candidate; bytes 0: none was near enough */
    size_t distance;
};

void audience__nearest_init(struct audience__nearest *nearest, struct str word);
/* candidate must live as long as nearest. */
void audience__nearest_offer(struct audience__nearest *nearest, struct str candidate);

#endif
