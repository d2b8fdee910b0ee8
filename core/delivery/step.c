/* Loads a campaign's steps and compiles everything that is the same for all their messages. */
#include "delivery/step.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/tr.h"
#include "channel/manifest.h"
#include "delivery/render.h"
#include "delivery/rules_text.h"

#define LINKED_BYTES_MAX (size_t)(16 << 20) /* of a text with its links */

struct partials {
    json_t *of_lang; /* object name -> text, or NULL */
    struct delivery_links *links;
    bool html;
    struct base_arena *arena; /* of rewritten texts, until the template is compiled */
    struct base_err *err;     /* of a rewriting that failed */
};

/* *text_io becomes the text with its addresses turned into links. */
static int put_links(const struct partials *p, struct str *text_io) {
    struct base_buf out;
    if (!p->links) {
        return 0;
    }
    base_buf_init(&out, LINKED_BYTES_MAX);
    int rc = delivery_links_rewrite(p->links, *text_io, p->html, &out, p->err);
    if (rc == 0 && !base_buf_ok(&out)) {
        rc = base_err_set(p->err, LANTOA_ELIMIT, "%s", TR("is too large"));
    }
    *text_io = str_of(base_arena_strndup(p->arena, out.at ? out.at : "", out.bytes), out.bytes);
    base_buf_release(&out);
    return rc;
}

static int find_partial(void *arg, struct str name, struct str *text_out) {
    const struct partials *partials = arg;
    char key[128];
    if (name.bytes >= sizeof key) {
        return LANTOA_ENOENT;
    }
    memcpy(key, name.at, name.bytes);
    key[name.bytes] = '\0';
    const char *text = json_string_value(json_object_get(partials->of_lang, key));
    if (!text) {
        return LANTOA_ENOENT;
    }
    *text_out = str_from(text);
    return put_links(partials, text_out);
}

static int compile_field(
    struct delivery_step *step, size_t lang, size_t row, const char *text, struct base_err *err) {
    const struct channel_content *content = &step->manifest->content[row];
    struct delivery_template *out = &step->templates[lang * step->manifest->content_count + row];
    json_t *all = json_object_get(step->campaign->theme->root, "partials");
    bool html = content->flags & LANTOA_CONTENT_HTML;
    struct delivery_links *links = content->flags & LANTOA_CONTENT_AS_IS ? NULL : step->links;
    struct base_err fault = {0};
    struct partials partials = {
        json_object_get(all, step->langs[lang]), links, html, base_arena_new(), &fault};
    struct base_buf ruled;
    base_buf_init(&ruled, strlen(text) + 16384);
    rules_text_put(step->rule, step->manifest, row, step->langs[lang], step->refusal_to,
        str_from(text), &ruled);
    struct str linked = base_buf_str(&ruled);
    int rc = put_links(&partials, &linked);
    if (rc == 0) {
        rc = template_compile(linked, html ? TEMPLATE_HTML : TEMPLATE_TEXT, step->langs[lang],
            find_partial, &partials, &out->template, err);
    }
    if (fault.code != 0) {
        rc = base_err_set(err, fault.code, "%s", fault.text);
    }
    base_arena_free(&partials.arena);
    base_buf_release(&ruled);
    if (rc != 0) {
        return base_err_prefix(err, "%s/%s/%s", step->spec->name, step->langs[lang], content->name);
    }
    out->single_line = content->flags & LANTOA_CONTENT_SINGLE_LINE;
    delivery_values_resolve(step, step->langs[lang], out);
    return 0;
}

static int compile_templates(struct delivery_step *step, struct base_err *err) {
    const struct campaign_step *spec = step->spec;
    size_t rows = step->manifest->content_count;
    step->lang_count =
        spec->content_count < DELIVERY_LANGS_MAX ? spec->content_count : DELIVERY_LANGS_MAX;
    step->templates = base_alloc_array(step->lang_count * rows + 1, sizeof *step->templates);
    for (size_t lang = 0; lang < step->lang_count; lang++) {
        step->langs[lang] = spec->contents[lang].lang;
        for (size_t field = 0; field < spec->field_count; field++) {
            const char *text = spec->contents[lang].fields[field];
            for (size_t row = 0; text && row < rows; row++) {
                if (strcmp(step->manifest->content[row].name, spec->field_names[field]) == 0) {
                    int rc = compile_field(step, lang, row, text, err);
                    if (rc != 0) {
                        return rc;
                    }
                }
            }
        }
    }
    return 0;
}

const struct rule *delivery_step_rule(
    const struct delivery_step *step, const struct rules *rules, int64_t now_ms) {
    int64_t at_ms = step->start_ms > now_ms ? step->start_ms : now_ms;
    return rules_of_campaign(rules, step->campaign->spec, step->manifest->kind, at_ms);
}

/* The rule of the moment the step goes out, and what it demands of channel and content. */
static void take_rule(
    struct delivery_step *step, const struct rules *rules, const struct channel_spec *channel) {
    char why[400];
    const char *field;
    step->rule = delivery_step_rule(step, rules, base_clock_now_ms());
    step->release = true;
    step->refusal_to = channel->refusal_to ? base_strdup(channel->refusal_to) : NULL;
    rules_text_fault(step->rule, step->manifest, channel, step->spec, &field, why, sizeof why);
    step->forbidden = why[0] ? base_strdup(why) : NULL;
}

