/* Reads the head of a declaration into a plugin's tables. What it yields is checked as the tables
 * of a shared object are. */
#include "host/declared.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tr.h"
#include "wire/place.h"

#define DECLARATION_MOST ((size_t)1 << 20)
#define ROWS_MOST 200

struct bit_word {
    const char *word;
    unsigned bit;
};
static const struct bit_word abilities[] = {{"receipts", LANTOA_CAN_RECEIPT},
    {"inbound", LANTOA_CAN_INBOUND}, {"idempotent", LANTOA_CAN_IDEMPOTENT},
    {"accents", LANTOA_CAN_ACCENTS}, {NULL, 0}};
static const struct bit_word option_flags[] = {{"required", LANTOA_REQUIRED},
    {"secret", LANTOA_SECRET}, {"sender", LANTOA_SENDER}, {"pace", LANTOA_PACE}, {NULL, 0}};
static const struct bit_word content_flags[] = {{"required", LANTOA_CONTENT_REQUIRED},
    {"html", LANTOA_CONTENT_HTML}, {"single_line", LANTOA_CONTENT_SINGLE_LINE},
    {"as_is", LANTOA_CONTENT_AS_IS}, {NULL, 0}};
static const struct bit_word option_types[] = {{"text", LANTOA_TYPE_TEXT}, {"int", LANTOA_TYPE_INT},
    {"bool", LANTOA_TYPE_BOOL}, {"choice", LANTOA_TYPE_CHOICE}, {"duration", LANTOA_TYPE_DURATION},
    {"file", LANTOA_TYPE_FILE}, {NULL, 0}};
static const struct bit_word addresses[] = {{"any", LANTOA_ADDRESS_ANY},
    {"email", LANTOA_ADDRESS_EMAIL}, {"phone", LANTOA_ADDRESS_PHONE},
    {"outlet", LANTOA_ADDRESS_OUTLET}, {"account", LANTOA_ADDRESS_ACCOUNT},
    {"page", LANTOA_ADDRESS_PAGE}, {NULL, 0}};

struct reading {
    const struct base_json *doc;
    struct base_err *err;
};

static unsigned bit_of(const struct bit_word *words, const char *word) {
    while (word && words->word && strcmp(words->word, word) != 0) {
        words++;
    }
    return word && words->word ? words->bit : 0;
}

/* One of the words as its bit; 0 and the error when it is none. */
static unsigned take_word(
    const struct reading *r, const json_t *row, const char *field, const struct bit_word *words) {
    const json_t *value = json_object_get(row, field);
    unsigned bit = bit_of(words, json_string_value(value));
    if (bit == 0) {
        base_json_fault(r->doc, value ? value : row, field, r->err, "%s",
            value ? TR("is not one of those there are") : TR("is missing"));
    }
    return bit;
}

static int take_text(const struct reading *r, const json_t *row, const char *field, bool required,
    const char **text_out) {
    const json_t *value = json_object_get(row, field);
    *text_out = json_string_value(value);
    if (value && !*text_out) {
        return base_json_fault(r->doc, value, field, r->err, "%s", TR("must be a text"));
    }
    return *text_out || !required
               ? 0
               : base_json_fault(r->doc, row, field, r->err, "%s", TR("is missing"));
}

static int take_help(
    const struct reading *r, const json_t *row, const char **en_out, const char **vi_out) {
    const json_t *help = json_object_get(row, "help");
    int rc = help && !json_is_object(help)
                 ? base_json_fault(r->doc, help, "help", r->err, "%s", TR("must be an object"))
                 : 0;
    rc = rc ? rc : take_text(r, help, "en", false, en_out);
    return rc ? rc : take_text(r, help, "vi", false, vi_out);
}

static int take_flags(
    const struct reading *r, const json_t *row, const struct bit_word *words, unsigned *flags_out) {
    for (*flags_out = 0; words->word; words++) {
        const json_t *value = json_object_get(row, words->word);
        if (value && !json_is_boolean(value)) {
            return base_json_fault(
                r->doc, value, words->word, r->err, "%s", TR("must be true or false"));
        }
        *flags_out |= json_is_true(value) ? words->bit : 0;
    }
    return 0;
}

