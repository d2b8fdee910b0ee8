/* What people answer. How far it has been read is kept on the disk once the core has committed it;
 * after a crash some are read again, and the core knows a repeat of the same words. */
#include "mastodon.h"

#include <stdio.h>
#include <stdlib.h>

static void fetch(void *arg);

static void again(struct account *account) {
    if (account->timer == NULL) {
        account->timer = account->line.host->timer(
            account->line.host, account->config->poll_every, fetch, account);
    }
}

/* HTML as the server gives it, without its tags and with the four signs it writes in words. */
static void put_plain(const char *html, struct bytes *out) {
    static const struct {
        const char *name;
        char sign;
    } signs[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}};
    while (*html != '\0') {
        size_t i = 0;
        if (*html == '<') {
            if (strncmp(html, "<br", 3) == 0 || strncmp(html, "</p", 3) == 0) {
                bytes_put_char(out, '\n');
            }
            html += strcspn(html, ">");
            html += *html == '>';
            continue;
        }
        while (i < 5 && strncmp(html, signs[i].name, strlen(signs[i].name)) != 0) {
            i++;
        }
        bytes_put_char(out, i < 5 ? signs[i].sign : *html);
        html += i < 5 ? strlen(signs[i].name) : 1;
    }
    while (out->used > 0 && out->at[out->used - 1] == '\n') {
        out->at[--out->used] = '\0';
    }
    bytes_put(out, "", 0);
}

static int tell(struct account *account, const json_t *row) {
    const char *post = json_string_value(json_path(row, "status/in_reply_to_id"));
    const char *from = json_string_value(json_path(row, "account/acct"));
    const char *html = json_string_value(json_path(row, "status/content"));
    const struct social_post *known = post == NULL ? NULL : posts_by_ref(account->line.posts, post);
    struct bytes text = {0};
    if (from == NULL || html == NULL) {
        return LANTOA_OK;
    }
    put_plain(html, &text);
    int status = line_tell(&account->line, LANTOA_EVENT_INBOUND, known != NULL ? known->key : "",
        "", from, (struct lantoa_str){text.at == NULL ? "" : text.at, text.used});
    account->open += status == LANTOA_OK;
    bytes_release(&text);
    return status;
}

static void keep(struct account *account) {
    snprintf(account->since, sizeof(account->since), "%s", account->newest);
    if (state_save(account->line.host->state_dir, "since", account->since,
            strlen(account->since)) != LANTOA_OK) {
        account->line.host->log(account->line.host, LANTOA_LOG_WARN,
            "how far answers were read cannot be written down");
    }
}

static void on_mentions(void *arg, const struct lantoa_http_answer *answer, const json_t *json) {
    struct account *account = arg;
    size_t count = json_is_array(json) ? json_array_size(json) : 0;
    if (answer->status != 200) {
        account->line.host->log(account->line.host, LANTOA_LOG_WARN,
            "answers cannot be fetched: %d %.200s", answer->status, answer->text);
    }
    for (size_t i = count; i > 0; i--) { /* the newest come first */
        const json_t *row = json_array_get(json, i - 1);
        const char *id = json_string_value(json_object_get(row, "id"));
        if (tell(account, row) == LANTOA_EAGAIN) {
            break;
        }
        if (id != NULL) {
            snprintf(account->newest, sizeof(account->newest), "%s", id);
        }
    }
    if (account->open == 0) {
        if (count > 0) {
            keep(account);
        }
        again(account);
    }
}

static void fetch(void *arg) {
    struct account *account = arg;
    struct social_request request = {.method = "GET"};
    account->timer = NULL;
    mastodon_request(account, &request, "/api/v1/notifications");
    request_query(&request, "types[]", social_str("mention"));
    request_query(&request, "limit", social_str("40"));
    if (account->since[0] != '\0') {
        request_query(&request, "min_id", social_str(account->since));
    }
    if (social_ask(account->line.social, &request, on_mentions, NULL, account) != LANTOA_OK) {
        again(account);
    }
}

void mentions_done(struct account *account) {
    if (account->open > 0 && --account->open == 0) {
        keep(account);
        again(account);
    }
}

void mentions_start(struct account *account) {
    size_t bytes = 0;
    char *text = state_load(account->line.host->state_dir, "since", &bytes);
    if (text != NULL && bytes < sizeof(account->since) && strspn(text, "0123456789") == bytes) {
        snprintf(account->since, sizeof(account->since), "%s", text);
        snprintf(account->newest, sizeof(account->newest), "%s", text);
    }
    free(text);
    again(account);
}

void mentions_stop(struct account *account) {
    account->line.host->timer_stop(account->line.host, account->timer);
    account->timer = NULL;
}
