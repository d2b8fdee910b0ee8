/* What a plugin says of itself, for people: options, content, limits, as text, JSON or manual page.
 * Everything here comes from the plugin's own tables. */
#include "base/file.h"
#include "base/mem.h"
#include "base/tr.h"
#include "campaign/store.h"
#include "channel/manifest.h"
#include "cli/cli.h"
#include <stdlib.h>

#define HIDDEN "***" /* as core/wire/option.h knows it */

/* Words of the tables; what is missing from a table prints as its number. */
struct word {
    unsigned bit;
    const char *word;
};
static const struct word capability_words[] = {{LANTOA_CAN_RECEIPT, "receipts"},
    {LANTOA_CAN_INBOUND, "inbound"}, {LANTOA_CAN_LOOKUP, "lookup"},
    {LANTOA_CAN_IDEMPOTENT, "idempotent"}, {LANTOA_CAN_PARTS, "attachments"},
    {LANTOA_CAN_ACCENTS, "accents"}, {LANTOA_NEEDS_CONFIRM, "needs_confirmation"}, {0, NULL}};
static const struct word option_words[] = {{LANTOA_REQUIRED, "required"}, {LANTOA_SECRET, "secret"},
    {LANTOA_LIVE, "live"}, {LANTOA_SENDER, "sender"}, {LANTOA_PACE, "pace"}, {0, NULL}};
static const struct word content_words[] = {{LANTOA_CONTENT_REQUIRED, "required"},
    {LANTOA_CONTENT_HTML, "html"}, {LANTOA_CONTENT_SINGLE_LINE, "single_line"},
    {LANTOA_CONTENT_AS_IS, "as_is"}, {0, NULL}};

static json_t *words_of(unsigned flags, const struct word *words) {
    json_t *list = json_array();
    for (; words->word; words++) {
        if (flags & words->bit) {
            json_array_append_new(list, json_string(words->word));
        }
    }
    return list;
}

static const char *address_word(enum lantoa_address_kind kind) {
    switch (kind) {
    case LANTOA_ADDRESS_ANY:
        return "any";
    case LANTOA_ADDRESS_EMAIL:
        return "email";
    case LANTOA_ADDRESS_PHONE:
        return "phone";
    case LANTOA_ADDRESS_OUTLET:
        return "outlet";
    case LANTOA_ADDRESS_ACCOUNT:
        return "account";
    case LANTOA_ADDRESS_PAGE:
        return "page";
    }
    return "?";
}

static const char *type_word(enum lantoa_option_type type) {
    switch (type) {
    case LANTOA_TYPE_TEXT:
        return "text";
    case LANTOA_TYPE_INT:
        return "int";
    case LANTOA_TYPE_BOOL:
        return "bool";
    case LANTOA_TYPE_CHOICE:
        return "choice";
    case LANTOA_TYPE_DURATION:
        return "duration";
    case LANTOA_TYPE_FILE:
        return "file";
    }
    return "?";
}

static const char *help_of(const char *en, const char *vi) {
    return base_tr_get() == BASE_LANG_VI && vi[0] ? vi : en;
}

/* --- JSON --- */

static json_t *limits_json(const struct channel_option *o) {
    return o->least == 0 && o->most == 0
               ? json_null()
               : json_pack("[I,I]", (json_int_t)o->least, (json_int_t)o->most);
}

static json_t *text_or_null(const char *text) {
    return text ? json_string(text) : json_null();
}

static json_t *manifest_json(const struct channel_manifest *m) {
    json_t *options = json_array(), *content = json_array();
    for (size_t i = 0; i < m->option_count; i++) {
        const struct channel_option *o = &m->options[i];
        json_array_append_new(
            options, json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:s}", "name", o->name, "type",
                         type_word(o->type), "flags", words_of(o->flags, option_words), "default",
                         text_or_null(o->fallback), "allowed", text_or_null(o->allowed), "limits",
                         limits_json(o), "help", help_of(o->help_en, o->help_vi)));
    }
    for (size_t i = 0; i < m->content_count; i++) {
        const struct channel_content *c = &m->content[i];
        json_array_append_new(
            content, json_pack("{s:s,s:o,s:I,s:s}", "name", c->name, "flags",
                         words_of(c->flags, content_words), "most_bytes", (json_int_t)c->most_bytes,
                         "help", help_of(c->help_en, c->help_vi)));
    }
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:I,s:b,s:b,s:o,s:o}", "plugin", m->name, "version",
        m->version, "kind", m->kind, "help", help_of(m->help_en, m->help_vi), "address",
        address_word(m->address), "capabilities", words_of(m->capabilities, capability_words),
        "max_batch", (json_int_t)m->max_batch, "live_options", m->reconfigures, "call_backs",
        m->hooks, "options", options, "content", content);
}

