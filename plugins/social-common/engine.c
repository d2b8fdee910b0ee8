/* Messages that wait, and requests under way. A message may need several requests; it begins, for
 * the host, when the first one leaves that lets people see it. From then on it is never begun anew:
 * a later request that was surely not taken is made again by itself after a rest, and when that
 * does not help the message is uncertain. */
#include "social.h"

#include <stdio.h>
#include <stdlib.h>

#define TOKEN_PAUSE_MS 1000
#define UNCLEAR_PAUSE_MS 1000
#define REST_LEAST_MS 1000
#define REST_MOST_MS (INT64_C(10) * 60 * 1000) /* of one message, all its rests together */

struct waiting {
    struct waiting *next;
    struct social_job job;
    int64_t until; /* of those that rest: ticks */
};

struct flight {
    struct flight *next;
    struct social *social;
    struct lantoa_http *request;
    struct social_job job;
    bool visible, repeatable;
    bool seen; /* an earlier request of the message may be seen already */
};

/* A request of the plugin's own. */
struct asking {
    struct asking *next;
    struct social *social;
    struct lantoa_http *request;
    void (*answered)(void *arg, const struct lantoa_http_answer *answer, const json_t *json);
    void (*dropped)(void *arg);
    void *arg;
};

struct social {
    struct social_setup setup;
    struct waiting *head, **tail;
    struct waiting *resting;
    struct flight *flights;
    struct asking *askings;
    size_t flight_count;
    int64_t not_before; /* ticks: a limit of the network's */
    struct lantoa_timer *timer, *rest_timer;
    char stop[600];
    bool failed; /* the host knows of the stop */
};

static void job_release(struct social_job *job) {
    json_decref(job->kept);
    job->kept = NULL;
}

static void end(
    struct social *social, struct social_job *job, const struct social_reading *reading) {
    static const enum lantoa_outcome outcomes[] = {[SOCIAL_SENT] = LANTOA_SENT,
        [SOCIAL_RETRY] = LANTOA_RETRY,
        [SOCIAL_SLOWER] = LANTOA_RETRY,
        [SOCIAL_REFUSED] = LANTOA_REFUSED,
        [SOCIAL_UNKNOWN] = LANTOA_UNKNOWN,
        [SOCIAL_TOKEN] = LANTOA_RETRY,
        [SOCIAL_STOP] = LANTOA_RETRY,
        [SOCIAL_AGAIN] = LANTOA_UNKNOWN}; /* no memory to rest */
    const struct lantoa_host *host = social->setup.host;
    if (reading->verdict == SOCIAL_SENT && social->setup.network->sent != NULL) {
        social->setup.network->sent(social->setup.self, job, reading->ref);
    }
    host->result(host, &LANTOA_RESULT(.id = job->message->id, .outcome = outcomes[reading->verdict],
                           .reason = reading->reason, .after_ms = reading->after_ms,
                           .ref = social_str(reading->ref), .detail = social_str(reading->detail)));
    job_release(job);
}

/* --- the headers of a request --- */

static void point_headers(
    const struct social_request *request, struct lantoa_http_header headers[REQUEST_HEADERS]) {
    const char *at = request->headers.at;
    for (size_t i = 0; i < request->header_count; i++) {
        headers[i].name = at;
        headers[i].value = at + strlen(at) + 1;
        at = headers[i].value + strlen(headers[i].value) + 1;
    }
}

static int make(struct social *social, struct social_request *request, void (*leaving)(void *arg),
    void (*answered)(void *arg, const struct lantoa_http_answer *answer), void *arg,
    struct lantoa_http **out) {
    struct lantoa_http_header headers[REQUEST_HEADERS];
    const struct lantoa_host *host = social->setup.host;
    if (request->boundary[0] != '\0') {
        bytes_put_format(&request->body, "--%s--\r\n", request->boundary);
    }
    if (request->url.failed || request->body.failed || request->headers.failed ||
        request->url.used == 0) {
        return LANTOA_EINVAL;
    }
    point_headers(request, headers);
    const char *method = request->method == NULL ? "POST" : request->method;
    bool body = request->body.used > 0;
    return host->http(host,
        &LANTOA_HTTP_REQUEST(.method = method, .url = request->url.at, .headers = headers,
            .header_count = request->header_count,
            .body = {body ? request->body.at : NULL, request->body.used},
            .timeout_ms = social->setup.timeout_ms,
            .flags =
                (social->setup.tls_verify ? 0U : (unsigned)LANTOA_HTTP_NO_VERIFY) |
                (request->repeatable || !request->visible ? (unsigned)LANTOA_HTTP_REPEATABLE : 0U),
            .ca_file = social->setup.tls_ca, .leaving = leaving),
        answered, arg, out);
}

