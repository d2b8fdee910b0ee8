/* A campaign opened for questions about its cost: its steps loaded, its channels asked through
 * hosts that send nothing, its ledger walked with the policy of now. Knows how to ask; what is
 * counted is cost.c's. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/tr.h"
#include "campaign/calendar.h"
#include "delivery/cost_private.h"
#include "delivery/plan.h"
#include "delivery/step_parts.h"

/* --- opening --- */

static int plan_copy(struct costing *c, struct db *db, const char *name, struct base_err *err) {
    struct plan_outcome outcome;
    int rc = scratch_open_plan(db, &c->scratch, err);
    if (rc == 0) {
        c->db = c->scratch.db;
        rc = campaign_plan(c->scratch.db, name, "cost", NULL, &outcome, err);
    }
    return rc;
}

static int load_campaign(struct costing *c, struct db *db, const char *name, struct base_err *err) {
    struct campaign_row row = {0};
    int rc = campaign_get(db, name, &row, err);
    if (rc == 0 && row.state == CAMPAIGN_DRAFT) {
        rc = plan_copy(c, db, name, err);
    }
    if (rc == 0) {
        rc = rules_load(c->db, &c->rules, err);
    }
    if (rc == 0) {
        rc = delivery_campaign_load(c->db, row.id, c->rules, &c->campaign, err);
    }
    campaign_row_release(&row);
    return rc;
}

static int open_channel(struct costing *c, int64_t id, const char *data_dir, struct base_err *err) {
    struct cost__channel *channel = &c->channels[c->channel_count++];
    struct channel_row row = {0};
    struct base_json *doc = NULL;
    channel->id = id;
    int rc = channel_get_id(c->db, id, &row, err);
    if (rc == 0) {
        rc = channel_manifest_parse(row.manifest_text, &channel->manifest, err);
    }
    if (rc == 0) {
        rc = base_json_parse(str_from(row.spec_text), row.name, &doc, err);
    }
    if (rc == 0) {
        rc = channel_spec_parse(doc, NULL, &channel->spec, err);
    }
    if (rc == 0) {
        rc = channel_quote_open(channel->spec, channel->manifest, data_dir,
            CHANNEL_QUOTE_PATIENT_MS, cost__answered, c, &channel->quote, err);
    }
    base_json_free(&doc);
    channel_row_release(&row);
    return rc;
}

/* When a step goes out: its own time, or after the step before, or now. */
static int64_t time_of(struct costing *c, const struct delivery_step *step, int64_t now_ms) {
    int64_t at = step->start_ms ? step->start_ms : c->campaign->open_ms;
    const struct delivery_step *before =
        step->after_id ? delivery_campaign_step(c->campaign, step->after_id) : NULL;
    if (before) {
        at = calendar_add(c->campaign->zone, time_of(c, before, now_ms), step->spec->when.delay);
    }
    return at > now_ms ? at : now_ms;
}

/* With its files, which a plugin may count, measure and show. */
static int tell_step(
    const struct cost__step *out, struct str class, const char *data_dir, struct base_err *err) {
    const struct delivery_step *step = out->step;
    struct step_parts parts;
    int rc = step_parts_load(data_dir, step, &parts, err);
    if (rc == 0) {
        rc = channel_quote_step_parts(out->channel->quote, step->ref,
            str_from(step->campaign->spec->name), str_from(step->spec->name), class,
            str_from(step->spec->accents ? step->spec->accents : ""), parts.at, parts.count, err);
    }
    step_parts_release(&parts);
    return rc;
}

static int open_step(struct costing *c, size_t index, const char *data_dir, struct base_err *err) {
    struct cost__step *out = &c->steps[index];
    struct delivery_step *step = &c->campaign->steps[index];
    const char *class = campaign_class_word(c->campaign->spec->class);
    size_t i = 0;
    while (i < c->channel_count && c->channels[i].id != step->channel_id) {
        i++;
    }
    int rc = i < c->channel_count ? 0 : open_channel(c, step->channel_id, data_dir, err);
    if (rc != 0) {
        return rc;
    }
    out->step = step;
    out->channel = &c->channels[i];
    out->at_ms = time_of(c, step, base_clock_now_ms());
    struct base_civil local =
        base_civil_from_ms(out->at_ms, calendar_offset_min(c->campaign->zone, out->at_ms));
    out->day = base_days_from_date((struct base_date){local.year, local.month, local.day});
    if (out->channel->spec->prices) {
        out->tariff = channel_tariff_new(out->channel->spec->prices, class, out->day);
    }
    return tell_step(out, str_from(class), data_dir, err);
}

static int prepare(struct costing *c, struct base_err *err) {
    return db_prepare(c->db,
        "SELECT m.id, m.state, m.reason, p.state, p.reason, m.units, m.minor, " CONTACT_COLUMNS
        ", " POLICY_COLUMNS("'email'", "'phone'", "?4",
            "?5") " FROM message m "
                  "LEFT JOIN contact c ON c.id = " LEDGER_RECIPIENT_SQL(
                      "m.id") " "
                              "LEFT JOIN message p ON p.id = m.id - ?3 "
                              "WHERE m.id BETWEEN ?1 AND ?2 ORDER BY m.id",
        &c->rows, err);
}

