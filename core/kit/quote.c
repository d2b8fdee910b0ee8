/* The case's message, asked for its price and preview. */
#include "kit/internal.h"

#define QUOTE_MS 10000

int kit__ask_quotes(const struct kit_bed *bed, size_t times, channel_quoted_fn *answered, void *arg,
    struct base_err *err) {
    const struct kit_case *kase = bed->kase;
    struct channel_quote *quote = NULL;
    struct str *fields = base_alloc_array(kase->manifest->content_count + 1, sizeof(*fields));
    for (size_t i = 0; i < kase->manifest->content_count; i++) {
        fields[i] = str_from(kit__content(kase, i));
    }
    int rc = channel_quote_open(channel_get_spec(bed->channel), kase->manifest, bed->data_dir,
        QUOTE_MS, answered, arg, &quote, err);
    if (rc == 0) {
        channel_quote_step(quote, 1, STR("kit"), STR("check"), STR("internal"), STR(""));
    }
    for (uint64_t i = 1; rc == 0 && i <= times; i++) {
        struct channel_quote_message message = {.tag = i,
            .id = i,
            .want = CHANNEL_WANT_NOTE | CHANNEL_WANT_PREVIEW,
            .step_ref = 1,
            .key = STR("kitaaaaaaaaaaaaaaaaa"),
            .address = str_from(kase->address),
            .name = str_from(kase->name),
            .lang = str_from(kase->lang),
            .fields = fields};
        rc = channel_quote_put(quote, &message, err);
    }
    rc = rc ? rc : channel_quote_finish(quote, err);
    channel_quote_close(&quote);
    base_free(fields);
    return rc;
}
