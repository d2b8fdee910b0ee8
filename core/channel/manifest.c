/* Reads the JSON that `lantoa-channel --describe` prints. It comes from a process that has just run
 * a stranger's constructors, so everything is checked again. */
#include "channel/manifest.h"
#include "base/tr.h"
#include "wire/option.h"

#define ROWS_MOST 200

static char *take_text(const json_t *row, const char *key) {
    const char *text = json_string_value(json_object_get(row, key));
    return base_strdup(text);
}

static char *take_help(const json_t *row, const char *key) {
    const char *text = json_string_value(json_object_get(row, key));
    return base_strdup(text ? text : "");
}

static int type_of(const char *name, enum lantoa_option_type *type_out) {
    static const struct {
        const char *name;
        enum lantoa_option_type type;
    } types[] = {{"text", LANTOA_TYPE_TEXT}, {"int", LANTOA_TYPE_INT}, {"bool", LANTOA_TYPE_BOOL},
        {"choice", LANTOA_TYPE_CHOICE}, {"duration", LANTOA_TYPE_DURATION},
        {"file", LANTOA_TYPE_FILE}};
    for (size_t i = 0; name && i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i].name, name) == 0) {
            *type_out = types[i].type;
            return 0;
        }
    }
    return LANTOA_EINVAL;
}

static int parse_option(const json_t *row, struct channel_option *option, struct base_err *err) {
    option->name = take_text(row, "name");
    option->fallback = take_text(row, "default");
    option->allowed = take_text(row, "allowed");
    option->help_en = take_help(row, "help_en");
    option->help_vi = take_help(row, "help_vi");
    option->flags = (unsigned)json_integer_value(json_object_get(row, "flags"));
    option->least = json_integer_value(json_object_get(row, "least"));
    option->most = json_integer_value(json_object_get(row, "most"));
    const char *type = json_string_value(json_object_get(row, "type"));
    if (type_of(type, &option->type) != 0) {
        return base_err_set(err, LANTOA_EINVAL, TR("has no type that this program knows"));
    }
    struct wire_option_rule rule = {option->name, option->type, option->flags, option->fallback,
        option->allowed, option->least, option->most};
    return wire_option_check_rule(&rule, err);
}

static int parse_content(const json_t *row, struct channel_content *content, struct base_err *err) {
    content->name = take_text(row, "name");
    content->help_en = take_help(row, "help_en");
    content->help_vi = take_help(row, "help_vi");
    content->flags = (unsigned)json_integer_value(json_object_get(row, "flags"));
    json_int_t most = json_integer_value(json_object_get(row, "most_bytes"));
    content->most_bytes = most > 0 ? (size_t)most : 0;
    if (!content->name || !wire_name_ok(str_from(content->name), '_')) {
        return base_err_set(err, LANTOA_EINVAL, TR("its name must be [a-z][a-z0-9_]*"));
    }
    return 0;
}

static int parse_head(const json_t *root, struct channel_manifest *manifest, struct base_err *err) {
    manifest->name = take_text(root, "name");
    manifest->version = take_text(root, "version");
    manifest->kind = take_text(root, "kind");
    manifest->help_en = take_help(root, "help_en");
    manifest->help_vi = take_help(root, "help_vi");
    json_int_t address = json_integer_value(json_object_get(root, "address"));
    json_int_t max_batch = json_integer_value(json_object_get(root, "max_batch"));
    if (!manifest->name || !wire_name_ok(str_from(manifest->name), '-') || !manifest->version ||
        !manifest->kind || !wire_name_ok(str_from(manifest->kind), '_') ||
        address < LANTOA_ADDRESS_ANY || address > LANTOA_ADDRESS_PAGE || max_batch < 0) {
        return base_err_set(err, LANTOA_EINVAL, TR("the description of the plugin makes no sense"));
    }
    manifest->address = (enum lantoa_address_kind)address;
    manifest->account = address == LANTOA_ADDRESS_ACCOUNT ? take_text(root, "account") : NULL;
    if (address == LANTOA_ADDRESS_ACCOUNT &&
        (!manifest->account || !wire_name_ok(str_from(manifest->account), '_'))) {
        return base_err_set(err, LANTOA_EINVAL, TR("the description of the plugin makes no sense"));
    }
    manifest->max_batch = (size_t)max_batch;
    manifest->capabilities = (unsigned)json_integer_value(json_object_get(root, "capabilities"));
    manifest->hooks = json_is_true(json_object_get(root, "hooks"));
    manifest->checks = json_is_true(json_object_get(root, "checks"));
    manifest->reconfigures = json_is_true(json_object_get(root, "reconfigures"));
    return 0;
}

static int parse_rows(const json_t *root, struct channel_manifest *manifest, struct base_err *err) {
    const json_t *options = json_object_get(root, "options");
    const json_t *content = json_object_get(root, "content");
    if (json_array_size(options) > ROWS_MOST || json_array_size(content) > ROWS_MOST) {
        return base_err_set(err, LANTOA_EINVAL, TR("the description of the plugin makes no sense"));
    }
    manifest->option_count = json_array_size(options);
    manifest->options = base_alloc_array(manifest->option_count + 1, sizeof(*manifest->options));
    manifest->content_count = json_array_size(content);
    manifest->content = base_alloc_array(manifest->content_count + 1, sizeof(*manifest->content));
    for (size_t i = 0; i < manifest->option_count; i++) {
        int code = parse_option(json_array_get(options, i), &manifest->options[i], err);
        if (code) {
            return base_err_prefix(err, TR("option %zu"), i + 1);
        }
    }
    for (size_t i = 0; i < manifest->content_count; i++) {
        int code = parse_content(json_array_get(content, i), &manifest->content[i], err);
        if (code) {
            return base_err_prefix(err, TR("content %zu"), i + 1);
        }
    }
    return 0;
}

int channel_manifest_parse(
    const char *json, struct channel_manifest **manifest_out, struct base_err *err) {
    struct base_json *doc = NULL;
    int code = base_json_parse(str_from(json), "manifest", &doc, err);
    if (code) {
        return code;
    }
    struct channel_manifest *manifest = base_alloc(sizeof(*manifest));
    code = parse_head(base_json_root(doc), manifest, err);
    if (!code) {
        code = parse_rows(base_json_root(doc), manifest, err);
    }
    base_json_free(&doc);
    if (code) {
        channel_manifest_free(&manifest);
        return code;
    }
    *manifest_out = manifest;
    return 0;
}

void channel_manifest_free(struct channel_manifest **manifest) {
    struct channel_manifest *old = *manifest;
    if (!old) {
        return;
    }
    for (size_t i = 0; i < old->option_count; i++) {
        base_free(old->options[i].name);
        base_free(old->options[i].fallback);
        base_free(old->options[i].allowed);
        base_free(old->options[i].help_en);
        base_free(old->options[i].help_vi);
    }
    for (size_t i = 0; i < old->content_count; i++) {
        base_free(old->content[i].name);
        base_free(old->content[i].help_en);
        base_free(old->content[i].help_vi);
    }
    base_free(old->options);
    base_free(old->content);
    base_free(old->name);
    base_free(old->version);
    base_free(old->kind);
    base_free(old->help_en);
    base_free(old->help_vi);
    base_free(old->account);
    base_free(old);
    *manifest = NULL;
}
