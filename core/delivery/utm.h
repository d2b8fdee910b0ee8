/* What an address tells the statistics of the website it leads to: utm_source, utm_medium,
 * utm_campaign, utm_content, utm_term, as the campaign says (campaign/spec.h). Pure texts: knows no
 * database. The names are those that web statistics agree on (Google Analytics, Matomo). */
#ifndef DELIVERY_UTM_H
#define DELIVERY_UTM_H

#include "base/buf.h"
#include "base/err.h"
#include "campaign/spec.h"

struct delivery_utm;

/* More than an address can grow by. */
#define UTM_BYTES_MAX ((size_t)CAMPAIGN_UTM_COUNT * (3 * UTM_VALUE_BYTES_MAX + 32))
#define UTM_VALUE_BYTES_MAX 1000 /* before it is percent-encoded */

/* What the names CAMPAIGN_UTM_NAMES stand for. Read during the call only. */
struct delivery_utm_facts {
    const char *channel, *kind, *plugin, *campaign, *theme, *step;
};

/* *utm_out is NULL when the step's addresses get nothing. LANTOA_EINVAL, ELIMIT: a text gives no
 * value; err names the parameter. */
int delivery_utm_new(const struct campaign_utm *spec, const struct delivery_utm_facts *facts,
    struct delivery_utm **utm_out, struct base_err *err) LANTOA_MUST_CHECK;
void delivery_utm_free(struct delivery_utm **utm);

/* Appends an address (http, https) with the parameters it lacks, in front of its fragment. html: it
 * stands in HTML, "&amp;" between parameters. It may hold tags {{...}}. Appended as it is: the
 * address of a picture, and one whose host or path is made of a person's values, or where a tag is
 * more than a value. utm may be NULL. */
void delivery_utm_put(
    const struct delivery_utm *utm, struct str url, bool html, struct base_buf *out);

#endif
