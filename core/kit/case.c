/* The case: which plugin, how it is set up, what is sent. Reads files; starts nothing but the
 * description of the plugin. */
#include "base/file.h"
#include "base/parse.h"
#include "base/tr.h"
#include "kit/internal.h"
#include <stdlib.h>
#include <string.h>

#define SECRET_MOST ((size_t)64 << 10)
#define SECRET_LEAST 4 /* shorter ones stand in any text */

const struct channel_manifest *kit_case_manifest(const struct kit_case *kase) {
    return kase->manifest;
}

static int find_plugin(struct kit_case *kase, const char *given, struct base_err *err) {
    kase->path = realpath(given, NULL);
    if (!kase->path) {
        return base_err_set(err, LANTOA_ENOENT, TR("plugin %s: cannot be read"), given);
    }
    const char *slash = strrchr(kase->path, '/');
    struct str file = str_from(slash + 1);
    struct str ending = str_ends(file, STR(".so")) ? STR(".so") : STR(".json");
    if (!str_ends(file, ending)) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("%s: must be a plugin (.so) or a declared channel (.json)"), given);
    }
    kase->plugin = base_strndup(file.at, file.bytes - ending.bytes);
    char *dir = base_strndup(kase->path, (size_t)(slash - kase->path));
    const char *before = getenv("LANTOA_PLUGINS");
    char *dirs = before && before[0] ? base_printf("%s:%s", dir, before) : base_strdup(dir);
    setenv("LANTOA_PLUGINS", dirs, 1);
    base_free(dirs);
    base_free(dir);
    return 0;
}

static int check_keys(const struct base_json *doc, json_t *object, const char *known,
    const char *path, struct base_err *err) {
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) {
        char word[64];
        int bytes = snprintf(word, sizeof(word), " %s ", key);
        if (bytes >= (int)sizeof(word) || !strstr(known, word)) {
            return base_json_fault(doc, value, path, err, TR("unknown field \"%s\""), key);
        }
    }
    return 0;
}

static int read_tcp(struct kit_case *kase, const json_t *value, struct base_err *err) {
    struct str rest = str_from(json_string_value(value));
    const char *colon = rest.at ? strrchr(rest.at, ':') : NULL;
    if (!colon || colon == rest.at || !colon[1]) {
        return base_json_fault(kase->doc, value, "peer.tcp", err, TR("must be HOST:PORT"));
    }
    kase->tcp_host = base_strndup(rest.at, (size_t)(colon - rest.at));
    kase->tcp_port = base_strdup(colon + 1);
    kase->peer = KIT_PEER_TCP;
    return 0;
}

static int check_http(const struct kit_case *kase, json_t *http, struct base_err *err) {
    const char *name;
    json_t *answer;
    int rc =
        json_is_object(http)
            ? check_keys(kase->doc, http, " good throttled broken ", "peer.http", err)
            : base_json_fault(kase->doc, http, "peer.http", err, "%s", TR("must be an object"));
    json_object_foreach(http, name, answer) {
        if (rc == 0) {
            rc = check_keys(kase->doc, answer, " status headers body ", "peer.http", err);
        }
    }
    return rc;
}

static int read_peer(struct kit_case *kase, json_t *peer, struct base_err *err) {
    int rc = check_keys(kase->doc, peer, " http tcp patience_ms ", "peer", err);
    json_t *http = json_object_get(peer, "http"), *tcp = json_object_get(peer, "tcp");
    const json_t *patience = json_object_get(peer, "patience_ms");
    if (patience) {
        kase->patience_ms = json_integer_value(patience);
        if (rc == 0 && (kase->patience_ms < 100 || kase->patience_ms > 120000)) {
            rc = base_json_fault(kase->doc, patience, "peer.patience_ms", err,
                TR("must be a number from %d to %d"), 100, 120000);
        }
    }
    if (rc == 0 && tcp) {
        rc = read_tcp(kase, tcp, err);
    } else if (rc == 0 && http) {
        rc = check_http(kase, http, err);
        kase->http = http;
        kase->peer = KIT_PEER_HTTP;
    }
    return rc;
}

static int text_or(const struct kit_case *kase, const char *field, const char *fallback,
    const char **text_out, struct base_err *err) {
    const json_t *value = json_object_get(base_json_root(kase->doc), field);
    *text_out = value ? json_string_value(value) : fallback;
    return *text_out ? 0
                     : base_json_fault(kase->doc, value, field, err, "%s", TR("must be a text"));
}

