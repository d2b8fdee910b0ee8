/* The table of figures that networks tell, for the reports of a campaign and of a channel. */
#include "report/figure_part.h"

#include "base/tr.h"
#include "delivery/figure.h"

static const struct report_column columns[] = {{"campaign", "campaign", REPORT_TEXT},
    {"step", "step", REPORT_TEXT}, {"channel", "channel", REPORT_TEXT},
    {"ref", "number in the network", REPORT_TEXT}, {"figure", "figure", REPORT_TEXT},
    {"value", "as the network counts", REPORT_COUNT}, {"day", "asked on", REPORT_DATE}};

struct making {
    struct report *report;
    const char *key;
    struct report_table *table; /* NULL: nothing to tell yet */
};

static void add_table(struct making *m) {
    m->table = report_add_table(m->report, m->key, TR("What the networks count"), columns,
        sizeof columns / sizeof columns[0]);
}

static int put(void *arg, const struct figure *figure) {
    struct making *m = arg;
    if (!m->table) {
        add_table(m);
    }
    report_put_text(m->table, figure->campaign);
    report_put_text(m->table, figure->step);
    report_put_text(m->table, figure->channel);
    report_put_text(m->table, figure->ref);
    report_put_text(m->table, figure->name);
    if (figure->given) {
        report_put_i64(m->table, figure->value);
    } else {
        report_put_none(m->table, TR("n/a: the network does not give it"));
    }
    report_put_i64(
        m->table, (figure->at + m->report->offset_min * INT64_C(60000)) / (24 * 3600000));
    return 0;
}

int figure_part_add(struct report *report, struct db *db, const char *key, const char *campaign,
    const char *channel, struct base_err *err) {
    struct making m = {.report = report, .key = key};
    if (strcmp(key, "main") == 0) {
        add_table(&m);
    }
    return figure_each(db, campaign, channel, put, &m, err);
}
