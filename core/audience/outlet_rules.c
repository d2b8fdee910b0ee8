/* What holds where an outlet says nothing itself: quiet hours, minutes a day. */
#include "audience/outlet_private.h"

#include "base/mem.h"
#include "base/tr.h"
#include "store/schema.h"

#include "outlet_rules_default.inc"

#define META_KEY "outlet_rules"

const char *outlet_rules_default(void) {
    return (const char *)outlet_rules_json;
}

static int check_keys(const struct base_json *doc, json_t *root, struct base_err *err) {
    static const char *const known[] = {"note", "source", "quiet", "minutes_per_day", "lead_hours"};
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value) {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
            found = found || strcmp(key, known[i]) == 0;
        }
        if (!found) {
            return base_json_fault(doc, value, key, err, "%s", TR("unknown field"));
        }
    }
    return 0;
}

/* Rules that say nothing of it, as those of before, mean the built-in ones. */
static int built_in_leads(struct outlet_rules *rules, struct base_err *err) {
    struct base_json *doc = NULL;
    struct outlet_rules built_in;
    int rc = base_json_parse(str_from(outlet_rules_default()), "outlet rules", &doc, err);
    rc = rc ? rc : outlet_rules_parse(doc, &built_in, err);
    if (rc == 0) {
        memcpy(rules->leads, built_in.leads, sizeof rules->leads);
        rules->lead_count = built_in.lead_count;
    }
    base_json_free(&doc);
    return rc;
}

static int read_leads(
    const struct base_json *doc, json_t *leads, struct outlet_rules *rules, struct base_err *err) {
    const char *device;
    json_t *hours;
    if (!leads) {
        return built_in_leads(rules, err);
    }
    if (!json_is_object(leads) || json_object_size(leads) > OUTLET_LEADS_MAX) {
        return base_json_fault(doc, leads, "lead_hours", err,
            TR("must be an object of at most %d kinds of devices with hours, as {\"paper:\": 744}"),
            OUTLET_LEADS_MAX);
    }
    json_object_foreach(leads, device, hours) {
        struct outlet_lead *lead = &rules->leads[rules->lead_count];
        if (!device[0] || strlen(device) >= sizeof lead->device) {
            return base_json_fault(doc, hours, "lead_hours", err,
                TR("'%s' is not how a device's address begins"), device);
        }
        if (!json_is_integer(hours) || json_integer_value(hours) < 0 ||
            json_integer_value(hours) > OUTLET_LEAD_HOURS_MAX) {
            return base_json_fault(doc, hours, "lead_hours", err,
                TR("must be a number from 0 to %d"), OUTLET_LEAD_HOURS_MAX);
        }
        (void)snprintf(lead->device, sizeof lead->device, "%s", device);
        lead->hours = (int)json_integer_value(hours);
        rules->lead_count++;
    }
    return 0;
}

int64_t outlet_rules_lead_ms(const struct outlet_rules *rules, const char *device) {
    const struct outlet_lead *best = NULL;
    for (size_t i = 0; device && i < rules->lead_count; i++) {
        const struct outlet_lead *lead = &rules->leads[i];
        if (strncmp(device, lead->device, strlen(lead->device)) == 0 &&
            (!best || strlen(lead->device) > strlen(best->device))) {
            best = lead;
        }
    }
    int64_t lead_ms = best ? (int64_t)best->hours * 3600000 : 0;
    return lead_ms > OUTLET_LEAD_LEAST_MS ? lead_ms : OUTLET_LEAD_LEAST_MS;
}

