/* Runs declared channels: an HTTP provider as one JSON file, with options, content, price and
 * receipts of its own. Requests, answers and call-backs are those of sms-http, whose files it is
 * built from; here the declared options take the place of that plugin's. */
#include "sms_http.h"

#include <stdio.h>
#include <stdlib.h>

struct channel {
    const struct lantoa_host *host;
    struct gateway_config config;
    struct declaration declaration;
    struct pool *pool;
    struct hooks hooks;
};

static int64_t number_or(
    const struct lantoa_declared *declared, const char *name, int64_t fallback) {
    const char *text = declared_option(declared, name);
    return text == NULL ? fallback : strtoll(text, NULL, 10);
}

static bool yes_or(const struct lantoa_declared *declared, const char *name, bool fallback) {
    const char *text = declared_option(declared, name);
    return text == NULL ? fallback : strcmp(text, "true") == 0;
}

/* Options that mean something to the machinery when a declaration has them by these names. */
static void fill_config(const struct lantoa_declared *d, struct gateway_config *config) {
    *config = (struct gateway_config){
        .callback_url = declared_option(d, "callback_url"),
        .country_code = declared_option(d, "country_code"),
        .accents = declared_option(d, "accents"),
        .coding = declared_option(d, "coding"),
        .tls_ca = declared_option(d, "tls_ca"),
        .tls_verify = yes_or(d, "tls_verify", true),
        .parts = number_or(d, "parts", 10),
        .connections = number_or(d, "connections", 8),
        .batch = number_or(d, "batch", 1000),
        .timeout = number_or(d, "timeout", 30000),
    };
    config->country_code = config->country_code == NULL ? "84" : config->country_code;
}

static void channel_close(void *arg) {
    struct channel *self = arg;
    pool_free(self->pool);
    declare_release(&self->declaration);
    free(self);
}

static int channel_check(const void *given, struct lantoa_fault *fault_out) {
    struct declaration declaration;
    bool good = declare_own(given, &declaration, fault_out);
    declare_release(&declaration);
    return good ? LANTOA_OK : LANTOA_EINVAL;
}

static int channel_open(const struct lantoa_host *host, const void *given, void **self_out) {
    const struct lantoa_declared *declared = given;
    struct lantoa_fault fault = {.size = sizeof(fault)};
    struct channel *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        return LANTOA_ENOMEM;
    }
    self->host = host;
    fill_config(declared, &self->config);
    if (!declare_own(declared, &self->declaration, &fault)) {
        host->fail(host, "%s", fault.why_en);
        channel_close(self);
        return LANTOA_EINVAL;
    }
    self->pool = pool_new(host, &self->config, &self->declaration, NULL);
    if (self->pool == NULL) {
        channel_close(self);
        return LANTOA_ENOMEM;
    }
    self->hooks = (struct hooks){.host = host,
        .config = &self->config,
        .declaration = &self->declaration,
        .token = (uint64_t)host->now(host) << 16};
    *self_out = self;
    return LANTOA_OK;
}

static void channel_send(void *arg, const struct lantoa_message *const *messages, size_t count) {
    struct channel *self = arg;
    pool_send(self->pool, messages, count);
}

static void channel_cancel(void *arg, const uint64_t *ids, size_t count) {
    struct channel *self = arg;
    pool_cancel(self->pool, ids, count);
}

static int channel_hook(void *arg, const struct lantoa_hook *hook) {
    struct channel *self = arg;
    return hooks_take(&self->hooks, hook);
}

/* --- price and preview --- */

/* The declaration for the pure functions, read once; the process that asks has one channel. */
static const struct declaration *read_once(const struct lantoa_declared *declared) {
    static struct declaration kept;
    static const struct lantoa_declared *of;
    struct lantoa_fault fault = {.size = sizeof(fault)};
    if (of != declared) {
        declare_release(&kept);
        of = declare_own(declared, &kept, &fault) ? declared : NULL;
    }
    return of == declared ? &kept : NULL;
}

static bool in_vietnamese(const struct lantoa_message *message) {
    return message->lang.bytes != 2 || memcmp(message->lang.at, "en", 2) != 0;
}