static int load_utm(const struct delivery_step *step, const struct channel_spec *channel,
    struct delivery_utm **utm_out, struct base_err *err) {
    const struct delivery_utm_facts facts = {.channel = step->spec->channel,
        .kind = step->manifest->kind,
        .plugin = channel->plugin,
        .campaign = step->campaign->spec->name,
        .theme = step->campaign->spec->theme,
        .step = step->spec->name};
    int rc = delivery_utm_new(&step->spec->utm, &facts, utm_out, err);
    return rc ? base_err_prefix(err, "%s", step->spec->name) : 0;
}

static int load_channel(struct db *db, struct delivery_step *step, const struct rules *rules,
    struct delivery_utm **utm_out, struct base_err *err) {
    struct channel_row row = {0};
    struct channel_spec *spec = NULL;
    struct base_json *doc = NULL;
    int rc = channel_get_id(db, step->channel_id, &row, err);
    if (rc == 0) {
        rc = channel_manifest_parse(row.manifest_text, &step->manifest, err);
    }
    if (rc == 0) {
        rc = base_json_parse(str_from(row.spec_text), row.name, &doc, err);
    }
    if (rc == 0) {
        rc = channel_spec_parse(doc, NULL, &spec, err);
    }
    if (rc == 0) {
        step->price_minor = spec->price_minor;
        step->has_prices = spec->prices != NULL;
        take_rule(step, rules, spec);
        rc = load_utm(step, spec, utm_out, err);
    }
    channel_spec_free(&spec);
    base_json_free(&doc);
    channel_row_release(&row);
    return rc;
}

static int load_step(
    struct db *db, struct delivery_step *step, const struct rules *rules, struct base_err *err) {
    struct delivery_utm *utm = NULL;
    int rc = load_channel(db, step, rules, &utm, err);
    if (rc != 0) {
        return rc;
    }
    /* A draft is being planned, or looked at before planning: its addresses become links. */
    rc = delivery_links_load(db, step->id,
        step->campaign->row.state == CAMPAIGN_DRAFT ? LINKS_PLANNING : LINKS_AS_PLANNED, utm,
        &step->links, err);
    if (rc == 0) {
        rc = compile_templates(step, err);
    }
    if (rc == 0 && step->spec->only_if) {
        rc = segment_parse(db, str_from(step->spec->only_if), &step->only_if, NULL, err);
    }
    step->cursor = ledger_first(step->id) - 1;
    if (step->spec->airings.on) { /* all its rows have a time of their own */
        step->cursor = step->last_id;
        step->swept = true;
    }
    return rc;
}

static int load_steps(struct db *db, struct delivery_campaign *campaign, const struct rules *rules,
    struct base_err *err) {
    struct db_stmt *stmt = NULL;
    size_t room = 0;
    int rc = db_prepare(db,
        "SELECT id, position, occurrence, channel_id, state, start_at, after_id, first_sent_at, "
        "last_sent_at, wave_state, wave_last, wave_at, "
        "(SELECT max(m.id) FROM message m WHERE m.id <= ((s.id + 1) << 43) - 1 AND m.id >= (s.id "
        "<< 43)) "
        "FROM step s WHERE campaign_id = ?1 ORDER BY position, occurrence",
        &stmt, err);
    if (rc != 0) {
        return rc;
    }
    db_bind_i64(stmt, 1, campaign->id);
    while ((rc = db_step(stmt, err)) == 1) {
        if (campaign->step_count == room) {
            room = room ? 2 * room : 8;
            campaign->steps = base_realloc(campaign->steps, room * sizeof *campaign->steps);
        }
        struct delivery_step *step = &campaign->steps[campaign->step_count++];
        *step = (struct delivery_step){.id = db_column_i64(stmt, 0),
            .ref = (uint32_t)db_column_i64(stmt, 0),
            .campaign = campaign,
            .occurrence = (int)db_column_i64(stmt, 2),
            .channel_id = db_column_i64(stmt, 3),
            .state = (enum step_state)db_column_i64(stmt, 4),
            .start_ms = db_column_i64(stmt, 5),
            .after_id = db_column_i64(stmt, 6),
            .first_sent_ms = db_column_i64(stmt, 7),
            .last_sent_ms = db_column_i64(stmt, 8),
            .wave = (enum step_wave)db_column_i64(stmt, 9),
            .wave_last = db_column_i64(stmt, 10),
            .wave_at_ms = db_column_i64(stmt, 11),
            .last_id = db_column_i64(stmt, 12)};
        int64_t position = db_column_i64(stmt, 1);
        if (position < 0 || (size_t)position >= campaign->spec->step_count) {
            rc = base_err_set(err, LANTOA_ECORRUPT,
                TR("the steps of campaign %s do not fit its file"), campaign->row.name);
            break;
        }
        step->spec = &campaign->spec->steps[position];
    }
    db_finish(&stmt);
    for (size_t i = 0; rc == 0 && i < campaign->step_count; i++) {
        rc = load_step(db, &campaign->steps[i], rules, err);
    }
    return rc;
}

