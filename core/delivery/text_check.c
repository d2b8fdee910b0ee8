/* The cost of a file's fixed letters; see text_check.h. */
#include "delivery/text_check.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/tr.h"
#include "campaign/store.h"
#include "channel/quote.h"
#include "delivery/rules_text.h"
#include "delivery/step.h"

#define TEXT_BYTES_MOST (size_t)(1 << 20)
#define STEP_REF 1

/* A key that is no message's own. */
#define NO_KEY "aaaaaaaaaaaaaaaaaaaa"

struct asking {
    const struct base_json *doc;
    const struct campaign_spec *spec;
    const struct rules *rules;
    struct channel_manifest *manifest;
    struct channel_spec *channel;
    struct channel_quote *quote;
    struct base_buf *notices;
    size_t step; /* index */
    const char *lang;
};

static int take_answer(void *arg, const struct channel_quoted *quoted) {
    struct asking *a = arg;
    const json_t *steps = json_object_get(base_json_root(a->doc), "steps");
    const json_t *content = json_object_get(json_array_get(steps, a->step), "content");
    struct base_err line = {0};
    char path[100];
    if (quoted->note.bytes) {
        snprintf(path, sizeof path, "steps[%zu].content.%.20s", a->step, a->lang);
        (void)base_json_fault(
            a->doc, json_object_get(content, a->lang), path, &line, STR_FMT, STR_ARG(quoted->note));
        base_buf_add_text(a->notices, line.text);
        base_buf_add_char(a->notices, '\n');
    }
    return 0;
}

/* The letters that stand there for everybody. */
static void without_tags(struct str text, struct base_buf *out) {
    while (text.bytes) {
        const char *open = memmem(text.at, text.bytes, "{{", 2);
        size_t before = open ? (size_t)(open - text.at) : text.bytes;
        base_buf_add(out, text.at, before);
        text = str_of(text.at + before, text.bytes - before);
        const char *close = open ? memmem(text.at, text.bytes, "}}", 2) : NULL;
        size_t skip = close ? (size_t)(close - text.at) + 2 : text.bytes;
        while (skip < text.bytes && text.at[skip] == '}') {
            skip++;
        }
        text = str_of(text.at + skip, text.bytes - skip);
    }
}

/* The text of one content row as it is before anybody's values; empty when the step has none. */
static void fixed_text(const struct asking *a, const struct campaign_content *content, size_t row,
    struct base_buf *out) {
    const struct campaign_step *step = &a->spec->steps[a->step];
    const char *name = a->manifest->content[row].name;
    struct base_buf ruled;
    base_buf_init(&ruled, TEXT_BYTES_MOST);
    for (size_t k = 0; k < step->field_count; k++) {
        if (content->fields[k] && strcmp(step->field_names[k], name) == 0) {
            const struct rule *rule =
                rules_of_campaign(a->rules, a->spec, a->manifest->kind, base_clock_now_ms());
            rules_text_put(rule, a->manifest, row, content->lang, a->channel->refusal_to,
                str_from(content->fields[k]), &ruled);
        }
    }
    without_tags(base_buf_str(&ruled), out);
    base_buf_release(&ruled);
}

static int ask(struct asking *a, const struct campaign_content *content, struct base_err *err) {
    struct base_buf texts[DELIVERY_FIELDS_MAX];
    struct str fields[DELIVERY_FIELDS_MAX];
    size_t rows = a->manifest->content_count;
    a->lang = content->lang;
    if (rows > DELIVERY_FIELDS_MAX) {
        return 0;
    }
    for (size_t row = 0; row < rows; row++) {
        base_buf_init(&texts[row], TEXT_BYTES_MOST);
        fixed_text(a, content, row, &texts[row]);
        fields[row] = base_buf_str(&texts[row]);
        fields[row].at = fields[row].at ? fields[row].at : "";
    }
    struct channel_quote_message message = {.want = CHANNEL_WANT_NOTE,
        .step_ref = STEP_REF,
        .key = STR(NO_KEY),
        .address = STR("+84900000000"),
        .name = STR(""),
        .lang = str_from(content->lang),
        .fields = fields};
    int rc = channel_quote_put(a->quote, &message, err);
    rc = rc ? rc : channel_quote_finish(a->quote, err);
    for (size_t row = 0; row < rows; row++) {
        base_buf_release(&texts[row]);
    }
    return rc;
}

static int ask_step(struct asking *a, const char *data_dir, struct base_err *err) {
    const struct campaign_step *step = &a->spec->steps[a->step];
    int rc = channel_quote_open(a->channel, a->manifest, data_dir, CHANNEL_QUOTE_PATIENT_MS,
        take_answer, a, &a->quote, err);
    if (rc == 0) {
        channel_quote_step(a->quote, STEP_REF, str_from(a->spec->name), str_from(step->name),
            str_from(campaign_class_word(a->spec->class)),
            str_from(step->accents ? step->accents : ""));
    }
    for (size_t i = 0; rc == 0 && i < step->content_count; i++) {
        rc = ask(a, &step->contents[i], err);
    }
    channel_quote_close(&a->quote);
    return rc;
}

static int load_channel(struct db *db, struct asking *a, struct base_err *err) {
    struct channel_row row = {0};
    struct base_json *doc = NULL;
    int rc = channel_get(db, a->spec->steps[a->step].channel, &row, err);
    rc = rc ? rc : channel_manifest_parse(row.manifest_text, &a->manifest, err);
    rc = rc ? rc : base_json_parse(str_from(row.spec_text), row.name, &doc, err);
    rc = rc ? rc : channel_spec_parse(doc, NULL, &a->channel, err);
    base_json_free(&doc);
    channel_row_release(&row);
    return rc;
}

int text_check(struct db *db, const char *data_dir, const struct base_json *doc,
    const struct campaign_spec *spec, struct base_buf *notices, struct base_err *err) {
    struct rules *rules = NULL;
    int rc = rules_load(db, &rules, err);
    for (size_t i = 0; rc == 0 && i < spec->step_count; i++) {
        struct asking a = {.doc = doc, .spec = spec, .rules = rules, .notices = notices, .step = i};
        struct base_err why = {0};
        if (load_channel(db, &a, &why) == 0 && a.manifest->capabilities & LANTOA_CAN_ACCENTS) {
            (void)ask_step(&a, data_dir, &why); /* what cannot be asked is said when it is used */
        }
        channel_spec_free(&a.channel);
        channel_manifest_free(&a.manifest);
    }
    rules_free(&rules);
    return rc;
}
