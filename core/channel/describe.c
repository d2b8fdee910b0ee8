/* Asks lantoa-channel what a plugin says of itself. The plugin is loaded in that process, never
 * here. */
#include "base/clock.h"
#include "base/tr.h"
#include "channel/manifest.h"
#include "channel/process.h"
#include "wire/option.h"
#include "wire/place.h"
#include "wire/start.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_MS 10000
#define MOST_BYTES ((size_t)1 << 20)

/* Reads both pipes to their ends. False when it took too long or was too much. */
static bool read_pipes(int out, int errors, struct base_buf *text, struct base_buf *complaint) {
    int64_t until = base_clock_real_ms() + MOST_MS;
    struct pollfd pipes[2] = {{.fd = out, .events = POLLIN}, {.fd = errors, .events = POLLIN}};
    struct base_buf *to[2] = {text, complaint};
    int open = 2;
    while (open > 0) {
        int64_t left = until - base_clock_real_ms();
        if (left <= 0 || (poll(pipes, 2, (int)left) < 0 && errno != EINTR)) {
            return false;
        }
        for (int i = 0; i < 2; i++) {
            if (pipes[i].fd < 0 || pipes[i].revents == 0) {
                continue;
            }
            char piece[8192];
            ssize_t count = read(pipes[i].fd, piece, sizeof(piece));
            if (count > 0) {
                base_buf_add(to[i], piece, (size_t)count);
            } else if (count == 0 || errno != EINTR) {
                pipes[i].fd = -1;
                open--;
            }
        }
    }
    return base_buf_ok(text);
}

static int judge(int status, const char *path, struct base_buf *text, struct base_buf *complaint,
    struct base_err *err) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == WIRE_EXIT_OK && text->bytes > 0) {
        return 0;
    }
    int code = LANTOA_EINVAL;
    if (WIFEXITED(status) && WEXITSTATUS(status) == WIRE_EXIT_VERSION) {
        code = LANTOA_EVERSION;
    } else if (WIFEXITED(status) && WEXITSTATUS(status) == WIRE_EXIT_ABSENT) {
        code = LANTOA_ENOENT;
    } else if (!WIFEXITED(status) || WEXITSTATUS(status) != WIRE_EXIT_INVALID) {
        char death[80];
        channel__death_text(status, death, sizeof(death));
        return base_err_set(err, code, TR("plugin %s: loading it %s"), path, death);
    }
    struct str line = str_trim(base_buf_str(complaint));
    return base_err_set(err, code, STR_FMT, STR_ARG(line));
}

static int run(const char *path, struct base_buf *text, struct base_err *err) {
    int out[2] = {-1, -1}, errors[2] = {-1, -1}, status = 0;
    pid_t pid = 0;
    bool finished = false;
    struct base_buf complaint;
    base_buf_init(&complaint, MOST_BYTES);
    char *program = channel__program();
    char **environment = channel__environment(NULL);
    int code = 0;
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(errors, O_CLOEXEC) != 0) {
        code = base_err_set(err, LANTOA_EIO, TR("cannot start %s: %s"), program, strerror(errno));
        goto done;
    }
    const char *const argv[] = {program, WIRE_ARG_DESCRIBE, path, NULL};
    const struct channel__descriptor descriptors[] = {
        {out[1], STDOUT_FILENO}, {errors[1], STDERR_FILENO}, {-1, -1}};
    code = channel__spawn(argv, environment, descriptors, &pid, err);
    close(out[1]);
    close(errors[1]);
    out[1] = errors[1] = -1;
    if (code) {
        goto done;
    }
    finished = read_pipes(out[0], errors[0], text, &complaint);
    if (!finished) {
        kill(pid, SIGKILL);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    code = finished
               ? judge(status, path, text, &complaint, err)
               : base_err_set(err, LANTOA_EINVAL, TR("plugin %s: loading it takes too long"), path);
done:
    for (int i = 0; i < 2; i++) {
        if (out[i] >= 0) {
            close(out[i]);
        }
        if (errors[i] >= 0) {
            close(errors[i]);
        }
    }
    base_buf_release(&complaint);
    channel__environment_free(&environment);
    base_free(program);
    return code;
}

int channel_describe(const char *plugin, char **json_out, struct base_err *err) {
    if (!wire_name_ok(str_from(plugin), '-')) {
        return base_err_set(err, LANTOA_EINVAL, TR("\"%s\" is not a name of a plugin"), plugin);
    }
    char *path = wire_plugin_path(plugin);
    struct base_buf text;
    base_buf_init(&text, MOST_BYTES);
    int code;
    if (path) {
        code = run(path, &text, err);
    } else {
        char *dirs = wire_plugin_dirs();
        code = base_err_set(err, LANTOA_ENOENT, TR("no plugin \"%s\" in %s"), plugin, dirs);
        base_free(dirs);
    }
    if (!code) {
        *json_out = base_buf_take(&text);
    }
    base_buf_release(&text);
    base_free(path);
    return code;
}
