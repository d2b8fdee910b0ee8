/* Templates: a text is refused with line and column, or renders, within the ceiling, without ever
 * giving half a text as success. */
#include "fuzz.h"

#include "base/text.h"
#include "campaign/template.h"

static int template_partial(void *arg, struct str name, struct str *text_out) {
    (void)arg;
    if (str_is(name, "footer")) {
        *text_out = STR("-- {{name | or \"x\"}}\n");
        return 0;
    }
    if (str_is(name, "loop")) {
        *text_out = STR("{{#a}}{{> loop}}{{/a}}");
        return 0;
    }
    return LANTOA_ENOENT;
}

static bool template_get(void *arg, int index, struct str name, struct str *value_out) {
    (void)arg;
    (void)index;
    if (str_is(name, "name")) {
        *value_out = STR("Nguyễn <Thị> Hoà");
        return true;
    }
    if (str_is(name, "n")) {
        *value_out = STR("1234567");
        return true;
    }
    if (str_is(name, "due")) {
        *value_out = STR("2026-12-01");
        return true;
    }
    return false;
}

static void template_try(struct str text, enum template_mode mode, const char *lang) {
    enum { CEILING = 1 << 18 };
    struct base_err err = {0};
    struct template *compiled = NULL;
    if (template_compile(text, mode, lang, template_partial, NULL, &compiled, &err) != 0) {
        FUZZ_HOLDS(err.text[0] != '\0');
        return;
    }
    struct base_buf out;
    base_buf_init(&out, CEILING);
    struct template_source source = {template_get, NULL};
    if (template_render(compiled, &source, &out, &err) == 0) {
        FUZZ_HOLDS(base_buf_ok(&out));
        FUZZ_HOLDS(!base_utf8_valid(text) || base_utf8_valid(base_buf_str(&out)));
    } else {
        FUZZ_HOLDS(err.text[0] != '\0');
    }
    base_buf_release(&out);
    template_free(&compiled);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    struct str text = str_of((const char *)bytes, count);
    template_try(text, TEMPLATE_TEXT, "vi");
    template_try(text, TEMPLATE_HTML, "en");
    template_try(text, TEMPLATE_HTML | TEMPLATE_LENIENT, "vi");
    return 0;
}
