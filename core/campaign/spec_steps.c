/* Reads the steps of a campaign file: when, content per language, attachments; and checks what the
 * steps say about each other and about the window. */
#include "campaign/spec_private.h"

#include "base/mem.h"
#include "base/tr.h"

static const char step_keys[] =
    "name description channel when only_if expires content attachments accents "
    "outlets airings utm";

void spec__step_release(struct campaign_step *step) {
    base_free(step->name);
    base_free(step->channel);
    base_free(step->when.after);
    base_free(step->when.rrule);
    for (size_t i = 0; i < step->when.fallback_count; i++) {
        base_free(step->when.fallback_reasons[i]);
    }
    base_free(step->when.fallback_reasons);
    base_free(step->only_if);
    base_free(step->accents);
    base_free(step->outlets);
    spec__airings_release(&step->airings);
    spec__utm_release(&step->utm);
    for (size_t i = 0; i < step->content_count; i++) {
        struct campaign_content *content = &step->contents[i];
        base_free(content->lang);
        for (size_t k = 0; content->fields && k < step->field_count; k++) {
            base_free(content->fields[k]);
        }
        base_free(content->fields);
    }
    base_free(step->contents);
    for (size_t i = 0; i < step->field_count; i++) {
        base_free(step->field_names[i]);
    }
    base_free(step->field_names);
    for (size_t i = 0; i < step->attachment_count; i++) {
        struct campaign_attachment *a = &step->attachments[i];
        base_free(a->file);
        base_free(a->name);
        base_free(a->mime);
        base_free(a->content_id);
        base_free(a->sha256);
    }
    base_free(step->attachments);
}

/* --- when --- */

static bool read_at(
    struct spec__reader *r, const struct spec__node *node, struct base_civil *at_out) {
    char *text = spec__text(r, node, SPEC__REQUIRED);
    bool has_offset = false;
    int offset_min;
    if (text && base_parse_datetime(str_from(text), at_out, &has_offset, &offset_min)) {
        spec__fault(r, node, TR("'%s' is no date and time like 2026-12-01T08:00"), text);
    } else if (text && has_offset) {
        spec__fault(r, node,
            TR("is a local time in the campaign's zone: leave out the '%s' at its end"),
            strchr(text, 'Z') ? "Z" : "+hh:mm");
    } else if (text && !strchr(text, ':')) {
        spec__fault(r, node, TR("'%s' lacks the time of day, as in 2026-12-01T08:00"), text);
    }
    base_free(text);
    return r->code == 0;
}

/* The words a message can fail to be sent by that another channel may mend. */
static bool fallback_reason_known(const char *word) {
    static const char *const words[] = {
#define WORD(name, value, word) word,
        LANTOA_REASONS(WORD)
#undef WORD
            "no_address",
        "invalid"};
    for (size_t i = 1; i < sizeof words / sizeof words[0]; i++) { /* 0 is "none" */
        if (strcmp(words[i], word) == 0) {
            return true;
        }
    }
    return false;
}

static void read_fallback(
    struct spec__reader *r, const struct spec__node *when, struct campaign_step *step) {
    struct spec__node of = spec__child(when, "fallback_of"), list = spec__child(when, "reasons");
    struct spec__node delay = spec__child(when, "delay");
    step->when.kind = WHEN_AFTER;
    step->when.after = spec__name(r, &of, SPEC__REQUIRED);
    if (delay.json) {
        spec__duration(r, &delay, &step->when.delay);
    }
    if (!spec__list(r, &list, 1, SPEC__FALLBACK_REASONS_MOST)) {
        return;
    }
    step->when.fallback_reasons = base_alloc_array(json_array_size(list.json), sizeof(char *));
    for (size_t i = 0; i < json_array_size(list.json); i++) {
        struct spec__node item = spec__item(&list, i);
        char *word = spec__text(r, &item, SPEC__REQUIRED);
        if (!word) {
            return;
        }
        step->when.fallback_reasons[step->when.fallback_count++] = word;
        if (!fallback_reason_known(word)) {
            spec__fault(r, &item, TR("there is no reason '%s'"), word);
        }
    }
}

