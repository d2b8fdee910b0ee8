/* Checks a campaign against the database and its channels, and lists everything that is wrong with
 * it at once. The content of the steps is checked in check_content.c. */
#include "campaign/check_private.h"

#include "audience/segment.h"
#include "base/mem.h"
#include "base/tr.h"

#include <stdarg.h>
#include <stdio.h>

void spec__finding(struct spec__check *c, const struct spec__node *node, const char *fmt, ...) {
    char text[800];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    struct base_err line = {0};
    struct spec__reader reader = {.doc = c->doc, .err = &line};
    spec__fault(&reader, node, "%s", text);
    base_buf_add_text(c->findings, line.text);
    base_buf_add_char(c->findings, '\n');
    c->count++;
}

bool spec__is_finding(int code) {
    return code == LANTOA_EINVAL || code == LANTOA_ENOENT || code == LANTOA_ELIMIT ||
           code == LANTOA_EEXIST;
}

static int check_theme(struct spec__check *c, const struct spec__node *top) {
    struct base_err why = {0};
    int code = theme__load(c->db, c->spec->theme, &c->theme, &why);
    if (code == 0) {
        return 0;
    }
    if (!spec__is_finding(code)) {
        return base_err_set(c->err, code, "%s", why.text);
    }
    struct spec__node node = spec__child(top, "theme");
    spec__finding(c, &node, "%s", why.text);
    return 0;
}

/* own_campaign: a name that counts as known; "": none. */
static int check_expression(struct spec__check *c, const struct spec__node *node,
    const char *expression, const char *own_campaign) {
    struct segment *segment = NULL;
    struct base_err why = {0};
    int code = segment_parse_own(
        c->db, str_from(expression), str_from(own_campaign), &segment, NULL, &why);
    segment_free(&segment);
    if (code == 0) {
        return 0;
    }
    if (!spec__is_finding(code)) {
        return base_err_set(c->err, code, "%s", why.text);
    }
    spec__finding(c, node, "%s", why.text);
    return 0;
}

/* The manifest of the step's channel; NULL with a finding when there is no such channel. */
static int find_channel(struct spec__check *c, const struct spec__node *step_node,
    const struct campaign_step *step, struct channel_manifest **manifest_out) {
    struct channel_row row = {0};
    struct base_err why = {0};
    *manifest_out = NULL;
    int code = channel_get(c->db, step->channel, &row, &why);
    if (code == 0) {
        code = channel_manifest_parse(row.manifest_text, manifest_out, &why);
        if (code) {
            *manifest_out = NULL;
        }
    }
    channel_row_release(&row);
    if (code == 0) {
        return 0;
    }
    if (!spec__is_finding(code)) {
        return base_err_set(c->err, code, "%s", why.text);
    }
    struct spec__node node = spec__child(step_node, "channel");
    spec__finding(c, &node, "%s", why.text);
    return 0;
}

static void check_attachments(struct spec__check *c, const struct spec__node *step_node,
    const struct campaign_step *step, const struct channel_manifest *manifest) {
    struct spec__node list = spec__child(step_node, "attachments");
    if (step->attachment_count > 0 && manifest && !(manifest->capabilities & LANTOA_CAN_PARTS)) {
        spec__finding(c, &list, TR("channel '%s' takes no attachments"), step->channel);
        return;
    }
    size_t total = 0;
    for (size_t i = 0; i < step->attachment_count; i++) {
        struct spec__node item = spec__item(&list, i);
        struct spec__node file = spec__child(&item, "file");
        struct base_buf bytes;
        struct base_err why = {0};
        base_buf_init(&bytes, STORE__MATERIAL_MOST);
        if (material__read(&step->attachments[i], c->base_dir, c->data_dir, &bytes, &why)) {
            spec__finding(c, &file, "%s", why.text);
        }
        total += bytes.bytes;
        base_buf_release(&bytes);
    }
    if (total > STORE__MATERIAL_MOST) {
        spec__finding(c, &list, TR("the attachments have %zu bytes, at most %zu may be sent"),
            total, (size_t)STORE__MATERIAL_MOST);
    }
}

static int check_step(
    struct spec__check *c, const struct spec__node *step_node, const struct campaign_step *step) {
    struct channel_manifest *manifest;
    int code = find_channel(c, step_node, step, &manifest);
    if (code == 0 && step->only_if) {
        struct spec__node only_if = spec__child(step_node, "only_if");
        code = check_expression(c, &only_if, step->only_if, c->spec->name);
    }
    if (code == 0 && step->accents && manifest && !(manifest->capabilities & LANTOA_CAN_ACCENTS)) {
        struct spec__node accents = spec__child(step_node, "accents");
        spec__finding(c, &accents, TR("channel '%s' leaves accents alone"), step->channel);
    }
    if (code == 0) {
        code = spec__check_content(c, step_node, step, manifest);
    }
    if (code == 0) {
        code = spec__check_airings(c, step_node, step, manifest);
    }
    if (code == 0) {
        check_attachments(c, step_node, step, manifest);
    }
    channel_manifest_free(&manifest);
    return code;
}

int campaign__check(struct db *db, const struct base_json *doc, const struct campaign_spec *spec,
    const char *base_dir, const char *data_dir, struct base_buf *findings, struct base_err *err) {
    struct spec__check c = {.db = db,
        .doc = doc,
        .spec = spec,
        .base_dir = base_dir,
        .data_dir = data_dir,
        .findings = findings,
        .err = err};
    base_buf_init(&c.names, 1 << 20);
    struct spec__node top = spec__root(doc);
    struct spec__node audience = spec__child(&top, "audience");
    struct spec__node steps = spec__child(&top, "steps");
    int code = check_theme(&c, &top);
    if (code == 0) {
        code = check_expression(&c, &audience, spec->audience, "");
    }
    for (size_t i = 0; i < spec->step_count && code == 0; i++) {
        struct spec__node step = spec__item(&steps, i);
        code = check_step(&c, &step, &spec->steps[i]);
    }
    theme_spec_free(&c.theme);
    base_buf_release(&c.names);
    if (code == 0 && c.count > 0) {
        code = base_err_set(
            err, LANTOA_EINVAL, TR("campaign '%s' has %zu faults"), spec->name, c.count);
    }
    return code;
}

int campaign_check(struct db *db, const struct base_json *doc, const struct campaign_spec *spec,
    const char *base_dir, struct base_buf *findings, struct base_err *err) {
    return campaign__check(db, doc, spec, base_dir, NULL, findings, err);
}
