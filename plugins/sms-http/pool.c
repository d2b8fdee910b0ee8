/* Messages that wait, requests under way, and the token: one request for it at a time, everybody
 * else waits. Nothing begins before its request really leaves. */
#include "sms_http.h"

#include <stdio.h>
#include <stdlib.h>

#define TOKEN_TTL_S 3600
#define TOKEN_MARGIN_MS 60000
#define TOKEN_PAUSE_MS 5000

struct waiting {
    struct waiting *next;
    const struct lantoa_message *message;
};

/* One request with its messages. */
struct flight {
    struct flight *next;
    struct pool *pool;
    struct lantoa_http *request;
    uint64_t token_number; /* of the token it carries */
    bool left;
    size_t count;
    uint64_t ids[];
};

struct pool {
    const struct lantoa_host *host;
    const struct gateway_config *config;
    const struct declaration *declaration;
    const json_t *extra;
    struct waiting *head, **tail;
    struct flight *flights;
    size_t flight_count;
    struct lantoa_http *asking; /* for a token */
    char *token;
    uint64_t token_number;
    int64_t token_until, token_not_before; /* ticks */
    char stop[600];                        /* set: nothing more leaves; why */
    struct lantoa_timer *timer;
};

static void pump(struct pool *pool);

static bool is_word(const char *value, const char *word) {
    return value != NULL && strcmp(value, word) == 0;
}

struct sms_rules gateway_rules(const struct gateway_config *config) {
    return (struct sms_rules){
        .accents = is_word(config->accents, "strip") ? SMS_ACCENTS_STRIP
                   : is_word(config->accents, "strip_if_cheaper") ||
                           is_word(config->accents, "strip_when_cheaper")
                       ? SMS_ACCENTS_STRIP_IF_CHEAPER
                       : SMS_ACCENTS_KEEP,
        .coding = is_word(config->coding, "gsm7")   ? SMS_CODING_GSM7
                  : is_word(config->coding, "ucs2") ? SMS_CODING_UCS2
                                                    : SMS_CODING_AUTO,
        .header_bytes = SMS_HEADER_8,
        .most_parts = (size_t)config->parts,
    };
}

static struct lantoa_str str_of(const char *text) {
    return (struct lantoa_str){text, strlen(text)};
}

static void end(const struct pool *pool, uint64_t id, enum lantoa_outcome outcome,
    const struct reading *reading) {
    pool->host->result(
        pool->host, &LANTOA_RESULT(.id = id, .outcome = outcome, .reason = reading->reason,
                        .after_ms = reading->after_ms, .ref = str_of(reading->ref),
                        .detail = str_of(reading->detail)));
}

static void refuse(const struct pool *pool, uint64_t id, enum lantoa_outcome outcome,
    enum lantoa_reason reason, const char *text) {
    struct reading reading = {.reason = reason};
    keep_text(reading.detail, sizeof(reading.detail), text, strlen(text));
    end(pool, id, outcome, &reading);
}

static void fire(void *arg) {
    struct pool *pool = arg;
    pool->timer = NULL;
    pump(pool);
}

static void later(struct pool *pool, int64_t ms) {
    if (pool->timer == NULL) {
        pool->timer = pool->host->timer(pool->host, ms, fire, pool);
    }
}

static void stop(struct pool *pool, const char *text) {
    if (pool->stop[0] == '\0') {
        keep_text(pool->stop, sizeof(pool->stop), text, strlen(text));
    }
}

/* --- one flight --- */

static void on_leaving(void *arg) {
    struct flight *flight = arg;
    flight->left = true;
    for (size_t i = 0; i < flight->count; i++) {
        flight->pool->host->began(flight->pool->host, flight->ids[i]);
    }
}

static void flight_free(struct flight *flight) {
    struct pool *pool = flight->pool;
    struct flight **at = &pool->flights;
    while (*at != flight) {
        at = &(*at)->next;
    }
    *at = flight->next;
    pool->flight_count--;
    free(flight);
}

/* No whole answer. What has surely not left may be sent again; of the rest nobody knows, unless the
 * gateway drops what it has had before. */
static void end_unanswered(struct flight *flight, const struct lantoa_http_answer *answer) {
    const struct pool *pool = flight->pool;
    bool again = !answer->left || pool->declaration->idempotent;
    struct reading reading = {.reason = answer->error == LANTOA_HTTP_TIMEOUT ? LANTOA_REASON_TIMEOUT
                                        : answer->left ? LANTOA_REASON_PROTOCOL
                                                       : LANTOA_REASON_UNREACHABLE};
    keep_text(reading.detail, sizeof(reading.detail), answer->text, strlen(answer->text));
    for (size_t i = 0; i < flight->count; i++) {
        end(pool, flight->ids[i], again ? LANTOA_RETRY : LANTOA_UNKNOWN, &reading);
    }
}