static const char *usual_address(enum lantoa_address_kind kind) {
    switch (kind) {
    case LANTOA_ADDRESS_PHONE:
        return "+84900000000";
    case LANTOA_ADDRESS_ACCOUNT:
        return "1000001"; /* networks mostly number their people */
    case LANTOA_ADDRESS_OUTLET:
    case LANTOA_ADDRESS_PAGE:
        return "kit";
    case LANTOA_ADDRESS_ANY:
    case LANTOA_ADDRESS_EMAIL:
        break;
    }
    return "kit@example.test";
}

static int read_case(struct kit_case *kase, const char *path, struct base_err *err) {
    static const char nothing[] = "{}";
    int rc = path ? base_json_load(path, &kase->doc, err)
                  : base_json_parse(str_from(nothing), "case", &kase->doc, err);
    if (rc != 0) {
        return rc;
    }
    json_t *root = base_json_root(kase->doc);
    rc = check_keys(kase->doc, root, " channel address name lang content peer ", "", err);
    rc = rc ? rc : read_peer(kase, json_object_get(root, "peer"), err);
    rc = rc ? rc
            : text_or(kase, "address", usual_address(kase->manifest->address), &kase->address, err);
    rc = rc ? rc : text_or(kase, "name", "Nguyễn Thị Lan", &kase->name, err);
    rc = rc ? rc : text_or(kase, "lang", "vi", &kase->lang, err);
    const char *slash = path ? strrchr(path, '/') : NULL;
    char *dir = slash ? base_strndup(path, (size_t)(slash - path)) : base_strdup(".");
    char *whole = realpath(dir, NULL);
    kase->dir = base_strdup(whole ? whole : dir);
    base_free(whole);
    base_free(dir);
    return rc;
}

static void keep_secret(struct kit_case *kase, struct str value) {
    if (value.bytes >= SECRET_LEAST && kase->secret_count < KIT_SECRETS_MOST) {
        kase->secrets[kase->secret_count++] = base_strndup(value.at, value.bytes);
    }
}

/* Written out, in a file, or in the environment. */
static void find_secret(struct kit_case *kase, const json_t *value) {
    const char *file = json_string_value(json_object_get(value, "file"));
    const char *variable = json_string_value(json_object_get(value, "env"));
    if (json_is_string(value)) {
        keep_secret(kase, str_from(json_string_value(value)));
    } else if (variable && getenv(variable)) {
        keep_secret(kase, str_from(getenv(variable)));
    } else if (file) {
        struct base_buf text;
        struct base_err ignored = {0};
        base_buf_init(&text, SECRET_MOST);
        char *path = base_path_join(kase->dir, file);
        if (base_file_read(path, SECRET_MOST, &text, &ignored) == 0) {
            keep_secret(kase, str_trim(base_buf_str(&text)));
        }
        base_free(path);
        base_buf_release(&text);
    }
}

static const json_t *options_of(const struct kit_case *kase) {
    return json_object_get(json_object_get(base_json_root(kase->doc), "channel"), "options");
}

static void find_secrets(struct kit_case *kase) {
    for (size_t i = 0; i < kase->manifest->option_count; i++) {
        const struct channel_option *option = &kase->manifest->options[i];
        if (option->flags & LANTOA_SECRET) {
            find_secret(kase, json_object_get(options_of(kase), option->name));
        }
    }
}

int kit_case_load(const char *plugin_path, const char *case_path, struct kit_case **case_out,
    struct base_err *err) {
    struct kit_case *kase = base_alloc(sizeof(*kase));
    kase->patience_ms = KIT_PATIENCE_MS;
    char *json = NULL;
    int rc = find_plugin(kase, plugin_path, err);
    rc = rc ? rc : channel_describe(kase->plugin, &json, err);
    rc = rc ? rc : channel_manifest_parse(json, &kase->manifest, err);
    base_free(json);
    rc = rc ? rc : read_case(kase, case_path, err);
    if (rc != 0) {
        kit_case_free(&kase);
        return rc;
    }
    find_secrets(kase);
    *case_out = kase;
    return 0;
}

