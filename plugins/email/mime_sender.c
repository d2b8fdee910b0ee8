/* The part of a mail that is the same for every message: addresses and fixed headers, checked once
 * when the channel opens; see mime_compose.h. */
#include "mime_sender.h"

#include "mime_encode.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static struct lantoa_str str_of(const char *text) {
    return (struct lantoa_str){text == NULL ? "" : text, text == NULL ? 0 : strlen(text)};
}

/* Copies one address option into the sender's own memory. */
static int take_address(struct mime_sender *sender, const char *option, const char *text,
    struct lantoa_str *spec_out, struct lantoa_str *name_out, struct lantoa_fault *fault) {
    struct address_mailbox mailbox;
    *spec_out = *name_out = str_of(NULL);
    if (text == NULL || text[0] == '\0') {
        return LANTOA_OK;
    }
    if (sender->owned_count >= sizeof(sender->owned) / sizeof(sender->owned[0])) {
        return LANTOA_ELIMIT;
    }
    char *own = strdup(text);
    if (own == NULL) {
        lantoa_fault_set(fault, option, "out of memory", "hết bộ nhớ");
        return LANTOA_ENOMEM;
    }
    sender->owned[sender->owned_count++] = own;
    if (address_mailbox_parse(own, &mailbox) != LANTOA_OK) {
        return lantoa_fault_set(fault, option, "\"%.100s\" is not a mail address",
            "\"%.100s\" không phải là địa chỉ thư điện tử", text);
    }
    *spec_out = mailbox.spec;
    *name_out = mailbox.name;
    return LANTOA_OK;
}

static int take_domain(struct mime_sender *sender, const char *option, const char *text,
    struct lantoa_str fallback, struct lantoa_str *domain_out, struct lantoa_fault *fault) {
    *domain_out = fallback;
    if (text == NULL || text[0] == '\0') {
        return LANTOA_OK;
    }
    if (!address_domain_valid(str_of(text))) {
        return lantoa_fault_set(fault, option, "\"%.100s\" is not a domain name",
            "\"%.100s\" không phải là tên miền", text);
    }
    char *own = strdup(text);
    if (own == NULL) {
        lantoa_fault_set(fault, option, "out of memory", "hết bộ nhớ");
        return LANTOA_ENOMEM;
    }
    sender->owned[sender->owned_count++] = own;
    *domain_out = str_of(own);
    return LANTOA_OK;
}

static void put_mailbox(
    struct bytes *out, const char *field, struct lantoa_str name, struct lantoa_str spec) {
    bytes_put_text(out, field);
    size_t column = strlen(field);
    if (name.bytes > 0) {
        column = mime_put_phrase(out, name, column);
        bytes_put_text(out, column + spec.bytes + 3 > 76 ? "\r\n " : " ");
    }
    bytes_put_char(out, '<');
    bytes_put_str(out, spec);
    bytes_put_text(out, ">\r\n");
}

/* The https template of one-click unsubscription, cut at {key}. */
static int take_unsubscribe_url(
    struct mime_sender *sender, const char *url, struct lantoa_fault *fault) {
    if (url == NULL || url[0] == '\0') {
        return LANTOA_OK;
    }
    const char *mark = strstr(url, "{key}");
    bool clean = strncasecmp(url, "https://", 8) == 0 && mark != NULL && strlen(url) <= 700;
    for (const char *at = url; clean && *at != '\0'; at++) {
        clean = *at > ' ' && *at < 0x7f && *at != '<' && *at != '>';
    }
    if (!clean) {
        return lantoa_fault_set(fault, "list_unsubscribe_url",
            "\"%.100s\" is not an https address with {key} in it",
            "\"%.100s\" không phải là địa chỉ https có {key}", url);
    }
    bytes_put(&sender->url_head, url, (size_t)(mark - url));
    bytes_put_text(&sender->url_tail, mark + 5);
    return LANTOA_OK;
}

