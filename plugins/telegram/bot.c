/* The instance, and what needs none. */
#include "telegram.h"

#include <stdio.h>
#include <stdlib.h>

/* Posts are kept so that comments find theirs; the Bot API tells no figures when asked. */
#define POSTS_LOOK_MS (INT64_C(60) * 60 * 1000)

static void no_figures(void *self, const struct social_post *post) {
    (void)self; /* none can be asked for; reactions are called in */
    (void)post;
}

static bool token_good(const char *token) {
    return token[0] != '\0' && token[strspn(token, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
                                                   "UVWXYZ0123456789_:-")] == '\0';
}

int bot_check(const void *given, struct lantoa_fault *fault_out) {
    const struct telegram_config *config = given;
    if (!token_good(config->token)) {
        return lantoa_fault_set(fault_out, "token", "has signs that no token of a bot has",
            "có ký tự mà mã bot không bao giờ có");
    }
    int status = server_url_check("api_url", config->api_url, fault_out);
    if (status != LANTOA_OK) {
        return status;
    }
    bool secret = config->callback_secret != NULL && config->callback_secret[0] != '\0';
    return strcmp(config->receive, "webhook") != 0 || secret
               ? LANTOA_OK
               : lantoa_fault_set(fault_out, "callback_secret", "is needed when receive is webhook",
                     "phải có khi receive là webhook");
}

int bot_open(const struct lantoa_host *host, const void *given, void **self_out) {
    const struct telegram_config *config = given;
    struct lantoa_fault fault = {.size = sizeof(fault)};
    if (bot_check(config, &fault) != LANTOA_OK) {
        host->fail(host, "option \"%s\" %s", fault.option, fault.why_en);
        return LANTOA_EINVAL;
    }
    struct bot *bot = calloc(1, sizeof(*bot));
    if (bot == NULL) {
        return LANTOA_ENOMEM;
    }
    bot->config = config;
    int status = line_open(&bot->line, &(struct line_setup){.host = host,
                                           .network = &telegram_network,
                                           .connections = config->connections,
                                           .timeout_ms = config->timeout,
                                           .tls_verify = config->tls_verify,
                                           .tls_ca = config->tls_ca,
                                           .ask = config->chat != NULL ? no_figures : NULL,
                                           .figures_every_ms = POSTS_LOOK_MS});
    if (status != LANTOA_OK) {
        bot_close(bot);
        return status;
    }
    *self_out = bot;
    return LANTOA_OK;
}

int bot_start(void *self) {
    updates_start(self);
    return line_start(self);
}

void bot_event_done(void *self, uint64_t token) {
    struct bot *bot = self;
    if ((token & SOCIAL_POSTS_TOKEN) == 0) {
        updates_done(bot, token);
    }
}

void bot_close(void *self) {
    struct bot *bot = self;
    updates_stop(bot);
    line_release(&bot->line);
    free(bot);
}

int bot_hook(void *self, const struct lantoa_hook *hook) {
    return updates_hook(self, hook);
}

int bot_price(
    const void *config, const struct lantoa_message *message, struct lantoa_quote *quote_out) {
    const struct social_fit fit = telegram_fit(message);
    (void)config;
    return fit_quote(message, &fit, 0, quote_out);
}

int bot_preview(const void *given, const struct lantoa_message *message, char *text, size_t room) {
    const struct telegram_config *config = given;
    bool button = message->fields[FIELD_BUTTON].bytes > 0;
    look_show(&(struct social_look){.network = "Telegram",
                  .sender = config->chat != NULL ? config->chat : "",
                  .title = social_str(""),
                  .text = message->fields[FIELD_TEXT],
                  .link = message->fields[FIELD_LINK],
                  .button = button ? message->fields[FIELD_BUTTON] : social_str(""),
                  .step = message->step,
                  .pictures_first = true,
                  .used = telegram_fit(message).used,
                  .most = TEXT_MOST,
                  .vietnamese = message_in_vietnamese(message)},
        text, room);
    return LANTOA_OK;
}
