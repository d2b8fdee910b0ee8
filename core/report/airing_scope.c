/* Reads --place, --from and --to. */
#include "report/airing_scope.h"

#include "audience/place.h"
#include "base/civil.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/tr.h"

#define DAY_MS (INT64_C(86400) * 1000)

static int read_place(
    const struct report_request *request, struct airing_scope *scope, struct base_err *err) {
    const char *text = report_option(request, "place");
    int64_t *ids = NULL;
    size_t count = 0;
    if (!text) {
        return 0;
    }
    int rc = place_find(request->db, str_from(text), &ids, &count, err);
    if (rc == 0) {
        rc = place_under(request->db, ids, count, &scope->places, &scope->filter.place_count, err);
        scope->filter.place_ids = scope->places;
    }
    base_free(ids);
    return rc;
}

static int read_day(const struct report_request *request, const char *name, int64_t add_ms,
    int64_t *ms_out, struct base_err *err) {
    const char *text = report_option(request, name);
    struct base_date date;
    if (!text) {
        return 0;
    }
    if (base_parse_date(str_from(text), &date) != 0) {
        return base_err_set(err, LANTOA_EINVAL, TR("--%s %s: no date like 2026-12-01"), name, text);
    }
    *ms_out = base_ms_from_civil((struct base_civil){date.year, date.month, date.day, 0, 0, 0, 0},
                  request->offset_min) +
              add_ms;
    return 0;
}

int airing_scope_read(
    const struct report_request *request, struct airing_scope *scope_out, struct base_err *err) {
    *scope_out = (struct airing_scope){0};
    int rc = read_place(request, scope_out, err);
    rc = rc ? rc : read_day(request, "from", 0, &scope_out->filter.from_ms, err);
    return rc ? rc : read_day(request, "to", DAY_MS, &scope_out->filter.to_ms, err);
}

void airing_scope_release(struct airing_scope *scope) {
    base_free(scope->places);
    *scope = (struct airing_scope){0};
}
