/* Label, refusal and brand name of a rule; see rules_text.h. */
#include "delivery/rules_text.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"

#include <ctype.h>
#include <strings.h>

#define BRAND_NAME_MOST 11 /* letters of an alphanumeric sender: GSM 03.40, 9.1.2.5 */

/* --- where they go --- */

static bool is_subject(const struct channel_content *row) {
    return strcmp(row->name, "subject") == 0 || strcmp(row->name, "title") == 0;
}

static bool is_body(const struct channel_content *row) {
    return strcmp(row->name, "text") == 0 || strcmp(row->name, "html") == 0 ||
           strcmp(row->name, "body") == 0;
}

static bool has_subject(const struct channel_manifest *manifest) {
    for (size_t i = 0; i < manifest->content_count; i++) {
        if (is_subject(&manifest->content[i])) {
            return true;
        }
    }
    return false;
}

static bool takes_label(const struct channel_manifest *manifest, size_t row) {
    const struct channel_content *content = &manifest->content[row];
    return has_subject(manifest) ? is_subject(content) : is_body(content);
}

static const char *refusal_in(const struct rule *rule, const char *lang) {
    const char *found = rule->refusal_count ? rule->refusal[0].text : NULL;
    for (size_t i = 0; i < rule->refusal_count; i++) {
        if (strcmp(rule->refusal[i].lang, lang) == 0) {
            return rule->refusal[i].text;
        }
        if (strcmp(rule->refusal[i].lang, "vi") == 0) {
            found = rule->refusal[i].text;
        }
    }
    return found;
}

/* --- putting them in --- */

/* The refusal with the channel's own address in it; in HTML its plain letters are escaped. */
static void write_refusal(
    const char *text, const char *refusal_to, bool html, struct base_buf *out) {
    static const char to_tag[] = "{{" RULE_REFUSAL_TO "}}";
    for (const char *at = text; *at;) {
        if (strncmp(at, to_tag, sizeof to_tag - 1) == 0) {
            base_buf_add_text(out, refusal_to ? refusal_to : "");
            at += sizeof to_tag - 1;
        } else if (strncmp(at, "{{", 2) == 0) {
            const char *end = strstr(at, "}}");
            size_t bytes = end ? (size_t)(end - at) + 2 : strlen(at);
            base_buf_add(out, at, bytes);
            at += bytes;
        } else if (html && (*at == '<' || *at == '>' || *at == '&')) {
            base_buf_add_text(out, *at == '<' ? "&lt;" : *at == '>' ? "&gt;" : "&amp;");
            at++;
        } else if (html && *at == '\n') {
            base_buf_add_text(out, "<br>");
            at++;
        } else {
            base_buf_add_char(out, *at++);
        }
    }
}

/* Where the body of an HTML text ends. */
static size_t end_of_html(struct str text) {
    static const char tag[] = "</body";
    for (size_t at = text.bytes; at-- > 0;) {
        if (text.bytes - at >= sizeof tag - 1 &&
            strncasecmp(text.at + at, tag, sizeof tag - 1) == 0) {
            return at;
        }
    }
    return text.bytes;
}

static void put_refusal_html(struct str text, struct str refusal, struct base_buf *out) {
    size_t end = end_of_html(text);
    base_buf_add(out, text.at, end);
    base_buf_printf(out, "<p>" STR_FMT "</p>", STR_ARG(refusal));
    base_buf_add(out, text.at + end, text.bytes - end);
}

static void put_refusal_text(struct str text, struct str refusal, struct base_buf *out) {
    base_buf_add_str(out, text);
    if (str_ends(str_trim(text), str_trim(refusal))) {
        return;
    }
    bool parted = text.bytes && isspace((unsigned char)text.at[text.bytes - 1]);
    if (!parted && !isspace((unsigned char)refusal.at[0])) {
        base_buf_add_char(out, '\n');
    }
    base_buf_add_str(out, refusal);
}

static void put_label(const char *label, bool html, struct str text, struct base_buf *out) {
    struct str mark = str_trim(str_from(label));
    if (str_starts(text, mark)) {
        base_buf_add_str(out, text);
        return;
    }
    if (html) {
        base_buf_printf(out, "<p>" STR_FMT "</p>", STR_ARG(mark));
    } else {
        base_buf_add_text(out, label);
        bool parted = isspace((unsigned char)label[strlen(label) - 1]) ||
                      (text.bytes && isspace((unsigned char)text.at[0]));
        base_buf_add_text(out, parted ? "" : " ");
    }
    base_buf_add_str(out, text);
}

