/* Values for templates: built-in fields of the contact, its custom attributes, its place, and a few
 * facts of the campaign. */
#include "delivery/render.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/tr.h"
#include "campaign/contribution.h"

#define MESSAGE_BYTES_MAX (size_t)(2 * 1024 * 1024)

enum value_kind {
    VALUE_ATTR,
    VALUE_TEXT,
    VALUE_REF,
    VALUE_PERSON_ID,
    VALUE_NAME,
    VALUE_EMAIL,
    VALUE_PHONE,
    VALUE_LANG,
    VALUE_BIRTH_DATE,
    VALUE_SEX,
    VALUE_HOUSEHOLD,
    VALUE_ENROLLED_ON,
    VALUE_AGE,
    VALUE_PLACE,
    VALUE_TODAY,
    VALUE_KEY,
    VALUE_LINK,
    VALUE_MESSAGE_TEXT,
    VALUE_CONTRIBUTION, /* number: its field, or CONTRIBUTION_FIELD_COUNT for the section */
};

static const struct {
    const char *name;
    enum value_kind kind;
} built_in[] = {
    {"ref", VALUE_REF},
    {"person_id", VALUE_PERSON_ID},
    {"name", VALUE_NAME},
    {"email", VALUE_EMAIL},
    {"phone", VALUE_PHONE},
    {"lang", VALUE_LANG},
    {"birth_date", VALUE_BIRTH_DATE},
    {"sex", VALUE_SEX},
    {"household", VALUE_HOUSEHOLD},
    {"enrolled_on", VALUE_ENROLLED_ON},
    {"age", VALUE_AGE},
    {"place", VALUE_PLACE},
    {"today", VALUE_TODAY},
    {"message_key", VALUE_KEY},
    {RENDER_MESSAGE_TEXT, VALUE_MESSAGE_TEXT},
};

struct delivery_renderer {
    struct db *db;
    struct db_stmt *place;
    struct db_stmt *own;     /* NULL: not asked yet */
    struct base_buf text;    /* all fields of the present message, one after another */
    struct base_buf scratch; /* unescaped attributes and made-up values of the present field */
    char **place_names;      /* by place id, filled when first asked */
    size_t place_room;

    struct contact_attrs attrs; /* of the present contact, once has_attrs */
    bool has_attrs;

    const struct delivery_step *step;
    const struct delivery_template *template;
    const struct contact *contact;
    const char *key, *lang;
    int64_t now_ms;
    char today[BASE_DATE_MAX], age[8], link[LINK_URL_MAX];

    /* What the present contact pays; the tables are loaded at the first text that asks. */
    struct contribution_tables *tables;
    struct contribution_places *places;
    struct contribution_fields *fields;
    const struct contact *reckoned; /* whom the fields are of; NULL: nobody */
    const struct delivery_template *reckoned_for;
    bool reckoned_ok;
};

int delivery_renderer_new(
    struct db *db, struct delivery_renderer **renderer_out, struct base_err *err) {
    struct delivery_renderer *r = base_alloc(sizeof *r);
    r->db = db;
    base_buf_init(&r->text, MESSAGE_BYTES_MAX);
    base_buf_init(&r->scratch, MESSAGE_BYTES_MAX);
    int rc = db_prepare(db, "SELECT name FROM place WHERE id = ?1", &r->place, err);
    if (rc != 0) {
        delivery_renderer_free(&r);
        return rc;
    }
    *renderer_out = r;
    return 0;
}

void delivery_renderer_free(struct delivery_renderer **renderer) {
    struct delivery_renderer *r = *renderer;
    if (!r) {
        return;
    }
    db_finish(&r->place);
    db_finish(&r->own);
    for (size_t i = 0; i < r->place_room; i++) {
        base_free(r->place_names[i]);
    }
    base_free(r->place_names);
    contribution_free(&r->tables);
    contribution_places_free(&r->places);
    base_free(r->fields);
    base_buf_release(&r->text);
    base_buf_release(&r->scratch);
    base_free(r);
    *renderer = NULL;
}