static int load_theme(struct db *db, struct delivery_campaign *campaign, struct base_err *err) {
    struct base_json *doc = NULL;
    char *text = NULL;
    int rc = campaign_export(db, "theme", campaign->spec->theme, &text, err);
    if (rc == 0) {
        rc = base_json_parse(str_from(text), campaign->spec->theme, &doc, err);
    }
    if (rc == 0) {
        rc = theme_spec_parse(doc, &campaign->theme, err);
    }
    base_json_free(&doc);
    base_free(text);
    return rc;
}

int delivery_campaign_spent(
    struct db *db, struct delivery_campaign *campaign, struct base_err *err) {
    campaign->spent_minor = 0;
    for (size_t i = 0; i < campaign->step_count; i++) {
        const struct delivery_step *step = &campaign->steps[i];
        if (!delivery_step_books(step)) {
            continue;
        }
        /* A message that was taken and failed later is charged all the same; one that was refused
         * has lost its amount. Rows of before amounts were kept have the price of a message. */
        struct db_stmt *stmt = NULL;
        int rc = db_prepare(db,
            "SELECT sum(CASE WHEN minor IS NOT NULL THEN minor WHEN state <> 6 THEN ?3 ELSE 0 END) "
            "FROM message WHERE id BETWEEN ?1 AND ?2 AND state >= 3",
            &stmt, err);
        if (rc != 0) {
            return rc;
        }
        db_bind_i64(stmt, 1, ledger_first(step->id));
        db_bind_i64(stmt, 2, ledger_last(step->id));
        db_bind_i64(stmt, 3, step->price_minor);
        rc = db_step(stmt, err);
        if (rc == 1) {
            campaign->spent_minor += db_column_i64(stmt, 0);
        }
        db_finish(&stmt);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

static void set_window(struct delivery_campaign *campaign) {
    const struct campaign_spec *spec = campaign->spec;
    struct base_date end = base_date_from_days(base_days_from_date(spec->to) + 1);
    campaign->open_ms = calendar_to_ms(campaign->zone,
        (struct base_civil){spec->from.year, spec->from.month, spec->from.day, 0, 0, 0, 0});
    campaign->close_ms = calendar_to_ms(
        campaign->zone, (struct base_civil){end.year, end.month, end.day, 0, 0, 0, 0});
}

int delivery_campaign_load(struct db *db, int64_t campaign_id, const struct rules *rules,
    struct delivery_campaign **campaign_out, struct base_err *err) {
    struct delivery_campaign *campaign = base_alloc(sizeof *campaign);
    campaign->id = campaign_id;
    int rc = campaign_get_id(db, campaign_id, &campaign->row, err);
    if (rc == 0) {
        rc = campaign_row_spec(&campaign->row, &campaign->spec, err);
    }
    if (rc == 0) {
        rc = calendar_zone_find(campaign->spec->timezone, &campaign->zone, err);
    }
    if (rc == 0) {
        set_window(campaign);
        rc = load_theme(db, campaign, err);
    }
    if (rc == 0) {
        rc = lot_load(db, campaign->id, &campaign->lot, err);
    }
    if (rc == 0) {
        rc = load_steps(db, campaign, rules, err);
    }
    if (rc == 0) {
        rc = delivery_campaign_spent(db, campaign, err);
    }
    if (rc != 0) {
        rc = base_err_prefix(err, TR("campaign %s"), campaign->row.name ? campaign->row.name : "?");
        delivery_campaign_free(&campaign);
        return rc;
    }
    *campaign_out = campaign;
    return 0;
}

static void release_step(struct delivery_step *step) {
    size_t count =
        step->manifest && step->templates ? step->lang_count * step->manifest->content_count : 0;
    for (size_t i = 0; i < count; i++) {
        delivery_values_free(&step->templates[i]);
        template_free(&step->templates[i].template);
    }
    base_free(step->templates);
    base_free(step->forbidden);
    base_free(step->refusal_to);
    segment_free(&step->only_if);
    delivery_links_free(&step->links);
    channel_manifest_free(&step->manifest);
}

void delivery_campaign_free(struct delivery_campaign **campaign) {
    struct delivery_campaign *c = *campaign;
    if (!c) {
        return;
    }
    for (size_t i = 0; i < c->step_count; i++) {
        release_step(&c->steps[i]);
    }
    base_free(c->steps);
    lot_free(&c->lot);
    theme_spec_free(&c->theme);
    campaign_spec_free(&c->spec);
    campaign_row_release(&c->row);
    base_free(c);
    *campaign = NULL;
}

struct delivery_step *delivery_campaign_step(struct delivery_campaign *campaign, int64_t step_id) {
    for (size_t i = 0; i < campaign->step_count; i++) {
        if (campaign->steps[i].id == step_id) {
            return &campaign->steps[i];
        }
    }
    return NULL;
}