enum { BEFORE_DAYS_MOST = 365, BEFORE_MINUTE = 8 * 60 };

static void read_before(
    struct spec__reader *r, const struct spec__node *when, struct campaign_step *step) {
    struct spec__node before = spec__child(when, "before"), days = spec__child(when, "days");
    struct spec__node time = spec__child(when, "time");
    step->when.kind = WHEN_BEFORE;
    step->when.before_minute = BEFORE_MINUTE;
    spec__choice(r, &before, SPEC__REQUIRED, "due");
    spec__integer(r, &days, SPEC__REQUIRED, 0, BEFORE_DAYS_MOST, &step->when.before_days);
    char *text = spec__text(r, &time, SPEC__OPTIONAL);
    if (text && (base_parse_minute(str_from(text), &step->when.before_minute) != 0 ||
                    step->when.before_minute == 24 * 60)) {
        spec__fault(r, &time, TR("'%s' is no time of day like 08:00"), text);
    }
    base_free(text);
    static const char *const others[] = {"at", "after", "delay", "rrule", "reasons"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct spec__node other = spec__child(when, others[i]);
        if (other.json) {
            spec__fault(r, &other, TR("goes with \"before\" nowhere"));
        }
    }
}

static void read_when(
    struct spec__reader *r, const struct spec__node *step_node, struct campaign_step *step) {
    struct spec__node node = spec__child(step_node, "when");
    if (!spec__object(r, &node, "at after delay rrule fallback_of reasons before days time")) {
        return;
    }
    struct spec__node fallback = spec__child(&node, "fallback_of");
    if (fallback.json) {
        read_fallback(r, &node, step);
        return;
    }
    if (spec__child(&node, "before").json) {
        read_before(r, &node, step);
        return;
    }
    struct spec__node at = spec__child(&node, "at"), after = spec__child(&node, "after");
    struct spec__node delay = spec__child(&node, "delay"), rrule = spec__child(&node, "rrule");
    bool follows = after.json && delay.json && !at.json && !rrule.json;
    bool recurs = rrule.json && at.json && !after.json && !delay.json;
    bool once = at.json && !rrule.json && !after.json && !delay.json;
    bool now = json_is_string(at.json) && strcmp(json_string_value(at.json), "now") == 0;
    if (!follows && !recurs && !once) {
        spec__fault(r, &node,
            TR("must be one of {\"at\"}, {\"after\", \"delay\"}, {\"rrule\", \"at\"}, {\"before\", "
               "\"days\"}, {\"fallback_of\"}"));
    } else if (follows) {
        step->when.kind = WHEN_AFTER;
        step->when.after = spec__name(r, &after, SPEC__REQUIRED);
        spec__duration(r, &delay, &step->when.delay);
    } else if (recurs) {
        step->when.kind = WHEN_RRULE;
        step->when.rrule = spec__text(r, &rrule, SPEC__REQUIRED);
        if (now) {
            spec__fault(r, &at, TR("a recurring step needs its first day and time, not \"now\""));
        } else {
            read_at(r, &at, &step->when.at);
        }
    } else if (now) {
        step->when.kind = WHEN_NOW;
    } else {
        step->when.kind = WHEN_AT;
        read_at(r, &at, &step->when.at);
    }
}

static void check_at(struct spec__reader *r, const struct spec__node *when,
    const struct campaign_spec *spec, const struct campaign_step *step) {
    struct base_civil at = step->when.at;
    int64_t day = base_days_from_date((struct base_date){at.year, at.month, at.day});
    if (day < base_days_from_date(spec->from) || day > base_days_from_date(spec->to)) {
        char from[BASE_DATE_MAX], to[BASE_DATE_MAX];
        struct spec__node node = spec__child(when, "at");
        base_format_date(spec->from, from);
        base_format_date(spec->to, to);
        spec__fault(r, &node, TR("lies outside the campaign's window, %s to %s"), from, to);
    }
}

