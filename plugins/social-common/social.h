/* What the channels of social networks have in common: messages that wait and are sent in one or
 * several requests each, requests of their own accord, what a network's errors mean to staff, what
 * has been posted and its figures, and how a text will look. Knows no network. Files:
 *
 * - request.c: a request put together: query, form, JSON, multipart
 * - engine.c: messages into requests, answers into results
 * - reading.c: what an answer means, in words of staff
 * - line.c: the instance of any network, with the operations that are the same for all
 * - posts.c: what was posted lately, on the disk, and when its figures are asked for
 * - state.c: small files that survive a crash
 * - show.c: text as a network counts and shows it
 * - files.c: which files of a step a network takes, and the size of pictures
 * - fit.c: whether a network takes a message
 * - proof.c: whether a call-back is the network's
 *
 * Everything runs on the plugin's one thread. */
#ifndef SOCIAL_H
#define SOCIAL_H

#include "bytes.h"
#include <jansson.h>
#include <lantoa/plugin.h>

/* --- request.c --- */

#define REQUEST_HEADERS 8

struct social_request {
    const char *method; /* NULL: POST */
    struct bytes url, body;
    struct bytes headers; /* names and values, each with its NUL */
    size_t header_count;
    char boundary[40]; /* of a multipart body; "": none */
    bool has_query, has_form;
    /* once it has left, people may see the message; a request before that can be made again */
    bool visible;
    bool repeatable; /* the network drops the second of two alike */
};

void request_url(struct social_request *request, const char *fmt, ...) LANTOA_PRINTF(2, 3);
void request_query(struct social_request *request, const char *name, struct lantoa_str value);
void request_header(struct social_request *request, const char *name, const char *value);
void request_bearer(struct social_request *request, const char *token);
/* A request has one kind of body. */
void request_form(struct social_request *request, const char *name, struct lantoa_str value);
void request_json(struct social_request *request, json_t *body); /* takes it; NULL: no memory */
void request_part(struct social_request *request, const char *name, struct lantoa_str value);
void request_file(struct social_request *request, const char *name, const struct lantoa_part *part);
void request_release(struct social_request *request); /* wipes it: secrets stand in some */

/* The text, and behind an empty line the link, if there is one. */
void put_linked(struct bytes *out, struct lantoa_str text, struct lantoa_str link);
struct lantoa_str social_str(const char *text); /* NULL: empty */
bool social_is(struct lantoa_str text, const char *word);
void url_encode(struct bytes *out, struct lantoa_str text);
/* As ops->check, for an option with the address of a network's server, behind which paths are put.
 */
int server_url_check(
    const char *option, const char *url, struct lantoa_fault *fault_out) LANTOA_MUST_CHECK;
/* A value by its path "a/0/b"; NULL: there is none. */
const json_t *json_path(const json_t *root, const char *path);
/* A text or number as text; "" for all else. `room` is used for numbers. */
const char *json_plain(const json_t *value, char *room, size_t bytes);

/* --- reading.c --- */

enum social_verdict {
    SOCIAL_NEXT = 1, /* the message needs another request */
    SOCIAL_SENT,
    SOCIAL_RETRY,
    SOCIAL_SLOWER, /* RETRY, and everybody else waits as well: a limit of the network's */
    SOCIAL_REFUSED,
    SOCIAL_UNKNOWN,
    SOCIAL_TOKEN, /* the access has run out: get a new one, then again */
    SOCIAL_STOP,  /* nothing more can be sent: the channel is parked with the detail */
    SOCIAL_AGAIN, /* the network is at work on it: compose is called again after after_ms */
};

struct social_reading {
    enum social_verdict verdict;
    enum lantoa_reason reason;
    int64_t after_ms;
    char ref[121], detail[501];
};

/* What an error of a network means. Tables of these end with a row without words. */
struct social_error {
    int64_t code, subcode; /* subcode 0: any */
    enum social_verdict verdict;
    enum lantoa_reason reason;
    int64_t after_ms;
    const char *en, *vi; /* for staff: what it is and what to do */
};

/* The row of a code, else NULL. */
const struct social_error *error_find(
    const struct social_error *table, int64_t code, int64_t subcode);
/* The reading of a row: detail is "CODE: what the network said · in English · in Vietnamese"; of a
 * limit, that it goes on by itself. */
void reading_error(
    struct social_reading *out, const struct social_error *row, int64_t code, const char *said);
void reading_sent(struct social_reading *out, const char *ref);
void reading_set(struct social_reading *out, enum social_verdict verdict, enum lantoa_reason reason,
    const char *en, const char *vi);
/* What is wrong, for staff. */
struct social_words {
    char en[240], vi[240];
};
/* Both take the same values in the same order. */
void words_set(struct social_words *out, const char *en, const char *vi, ...);
void reading_words(struct social_reading *out, enum social_verdict verdict,
    enum lantoa_reason reason, const struct social_words *words);