static int take_number(
    const struct reading *r, const json_t *row, const char *field, int64_t *number_out) {
    const json_t *value = json_object_get(row, field);
    *number_out = json_integer_value(value);
    return value && !json_is_integer(value)
               ? base_json_fault(r->doc, value, field, r->err, "%s", TR("must be a whole number"))
               : 0;
}

static int check_fields(const struct reading *r, json_t *row, const char *known) {
    const char *key;
    json_t *value;
    if (!json_is_object(row)) {
        return base_json_fault(r->doc, row, "", r->err, "%s", TR("must be an object"));
    }
    json_object_foreach(row, key, value) {
        char word[64];
        int bytes = snprintf(word, sizeof(word), " %s ", key);
        if (bytes >= (int)sizeof(word) || !strstr(known, word)) {
            return base_json_fault(r->doc, value, key, r->err, TR("unknown field \"%s\""), key);
        }
    }
    return 0;
}

static int take_option(const struct reading *r, json_t *row, struct lantoa_option *option) {
    int rc = check_fields(
        r, row, " name type required secret sender pace default allowed least most help ");
    rc = rc ? rc : take_text(r, row, "name", true, &option->name);
    rc = rc ? rc : take_text(r, row, "default", false, &option->fallback);
    rc = rc ? rc : take_text(r, row, "allowed", false, &option->allowed);
    rc = rc ? rc : take_number(r, row, "least", &option->least);
    rc = rc ? rc : take_number(r, row, "most", &option->most);
    rc = rc ? rc : take_flags(r, row, option_flags, &option->flags);
    rc = rc ? rc : take_help(r, row, &option->help_en, &option->help_vi);
    if (rc == 0) {
        option->type = (enum lantoa_option_type)take_word(r, row, "type", option_types);
        rc = option->type ? 0 : LANTOA_EINVAL;
    }
    return rc;
}

static int take_content(const struct reading *r, json_t *row, struct lantoa_content *content) {
    int64_t most = 0;
    int rc = check_fields(r, row, " name required html single_line most_bytes help ");
    rc = rc ? rc : take_text(r, row, "name", true, &content->name);
    rc = rc ? rc : take_number(r, row, "most_bytes", &most);
    rc = rc ? rc : take_flags(r, row, content_flags, &content->flags);
    rc = rc ? rc : take_help(r, row, &content->help_en, &content->help_vi);
    content->most_bytes = most > 0 ? (size_t)most : 0;
    return rc;
}

static int take_abilities(const struct reading *r, const json_t *root, unsigned *can_out) {
    const json_t *list = json_object_get(root, "can");
    *can_out = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *word = json_array_get(list, i);
        unsigned bit = bit_of(abilities, json_string_value(word));
        if (bit == 0) {
            return base_json_fault(
                r->doc, word, "can", r->err, "%s", TR("is not one of those there are"));
        }
        *can_out |= bit;
    }
    return list && !json_is_array(list)
               ? base_json_fault(r->doc, list, "can", r->err, "%s", TR("must be a list"))
               : 0;
}

static int take_rows(const struct reading *r, const json_t *root, struct host_plugin *plugin) {
    const json_t *options = json_object_get(root, "options");
    const json_t *content = json_object_get(root, "content");
    struct lantoa_plugin *table = &plugin->table;
    if (!json_is_array(options) || !json_is_array(content)) {
        return base_json_fault(
            r->doc, root, "options, content", r->err, "%s", TR("must be a list"));
    }
    table->option_count = json_array_size(options);
    table->content_count = json_array_size(content);
    if (table->option_count > ROWS_MOST || table->content_count > ROWS_MOST) {
        return base_json_fault(
            r->doc, options, "options", r->err, TR("at most %d entries are allowed"), ROWS_MOST);
    }
    plugin->options = base_alloc_array(table->option_count + 1, sizeof(*plugin->options));
    plugin->content = base_alloc_array(table->content_count + 1, sizeof(*plugin->content));
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < table->option_count; i++) {
        rc = take_option(r, json_array_get(options, i), &plugin->options[i]);
    }
    for (size_t i = 0; rc == 0 && i < table->content_count; i++) {
        rc = take_content(r, json_array_get(content, i), &plugin->content[i]);
    }
    table->options = plugin->options;
    table->content = plugin->content;
    return rc;
}

