/* The rules of sending applied to a campaign file; see rules_check.h. */
#include "delivery/rules_check.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/tr.h"
#include "campaign/store.h"
#include "channel/manifest.h"
#include "delivery/rules_text.h"
#include "delivery/step.h"

struct checking {
    const struct base_json *doc;
    const struct campaign_spec *spec;
    const struct rules *rules;
    struct base_buf *findings, *notices;
    size_t count;
};

/* 1 loaded, 0 there is none that could be used. */
static int load_channel(struct db *db, const char *name, struct channel_manifest **manifest_out,
    struct channel_spec **spec_out, struct base_err *err) {
    struct channel_row row = {0};
    struct base_json *doc = NULL;
    struct base_err why = {0};
    int rc = channel_get(db, name, &row, &why);
    rc = rc ? rc : channel_manifest_parse(row.manifest_text, manifest_out, &why);
    rc = rc ? rc : base_json_parse(str_from(row.spec_text), row.name, &doc, &why);
    rc = rc ? rc : channel_spec_parse(doc, NULL, spec_out, &why);
    base_json_free(&doc);
    channel_row_release(&row);
    if (rc == LANTOA_ENOENT || rc == LANTOA_EINVAL) {
        return 0;
    }
    return rc == 0 ? 1 : base_err_set(err, rc, "%s", why.text);
}

/* When the step goes out, as far as the file says; else now. */
static int64_t time_of(const struct campaign_spec *spec, const struct campaign_step *step) {
    const struct calendar_zone *zone;
    struct base_err ignored = {0};
    int64_t now_ms = base_clock_now_ms();
    bool timed = step->when.kind == WHEN_AT || step->when.kind == WHEN_RRULE;
    if (!timed || calendar_zone_find(spec->timezone, &zone, &ignored) != 0) {
        return now_ms;
    }
    int64_t at_ms = calendar_to_ms(zone, step->when.at);
    return at_ms > now_ms ? at_ms : now_ms;
}

static void add(
    struct checking *c, struct base_buf *to, size_t index, const char *field, const char *text) {
    const json_t *steps = json_object_get(base_json_root(c->doc), "steps");
    const json_t *step = json_array_get(steps, index);
    struct base_err line = {0};
    char path[60];
    snprintf(path, sizeof path, "steps[%zu].%s", index, field);
    (void)base_json_fault(c->doc, json_object_get(step, field), path, &line, "%s", text);
    base_buf_add_text(to, line.text);
    base_buf_add_char(to, '\n');
}

/* Whether the campaign of that name has begun: then what is over is no news. */
static int load_begun(struct db *db, const char *name, bool *begun_out, struct base_err *err) {
    struct campaign_row row = {0};
    struct base_err why = {0};
    int rc = campaign_get(db, name, &row, &why);
    *begun_out = rc == 0 && row.state > CAMPAIGN_APPROVED;
    campaign_row_release(&row);
    return rc == 0 || rc == LANTOA_ENOENT ? 0 : base_err_set(err, rc, "%s", why.text);
}

/* A step whose (first) time is over does not begin by itself; see law 6 in delivery/ledger.h. */
static void check_time(struct checking *c, size_t index) {
    const struct campaign_when *when = &c->spec->steps[index].when;
    const struct calendar_zone *zone;
    struct base_err ignored = {0};
    if ((when->kind != WHEN_AT && when->kind != WHEN_RRULE) ||
        calendar_zone_find(c->spec->timezone, &zone, &ignored) != 0) {
        return;
    }
    if (calendar_to_ms(zone, when->at) < base_clock_now_ms() - DELIVERY_MISSED_MS) {
        add(c, c->notices, index, "when",
            TR("this time is over by more than 2 hours: the step will wait until somebody says "
               "resume"));
    }
}

static void check_step(struct checking *c, size_t index, const struct channel_manifest *manifest,
    const struct channel_spec *channel) {
    const struct campaign_step *step = &c->spec->steps[index];
    int64_t at_ms = time_of(c->spec, step);
    const struct rule *rule = rules_of_campaign(c->rules, c->spec, manifest->kind, at_ms);
    char why[400];
    const char *field;
    rules_text_fault(rule, manifest, channel, step, &field, why, sizeof why);
    if (why[0]) {
        add(c, c->findings, index, field, why);
        c->count++;
    }
    if (rules_list_old(c->rules, rule, base_clock_now_ms())) {
        char dated[BASE_DATE_MAX] = "";
        if (c->rules->dnc_day != RULES_NO_LIST) {
            base_format_date(base_date_from_days(c->rules->dnc_day), dated);
        }
        snprintf(why, sizeof why,
            dated[0]
                ? TR("the do-not-call list is of %s, at most %lld days are allowed: messages will "
                     "wait until a newer one is imported")
                : TR("there is no do-not-call list%s of the last %lld days: messages will wait "
                     "until one is imported"),
            dated, (long long)rule->dnc_max_age_days);
        add(c, c->notices, index, "channel", why);
    }
}

int rules_check(struct db *db, const struct base_json *doc, const struct campaign_spec *spec,
    struct base_buf *findings, struct base_buf *notices, struct base_err *err) {
    struct rules *rules = NULL;
    bool begun = false;
    int rc = rules_load(db, &rules, err);
    rc = rc ? rc : load_begun(db, spec->name, &begun, err);
    struct checking c = {
        .doc = doc, .spec = spec, .rules = rules, .findings = findings, .notices = notices};
    for (size_t i = 0; rc == 0 && i < spec->step_count; i++) {
        struct channel_manifest *manifest = NULL;
        struct channel_spec *channel = NULL;
        if (!begun) {
            check_time(&c, i);
        }
        int found = load_channel(db, spec->steps[i].channel, &manifest, &channel, err);
        rc = found < 0 ? found : 0;
        if (found == 1 && manifest && channel) {
            check_step(&c, i, manifest, channel);
        }
        channel_spec_free(&channel);
        channel_manifest_free(&manifest);
    }
    rules_free(&rules);
    if (rc == 0 && c.count > 0) {
        rc = base_err_set(
            err, LANTOA_EINVAL, TR("campaign '%s' has %zu faults"), spec->name, c.count);
    }
    return rc;
}