/* An answer that is no answer of the network's (a proxy's page, a 5xx): retry when the request was
 * not visible, else unknown. 429 and 503 with Retry-After: slower. */
void reading_status(
    struct social_reading *out, const struct lantoa_http_answer *answer, bool may_repeat);
/* Puts the network's own words in front of the detail. NULL: there are none. */
void reading_said(struct social_reading *out, const char *said);
/* Printable, at most room - 1 bytes, cut at a letter. */
void keep_text(char *to, size_t room, const char *at, size_t count);
const char *header_of(const struct lantoa_http_answer *answer, const char *name); /* "": none */

/* --- engine.c --- */

struct social;

/* One message on its way. */
struct social_job {
    const struct lantoa_message *message;
    int stage;    /* the network's own; 0 at first */
    size_t file;  /* the next picture */
    json_t *kept; /* the network's own (an object); freed with the job */
    /* The engine's: */
    bool begun;          /* a request that people may see has left */
    int64_t rests_since; /* ticks: since when it rests between requests; 0: it has not */
};

struct social_network {
    /* The next request of a job. False: it ends with *end instead. */
    bool (*compose)(void *self, struct social_job *job, struct social_request *request,
        struct social_reading *end);
    /* What the answer means; json is NULL when it is none. After SOCIAL_NEXT compose is called. */
    void (*read)(void *self, struct social_job *job, const struct lantoa_http_answer *answer,
        const json_t *json, struct social_reading *out);
    /* Optional: false: nothing leaves now; social_pump when that changes. */
    bool (*ready)(void *self);
    /* Optional: a message was sent. */
    void (*sent)(void *self, const struct social_job *job, const char *ref);
    /* Optional: SOCIAL_TOKEN was read. */
    void (*token_over)(void *self);
};

struct social_setup {
    const struct lantoa_host *host;
    const struct social_network *network;
    void *self;
    int64_t connections, timeout_ms;
    bool tls_verify;
    const char *tls_ca;
};

struct social *social_new(const struct social_setup *setup); /* NULL: no memory */
void social_free(struct social *social);
void social_send(struct social *social, const struct lantoa_message *const *messages, size_t count);
void social_cancel(struct social *social, const uint64_t *ids, size_t count);
void social_pump(struct social *social);
/* Parks the channel once what is under way has ended. */
void social_stop(struct social *social, const char *why);
bool social_stopped(const struct social *social);
/* A request of the plugin's own accord. Takes the request's insides over. `answered` is called
 * once, later; json NULL: no JSON came. Where the channel ends first, `dropped` is called with arg
 * instead (NULL: nobody). LANTOA_E* when no request can be made: neither is called. */
int social_ask(struct social *social, struct social_request *request,
    void (*answered)(void *arg, const struct lantoa_http_answer *answer, const json_t *json),
    void (*dropped)(void *arg), void *arg);

/* --- state.c --- */

/* A file of the channel's own folder: written beside, synced, renamed, the folder synced. */
int state_save(const char *dir, const char *name, const char *text, size_t bytes);
/* NUL-terminated; the caller frees it. NULL: there is none, or it cannot be read. */
char *state_load(const char *dir, const char *name, size_t *bytes_out);
/* What a state_save that was cut short has left, maybe only in part; and putting it in its place.
 */
char *state_load_new(const char *dir, const char *name, size_t *bytes_out);
int state_finish(const char *dir, const char *name);

/* --- posts.c --- */

struct social_post {
    char key[24], ref[124];
    int64_t at_ms;    /* the program's clock */
    int64_t asked_at; /* ticks; 0: not yet in this run */
};

/* The bit that the tokens of these events have, and no other event of the plugin may have. */
#define SOCIAL_POSTS_TOKEN (UINT64_C(1) << 63)

struct posts;
struct posts_setup {
    const struct lantoa_host *host;
    int64_t every_ms, keep_ms; /* figures are asked for so often, so long */
    /* Asks for the figures of a post; posts_told when they came. The post may be gone by then:
     * keep its key. */
    void (*ask)(void *self, const struct social_post *post);
    void *self;
};
struct posts *posts_new(const struct posts_setup *setup);
void posts_free(struct posts *posts);
void posts_start(struct posts *posts);
/* Known from now on, over restarts. */
void posts_add(struct posts *posts, struct lantoa_str key, const char *ref);
const struct social_post *posts_by_ref(const struct posts *posts, const char *ref); /* NULL: none */
size_t posts_count(const struct posts *posts);
const struct social_post *posts_at(const struct posts *posts, size_t index);
/* Tells the core a post's figures: takes the object of names and numbers or nulls. */
void posts_told(struct posts *posts, const char *key, json_t *figures);

/* --- line.c --- */

