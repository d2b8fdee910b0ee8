/* Shared by the files that check a campaign against the database and the channels. */
#ifndef CAMPAIGN_CHECK_PRIVATE_H
#define CAMPAIGN_CHECK_PRIVATE_H

#include "base/buf.h"
#include "campaign/spec_read.h"
#include "campaign/store_private.h"

struct spec__check {
    struct db *db;
    const struct base_json *doc;
    const struct campaign_spec *spec;
    const char *base_dir, *data_dir; /* data_dir may be NULL */
    struct theme_spec *theme;        /* NULL: there is none of that name */
    struct base_buf *findings;
    size_t count;
    struct base_buf names; /* all that a text may use, blank-separated; filled when needed */
    struct base_err *err;
};

/* Appends one line to the findings. */
void spec__finding(struct spec__check *c, const struct spec__node *node, const char *fmt, ...)
    LANTOA_PRINTF(3, 4);
/* true: the code says that something asked for is wrong or missing, which is a finding; false: that
 * asking failed. */
bool spec__is_finding(int code);

/* check_content.c: the texts of one step against the rows of its channel (NULL: unknown, the texts
 * alone). Negative when asking failed. */
int spec__check_content(struct spec__check *c, const struct spec__node *step_node,
    const struct campaign_step *step, const struct channel_manifest *manifest) LANTOA_MUST_CHECK;

/* spec_airings.c: what a step asks of outlets; manifest NULL: the channel is not known. */
int spec__check_airings(struct spec__check *c, const struct spec__node *step_node,
    const struct campaign_step *step, const struct channel_manifest *manifest) LANTOA_MUST_CHECK;

#endif