/* --- text --- */

/* "required, secret; default x; one of a|b; 1 to 10" */
static void put_terms(struct base_buf *out, unsigned flags, const struct word *words) {
    for (; words->word; words++) {
        if (flags & words->bit) {
            base_buf_printf(out, ", %s", words->word);
        }
    }
}

static void put_option_terms(struct base_buf *out, const struct channel_option *o) {
    base_buf_add_text(out, type_word(o->type));
    put_terms(out, o->flags, option_words);
    if (o->fallback && o->fallback[0]) {
        base_buf_printf(out, TR("; default %s"), o->fallback);
    }
    if (o->allowed) {
        base_buf_printf(out, TR("; one of %s"), o->allowed);
    }
    if (o->least != 0 || o->most != 0) {
        base_buf_printf(out, TR("; from %lld to %lld%s"), (long long)o->least, (long long)o->most,
            o->type == LANTOA_TYPE_DURATION ? " ms" : "");
    }
}

static void put_content_terms(struct base_buf *out, const struct channel_content *c) {
    base_buf_add_text(out, "text");
    put_terms(out, c->flags, content_words);
    if (c->most_bytes > 0) {
        base_buf_printf(out, TR("; at most %zu bytes"), c->most_bytes);
    }
}

static void print_head(const struct channel_manifest *m) {
    struct base_buf can;
    base_buf_init(&can, 4096);
    put_terms(&can, m->capabilities, capability_words);
    printf("%s %s: %s\n", m->name, m->version, help_of(m->help_en, m->help_vi));
    printf(
        TR("kind %s, writes to: %s%s\n"), m->kind, address_word(m->address), base_buf_text(&can));
    base_buf_release(&can);
}

static void print_text(const struct channel_manifest *m) {
    struct base_buf terms;
    base_buf_init(&terms, 4096);
    print_head(m);
    printf("\n%s\n", TR("options"));
    for (size_t i = 0; i < m->option_count; i++) {
        base_buf_clear(&terms);
        put_option_terms(&terms, &m->options[i]);
        printf("  %-20s %s\n  %20s %s\n", m->options[i].name, base_buf_text(&terms), "",
            help_of(m->options[i].help_en, m->options[i].help_vi));
    }
    printf("\n%s\n", TR("content"));
    for (size_t i = 0; i < m->content_count; i++) {
        base_buf_clear(&terms);
        put_content_terms(&terms, &m->content[i]);
        printf("  %-20s %s\n  %20s %s\n", m->content[i].name, base_buf_text(&terms), "",
            help_of(m->content[i].help_en, m->content[i].help_vi));
    }
    base_buf_release(&terms);
}

/* --- manual page --- */

static void put_man(const char *text) {
    for (const char *at = text; *at; at++) {
        bool special =
            *at == '\\' || *at == '-' || (*at == '.' && at == text) || (*at == '\'' && at == text);
        fputs(*at == '\\' ? "\\e" : special && *at == '-' ? "\\-" : special ? "\\&" : "", stdout);
        if (*at != '\\' && *at != '-') {
            fputc(*at == '\n' ? ' ' : *at, stdout);
        }
    }
}

static void man_row(const char *name, struct base_buf *terms, const char *help) {
    printf(".TP\n.B %s\n", name);
    put_man(help);
    printf("\n.br\n");
    put_man(base_buf_text(terms));
    printf("\n");
}

static void print_man(const struct channel_manifest *m) {
    struct base_buf terms;
    base_buf_init(&terms, 4096);
    printf(".TH LANTOA\\-%s 7 \"\" \"%s\"\n.SH %s\nlantoa\\-%s \\- ", m->name, m->version,
        TR("NAME"), m->name);
    put_man(help_of(m->help_en, m->help_vi));
    printf("\n.SH %s\n", TR("OPTIONS"));
    for (size_t i = 0; i < m->option_count; i++) {
        base_buf_clear(&terms);
        put_option_terms(&terms, &m->options[i]);
        man_row(m->options[i].name, &terms, help_of(m->options[i].help_en, m->options[i].help_vi));
    }
    printf(".SH %s\n", TR("CONTENT"));
    for (size_t i = 0; i < m->content_count; i++) {
        base_buf_clear(&terms);
        put_content_terms(&terms, &m->content[i]);
        man_row(m->content[i].name, &terms, help_of(m->content[i].help_en, m->content[i].help_vi));
    }
    printf(".SH %s\n.BR lantoa (1)\n", TR("SEE ALSO"));
    base_buf_release(&terms);
}

