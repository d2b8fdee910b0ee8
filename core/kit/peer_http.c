/* The peer as an HTTP server: reads requests strictly, answers as its mood is. */
#include "base/parse.h"
#include "kit/peer.h"
#include <strings.h>

#define HEAD_MOST 65536
#define LATE_MS 500

static const char page[] =
    "<!DOCTYPE html><html><head><title>Welcome</title></head><body>Please log in.</body></html>";

/* --- requests --- */

/* The value of a header, trimmed; .at NULL when it is not there. */
static struct str header(struct str head, const char *name) {
    (void)str_cut(&head, '\n'); /* the request line */
    while (head.bytes > 0) {
        struct str line = str_trim(str_cut(&head, '\n'));
        struct str field = str_cut(&line, ':');
        if (str_case_eq(str_trim(field), str_from(name))) {
            return str_trim(line);
        }
    }
    return (struct str){NULL, 0};
}

/* "METHOD target HTTP/1.x", and nothing but "name: value" below it. */
static bool head_ok(struct str head) {
    struct str line = str_trim(str_cut(&head, '\n'));
    struct str method = str_cut(&line, ' '), target = str_cut(&line, ' ');
    if (method.bytes == 0 || target.bytes == 0 || !str_starts(line, STR("HTTP/1."))) {
        return false;
    }
    for (size_t i = 0; i < method.bytes; i++) {
        if (method.at[i] < 'A' || method.at[i] > 'Z') {
            return false;
        }
    }
    while (head.bytes > 0) {
        line = str_trim(str_cut(&head, '\n'));
        if (line.bytes > 0 && !memchr(line.at, ':', line.bytes)) {
            return false;
        }
    }
    return true;
}

/* Bytes of a chunked body, terminator included; 0: not all there yet; -1: malformed. */
static ssize_t chunked_bytes(struct str rest) {
    size_t whole = rest.bytes;
    for (;;) {
        const char *end = memmem(rest.at, rest.bytes, "\r\n", 2);
        if (!end) {
            return 0;
        }
        size_t size = 0;
        for (const char *at = rest.at; at < end && *at != ';'; at++) {
            const char *digit = strchr("0123456789abcdef", *at | 32);
            if (!digit || *at == '\0' || size > KIT_HUGE_BYTES) {
                return -1;
            }
            size = size * 16 + (size_t)(digit - "0123456789abcdef");
        }
        size_t used = (size_t)(end - rest.at) + 2 + size + 2;
        if (used > rest.bytes) {
            return 0;
        }
        rest = str_of(rest.at + used, rest.bytes - used);
        if (size == 0) {
            return (ssize_t)(whole - rest.bytes);
        }
    }
}

/* Length of the body behind a head; -1: malformed; -2: not known yet. */
static ssize_t body_bytes(struct str head, struct str rest) {
    struct str length = header(head, "content-length");
    struct str coding = header(head, "transfer-encoding");
    int64_t bytes = 0;
    if (coding.at) {
        ssize_t chunked = chunked_bytes(rest);
        return chunked == 0 ? -2 : chunked;
    }
    if (!length.at) {
        return 0;
    }
    if (base_parse_i64(length, &bytes) != 0 || bytes < 0 || bytes > (int64_t)KIT_HUGE_BYTES) {
        return -1;
    }
    return (size_t)bytes <= rest.bytes ? (ssize_t)bytes : -2;
}

static bool is_key_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7');
}

static struct kit_seen *seen_of(struct kit_peer *peer, const char *key) {
    for (size_t i = 0; i < peer->seen_count; i++) {
        if (memcmp(peer->seen[i].key, key, KIT_KEY_BYTES) == 0) {
            return &peer->seen[i];
        }
    }
    if (peer->seen_count == peer->seen_room) {
        peer->seen_room = peer->seen_room ? peer->seen_room * 2 : 64;
        peer->seen = base_realloc(peer->seen, peer->seen_room * sizeof(*peer->seen));
    }
    struct kit_seen *seen = &peer->seen[peer->seen_count++];
    *seen = (struct kit_seen){.times = 0};
    memcpy(seen->key, key, KIT_KEY_BYTES);
    return seen;
}

