/* What Zalo calls in. The signature is no HMAC but SHA-256 of application, body, time stamp and
 * secret written one behind the other. */
#include "zalo.h"

#include <stdio.h>
#include <stdlib.h>

#define OLD_MS (INT64_C(5) * 60 * 1000)

/* NULL, or why it is not to be believed. */
static const char *fault_of(
    const struct zalo *zalo, const struct lantoa_hook *hook, const json_t *root) {
    const char *given = hook_header(hook, "x-zevent-signature");
    const char *app = json_string_value(json_object_get(root, "app_id"));
    char room[32];
    const char *stamp = json_plain(json_object_get(root, "timestamp"), room, sizeof(room));
    const char *secret = zalo->config->oa_secret;
    struct bytes data = {0};
    if (secret == NULL || secret[0] == '\0') {
        return "option oa_secret is not set";
    }
    if (app == NULL || strcmp(app, zalo->config->app_id) != 0) {
        return "it is of another application";
    }
    bytes_put_text(&data, app);
    bytes_put_str(&data, hook->body);
    bytes_put_text(&data, stamp);
    bytes_put_text(&data, secret);
    given = strncmp(given, "mac=", 4) == 0 ? given + 4 : given;
    bool right = !data.failed && proof_sha256((struct lantoa_str){data.at, data.used}, given);
    if (data.at != NULL) {
        explicit_bzero(data.at, data.used);
    }
    bytes_release(&data);
    long long at = strtoll(stamp, NULL, 10);
    if (!right) {
        return "its signature is wrong";
    }
    return at < hook->at_ms - OLD_MS || at > hook->at_ms + OLD_MS ? "it is more than 5 minutes old"
                                                                  : NULL;
}

static int tell(struct zalo *zalo, enum lantoa_event_kind kind, const char *ref,
    const char *address, const char *text) {
    return line_tell(&zalo->line, kind, "", ref, address, social_str(text));
}

static const char *text_of(const json_t *root) {
    const char *text = json_string_value(json_path(root, "message/text"));
    return text != NULL ? text : "[no text]";
}

/* NULL: there is none, or it is empty. */
static const char *filled(const json_t *root, const char *path) {
    const char *text = json_string_value(json_path(root, path));
    return text != NULL && text[0] != '\0' ? text : NULL;
}

static int take(struct zalo *zalo, const json_t *root) {
    const char *name = json_string_value(json_object_get(root, "event_name"));
    const char *sender = filled(root, "sender/id");
    const char *follower = filled(root, "follower/id");
    const char *number = filled(root, "message/msg_id");
    const char *arrived = json_string_value(json_path(root, "message/delivery_time"));
    if (name == NULL) {
        return LANTOA_EINVAL;
    }
    if (strcmp(name, "user_received_message") == 0 && number != NULL) {
        /* ZNS tells its receipts by the same name, and with the time; each channel hears both. */
        bool zns = arrived != NULL;
        return zns == zalo->receipts_of_zns
                   ? tell(zalo, LANTOA_EVENT_DELIVERED, number, "", arrived != NULL ? arrived : "")
                   : LANTOA_OK;
    }
    if (zalo->receipts_of_zns || zalo->line.posts != NULL) {
        return LANTOA_OK; /* people are heard by the channel that writes to them */
    }
    if (strncmp(name, "user_send_", 10) == 0 && sender != NULL) {
        return tell(zalo, LANTOA_EVENT_INBOUND, "", sender, text_of(root));
    }
    if (strcmp(name, "unfollow") == 0 && follower != NULL) {
        return tell(zalo, LANTOA_EVENT_OPT_OUT, "", follower, "unfollow");
    }
    return LANTOA_OK;
}

int zalo_hook(void *self, const struct lantoa_hook *hook) {
    struct zalo *zalo = self;
    json_t *root = json_loadb(hook->body.at, hook->body.bytes, JSON_REJECT_DUPLICATES, NULL);
    const char *fault = root == NULL ? "it is no JSON" : fault_of(zalo, hook, root);
    int status = LANTOA_EDENIED;
    if (fault == NULL) {
        status = take(zalo, root);
    } else {
        zalo->line.host->log(zalo->line.host, LANTOA_LOG_WARN,
            "a call-back of %zu bytes is refused: %s", hook->body.bytes, fault);
    }
    json_decref(root);
    return status;
}