/* --- a message's requests --- */

static void on_leaving(void *arg) {
    struct flight *flight = arg;
    if (flight->visible && !flight->job.begun) {
        flight->job.begun = true;
        flight->social->setup.host->began(flight->social->setup.host, flight->job.message->id);
    }
}

static void fire(void *arg) {
    struct social *social = arg;
    social->timer = NULL;
    social_pump(social);
}

static void later(struct social *social, int64_t ms) {
    if (social->timer == NULL) {
        social->timer =
            social->setup.host->timer(social->setup.host, ms > 0 ? ms : 1, fire, social);
    }
}

static void slow_down(struct social *social, int64_t after_ms) {
    int64_t until = social->setup.host->ticks(social->setup.host) + after_ms;
    social->not_before = until > social->not_before ? until : social->not_before;
}

static void unlink_flight(struct flight *flight) {
    struct flight **at = &flight->social->flights;
    while (*at != flight) {
        at = &(*at)->next;
    }
    *at = flight->next;
    flight->social->flight_count--;
}

static void unanswered(const struct flight *flight, const struct lantoa_http_answer *answer,
    struct social_reading *out) {
    bool again = !answer->left || !flight->visible || flight->repeatable;
    char words[400];
    snprintf(words, sizeof(words), "%s", answer->text);
    reading_set(out, again ? SOCIAL_RETRY : SOCIAL_UNKNOWN,
        answer->error == LANTOA_HTTP_TIMEOUT ? LANTOA_REASON_TIMEOUT
        : answer->left                       ? LANTOA_REASON_PROTOCOL
                                             : LANTOA_REASON_UNREACHABLE,
        words, "");
}

/* --- messages that rest between two requests --- */

static void rouse(void *arg) {
    struct social *social = arg;
    social->rest_timer = NULL;
    social_pump(social);
}

static void set_rest_timer(struct social *social) {
    const struct lantoa_host *host = social->setup.host;
    int64_t next = INT64_MAX;
    for (const struct waiting *rests = social->resting; rests != NULL; rests = rests->next) {
        next = rests->until < next ? rests->until : next;
    }
    host->timer_stop(host, social->rest_timer);
    int64_t left = next - host->ticks(host);
    social->rest_timer =
        next == INT64_MAX ? NULL : host->timer(host, left > 1 ? left : 1, rouse, social);
}

/* Takes over what the job holds, unless there is no memory. */
static bool rest(struct social *social, struct social_job *job, int64_t ms) {
    const struct lantoa_host *host = social->setup.host;
    struct waiting *rests = calloc(1, sizeof(*rests));
    if (rests == NULL) {
        return false;
    }
    int64_t now = host->ticks(host);
    job->rests_since = job->rests_since > 0 ? job->rests_since : now;
    *rests = (struct waiting){.next = social->resting, .job = *job, .until = now + ms};
    social->resting = rests;
    set_rest_timer(social);
    return true;
}

/* A message of which a part may be seen: what the part that follows came to. */
static bool go_on(struct flight *flight, struct social_reading *reading) {
    const struct lantoa_host *host = flight->social->setup.host;
    int64_t ms = reading->after_ms > REST_LEAST_MS ? reading->after_ms : REST_LEAST_MS;
    int64_t since = flight->job.rests_since;
    int64_t rested = since > 0 ? host->ticks(host) - since : 0;
    bool surely_not_taken = reading->verdict == SOCIAL_RETRY || reading->verdict == SOCIAL_SLOWER ||
                            reading->verdict == SOCIAL_TOKEN;
    if (surely_not_taken && rested + ms <= REST_MOST_MS && rest(flight->social, &flight->job, ms)) {
        return true;
    }
    reading->verdict = SOCIAL_UNKNOWN;
    return false;
}

static void settle(struct flight *flight, struct social_reading *reading) {
    struct social *social = flight->social;
    if (reading->verdict == SOCIAL_SLOWER) {
        slow_down(social, reading->after_ms);
    } else if (reading->verdict == SOCIAL_STOP) {
        social_stop(social, reading->detail);
    } else if (reading->verdict == SOCIAL_TOKEN) {
        reading->after_ms = reading->after_ms > 0 ? reading->after_ms : TOKEN_PAUSE_MS;
        if (social->setup.network->token_over != NULL) {
            social->setup.network->token_over(social->setup.self);
        }
    }
    if (!flight->seen || reading->verdict == SOCIAL_SENT || !go_on(flight, reading)) {
        end(social, &flight->job, reading);
    }
}

static void launch(struct social *social, struct social_job *job);

