/* `lantoa-channel --describe PLUGIN.so`: the plugin's tables as JSON, for the core, the manual and
 * the console. Runs no operation. */
#include "base/mem.h"
#include "host/host.h"
#include "host/plugin.h"
#include "wire/start.h"
#include <stdio.h>

static const char *const type_names[] = {
    [LANTOA_TYPE_TEXT] = "text",
    [LANTOA_TYPE_INT] = "int",
    [LANTOA_TYPE_BOOL] = "bool",
    [LANTOA_TYPE_CHOICE] = "choice",
    [LANTOA_TYPE_DURATION] = "duration",
    [LANTOA_TYPE_FILE] = "file",
};

static json_t *describe_option(const struct lantoa_option *option) {
    json_t *row = json_object();
    json_object_set_new(row, "name", json_string(option->name));
    json_object_set_new(row, "type", json_string(type_names[option->type]));
    json_object_set_new(row, "flags", json_integer(option->flags));
    if (option->fallback) {
        json_object_set_new(row, "default", json_string(option->fallback));
    }
    if (option->allowed) {
        json_object_set_new(row, "allowed", json_string(option->allowed));
    }
    json_object_set_new(row, "least", json_integer(option->least));
    json_object_set_new(row, "most", json_integer(option->most));
    json_object_set_new(row, "help_en", json_string(option->help_en));
    json_object_set_new(row, "help_vi", json_string(option->help_vi));
    return row;
}

static json_t *describe_content(const struct lantoa_content *content) {
    json_t *row = json_object();
    json_object_set_new(row, "name", json_string(content->name));
    json_object_set_new(row, "flags", json_integer(content->flags));
    json_object_set_new(row, "most_bytes", json_integer((json_int_t)content->most_bytes));
    json_object_set_new(row, "help_en", json_string(content->help_en));
    json_object_set_new(row, "help_vi", json_string(content->help_vi));
    return row;
}

static json_t *describe(const struct host_plugin *plugin) {
    const struct lantoa_plugin *table = &plugin->table;
    json_t *root = json_object();
    json_object_set_new(root, "abi_major", json_integer(table->abi_major));
    json_object_set_new(root, "abi_minor", json_integer(table->abi_minor));
    json_object_set_new(root, "name", json_string(table->name));
    json_object_set_new(root, "version", json_string(table->version));
    json_object_set_new(root, "kind", json_string(table->kind));
    json_object_set_new(root, "help_en", json_string(table->help_en));
    json_object_set_new(root, "help_vi", json_string(table->help_vi));
    json_object_set_new(root, "address", json_integer(table->address));
    if (table->account) {
        json_object_set_new(root, "account", json_string(table->account));
    }
    json_object_set_new(root, "capabilities", json_integer(table->capabilities));
    json_object_set_new(root, "max_batch", json_integer((json_int_t)table->max_batch));
    json_object_set_new(root, "reconfigures", json_boolean(table->ops.reconfigure != NULL));
    json_object_set_new(root, "hooks", json_boolean(table->ops.hook != NULL));
    json_object_set_new(root, "checks", json_boolean(table->ops.check != NULL));
    json_t *options = json_array();
    for (size_t i = 0; i < table->option_count; i++) {
        json_array_append_new(options, describe_option(&plugin->options[i]));
    }
    json_object_set_new(root, "options", options);
    json_t *content = json_array();
    for (size_t i = 0; i < table->content_count; i++) {
        json_array_append_new(content, describe_content(&plugin->content[i]));
    }
    json_object_set_new(root, "content", content);
    return root;
}

static int exit_code(int error) {
    return error == LANTOA_EVERSION ? WIRE_EXIT_VERSION
           : error == LANTOA_ENOENT ? WIRE_EXIT_ABSENT
                                    : WIRE_EXIT_INVALID;
}

int host_describe(const char *plugin_path) {
    struct base_err err = {0};
    struct host_plugin *plugin = NULL;
    int code = host_plugin_load(plugin_path, &plugin, &err);
    if (code) {
        fprintf(stderr, "%s\n", err.text);
        return exit_code(code);
    }
    json_t *root = describe(plugin);
    int failed = json_dumpf(root, stdout, JSON_INDENT(1) | JSON_ENSURE_ASCII);
    failed |= fputc('\n', stdout) == EOF;
    failed |= fflush(stdout);
    json_decref(root);
    host_plugin_free(&plugin);
    return failed ? WIRE_EXIT_INVALID : WIRE_EXIT_OK;
}
