/* Which airings a report on loudspeakers is about: its options --place, --from and --to. */
#ifndef REPORT_AIRING_SCOPE_H
#define REPORT_AIRING_SCOPE_H

#include "delivery/airing.h"
#include "report/kinds.h"

struct airing_scope {
    int64_t *places; /* what filter.place_ids points to */
    struct airing_filter filter;
};
/* LANTOA_EINVAL, LANTOA_ENOENT with the option's name. Release it, also after a fault. */
int airing_scope_read(const struct report_request *request, struct airing_scope *scope_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void airing_scope_release(struct airing_scope *scope);

#endif
