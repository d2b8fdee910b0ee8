/* Reads "utm" of a campaign and of its steps: the parameters by which the statistics of a website
 * tell where its visitors came from. */
#include "campaign/spec_private.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"
#include "campaign/template.h"

#define UTM__KEY(name, fallback) #name,
#define UTM__FALLBACK(name, fallback) fallback,
static const char *const keys[] = {CAMPAIGN_UTM(UTM__KEY)};
static const char *const fallbacks[] = {CAMPAIGN_UTM(UTM__FALLBACK)};
#undef UTM__KEY
#undef UTM__FALLBACK

static const char key_words[] = "source medium campaign content term";

void spec__utm_release(struct campaign_utm *utm) {
    for (size_t i = 0; i < CAMPAIGN_UTM_COUNT; i++) {
        base_free(utm->texts[i]);
        utm->texts[i] = NULL;
    }
}

struct names {
    struct spec__reader *reader;
    const struct spec__node *node;
};

static void check_name(void *arg, const struct template_use *use) {
    const struct names *names = arg;
    if (!spec__word_in(use->name, STR(CAMPAIGN_UTM_NAMES))) {
        spec__fault(names->reader, names->node, TR("has no '%.*s'; it has: %s"), STR_ARG(use->name),
            CAMPAIGN_UTM_NAMES);
    }
}

static void read_text(struct spec__reader *r, const struct spec__node *node, char **text_out) {
    struct template *template = NULL;
    struct base_err why = {0};
    const char *text = json_string_value(node->json);
    if (!text) {
        spec__fault(r, node, TR("must be a text in double quotes"));
        return;
    }
    if (strlen(text) > CAMPAIGN_UTM_BYTES) {
        spec__fault(r, node, TR("is longer than %d bytes"), CAMPAIGN_UTM_BYTES);
    } else if (base_text_has_control(str_from(text)) || strpbrk(text, "\t\r\n")) {
        spec__fault(r, node, TR("must be a single line"));
    } else if (template_compile(str_from(text), TEMPLATE_TEXT, "vi", NULL, NULL, &template, &why)) {
        spec__fault(r, node, "%s", why.text);
    } else {
        struct names names = {r, node};
        template_each_name(template, check_name, &names);
        template_free(&template);
    }
    base_free(*text_out);
    *text_out = base_strdup(text);
}

void spec__utm(struct spec__reader *r, const struct spec__node *parent,
    const struct campaign_utm *above, struct campaign_utm *utm_out) {
    struct spec__node node = spec__child(parent, "utm");
    if (r->code != 0) {
        return;
    }
    utm_out->on = node.json ? !json_is_false(node.json) : above && above->on;
    for (size_t i = 0; i < CAMPAIGN_UTM_COUNT; i++) {
        utm_out->texts[i] = base_strdup(above ? above->texts[i] : fallbacks[i]);
    }
    if (!node.json || json_is_boolean(node.json)) {
        return;
    }
    if (!json_is_object(node.json)) {
        spec__fault(r, &node, TR("must be true, false or an object { ... }"));
    } else if (spec__object(r, &node, key_words)) {
        for (size_t i = 0; i < CAMPAIGN_UTM_COUNT; i++) {
            struct spec__node text = spec__child(&node, keys[i]);
            if (text.json) {
                read_text(r, &text, &utm_out->texts[i]);
            }
        }
    }
}