int costing_open(struct db *db, const char *data_dir, const char *campaign,
    struct costing **costing_out, struct base_err *err) {
    struct costing *c = base_alloc(sizeof *c);
    c->db = db;
    int rc = load_campaign(c, db, campaign, err);
    if (rc == 0) {
        c->steps = base_alloc_array(c->campaign->step_count + 1, sizeof *c->steps);
        c->channels = base_alloc_array(c->campaign->step_count + 1, sizeof *c->channels);
        rc = channel_operators_load(&c->operators, err);
    }
    for (size_t i = 0; rc == 0 && i < c->campaign->step_count; i++) {
        rc = open_step(c, i, data_dir, err);
    }
    if (rc == 0) {
        rc = delivery_renderer_new(c->db, &c->renderer, err);
    }
    if (rc == 0) {
        rc = prepare(c, err);
    }
    if (rc != 0) {
        costing_close(&c);
        return rc;
    }
    *costing_out = c;
    return 0;
}

void costing_close(struct costing **costing) {
    struct costing *c = *costing;
    if (!c) {
        return;
    }
    for (size_t i = 0; c->steps && i < c->campaign->step_count; i++) {
        channel_tariff_free(&c->steps[i].tariff);
    }
    for (size_t i = 0; i < c->channel_count; i++) {
        channel_quote_close(&c->channels[i].quote);
        channel_spec_free(&c->channels[i].spec);
        channel_manifest_free(&c->channels[i].manifest);
    }
    db_finish(&c->rows);
    delivery_renderer_free(&c->renderer);
    delivery_campaign_free(&c->campaign);
    rules_free(&c->rules);
    channel_operators_free(&c->operators);
    scratch_close(&c->scratch);
    base_free(c->steps);
    base_free(c->channels);
    base_free(c->buckets);
    base_free(c->prices);
    base_free(c);
    *costing = NULL;
}

/* --- walking --- */

int cost__each(struct costing *c, const struct cost__step *step, int64_t first, int64_t last,
    int (*each)(struct costing *c, const struct cost__step *step, struct cost__message *message,
        struct base_err *err),
    struct base_err *err) {
    const struct delivery_step *s = step->step;
    db_bind_i64(c->rows, 1, first);
    db_bind_i64(c->rows, 2, last);
    db_bind_i64(c->rows, 3, s->after_id ? (s->id - s->after_id) << LEDGER_STEP_SHIFT : 0);
    db_bind_text(c->rows, 4, s->manifest->kind);
    db_bind_text(c->rows, 5, campaign_class_word(c->campaign->spec->class));
    int rc;
    while ((rc = db_step(c->rows, err)) == 1) {
        struct cost__message message = {.id = db_column_i64(c->rows, 0),
            .state = (int)db_column_i64(c->rows, 1),
            .reason = (int)db_column_i64(c->rows, 2),
            .before_state = db_column_is_null(c->rows, 3) ? -1 : (int)db_column_i64(c->rows, 3),
            .before_reason = (int)db_column_i64(c->rows, 4),
            .units = db_column_is_null(c->rows, 5) ? -1 : db_column_i64(c->rows, 5),
            .minor = db_column_is_null(c->rows, 6) ? -1 : db_column_i64(c->rows, 6)};
        if (message.state < MESSAGE_SENDING) { /* of an earlier try */
            message.units = message.minor = -1;
        }
        policy_read(c->rows, 7, &message.person);
        rc = each(c, step, &message, err);
        if (rc != 0) {
            break;
        }
    }
    db_reset(c->rows);
    return rc;
}

/* Whether what is known of the step before already says that this one will not come. */
static bool never_comes(const struct cost__step *step, const struct cost__message *message) {
    const struct campaign_when *when = &step->step->spec->when;
    bool over =
        message->before_state == MESSAGE_SUPPRESSED || message->before_state == MESSAGE_FAILED;
    if (step->step->after_id == 0) {
        return false;
    }
    if (when->fallback_count) {
        return over ? !policy_fallback_fits(when, message->before_reason)
                    : message->before_state == MESSAGE_DELIVERED ||
                          message->before_state == MESSAGE_UNCERTAIN || message->before_state < 0;
    }
    return over || message->before_state < 0;
}

int cost__reason(struct costing *c, const struct cost__step *step, struct cost__message *message,
    int *reason_out, struct base_err *err) {
    *reason_out = message->state == MESSAGE_SUPPRESSED ? message->reason : 0;
    if (*reason_out != 0) {
        return 0;
    }
    int reason = policy_check(step->step, &message->person);
    bool open = message->state == MESSAGE_PLANNED || message->state == MESSAGE_HELD;
    if (!open) {
        return 0; /* it has gone out: the address was found, and it has its price */
    }
    if (reason == 0 && never_comes(step, message)) {
        reason = SUPPRESSED_CONDITION;
    }
    if (reason == 0 && step->step->only_if) {
        bool match;
        int rc = segment_match(
            step->step->only_if, c->db, &message->person.contact, step->day, &match, err);
        if (rc != 0) {
            return rc;
        }
        reason = match ? 0 : SUPPRESSED_CONDITION;
    }
    *reason_out = reason;
    return 0;
}

int cost__render(struct costing *c, const struct cost__step *step,
    const struct cost__message *message, size_t *lang_out, struct str *fields_out,
    struct base_err *err) {
    *lang_out = delivery_lang(step->step, &message->person.contact);
    return delivery_render(c->renderer, step->step, *lang_out, &message->person.contact, COST__KEY,
        step->at_ms, fields_out, err);
}