static char *campaign_fact(const struct delivery_step *step, const char *lang, struct str name) {
    const struct delivery_campaign *campaign = step->campaign;
    if (str_is(name, "campaign")) {
        return base_strdup(campaign->spec->name);
    }
    if (str_is(name, "step")) {
        return base_strdup(step->spec->name);
    }
    if (str_is(name, "theme")) {
        json_t *titles = json_object_get(campaign->theme->root, "title");
        const char *title = json_string_value(json_object_get(titles, lang));
        return base_strdup(title ? title : campaign->spec->theme);
    }
    return NULL;
}

static void resolve(
    const struct delivery_step *step, const char *lang, struct delivery_value *value) {
    value->kind = VALUE_ATTR;
    for (size_t i = 0; i < sizeof built_in / sizeof built_in[0]; i++) {
        if (str_is(value->name, built_in[i].name)) {
            value->kind = (int)built_in[i].kind;
            return;
        }
    }
    struct str section = STR("contribution");
    if (str_eq(value->name, section) || str_starts(value->name, STR("contribution."))) {
        struct str field =
            str_of(value->name.at + section.bytes, value->name.bytes - section.bytes);
        value->kind = VALUE_CONTRIBUTION;
        value->number = field.bytes ? contribution_field(str_of(field.at + 1, field.bytes - 1))
                                    : CONTRIBUTION_FIELD_COUNT;
        return;
    }
    value->number = delivery_link_name(value->name);
    if (value->number >= 0) {
        value->kind = VALUE_LINK;
        return;
    }
    value->text = campaign_fact(step, lang, value->name);
    if (value->text) {
        value->kind = VALUE_TEXT;
    }
}

void delivery_values_resolve(
    const struct delivery_step *step, const char *lang, struct delivery_template *template) {
    template->value_count = (size_t)template_name_count(template->template);
    template->values = base_alloc_array(template->value_count + 1, sizeof *template->values);
    for (size_t i = 0; i < template->value_count; i++) {
        template->values[i].name = template_name(template->template, (int)i);
        resolve(step, lang, &template->values[i]);
    }
}

void delivery_values_free(struct delivery_template *template) {
    for (size_t i = 0; i < template->value_count; i++) {
        base_free(template->values[i].text);
    }
    base_free(template->values);
    template->values = NULL;
    template->value_count = 0;
}

size_t delivery_lang(const struct delivery_step *step, const struct contact *contact) {
    size_t fallback = 0;
    for (size_t i = 0; i < step->lang_count; i++) {
        if (contact->lang.bytes && str_is(contact->lang, step->langs[i])) {
            return i;
        }
        if (strcmp(step->langs[i], step->campaign->spec->default_lang) == 0) {
            fallback = i;
        }
    }
    return fallback;
}

static struct str place_name(struct delivery_renderer *r, int64_t id) {
    if (id <= 0 || id > 10000000) {
        return (struct str){0};
    }
    if ((size_t)id >= r->place_room) {
        size_t room = (size_t)id + 256;
        r->place_names = base_realloc(r->place_names, room * sizeof *r->place_names);
        memset(r->place_names + r->place_room, 0, (room - r->place_room) * sizeof *r->place_names);
        r->place_room = room;
    }
    if (!r->place_names[id]) {
        struct base_err err = {0};
        db_bind_i64(r->place, 1, id);
        int rc = db_step(r->place, &err);
        struct str name = rc == 1 ? db_column_str(r->place, 0) : (struct str){0};
        r->place_names[id] = base_strndup(name.at ? name.at : "", name.bytes);
        db_reset(r->place);
        if (rc < 0) {
            base_log(BASE_LOG_ERROR, "render", "%s", err.text);
        }
    }
    return str_from(r->place_names[id]);
}

