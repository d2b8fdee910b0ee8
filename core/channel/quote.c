/* The core's end of a host for quotes. Never waits for writing alone: while the host has answers to
 * give they are taken, so neither side can wait for the other. */
#include "channel/quote.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/tr.h"
#include "channel/internal.h"
#include "channel/process.h"
#include "wire/start.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTBOX_MOST ((size_t)64 << 20)
#define PARTS_MOST (WIRE_MOST_STEP_BYTES - ((size_t)1 << 20))
#define OUTBOX_ENOUGH ((size_t)128 << 10)
#define MESSAGE_MOST (WIRE_MOST_BYTES - 64)
#define SOCKET_BYTES (1 << 20)
#define END_MS 2000

struct channel_quote {
    const struct channel_spec *spec;
    const struct channel_manifest *manifest;
    channel_quoted_fn *answered;
    void *arg;
    int64_t silence_ms, silent_since_ms; /* real time; since: the last sign of life or question */
    pid_t pid;
    int fd;
    bool greeted, ready;
    unsigned can; /* wire_quotes */
    uint64_t asked, told;
    char *option; /* that the plugin refused; NULL: none, or no one of them */
    struct wire_inbox inbox;
    struct wire_writer outbox;
};

/* --- what comes --- */

static int take_answers(
    struct channel_quote *quote, struct wire_reader *body, struct base_err *err) {
    struct wire_reader record;
    while (wire_get_record(body, &record)) {
        struct wire_quoted got;
        if (!wire_get_quoted(&record, &got) || quote->told == quote->asked) {
            return base_err_set(err, LANTOA_EPROTO,
                TR("the host sent a frame %s that makes no sense"), wire_frame_name(WIRE_QUOTES));
        }
        quote->told++;
        struct channel_quoted answer = {
            got.tag, got.id, got.code, got.units, got.minor, got.note, got.preview};
        int code = quote->answered(quote->arg, &answer);
        if (code < 0) {
            return base_err_set(err, code, "%s", base_err_name(code));
        }
    }
    return body->bad ? base_err_set(err, LANTOA_EPROTO,
                           TR("the host sent a frame %s that makes no sense"),
                           wire_frame_name(WIRE_QUOTES))
                     : 0;
}

static int take_checked(
    struct channel_quote *quote, struct wire_reader *body, struct base_err *err) {
    struct wire_checked checked;
    if (!wire_get_checked(body, &checked) || quote->told == quote->asked) {
        return base_err_set(err, LANTOA_EPROTO, TR("the host sent a frame %s that makes no sense"),
            wire_frame_name(WIRE_CHECKED));
    }
    quote->told++;
    if (checked.code == 0) {
        return 0;
    }
    struct str why = wire_checked_why(&checked);
    quote->option =
        checked.option.bytes > 0 ? base_strndup(checked.option.at, checked.option.bytes) : NULL;
    return base_err_set(err, LANTOA_EINVAL, STR_FMT, STR_ARG(why));
}

static int take_frame(struct channel_quote *quote, enum wire_frame type, struct wire_reader *body,
    struct base_err *err) {
    struct wire_greeting greeting;
    struct wire_fault fault;
    if (type == WIRE_FAIL && wire_get_fail(body, &fault)) {
        return base_err_set(err, LANTOA_EINVAL, STR_FMT, STR_ARG(fault.text));
    }
    if (type == WIRE_HELLO && !quote->greeted && wire_get_greeting(body, &greeting) &&
        greeting.major == WIRE_MAJOR) {
        quote->greeted = true;
        return 0;
    }
    if (type == WIRE_READY && quote->greeted && !quote->ready) {
        quote->can = wire_get_u32(body);
        quote->ready = !body->bad;
        return quote->ready ? 0 : base_err_set(err, LANTOA_EPROTO, "%s", wire_frame_name(type));
    }
    if (type == WIRE_CHECKED && quote->ready) {
        return take_checked(quote, body, err);
    }
    if (type == WIRE_QUOTES && quote->ready) {
        return take_answers(quote, body, err);
    }
    return base_err_set(err, LANTOA_EPROTO, TR("the host sent a frame %s that makes no sense"),
        wire_frame_name(type));
}

static int take_frames(struct channel_quote *quote, struct base_err *err) {
    for (;;) {
        enum wire_frame type;
        struct wire_reader body;
        int code = wire_inbox_next(&quote->inbox, &type, &body);
        if (code == 0) {
            return 0;
        }
        if (code < 0) {
            return base_err_set(
                err, code, "%s", TR("the plugin or its host wrote bytes that are no frame"));
        }
        code = take_frame(quote, type, &body, err);
        if (code != 0) {
            return code;
        }
    }
}

