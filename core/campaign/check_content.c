/* Checks the texts of a step: against the rows its channel declares, as templates, and the names
 * they use against what is known of contacts. */
#include "campaign/check_private.h"
#include "campaign/contribution.h"
#include "campaign/template.h"

#include "base/tr.h"

/* Built-in fields of a contact that a text can show; the custom ones come from the database. */
static const char shown_fields[] =
    "name phone email ref person_id birth_date sex household enrolled_on lang ";
/* Columns of an import that become something else; in a text they would be missing for everybody.
 */
static const char hidden_fields[] = "si_code place_code enrolled consent";

static const struct channel_content *find_row(
    const struct channel_manifest *manifest, const char *name) {
    for (size_t i = 0; i < manifest->content_count; i++) {
        if (strcmp(manifest->content[i].name, name) == 0) {
            return &manifest->content[i];
        }
    }
    return NULL;
}

static void check_required(struct spec__check *c, const struct spec__node *lang_node,
    const struct campaign_step *step, const struct campaign_content *content,
    const struct channel_manifest *manifest) {
    for (size_t i = 0; i < manifest->content_count; i++) {
        const struct channel_content *row = &manifest->content[i];
        const char *text = NULL;
        for (size_t k = 0; k < step->field_count; k++) {
            if (strcmp(step->field_names[k], row->name) == 0) {
                text = content->fields[k];
            }
        }
        if ((row->flags & LANTOA_CONTENT_REQUIRED) && str_trim(str_from(text)).bytes == 0) {
            struct spec__node node = spec__child(lang_node, row->name);
            spec__finding(c, &node, TR("channel '%s' needs '%s'"), step->channel, row->name);
        }
    }
}

static void unknown_field(struct spec__check *c, const struct spec__node *node,
    const struct campaign_step *step, const struct channel_manifest *manifest) {
    struct base_buf known;
    base_buf_init(&known, 1 << 16);
    for (size_t i = 0; i < manifest->content_count; i++) {
        base_buf_printf(&known, "%s%s", i ? " " : "", manifest->content[i].name);
    }
    spec__finding(c, node, TR("channel '%s' has no content field '%s'; it has: %s"), step->channel,
        node->key, base_buf_text(&known));
    base_buf_release(&known);
}

/* --- names in templates --- */

struct name_check {
    struct spec__check *c;
    const struct spec__node *node;
    int code;           /* negative once asking failed */
    bool amount, dated; /* shows what a person pays; says of which day */
    bool page;          /* it is read by everybody: nobody's own data can stand in it */
};

/* What a text for everybody may name, blank-separated. */
static const char page_names[] = "campaign step theme today message_key ";

static int fill_names(struct spec__check *c) {
    struct db_stmt *stmt = NULL;
    base_buf_add_text(&c->names, shown_fields);
#define VARIABLE_ADD(variable, meaning) base_buf_add_text(&c->names, #variable " ");
    CAMPAIGN_VARIABLES(VARIABLE_ADD)
#undef VARIABLE_ADD
#define FIELD_ADD(field, meaning) base_buf_add_text(&c->names, "contribution." #field " ");
    CONTRIBUTION_FIELDS(FIELD_ADD)
#undef FIELD_ADD
    base_buf_add_text(&c->names, "contribution ");
    int code = db_prepare(c->db, "SELECT name FROM attribute ORDER BY name", &stmt, c->err);
    while (code == 0 && (code = db_step(stmt, c->err)) > 0) {
        base_buf_add_str(&c->names, db_column_str(stmt, 0));
        base_buf_add_char(&c->names, ' ');
        code = 0;
    }
    db_finish(&stmt);
    return code;
}

/* "line 1, column 5", with the partial's name in front when the name stands in one */
static void print_place(const struct template_use *use, char *text, size_t room) {
    if (use->partial.bytes > 0) {
        snprintf(text, room, TR("partial '%.*s', line %d, column %d"), STR_ARG(use->partial),
            use->line, use->column);
    } else {
        snprintf(text, room, TR("line %d, column %d"), use->line, use->column);
    }
}

static void report_unknown(struct name_check *check, const struct template_use *use) {
    char place[160];
    print_place(use, place, sizeof(place));
    struct str near = spec__nearest(use->name, base_buf_str(&check->c->names));
    if (near.bytes > 0) {
        spec__finding(check->c, check->node,
            TR("%s: unknown attribute '%.*s' (did you mean '%.*s'?)"), place, STR_ARG(use->name),
            STR_ARG(near));
    } else {
        spec__finding(check->c, check->node,
            TR("%s: unknown attribute '%.*s'; if some people have it, write {{%.*s | or \"...\"}}"),
            place, STR_ARG(use->name), STR_ARG(use->name));
    }
}