void kit_case_free(struct kit_case **kase) {
    struct kit_case *old = *kase;
    if (!old) {
        return;
    }
    for (size_t i = 0; i < old->secret_count; i++) {
        explicit_bzero(old->secrets[i], strlen(old->secrets[i]));
        base_free(old->secrets[i]);
    }
    channel_manifest_free(&old->manifest);
    base_json_free(&old->doc);
    base_free(old->tcp_host);
    base_free(old->tcp_port);
    base_free(old->plugin);
    base_free(old->path);
    base_free(old->dir);
    base_free(old);
    *kase = NULL;
}

/* --- the channel file --- */

static char *replaced(const char *text, const char *what, const char *with) {
    struct base_buf out;
    base_buf_init(&out, SECRET_MOST);
    const char *found;
    while ((found = strstr(text, what))) {
        base_buf_add(&out, text, (size_t)(found - text));
        base_buf_add_text(&out, with);
        text = found + strlen(what);
    }
    base_buf_add_text(&out, text);
    return base_buf_take(&out);
}

static json_t *with_peer(const char *text, int port) {
    if (strcmp(text, "{{peer_port}}") == 0) {
        return json_integer(port);
    }
    char number[16], peer[40];
    snprintf(number, sizeof(number), "%d", port);
    snprintf(peer, sizeof(peer), "127.0.0.1:%d", port);
    char *one = replaced(text, "{{peer}}", peer);
    char *two = replaced(one, "{{peer_host}}", "127.0.0.1");
    char *three = replaced(two, "{{peer_port}}", number);
    json_t *made = json_string(three);
    base_free(one);
    base_free(two);
    base_free(three);
    return made;
}

static bool is_file(const struct kit_case *kase, const char *option) {
    for (size_t i = 0; i < kase->manifest->option_count; i++) {
        if (strcmp(kase->manifest->options[i].name, option) == 0) {
            return kase->manifest->options[i].type == LANTOA_TYPE_FILE;
        }
    }
    return false;
}

static json_t *prepared(const struct kit_case *kase, const char *name, json_t *value, int port) {
    const char *file = json_string_value(json_object_get(value, "file"));
    const char *text = json_string_value(value);
    if (file || (text && is_file(kase, name))) {
        char *path = base_path_join(kase->dir, file ? file : text);
        json_t *made = file ? json_pack("{s:s}", "file", path) : json_string(path);
        base_free(path);
        return made;
    }
    return text ? with_peer(text, port) : json_deep_copy(value);
}

char *kit__channel_text(const struct kit_case *kase, int port) {
    json_t *given = json_object_get(base_json_root(kase->doc), "channel");
    json_t *channel = json_is_object(given) ? json_deep_copy(given) : json_object();
    json_t *options = json_object();
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(channel, "options"), name, value) {
        json_object_set_new(options, name, prepared(kase, name, value, port));
    }
    json_object_set_new(channel, "options", options);
    json_object_set_new(channel, "name", json_string("kit"));
    json_object_set_new(channel, "plugin", json_string(kase->plugin));
    if (!json_object_get(channel, "watchdog_s")) {
        json_object_set_new(channel, "watchdog_s", json_integer(2));
    }
    char *text = json_dumps(channel, JSON_INDENT(1));
    json_decref(channel);
    return text;
}

const char *kit__content(const struct kit_case *kase, size_t row) {
    const struct channel_content *content = &kase->manifest->content[row];
    const json_t *given = json_object_get(base_json_root(kase->doc), "content");
    const char *text = json_string_value(json_object_get(given, content->name));
    return text ? text : (content->flags & LANTOA_CONTENT_REQUIRED) ? "Xin chào từ Lantoa" : "";
}

/* --- secrets --- */

const char *kit__secret_in(const struct kit_case *kase, struct str text) {
    for (size_t i = 0; i < kase->secret_count; i++) {
        if (text.bytes > 0 &&
            memmem(text.at, text.bytes, kase->secrets[i], strlen(kase->secrets[i]))) {
            return kase->secrets[i];
        }
    }
    return NULL;
}

void kit__hide(const struct kit_case *kase, struct base_buf *text) {
    const char *secret;
    while ((secret = kit__secret_in(kase, base_buf_str(text)))) {
        size_t bytes = strlen(secret);
        char *at = memmem(text->at, text->bytes, secret, bytes);
        memmove(at + 3, at + bytes, text->bytes - (size_t)(at - text->at) - bytes);
        at[0] = at[1] = at[2] = '*';
        text->bytes -= bytes - 3;
    }
}