int outlet_rules_parse(
    const struct base_json *doc, struct outlet_rules *rules_out, struct base_err *err) {
    json_t *root = base_json_root(doc);
    json_t *quiet = json_object_get(root, "quiet");
    json_t *minutes = json_object_get(root, "minutes_per_day");
    json_t *source = json_object_get(root, "source");
    struct base_err why = {0};
    *rules_out = (struct outlet_rules){0};
    if (!json_is_object(root)) {
        return base_json_fault(doc, root, "", err, "%s", TR("must be an object"));
    }
    int rc = check_keys(doc, root, err);
    if (rc) {
        return rc;
    }
    if (!json_is_string(source) || json_string_length(source) == 0) {
        return base_json_fault(
            doc, source, "source", err, "%s", TR("a rule names its source: who set it, when"));
    }
    if (!json_is_string(quiet)) {
        return base_json_fault(
            doc, quiet, "quiet", err, "%s", TR("the quiet hours are needed, as 22:00-05:00"));
    }
    if (outlet_windows_parse(str_from(json_string_value(quiet)), OUTLET_WRAP, rules_out->quiet,
            &rules_out->quiet_count, &why) != 0) {
        return base_json_fault(doc, quiet, "quiet", err, "%s", why.text);
    }
    if (!json_is_integer(minutes) || json_integer_value(minutes) < 1 ||
        json_integer_value(minutes) > OUTLET_DAY_MINUTES) {
        return base_json_fault(
            doc, minutes, "minutes_per_day", err, "%s", TR("must be a number from 1 to 1440"));
    }
    rules_out->minutes_per_day = (int)json_integer_value(minutes);
    return read_leads(doc, json_object_get(root, "lead_hours"), rules_out, err);
}

int outlet_rules_text(struct db *db, char **text_out, struct base_err *err) {
    struct base_err missing = {0};
    int rc = schema_meta_get(db, META_KEY, text_out, &missing);
    if (rc == LANTOA_ENOENT) {
        *text_out = base_strdup(outlet_rules_default());
        rc = 0;
    }
    return rc ? base_err_set(err, rc, "%s", missing.text) : 0;
}

bool outlet_rules_are(const struct base_json *doc) {
    return json_object_get(base_json_root(doc), "quiet") != NULL;
}

int outlet_rules_load(struct db *db, struct outlet_rules *rules_out, struct base_err *err) {
    char *text = NULL;
    struct base_json *doc = NULL;
    int rc = outlet_rules_text(db, &text, err);
    rc = rc ? rc : base_json_parse(str_from(text), "outlet rules", &doc, err);
    rc = rc ? rc : outlet_rules_parse(doc, rules_out, err);
    base_json_free(&doc);
    base_free(text);
    return rc;
}

/* Outlets that keep to the rules may not find a window of theirs inside the new quiet hours. */
static int check_outlets(struct db *db, const struct outlet_rules *rules, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT code, windows FROM outlet WHERE quiet IS NULL AND state <> 'retired' ORDER BY code",
        &stmt, err);
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        struct outlet_window windows[OUTLET_WINDOWS_MAX];
        size_t count = 0;
        rc = outlet__windows_from_json(db_column_str(stmt, 1), windows, &count, err);
        const struct outlet_window *bad =
            outlet__window_in_quiet(windows, count, rules->quiet, rules->quiet_count);
        if (rc == 0 && bad) {
            struct base_buf shown;
            base_buf_init(&shown, 200);
            outlet_windows_shown(bad, 1, &shown);
            rc = base_err_set(err, LANTOA_ESTATE,
                TR("field quiet: outlet %.*s has the window %s inside the new quiet hours; change "
                   "its windows first, or give it quiet hours of its own"),
                STR_ARG(db_column_str(stmt, 0)), base_buf_text(&shown));
            base_buf_release(&shown);
        }
    }
    db_finish(&stmt);
    return rc;
}

int outlet_rules_apply(struct db *db, const char *path, struct base_err *err) {
    struct base_json *doc = NULL;
    struct outlet_rules rules;
    int rc = base_json_load(path, &doc, err);
    rc = rc ? rc : outlet_rules_parse(doc, &rules, err);
    if (rc == 0) {
        struct base_err why = {0};
        rc = check_outlets(db, &rules, &why);
        if (rc) {
            rc = base_err_set(err, rc, "%s: %s", path, why.text);
        }
    }
    if (rc == 0) {
        char *text = json_dumps(base_json_root(doc), JSON_COMPACT);
        rc = schema_meta_set(db, META_KEY, text, err);
        base_free(text);
    }
    base_json_free(&doc);
    return rc;
}