/* Waits for the end of a process that has hung up, or is told to. */
static void reap(struct channel_quote *quote, int *status_out) {
    int64_t until = base_clock_real_ms() + END_MS;
    *status_out = 0;
    while (quote->pid > 0) {
        pid_t pid = waitpid(quote->pid, status_out, WNOHANG);
        if (pid == quote->pid || (pid < 0 && errno != EINTR)) {
            break;
        }
        if (base_clock_real_ms() >= until) {
            kill(quote->pid, SIGKILL);
            (void)waitpid(quote->pid, status_out, 0);
            break;
        }
        (void)poll(NULL, 0, 2);
    }
    quote->pid = 0;
}

static int host_gone(struct channel_quote *quote, struct base_err *err) {
    char death[80];
    int status;
    close(quote->fd);
    quote->fd = -1;
    reap(quote, &status);
    channel__death_text(status, death, sizeof(death));
    return base_err_set(err, LANTOA_EINVAL, TR("asking the plugin for a price %s"), death);
}

/* True when there is nothing to wait for: at most `most` bytes wait to leave and, when all is true,
 * every answer has come. */
static bool is_done(const struct channel_quote *quote, int written, size_t most, bool all) {
    bool waits = !quote->ready || (all && quote->told < quote->asked);
    return !waits && (written == 0 || wire_writer_pending(&quote->outbox) <= most);
}

/* How long to wait for something to happen, or why not to. */
static int wait_ms(
    struct channel_quote *quote, int64_t until, int64_t *ms_out, struct base_err *err) {
    int64_t now = base_clock_real_ms();
    int64_t left = quote->silent_since_ms + quote->silence_ms - now;
    if (left <= 0) {
        kill(quote->pid, SIGKILL);
        return base_err_set(err, LANTOA_EBUSY, TR("the plugin has given no price in %lld s"),
            (long long)quote->silence_ms / 1000);
    }
    *ms_out = until - now < left ? until - now : left;
    return 0;
}

/* Writes and reads until is_done. LANTOA_EAGAIN, without err: at real time `until` it was not. */
static int pump(
    struct channel_quote *quote, size_t most, bool all, int64_t until, struct base_err *err) {
    for (bool looked = false;; looked = true) {
        int64_t left = 0;
        int code = quote->fd < 0 ? LANTOA_EIO : wire_flush(&quote->outbox, quote->fd);
        if (code != 0 && code != LANTOA_EAGAIN && quote->fd < 0) {
            return base_err_set(err, LANTOA_EIO, "%s", TR("the channel's host has ended"));
        }
        if ((code == 0 || code == LANTOA_EAGAIN) && is_done(quote, code, most, all)) {
            return 0;
        }
        struct pollfd poller = {.fd = quote->fd, .events = POLLIN};
        poller.events = code == LANTOA_EAGAIN ? POLLIN | POLLOUT : POLLIN;
        code = wait_ms(quote, until, &left, err);
        if (code != 0) {
            return code;
        }
        if (left <= 0 && looked) {
            return LANTOA_EAGAIN;
        }
        if (poll(&poller, 1, left > 0 ? (int)left : 0) < 0 && errno != EINTR) {
            return base_err_set(err, LANTOA_EIO, "%s", strerror(errno));
        }
        if ((poller.revents & ~POLLOUT) == 0) {
            if (left <= 0) {
                return LANTOA_EAGAIN;
            }
            continue;
        }
        code = wire_inbox_fill(&quote->inbox, quote->fd);
        if (code == LANTOA_EAGAIN) {
            continue;
        }
        if (code <= 0) {
            return host_gone(quote, err);
        }
        code = take_frames(quote, err);
        if (code != 0) {
            return code;
        }
        quote->silent_since_ms = base_clock_real_ms();
    }
}

/* However long it takes, as long as there are signs of life. */
static int pump_all(struct channel_quote *quote, size_t most, bool all, struct base_err *err) {
    quote->silent_since_ms = base_clock_real_ms();
    return pump(quote, most, all, INT64_MAX, err);
}

/* --- its life --- */

