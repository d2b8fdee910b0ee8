/* What the frames carry: one struct, one put and one get for each, so that both sides of the wall
 * agree by construction. A put appends a whole frame or, for batches, one record; a get reads a
 * body or a record and returns false when it is malformed (values out of their range, texts cut off
 * or not UTF-8 where people will read them). Texts are BORROWED. */
#ifndef WIRE_RECORD_H
#define WIRE_RECORD_H

#include "wire/read.h"
#include "wire/write.h"
#include <lantoa/host.h>
#include <lantoa/message.h>

#define WIRE_REF_MOST 120
#define WIRE_DETAIL_MOST 500
#define WIRE_EVENT_TEXT_MOST 1024 /* key, ref, address */
#define WIRE_EVENT_DETAIL_MOST ((size_t)64 << 10)
#define WIRE_LOG_MOST 2000
#define WIRE_NOTE_MOST 199
#define WIRE_WHY_MOST 479
#define WIRE_PREVIEW_MOST ((size_t)64 << 10)
#define WIRE_UNITS_MOST INT64_C(1000000)       /* parts of one message */
#define WIRE_MINOR_MOST INT64_C(1000000000000) /* its price */
#define WIRE_METRIC_NAME_MOST 47

/* First frame from the core: all that the host must know to open the plugin. */
struct wire_hello {
    uint32_t major, minor;
    /* options: JSON object as in the channel file */
    struct str channel, plugin, data_dir, state_dir, options;
    uint32_t window;
    uint32_t memory_mb; /* 0: no limit */
    uint32_t log_level; /* enum lantoa_log_level */
    uint32_t timeout_s; /* a message the plugin has held this long without a result is a fault */
    /* servers for host->http, each followed by a line end; empty: those of the options' URLs */
    struct str hosts;
    struct str user; /* to run as when root; empty: as it is */
};
void wire_put_hello(struct wire_writer *writer, const struct wire_hello *hello);
bool wire_get_hello(struct wire_reader *body, struct wire_hello *hello_out);

/* First frame from the host. */
struct wire_greeting {
    uint32_t major, minor;
    struct str plugin, version;
};
void wire_put_greeting(struct wire_writer *writer, const struct wire_greeting *greeting);
bool wire_get_greeting(struct wire_reader *body, struct wire_greeting *greeting_out);

/* The head of a STEP; part_count parts follow, each got with wire_get_part. */
struct wire_step {
    uint32_t ref;
    struct str campaign, step, message_class;
    uint32_t part_count;
    struct str accents; /* empty: not said */
};
struct wire_part {
    struct str name, mime, content_id, bytes;
};
void wire_put_step(struct wire_writer *writer, const struct wire_step *step);
void wire_put_part(struct wire_writer *writer, const struct wire_part *part);
bool wire_get_step(struct wire_reader *body, struct wire_step *step_out);
bool wire_get_part(struct wire_reader *body, struct wire_part *part_out);

/* One record of SEND. When got, fields is NULL: field_count texts follow, each got with
 * wire_get_str. */
struct wire_message {
    uint64_t id;
    uint32_t slot, step_ref;
    int64_t due_ms;
    struct str key, address, name, lang;
    uint32_t field_count;
    const struct str *fields;
};
size_t wire_message_bytes(const struct wire_message *message); /* of the record */
void wire_put_message(struct wire_writer *writer, const struct wire_message *message);
bool wire_get_message(struct wire_reader *record, struct wire_message *message_out);

/* One record of RESULTS. */
struct wire_result {
    uint64_t id;
    uint32_t slot;
    enum lantoa_outcome outcome;
    enum lantoa_reason reason;
    int64_t after_ms;
    struct str ref, detail;
};
void wire_put_result(struct wire_writer *writer, const struct wire_result *result);
bool wire_get_result(struct wire_reader *record, struct wire_result *result_out);

/* One record of EVENTS. */
struct wire_event {
    uint64_t token;
    enum lantoa_event_kind kind;
    enum lantoa_reason reason;
    struct str key, ref, address, detail;
};
void wire_put_event(struct wire_writer *writer, const struct wire_event *event);
bool wire_get_event(struct wire_reader *record, struct wire_event *event_out);

