/* A host that sends nothing: it asks the plugin's pure functions price and preview what messages
 * would cost and look like, and check whether the options will do. No instance is opened, so
 * nothing of the outside world is touched. One question after the other, in order; the core keeps
 * the pipe full. */
#include "base/log.h"
#include "base/str.h"
#include "base/text.h"
#include "base/tr.h"
#include "host/host.h"
#include "host/internal.h"
#include "wire/start.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#define OUTBOX_MOST ((size_t)8 << 20)
#define OUTBOX_ENOUGH ((size_t)64 << 10)
#define CORE_STALLED_MS 600000

struct asker {
    struct host host; /* the part of it that frames, steps and the plugin need */
    struct lantoa_str *fields;
    char *preview;
};

static struct lantoa_str sdk(struct str text) {
    return (struct lantoa_str){text.at, text.bytes};
}

static void ask_price(const struct asker *asker, uint32_t want,
    const struct lantoa_message *message, struct lantoa_quote *quote, struct wire_quoted *answer) {
    const struct lantoa_ops *ops = &asker->host.plugin->table.ops;
    *quote = (struct lantoa_quote){.size = sizeof(*quote), .units = 1};
    int code = ops->price ? ops->price(host_config_get(asker->host.config), message, quote) : 0;
    answer->code = code < 0 ? code : 0;
    answer->units = quote->units;
    answer->minor = quote->minor;
    if (want & WIRE_WANT_NOTE) {
        quote->note[sizeof(quote->note) - 1] = '\0';
        answer->note = wire_tidy(str_from(quote->note), WIRE_NOTE_MOST);
    }
}

static void ask_preview(
    const struct asker *asker, const struct lantoa_message *message, struct wire_quoted *answer) {
    const struct lantoa_ops *ops = &asker->host.plugin->table.ops;
    asker->preview[0] = '\0';
    if (ops->preview) {
        (void)ops->preview(
            host_config_get(asker->host.config), message, asker->preview, WIRE_PREVIEW_MOST);
        asker->preview[WIRE_PREVIEW_MOST - 1] = '\0';
        answer->preview = wire_tidy(str_from(asker->preview), WIRE_PREVIEW_MOST - 1);
    }
}

static bool answer_one(struct asker *asker, struct wire_reader *record, const char **why_out) {
    struct host *host = &asker->host;
    struct wire_quote got;
    size_t field_count = host->plugin->table.content_count;
    if (!wire_get_quote(record, &got) || got.field_count != field_count) {
        *why_out = TR("a malformed message");
        return false;
    }
    for (size_t i = 0; i < field_count; i++) {
        asker->fields[i] = sdk(wire_get_str(record));
    }
    const struct host_step *step = host__find_step(host, got.step_ref);
    if (record->bad || !step) {
        *why_out = TR("a message without its step");
        return false;
    }
    struct lantoa_message message = {
        .size = sizeof(message),
        .id = got.id,
        .key = sdk(got.key),
        .address = sdk(got.address),
        .name = sdk(got.name),
        .lang = sdk(got.lang),
        .fields = asker->fields,
        .step = &step->step,
    };
    struct lantoa_quote quote;
    struct wire_quoted answer = {.tag = got.tag, .id = got.id, .note = {"", 0}, .preview = {"", 0}};
    ask_price(asker, got.want, &message, &quote, &answer);
    if (got.want & WIRE_WANT_PREVIEW) {
        ask_preview(asker, &message, &answer);
    }
    if (answer.units < 0 || answer.units > WIRE_UNITS_MOST || answer.minor < 0 ||
        answer.minor > WIRE_MINOR_MOST) {
        *why_out = TR("the plugin's price makes no sense");
        return false;
    }
    wire_put_quoted(&host->outbox, &answer);
    return true;
}

static void answer_check(struct asker *asker) {
    struct host *host = &asker->host;
    struct lantoa_fault fault;
    struct wire_checked checked;
    (void)(host__check_options(host->plugin, host->config, &fault, &checked) == 0);
    wire_put_checked(&host->outbox, &checked);
}

static bool answer_batch(struct asker *asker, struct wire_reader *body, const char **why_out) {
    struct wire_reader record;
    while (wire_get_record(body, &record)) {
        if (!answer_one(asker, &record, why_out)) {
            return false;
        }
        if (wire_writer_pending(&asker->host.outbox) > OUTBOX_ENOUGH &&
            !host__send_all(&asker->host, CORE_STALLED_MS)) {
            return false;
        }
    }
    return !body->bad;
}

