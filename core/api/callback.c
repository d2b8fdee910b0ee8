/* Call-backs of providers: /hook/CHANNEL, or /hook/A+B for one that calls a single address for
 * several channels and is heard by each. Kept whole, answered when they are on the disk; who reads
 * them is tracking/hook.h. */
#include "api/private.h"

#include "api/reply.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#define HEADERS_BYTES_MAX (size_t)(64 * 1024)
#define CHANNEL_NAME_MAX 128

static int find_channel(struct api_server *s, struct str name, int64_t *id_out) {
    struct base_err err = {0};
    if (name.bytes > CHANNEL_NAME_MAX || !base_utf8_valid(name)) {
        return LANTOA_ENOENT;
    }
    pthread_mutex_lock(&s->lock);
    db_bind_str(s->channel, 1, name);
    int rc = db_step(s->channel, &err);
    if (rc == 1) {
        *id_out = db_column_i64(s->channel, 0);
        db_reset(s->channel);
    }
    pthread_mutex_unlock(&s->lock);
    if (rc < 0) {
        base_log(BASE_LOG_ERROR, "http", "%s", err.text);
    }
    return rc == 1 ? 0 : rc == 0 ? LANTOA_ENOENT : rc;
}

static int find_channels(struct api_request *r) {
    struct str rest = r->tail;
    do {
        struct str name = str_cut(&rest, '+');
        int64_t id = 0;
        int rc = r->hook_channel_count < API_HOOK_CHANNELS ? find_channel(r->server, name, &id)
                                                           : LANTOA_ENOENT;
        for (size_t i = 0; rc == 0 && i < r->hook_channel_count; i++) {
            rc = r->hook_channels[i] == id ? LANTOA_ENOENT : 0; /* twice: a slip of the pen */
        }
        if (rc != 0) {
            return rc;
        }
        r->hook_channels[r->hook_channel_count++] = id;
    } while (rest.bytes > 0);
    return 0;
}

/* Bytes that are no UTF-8 are taken as ISO 8859-1, so that every header has its place in JSON. */
static void add_text(struct base_buf *out, const char *text, bool lower) {
    struct str given = str_from(text ? text : "");
    struct base_buf plain;
    base_buf_init(&plain, 2 * given.bytes + 1);
    bool utf8 = base_utf8_valid(given);
    for (size_t i = 0; i < given.bytes; i++) {
        char c = given.at[i];
        if (lower && c >= 'A' && c <= 'Z') {
            c = (char)(c - 'A' + 'a');
        }
        if (utf8 || (unsigned char)c < 0x80) {
            base_buf_add_char(&plain, c);
        } else {
            base_utf8_add(&plain, (unsigned char)c);
        }
    }
    base_text_json(out, base_buf_str(&plain));
    base_buf_release(&plain);
}

static enum MHD_Result add_header(
    void *arg, enum MHD_ValueKind kind, const char *name, const char *value) {
    struct base_buf *out = arg;
    (void)kind;
    base_buf_add_char(out, ',');
    add_text(out, name, true);
    base_buf_add_char(out, ':');
    add_text(out, value, false);
    return MHD_YES;
}

/* Method and query under names that no header can have, for some providers put all into them. */
static void take_headers(struct api_request *r) {
    base_buf_init(&r->text, HEADERS_BYTES_MAX);
    base_buf_printf(&r->text, "{\":method\":\"%s\",\":query\":", r->post ? "POST" : "GET");
    struct str query = r->query;
    if (query.bytes && base_utf8_valid(query)) {
        base_text_json(&r->text, query);
    } else {
        base_buf_add_text(&r->text, "\"\"");
    }
    MHD_get_connection_values(r->connection, MHD_HEADER_KIND, add_header, &r->text);
    base_buf_add_char(&r->text, '}');
}

/* At most so much on the average, and so much at once, of one channel: a provider that went mad, or
 * somebody who found the address, must not fill the disk. A bucket that refills with time. */
#define RATE_BYTES_PER_S (INT64_C(32) << 20)
#define BURST_BYTES (INT64_C(128) << 20)
#define ROW_BYTES 512 /* what a row costs beside its body */

static bool callback_allowed(struct api_server *s, int64_t channel_id, size_t bytes) {
    struct callback_rate *rate = &s->rates[(uint64_t)channel_id % API_RATES];
    int64_t now_us = metrics_now_us();
    pthread_mutex_lock(&s->lock);
    int64_t refill = (now_us - rate->at_us) / 1000 * (RATE_BYTES_PER_S / 1000);
    rate->used_bytes = rate->used_bytes > refill ? rate->used_bytes - refill : 0;
    rate->at_us = now_us;
    bool allowed = rate->used_bytes + (int64_t)bytes + ROW_BYTES <= BURST_BYTES;
    rate->used_bytes += allowed ? (int64_t)bytes + ROW_BYTES : 0;
    pthread_mutex_unlock(&s->lock);
    return allowed;
}

static int add_hook(
    struct commit_item *item, const struct commit_writers *writers, struct base_err *err) {
    struct api_request *r = (struct api_request *)item;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < r->hook_channel_count; i++) {
        r->hook.channel_id = r->hook_channels[i];
        rc = hook_add(writers->hooks, &r->hook, err);
    }
    return rc;
}

static bool all_allowed(struct api_request *r) {
    for (size_t i = 0; i < r->hook_channel_count; i++) {
        if (!callback_allowed(r->server, r->hook_channels[i], r->hook.body.bytes)) {
            return false;
        }
    }
    return true;
}

void callback_take(struct api_request *r) {
    int rc = find_channels(r);
    if (rc != 0) {
        reply_fault(r, rc);
        return;
    }
    if (r->head) {
        reply_constant(r, MHD_HTTP_OK, REPLY_TEXT, STR("ok\n"));
        return;
    }
    if (!r->post && challenge_take(r, r->hook_channels[0])) {
        return;
    }
    take_headers(r);
    char remote[64];
    request_remote(r, remote);
    size_t start = r->text.bytes;
    base_buf_add_text(&r->text, remote);
    if (!base_buf_ok(&r->text)) {
        reply_status(r, MHD_HTTP_BAD_REQUEST);
        return;
    }
    r->hook = (struct hook){.at_ms = base_clock_now_ms(),
        .remote = str_of(r->text.at + start, r->text.bytes - start),
        .headers = str_of(r->text.at, start),
        .body = base_buf_str(&r->body)};
    if (!all_allowed(r)) {
        reply_status(r, MHD_HTTP_TOO_MANY_REQUESTS);
        return;
    }
    request_commit(r, add_hook);
}

void callback_after(struct api_request *r) {
    if (r->item.result != 0) {
        reply_fault(r, r->item.result);
        return;
    }
    reply_constant(r, MHD_HTTP_OK, REPLY_TEXT, STR("ok\n"));
}