static int take_head(const struct reading *r, const json_t *root, struct host_plugin *plugin) {
    struct lantoa_plugin *table = &plugin->table;
    unsigned can = 0;
    table->max_batch = 0;
    table->config_size = sizeof(struct lantoa_declared);
    int rc = take_text(r, root, "name", true, &table->name);
    rc = rc ? rc : take_text(r, root, "version", true, &table->version);
    rc = rc ? rc : take_text(r, root, "kind", true, &table->kind);
    rc = rc ? rc : take_text(r, root, "account", false, &table->account);
    rc = rc ? rc : take_help(r, root, &table->help_en, &table->help_vi);
    rc = rc ? rc : take_abilities(r, root, &can);
    if (rc == 0) {
        table->address = (enum lantoa_address_kind)take_word(r, root, "address", addresses);
        rc = table->address ? 0 : LANTOA_EINVAL;
    }
    table->capabilities = can;
    table->help_en = table->help_en ? table->help_en : "";
    table->help_vi = table->help_vi ? table->help_vi : "";
    if ((can & (LANTOA_CAN_RECEIPT | LANTOA_CAN_INBOUND)) == 0) {
        table->ops.hook = NULL; /* nothing for it to give */
    }
    return rc ? rc : take_rows(r, root, plugin);
}

/* The plugin that runs the declaration, with the tables still its own. */
static int load_runner(
    const struct reading *r, const json_t *root, struct host_plugin **plugin_out) {
    const char *name = json_string_value(json_object_get(root, "declares"));
    if (!name || !wire_name_ok(str_from(name), '-')) {
        return base_json_fault(r->doc, root, "declares", r->err, "%s",
            TR("must name the plugin that runs it, such as \"http\""));
    }
    char *path = wire_plugin_path(name);
    int rc = path && str_ends(str_from(path), STR(".so"))
                 ? host_plugin_open(path, plugin_out, r->err)
                 : base_json_fault(r->doc, json_object_get(root, "declares"), "declares", r->err,
                       TR("there is no plugin \"%s\""), name);
    base_free(path);
    BASE_ASSERT(rc != 0 || *plugin_out);
    if (rc == 0 && ((*plugin_out)->table.capabilities & LANTOA_TAKES_DECLARATIONS) == 0) {
        host_plugin_free(plugin_out);
        rc = base_json_fault(r->doc, json_object_get(root, "declares"), "declares", r->err,
            TR("the plugin \"%s\" runs no declarations"), name);
    }
    return rc;
}

int host_declared_take(struct host_plugin *plugin, const char *path, TAKES struct base_json *doc,
    TAKES char *text, struct base_err *err) {
    const struct reading r = {doc, err};
    base_free(plugin->options);
    base_free(plugin->content);
    plugin->options = NULL;
    plugin->content = NULL;
    plugin->declaration = doc;
    plugin->declared = text;
    int rc = take_head(&r, base_json_root(doc), plugin);
    return rc ? rc : host_plugin_check(plugin, path, err);
}

int host_declared_load(const char *path, struct host_plugin **plugin_out, struct base_err *err) {
    struct base_buf text;
    struct base_json *doc = NULL;
    struct host_plugin *plugin = NULL;
    base_buf_init(&text, DECLARATION_MOST);
    int rc = base_file_read(path, DECLARATION_MOST, &text, err);
    rc = rc ? rc : base_json_parse(base_buf_str(&text), path, &doc, err);
    const struct reading r = {doc, err};
    rc = rc ? rc : load_runner(&r, base_json_root(doc), &plugin);
    BASE_ASSERT(rc != 0 || plugin);
    if (rc == 0) {
        rc = host_declared_take(plugin, path, doc, base_buf_take(&text), err);
        doc = NULL;
    }
    base_json_free(&doc);
    base_buf_release(&text);
    if (rc != 0) {
        host_plugin_free(&plugin);
        return rc;
    }
    *plugin_out = plugin;
    return 0;
}
