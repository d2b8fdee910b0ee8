/* Loading a plugin and checking its tables, before any of its operations runs. Knows the SDK's
 * tables; not what a channel does. */
#include "host/plugin.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/tr.h"
#include "host/declared.h"
#include <dlfcn.h>
#include <unistd.h>

#define ROWS_MOST 200
#define CONFIG_MOST ((size_t)1 << 20)

/* Sizes at ABI 1.0: no plugin can have smaller tables. */
#define PLUGIN_LEAST (offsetof(struct lantoa_plugin, ops) + OPS_LEAST)
#define OPS_LEAST (offsetof(struct lantoa_ops, preview) + sizeof(((struct lantoa_ops *)0)->preview))
#define OPTION_LEAST                                                                               \
    (offsetof(struct lantoa_option, help_vi) + sizeof(((struct lantoa_option *)0)->help_vi))
#define CONTENT_LEAST                                                                              \
    (offsetof(struct lantoa_content, help_vi) + sizeof(((struct lantoa_content *)0)->help_vi))

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static const char *text_or_empty(const char *text) {
    return text ? text : "";
}

struct wire_option_rule host_plugin_rule(const struct lantoa_option *option) {
    return (struct wire_option_rule){option->name, option->type, option->flags, option->fallback,
        option->allowed, option->least, option->most};
}

/* Only size and the ABI numbers are read before they have been found right. */
static int check_version(const struct lantoa_plugin *from, struct base_err *err) {
    if (from->abi_major != LANTOA_ABI_MAJOR || from->abi_minor > LANTOA_ABI_MINOR) {
        return base_err_set(err, LANTOA_EVERSION,
            TR("the plugin was built for ABI %u.%u; this program takes %u.0 to %u.%u"),
            from->abi_major, from->abi_minor, LANTOA_ABI_MAJOR, LANTOA_ABI_MAJOR, LANTOA_ABI_MINOR);
    }
    if (from->size < PLUGIN_LEAST || from->option_size < OPTION_LEAST ||
        from->content_size < CONTENT_LEAST || from->ops.size < OPS_LEAST) {
        return base_err_set(err, LANTOA_EVERSION,
            TR("the plugin's tables are smaller than ABI %u.0 demands"), LANTOA_ABI_MAJOR);
    }
    return 0;
}

static size_t type_bytes(enum lantoa_option_type type, size_t *align_out) {
    switch (type) {
    case LANTOA_TYPE_TEXT:
    case LANTOA_TYPE_CHOICE:
    case LANTOA_TYPE_FILE:
        *align_out = _Alignof(const char *);
        return sizeof(const char *);
    case LANTOA_TYPE_INT:
    case LANTOA_TYPE_DURATION:
        *align_out = _Alignof(int64_t);
        return sizeof(int64_t);
    case LANTOA_TYPE_BOOL:
        *align_out = _Alignof(bool);
        return sizeof(bool);
    }
    *align_out = 1;
    return 0;
}

static int check_option(const struct host_plugin *plugin, size_t index, struct base_err *err) {
    struct lantoa_option *option = &plugin->options[index];
    struct wire_option_rule rule = host_plugin_rule(option);
    int code = wire_option_check_rule(&rule, err);
    if (code) {
        return base_err_prefix(
            err, TR("option %zu \"%s\""), index + 1, text_or_empty(option->name));
    }
    size_t align = 1;
    size_t bytes = type_bytes(option->type, &align);
    if (option->offset % align != 0 || option->offset > plugin->table.config_size ||
        bytes > plugin->table.config_size - option->offset) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("option \"%s\": its place is outside the plugin's config"), option->name);
    }
    for (size_t i = 0; i < index; i++) {
        if (strcmp(plugin->options[i].name, option->name) == 0) {
            return base_err_set(err, LANTOA_EINVAL, TR("option \"%s\" stands twice"), option->name);
        }
    }
    option->help_en = text_or_empty(option->help_en);
    option->help_vi = text_or_empty(option->help_vi);
    return 0;
}

static int check_content(const struct host_plugin *plugin, size_t index, struct base_err *err) {
    struct lantoa_content *content = &plugin->content[index];
    if (!content->name || !wire_name_ok(str_from(content->name), '_')) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("content %zu \"%s\": its name must be [a-z][a-z0-9_]*"), index + 1,
            text_or_empty(content->name));
    }
    for (size_t i = 0; i < index; i++) {
        if (strcmp(plugin->content[i].name, content->name) == 0) {
            return base_err_set(
                err, LANTOA_EINVAL, TR("content \"%s\" stands twice"), content->name);
        }
    }
    content->help_en = text_or_empty(content->help_en);
    content->help_vi = text_or_empty(content->help_vi);
    return 0;
}