static void check_rrule(struct spec__reader *r, const struct spec__node *when,
    const struct campaign_spec *spec, const struct calendar_zone *zone,
    const struct campaign_step *step, int64_t *last_ms_out) {
    int64_t open_ms, close_ms, times[SPEC__OCCURRENCES_MOST];
    size_t count;
    struct base_err err = {0};
    spec__window(spec, zone, &open_ms, &close_ms);
    if (calendar_expand(zone, step->when.rrule, step->when.at, open_ms, close_ms, times,
            SPEC__OCCURRENCES_MOST, &count, &err)) {
        struct spec__node node = spec__child(when, "rrule");
        spec__fault(r, &node, "%s", err.text);
        return;
    }
    *last_ms_out = times[count - 1];
}

static size_t find_step(const struct campaign_spec *spec, const char *name, size_t before) {
    size_t i = 0;
    while (i < before && strcmp(spec->steps[i].name, name) != 0) {
        i++;
    }
    return i;
}

/* A step may only follow one that stands before it, so there can be no circle. */
static void check_after(struct spec__reader *r, const struct spec__node *when,
    const struct campaign_spec *spec, const struct calendar_zone *zone, size_t index,
    int64_t *starts_ms) {
    const struct campaign_step *step = &spec->steps[index];
    struct spec__node delay = spec__child(when, "delay");
    struct spec__node after =
        spec__child(when, step->when.fallback_count ? "fallback_of" : "after");
    size_t base = find_step(spec, step->when.after, index);
    if (base == index) {
        spec__fault(r, &after, TR("there is no earlier step '%s'"), step->when.after);
        return;
    }
    if (starts_ms[base] != 0) {
        int64_t open_ms, close_ms;
        spec__window(spec, zone, &open_ms, &close_ms);
        starts_ms[index] = calendar_add(zone, starts_ms[base], step->when.delay);
        if (starts_ms[index] >= close_ms) {
            spec__fault(r, &delay, TR("the step would begin after the end of the window"));
        }
    }
}

/* starts_ms: when each step begins, 0 where that is not known before the campaign starts. */
static void check_when(struct spec__reader *r, const struct spec__node *step_node,
    const struct campaign_spec *spec, const struct calendar_zone *zone, size_t index,
    int64_t *starts_ms) {
    const struct campaign_step *step = &spec->steps[index];
    struct spec__node when = spec__child(step_node, "when");
    switch (step->when.kind) {
    case WHEN_AT:
        check_at(r, &when, spec, step);
        starts_ms[index] = calendar_to_ms(zone, step->when.at);
        break;
    case WHEN_RRULE:
        check_at(r, &when, spec, step);
        check_rrule(r, &when, spec, zone, step, &starts_ms[index]);
        break;
    case WHEN_AFTER:
        check_after(r, &when, spec, zone, index, starts_ms);
        break;
    case WHEN_NOW:
    case WHEN_BEFORE:
        break;
    }
}

/* --- content --- */