static void end_read(struct flight *flight, uint64_t id, struct reading *reading) {
    struct pool *pool = flight->pool;
    if (!reading->matched) {
        bool again = pool->declaration->no_match_retry || pool->declaration->idempotent;
        end(pool, id, again ? LANTOA_RETRY : LANTOA_UNKNOWN, reading);
        return;
    }
    if (reading->verdict == VERDICT_STOP) {
        stop(pool, reading->detail);
    } else if (reading->verdict == VERDICT_TOKEN) {
        reading->reason = LANTOA_REASON_LOGIN;
        reading->after_ms = reading->after_ms > 0 ? reading->after_ms : 1000;
        if (flight->token_number == pool->token_number) {
            free(pool->token);
            pool->token = NULL;
        }
    }
    end(pool, id,
        reading->verdict == VERDICT_SENT      ? LANTOA_SENT
        : reading->verdict == VERDICT_REFUSED ? LANTOA_REFUSED
        : reading->verdict == VERDICT_UNKNOWN ? LANTOA_UNKNOWN
                                              : LANTOA_RETRY,
        reading);
}

static void end_answered(struct flight *flight, const struct lantoa_http_answer *answer) {
    const struct declaration *declaration = flight->pool->declaration;
    json_t *json = json_loadb(answer->body.at, answer->body.bytes, 0, NULL);
    const json_t *items = declaration->items == NULL ? NULL : json_at(json, declaration->items);
    bool each = items != NULL && json_array_size(items) == flight->count;
    struct reading reading;
    for (size_t i = 0; i < flight->count; i++) {
        if (each) {
            answer_read(declaration->item_answer, answer->status, answer->body,
                json_array_get(items, i), &reading);
        } else {
            answer_read(declaration->answer, answer->status, answer->body, json, &reading);
        }
        end_read(flight, flight->ids[i], &reading);
    }
    json_decref(json);
}

static void on_answer(void *arg, const struct lantoa_http_answer *answer) {
    struct flight *flight = arg;
    struct pool *pool = flight->pool;
    if (answer->error == LANTOA_HTTP_OK) {
        end_answered(flight, answer);
    } else {
        end_unanswered(flight, answer);
    }
    flight_free(flight);
    pump(pool);
}

static int ask(const struct pool *pool, const struct composed *composed, struct flight *flight) {
    const struct gateway_config *config = pool->config;
    return pool->host->http(pool->host,
        &LANTOA_HTTP_REQUEST(.method = composed->method, .url = composed->url.at,
            .headers = composed->headers, .header_count = composed->header_count,
            .body = {composed->has_body ? (composed->body.at == NULL ? "" : composed->body.at)
                                        : NULL,
                composed->body.used},
            .timeout_ms = config->timeout, .flags = config->tls_verify ? 0 : LANTOA_HTTP_NO_VERIFY,
            .ca_file = config->tls_ca, .leaving = on_leaving),
        on_answer, flight, &flight->request);
}

/* --- from the queue into a flight --- */

struct prepared {
    struct scope scope;
    char *text;
};

/* The text as the phone will show it; false when the message has been refused. */
static bool prepare(struct pool *pool, const struct lantoa_message *message, struct prepared *out) {
    struct sms_rules rules = gateway_rules(pool->config);
    sms_rules_of_step(&rules, message->step);
    struct sms_cost cost = {0};
    const struct declaration *declaration = pool->declaration;
    out->scope = (struct scope){.config = pool->config,
        .extra = pool->extra,
        .token = pool->token,
        .message = message,
        .declared = declaration->declared,
        .text_row = declaration->text_row,
        .now_ms = pool->host->now(pool->host)};
    if (declaration->plain) {
        bool text_there = declaration->text_row < declaration->declared->content_count;
        out->text = NULL;
        out->scope.text =
            text_there ? message->fields[declaration->text_row] : (struct lantoa_str){"", 0};
        return true;
    }
    struct lantoa_str text = message->fields[declaration->text_row];
    size_t room = sms_text_room(text.bytes), bytes = 0;
    char why[120];
    out->text = malloc(room);
    if (out->text == NULL) {
        refuse(pool, message->id, LANTOA_RETRY, LANTOA_REASON_TEMPORARY, "out of memory");
        return false;
    }
    int status = sms_text_prepare(text.at, text.bytes, &rules, out->text, room, &bytes, &cost);
    size_t digits = strspn(message->address.at, "+0123456789");
    if (digits != message->address.bytes || digits < 4) {
        refuse(pool, message->id, LANTOA_REFUSED, LANTOA_REASON_ADDRESS, "the number is none");
    } else if (status == LANTOA_ELIMIT) {
        snprintf(
            why, sizeof(why), "%zu parts, at most %zu are allowed", cost.parts, rules.most_parts);
        refuse(pool, message->id, LANTOA_REFUSED, LANTOA_REASON_TOO_LARGE, why);
    } else if (status != LANTOA_OK) {
        snprintf(why, sizeof(why), "letter %zu is not in GSM 7-bit", cost.costly_at);
        refuse(pool, message->id, LANTOA_REFUSED, LANTOA_REASON_CONTENT, why);
    } else {
        out->scope.text = (struct lantoa_str){out->text, bytes};
        out->scope.unicode = cost.coding == SMS_UCS2;
        return true;
    }
    free(out->text);
    return false;
}

