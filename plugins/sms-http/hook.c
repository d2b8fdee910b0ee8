/* Call-backs of the gateway: receipts, and what people write back, as the declaration describes
 * them. A call-back is not believed before its signature has been checked. */
#include "sms_http.h"

#include <stdio.h>
#include <stdlib.h>

static const char *text_at(const json_t *rule, const char *name) {
    const char *text = json_string_value(json_object_get(rule, name));
    return text == NULL ? "" : text;
}

static void expand(
    const json_t *rule, const char *name, const struct scope *scope, struct bytes *out) {
    template_expand(text_at(rule, name), scope, out);
    bytes_put(out, "", 0); /* so that there is a text at all */
}

static struct lantoa_str view(const struct bytes *bytes) {
    return (struct lantoa_str){bytes->at == NULL ? "" : bytes->at, bytes->used};
}

/* "0912..." and "84912..." become "+84912..."; names stay. */
static void put_address(const struct hooks *hooks, const struct bytes *given, struct bytes *out) {
    const char *country = hooks->config->country_code == NULL ? "" : hooks->config->country_code;
    const char *digits = given->at == NULL ? "" : given->at;
    while (*digits == ' ' || *digits == '+') {
        digits++;
    }
    size_t count = strlen(digits);
    if (count < 7 || strspn(digits, "0123456789") != count) {
        bytes_put_text(out, digits);
    } else if (digits[0] == '0') {
        bytes_put_format(out, "+%s%s", country, digits + 1);
    } else {
        bytes_put_format(out, "+%s", digits);
    }
}

