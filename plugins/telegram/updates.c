/* What people write to the bot. Telegram keeps an update until a later one is asked for, so the
 * next are fetched only when the core has committed what the last ones said: nothing is lost and
 * nothing is told twice. */
#include "telegram.h"

#include <stdio.h>
#include <stdlib.h>

#define WAIT_AFTER_FAULT_MS 30000
#define COUNT_MOST INT64_C(1000000000000) /* of reactions; more is nonsense */

static void fetch(void *arg);

static void again(struct bot *bot, int64_t ms) {
    if (bot->timer == NULL) {
        bot->timer = bot->line.host->timer(bot->line.host, ms, fetch, bot);
    }
}

static int tell(struct bot *bot, enum lantoa_event_kind kind, const char *key, const char *address,
    const char *text) {
    int status = line_tell(&bot->line, kind, key, "", address, social_str(text));
    bot->events_open += status == LANTOA_OK;
    return status;
}

/* The key behind "/start ", which a link t.me/BOT?start=KEY put there; "": none. */
static const char *start_key(const char *text) {
    const char *key = strncmp(text, "/start ", 7) == 0 ? text + 7 : "";
    return strlen(key) == 20 && strspn(key, "abcdefghijklmnopqrstuvwxyz234567") == 20 ? key : "";
}

static int take_private(struct bot *bot, const json_t *message) {
    char chat[32];
    const char *address = json_plain(json_path(message, "chat/id"), chat, sizeof(chat));
    const char *text = json_string_value(json_object_get(message, "text"));
    text = text != NULL ? text : json_string_value(json_object_get(message, "caption"));
    if (address[0] == '\0') {
        return LANTOA_OK;
    }
    if (text == NULL) {
        return tell(bot, LANTOA_EVENT_INBOUND, "", address, "[no text]");
    }
    if (strcmp(text, "/stop") == 0) {
        return tell(bot, LANTOA_EVENT_OPT_OUT, "", address, text);
    }
    return tell(bot, LANTOA_EVENT_INBOUND, start_key(text), address, text);
}

/* An answer to a post, in its channel's group; anything else that is said there is not ours. */
static int take_comment(struct bot *bot, const json_t *message) {
    char from[32], chat[32], number[32], ref[80];
    const json_t *post = json_object_get(message, "reply_to_message");
    const json_t *origin = json_object_get(post, "forward_origin");
    const char *text = json_string_value(json_object_get(message, "text"));
    if (origin != NULL) { /* the group's copy of what the channel posted */
        snprintf(ref, sizeof(ref), "%s:%s",
            json_plain(json_path(origin, "chat/id"), chat, sizeof(chat)),
            json_plain(json_path(origin, "message_id"), number, sizeof(number)));
    } else {
        snprintf(ref, sizeof(ref), "%s:%s",
            json_plain(json_path(post, "chat/id"), chat, sizeof(chat)),
            json_plain(json_path(post, "message_id"), number, sizeof(number)));
    }
    const struct social_post *known = posts_by_ref(bot->line.posts, ref);
    const char *address = json_plain(json_path(message, "from/id"), from, sizeof(from));
    if (known == NULL || text == NULL || address[0] == '\0') {
        return LANTOA_OK;
    }
    return tell(bot, LANTOA_EVENT_INBOUND, known->key, address, text);
}

static int take_reactions(struct bot *bot, const json_t *counted) {
    char chat[32], number[32], ref[80];
    size_t i;
    const json_t *reaction;
    json_int_t total = 0;
    snprintf(ref, sizeof(ref), "%s:%s",
        json_plain(json_path(counted, "chat/id"), chat, sizeof(chat)),
        json_plain(json_path(counted, "message_id"), number, sizeof(number)));
    const struct social_post *known = posts_by_ref(bot->line.posts, ref);
    const json_t *list = json_object_get(counted, "reactions");
    for (i = 0; (reaction = json_array_get(list, i)) != NULL; i++) {
        json_int_t count = json_integer_value(json_object_get(reaction, "total_count"));
        total += count > 0 && count < COUNT_MOST - total ? count : 0;
    }
    if (known != NULL) {
        posts_told(bot->line.posts, known->key, json_pack("{sI}", "reactions", total));
    }
    return LANTOA_OK;
}

