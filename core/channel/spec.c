/* The channel file that staff write, checked field by field. Knows the file's own fields and,
 * through the manifest, the plugin's options. */
#include "base/civil.h"
#include "base/file.h"
#include "base/tr.h"
#include "channel/manifest.h"
#include "wire/option.h"
#include <math.h>
#include <unistd.h>

#define HOSTS_MOST ((size_t)16 << 10)
#define OPTIONS_MOST ((size_t)1 << 20)
#define REFUSAL_TO_MOST 100
#define USER_MOST 32

/* X(name): every key the file may have. */
#define KEYS(X)                                                                                    \
    X(name)                                                                                        \
    X(plugin)                                                                                      \
    X(options)                                                                                     \
    X(rate)                                                                                        \
    X(window)                                                                                      \
    X(retry)                                                                                       \
    X(uncertain)                                                                                   \
    X(memory_mb)                                                                                   \
    X(watchdog_s)                                                                                  \
    X(timeout_s)                                                                                   \
    X(price)                                                                                       \
    X(prices)                                                                                      \
    X(hosts)                                                                                       \
    X(refusal_to)                                                                                  \
    X(user)

#define KEY_TEXT(name) #name,
static const char *const keys[] = {KEYS(KEY_TEXT) NULL};
static const char *const rate_keys[] = {"per_second", "per_minute", "per_hour", "burst", NULL};
static const char *const retry_keys[] = {"tries", "first", "longest", NULL};

struct file {
    const struct base_json *doc;
    struct base_err *err;
};

static int check_keys(
    const struct file *file, json_t *object, const char *prefix, const char *const *known) {
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) {
        size_t i = 0;
        while (known[i] && strcmp(known[i], key) != 0) {
            i++;
        }
        if (!known[i]) {
            char path[200];
            snprintf(path, sizeof(path), "%s%s", prefix, key);
            return base_json_fault(file->doc, value, path, file->err, "%s",
                TR("there is no such field in a channel file"));
        }
    }
    return 0;
}

static int read_name(const struct file *file, json_t *root, const char *key, char **out) {
    json_t *value = json_object_get(root, key);
    const char *text = json_string_value(value);
    if (!value) {
        return base_json_fault(file->doc, root, key, file->err, "%s", TR("is missing"));
    }
    if (!text || !wire_name_ok(str_from(text), '-')) {
        return base_json_fault(file->doc, value, key, file->err, "%s",
            TR("must be a name: small letters, digits and dashes, at most 40, a letter first"));
    }
    *out = base_strdup(text);
    return 0;
}

struct range {
    int64_t fallback, least, most;
};

static int read_int(const struct file *file, json_t *object, const char *prefix, const char *key,
    struct range range, int64_t *out) {
    json_t *value = json_object_get(object, key);
    *out = range.fallback;
    if (!value) {
        return 0;
    }
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < range.least || number > range.most) {
        char path[200];
        snprintf(path, sizeof(path), "%s%s", prefix, key);
        return base_json_fault(file->doc, value, path, file->err,
            TR("must be a whole number between %lld and %lld"), (long long)range.least,
            (long long)range.most);
    }
    *out = number;
    return 0;
}

static int read_rate(const struct file *file, json_t *root, struct channel_spec *spec) {
    static const double seconds[] = {1, 60, 3600};
    json_t *rate = json_object_get(root, "rate");
    if (rate && !json_is_object(rate)) {
        return base_json_fault(file->doc, rate, "rate", file->err, "%s", TR("must be an object"));
    }
    int code = check_keys(file, rate, "rate.", rate_keys);
    for (int i = 0; i < 3 && !code; i++) {
        json_t *value = json_object_get(rate, rate_keys[i]);
        double number = json_number_value(value);
        if (value && (!json_is_number(value) || !(number > 0) || number > 1e6)) {
            char path[40];
            snprintf(path, sizeof(path), "rate.%s", rate_keys[i]);
            return base_json_fault(file->doc, value, path, file->err, "%s",
                TR("must be a number above 0, at most 1000000"));
        }
        double per_second = number / seconds[i];
        if (value && (!(spec->per_second > 0) || per_second < spec->per_second)) {
            spec->per_second = per_second;
        }
    }
    if (code) {
        return code;
    }
    int64_t burst = (int64_t)ceil(spec->per_second);
    struct range range = {burst > 1 ? burst : 1, 1, 1000000};
    return read_int(file, rate, "rate.", "burst", range, &spec->burst);
}

static int read_wait(const struct file *file, json_t *retry, const char *key, int64_t *ms_out) {
    json_t *value = json_object_get(retry, key);
    if (!value) {
        return 0;
    }
    struct base_duration duration;
    struct str text = str_of(json_string_value(value), json_string_length(value));
    if (!json_is_string(value) || base_parse_duration(text, &duration) != 0 ||
        duration.months != 0 || duration.ms <= 0) {
        char path[40];
        snprintf(path, sizeof(path), "retry.%s", key);
        return base_json_fault(
            file->doc, value, path, file->err, "%s", TR("must be a duration such as \"PT5M\""));
    }
    *ms_out = duration.ms;
    return 0;
}

