/* The plugin SDK: the one header a channel plugin includes. Read this file, message.h and host.h:
 * they are the manual.
 *
 * A plugin is a shared object that exports one const datum, lantoa_plugin_v1. It runs alone in a
 * process of its own (lantoa-channel), on that process's event loop and one thread; a crash or a
 * hang costs that process only. The smallest plugin:
 *
 *     #include <lantoa/plugin.h>
 *
 *     struct config { const char *greeting; };
 *     struct self { const struct lantoa_host *host; const struct config *config; };
 *
 *     static int hello_open(const struct lantoa_host *host, const void *config, void **self_out) {
 *         ...
 *     }
 *     static void hello_send(
 *         void *self, const struct lantoa_message *const *messages, size_t count) {
 *         for each: host->began(host, m->id);
 *                   ...
 *                   host->result(host, &LANTOA_RESULT(.id = m->id, .outcome = LANTOA_SENT));
 *     }
 *     static void hello_close(void *self) { free(self); }
 *
 *     LANTOA_EXPORT const struct lantoa_plugin lantoa_plugin_v1 = {
 *         LANTOA_PLUGIN_HEAD, .name = "hello", .version = "1.0", .kind = "hello",
 *         .address = LANTOA_ADDRESS_EMAIL, .config_size = sizeof(struct config),
 *         .options = options, .option_count = 1, .content = content, .content_count = 1,
 *         .ops = {.size = sizeof(struct lantoa_ops), .open = hello_open, .send = hello_send,
 *             .close = hello_close},
 *     };
 */
#ifndef LANTOA_PLUGIN_H
#define LANTOA_PLUGIN_H

#include "abi.h"
#include "errors.h"
#include "fault.h"
#include "host.h"
#include "message.h"
#include "option.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Which of a contact's addresses the channel writes to. */
enum lantoa_address_kind {
    /* whatever the contact has: email, else phone, else the contact's key */
    LANTOA_ADDRESS_ANY = 1,
    LANTOA_ADDRESS_EMAIL,
    LANTOA_ADDRESS_PHONE,
    LANTOA_ADDRESS_OUTLET, /* speaks to a place, not a person */
    /* ABI 1.4: the person's account in a network, from the attribute of the contact that
     * plugin->account names */
    LANTOA_ADDRESS_ACCOUNT,
    /* ABI 1.4: speaks on the channel's own page, to nobody in particular: a step is one message,
     * its address is the channel's name */
    LANTOA_ADDRESS_PAGE,
};

enum lantoa_capability {
    LANTOA_CAN_RECEIPT = 1, /* gives DELIVERED and FAILED events */
    LANTOA_CAN_INBOUND = 2, /* gives INBOUND events */
    LANTOA_CAN_LOOKUP = 4,  /* ops->lookup works */
    /* the operator drops a second message with the same key: UNKNOWN may be sent again */
    LANTOA_CAN_IDEMPOTENT = 8,
    LANTOA_CAN_PARTS = 16,   /* takes attachments and inline pictures */
    LANTOA_CAN_ACCENTS = 64, /* does with accents what the step says */
    /* "sent" only means handed over; a person confirms later. Told to staff with the channel. The
     * core does the same with or without it: what was sent to an outlet counts as played only when
     * an event or a person says so, and as missed when nobody has a week after its time. */
    LANTOA_NEEDS_CONFIRM = 32,
    /* since 1.5: runs declared channels and nothing else: the config that its operations get is a
     * struct lantoa_declared, the tables are those of the declaration */
    LANTOA_TAKES_DECLARATIONS = 128,
};

enum lantoa_content_flags {
    LANTOA_CONTENT_REQUIRED = 1,
    LANTOA_CONTENT_HTML = 2,        /* values are HTML-escaped when rendered */
    LANTOA_CONTENT_SINGLE_LINE = 4, /* line breaks are refused: a subject */
    /* since 1.6: addresses in it stay as they are, for the network itself fetches them (a cover):
     * none becomes a short link or gets utm parameters */
    LANTOA_CONTENT_AS_IS = 8,
};

/* A piece of content the channel takes: subject, text, html, script, ... */
struct lantoa_content {
    const char *name; /* key in the campaign file: [a-z][a-z0-9_]*, at most 40 letters */
    unsigned flags;
    size_t most_bytes; /* 0: no limit of its own */
    const char *help_en, *help_vi;
};

/* A declared channel, for the plugin that runs it (since 1.5). Valid as a config struct is. */
struct lantoa_declared {
    size_t size;            /* sizeof(struct lantoa_declared) of the host */
    const char *name;       /* of the channel that is declared */
    struct lantoa_str json; /* the whole declaration: a JSON object */
    /* Options as texts: numbers in digits, durations in ms, "true" or "false"; NULL where absent
     * and without default. */
    size_t option_count;
    const char *const *option_names, *const *option_values;
    size_t content_count; /* in the order of message->fields */
    const char *const *content_names;
};

/* A call of the operator's (receipts, answers), kept by the core as it came. Nothing of it has been
 * checked. Valid during the call only. */
struct lantoa_hook {
    size_t size;                              /* sizeof(struct lantoa_hook) of the host */
    int64_t at_ms;                            /* when it came; the program's clock */
    const char *method;                       /* "POST" */
    struct lantoa_str query;                  /* behind the "?", as it came */
    const struct lantoa_http_header *headers; /* names in lower case */
    size_t header_count;
    struct lantoa_str body;
};

