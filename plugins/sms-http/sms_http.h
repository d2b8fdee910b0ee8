/* SMS through the HTTP interface of a gateway that a declaration describes: one JSON file says how
 * a request looks, how its answer is read, and how the gateway's call-backs are read. Files:
 *
 * - template.c: {{name|filter}} texts, and the names there are
 * - declare.c: the declaration, loaded and checked
 * - compose.c: a request from the declaration and the messages
 * - answer.c: what an answer means
 * - pool.c: messages that wait, requests under way, the token
 * - hook.c, signature.c: receipts and what people write back
 */
#ifndef SMS_HTTP_H
#define SMS_HTTP_H

#include "bytes.h"
#include "sms_text.h"
#include <jansson.h>
#include <lantoa/plugin.h>

struct gateway_config {
    const char *declaration, *base_url, *username, *password, *api_key, *api_secret, *sender;
    const char *callback_url, *callback_secret, *extra, *country_code;
    const char *accents, *coding, *tls_ca;
    bool sandbox, tls_verify;
    int64_t parts, connections, batch, timeout, price_part;
};

/* Places of the content rows. */
enum { FIELD_TEXT, FIELD_TEMPLATE_ID, FIELD_PARAMS, FIELD_COUNT };

/* --- template.c --- */

/* Where the values of a template come from; what is NULL has none. */
struct scope {
    const struct gateway_config *config;
    const json_t *extra; /* object: {{extra.NAME}} */
    const char *token;
    const struct lantoa_message *message;
    struct lantoa_str text; /* of the message, as the phone will show it */
    bool unicode;
    const struct lantoa_declared *declared; /* options and content of its own; NULL: none */
    size_t text_row;                        /* the content row that `text` is */
    const struct lantoa_hook *hook;
    const json_t *item; /* {{json./pointer}} */
    int64_t now_ms;
};

/* A text in both languages; en NULL: there is none. */
struct both {
    const char *en, *vi;
};

enum scope_kind { SCOPE_MESSAGE = 1, SCOPE_HOOK = 2, SCOPE_TOKEN = 4 };

/* Appends the text with its values put in. */
void template_expand(const char *text, const struct scope *scope, struct bytes *out);
/* What is wrong, if anything, with a template used where the kinds of names in `scopes` are known;
 * the texts are valid until the next call. */
struct both template_fault(const char *text, unsigned scopes);
/* From here on the options and content of this declared channel are known names, and no others;
 * NULL: those of the gateways. BORROWED until the next call. */
void template_know(const struct lantoa_declared *declared);
/* The value of an option of a declared channel; NULL when it has none. */
const char *declared_option(const struct lantoa_declared *declared, const char *name);
/* The JSON value of a template that is nothing but one {{name|json}}; NULL when it is something
 * else. The caller owns it. */
json_t *template_json(const char *text, const struct scope *scope);
/* A value by its pointer ("/a/0/b"; "" is the whole); NULL when there is none. */
const json_t *json_at(const json_t *root, const char *pointer);
/* A text, number or truth value as text. */
void json_put_plain(const json_t *value, struct bytes *out);
void url_put(struct bytes *out, const char *at, size_t count);
/* The value of a name in "a=1&b=2", decoded; false when it is not there. */
bool url_find(struct lantoa_str pairs, const char *name, size_t name_bytes, struct bytes *out);

/* --- declare.c --- */

struct declaration {
    json_t *root; /* owns what follows */
    const json_t *request, *answer, *item_answer, *token, *callbacks;
    const char *items; /* where the answers of a batch stand; NULL: one for all */
    size_t max_batch;
    bool idempotent, no_match_retry;
    /* of a declared channel: */
    const struct lantoa_declared *declared; /* BORROWED; NULL: a gateway of sms-http */
    bool plain;                             /* its text is no SMS, its address maybe no number */
    size_t text_row;                        /* the content row that is the text */
    const char *price, *preview;            /* templates; NULL: none */
};

/* Reads and checks the file that the option "declaration" names; false with a fault that names file
 * and field. */
bool declare_load(const char *path, struct declaration *out, struct lantoa_fault *fault_out);
/* The same for JSON that is there already: takes `root` over, also when it is refused. `name`
 * stands in what is told. */
bool declare_take(
    const char *name, json_t *root, struct declaration *out, struct lantoa_fault *fault_out);
/* The same for a declared channel, whose head the host has read; it stays BORROWED. */
bool declare_own(const struct lantoa_declared *declared, struct declaration *out,
    struct lantoa_fault *fault_out);
void declare_release(struct declaration *declaration);

/* --- compose.c --- */

struct composed {
    struct bytes url, body;
    struct bytes header_text; /* names and values, each with its NUL */
    struct lantoa_http_header headers[24];
    size_t header_count;
    const char *method;
    bool has_body;
};

/* scopes: one per message; the request itself sees the first. false: memory ran out or a value
 * makes no sense. */
bool compose_request(
    const json_t *request, const struct scope *scopes, size_t count, struct composed *out);
void compose_release(struct composed *composed);

/* --- answer.c --- */

enum verdict {
    VERDICT_SENT,
    VERDICT_RETRY,
    VERDICT_REFUSED,
    VERDICT_UNKNOWN,
    VERDICT_STOP,
    VERDICT_TOKEN
};

struct reading {
    bool matched;
    enum verdict verdict;
    enum lantoa_reason reason;
    int64_t after_ms;
    char ref[121], detail[501];
};

/* rules: an array of the declaration. json: the body, or one item of it; may be NULL. */
void answer_read(const json_t *rules, int status, struct lantoa_str body, const json_t *json,
    struct reading *out);
/* What is wrong with a rule, if anything. */
struct both answer_fault(const json_t *rule);
bool reason_by_word(const char *word, enum lantoa_reason *reason_out);
/* Printable, at most room - 1 bytes, cut at a letter. */
void keep_text(char *to, size_t room, const char *at, size_t count);

/* --- pool.c --- */

struct pool;
struct pool *pool_new(const struct lantoa_host *host, const struct gateway_config *config,
    const struct declaration *declaration, const json_t *extra);
void pool_free(struct pool *pool);
void pool_send(struct pool *pool, const struct lantoa_message *const *messages, size_t count);
void pool_cancel(struct pool *pool, const uint64_t *ids, size_t count);
struct sms_rules gateway_rules(const struct gateway_config *config);

/* --- hook.c --- */

struct hooks {
    const struct lantoa_host *host;
    const struct gateway_config *config;
    const struct declaration *declaration;
    const json_t *extra;
    uint64_t token;
};
int hooks_take(struct hooks *hooks, const struct lantoa_hook *hook);

/* --- signature.c --- */

/* NULL, or why the call-back is not to be believed. */
const char *signature_fault(const json_t *rule, const struct scope *scope);

#endif
