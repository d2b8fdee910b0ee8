/* The files that go along with every message of a step, read from the data folder. */
#ifndef DELIVERY_STEP_PARTS_H
#define DELIVERY_STEP_PARTS_H

#include "channel/channel.h"
#include "delivery/step.h"

#define STEP_PART_BYTES_MAX (size_t)(20 * 1024 * 1024)

/* In the order of the campaign file. Names are the step's; the bytes are owned. */
struct step_parts {
    struct channel_part *at;
    struct base_buf *bytes;
    size_t count;
};

/* To be released also after an error, which is that of a file. */
int step_parts_load(const char *data_dir, const struct delivery_step *step,
    struct step_parts *parts_out, struct base_err *err) LANTOA_MUST_CHECK;
void step_parts_release(struct step_parts *parts);

#endif