static void on_answer(void *arg, const struct lantoa_http_answer *answer) {
    struct flight *flight = arg;
    struct social *social = flight->social;
    struct social_reading reading = {.verdict = SOCIAL_UNKNOWN};
    unlink_flight(flight);
    if (answer->error != LANTOA_HTTP_OK) {
        unanswered(flight, answer, &reading);
    } else {
        json_t *json = json_loadb(answer->body.at, answer->body.bytes, 0, NULL);
        social->setup.network->read(social->setup.self, &flight->job, answer, json, &reading);
        json_decref(json);
    }
    if (reading.verdict == SOCIAL_NEXT) {
        launch(social, &flight->job);
    } else if (reading.verdict != SOCIAL_AGAIN || !rest(social, &flight->job, reading.after_ms)) {
        settle(flight, &reading);
    }
    free(flight);
    social_pump(social);
}

static void refused_to_make(int status, bool *stop_out, struct social_reading *out) {
    *stop_out = status == LANTOA_EDENIED;
    if (status == LANTOA_EDENIED) {
        reading_set(out, SOCIAL_STOP, LANTOA_REASON_LOGIN,
            "the server is not among the \"hosts\" of the channel file",
            "máy chủ không có trong \"hosts\" của tệp kênh");
    } else if (status == LANTOA_EINVAL) {
        reading_set(out, SOCIAL_REFUSED, LANTOA_REASON_CONTENT,
            "no request can be made of this message", "không tạo được yêu cầu từ tin này");
    } else {
        reading_set(out, SOCIAL_RETRY, LANTOA_REASON_TEMPORARY, "too many requests under way",
            "đang có quá nhiều yêu cầu");
        out->after_ms = UNCLEAR_PAUSE_MS;
    }
}

/* Takes over what the job holds. */
static void launch(struct social *social, struct social_job *job) {
    struct social_request request = {0};
    struct social_reading reading = {.verdict = SOCIAL_RETRY, .reason = LANTOA_REASON_TEMPORARY};
    struct flight *flight = calloc(1, sizeof(*flight));
    bool stop = false;
    if (flight == NULL ||
        !social->setup.network->compose(social->setup.self, job, &request, &reading)) {
        if (reading.verdict == SOCIAL_STOP) {
            social_stop(social, reading.detail);
        }
        reading.verdict = job->begun ? SOCIAL_UNKNOWN : reading.verdict;
        end(social, job, &reading);
        goto out;
    }
    *flight = (struct flight){.social = social,
        .job = *job,
        .visible = request.visible,
        .seen = job->begun,
        .repeatable = request.repeatable};
    int status = make(social, &request, on_leaving, on_answer, flight, &flight->request);
    if (status != LANTOA_OK) {
        refused_to_make(status, &stop, &reading);
        if (stop) {
            social_stop(social, reading.detail);
        }
        reading.verdict = job->begun ? SOCIAL_UNKNOWN : reading.verdict;
        end(social, job, &reading);
        goto out;
    }
    flight->next = social->flights;
    social->flights = flight;
    social->flight_count++;
    flight = NULL; /* the list's */
out:
    request_release(&request);
    free(flight);
}

static bool is_ready(struct social *social) {
    return social->setup.network->ready == NULL || social->setup.network->ready(social->setup.self);
}

static struct waiting **find_rested(struct social *social) {
    struct waiting **at = &social->resting;
    int64_t now = social->setup.host->ticks(social->setup.host);
    while (*at != NULL && (*at)->until > now) {
        at = &(*at)->next;
    }
    return at;
}

/* Those whose rest is over; whatever the window, for they have begun. What is not ready pumps. */
static void wake_rested(struct social *social) {
    for (struct waiting **at = find_rested(social); *at != NULL; at = find_rested(social)) {
        struct waiting *rested = *at;
        if (!is_ready(social)) {
            return;
        }
        *at = rested->next;
        launch(social, &rested->job);
        free(rested);
    }
    set_rest_timer(social);
}

/* The channel ends: nobody makes their other requests. */
static void end_resting(struct social *social) {
    while (social->resting != NULL) {
        struct waiting *rests = social->resting;
        struct social_reading reading;
        social->resting = rests->next;
        reading_set(&reading, rests->job.begun ? SOCIAL_UNKNOWN : SOCIAL_RETRY,
            LANTOA_REASON_TEMPORARY, social->stop, "");
        end(social, &rests->job, &reading);
        free(rests);
    }
}