static void note_contribution(struct name_check *check, struct str name) {
    if (!str_starts(name, STR("contribution."))) {
        return;
    }
    int field = contribution_field(str_of(name.at + 13, name.bytes - 13));
    check->amount = check->amount || contribution_field_is_amount(field);
    check->dated = check->dated || field == CONTRIBUTION_FIELD_note ||
                   field == CONTRIBUTION_FIELD_date || field == CONTRIBUTION_FIELD_parameters_date;
}

static void check_name(void *arg, const struct template_use *use) {
    struct name_check *check = arg;
    struct spec__check *c = check->c;
    note_contribution(check, use->name);
    if (check->page && !spec__word_in(use->name, str_from(page_names))) {
        char place[160];
        print_place(use, place, sizeof(place));
        spec__finding(c, check->node, TR("%s: '%.*s' is a person's, and a page speaks to all"),
            place, STR_ARG(use->name));
        return;
    }
    if (check->code == 0 && c->names.bytes == 0) {
        check->code = fill_names(c);
    }
    if (check->code || spec__word_in(use->name, base_buf_str(&c->names))) {
        return;
    }
    if (spec__word_in(use->name, str_from(hidden_fields))) {
        char place[160];
        print_place(use, place, sizeof(place));
        spec__finding(
            c, check->node, TR("%s: '%.*s' cannot stand in a text"), place, STR_ARG(use->name));
    } else if (!use->optional) {
        report_unknown(check, use);
    }
}

static int check_template(struct spec__check *c, const struct spec__node *node, const char *lang,
    const struct channel_manifest *manifest, const struct channel_content *row, const char *text) {
    struct theme_partials partials = {c->theme, lang};
    unsigned mode = row && row->flags & LANTOA_CONTENT_HTML ? TEMPLATE_HTML : TEMPLATE_TEXT;
    if (!c->theme) {
        mode |= TEMPLATE_LENIENT; /* the theme is missed already; its partials would be noise */
    }
    struct template *template = NULL;
    struct base_err why = {0};
    int code = template_compile(str_from(text), (enum template_mode)mode, lang,
        c->theme ? theme_partial : NULL, &partials, &template, &why);
    if (code) {
        spec__finding(c, node, "%s", why.text);
        return 0;
    }
    struct name_check check = {
        .c = c, .node = node, .page = manifest && manifest->address == LANTOA_ADDRESS_PAGE};
    template_each_name(template, check_name, &check);
    if (check.amount && !check.dated) {
        spec__finding(c, node,
            TR("shows what a person pays but not of which day: add {{contribution.note}} or "
               "{{contribution.parameters_date | date}}"));
    }
    bool constant = template_name_count(template) == 0;
    template_free(&template);
    if (constant && row && row->most_bytes > 0 && strlen(text) > row->most_bytes) {
        spec__finding(
            c, node, TR("has %zu bytes, at most %zu are allowed"), strlen(text), row->most_bytes);
    }
    return check.code;
}

static int check_field(struct spec__check *c, const struct spec__node *field,
    const struct campaign_step *step, const char *lang, const struct channel_manifest *manifest,
    const char *text) {
    const struct channel_content *row = manifest ? find_row(manifest, field->key) : NULL;
    if (manifest && !row) {
        unknown_field(c, field, step, manifest);
        return 0;
    }
    if (row && (row->flags & LANTOA_CONTENT_SINGLE_LINE) && strpbrk(text, "\r\n")) {
        spec__finding(c, field, TR("must be a single line"));
    }
    return check_template(c, field, lang, manifest, row, text);
}

/* A post is for everybody: what is asked of each person, or comes after each person's message,
 * makes no sense. */
static void check_page(
    struct spec__check *c, const struct spec__node *step_node, const struct campaign_step *step) {
    struct spec__node when = spec__child(step_node, "when");
    struct spec__node only_if = spec__child(step_node, "only_if");
    if (step->when.kind == WHEN_AFTER || step->when.kind == WHEN_BEFORE) {
        spec__finding(
            c, &when, TR("channel '%s' speaks on a page: needs a time of its own"), step->channel);
    }
    if (step->only_if) {
        spec__finding(c, &only_if, TR("channel '%s' speaks on a page, to nobody in particular"),
            step->channel);
    }
}

int spec__check_content(struct spec__check *c, const struct spec__node *step_node,
    const struct campaign_step *step, const struct channel_manifest *manifest) {
    struct spec__node all = spec__child(step_node, "content");
    if (manifest && manifest->address == LANTOA_ADDRESS_PAGE) {
        check_page(c, step_node, step);
    }
    for (size_t i = 0; i < step->content_count; i++) {
        const struct campaign_content *content = &step->contents[i];
        struct spec__node lang = spec__child(&all, content->lang);
        if (manifest && !step->airings.on) {
            check_required(c, &lang, step, content, manifest);
        }
        for (size_t k = 0; k < step->field_count; k++) {
            struct spec__node field = spec__child(&lang, step->field_names[k]);
            int code = content->fields[k] ? check_field(c, &field, step, content->lang, manifest,
                                                content->fields[k])
                                          : 0;
            if (code) {
                return code;
            }
        }
    }
    return 0;
}