static int load_dkim(
    struct mime_sender *sender, const struct email_config *config, struct lantoa_fault *fault) {
    if (config->dkim_key == NULL || config->dkim_key[0] == '\0') {
        return LANTOA_OK;
    }
    struct lantoa_str selector = str_of(config->dkim_selector), domain;
    if (!address_domain_valid(selector)) {
        return lantoa_fault_set(fault, "dkim_selector",
            "is needed with dkim_key, and must be a name as DNS takes it",
            "phải có khi dùng dkim_key, và phải là một tên hợp lệ trong DNS");
    }
    int status = take_domain(sender, "dkim_domain", config->dkim_domain,
        address_domain(sender->addresses.from), &domain, fault);
    if (status != LANTOA_OK) {
        return status;
    }
    char name[256];
    snprintf(name, sizeof(name), "%.*s", (int)domain.bytes, domain.at);
    sender->dkim = dkim_new(config->dkim_key, config->dkim_selector, name, fault);
    return sender->dkim == NULL ? LANTOA_EINVAL : LANTOA_OK;
}

static int take_options(
    struct mime_sender *sender, const struct email_config *config, struct lantoa_fault *fault) {
    struct mime_addresses *own = &sender->addresses;
    struct lantoa_str from_name, reply_name, unused;
    int status = take_address(sender, "from", config->from, &own->from, &from_name, fault);
    if (status == LANTOA_OK && own->from.bytes == 0) {
        status = lantoa_fault_set(fault, "from", "is needed", "không được bỏ trống");
    }
    if (status != LANTOA_OK ||
        (status = take_address(
             sender, "reply_to", config->reply_to, &own->reply_to, &reply_name, fault)) ||
        (status = take_address(sender, "bounce", config->bounce, &own->bounce, &unused, fault)) ||
        (status = take_address(sender, "list_unsubscribe_mailto", config->list_unsubscribe_mailto,
             &own->unsubscribe, &unused, fault)) ||
        (status = take_domain(sender, "message_id_domain", config->message_id_domain,
             address_domain(own->from), &own->message_id_domain, fault)) ||
        (status = take_unsubscribe_url(sender, config->list_unsubscribe_url, fault)) ||
        (status = load_dkim(sender, config, fault))) {
        return status;
    }
    if (config->from_name != NULL && config->from_name[0] != '\0') {
        from_name = str_of(config->from_name);
        if (mime_has_control(from_name)) {
            return lantoa_fault_set(
                fault, "from_name", "has control characters", "có ký tự điều khiển");
        }
    }
    put_mailbox(&sender->from_field, "From: ", from_name, own->from);
    if (own->reply_to.bytes > 0) {
        put_mailbox(&sender->reply_field, "Reply-To: ", reply_name, own->reply_to);
    }
    sender->verp = config->verp && own->bounce.bytes > 0;
    return LANTOA_OK;
}

struct mime_sender *mime_sender_new(const struct email_config *config, struct lantoa_fault *fault) {
    struct mime_sender *sender = calloc(1, sizeof(*sender));
    fault->why_en[0] = '\0';
    if (sender == NULL || take_options(sender, config, fault) != LANTOA_OK ||
        sender->from_field.failed || sender->reply_field.failed || sender->url_head.failed ||
        sender->url_tail.failed) {
        if (fault->why_en[0] == '\0') {
            lantoa_fault_set(fault, "", "out of memory", "hết bộ nhớ");
        }
        mime_sender_free(sender);
        return NULL;
    }
    return sender;
}

void mime_sender_free(struct mime_sender *sender) {
    if (sender == NULL) {
        return;
    }
    while (sender->steps != NULL) {
        struct mime_step *step = sender->steps;
        step->users = 1;
        mime_step_drop(sender, step);
    }
    for (size_t i = 0; i < sender->owned_count; i++) {
        free(sender->owned[i]);
    }
    dkim_free(sender->dkim);
    bytes_release(&sender->from_field);
    bytes_release(&sender->reply_field);
    bytes_release(&sender->url_head);
    bytes_release(&sender->url_tail);
    bytes_release(&sender->head);
    bytes_release(&sender->body);
    free(sender);
}

const struct mime_addresses *mime_sender_addresses(const struct mime_sender *sender) {
    return &sender->addresses;
}

void mime_put_return_path(
    struct mime_sender *sender, const struct lantoa_message *message, struct bytes *out) {
    const struct mime_addresses *own = &sender->addresses;
    if (sender->verp) {
        address_put_tagged(out, own->bounce, message->key);
    } else {
        bytes_put_str(out, own->bounce.bytes > 0 ? own->bounce : own->from);
    }
}