/* Octets in the charset the gateway names, as UTF-8. */
static void put_text(const char *charset, const struct bytes *given, struct bytes *out) {
    char name[32];
    size_t used = 0;
    for (; charset[used] != '\0' && used < sizeof(name) - 1; used++) {
        char c = charset[used];
        name[used] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    name[used] = '\0';
    bool wide = strncmp(name, "utf-16", 6) == 0 || strncmp(name, "ucs-2", 5) == 0;
    bool latin = strcmp(name, "iso-8859-1") == 0 || strcmp(name, "latin1") == 0;
    if (!wide && !latin) {
        bytes_put_all(out, given);
    } else if (bytes_reserve(out, given->used * 3 + 1)) {
        out->used += sms_text_decode(wide ? SMS_UCS2 : SMS_GSM7, SMS_ALPHABET_LATIN1,
            (const unsigned char *)given->at, given->used, out->at + out->used,
            given->used * 3 + 1);
    }
}

static int give(struct hooks *hooks, enum lantoa_event_kind kind, enum lantoa_reason reason,
    const json_t *rule, const struct scope *scope, const struct bytes *detail) {
    struct bytes key = {0}, ref = {0}, given = {0}, address = {0};
    expand(rule, "key", scope, &key);
    expand(rule, "ref", scope, &ref);
    expand(rule, "address", scope, &given);
    put_address(hooks, &given, &address);
    int status = LANTOA_EINVAL;
    if (key.used + ref.used + address.used > 0) {
        status = hooks->host->event(
            hooks->host, &LANTOA_EVENT(.token = ++hooks->token, .kind = kind, .reason = reason,
                             .key = view(&key), .ref = view(&ref), .address = view(&address),
                             .detail = view(detail)));
    }
    bytes_release(&key);
    bytes_release(&ref);
    bytes_release(&given);
    bytes_release(&address);
    return status;
}

static int take_receipt(struct hooks *hooks, const json_t *rule, const struct scope *scope) {
    struct bytes status = {0}, detail = {0};
    enum lantoa_reason reason = LANTOA_REASON_NONE;
    int code = LANTOA_EINVAL;
    expand(rule, "status", scope, &status);
    expand(rule, "detail", scope, &detail);
    const char *word = status.at == NULL ? "" : status.at;
    const char *kind = json_string_value(json_object_get(json_object_get(rule, "map"), word));
    const char *why = json_string_value(json_object_get(json_object_get(rule, "reasons"), word));
    if (why != NULL) {
        (void)reason_by_word(why, &reason);
    } else if (kind != NULL && strcmp(kind, "failed") == 0) {
        reason = LANTOA_REASON_OTHER;
    }
    if (kind == NULL) {
        hooks->host->log(hooks->host, LANTOA_LOG_WARN,
            "a receipt has the status \"%.40s\", which the declaration does not know", word);
    } else if (strcmp(kind, "ignore") == 0) {
        code = LANTOA_OK;
    } else {
        code = give(hooks,
            strcmp(kind, "delivered") == 0 ? LANTOA_EVENT_DELIVERED
            : strcmp(kind, "failed") == 0  ? LANTOA_EVENT_FAILED
                                           : LANTOA_EVENT_DELAYED,
            reason, rule, scope, &detail);
    }
    bytes_release(&status);
    bytes_release(&detail);
    return code;
}

static int take_inbound(struct hooks *hooks, const json_t *rule, const struct scope *scope) {
    struct bytes raw = {0}, charset = {0}, text = {0};
    expand(rule, "text", scope, &raw);
    expand(rule, "charset", scope, &charset);
    put_text(charset.at == NULL ? "" : charset.at, &raw, &text);
    int code = text.failed
                   ? LANTOA_ENOMEM
                   : give(hooks, LANTOA_EVENT_INBOUND, LANTOA_REASON_NONE, rule, scope, &text);
    bytes_release(&raw);
    bytes_release(&charset);
    bytes_release(&text);
    return code;
}

/* LANTOA_ENOENT: the rule is not about this item. */
static int take_item(struct hooks *hooks, const json_t *rule, struct scope *scope) {
    if (json_object_get(rule, "has") != NULL) {
        struct bytes found = {0};
        expand(rule, "has", scope, &found);
        bool there = found.used > 0;
        bytes_release(&found);
        if (!there) {
            return LANTOA_ENOENT;
        }
    }
    return strcmp(text_at(rule, "kind"), "receipt") == 0 ? take_receipt(hooks, rule, scope)
                                                         : take_inbound(hooks, rule, scope);
}

static int take_rule(
    struct hooks *hooks, const json_t *rule, struct scope *scope, const json_t *root) {
    const char *pointer = json_string_value(json_object_get(rule, "items"));
    const json_t *list = pointer == NULL ? NULL : json_at(root, pointer);
    int code = LANTOA_ENOENT;
    if (pointer == NULL) {
        scope->item = root;
        return take_item(hooks, rule, scope);
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        scope->item = json_array_get(list, i);
        int one = take_item(hooks, rule, scope);
        if (one == LANTOA_EAGAIN) {
            return one;
        }
        code = code == LANTOA_OK || one == LANTOA_ENOENT ? code : one;
    }
    return code;
}

int hooks_take(struct hooks *hooks, const struct lantoa_hook *hook) {
    const json_t *callbacks = hooks->declaration->callbacks;
    json_t *root = json_loadb(hook->body.at, hook->body.bytes, JSON_REJECT_DUPLICATES, NULL);
    struct scope scope = {.config = hooks->config,
        .extra = hooks->extra,
        .declared = hooks->declaration->declared,
        .hook = hook,
        .item = root,
        .now_ms = hook->at_ms};
    const json_t *kinds = json_object_get(callbacks, "kinds");
    const char *why = callbacks == NULL
                          ? "the declaration knows none"
                          : signature_fault(json_object_get(callbacks, "signature"), &scope);
    int code = why == NULL ? LANTOA_ENOENT : LANTOA_EDENIED;
    for (size_t i = 0; code == LANTOA_ENOENT && i < json_array_size(kinds); i++) {
        code = take_rule(hooks, json_array_get(kinds, i), &scope, root);
    }
    if (code != LANTOA_OK && code != LANTOA_EAGAIN) {
        hooks->host->log(hooks->host, LANTOA_LOG_WARN, "a call-back of %zu bytes is refused: %s",
            hook->body.bytes, why != NULL ? why : "it makes no sense to the declaration");
    }
    json_decref(root);
    return code == LANTOA_ENOENT ? LANTOA_EINVAL : code;
}
