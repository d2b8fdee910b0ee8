/* Finds a kind of report and makes one. */
#include "report/kinds.h"

#include "base/tr.h"

#define ROW(word, named, make, options, usage, help) {word, named, make},
static const struct report_kind kinds[] = {REPORT_KINDS(ROW)};
#undef ROW

const struct report_kind *report_kind_find(const char *word) {
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].word, word) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

const char *report_option(const struct report_request *request, const char *name) {
    for (size_t i = request->option_count; i-- > 0;) {
        if (strcmp(request->options[i].name, name) == 0) {
            return request->options[i].value;
        }
    }
    return NULL;
}

int report_make(const struct report_kind *kind, const struct report_request *request,
    struct report *report_out, struct base_err *err) {
    report_init(report_out, kind->word, request->now_ms, request->offset_min);
    int rc = 0;
    if (kind->needs_name && !request->name) {
        rc = base_err_set(err, LANTOA_EINVAL, TR("a report %s needs a name"), kind->word);
    }
    rc = rc == 0 ? kind->make(request, report_out, err) : rc;
    rc = rc == 0 ? report_heading_read(request->db, &report_out->heading, err) : rc;
    if (rc != 0) {
        report_release(report_out);
        return rc;
    }
    if (request->for_public) {
        report_hide_small(report_out);
        report_note(
            report_out, "%s", TR("For the public: counts of fewer than 5 people are left out."));
    }
    return 0;
}