/* The first member of each plugin's instance, so that `self` is it. */
struct social_line {
    const struct lantoa_host *host;
    struct social *social;
    struct posts *posts; /* NULL: to people, nothing is posted */
    uint64_t event;      /* token of the last event */
};
struct line_setup {
    const struct lantoa_host *host;
    const struct social_network *network;
    int64_t connections, timeout_ms;
    bool tls_verify;
    const char *tls_ca;
    /* As of posts_setup; NULL: nothing is posted. Posts are known for 60 days. */
    void (*ask)(void *self, const struct social_post *post);
    int64_t figures_every_ms;
};
/* LANTOA_ENOMEM: to be released as well. */
int line_open(struct social_line *line, const struct line_setup *setup);
void line_release(struct social_line *line); /* what it holds, not itself */
/* Operations, and a network's `sent`. */
int line_start(void *self);
void line_send(void *self, const struct lantoa_message *const *messages, size_t count);
void line_cancel(void *self, const uint64_t *ids, size_t count);
void line_event_done(void *self, uint64_t token);
void line_note_sent(void *self, const struct social_job *job, const char *ref);
/* Tells the core; as host->event. */
int line_tell(struct social_line *line, enum lantoa_event_kind kind, const char *key,
    const char *ref, const char *address, struct lantoa_str text);
/* An uploaded picture: kept as the next of "pictures", and the job goes on to the next file. */
void job_keep_picture(struct social_job *job, const char *id);
/* Asks for a post's figures; takes the request's insides over. `figures` makes of the answer what
 * posts_told takes; NULL: nothing of use came. */
void line_ask(struct social_line *line, const struct social_post *post,
    struct social_request *request,
    json_t *(*figures)(void *self, const struct lantoa_http_answer *answer, const json_t *json));
json_t *figure_at(const json_t *json, const char *path); /* a number, else null: "n/a" */

/* --- show.c --- */

/* Characters as people count them: code points; and UTF-16 units, as Telegram counts. */
size_t text_points(struct lantoa_str text);
size_t text_units(struct lantoa_str text);
/* Links as Mastodon counts them: every http(s) address is 23 characters. */
size_t text_points_short_links(struct lantoa_str text);
/* Whether a Vietnamese letter with an accent stands in it; whether a link or telephone number
 * does; how many words of letters it has. */
bool text_has_accent(struct lantoa_str text);
bool text_has_link(struct lantoa_str text);
bool text_has_phone(struct lantoa_str text);
size_t text_words(struct lantoa_str text);
/* A frame with the sender's name, the text broken at 60 characters, pictures by name, width, height
 * and size, and the server of the link; then the lines of `notes`, which may be empty. */
struct social_look {
    const char *network, *sender;
    struct lantoa_str title, text, link, button;
    const struct lantoa_step *step; /* NULL: no pictures */
    bool pictures_first;            /* above the text */
    bool link_in_text;              /* no card: it stands last in the text */
    size_t used, most;              /* characters; most 0: no limit */
    const char *notes;
    bool vietnamese;
};
void look_show(const struct social_look *look, char *text, size_t room);
bool message_in_vietnamese(const struct lantoa_message *message);

/* --- files.c --- */

struct files_rule {
    const char *network;
    size_t most;          /* files of a message */
    size_t picture_bytes; /* 0: no limit is known */
    const char *mimes;    /* of pictures, blank-separated; NULL: any */
    size_t other_bytes;   /* of other files; 0: none are taken */
};
/* false: why says what is not taken. */
bool files_check(
    const struct lantoa_step *step, const struct files_rule *rule, struct social_words *why);
size_t step_files(const struct lantoa_step *step); /* NULL: none */
bool part_is_picture(const struct lantoa_part *part);

struct picture_size {
    uint32_t width, height; /* dots */
};
/* Of a PNG, JPEG, GIF or WebP; false: it is none, or says nothing. Reads no further than bytes. */
bool picture_measure(struct lantoa_str bytes, struct picture_size *out);

/* --- fit.c --- */

struct social_fit {
    size_t used, most;              /* characters, as the network counts them */
    const struct files_rule *files; /* NULL: none are looked at */
};
/* false: why says what is wrong. */
bool fit_check(
    const struct lantoa_message *message, const struct social_fit *fit, struct social_words *why);
/* The same; false: *end refuses the message. */
bool fit_or_refuse(
    const struct lantoa_message *message, const struct social_fit *fit, struct social_reading *end);
/* What ops->price gives: one message at `minor`, the characters or what is wrong as the note. */
int fit_quote(const struct lantoa_message *message, const struct social_fit *fit, int64_t minor,
    struct lantoa_quote *quote_out);

/* --- proof.c --- */

/* given: hex in any case. */
bool proof_hmac_sha256(const char *secret, struct lantoa_str data, const char *given);
bool proof_sha256(struct lantoa_str data, const char *given);
bool proof_equal(const char *expected, const char *given);
const char *hook_header(const struct lantoa_hook *hook, const char *name); /* "": none */

#endif