static int read_retry(const struct file *file, json_t *root, struct channel_spec *spec) {
    json_t *retry = json_object_get(root, "retry");
    if (retry && !json_is_object(retry)) {
        return base_json_fault(file->doc, retry, "retry", file->err, "%s", TR("must be an object"));
    }
    int64_t tries = 0;
    spec->retry_first_ms = 5 * 60000;
    spec->retry_longest_ms = 4 * 3600000;
    int code = check_keys(file, retry, "retry.", retry_keys);
    code =
        code ? code : read_int(file, retry, "retry.", "tries", (struct range){5, 1, 1000}, &tries);
    code = code ? code : read_wait(file, retry, "first", &spec->retry_first_ms);
    code = code ? code : read_wait(file, retry, "longest", &spec->retry_longest_ms);
    spec->retry_tries = (int)tries;
    if (!code && spec->retry_first_ms > spec->retry_longest_ms) {
        code = base_json_fault(file->doc, retry, "retry.first", file->err, "%s",
            TR("must not be longer than retry.longest"));
    }
    return code;
}

static int read_uncertain(const struct file *file, json_t *root, struct channel_spec *spec) {
    json_t *value = json_object_get(root, "uncertain");
    const char *text = value ? json_string_value(value) : "hold";
    if (!text || (strcmp(text, "hold") != 0 && strcmp(text, "resend") != 0)) {
        return base_json_fault(
            file->doc, value, "uncertain", file->err, TR("must be one of %s"), "hold, resend");
    }
    spec->resend_uncertain = strcmp(text, "resend") == 0;
    return 0;
}

static int read_numbers(const struct file *file, json_t *root, struct channel_spec *spec) {
    int64_t window, memory, watchdog, timeout;
    int code = read_int(file, root, "", "window", (struct range){50, 1, 10000}, &window);
    code = code ? code
                : read_int(file, root, "", "memory_mb", (struct range){256, 16, 65536}, &memory);
    code = code ? code
                : read_int(file, root, "", "watchdog_s", (struct range){10, 1, 3600}, &watchdog);
    code = code ? code
                : read_int(file, root, "", "timeout_s", (struct range){600, 1, 86400}, &timeout);
    code = code ? code
                : read_int(file, root, "", "price", (struct range){0, 0, 1000000000},
                      &spec->price_minor);
    if (!code) {
        spec->window = (size_t)window;
        spec->memory_mb = (size_t)memory;
        spec->watchdog_s = (int)watchdog;
        spec->timeout_s = (int)timeout;
    }
    return code;
}

/* Names and addresses of servers, without port or path. */
static int read_hosts(const struct file *file, json_t *root, struct channel_spec *spec) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789.-:[]";
    json_t *hosts = json_object_get(root, "hosts");
    struct base_buf text;
    base_buf_init(&text, HOSTS_MOST);
    bool good = !hosts || json_is_array(hosts);
    for (size_t i = 0; good && i < json_array_size(hosts); i++) {
        const char *host = json_string_value(json_array_get(hosts, i));
        good = host && host[0] && strspn(host, letters) == strlen(host);
        base_buf_add_text(&text, good ? host : "");
        base_buf_add_char(&text, '\n');
    }
    good = good && base_buf_ok(&text);
    if (good) {
        spec->hosts = base_buf_take(&text);
    }
    base_buf_release(&text);
    return good ? 0
                : base_json_fault(file->doc, hosts, "hosts", file->err, "%s",
                      TR("must be a list of server names in small letters"));
}

/* A short text without braces: it goes into messages. */
static int read_refusal_to(const struct file *file, json_t *root, struct channel_spec *spec) {
    json_t *value = json_object_get(root, "refusal_to");
    const char *text = json_string_value(value);
    if (!value) {
        return 0;
    }
    if (!text || str_trim(str_from(text)).bytes == 0 || strlen(text) > REFUSAL_TO_MOST ||
        strpbrk(text, "{}<>&\r\n\t")) {
        return base_json_fault(file->doc, value, "refusal_to", file->err,
            TR("must be a text of at most %d bytes without { } < > &"), REFUSAL_TO_MOST);
    }
    spec->refusal_to = base_strdup(text);
    return 0;
}

/* Whether there is such a user is the host's question: the file may be written elsewhere. */
static int read_user(const struct file *file, json_t *root, struct channel_spec *spec) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    json_t *value = json_object_get(root, "user");
    const char *text = json_string_value(value);
    if (!value) {
        return 0;
    }
    if (!text || !text[0] || strlen(text) > USER_MOST || strspn(text, letters) != strlen(text) ||
        text[0] == '-' || strcmp(text, "root") == 0) {
        return base_json_fault(file->doc, value, "user", file->err, "%s",
            TR("must be the name of a system user other than root"));
    }
    spec->user = base_strdup(text);
    return 0;
}

static int read_prices(const struct file *file, json_t *root, struct channel_spec *spec) {
    json_t *prices = json_object_get(root, "prices");
    if (!prices) {
        return 0;
    }
    if (json_object_get(root, "price")) {
        return base_json_fault(file->doc, prices, "prices", file->err, "%s",
            TR("stands beside price: give one of them"));
    }
    return channel_prices_parse(file->doc, prices, &spec->prices, file->err);
}