/* Takes waiting messages for one request; those that cannot be sent end here. */
static size_t take_batch(struct pool *pool, size_t most, struct prepared *list) {
    size_t count = 0;
    while (count < most && pool->head != NULL) {
        struct waiting *waiting = pool->head;
        const struct lantoa_message *message = waiting->message;
        pool->head = waiting->next;
        pool->tail = pool->head == NULL ? &pool->head : pool->tail;
        free(waiting);
        count += prepare(pool, message, &list[count]);
    }
    return count;
}

static void refuse_batch(struct pool *pool, const struct prepared *list, size_t count, int status) {
    bool denied = status == LANTOA_EDENIED;
    if (denied) {
        stop(pool, "the gateway's server is not among the \"hosts\" of the channel file");
    }
    for (size_t i = 0; i < count; i++) {
        refuse(pool, list[i].scope.message->id,
            status == LANTOA_EINVAL ? LANTOA_REFUSED : LANTOA_RETRY,
            status == LANTOA_EINVAL ? LANTOA_REASON_CONTENT : LANTOA_REASON_TEMPORARY,
            status == LANTOA_EINVAL ? "no request can be made of this message"
            : denied                ? pool->stop
                                    : "too many requests under way");
    }
}

static void launch(struct pool *pool) {
    size_t most = pool->declaration->max_batch;
    most = (size_t)pool->config->batch < most ? (size_t)pool->config->batch : most;
    struct prepared *list = calloc(most, sizeof(*list));
    struct scope *scopes = calloc(most, sizeof(*scopes));
    struct flight *flight = calloc(1, sizeof(*flight) + most * sizeof(flight->ids[0]));
    if (list == NULL || scopes == NULL || flight == NULL) {
        later(pool, 1000);
        goto out;
    }
    size_t count = take_batch(pool, most, list);
    if (count == 0) {
        goto out;
    }
    struct composed composed;
    for (size_t i = 0; i < count; i++) {
        scopes[i] = list[i].scope;
        flight->ids[i] = list[i].scope.message->id;
    }
    flight->pool = pool;
    flight->count = count;
    flight->token_number = pool->token_number;
    bool good = compose_request(pool->declaration->request, scopes, count, &composed);
    int status = good ? ask(pool, &composed, flight) : LANTOA_EINVAL;
    compose_release(&composed);
    if (status == LANTOA_OK) {
        flight->next = pool->flights;
        pool->flights = flight;
        pool->flight_count++;
        flight = NULL; /* the pool's */
    } else {
        refuse_batch(pool, list, count, status);
    }
    for (size_t i = 0; i < count; i++) {
        free(list[i].text);
    }
out:
    free(list);
    free(scopes);
    free(flight);
}

/* --- the token --- */

static void on_token(void *arg, const struct lantoa_http_answer *answer) {
    struct pool *pool = arg;
    const json_t *rule = pool->declaration->token;
    const char *expires = json_string_value(json_object_get(rule, "expires"));
    json_int_t ttl = json_integer_value(json_object_get(rule, "ttl_s"));
    json_t *json = json_loadb(answer->body.at, answer->body.bytes, 0, NULL);
    struct bytes token = {0}, seconds = {0};
    pool->asking = NULL;
    json_put_plain(json_at(json, json_string_value(json_object_get(rule, "token"))), &token);
    json_put_plain(expires == NULL ? NULL : json_at(json, expires), &seconds);
    int64_t s = seconds.used > 0 ? strtoll(seconds.at, NULL, 10) : 0;
    s = s > 0 ? s : ttl > 0 ? (int64_t)ttl : TOKEN_TTL_S;
    int64_t now = pool->host->ticks(pool->host);
    if (answer->error == LANTOA_HTTP_OK && answer->status == 200 && token.used > 0) {
        free(pool->token);
        pool->token = token.at;
        token = (struct bytes){0};
        pool->token_number++;
        int64_t margin = s * 1000 > 2 * TOKEN_MARGIN_MS ? TOKEN_MARGIN_MS : s * 100;
        pool->token_until = now + s * 1000 - margin;
    } else if (answer->status == 400 || answer->status == 401 || answer->status == 403) {
        stop(pool, "the gateway gives no token: wrong user name or password");
    } else {
        pool->token_not_before = now + TOKEN_PAUSE_MS;
        pool->host->log(pool->host, LANTOA_LOG_WARN, "no token from the gateway: HTTP %d %s",
            answer->status, answer->text);
    }
    bytes_release(&token);
    bytes_release(&seconds);
    json_decref(json);
    pump(pool);
}

