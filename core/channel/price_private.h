/* What the price list and the table of operators share. Private to core/channel. */
#ifndef CHANNEL_PRICE_PRIVATE_H
#define CHANNEL_PRICE_PRIVATE_H

#include "channel/price.h"

struct channel__operator_prefix {
    struct str prefix; /* BORROWED from the table */
    int64_t from_days;
    int owner;
};

bool channel__prefix_valid(const char *text); /* "+8496" */
int channel__operator_index(const struct channel_operators *operators, const char *name);
const struct channel__operator_prefix *channel__operator_prefixes(
    const struct channel_operators *operators, size_t *count_out);

#endif