/* Notes the keys in a request (kit and 17 more letters); the last one goes to key_out. */
static void note_keys(struct kit_peer *peer, struct str request, bool good, char *key_out) {
    char last[KIT_KEY_BYTES + 1] = "";
    for (size_t i = 0; i + KIT_KEY_BYTES <= request.bytes; i++) {
        const char *at = request.at + i;
        size_t count = 0;
        while (count < KIT_KEY_BYTES && is_key_char(at[count])) {
            count++;
        }
        if (count < KIT_KEY_BYTES || memcmp(at, "kitaaaa", 7) != 0) {
            continue;
        }
        struct kit_seen *seen = seen_of(peer, at);
        /* A key that stands twice in one request is one message. */
        seen->times += memcmp(last, at, KIT_KEY_BYTES) != 0;
        seen->number = good ? peer->number : seen->number;
        memcpy(last, at, KIT_KEY_BYTES);
        i += KIT_KEY_BYTES - 1;
    }
    memcpy(key_out, last, sizeof(last));
}

/* --- answers --- */

static void put_replaced(struct base_buf *out, const char *text, uint64_t number, const char *key) {
    while (*text) {
        if (strncmp(text, "{{n}}", 5) == 0) {
            base_buf_add_u64(out, number);
            text += 5;
        } else if (strncmp(text, "{{key}}", 7) == 0) {
            base_buf_add_text(out, key);
            text += 7;
        } else {
            base_buf_add_char(out, *text++);
        }
    }
}

/* The answer that the case gives by this name, else the usual one. */
static void put_answer(struct kit_conn *conn, const char *name, int status, const char *more,
    const char *body, const char *key, struct base_buf *out) {
    const json_t *given = json_object_get(conn->peer->kase->http, name);
    const json_t *given_status = json_object_get(given, "status");
    const char *given_body = json_string_value(json_object_get(given, "body"));
    struct base_buf text;
    base_buf_init(&text, (size_t)1 << 20);
    put_replaced(&text, given_body ? given_body : body, conn->peer->number, key);
    base_buf_printf(out, "HTTP/1.1 %d %s\r\nContent-Length: %zu\r\n%s",
        given_status ? (int)json_integer_value(given_status) : status, name, text.bytes, more);
    const char *field;
    json_t *value;
    bool typed = false;
    json_object_foreach(json_object_get(given, "headers"), field, value) {
        base_buf_printf(out, "%s: ", field);
        put_replaced(
            out, json_string_value(value) ? json_string_value(value) : "", conn->peer->number, key);
        base_buf_add_text(out, "\r\n");
        typed |= strcasecmp(field, "content-type") == 0;
    }
    base_buf_add_text(out, typed ? "\r\n" : "Content-Type: application/json\r\n\r\n");
    base_buf_add_str(out, base_buf_str(&text));
    base_buf_release(&text);
}

static void put_good(struct kit_conn *conn, const char *key, struct base_buf *out) {
    put_answer(conn, "good", 200, "", "{\"ok\": true, \"id\": \"{{n}}\"}", key, out);
}

/* An answer of which only a part is said. */
static void cut(struct kit_conn *conn, const char *key, bool in_body) {
    struct base_buf whole;
    base_buf_init(&whole, (size_t)1 << 20);
    put_good(conn, key, &whole);
    const char *end = memmem(whole.at, whole.bytes, "\r\n\r\n", 4);
    size_t head = (size_t)(end - whole.at) + 4, body = whole.bytes - head;
    base_buf_add(&conn->out, whole.at, in_body && body > 1 ? head + body / 2 : head / 2);
    conn->closing = true;
    base_buf_release(&whole);
}

