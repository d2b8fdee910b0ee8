/* The head of a declared channel: what is taken has sound tables, and options can be read with
 * them; what is refused is refused with a reason. */
#include "base/mem.h"
#include "fuzz.h"
#include "host/declared.h"
#include "host/options.h"
#include <stdio.h>

static int no_open(const struct lantoa_host *host, const void *config, void **self_out) {
    (void)host;
    (void)config;
    (void)self_out;
    return LANTOA_ENOMEM;
}

static void no_send(void *self, const struct lantoa_message *const *messages, size_t count) {
    (void)self;
    (void)messages;
    (void)count;
}

static void no_close(void *self) {
    (void)self;
}

static void read_options(const struct host_plugin *plugin, const char *options) {
    struct base_err err = {0};
    struct host_config *config = NULL;
    if (host_config_new(plugin, str_from(options), "/nowhere", &config, &err) != 0) {
        FUZZ_HOLDS(err.text[0] != '\0');
        return;
    }
    const struct lantoa_declared *declared = host_config_get(config);
    FUZZ_HOLDS(declared->option_count == plugin->table.option_count);
    FUZZ_HOLDS(declared->content_count == plugin->table.content_count);
    FUZZ_HOLDS(strlen(declared->json.at) == declared->json.bytes);
    host_config_free(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    struct base_err err = {0};
    struct base_json *doc = NULL;
    char path[300];
    char *text = base_strndup((const char *)bytes, count);
    if (base_json_parse(str_from(text), "fuzz.json", &doc, &err) != 0) {
        base_free(text);
        return 0;
    }
    const char *name = json_string_value(json_object_get(base_json_root(doc), "name"));
    snprintf(path, sizeof(path), "/nowhere/%.200s.json", name ? name : "fuzz");
    struct host_plugin *plugin = base_alloc(sizeof(*plugin));
    plugin->table.ops = (struct lantoa_ops){.open = no_open, .send = no_send, .close = no_close};
    if (host_declared_take(plugin, path, doc, text, &err) == 0) {
        for (size_t i = 0; i < plugin->table.option_count; i++) {
            FUZZ_HOLDS(plugin->options[i].name && plugin->options[i].help_vi);
        }
        read_options(plugin, "{}");
        read_options(
            plugin, "{\"token\": \"x\", \"base_url\": \"http://a\", \"n\": 1, \"b\": true}");
    } else {
        FUZZ_HOLDS(err.text[0] != '\0');
    }
    host_plugin_free(&plugin);
    return 0;
}