static struct str age(struct delivery_renderer *r) {
    struct str birth = r->contact->birth_date;
    int64_t year;
    if (birth.bytes < 4 || base_parse_i64(str_of(birth.at, 4), &year) != 0) {
        return (struct str){0};
    }
    int64_t years = 1000 * (r->today[0] - '0') + 100 * (r->today[1] - '0') +
                    10 * (r->today[2] - '0') + (r->today[3] - '0') - year;
    if (birth.bytes == 10 && memcmp(birth.at + 5, r->today + 5, 5) > 0) {
        years--;
    }
    if (years < 0 || years > 150) {
        return (struct str){0};
    }
    snprintf(r->age, sizeof r->age, "%d", (int)years);
    return str_from(r->age);
}

/* The text of this one message. The key is our own: nothing has to be proved. */
static struct str message_text(struct delivery_renderer *r) {
    struct base_err err = {0};
    struct str text = {0};
    int64_t id;
    int rc = ledger_key_id(str_from(r->key), &id);
    if (rc == 0 && !r->own) {
        rc =
            db_prepare(r->db, "SELECT text FROM message_text WHERE message_id = ?1", &r->own, &err);
    }
    if (rc == 0) {
        db_bind_i64(r->own, 1, id);
        rc = db_step(r->own, &err);
        if (rc == 1) {
            size_t at = r->scratch.bytes;
            base_buf_add_str(&r->scratch, db_column_str(r->own, 0));
            text = str_of(r->scratch.at + at, r->scratch.bytes - at);
        }
        db_reset(r->own);
    }
    if (rc < 0) {
        base_log(BASE_LOG_ERROR, "render", "%s", err.text);
    }
    return text;
}

static int load_tables(struct delivery_renderer *r, struct base_err *err) {
    if (r->tables) {
        return 0;
    }
    r->fields = base_alloc(sizeof *r->fields);
    int rc = contribution_load(r->db, &r->tables, err);
    return rc ? rc : contribution_places_load(r->db, r->tables, &r->places, err);
}

/* Fills r->fields for the present contact and template. */
static void reckon(struct delivery_renderer *r) {
    struct base_err err = {0};
    struct contribution_ask ask;
    struct base_date date = {0};
    uint32_t wanted = 0;
    bool raised = false;
    r->reckoned = r->contact;
    r->reckoned_for = r->template;
    for (size_t i = 0; i < r->template->value_count; i++) {
        const struct delivery_value *value = &r->template->values[i];
        if (value->kind == VALUE_CONTRIBUTION && value->number >= 0) {
            wanted |= UINT32_C(1) << value->number;
        }
    }
    int rc = load_tables(r, &err);
    if (rc == 0) {
        rc = base_parse_date(str_from(r->today), &date);
    }
    if (rc == 0) {
        rc = contribution_ask_contact(r->tables, r->places, r->contact, base_days_from_date(date),
            &r->scratch, &ask, &raised, &err);
    }
    if (rc == 0) {
        rc = contribution_fill(r->tables, &ask, raised, r->lang, wanted, r->fields, &err);
    }
    r->reckoned_ok = rc == 0;
    if (rc != 0 && !r->tables) {
        base_log(BASE_LOG_ERROR, "render", "%s", err.text);
    }
}

static struct str contribution_value(struct delivery_renderer *r, int field) {
    if (r->reckoned != r->contact || r->reckoned_for != r->template) {
        reckon(r);
    }
    if (!r->reckoned_ok || field < 0) {
        return (struct str){0};
    }
    return field == CONTRIBUTION_FIELD_COUNT ? STR("yes") : str_from(r->fields->text[field]);
}

static struct str attribute(struct delivery_renderer *r, struct delivery_value *value) {
    struct str text = {0};
    if (!r->has_attrs) {
        contact_attrs_scan(r->contact, &r->attrs);
        r->has_attrs = true;
    }
    (void)contact_attrs_find(&r->attrs, &value->number, value->name, &r->scratch, &text);
    return text;
}

