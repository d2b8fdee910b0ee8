/* Reads a campaign file into struct campaign_spec: everything that can be checked without the
 * database. Steps are read in spec_steps.c. */
#include "campaign/spec_private.h"

#include "base/mem.h"
#include "base/tr.h"

#include <math.h>

#define MINUTE_MS INT64_C(60000)
#define CANARY_WITHIN_MS (30 * MINUTE_MS)
#define CANARY_WITHIN_LEAST_MS MINUTE_MS
#define CANARY_WAIT_MOST_MS (7 * 24 * 60 * MINUTE_MS)

static const char top_keys[] = "name description theme class legal_basis window audience holdout "
                               "budget goal default_lang hours canary steps utm $schema";

/* In the order of enum campaign_class. */
static const char class_words[] =
    "state_information advertising personal_service emergency internal";

const char *campaign_class_word(enum campaign_class class) {
    switch (class) {
    case CLASS_STATE_INFORMATION:
        return "state_information";
    case CLASS_ADVERTISING:
        return "advertising";
    case CLASS_PERSONAL_SERVICE:
        return "personal_service";
    case CLASS_EMERGENCY:
        return "emergency";
    case CLASS_INTERNAL:
        return "internal";
    }
    return "?";
}

bool campaign_variable_known(struct str name) {
#define VARIABLE_IS(variable, meaning)                                                             \
    if (str_is(name, #variable)) {                                                                 \
        return true;                                                                               \
    }
    CAMPAIGN_VARIABLES(VARIABLE_IS)
#undef VARIABLE_IS
    return false;
}

void spec__window(const struct campaign_spec *spec, const struct calendar_zone *zone,
    int64_t *open_ms_out, int64_t *close_ms_out) {
    struct base_date from = spec->from;
    struct base_date end = base_date_from_days(base_days_from_date(spec->to) + 1);
    *open_ms_out =
        calendar_to_ms(zone, (struct base_civil){from.year, from.month, from.day, 0, 0, 0, 0});
    *close_ms_out =
        calendar_to_ms(zone, (struct base_civil){end.year, end.month, end.day, 0, 0, 0, 0});
}

static void read_window(struct spec__reader *r, const struct spec__node *top,
    struct campaign_spec *spec, const struct calendar_zone **zone_out) {
    struct spec__node node = spec__child(top, "window");
    if (!spec__object(r, &node, "from to timezone")) {
        return;
    }
    struct spec__node from = spec__child(&node, "from");
    struct spec__node to = spec__child(&node, "to");
    struct spec__node zone_node = spec__child(&node, "timezone");
    spec->timezone = spec__text(r, &zone_node, SPEC__OPTIONAL);
    if (!spec->timezone) {
        spec->timezone = base_strdup("Asia/Ho_Chi_Minh");
    }
    if (!spec__date(r, &from, &spec->from) || !spec__date(r, &to, &spec->to)) {
        return;
    }
    int64_t days = base_days_from_date(spec->to) - base_days_from_date(spec->from);
    if (days < 0) {
        spec__fault(r, &to, TR("the window ends before it begins"));
    } else if (days > SPEC__WINDOW_DAYS_MOST) {
        spec__fault(r, &to, TR("the window is longer than %d days"), SPEC__WINDOW_DAYS_MOST);
    }
    struct base_err err = {0};
    if (calendar_zone_find(spec->timezone, zone_out, &err)) {
        spec__fault(r, &zone_node, "%s", err.text);
    }
}

/* Fields that only a lot over places has. */
static void read_lot(
    struct spec__reader *r, const struct spec__node *node, struct campaign_spec *spec) {
    struct spec__node design = spec__child(node, "design");
    struct spec__node strata = spec__child(node, "strata");
    struct spec__node waves = spec__child(node, "waves");
    struct spec__node every = spec__child(node, "every");
    int choice = spec__choice(r, &design, SPEC__OPTIONAL, "lottery waves");
    spec->holdout_design = choice < 0 ? HOLDOUT_BUCKETS : (enum holdout_design)(choice + 1);
    if (choice >= 0 && spec->holdout_unit != HOLDOUT_PLACE) {
        spec__fault(r, &design, TR("a lottery or waves need \"unit\": \"place\""));
    }
    spec->holdout_strata = spec__text(r, &strata, SPEC__OPTIONAL);
    if (spec->holdout_strata && choice < 0) {
        spec__fault(r, &strata, TR("needs \"design\": \"lottery\" or \"waves\""));
    } else if (spec->holdout_strata && (spec->holdout_strata[strspn(spec->holdout_strata,
                                            "abcdefghijklmnopqrstuvwxyz0123456789_")] ||
                                           strlen(spec->holdout_strata) > 63)) {
        spec__fault(r, &strata, TR("must be \"parent\" or the name of an attribute"));
    }
    if (spec->holdout_design == HOLDOUT_WAVES) {
        spec__integer(r, &waves, SPEC__REQUIRED, 2, 52, &spec->holdout_waves);
        spec__duration(r, &every, &spec->holdout_every);
    } else if (waves.json || every.json) {
        spec__fault(r, waves.json ? &waves : &every, TR("needs \"design\": \"waves\""));
    }
}

static void read_holdout(
    struct spec__reader *r, const struct spec__node *top, struct campaign_spec *spec) {
    struct spec__node node = spec__child(top, "holdout");
    spec->holdout_until = spec->to;
    if (!node.json || !spec__object(r, &node, "percent unit design strata waves every until")) {
        return;
    }
    struct spec__node percent = spec__child(&node, "percent");
    struct spec__node unit = spec__child(&node, "unit");
    struct spec__node until = spec__child(&node, "until");
    int choice = spec__choice(r, &unit, SPEC__OPTIONAL, "contact household place");
    spec->holdout_unit = choice < 0 ? HOLDOUT_CONTACT : (enum holdout_unit)(choice + 1);
    read_lot(r, &node, spec);
    double value = json_number_value(percent.json);
    bool waves = spec->holdout_design == HOLDOUT_WAVES;
    if (waves && percent.json) {
        spec__fault(r, &percent, TR("waves reach every place in the end: leave it out"));
    } else if (!waves && (!json_is_number(percent.json) || !(value >= 0.01 && value <= 99.99))) {
        spec__fault(r, &percent, TR("must be a number from 0.01 to 99.99"));
        return;
    }
    spec->has_holdout = true;
    spec->holdout_percent = round(value * 100) / 100;
    if (until.json && spec__date(r, &until, &spec->holdout_until) &&
        base_days_from_date(spec->holdout_until) < base_days_from_date(spec->from)) {
        spec__fault(r, &until, TR("lies before the window"));
    }
}

static void read_budget(
    struct spec__reader *r, const struct spec__node *top, struct campaign_spec *spec) {
    struct spec__node node = spec__child(top, "budget");
    if (!node.json || !spec__object(r, &node, "amount currency")) {
        return;
    }
    struct spec__node amount = spec__child(&node, "amount");
    struct spec__node currency = spec__child(&node, "currency");
    spec__integer(r, &amount, SPEC__REQUIRED, 0, 1000000000000000, &spec->budget_minor);
    spec->budget_currency = spec__text(r, &currency, SPEC__OPTIONAL);
    if (!spec->budget_currency) {
        spec->budget_currency = base_strdup("VND");
        return;
    }
    const char *c = spec->budget_currency;
    if (strlen(c) != 3 || strspn(c, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3) {
        spec__fault(r, &currency, TR("'%s' is no currency code like VND"), c);
    }
}

static void read_goal(
    struct spec__reader *r, const struct spec__node *top, struct campaign_spec *spec) {
    struct spec__node node = spec__child(top, "goal");
    if (node.json && spec__object(r, &node, "enrolments")) {
        struct spec__node enrolments = spec__child(&node, "enrolments");
        spec__integer(r, &enrolments, SPEC__REQUIRED, 1, 1000000000, &spec->goal_enrolments);
    }
}

static int read_minute(struct spec__reader *r, const struct spec__node *node) {
    int minute = -1;
    char *text = spec__text(r, node, SPEC__REQUIRED);
    if (text && base_parse_minute(str_from(text), &minute)) {
        spec__fault(r, node, TR("'%s' is no time of day like 07:00"), text);
    }
    base_free(text);
    return minute;
}

static void read_hours(
    struct spec__reader *r, const struct spec__node *top, struct campaign_spec *spec) {
    struct spec__node node = spec__child(top, "hours");
    if (!node.json || !spec__object(r, &node, "from to")) {
        return;
    }
    struct spec__node from = spec__child(&node, "from");
    struct spec__node to = spec__child(&node, "to");
    spec->hours_from_min = read_minute(r, &from);
    spec->hours_to_min = read_minute(r, &to);
    if (spec->hours_from_min >= spec->hours_to_min) {
        spec__fault(r, &to, TR("must be later than hours.from"));
    }
}

static void read_percent(
    struct spec__reader *r, const struct spec__node *node, double least, double *out) {
    double value = json_number_value(node->json);
    if (node->json && (!json_is_number(node->json) || !(value >= least && value <= 100))) {
        spec__fault(r, node, TR("must be a number from %g to 100"), least);
    } else if (node->json) {
        *out = value;
    }
}

static void read_wait(struct spec__reader *r, const struct spec__node *node, int64_t *ms_out) {
    struct base_duration duration = {0};
    if (!node->json || !spec__duration(r, node, &duration)) {
        return;
    }
    if (duration.months || duration.ms > CANARY_WAIT_MOST_MS) {
        spec__fault(r, node, TR("is longer than a week"));
    }
    *ms_out = duration.ms;
}

static void read_canary(
    struct spec__reader *r, const struct spec__node *top, struct campaign_spec *spec) {
    struct spec__node node = spec__child(top, "canary");
    struct campaign_canary *canary = &spec->canary;
    if (json_is_boolean(node.json)) {
        canary->on = json_is_true(node.json);
        return;
    }
    if (!node.json ||
        !spec__object(r, &node, "percent at_least pause_above_percent receipts within")) {
        return;
    }
    struct spec__node percent = spec__child(&node, "percent");
    struct spec__node at_least = spec__child(&node, "at_least");
    struct spec__node pause_above = spec__child(&node, "pause_above_percent");
    struct spec__node receipts = spec__child(&node, "receipts");
    struct spec__node within = spec__child(&node, "within");
    read_percent(r, &percent, 0.01, &canary->percent);
    spec__integer(r, &at_least, SPEC__OPTIONAL, 1, 1000000, &canary->at_least);
    read_percent(r, &pause_above, 0, &canary->pause_above);
    read_wait(r, &receipts, &canary->receipts_ms);
    read_wait(r, &within, &canary->within_ms);
    if (r->code == 0 && canary->within_ms < CANARY_WITHIN_LEAST_MS) {
        spec__fault(r, &within, TR("must be at least a minute"));
    }
}

/* The fallback language: as written, else the first of the first step. Every step must have it, for
 * people whose own language has no content. */
static void read_default_lang(
    struct spec__reader *r, const struct spec__node *top, struct campaign_spec *spec) {
    struct spec__node node = spec__child(top, "default_lang");
    spec->default_lang = spec__text(r, &node, SPEC__OPTIONAL);
    if (spec->default_lang && !spec__lang_valid(spec->default_lang)) {
        spec__fault(r, &node, TR("'%s' is no language code like vi or en"), spec->default_lang);
    }
    if (r->code) {
        return;
    }
    if (!spec->default_lang) {
        size_t first = 0; /* that has words of its own; an airing need not */
        while (first < spec->step_count && spec->steps[first].content_count == 0) {
            first++;
        }
        spec->default_lang =
            base_strdup(first < spec->step_count ? spec->steps[first].contents[0].lang : "vi");
    }
    struct spec__node steps = spec__child(top, "steps");
    for (size_t i = 0; i < spec->step_count; i++) {
        const struct campaign_step *step = &spec->steps[i];
        size_t lang = 0;
        while (lang < step->content_count &&
               strcmp(step->contents[lang].lang, spec->default_lang) != 0) {
            lang++;
        }
        if (lang == step->content_count && step->content_count > 0) {
            struct spec__node item = spec__item(&steps, i);
            struct spec__node content = spec__child(&item, "content");
            spec__fault(r, &content,
                TR("has no '%s', the language of those whose own is not there"),
                spec->default_lang);
        }
    }
}

int campaign_spec_parse(
    const struct base_json *doc, struct campaign_spec **spec_out, struct base_err *err) {
    struct spec__reader r = {.doc = doc, .err = err};
    struct spec__node top = spec__root(doc);
    struct campaign_spec *spec = base_alloc(sizeof(*spec));
    spec->budget_minor = spec->goal_enrolments = -1;
    spec->hours_from_min = spec->hours_to_min = -1;
    spec->canary = (struct campaign_canary){
        .on = true, .percent = 1, .at_least = 50, .pause_above = 5, .within_ms = CANARY_WITHIN_MS};
    const struct calendar_zone *zone = NULL;
    if (spec__object(&r, &top, top_keys)) {
        struct spec__node name = spec__child(&top, "name"), theme = spec__child(&top, "theme");
        struct spec__node class = spec__child(&top, "class");
        struct spec__node basis = spec__child(&top, "legal_basis");
        struct spec__node audience = spec__child(&top, "audience");
        struct spec__node steps = spec__child(&top, "steps");
        spec->name = spec__name(&r, &name, SPEC__REQUIRED);
        spec->theme = spec__name(&r, &theme, SPEC__REQUIRED);
        spec->class =
            (enum campaign_class)(spec__choice(&r, &class, SPEC__REQUIRED, class_words) + 1);
        spec->legal_basis = spec__text(&r, &basis, SPEC__REQUIRED);
        read_window(&r, &top, spec, &zone);
        spec->audience = spec__text(&r, &audience, SPEC__REQUIRED);
        read_holdout(&r, &top, spec);
        read_budget(&r, &top, spec);
        read_goal(&r, &top, spec);
        read_hours(&r, &top, spec);
        read_canary(&r, &top, spec);
        struct campaign_utm utm = {0};
        spec__utm(&r, &top, NULL, &utm);
        spec__steps(&r, &steps, zone, &utm, spec);
        spec__utm_release(&utm);
        read_default_lang(&r, &top, spec);
    }
    if (r.code) {
        campaign_spec_free(&spec);
    }
    *spec_out = spec;
    return r.code;
}

void campaign_spec_free(struct campaign_spec **spec) {
    struct campaign_spec *s = *spec;
    if (!s) {
        return;
    }
    base_free(s->name);
    base_free(s->theme);
    base_free(s->legal_basis);
    base_free(s->timezone);
    base_free(s->audience);
    base_free(s->holdout_strata);
    base_free(s->budget_currency);
    base_free(s->default_lang);
    for (size_t i = 0; i < s->step_count; i++) {
        spec__step_release(&s->steps[i]);
    }
    base_free(s->steps);
    base_free(s);
    *spec = NULL;
}