void social_pump(struct social *social) {
    const struct lantoa_host *host = social->setup.host;
    if (social->resting != NULL && social->stop[0] == '\0') {
        wake_rested(social);
    }
    while (social->head != NULL && social->stop[0] == '\0' &&
           social->flight_count < (size_t)social->setup.connections) {
        int64_t now = host->ticks(host);
        if (now < social->not_before) {
            later(social, social->not_before - now);
            return;
        }
        if (!is_ready(social)) {
            return;
        }
        struct waiting *waiting = social->head;
        social->head = waiting->next;
        social->tail = social->head == NULL ? &social->head : social->tail;
        launch(social, &waiting->job);
        free(waiting);
    }
    /* What is under way may end before the host does: else it would be unknown. */
    if (social->stop[0] != '\0' && social->flight_count == 0 && !social->failed) {
        social->failed = true;
        end_resting(social);
        host->fail(host, "%s", social->stop);
    }
}

void social_send(
    struct social *social, const struct lantoa_message *const *messages, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct waiting *waiting = calloc(1, sizeof(*waiting));
        struct social_job job = {.message = messages[i], .kept = json_object()};
        if (waiting == NULL || job.kept == NULL) {
            struct social_reading reading;
            reading_set(&reading, SOCIAL_RETRY, LANTOA_REASON_TEMPORARY, "out of memory", "");
            end(social, &job, &reading);
            free(waiting);
            continue;
        }
        waiting->job = job;
        *social->tail = waiting;
        social->tail = &waiting->next;
    }
    social_pump(social);
}

void social_cancel(struct social *social, const uint64_t *ids, size_t count) {
    const struct lantoa_host *host = social->setup.host;
    for (size_t i = 0; i < count; i++) {
        struct waiting **at = &social->head;
        while (*at != NULL && (*at)->job.message->id != ids[i]) {
            at = &(*at)->next;
        }
        struct waiting *waiting = *at;
        if (waiting == NULL) {
            continue;
        }
        *at = waiting->next;
        social->tail = *at == NULL ? at : social->tail;
        job_release(&waiting->job);
        host->result(host, &LANTOA_RESULT(.id = ids[i], .outcome = LANTOA_NOT_SENT));
        free(waiting);
    }
}

void social_stop(struct social *social, const char *why) {
    if (social->stop[0] == '\0') {
        keep_text(social->stop, sizeof(social->stop), why, strlen(why));
        later(social, 1);
    }
}

bool social_stopped(const struct social *social) {
    return social->stop[0] != '\0';
}

/* --- requests of the plugin's own --- */

static void on_asked(void *arg, const struct lantoa_http_answer *answer) {
    struct asking *asking = arg;
    struct asking **at = &asking->social->askings;
    while (*at != asking) {
        at = &(*at)->next;
    }
    *at = asking->next;
    json_t *json = answer->error == LANTOA_HTTP_OK
                       ? json_loadb(answer->body.at, answer->body.bytes, 0, NULL)
                       : NULL;
    asking->answered(asking->arg, answer, json);
    json_decref(json);
    free(asking);
}

int social_ask(struct social *social, struct social_request *request,
    void (*answered)(void *arg, const struct lantoa_http_answer *answer, const json_t *json),
    void (*dropped)(void *arg), void *arg) {
    struct asking *asking = calloc(1, sizeof(*asking));
    int status = LANTOA_ENOMEM;
    if (asking != NULL) {
        *asking =
            (struct asking){.social = social, .answered = answered, .dropped = dropped, .arg = arg};
        status = make(social, request, NULL, on_asked, asking, &asking->request);
    }
    request_release(request);
    if (status != LANTOA_OK) {
        free(asking);
        return status;
    }
    asking->next = social->askings;
    social->askings = asking;
    return LANTOA_OK;
}

/* --- life --- */

struct social *social_new(const struct social_setup *setup) {
    struct social *social = calloc(1, sizeof(*social));
    if (social != NULL) {
        social->setup = *setup;
        social->tail = &social->head;
    }
    return social;
}

void social_free(struct social *social) {
    if (social == NULL) {
        return;
    }
    const struct lantoa_host *host = social->setup.host;
    host->timer_stop(host, social->timer);
    host->timer_stop(host, social->rest_timer);
    while (social->resting != NULL) {
        struct waiting *rests = social->resting;
        social->resting = rests->next;
        job_release(&rests->job);
        free(rests);
    }
    for (struct flight *flight = social->flights, *next; flight != NULL; flight = next) {
        next = flight->next;
        host->http_cancel(host, flight->request);
        job_release(&flight->job);
        free(flight);
    }
    for (struct asking *asking = social->askings, *next; asking != NULL; asking = next) {
        next = asking->next;
        host->http_cancel(host, asking->request);
        if (asking->dropped != NULL) {
            asking->dropped(asking->arg);
        }
        free(asking);
    }
    while (social->head != NULL) {
        struct waiting *waiting = social->head;
        social->head = waiting->next;
        job_release(&waiting->job);
        free(waiting);
    }
    free(social);
}