/* All whole frames that have come; false: the core does not keep to the protocol, or is gone. */
static bool answer_frames(struct asker *asker, const char **why_out) {
    struct host *host = &asker->host;
    for (;;) {
        enum wire_frame type;
        struct wire_reader body;
        int code = wire_inbox_next(&host->inbox, &type, &body);
        if (code == 0) {
            return true;
        }
        *why_out = code < 0 ? "bytes that are no frame" : wire_frame_name(type);
        if (code > 0 && type == WIRE_CHECK) {
            answer_check(asker);
            continue;
        }
        bool good = code > 0 && type == WIRE_QUOTE  ? answer_batch(asker, &body, why_out)
                    : code > 0 && type == WIRE_STEP ? host__take_step(host, &body)
                                                    : false;
        if (!good) {
            return false;
        }
    }
}

/* Until the core hangs up, which is how it says that it has no more questions. */
static int serve(struct asker *asker) {
    struct host *host = &asker->host;
    const char *why = NULL;
    while (answer_frames(asker, &why)) {
        if (!host__send_all(host, CORE_STALLED_MS)) {
            return WIRE_EXIT_OK;
        }
        struct pollfd poller = {.fd = host->fd, .events = POLLIN};
        if (poll(&poller, 1, -1) < 0 && errno != EINTR) {
            return WIRE_EXIT_FAIL;
        }
        int code = wire_inbox_fill(&host->inbox, host->fd);
        if (code <= 0 && code != LANTOA_EAGAIN) {
            return WIRE_EXIT_OK;
        }
    }
    host__tell_fail(host, WIRE_FAIL_FAULT, why);
    (void)host__send_all(host, 2000);
    return WIRE_EXIT_FAIL;
}

static int start(struct asker *asker, struct base_err *err) {
    struct host *host = &asker->host;
    struct wire_hello hello = {0};
    int code = host__receive_hello(host, &hello, err);
    if (code) {
        return code;
    }
    host->channel = base_strndup(hello.channel.at, hello.channel.bytes);
    host->data_dir = base_strndup(hello.data_dir.at, hello.data_dir.bytes);
    host__confine(host->channel);
    code = host_plugin_load(hello.plugin.at, &host->plugin, err);
    if (code) {
        return code;
    }
    host__greet(host);
    code = host_config_new(host->plugin, hello.options, host->data_dir, &host->config, err);
    if (code) {
        return code;
    }
    code = host__become(hello.user, NULL, err);
    if (code) {
        return code;
    }
    host__limit_memory(hello.memory_mb);
    const struct lantoa_ops *ops = &host->plugin->table.ops;
    asker->fields = base_alloc_array(host->plugin->table.content_count + 1, sizeof(*asker->fields));
    asker->preview = base_alloc(WIRE_PREVIEW_MOST);
    wire_begin(&host->outbox, WIRE_READY);
    wire_put_u32(&host->outbox, (ops->price ? WIRE_QUOTES_PRICE : 0u) |
                                    (ops->preview ? WIRE_QUOTES_PREVIEW : 0u) |
                                    (ops->check ? WIRE_QUOTES_CHECK : 0u));
    wire_end(&host->outbox);
    return 0;
}

static void release(struct asker *asker) {
    struct host *host = &asker->host;
    for (struct host_step *step = host->steps; step; step = step->next) {
        step->forgotten = true;
    }
    host__bury(host);
    host_config_free(&host->config);
    host_plugin_free(&host->plugin);
    wire_inbox_release(&host->inbox);
    wire_writer_release(&host->outbox);
    base_free(host->channel);
    base_free(host->data_dir);
    base_free(asker->fields);
    base_free(asker->preview);
    base_free(asker);
}

int host_quote(void) {
    struct asker *asker = base_alloc(sizeof(*asker));
    struct host *host = &asker->host;
    host->fd = WIRE_FD_CORE;
    fcntl(WIRE_FD_CORE, F_SETFD, FD_CLOEXEC);
    fcntl(WIRE_FD_CORE, F_SETFL, O_NONBLOCK);
    wire_inbox_init(&host->inbox, WIRE_TO_HOST);
    wire_writer_init(&host->outbox, OUTBOX_MOST);
    struct base_err err = {0};
    int code = start(asker, &err);
    if (code) {
        host__tell_fail(host, WIRE_FAIL_HOST, err.text);
        (void)host__send_all(host, 2000);
        code = WIRE_EXIT_FAIL;
    } else {
        code = serve(asker);
    }
    release(asker);
    return code;
}