static void ask_token(struct pool *pool) {
    const struct gateway_config *config = pool->config;
    struct scope scope = {.config = config,
        .extra = pool->extra,
        .declared = pool->declaration->declared,
        .now_ms = pool->host->now(pool->host)};
    struct composed composed;
    bool good =
        compose_request(json_object_get(pool->declaration->token, "request"), &scope, 1, &composed);
    int status =
        !good ? LANTOA_EINVAL
              : pool->host->http(pool->host,
                    &LANTOA_HTTP_REQUEST(.method = composed.method, .url = composed.url.at,
                        .headers = composed.headers, .header_count = composed.header_count,
                        .body = {composed.has_body ? composed.body.at : NULL, composed.body.used},
                        .timeout_ms = config->timeout,
                        .flags = LANTOA_HTTP_REPEATABLE |
                                 (config->tls_verify ? 0 : LANTOA_HTTP_NO_VERIFY),
                        .ca_file = config->tls_ca),
                    on_token, pool, &pool->asking);
    compose_release(&composed);
    if (status == LANTOA_EAGAIN || status == LANTOA_ENOMEM) {
        later(pool, 1000);
    } else if (status != LANTOA_OK) {
        stop(pool, "no request for a token can be made of the declaration and the options");
    }
}

/* True when messages may carry a token, or need none. */
static bool token_ready(struct pool *pool) {
    int64_t now = pool->host->ticks(pool->host);
    if (pool->declaration->token == NULL || (pool->token != NULL && now < pool->token_until)) {
        return true;
    }
    if (pool->asking == NULL && now < pool->token_not_before) {
        later(pool, pool->token_not_before - now);
    } else if (pool->asking == NULL) {
        ask_token(pool);
    }
    return false;
}

static void pump(struct pool *pool) {
    while (pool->head != NULL && pool->stop[0] == '\0' &&
           pool->flight_count < (size_t)pool->config->connections && token_ready(pool)) {
        size_t before = pool->flight_count;
        const struct waiting *head = pool->head;
        launch(pool);
        if (pool->flight_count == before && pool->head == head) {
            break; /* no memory; the timer comes back to it */
        }
    }
    /* What is under way may end before the host does: else it would be unknown. */
    if (pool->stop[0] != '\0' && pool->flight_count == 0) {
        pool->host->fail(pool->host, "%s", pool->stop);
    }
}

void pool_send(struct pool *pool, const struct lantoa_message *const *messages, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct waiting *waiting = malloc(sizeof(*waiting));
        if (waiting == NULL) {
            refuse(pool, messages[i]->id, LANTOA_RETRY, LANTOA_REASON_TEMPORARY, "out of memory");
            continue;
        }
        *waiting = (struct waiting){NULL, messages[i]};
        *pool->tail = waiting;
        pool->tail = &waiting->next;
    }
    pump(pool);
}

void pool_cancel(struct pool *pool, const uint64_t *ids, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct waiting **at = &pool->head;
        while (*at != NULL && (*at)->message->id != ids[i]) {
            at = &(*at)->next;
        }
        struct waiting *waiting = *at;
        if (waiting == NULL) {
            continue;
        }
        *at = waiting->next;
        pool->tail = *at == NULL ? at : pool->tail;
        free(waiting);
        refuse(pool, ids[i], LANTOA_NOT_SENT, LANTOA_REASON_NONE, "");
    }
}

struct pool *pool_new(const struct lantoa_host *host, const struct gateway_config *config,
    const struct declaration *declaration, const json_t *extra) {
    struct pool *pool = calloc(1, sizeof(*pool));
    if (pool != NULL) {
        *pool = (struct pool){
            .host = host, .config = config, .declaration = declaration, .extra = extra};
        pool->tail = &pool->head;
    }
    return pool;
}

void pool_free(struct pool *pool) {
    if (pool == NULL) {
        return;
    }
    pool->host->timer_stop(pool->host, pool->timer);
    pool->host->http_cancel(pool->host, pool->asking);
    for (struct flight *flight = pool->flights, *next; flight != NULL; flight = next) {
        next = flight->next;
        pool->host->http_cancel(pool->host, flight->request);
        free(flight);
    }
    while (pool->head != NULL) {
        struct waiting *waiting = pool->head;
        pool->head = waiting->next;
        free(waiting);
    }
    free(pool->token);
    free(pool);
}