static int take_update(struct bot *bot, const json_t *update) {
    const json_t *message = json_object_get(update, "message");
    const json_t *member = json_object_get(update, "my_chat_member");
    const json_t *counted = json_object_get(update, "message_reaction_count");
    const char *type = json_string_value(json_path(message, "chat/type"));
    const char *status = json_string_value(json_path(member, "new_chat_member/status"));
    char chat[32];
    if (bot->line.posts != NULL) {
        return message != NULL   ? take_comment(bot, message)
               : counted != NULL ? take_reactions(bot, counted)
                                 : LANTOA_OK;
    }
    if (message != NULL && (type == NULL || strcmp(type, "private") == 0)) {
        return take_private(bot, message);
    }
    if (status != NULL && strcmp(status, "kicked") == 0) {
        const char *address = json_plain(json_path(member, "chat/id"), chat, sizeof(chat));
        return address[0] == '\0' ? LANTOA_OK
                                  : tell(bot, LANTOA_EVENT_OPT_OUT, "", address, "blocked the bot");
    }
    return LANTOA_OK;
}

/* --- fetched --- */

static void on_updates(void *arg, const struct lantoa_http_answer *answer, const json_t *json) {
    struct bot *bot = arg;
    const json_t *list = json_object_get(json, "result");
    size_t i;
    const json_t *update;
    bot->fetching = false;
    if (!json_is_true(json_object_get(json, "ok"))) {
        const char *said = json_string_value(json_object_get(json, "description"));
        bot->line.host->log(bot->line.host, LANTOA_LOG_WARN, "answers cannot be fetched: %d %.200s",
            answer->status, said != NULL ? said : answer->text);
        again(bot, WAIT_AFTER_FAULT_MS);
        return;
    }
    for (i = 0; (update = json_array_get(list, i)) != NULL; i++) {
        if (take_update(bot, update) == LANTOA_EAGAIN) {
            break; /* it comes again */
        }
        bot->offset = json_integer_value(json_object_get(update, "update_id")) + 1;
    }
    if (bot->events_open == 0) {
        again(bot, i > 0 ? 1 : bot->config->poll_every);
    }
}

static void fetch(void *arg) {
    struct bot *bot = arg;
    struct social_request request = {0};
    char offset[32];
    bot->timer = NULL;
    if (bot->fetching || bot->events_open > 0) {
        return;
    }
    snprintf(offset, sizeof(offset), "%lld", (long long)bot->offset);
    telegram_url(bot, &request, "getUpdates");
    if (bot->offset > 0) {
        request_form(&request, "offset", social_str(offset));
    }
    request_form(&request, "timeout", social_str("0"));
    request_form(&request, "allowed_updates",
        social_str("[\"message\",\"my_chat_member\",\"message_reaction_count\"]"));
    if (social_ask(bot->line.social, &request, on_updates, NULL, bot) == LANTOA_OK) {
        bot->fetching = true;
    } else {
        again(bot, WAIT_AFTER_FAULT_MS);
    }
}

void updates_done(struct bot *bot, uint64_t token) {
    (void)token;
    if (bot->events_open > 0 && --bot->events_open == 0 &&
        strcmp(bot->config->receive, "poll") == 0 && !bot->fetching) {
        again(bot, 1);
    }
}

/* --- called in --- */

int updates_hook(struct bot *bot, const struct lantoa_hook *hook) {
    const char *given = hook_header(hook, "x-telegram-bot-api-secret-token");
    if (!proof_equal(bot->config->callback_secret, given)) {
        bot->line.host->log(bot->line.host, LANTOA_LOG_WARN,
            "a call-back does not carry the secret (option callback_secret): refused");
        return LANTOA_EDENIED;
    }
    json_t *update = json_loadb(hook->body.at, hook->body.bytes, 0, NULL);
    int status = json_is_object(update) ? take_update(bot, update) : LANTOA_EINVAL;
    json_decref(update);
    return status;
}

static void on_set(void *arg, const struct lantoa_http_answer *answer, const json_t *json) {
    struct bot *bot = arg;
    const char *said = json_string_value(json_object_get(json, "description"));
    if (!json_is_true(json_object_get(json, "ok"))) {
        bot->line.host->log(bot->line.host, LANTOA_LOG_ERROR,
            "Telegram does not take the call-back: %d %.200s", answer->status,
            said != NULL ? said : answer->text);
    }
}

static void set_webhook(struct bot *bot) {
    struct social_request request = {0};
    telegram_url(bot, &request, "setWebhook");
    request_form(&request, "url", social_str(bot->config->callback_url));
    request_form(&request, "secret_token", social_str(bot->config->callback_secret));
    request_form(&request, "allowed_updates",
        social_str("[\"message\",\"my_chat_member\",\"message_reaction_count\"]"));
    (void)social_ask(bot->line.social, &request, on_set, NULL, bot);
}

void updates_start(struct bot *bot) {
    if (strcmp(bot->config->receive, "poll") == 0) {
        again(bot, 1);
    } else if (strcmp(bot->config->receive, "webhook") == 0 && bot->config->callback_url != NULL) {
        set_webhook(bot);
    }
}

void updates_stop(struct bot *bot) {
    bot->line.host->timer_stop(bot->line.host, bot->timer);
    bot->timer = NULL;
}