/* What a template says of a message; the caller releases it. */
static struct bytes expanded(const struct lantoa_declared *declared,
    const struct declaration *declaration, const struct lantoa_message *message,
    struct lantoa_str text, const char *template_text) {
    struct gateway_config config;
    struct bytes out = {0};
    fill_config(declared, &config);
    const struct scope scope = {.config = &config,
        .message = message,
        .text = text,
        .declared = declared,
        .text_row = declaration->text_row};
    template_expand(template_text, &scope, &out);
    return out;
}

static int64_t price_of_unit(const struct lantoa_declared *declared,
    const struct declaration *declaration, const struct lantoa_message *message) {
    if (declaration->price == NULL) {
        return 0;
    }
    struct bytes text =
        expanded(declared, declaration, message, (struct lantoa_str){"", 0}, declaration->price);
    long long minor = text.used > 0 ? strtoll(text.at, NULL, 10) : 0;
    bytes_release(&text);
    return minor > 0 ? minor : 0;
}

static int channel_price(
    const void *given, const struct lantoa_message *message, struct lantoa_quote *quote_out) {
    const struct lantoa_declared *declared = given;
    const struct declaration *declaration = read_once(declared);
    if (declaration == NULL) {
        return LANTOA_EINVAL;
    }
    struct sms_cost cost = {.parts = 1};
    int status = LANTOA_OK;
    if (!declaration->plain) {
        struct gateway_config config;
        fill_config(declared, &config);
        struct sms_rules rules = gateway_rules(&config);
        sms_rules_of_step(&rules, message->step);
        struct lantoa_str text = message->fields[declaration->text_row];
        size_t room = sms_text_room(text.bytes), bytes = 0;
        char *shown = malloc(room);
        status = shown == NULL
                     ? LANTOA_ENOMEM
                     : sms_text_prepare(text.at, text.bytes, &rules, shown, room, &bytes, &cost);
        free(shown);
        if (status != LANTOA_ENOMEM) {
            sms_text_note(&cost, in_vietnamese(message), quote_out->note, sizeof(quote_out->note));
        }
    }
    quote_out->units = (int64_t)cost.parts;
    quote_out->minor = quote_out->units * price_of_unit(declared, declaration, message);
    return status;
}

/* As the declaration says; else the text as a phone shows it; else the content, row by row. */
static int channel_preview(
    const void *given, const struct lantoa_message *message, char *text, size_t room) {
    const struct lantoa_declared *declared = given;
    const struct declaration *declaration = read_once(declared);
    if (declaration == NULL) {
        return LANTOA_EINVAL;
    }
    if (declaration->preview == NULL && !declaration->plain) {
        struct gateway_config config;
        fill_config(declared, &config);
        struct sms_rules rules = gateway_rules(&config);
        sms_rules_of_step(&rules, message->step);
        return sms_text_preview(
            message->fields[declaration->text_row], &rules, in_vietnamese(message), text, room);
    }
    struct bytes shown = {0};
    if (declaration->preview != NULL) {
        bool row = declaration->text_row < declared->content_count;
        shown = expanded(declared, declaration, message,
            row ? message->fields[declaration->text_row] : (struct lantoa_str){"", 0},
            declaration->preview);
    }
    for (size_t i = 0; declaration->preview == NULL && i < declared->content_count; i++) {
        if (message->fields[i].bytes > 0) {
            bytes_put_format(&shown, "%s%s: ", i > 0 ? "\n" : "", declared->content_names[i]);
            bytes_put_str(&shown, message->fields[i]);
        }
    }
    int status = shown.failed ? LANTOA_ENOMEM : shown.used >= room ? LANTOA_ELIMIT : LANTOA_OK;
    snprintf(text, room, "%s", shown.at == NULL ? "" : shown.at);
    bytes_release(&shown);
    return status;
}

LANTOA_EXPORT const struct lantoa_plugin lantoa_plugin_v1 = {
    LANTOA_PLUGIN_HEAD,
    .name = "http",
    .version = "1.0",
    .kind = "http",
    .help_en = "Runs declared channels: an HTTP provider as one JSON file",
    .help_vi = "Chạy kênh khai báo: một nhà cung cấp HTTP trong một tệp JSON",
    .address = LANTOA_ADDRESS_ANY,
    .capabilities = LANTOA_TAKES_DECLARATIONS,
    .ops =
        {
            .size = sizeof(struct lantoa_ops),
            .open = channel_open,
            .send = channel_send,
            .cancel = channel_cancel,
            .close = channel_close,
            .price = channel_price,
            .preview = channel_preview,
            .check = channel_check,
            .hook = channel_hook,
        },
};
