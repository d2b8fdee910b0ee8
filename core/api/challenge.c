/* How Facebook and others try an address before they call it: a GET with hub.mode=subscribe, the
 * token that the administrator gave both sides, and a text to be said back (W3C WebSub,
 * section 5.3; developers.facebook.com/docs/graph-api/webhooks as noted 2026-11-23). The token is
 * the option "verify_token" of whatever channel has one: no plugin runs in this process. */
#include "api/private.h"

#include "api/form.h"
#include "api/reply.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "channel/secret.h"

#define TOKEN_OPTION "verify_token"
#define CHALLENGE_BYTES_MAX 500

static const char said_back[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~=+/";

/* The file of a channel as it stands in the database. */
static int load_spec(
    struct api_server *s, int64_t channel_id, struct base_json **doc_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    pthread_mutex_lock(&s->lock);
    int rc = db_prepare(s->db, "SELECT spec FROM channel WHERE id = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, channel_id);
        rc = db_step(stmt, err);
        rc = rc == 1   ? base_json_parse(db_column_str(stmt, 0), "channel", doc_out, err)
             : rc == 0 ? LANTOA_ENOENT
                       : rc;
    }
    db_finish(&stmt);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

/* *token_out NULL: the channel has none. */
static int load_token(
    struct api_server *s, int64_t channel_id, char **token_out, struct base_err *err) {
    struct base_json *doc = NULL;
    *token_out = NULL;
    int rc = load_spec(s, channel_id, &doc, err);
    if (rc == 0) {
        const json_t *options = json_object_get(base_json_root(doc), "options");
        rc = channel_secret_read(options, TOKEN_OPTION, s->data_dir, token_out, err);
    }
    base_json_free(&doc);
    return rc;
}

/* Takes as long for any two texts, so that a token cannot be found letter by letter. */
static bool same_secret(struct str a, struct str b) {
    uint8_t first[BASE_SHA256_BYTES], second[BASE_SHA256_BYTES];
    unsigned differ = 0;
    base_sha256(a, first);
    base_sha256(b, second);
    for (size_t i = 0; i < sizeof first; i++) {
        differ |= (unsigned)(first[i] ^ second[i]);
    }
    return differ == 0;
}

static bool is_answerable(const struct form *form) {
    struct str challenge = form_get(form, "hub.challenge");
    char text[CHALLENGE_BYTES_MAX + 1];
    if (!str_is(form_get(form, "hub.mode"), "subscribe") || challenge.bytes == 0 ||
        challenge.bytes > CHALLENGE_BYTES_MAX) {
        return false;
    }
    memcpy(text, challenge.at, challenge.bytes);
    text[challenge.bytes] = '\0';
    return strspn(text, said_back) == challenge.bytes;
}

static void answer(struct api_request *r, int64_t channel_id, const struct form *form) {
    struct base_err err = {0};
    struct str given = form_get(form, "hub.verify_token");
    char *token = NULL;
    int rc = load_token(r->server, channel_id, &token, &err);
    bool right = rc == 0 && token && *token && given.at && same_secret(str_from(token), given);
    if (right) {
        reply_body(r, MHD_HTTP_OK, REPLY_TEXT, form_get(form, "hub.challenge"));
    } else {
        base_log(BASE_LOG_WARN, "http",
            "/hook/" STR_FMT ": a network asks whether this address is its own, and is refused: %s",
            STR_ARG(r->tail),
            rc != 0           ? err.text
            : token && *token ? "its token is not that of option " TOKEN_OPTION
                              : "option " TOKEN_OPTION " is not set");
        reply_status(r, MHD_HTTP_FORBIDDEN);
    }
    if (token) {
        explicit_bzero(token, strlen(token));
    }
    base_free(token);
}

bool challenge_take(struct api_request *r, int64_t channel_id) {
    struct form form;
    bool asked = form_read(r->query, &form) == 0 && form_get(&form, "hub.challenge").at &&
                 form_get(&form, "hub.mode").at;
    if (asked && is_answerable(&form)) {
        answer(r, channel_id, &form);
    } else if (asked) {
        reply_status(r, MHD_HTTP_BAD_REQUEST);
    }
    form_release(&form);
    return asked;
}
