/* Fills a plugin's config struct. The types and limits are checked by wire/option; only the place
 * in the struct is known here. */
#include "host/options.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/tr.h"
#include "wire/secret.h"
#include <stdlib.h>

struct host_config {
    void *bytes;
    size_t size;
    char **texts; /* one place per option; NULL where it has no text */
    size_t text_count;
    /* Of a declared channel: what the struct points to. */
    const char **names, **values, **content_names;
};

/* A declared channel gets every option as text; the struct has no place of its own for it. */
static void keep_text(struct host_config *config, size_t index, const struct wire_option_value *v,
    enum lantoa_option_type type) {
    config->texts[index] = type == LANTOA_TYPE_BOOL ? base_strdup(v->yes ? "true" : "false")
                                                    : base_printf("%lld", (long long)v->number);
}

static void fill_declared(struct host_config *config, const struct host_plugin *plugin) {
    const struct lantoa_plugin *table = &plugin->table;
    config->names = base_alloc_array(table->option_count + 1, sizeof(*config->names));
    config->values = base_alloc_array(table->option_count + 1, sizeof(*config->values));
    config->content_names =
        base_alloc_array(table->content_count + 1, sizeof(*config->content_names));
    for (size_t i = 0; i < table->option_count; i++) {
        config->names[i] = plugin->options[i].name;
        config->values[i] = config->texts[i];
    }
    for (size_t i = 0; i < table->content_count; i++) {
        config->content_names[i] = plugin->content[i].name;
    }
    struct lantoa_declared declared = {.size = sizeof(declared),
        .name = table->name,
        .json = {plugin->declared, strlen(plugin->declared)},
        .option_count = table->option_count,
        .option_names = config->names,
        .option_values = config->values,
        .content_count = table->content_count,
        .content_names = config->content_names};
    memcpy(config->bytes, &declared, sizeof(declared));
}

static int take_text(struct host_config *config, size_t index, const struct lantoa_option *option,
    const struct wire_option_value *value, const char *data_dir, struct base_err *err) {
    char *text = NULL;
    if (value->from_env || value->from_file) {
        int code = wire_secret_read(value, data_dir, &text, err);
        if (code) {
            return code;
        }
    } else if (option->type == LANTOA_TYPE_FILE && value->text.bytes > 0) {
        char *path = base_strndup(value->text.at, value->text.bytes);
        text = base_path_join(data_dir, path);
        base_free(path);
    } else {
        text = base_strndup(value->text.at, value->text.bytes);
    }
    config->texts[index] = text;
    const char *seen = text;
    memcpy((char *)config->bytes + option->offset, &seen, sizeof(seen));
    return 0;
}

static int fill(struct host_config *config, size_t index, const struct lantoa_option *option,
    bool declared, const json_t *options, const char *data_dir, struct base_err *err) {
    struct wire_option_rule rule = host_plugin_rule(option);
    struct wire_option_value value;
    int code = wire_option_read(&rule, json_object_get(options, option->name), &value, err);
    if (code || !value.set) {
        return code;
    }
    char *place = (char *)config->bytes + option->offset;
    bool number = option->type == LANTOA_TYPE_INT || option->type == LANTOA_TYPE_DURATION ||
                  option->type == LANTOA_TYPE_BOOL;
    if (declared && number) {
        keep_text(config, index, &value, option->type);
        return 0;
    }
    switch (option->type) {
    case LANTOA_TYPE_INT:
    case LANTOA_TYPE_DURATION:
        memcpy(place, &value.number, sizeof(value.number));
        return 0;
    case LANTOA_TYPE_BOOL:
        memcpy(place, &value.yes, sizeof(value.yes));
        return 0;
    case LANTOA_TYPE_TEXT:
    case LANTOA_TYPE_CHOICE:
    case LANTOA_TYPE_FILE:
        break;
    }
    return take_text(config, index, option, &value, data_dir, err);
}

static int check_unknown(const struct host_plugin *plugin, json_t *options, struct base_err *err) {
    const char *name;
    json_t *value;
    json_object_foreach(options, name, value) {
        size_t i = 0;
        while (i < plugin->table.option_count && strcmp(plugin->options[i].name, name) != 0) {
            i++;
        }
        if (i == plugin->table.option_count) {
            return base_err_set(
                err, LANTOA_EINVAL, TR("option \"%s\": the plugin has no such option"), name);
        }
    }
    return 0;
}

int host_config_new(const struct host_plugin *plugin, struct str options, const char *data_dir,
    struct host_config **config_out, struct base_err *err) {
    struct base_json *doc = NULL;
    int code = base_json_parse(options, "options", &doc, err);
    if (code) {
        return code;
    }
    struct host_config *config = base_alloc(sizeof(*config));
    config->size = plugin->table.config_size;
    config->bytes = base_alloc(config->size + 1);
    config->text_count = plugin->table.option_count;
    config->texts = base_alloc_array(config->text_count + 1, sizeof(*config->texts));
    json_t *root = base_json_root(doc);
    if (!json_is_object(root)) {
        code = base_err_set(err, LANTOA_EINVAL, TR("the options must be an object"));
    }
    if (!code) {
        code = check_unknown(plugin, root, err);
    }
    for (size_t i = 0; i < config->text_count && !code; i++) {
        code = fill(config, i, &plugin->options[i], plugin->declared != NULL, root, data_dir, err);
        if (code) {
            code = base_err_prefix(err, TR("option \"%s\""), plugin->options[i].name);
        }
    }
    base_json_free(&doc);
    if (code) {
        host_config_free(&config);
        return code;
    }
    if (plugin->declared) {
        fill_declared(config, plugin);
    }
    *config_out = config;
    return 0;
}

const void *host_config_get(const struct host_config *config) {
    return config->bytes;
}

void host_config_free(struct host_config **config) {
    struct host_config *old = *config;
    if (!old) {
        return;
    }
    for (size_t i = 0; i < old->text_count; i++) {
        if (old->texts[i]) {
            explicit_bzero(old->texts[i], strlen(old->texts[i]));
            base_free(old->texts[i]);
        }
    }
    base_free(old->texts);
    base_free(old->names);
    base_free(old->values);
    base_free(old->content_names);
    explicit_bzero(old->bytes, old->size);
    base_free(old->bytes);
    base_free(old);
    *config = NULL;
}