static bool field_name_valid(const char *name) {
    if (name[0] < 'a' || name[0] > 'z') {
        return false;
    }
    return strlen(name) <= 64 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

static size_t field_index(struct campaign_step *step, const char *name) {
    for (size_t i = 0; i < step->field_count; i++) {
        if (strcmp(step->field_names[i], name) == 0) {
            return i;
        }
    }
    step->field_names[step->field_count] = base_strdup(name);
    return step->field_count++;
}

static void read_lang(
    struct spec__reader *r, const struct spec__node *node, struct campaign_step *step) {
    struct campaign_content *content = &step->contents[step->content_count++];
    content->lang = base_strdup(node->key);
    content->fields = base_alloc_array(SPEC__FIELDS_MOST, sizeof(char *));
    if (!spec__lang_valid(node->key)) {
        spec__fault(r, node, TR("'%s' is no language code like vi or en"), node->key);
    }
    if (!spec__object(r, node, NULL)) {
        return;
    }
    if (json_object_size(node->json) == 0) {
        spec__fault(r, node, TR("is empty"));
    }
    const char *key;
    json_t *value;
    json_object_foreach(node->json, key, value) {
        struct spec__node field = spec__child(node, key);
        if (!field_name_valid(key)) {
            spec__fault(r, &field, TR("'%s' is no name of a content field"), key);
        } else if (!json_is_string(value)) {
            spec__fault(r, &field, TR("must be a text in double quotes"));
        } else if (step->field_count == SPEC__FIELDS_MOST) {
            spec__fault(r, node, TR("more than %d content fields"), SPEC__FIELDS_MOST);
        }
        if (r->code) {
            return;
        }
        content->fields[field_index(step, key)] = base_strdup(json_string_value(value));
    }
}

static void read_content(
    struct spec__reader *r, const struct spec__node *step_node, struct campaign_step *step) {
    struct spec__node node = spec__child(step_node, "content");
    if (!spec__object(r, &node, NULL)) {
        return;
    }
    size_t count = json_object_size(node.json);
    if (count == 0 || count > SPEC__LANGS_MOST) {
        spec__fault(r, &node, TR("must have 1 to %d languages"), SPEC__LANGS_MOST);
        return;
    }
    step->contents = base_alloc_array(count, sizeof(struct campaign_content));
    step->field_names = base_alloc_array(SPEC__FIELDS_MOST, sizeof(char *));
    const char *lang;
    json_t *value;
    json_object_foreach(node.json, lang, value) {
        struct spec__node content = spec__child(&node, lang);
        read_lang(r, &content, step);
        if (r->code) {
            return;
        }
    }
}

/* --- attachments --- */

static const struct {
    const char *ending, *mime;
} mimes[] = {
    {".pdf", "application/pdf"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"},
    {".gif", "image/gif"},
    {".txt", "text/plain"},
    {".csv", "text/csv"},
    {".ics", "text/calendar"},
    {".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
};

static const char *mime_of(const char *file) {
    for (size_t i = 0; i < sizeof(mimes) / sizeof(mimes[0]); i++) {
        if (str_ends(str_from(file), str_from(mimes[i].ending))) {
            return mimes[i].mime;
        }
    }
    return "application/octet-stream";
}

static const char *base_name(const char *file) {
    const char *slash = strrchr(file, '/');
    return slash ? slash + 1 : file;
}

/* These go into headers of messages: no control characters, no quotes. */
static void check_header_text(
    struct spec__reader *r, const struct spec__node *node, const char *text, const char *banned) {
    for (const char *at = text; at && *at; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f || strchr(banned, *at)) {
            spec__fault(r, node, TR("'%s' contains a character that may not stand there"), text);
            return;
        }
    }
}

static void read_attachment(
    struct spec__reader *r, const struct spec__node *node, struct campaign_attachment *a) {
    if (!spec__object(r, node, "file name mime content_id sha256")) {
        return;
    }
    struct spec__node file = spec__child(node, "file"), name = spec__child(node, "name");
    struct spec__node mime = spec__child(node, "mime"), id = spec__child(node, "content_id");
    struct spec__node hash = spec__child(node, "sha256");
    a->file = spec__text(r, &file, SPEC__REQUIRED);
    a->name = spec__text(r, &name, SPEC__OPTIONAL);
    a->mime = spec__text(r, &mime, SPEC__OPTIONAL);
    a->content_id = spec__text(r, &id, SPEC__OPTIONAL);
    a->sha256 = spec__text(r, &hash, SPEC__OPTIONAL);
    if (r->code) {
        return;
    }
    a->name = a->name ? a->name : base_strdup(base_name(a->file));
    a->mime = a->mime ? a->mime : base_strdup(mime_of(a->file));
    a->content_id = a->content_id ? a->content_id : base_strdup("");
    check_header_text(r, &name, a->name, "\"\\/");
    check_header_text(r, &mime, a->mime, "\"\\ ;<>");
    check_header_text(r, &id, a->content_id, "\"\\ <>");
    const char *slash = strchr(a->mime, '/');
    if (!slash || slash == a->mime || !slash[1] || strchr(slash + 1, '/')) {
        spec__fault(r, &mime, TR("'%s' is no media type like image/png"), a->mime);
    }
    if (a->sha256 && (strlen(a->sha256) != 64 || strspn(a->sha256, "0123456789abcdef") != 64)) {
        spec__fault(r, &hash, TR("must be 64 digits 0-9a-f"));
    }
}

static void read_attachments(
    struct spec__reader *r, const struct spec__node *step_node, struct campaign_step *step) {
    struct spec__node node = spec__child(step_node, "attachments");
    if (!node.json || !spec__list(r, &node, 0, SPEC__ATTACHMENTS_MOST)) {
        return;
    }
    size_t count = json_array_size(node.json);
    step->attachments = base_alloc_array(count + 1, sizeof(struct campaign_attachment));
    for (size_t i = 0; i < count && r->code == 0; i++) {
        struct spec__node item = spec__item(&node, i);
        struct campaign_attachment *a = &step->attachments[step->attachment_count++];
        read_attachment(r, &item, a);
        for (size_t k = 0; k < i && r->code == 0 && *a->content_id; k++) {
            if (strcmp(a->content_id, step->attachments[k].content_id) == 0) {
                struct spec__node id = spec__child(&item, "content_id");
                spec__fault(r, &id, TR("'%s' is used twice"), a->content_id);
            }
        }
    }
}

/* --- one step, all steps --- */

static void read_step(struct spec__reader *r, const struct spec__node *node,
    const struct campaign_spec *spec, struct campaign_step *step, size_t index) {
    if (!spec__object(r, node, step_keys)) {
        return;
    }
    struct spec__node name = spec__child(node, "name"), channel = spec__child(node, "channel");
    struct spec__node only_if = spec__child(node, "only_if");
    struct spec__node expires = spec__child(node, "expires");
    struct spec__node accents = spec__child(node, "accents");
    step->name = spec__name(r, &name, SPEC__REQUIRED);
    step->channel = spec__name(r, &channel, SPEC__REQUIRED);
    step->only_if = spec__text(r, &only_if, SPEC__OPTIONAL);
    if (step->name && find_step(spec, step->name, index) < index) {
        spec__fault(r, &name, TR("two steps are called '%s'"), step->name);
    }
    read_when(r, node, step);
    step->accents = spec__text(r, &accents, SPEC__OPTIONAL);
    if (step->accents && strcmp(step->accents, "keep") != 0 &&
        strcmp(step->accents, "strip") != 0 && strcmp(step->accents, "strip_when_cheaper") != 0) {
        spec__fault(r, &accents, TR("must be one of %s"), CAMPAIGN_ACCENTS);
    }
    if (expires.json && spec__duration(r, &expires, &step->expires)) {
        step->has_expires = true;
        if (step->expires.months == 0 && step->expires.ms == 0) {
            spec__fault(r, &expires, TR("must be longer than nothing"));
        }
    }
    /* What an outlet is given comes from its airing; a content only adds to it. */
    if (!spec__child(node, "airings").json || spec__child(node, "content").json) {
        read_content(r, node, step);
    }
    read_attachments(r, node, step);
    spec__airings(r, node, spec, step);
}

void spec__steps(struct spec__reader *r, const struct spec__node *node,
    const struct calendar_zone *zone, const struct campaign_utm *utm, struct campaign_spec *spec) {
    if (!spec__list(r, node, 1, SPEC__STEPS_MOST)) {
        return;
    }
    size_t count = json_array_size(node->json);
    int64_t *starts_ms = base_alloc_array(count, sizeof(int64_t));
    spec->steps = base_alloc_array(count, sizeof(struct campaign_step));
    for (size_t i = 0; i < count && r->code == 0; i++) {
        struct spec__node step = spec__item(node, i);
        spec->step_count++;
        read_step(r, &step, spec, &spec->steps[i], i);
        spec__utm(r, &step, utm, &spec->steps[i].utm);
        if (r->code == 0) {
            check_when(r, &step, spec, zone, i, starts_ms);
        }
    }
    base_free(starts_ms);
}