/* What `price` and `preview` say of a rendered message. */
struct lantoa_quote {
    size_t size;
    int64_t units;  /* parts of an SMS, 1 for most */
    int64_t minor;  /* cost in minor units of the currency (VND: dong) */
    char note[200]; /* for staff, may be empty */
};

struct lantoa_ops {
    size_t size; /* sizeof(struct lantoa_ops) of the plugin */
    /* Makes the instance, once in the life of the process. host stays valid until close() has
     * returned; config is the plugin's own struct, filled from the options, BORROWED until the next
     * reconfigure() or close(). What *self_out points to is the plugin's, and comes back as `self`.
     * LANTOA_E* on failure, after host->fail(); close() is not called then. */
    int (*open)(const struct lantoa_host *host, const void *config, void **self_out);
    /* Optional: connections, listeners. Called once after open. */
    int (*start)(void *self);
    /* A batch: 1 to max_batch messages, maybe of several steps. Each gets exactly one result, now
     * (from inside this call) or later. Must not block. The array is valid during the call; each
     * message until its result. */
    void (*send)(void *self, const struct lantoa_message *const *messages, size_t count);
    /* Optional: give back what has not begun (result LANTOA_NOT_SENT); let the rest end. */
    void (*cancel)(void *self, const uint64_t *ids, size_t count);
    /* Optional: find out what became of a message that ended UNKNOWN; answer with an event that
     * carries the key. */
    void (*lookup)(void *self, struct lantoa_str key, struct lantoa_str ref);
    /* The core has committed the event with this token. Optional: for a plugin that has nobody to
     * acknowledge to. An event whose done never comes (the host died) is the operator's to repeat.
     */
    void (*event_done)(void *self, uint64_t token);
    /* Optional: LIVE options changed; config is the new struct, the old one goes after this call.
     * */
    int (*reconfigure)(void *self, const void *config);
    /* Finish what has begun, begin nothing new, then host->drained(). Optional: without it the host
     * waits for the results. */
    void (*drain)(void *self);
    /* Frees the instance. Nothing may call the host afterwards. */
    void (*close)(void *self);
    /* Optional: host->wake() was called. */
    void (*woken)(void *self);
    /* Optional pure functions: no instance, no side effect, no host; called in a process of its
     * own, for any number of messages, each for a few microseconds. price fills *quote_out, which
     * comes as one unit of price 0, which is also what holds without it. preview writes UTF-8
     * and a NUL into `room` bytes. LANTOA_OK; else the message cannot be made: LANTOA_ELIMIT too
     * long, LANTOA_EINVAL what it says cannot be said here, and the note tells staff why. */
    int (*price)(
        const void *config, const struct lantoa_message *message, struct lantoa_quote *quote_out);
    int (*preview)(
        const void *config, const struct lantoa_message *message, char *text, size_t room);
    /* Optional, ABI 1.1: a call-back of the operator has come. Give its events (host->event) before
     * returning. LANTOA_OK: taken; LANTOA_EAGAIN: give it again later; anything else: refused
     * (wrong signature, makes no sense; say why in the log), never to be given again. The same call
     * may come twice. */
    int (*hook)(void *self, const struct lantoa_hook *hook);
    /* Optional, ABI 1.6: can the channel be opened with these values? Asked when staff save the
     * channel, before anything is stored, and again before open(). Beyond types and limits, which
     * the host has checked: a text that is no address, a key file that cannot be read, two options
     * that exclude each other. No instance, no host, no network, nothing left behind; files may be
     * read. LANTOA_OK, or LANTOA_EINVAL with *fault_out filled (lantoa_fault_set does both). */
    int (*check)(const void *config, struct lantoa_fault *fault_out);
};

struct lantoa_plugin {
    size_t size; /* sizeof(struct lantoa_plugin) of the plugin */
    unsigned abi_major, abi_minor;
    size_t option_size, content_size; /* sizes of one row, so that rows can grow */
    const char *name;                 /* [a-z][a-z0-9-]*, the file's name without .so */
    const char *version;
    /* what caps, hours and consents call it: email, sms, social, loudspeaker, ... */
    const char *kind;
    const char *help_en, *help_vi;
    enum lantoa_address_kind address;
    unsigned capabilities; /* lantoa_capability, or-ed */
    size_t max_batch;      /* 0: no limit */
    size_t config_size;
    const struct lantoa_option *options;
    size_t option_count;
    const struct lantoa_content *content;
    size_t content_count;
    struct lantoa_ops ops; /* what follows stands behind the ops the plugin has: ops.size */
    /* Since 1.4, for LANTOA_ADDRESS_ACCOUNT: the attribute of contacts that holds the account, such
     * as "zalo_id": [a-z][a-z0-9_]*, at most 40 characters. */
    const char *account;
};

#define LANTOA_PLUGIN_HEAD                                                                         \
    .size = sizeof(struct lantoa_plugin), .abi_major = LANTOA_ABI_MAJOR,                           \
    .abi_minor = LANTOA_ABI_MINOR, .option_size = sizeof(struct lantoa_option),                    \
    .content_size = sizeof(struct lantoa_content)

extern LANTOA_EXPORT const struct lantoa_plugin lantoa_plugin_v1;

#ifdef __cplusplus
}
#endif

#endif