static void lie(struct kit_conn *conn, enum kit_mood mood) {
    struct base_buf *out = &conn->out;
    if (mood == KIT_LIE_PAGE) {
        base_buf_printf(out,
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %zu\r\n"
            "\r\n%s",
            sizeof(page) - 1, page);
    } else if (mood == KIT_LIE_NOISE) {
        kit__put_noise(out, 300);
        conn->closing = true;
    } else {
        base_buf_printf(out, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", KIT_HUGE_BYTES);
        conn->huge_left = KIT_HUGE_BYTES;
    }
}

/* False: the connection is closed. */
static bool answer(struct kit_conn *conn, const char *key) {
    enum kit_mood mood = conn->peer->mood;
    switch (mood) {
    case KIT_CUT_ACCEPT:
    case KIT_CUT_READ:
        kit__conn_close(conn);
        return false;
    case KIT_SILENT:
        return true;
    case KIT_THROTTLE:
        put_answer(conn, "throttled", 429, "Retry-After: 1\r\n", "{\"error\": \"too many\"}", key,
            &conn->out);
        break;
    case KIT_BROKEN:
        put_answer(conn, "broken", 500, "", "{\"error\": \"internal\"}", key, &conn->out);
        break;
    case KIT_TWICE:
        put_good(conn, key, &conn->out);
        put_good(conn, key, &conn->out);
        break;
    case KIT_LATE:
        put_good(conn, key, &conn->held);
        conn->peer->waiting += !conn->waiting;
        conn->waiting = true;
        kit__conn_later(conn, LATE_MS);
        return true;
    case KIT_REORDER:
        put_good(conn, key, &conn->held);
        kit__conn_hold(conn);
        return false; /* others may have been answered, and this one closed with them */
    case KIT_CUT_HEAD:
    case KIT_CUT_BODY:
        cut(conn, key, mood == KIT_CUT_BODY);
        break;
    case KIT_LIE_PAGE:
    case KIT_LIE_NOISE:
    case KIT_LIE_HUGE:
        lie(conn, mood);
        break;
    case KIT_GOOD:
    case KIT_SLOW:
        put_good(conn, key, &conn->out);
        conn->trickle = mood == KIT_SLOW;
        break;
    }
    kit__peer_tell(conn->peer, "  the peer answers", base_buf_str(&conn->out));
    bool stays = !conn->closing && conn->huge_left == 0 && !conn->trickle;
    kit__conn_write(conn);
    return stays;
}

static bool malformed(struct kit_conn *conn) {
    conn->peer->malformed++;
    kit__peer_tell(conn->peer, "  the peer cannot read this", base_buf_str(&conn->in));
    kit__conn_close(conn);
    return false;
}

static bool promises_good(enum kit_mood mood) {
    return mood == KIT_GOOD || mood == KIT_LATE || mood == KIT_TWICE || mood == KIT_REORDER ||
           mood == KIT_SLOW;
}

bool kit__http_take(struct kit_conn *conn) {
    for (;;) {
        const char *end =
            conn->in.bytes ? memmem(conn->in.at, conn->in.bytes, "\r\n\r\n", 4) : NULL;
        if (!end) {
            return conn->in.bytes > HEAD_MOST ? malformed(conn) : true;
        }
        size_t head_bytes = (size_t)(end - conn->in.at) + 4;
        struct str head = str_of(conn->in.at, head_bytes);
        ssize_t body =
            head_ok(head)
                ? body_bytes(head, str_of(conn->in.at + head_bytes, conn->in.bytes - head_bytes))
                : -1;
        if (body == -2) {
            return true;
        }
        if (body < 0) {
            return malformed(conn);
        }
        struct str request = str_of(conn->in.at, head_bytes + (size_t)body);
        char key[KIT_KEY_BYTES + 1];
        conn->peer->requests++;
        conn->peer->number++;
        note_keys(conn->peer, request, promises_good(conn->peer->mood), key);
        kit__peer_tell(conn->peer, "  the peer gets", request);
        base_buf_consume(&conn->in, request.bytes);
        if (!answer(conn, key)) {
            return false;
        }
    }
}
