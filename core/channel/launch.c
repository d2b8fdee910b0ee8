/* Starts one host process: socket, stderr pipe, environment, first frame. What becomes of it is the
 * supervisor's. */
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/tr.h"
#include "channel/internal.h"
#include "channel/process.h"
#include "wire/start.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKET_BYTES (1 << 20)
#define SECRETS_MOST 64
#define CLOCK_DRIFT_MS 5000

/* The names of the environment variables that hold this channel's secrets: the host gets these and
 * no other channel's. */
static void secret_names(json_t *options, const char **names) {
    size_t count = 0;
    const char *key;
    json_t *value;
    json_object_foreach(options, key, value) {
        const char *name = json_string_value(json_object_get(value, "env"));
        if (name && count < SECRETS_MOST) {
            names[count++] = name;
        }
    }
    names[count] = NULL;
}

char **channel__options_environment(const char *options_json) {
    const char *names[SECRETS_MOST + 1] = {NULL};
    struct base_json *doc = NULL;
    struct base_err err = {0};
    if (base_json_parse(str_from(options_json), "options", &doc, &err) == 0) {
        secret_names(base_json_root(doc), names);
    }
    char **list = channel__environment(names);
    base_json_free(&doc);
    return list;
}

static void put_hello(struct channel *channel) {
    const char *debug = getenv("LANTOA_DEBUG");
    struct wire_hello hello = {
        .major = WIRE_MAJOR,
        .minor = WIRE_MINOR,
        .channel = str_from(channel->spec->name),
        .plugin = str_from(channel->plugin_path),
        .data_dir = str_from(channel->data_dir),
        .state_dir = str_from(channel->state_dir),
        .options = str_from(channel->spec->options_json),
        .window = (uint32_t)channel->spec->window,
        .memory_mb = (uint32_t)channel->spec->memory_mb,
        .log_level = debug && debug[0] ? LANTOA_LOG_DEBUG : LANTOA_LOG_INFO,
        .timeout_s = (uint32_t)channel->spec->timeout_s,
        .hosts = str_from(channel->spec->hosts),
        .user = str_from(channel->spec->user ? channel->spec->user : ""),
    };
    wire_put_hello(&channel->outbox, &hello);
}

void channel__put_clock(struct channel *channel) {
    int64_t now = base_clock_now_ms();
    int64_t drift = now - base_clock_wall_ms();
    bool simulated = base_clock_speed() != 1 || drift > CLOCK_DRIFT_MS || drift < -CLOCK_DRIFT_MS;
    if (simulated) {
        struct wire_clock clock = {1, now, base_clock_speed()};
        wire_put_clock(&channel->outbox, &clock);
    }
}

static void close_pair(int pair[2]) {
    for (int i = 0; i < 2; i++) {
        if (pair[i] >= 0) {
            close(pair[i]);
            pair[i] = -1;
        }
    }
}

static int open_pipes(int sockets[2], int errors[2], struct base_err *err) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0 ||
        pipe2(errors, O_CLOEXEC) != 0 || fcntl(sockets[0], F_SETFL, O_NONBLOCK) != 0 ||
        fcntl(errors[0], F_SETFL, O_NONBLOCK) != 0) {
        return base_err_set(
            err, LANTOA_EIO, TR("cannot start a channel host: %s"), strerror(errno));
    }
    int bytes = SOCKET_BYTES;
    for (int i = 0; i < 2; i++) {
        /* Larger buffers save wake-ups; the default works too. */
        (void)setsockopt(sockets[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    }
    return 0;
}

static int spawn(struct channel *channel, int sockets[2], int errors[2], struct base_err *err) {
    char *program = channel__program();
    char **variables = channel__options_environment(channel->spec->options_json);
    int journal = open(channel->journal_path, O_RDWR | O_CLOEXEC);
    int code = 0;
    if (journal < 0) {
        code = base_err_set(err, LANTOA_EIO, TR("read the channel's journal: %s"), strerror(errno));
    } else {
        const char *const argv[] = {program, WIRE_ARG_SERVE, channel->spec->name, NULL};
        const struct channel__descriptor descriptors[] = {{errors[1], STDOUT_FILENO},
            {errors[1], STDERR_FILENO}, {sockets[1], WIRE_FD_CORE}, {journal, WIRE_FD_JOURNAL},
            {channel->lock_fd, WIRE_FD_LOCK}, {-1, -1}};
        code = channel__spawn(argv, variables, descriptors, &channel->pid, err);
        close(journal);
    }
    channel__environment_free(&variables);
    base_free(program);
    return code;
}

int channel__launch(struct channel *channel, struct base_err *err) {
    int sockets[2] = {-1, -1}, errors[2] = {-1, -1};
    int code = base_dir_make(channel->state_dir, 0700, err);
    code = code ? code : open_pipes(sockets, errors, err);
    code = code ? code : spawn(channel, sockets, errors, err);
    /* The lock is the host's from here on; ours would outlive it. */
    close(channel->lock_fd);
    channel->lock_fd = -1;
    if (code) {
        channel->pid = 0;
        close_pair(sockets);
        close_pair(errors);
        return code;
    }
    close(sockets[1]);
    close(errors[1]);
    channel->fd = sockets[0];
    channel->stderr_fd = errors[0];
    wire_journal_set_host(channel->journal, channel->pid);
    wire_inbox_release(&channel->inbox);
    wire_inbox_init(&channel->inbox, WIRE_TO_CORE);
    wire_writer_clear(&channel->outbox);
    base_buf_clear(&channel->stderr_line);
    channel->hooks_out = channel->hook_bytes_out = 0; /* its predecessor's are given again */
    put_hello(channel);
    channel__put_clock(channel);
    return 0;
}