/* The host will read it as the same user, so what cannot be read now will fail then. A relative
 * path starts at the data folder, which is not known here: the host checks it. */
static int check_secret(
    const struct file *file, const struct wire_option_value *value, json_t *at, const char *path) {
    if (value->from_env && !getenv(value->from_env)) {
        return base_json_fault(file->doc, at, path, file->err,
            TR("the environment variable %s is not set"), value->from_env);
    }
    if (value->from_file && value->from_file[0] == '/' && access(value->from_file, R_OK) != 0) {
        return base_json_fault(file->doc, at, path, file->err,
            TR("the secret's file %s cannot be read"), value->from_file);
    }
    return 0;
}

static int check_option(
    const struct file *file, json_t *options, json_t *parent, const struct channel_option *option) {
    struct wire_option_rule rule = {option->name, option->type, option->flags, option->fallback,
        option->allowed, option->least, option->most};
    struct wire_option_value value;
    json_t *at = json_object_get(options, option->name);
    char path[200];
    snprintf(path, sizeof(path), "options.%s", option->name);
    struct base_err why = {0};
    if (wire_option_read(&rule, at, &value, &why) != 0) {
        return base_json_fault(file->doc,
            at        ? at
            : options ? options
                      : parent,
            path, file->err, "%s", why.text);
    }
    return check_secret(file, &value, at, path);
}

static int check_options(
    const struct file *file, json_t *root, const struct channel_manifest *manifest) {
    json_t *options = json_object_get(root, "options");
    const char *key;
    json_t *value;
    json_object_foreach(options, key, value) {
        size_t i = 0;
        while (i < manifest->option_count && strcmp(manifest->options[i].name, key) != 0) {
            i++;
        }
        if (i == manifest->option_count) {
            char path[200];
            snprintf(path, sizeof(path), "options.%s", key);
            return base_json_fault(file->doc, value, path, file->err,
                TR("the plugin %s has no such option"), manifest->name);
        }
    }
    for (size_t i = 0; i < manifest->option_count; i++) {
        int code = check_option(file, options, root, &manifest->options[i]);
        if (code) {
            return code;
        }
    }
    return 0;
}

static int add_text(const char *bytes, size_t count, void *arg) {
    struct base_buf *text = arg;
    base_buf_add(text, bytes, count);
    return base_buf_ok(text) ? 0 : -1;
}

static int read_options(const struct file *file, json_t *root, struct channel_spec *spec) {
    json_t *options = json_object_get(root, "options");
    if (options && !json_is_object(options)) {
        return base_json_fault(
            file->doc, options, "options", file->err, "%s", TR("must be an object"));
    }
    if (!options) {
        spec->options_json = base_strdup("{}");
        return 0;
    }
    struct base_buf text;
    base_buf_init(&text, OPTIONS_MOST);
    bool fits = json_dump_callback(options, add_text, &text, JSON_COMPACT) == 0;
    spec->options_json = fits ? base_buf_take(&text) : NULL;
    base_buf_release(&text);
    if (!fits) {
        return base_json_fault(file->doc, options, "options", file->err, "%s", TR("is too large"));
    }
    return 0;
}

int channel_spec_parse(const struct base_json *doc, const struct channel_manifest *manifest,
    struct channel_spec **spec_out, struct base_err *err) {
    struct file file = {doc, err};
    json_t *root = base_json_root(doc);
    if (!json_is_object(root)) {
        return base_json_fault(doc, root, "", err, "%s", TR("must be an object"));
    }
    struct channel_spec *spec = base_alloc(sizeof(*spec));
    int code = check_keys(&file, root, "", keys);
    code = code ? code : read_name(&file, root, "name", &spec->name);
    code = code ? code : read_name(&file, root, "plugin", &spec->plugin);
    code = code ? code : read_options(&file, root, spec);
    code = code ? code : read_rate(&file, root, spec);
    code = code ? code : read_retry(&file, root, spec);
    code = code ? code : read_uncertain(&file, root, spec);
    code = code ? code : read_numbers(&file, root, spec);
    code = code ? code : read_prices(&file, root, spec);
    code = code ? code : read_hosts(&file, root, spec);
    code = code ? code : read_refusal_to(&file, root, spec);
    code = code ? code : read_user(&file, root, spec);
    if (!code && manifest) {
        code = check_options(&file, root, manifest);
    }
    if (code) {
        channel_spec_free(&spec);
        return code;
    }
    *spec_out = spec;
    return 0;
}

void channel_spec_free(struct channel_spec **spec) {
    struct channel_spec *old = *spec;
    if (!old) {
        return;
    }
    base_free(old->name);
    base_free(old->plugin);
    if (old->options_json) {
        explicit_bzero(old->options_json, strlen(old->options_json)); /* secrets may stand in it */
    }
    base_free(old->options_json);
    channel_prices_free(&old->prices);
    base_free(old->hosts);
    base_free(old->refusal_to);
    base_free(old->user);
    base_free(old);
    *spec = NULL;
}