/* --- the verb --- */

/* FILE.so or FILE.json: as a plugin of its folder, so that one that is not installed can be read.
 */
static char *plugin_of_file(const char *file) {
    char *path = realpath(file, NULL);
    char *slash = path ? strrchr(path, '/') : NULL;
    char *dot = slash ? strrchr(slash, '.') : NULL;
    if (!dot) {
        base_free(path);
        return NULL;
    }
    char *name = base_strndup(slash + 1, (size_t)(dot - slash - 1));
    *slash = '\0';
    const char *before = getenv("LANTOA_PLUGINS");
    char *dirs = before && before[0] ? base_printf("%s:%s", path, before) : base_strdup(path);
    setenv("LANTOA_PLUGINS", dirs, 1);
    base_free(dirs);
    base_free(path);
    return name;
}

struct finding {
    const char *wanted;
    char *plugin;
};

static int find_channel(void *arg, const struct channel_row *row) {
    struct finding *finding = arg;
    if (strcmp(row->name, finding->wanted) == 0) {
        finding->plugin = base_strdup(row->plugin);
    }
    return 0;
}

/* A channel of the data folder, if there is one; its plugin. */
static char *plugin_of_channel(struct cli *cli, const char *name) {
    char *path = base_path_join(cli->data_dir, "lantoa.db");
    struct finding finding = {.wanted = name};
    struct base_err ignored = {0};
    if (base_file_exists(path) && db_open(path, 0, &cli->db, &ignored) == 0) {
        (void)(channel_each(cli->db, find_channel, &finding, &ignored) == 0);
    }
    base_free(path);
    return finding.plugin;
}

static int channel_describe_verb(struct cli *cli) {
    const char *what = cli->args[0];
    struct channel_manifest *manifest = NULL;
    char *json = NULL;
    char *plugin = strchr(what, '/') || strchr(what, '.') ? plugin_of_file(what)
                                                          : plugin_of_channel(cli, what);
    int rc = channel_describe(plugin ? plugin : what, &json, &cli->err);
    rc = rc ? rc : channel_manifest_parse(json, &manifest, &cli->err);
    if (rc == 0 && cli->json) {
        cli_say(cli, manifest_json(manifest), "%s", "");
    } else if (rc == 0 && cli_switch(cli, "man")) {
        print_man(manifest);
    } else if (rc == 0) {
        print_text(manifest);
    }
    channel_manifest_free(&manifest);
    base_free(json);
    base_free(plugin);
    return rc;
}

/* A channel as its file; a secret that was written out is "***" here, which apply refuses. */
static int channel_export_verb(struct cli *cli) {
    struct channel_manifest *manifest = NULL;
    char *text = NULL, *described = NULL;
    int rc = campaign_export(cli->db, "channel", cli->args[0], &text, &cli->err);
    json_t *channel = rc ? NULL : json_loads(text, 0, NULL);
    const char *plugin = json_string_value(json_object_get(channel, "plugin"));
    rc = rc ? rc : channel_describe(plugin ? plugin : "", &described, &cli->err);
    rc = rc ? rc : channel_manifest_parse(described, &manifest, &cli->err);
    json_t *options = json_object_get(channel, "options");
    for (size_t i = 0; rc == 0 && i < manifest->option_count; i++) {
        const char *name = manifest->options[i].name;
        if ((manifest->options[i].flags & LANTOA_SECRET) &&
            json_is_string(json_object_get(options, name))) {
            json_object_set_new(options, name, json_string(HIDDEN));
        }
    }
    if (rc == 0) {
        char *shown = json_dumps(channel, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
        printf("%s\n", shown);
        base_free(shown);
    }
    json_decref(channel);
    channel_manifest_free(&manifest);
    base_free(described);
    base_free(text);
    return rc;
}

const struct cli_command cli_channel_commands[] = {
    {"channel", "export", "", 1, 1, "NAME", "print a channel as its file", CLI_NEEDS_DATABASE,
        channel_export_verb},
    {"channel", "describe", "man", 1, 1, "CHANNEL|PLUGIN|FILE.so|FILE.json [--man]",
        "a plugin's options, content and limits, in its own words", CLI_NEEDS_NOTHING,
        channel_describe_verb},
    {0},
};