static struct str value_of(struct delivery_renderer *r, struct delivery_value *value) {
    const struct contact *contact = r->contact;
    switch ((enum value_kind)value->kind) {
    case VALUE_ATTR:
        return attribute(r, value);
    case VALUE_TEXT:
        return str_from(value->text);
    case VALUE_REF:
        return contact->ref;
    case VALUE_PERSON_ID:
        return contact->person_id;
    case VALUE_NAME:
        return contact->name;
    case VALUE_EMAIL:
        return contact->email;
    case VALUE_PHONE:
        return contact->phone;
    case VALUE_LANG:
        return contact->lang;
    case VALUE_BIRTH_DATE:
        return contact->birth_date;
    case VALUE_SEX:
        return contact->sex;
    case VALUE_HOUSEHOLD:
        return contact->household;
    case VALUE_ENROLLED_ON:
        return contact->enrolled_on;
    case VALUE_AGE:
        return age(r);
    case VALUE_PLACE:
        return place_name(r, contact->place_id);
    case VALUE_TODAY:
        return str_from(r->today);
    case VALUE_KEY:
        return str_from(r->key);
    case VALUE_MESSAGE_TEXT:
        return message_text(r);
    case VALUE_LINK:
        return delivery_link_url(r->step->links, value->number, r->key, r->link);
    case VALUE_CONTRIBUTION:
        return contribution_value(r, value->number);
    }
    return (struct str){0};
}

static bool get_value(void *arg, int index, struct str name, struct str *value_out) {
    struct delivery_renderer *r = arg;
    (void)name;
    *value_out = value_of(r, &r->template->values[index]);
    return value_out->bytes > 0;
}

static bool has_line_break(struct str text) {
    return memchr(text.at, '\n', text.bytes) || memchr(text.at, '\r', text.bytes);
}

static int render_field(
    struct delivery_renderer *r, const struct channel_content *content, struct base_err *err) {
    size_t start = r->text.bytes;
    struct template_source source = {get_value, r};
    base_buf_clear(&r->scratch);
    int rc = template_render(r->template->template, &source, &r->text, err);
    if (rc != 0) {
        return base_err_prefix(err, "%s", content->name);
    }
    struct str text = str_of(r->text.at + start, r->text.bytes - start);
    if (r->template->single_line && text.bytes && has_line_break(text)) {
        return base_err_set(err, LANTOA_EINVAL, TR("%s: a line break in a value"), content->name);
    }
    if (content->most_bytes && text.bytes > content->most_bytes) {
        return base_err_set(err, LANTOA_ELIMIT, TR("%s: %zu bytes, at most %zu"), content->name,
            text.bytes, content->most_bytes);
    }
    if (text.bytes == 0 && content->flags & LANTOA_CONTENT_REQUIRED) {
        return base_err_set(err, LANTOA_ENOENT, TR("%s: is empty"), content->name);
    }
    return 0;
}

int delivery_render(struct delivery_renderer *r, struct delivery_step *step, size_t lang,
    const struct contact *contact, const char *key, int64_t now_ms, struct str *fields_out,
    struct base_err *err) {
    size_t rows = step->manifest->content_count;
    r->step = step;
    r->contact = contact;
    r->key = key;
    r->lang = step->langs[lang];
    r->reckoned = NULL;
    r->has_attrs = false;
    if (r->now_ms != now_ms || !r->today[0]) {
        struct base_civil local =
            base_civil_from_ms(now_ms, calendar_offset_min(step->campaign->zone, now_ms));
        base_format_date((struct base_date){local.year, local.month, local.day}, r->today);
        r->now_ms = now_ms;
    }
    size_t ends[DELIVERY_FIELDS_MAX];
    if (rows > DELIVERY_FIELDS_MAX) {
        return base_err_set(
            err, LANTOA_ELIMIT, TR("a channel has at most %d content fields"), DELIVERY_FIELDS_MAX);
    }
    base_buf_clear(&r->text);
    for (size_t i = 0; i < rows; i++) {
        r->template = &step->templates[lang * rows + i];
        if (r->template->template) {
            int rc = render_field(r, &step->manifest->content[i], err);
            if (rc != 0) {
                return rc;
            }
        }
        ends[i] = r->text.bytes;
    }
    for (size_t i = 0, start = 0; i < rows; start = ends[i], i++) {
        fields_out[i] = str_of(r->text.at + start, ends[i] - start);
    }
    return 0;
}