void rules_text_put(const struct rule *rule, const struct channel_manifest *manifest, size_t row,
    const char *lang, const char *refusal_to, struct str text, struct base_buf *out) {
    const struct channel_content *content = &manifest->content[row];
    const char *refusal = is_body(content) ? refusal_in(rule, lang) : NULL;
    bool html = content->flags & LANTOA_CONTENT_HTML;
    struct base_buf labelled, last;
    base_buf_init(&labelled, text.bytes + 1024);
    base_buf_init(&last, 8192);
    if (rule->label && takes_label(manifest, row)) {
        put_label(rule->label, html, text, &labelled);
        text = base_buf_str(&labelled);
    }
    if (!refusal) {
        base_buf_add_str(out, text);
    } else {
        write_refusal(refusal, refusal_to, html, &last);
        if (html) {
            put_refusal_html(text, base_buf_str(&last), out);
        } else {
            put_refusal_text(text, base_buf_str(&last), out);
        }
    }
    base_buf_release(&labelled);
    base_buf_release(&last);
}

/* --- what is lacking --- */

/* The channel's sender, as far as its file gives one. Caller frees; NULL: none. */
static char *sender_of(const struct channel_manifest *manifest, const struct channel_spec *spec) {
    char *sender = NULL;
    json_t *options = json_loads(spec->options_json, 0, NULL);
    for (size_t i = 0; !sender && i < manifest->option_count; i++) {
        const struct channel_option *option = &manifest->options[i];
        if (option->flags & LANTOA_SENDER) {
            const char *given = json_string_value(json_object_get(options, option->name));
            given = given ? given : option->fallback;
            sender = given ? base_strdup(given) : NULL;
        }
    }
    json_decref(options);
    return sender;
}

static bool is_brand_name(const char *sender) {
    size_t bytes = strlen(sender);
    bool letter = false;
    for (size_t i = 0; i < bytes; i++) {
        letter |= isalpha((unsigned char)sender[i]) != 0;
    }
    return letter && bytes <= BRAND_NAME_MOST && !strchr(sender, '@');
}

static bool refusal_needs_address(const struct rule *rule) {
    for (size_t i = 0; i < rule->refusal_count; i++) {
        if (strstr(rule->refusal[i].text, "{{" RULE_REFUSAL_TO "}}")) {
            return true;
        }
    }
    return false;
}

/* Whether a language has text in a row that can carry the label or the refusal. */
static bool carries(const struct channel_manifest *manifest, const struct campaign_step *step,
    const struct campaign_content *content, bool label) {
    for (size_t row = 0; row < manifest->content_count; row++) {
        if (label ? !takes_label(manifest, row) : !is_body(&manifest->content[row])) {
            continue;
        }
        for (size_t k = 0; k < step->field_count; k++) {
            if (content->fields[k] &&
                strcmp(step->field_names[k], manifest->content[row].name) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool everybody_carries(
    const struct channel_manifest *manifest, const struct campaign_step *step, bool label) {
    for (size_t i = 0; i < step->content_count; i++) {
        if (!carries(manifest, step, &step->contents[i], label)) {
            return false;
        }
    }
    return true;
}

void rules_text_fault(const struct rule *rule, const struct channel_manifest *manifest,
    const struct channel_spec *channel, const struct campaign_step *step, const char **field_out,
    char *why, size_t room) {
    char *sender = rule->brand_name ? sender_of(manifest, channel) : NULL;
    *field_out = "channel";
    why[0] = '\0';
    if (rule->brand_name && !sender) {
        snprintf(why, room, TR("class %s needs a brand name, and channel %s declares no sender"),
            rule->class, channel->name);
    } else if (rule->brand_name && !is_brand_name(sender)) {
        snprintf(why, room,
            TR("class %s needs a brand name (letters, at most 11) as sender, and channel %s sends "
               "from \"%s\""),
            rule->class, channel->name, sender);
    } else if (refusal_needs_address(rule) && !channel->refusal_to) {
        snprintf(why, room,
            TR("class %s must say where to refuse: give channel %s a \"refusal_to\", such as "
               "\"8088\""),
            rule->class, channel->name);
    } else if (rule->label && !everybody_carries(manifest, step, true)) {
        *field_out = "content";
        snprintf(why, room, TR("class %s must begin with \"%s\", and there is no text for it"),
            rule->class, rule->label);
    } else if (rule->refusal_count && !everybody_carries(manifest, step, false)) {
        *field_out = "content";
        snprintf(why, room,
            TR("class %s must end with how to refuse it, and there is no text for it"),
            rule->class);
    }
    base_free(sender);
}