static int launch(struct channel_quote *quote, struct base_err *err) {
    int sockets[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0 ||
        fcntl(sockets[0], F_SETFL, O_NONBLOCK) != 0) {
        return base_err_set(
            err, LANTOA_EIO, TR("cannot start a channel host: %s"), strerror(errno));
    }
    int bytes = SOCKET_BYTES;
    for (int i = 0; i < 2; i++) {
        (void)setsockopt(sockets[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    }
    char *program = channel__program();
    char **variables = channel__options_environment(quote->spec->options_json);
    const char *const argv[] = {program, WIRE_ARG_QUOTE, quote->spec->name, NULL};
    const struct channel__descriptor descriptors[] = {{STDERR_FILENO, STDOUT_FILENO},
        {STDERR_FILENO, STDERR_FILENO}, {sockets[1], WIRE_FD_CORE}, {-1, -1}};
    int code = channel__spawn(argv, variables, descriptors, &quote->pid, err);
    close(sockets[1]);
    quote->fd = sockets[0];
    channel__environment_free(&variables);
    base_free(program);
    return code;
}

int channel_quote_start(const struct channel_spec *spec, const struct channel_manifest *manifest,
    const char *data_dir, int64_t silence_ms, channel_quoted_fn *answered, void *arg,
    struct channel_quote **quote_out, struct base_err *err) {
    struct channel_quote *quote = base_alloc(sizeof(*quote));
    *quote = (struct channel_quote){.spec = spec,
        .manifest = manifest,
        .answered = answered,
        .arg = arg,
        .silence_ms = silence_ms,
        .silent_since_ms = base_clock_real_ms(),
        .fd = -1};
    wire_inbox_init(&quote->inbox, WIRE_TO_CORE);
    wire_writer_init(&quote->outbox, OUTBOX_MOST);
    char *resolved = realpath(data_dir, NULL);
    char *plugin = channel__plugin_path(spec->plugin);
    struct wire_hello hello = {
        .major = WIRE_MAJOR,
        .minor = WIRE_MINOR,
        .channel = str_from(spec->name),
        .plugin = str_from(plugin),
        .data_dir = str_from(resolved ? resolved : data_dir),
        .state_dir = {"", 0},
        .options = str_from(spec->options_json),
        .user = str_from(spec->user ? spec->user : ""),
        .window = (uint32_t)spec->window,
        .memory_mb = (uint32_t)spec->memory_mb,
        .log_level = LANTOA_LOG_INFO,
        .timeout_s = (uint32_t)spec->timeout_s,
    };
    wire_put_hello(&quote->outbox, &hello);
    int code = launch(quote, err);
    base_free(resolved);
    base_free(plugin);
    if (code) {
        code = base_err_prefix(err, TR("channel %s"), spec->name);
        channel_quote_close(&quote);
        return code;
    }
    *quote_out = quote;
    return 0;
}

int channel_quote_open(const struct channel_spec *spec, const struct channel_manifest *manifest,
    const char *data_dir, int64_t silence_ms, channel_quoted_fn *answered, void *arg,
    struct channel_quote **quote_out, struct base_err *err) {
    struct channel_quote *quote;
    int code =
        channel_quote_start(spec, manifest, data_dir, silence_ms, answered, arg, &quote, err);
    if (code) {
        return code;
    }
    code = pump_all(quote, 0, false, err);
    if (code) {
        code = base_err_prefix(err, TR("channel %s"), spec->name);
        channel_quote_close(&quote);
        return code;
    }
    *quote_out = quote;
    return 0;
}

int channel_quote_wait(struct channel_quote *quote, int64_t at_most_ms, struct base_err *err) {
    int code = pump(quote, 0, true, base_clock_real_ms() + at_most_ms, err);
    return code && code != LANTOA_EAGAIN ? base_err_prefix(err, TR("channel %s"), quote->spec->name)
                                         : code;
}

int channel_quote_step_parts(struct channel_quote *quote, uint32_t step_ref, struct str campaign,
    struct str step, struct str message_class, struct str accents, const struct channel_part *parts,
    size_t part_count, struct base_err *err) {
    struct wire_step head = {
        step_ref, campaign, step, message_class, (uint32_t)part_count, accents};
    size_t bytes = 0;
    for (size_t i = 0; i < part_count; i++) {
        bytes += parts[i].bytes.bytes;
    }
    if (bytes > PARTS_MOST) {
        return base_err_set(err, LANTOA_ELIMIT,
            TR("the attachments of step %.*s are larger than %d MB together"), STR_ARG(step),
            (int)(PARTS_MOST >> 20));
    }
    wire_put_step(&quote->outbox, &head);
    for (size_t i = 0; i < part_count; i++) {
        struct wire_part part = {parts[i].name, parts[i].mime, parts[i].content_id, parts[i].bytes};
        wire_put_part(&quote->outbox, &part);
    }
    wire_end(&quote->outbox);
    return 0;
}

void channel_quote_step(struct channel_quote *quote, uint32_t step_ref, struct str campaign,
    struct str step, struct str message_class, struct str accents) {
    struct wire_step head = {step_ref, campaign, step, message_class, 0, accents};
    wire_put_step(&quote->outbox, &head);
    wire_end(&quote->outbox);
}

int channel_quote_put(struct channel_quote *quote, const struct channel_quote_message *message,
    struct base_err *err) {
    if (!(quote->can & WIRE_QUOTES_PRICE) && message->want == 0) {
        /* Nothing to ask: one message is one unit. */
        struct channel_quoted answer = {message->tag, message->id, 0, 1, 0, {"", 0}, {"", 0}};
        int code = quote->answered(quote->arg, &answer);
        return code < 0 ? base_err_set(err, code, "%s", base_err_name(code)) : 0;
    }
    struct wire_quote record = {
        .tag = message->tag,
        .id = message->id,
        .want = WIRE_WANT_PRICE | message->want,
        .step_ref = message->step_ref,
        .key = message->key,
        .address = message->address,
        .name = message->name,
        .lang = message->lang,
        .field_count = (uint32_t)quote->manifest->content_count,
        .fields = message->fields,
    };
    size_t bytes = wire_quote_bytes(&record);
    if (bytes > MESSAGE_MOST) {
        return base_err_set(err, LANTOA_ELIMIT, "%s", TR("larger than a channel may be given"));
    }
    if (quote->outbox.frame &&
        quote->outbox.buf.bytes - quote->outbox.frame_at + bytes > MESSAGE_MOST) {
        wire_end(&quote->outbox);
    }
    wire_put_quote(&quote->outbox, &record);
    if (quote->asked++ == quote->told) {
        quote->silent_since_ms = base_clock_real_ms();
    }
    if (wire_writer_pending(&quote->outbox) <= OUTBOX_ENOUGH) {
        return 0;
    }
    int code = pump_all(quote, OUTBOX_ENOUGH, false, err);
    return code ? base_err_prefix(err, TR("channel %s"), quote->spec->name) : 0;
}

int channel_quote_finish(struct channel_quote *quote, struct base_err *err) {
    int code = pump_all(quote, 0, true, err);
    return code ? base_err_prefix(err, TR("channel %s"), quote->spec->name) : 0;
}

int channel_quote_check(struct channel_quote *quote, char **option_out, struct base_err *err) {
    *option_out = NULL;
    if (!(quote->can & WIRE_QUOTES_CHECK)) {
        return 0;
    }
    wire_begin(&quote->outbox, WIRE_CHECK);
    wire_end(&quote->outbox);
    quote->asked++;
    int code = pump_all(quote, 0, true, err);
    *option_out = quote->option;
    quote->option = NULL;
    return code;
}

static int no_answer(void *arg, const struct channel_quoted *quoted) {
    (void)arg;
    (void)quoted;
    return LANTOA_EPROTO; /* nothing was asked for */
}

int channel_check(const struct channel_spec *spec, const struct channel_manifest *manifest,
    const char *data_dir, char **option_out, struct base_err *err) {
    struct channel_quote *quote = NULL;
    *option_out = NULL;
    if (!manifest->checks) {
        return 0;
    }
    int code = channel_quote_open(
        spec, manifest, data_dir, CHANNEL_QUOTE_PATIENT_MS, no_answer, NULL, &quote, err);
    code = code ? code : channel_quote_check(quote, option_out, err);
    channel_quote_close(&quote);
    return code;
}

void channel_quote_close(struct channel_quote **quote) {
    struct channel_quote *old = *quote;
    if (!old) {
        return;
    }
    int status;
    if (old->pid > 0 && (!old->ready || old->told < old->asked)) {
        kill(old->pid, SIGKILL); /* it has nothing to lose, and may never end by itself */
    }
    if (old->fd >= 0) {
        close(old->fd);
    }
    reap(old, &status);
    wire_inbox_release(&old->inbox);
    wire_writer_release(&old->outbox);
    base_free(old->option);
    base_free(old);
    *quote = NULL;
}