static int check_head(struct lantoa_plugin *table, const char *path, struct base_err *err) {
    const char *slash = strrchr(path, '/');
    struct str file = str_from(slash ? slash + 1 : path);
    file.bytes -= str_ends(file, STR(".so")) ? 3 : str_ends(file, STR(".json")) ? 5 : 0;
    if (!table->name || !wire_name_ok(str_from(table->name), '-') || !str_is(file, table->name)) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("its name \"%s\" must be [a-z][a-z0-9-]* and the same as the file's"),
            text_or_empty(table->name));
    }
    if (!table->kind || !wire_name_ok(str_from(table->kind), '_')) {
        return base_err_set(err, LANTOA_EINVAL, TR("its kind \"%s\" must be [a-z][a-z0-9_]*"),
            text_or_empty(table->kind));
    }
    if (!table->version || !table->version[0] || strlen(table->version) > 40) {
        return base_err_set(err, LANTOA_EINVAL, TR("it has no version"));
    }
    if (table->address < LANTOA_ADDRESS_ANY || table->address > LANTOA_ADDRESS_PAGE) {
        return base_err_set(err, LANTOA_EINVAL, TR("its address kind is unknown"));
    }
    if (table->address != LANTOA_ADDRESS_ACCOUNT) {
        table->account = NULL;
    } else if (!table->account || !wire_name_ok(str_from(table->account), '_')) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("it writes to accounts, and does not name the attribute that holds them"));
    }
    if (!table->ops.open || !table->ops.send || !table->ops.close) {
        return base_err_set(err, LANTOA_EINVAL, TR("it lacks open, send or close"));
    }
    if ((table->option_count > 0 && !table->options) ||
        (table->content_count > 0 && !table->content) || table->option_count > ROWS_MOST ||
        table->content_count > ROWS_MOST || table->config_size > CONFIG_MOST) {
        return base_err_set(err, LANTOA_EINVAL, TR("its tables of options or content are faulty"));
    }
    table->help_en = text_or_empty(table->help_en);
    table->help_vi = text_or_empty(table->help_vi);
    return 0;
}

/* What stands behind the ops begins where the plugin's own end: theirs may be fewer than ours. */
static void read_tail(struct lantoa_plugin *table, const struct lantoa_plugin *from) {
    size_t at = offsetof(struct lantoa_plugin, ops) + from->ops.size;
    table->account = NULL;
    if (from->abi_minor >= 4 && at % sizeof(table->account) == 0 &&
        from->size >= at + sizeof(table->account)) {
        memcpy(&table->account, (const char *)from + at, sizeof(table->account));
    }
}

/* Copies no more of a table than the plugin has, and no more than this program knows. */
static int copy_tables(struct host_plugin *plugin, const struct lantoa_plugin *from,
    const char *path, struct base_err *err) {
    struct lantoa_plugin *table = &plugin->table;
    memcpy(table, from, offsetof(struct lantoa_plugin, ops));
    memcpy(&table->ops, &from->ops, least(from->ops.size, sizeof(table->ops)));
    read_tail(table, from);
    int code = check_head(table, path, err);
    if (code) {
        return code;
    }
    plugin->options = base_alloc_array(table->option_count + 1, sizeof(*plugin->options));
    plugin->content = base_alloc_array(table->content_count + 1, sizeof(*plugin->content));
    for (size_t i = 0; i < table->option_count && !code; i++) {
        const char *row = (const char *)table->options + i * from->option_size;
        memcpy(&plugin->options[i], row, least(from->option_size, sizeof(*plugin->options)));
        code = check_option(plugin, i, err);
    }
    for (size_t i = 0; i < table->content_count && !code; i++) {
        const char *row = (const char *)table->content + i * from->content_size;
        memcpy(&plugin->content[i], row, least(from->content_size, sizeof(*plugin->content)));
        code = check_content(plugin, i, err);
    }
    table->options = plugin->options;
    table->content = plugin->content;
    return code;
}

int host_plugin_check(const struct host_plugin *plugin, const char *path, struct base_err *err) {
    struct lantoa_plugin table = plugin->table;
    int code = check_head(&table, path, err);
    for (size_t i = 0; i < table.option_count && !code; i++) {
        code = check_option(plugin, i, err);
    }
    for (size_t i = 0; i < table.content_count && !code; i++) {
        code = check_content(plugin, i, err);
    }
    return code ? base_err_prefix(err, TR("plugin %s"), path) : 0;
}

int host_plugin_load(const char *path, struct host_plugin **plugin_out, struct base_err *err) {
    if (str_ends(str_from(path), STR(".json"))) {
        return host_declared_load(path, plugin_out, err);
    }
    int code = host_plugin_open(path, plugin_out, err);
    if (!code && ((*plugin_out)->table.capabilities & LANTOA_TAKES_DECLARATIONS)) {
        host_plugin_free(plugin_out);
        return base_err_set(err, LANTOA_EINVAL,
            TR("plugin %s: runs declared channels; name the declaration, not it"), path);
    }
    return code;
}

int host_plugin_open(const char *path, struct host_plugin **plugin_out, struct base_err *err) {
    if (access(path, R_OK) != 0) {
        return base_err_set(err, LANTOA_ENOENT, TR("plugin %s: cannot be read"), path);
    }
    /* LOCAL: two plugins, or a plugin and this program, must not see each other's symbols. */
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        return base_err_set(err, LANTOA_EINVAL, TR("plugin %s: not a plugin: %s"), path, dlerror());
    }
    const struct lantoa_plugin *from = dlsym(handle, LANTOA_PLUGIN_SYMBOL);
    if (!from) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("plugin %s: not a plugin: it does not export %s"), path, LANTOA_PLUGIN_SYMBOL);
    }
    struct host_plugin *plugin = base_alloc(sizeof(*plugin));
    plugin->handle = handle;
    int code = check_version(from, err);
    if (!code) {
        code = copy_tables(plugin, from, path, err);
    }
    if (code) {
        host_plugin_free(&plugin);
        return base_err_prefix(err, TR("plugin %s"), path);
    }
    *plugin_out = plugin;
    return 0;
}

void host_plugin_free(struct host_plugin **plugin) {
    if (*plugin) {
        base_free((*plugin)->options);
        base_free((*plugin)->content);
        base_json_free(&(*plugin)->declaration);
        base_free((*plugin)->declared);
        base_free(*plugin);
        *plugin = NULL;
    }
}