/* CLOCK: the core's clock shows now_ms and runs `speed` times as fast as real time; simulated 0:
 * the machine's own clock. */
struct wire_clock {
    uint32_t simulated;
    int64_t now_ms, speed;
};
void wire_put_clock(struct wire_writer *writer, const struct wire_clock *clock);
bool wire_get_clock(struct wire_reader *body, struct wire_clock *clock_out);

struct wire_fault {
    enum wire_fail fail;
    struct str text;
};
void wire_put_fail(struct wire_writer *writer, const struct wire_fault *fault);
bool wire_get_fail(struct wire_reader *body, struct wire_fault *fault_out);

struct wire_log {
    enum lantoa_log_level level;
    struct str text;
};
void wire_put_log(struct wire_writer *writer, const struct wire_log *log);
bool wire_get_log(struct wire_reader *body, struct wire_log *log_out);

struct wire_metric {
    struct str name;
    double value;
};
void wire_put_metric(struct wire_writer *writer, const struct wire_metric *metric);
bool wire_get_metric(struct wire_reader *body, struct wire_metric *metric_out);

/* RECONFIGURE */
struct wire_settings {
    struct str options;
    uint32_t window;
};
void wire_put_settings(struct wire_writer *writer, const struct wire_settings *settings);
bool wire_get_settings(struct wire_reader *body, struct wire_settings *settings_out);

/* One record of QUOTE: what would this message cost? tag comes back with the answer. When got,
 * fields is NULL: field_count texts follow, each got with wire_get_str. */
enum wire_want { WIRE_WANT_PRICE = 1, WIRE_WANT_NOTE = 2, WIRE_WANT_PREVIEW = 4 };
struct wire_quote {
    uint64_t tag, id;
    uint32_t want; /* wire_want, or-ed */
    uint32_t step_ref;
    struct str key, address, name, lang;
    uint32_t field_count;
    const struct str *fields;
};
size_t wire_quote_bytes(const struct wire_quote *quote); /* of the record */
void wire_put_quote(struct wire_writer *writer, const struct wire_quote *quote);
bool wire_get_quote(struct wire_reader *record, struct wire_quote *quote_out);

/* One record of QUOTES, in the order of the questions. */
struct wire_quoted {
    uint64_t tag, id;
    int32_t code; /* 0, or why the plugin cannot make this message: LANTOA_E* */
    int64_t units, minor;
    struct str note, preview;
};
void wire_put_quoted(struct wire_writer *writer, const struct wire_quoted *quoted);
bool wire_get_quoted(struct wire_reader *record, struct wire_quoted *quoted_out);

/* What the plugin of a host for quotes can do; the body of its READY. */
enum wire_quotes { WIRE_QUOTES_PRICE = 1, WIRE_QUOTES_PREVIEW = 2, WIRE_QUOTES_CHECK = 4 };

/* CHECKED, the answer to CHECK (which has no body): what the plugin says of the options. */
struct wire_checked {
    int32_t code;      /* 0, or LANTOA_E*: they are refused */
    struct str option; /* empty: the options as a whole */
    struct str why_en, why_vi;
};
void wire_put_checked(struct wire_writer *writer, const struct wire_checked *checked);
bool wire_get_checked(struct wire_reader *body, struct wire_checked *checked_out);
/* The reason in the language of this process. */
struct str wire_checked_why(const struct wire_checked *checked);

/* HOOK: a call-back of the operator. headers: a JSON object of texts; ":method" and ":query" in it
 * stand for those. */
struct wire_hook {
    uint64_t token;
    int64_t at_ms;
    struct str query, headers, body;
};
void wire_put_hook(struct wire_writer *writer, const struct wire_hook *hook);
bool wire_get_hook(struct wire_reader *body, struct wire_hook *hook_out);

struct wire_hook_done {
    uint64_t token;
    int code; /* 0, LANTOA_EAGAIN, or why it was refused: LANTOA_E* */
};
void wire_put_hook_done(struct wire_writer *writer, const struct wire_hook_done *done);
bool wire_get_hook_done(struct wire_reader *body, struct wire_hook_done *done_out);

/* At most `most` bytes of text, cut at a character border; a text that is not UTF-8 ends before the
 * first wrong byte. */
struct str wire_tidy(struct str text, size_t most);

#endif
