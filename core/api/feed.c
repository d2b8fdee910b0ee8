/* The calendar of a commune's loudspeakers: /lich/TOKEN.ics, for telephones that look again and
 * again. The token is the proof; what it shows is said aloud in the village anyway. */
#include "api/private.h"

#include "api/reply.h"
#include "base/clock.h"
#include "base/log.h"
#include "report/airing_feed.h"

#define DAY_MS (INT64_C(86400) * 1000)
#define FEED_BYTES_MAX ((size_t)2 << 20) /* some 5,000 airings: a large commune's quarter */

static int place_of(const struct api_request *r, int64_t *place_id_out) {
    const struct str ending = STR(".ics");
    size_t bytes = r->tail.bytes;
    if (bytes <= ending.bytes ||
        !str_eq(str_of(r->tail.at + bytes - ending.bytes, ending.bytes), ending)) {
        return LANTOA_EINVAL;
    }
    return airing_feed_token_read(
        r->server->feed_instance, str_of(r->tail.at, bytes - ending.bytes), place_id_out);
}

void feed_take(struct api_request *r) {
    struct api_server *s = r->server;
    struct base_buf out;
    struct base_err err = {0};
    int64_t place_id = 0;
    int64_t events = 0;
    int64_t now_ms = base_clock_now_ms();
    base_buf_init(&out, FEED_BYTES_MAX);
    pthread_mutex_lock(&s->feed_lock);
    int rc = place_of(r, &place_id);
    if (rc == 0) {
        rc = airing_feed_write(s->feed_db, s->feed_instance, place_id,
            now_ms - AIRING_FEED_DAYS_BACK * DAY_MS, now_ms + AIRING_FEED_DAYS_AHEAD * DAY_MS,
            now_ms, &out, &events, &err);
        if (rc != 0) {
            base_log(BASE_LOG_ERROR, "http", "calendar of place %lld: %s", (long long)place_id,
                err.text);
        }
    }
    pthread_mutex_unlock(&s->feed_lock);
    if (rc == 0) {
        reply_body(r, MHD_HTTP_OK, REPLY_CALENDAR, base_buf_str(&out));
    } else {
        reply_status(r, rc == LANTOA_EINVAL || rc == LANTOA_ENOENT ? MHD_HTTP_NOT_FOUND
                                                                   : MHD_HTTP_SERVICE_UNAVAILABLE);
    }
    base_buf_release(&out);
}
