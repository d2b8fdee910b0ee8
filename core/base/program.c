/* posix_spawn with memory files for all three descriptors, so that neither side waits for the
 * other. */
#include "base/program.h"

#include "base/tr.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FDS = 3, SIGNALLED = 128 };

static int fault(struct base_err *err, const char *name, int number) {
    return base_err_set(err, number == ENOENT ? LANTOA_ENOENT : LANTOA_EIO,
        number == ENOENT ? TR("the program %s is not installed (%s)") : TR("cannot start %s: %s"),
        name, strerror(number));
}

static int write_input(int fd, struct str input) {
    size_t at = 0;
    while (at < input.bytes) {
        ssize_t count = write(fd, input.at + at, input.bytes - at);
        if (count < 0 && errno != EINTR) {
            return errno;
        }
        at += count > 0 ? (size_t)count : 0;
    }
    return lseek(fd, 0, SEEK_SET) < 0 ? errno : 0;
}

static int spawn(const char *const *argv, const int *fds, pid_t *pid_out) {
    static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", lang[] = "LC_ALL=C.UTF-8",
                home[] = "HOME=/nonexistent";
    char *environment[] = {path, lang, home, NULL};
    union {
        const char *const *from;
        char **to;
    } arguments = {.from = argv};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int code = posix_spawnattr_setsigmask(&attributes, &none);
    code = code ? code : posix_spawnattr_setsigdefault(&attributes, &all);
    code = code ? code : posix_spawnattr_setpgroup(&attributes, 0);
    code = code ? code
                : posix_spawnattr_setflags(&attributes,
                      POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    for (int i = 0; i < FDS && code == 0; i++) {
        code = posix_spawn_file_actions_adddup2(&actions, fds[i], i);
    }
    code = code ? code : posix_spawn_file_actions_addclosefrom_np(&actions, FDS);
    code = code ? code
                : posix_spawnp(pid_out, argv[0], &actions, &attributes, arguments.to, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return code;
}

/* Set from outside, right after the start: what the program reads is not looked at before. */
static void limit(pid_t pid, const struct base_program *program) {
    const struct rlimit memory = {program->memory_bytes, program->memory_bytes};
    const struct rlimit output = {program->output_bytes, program->output_bytes};
    const struct rlimit core = {0, 0};
    (void)prlimit(pid, RLIMIT_AS, &memory, NULL);
    (void)prlimit(pid, RLIMIT_FSIZE, &output, NULL);
    (void)prlimit(pid, RLIMIT_CORE, &core, NULL);
}

/* 0, or LANTOA_ELIMIT after ending it with all it started. */
static int await(pid_t pid, int64_t timeout_ms, int *status_out) {
    int status = 0, fd = pidfd_open(pid, 0);
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    int ready;
    do {
        ready = fd < 0 ? 1 : poll(&poll_fd, 1, (int)timeout_ms);
    } while (ready < 0 && errno == EINTR);
    if (ready <= 0) {
        (void)kill(-pid, SIGKILL);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (fd >= 0) {
        close(fd);
    }
    *status_out = WIFEXITED(status) ? WEXITSTATUS(status) : SIGNALLED + WTERMSIG(status);
    return ready <= 0 ? LANTOA_ELIMIT : 0;
}

static int read_all(int fd, struct base_buf *out) {
    off_t at = 0;
    for (;;) {
        char chunk[65536];
        ssize_t count = pread(fd, chunk, sizeof chunk, at);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return count < 0 ? errno : 0;
        }
        base_buf_add(out, chunk, (size_t)count);
        at += count;
    }
}

int base_program_run(const struct base_program *program, struct base_buf *out,
    struct base_buf *complaints, int *status_out, struct base_err *err) {
    const char *name = program->argv[0];
    int fds[FDS] = {-1, -1, -1}, code = 0, rc = 0;
    pid_t pid = 0;
    *status_out = 0;
    for (int i = 0; i < FDS && code == 0; i++) {
        /* above 2, or the child's own numbers would overwrite one another */
        int made = memfd_create("lantoa", MFD_CLOEXEC);
        fds[i] = made < 0 ? -1 : fcntl(made, F_DUPFD_CLOEXEC, FDS);
        code = fds[i] < 0 ? errno : 0;
        if (made >= 0) {
            close(made);
        }
    }
    code = code ? code : write_input(fds[0], program->input);
    code = code ? code : spawn(program->argv, fds, &pid);
    if (code == 0) {
        limit(pid, program);
        rc = await(pid, program->timeout_ms, status_out);
        code = read_all(fds[1], out);
        code = code ? code : read_all(fds[2], complaints);
    }
    for (int i = 0; i < FDS; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    if (rc) {
        return base_err_set(err, rc, TR("%s took longer than %lld s and was ended"), name,
            (long long)(program->timeout_ms / 1000));
    }
    return code ? fault(err, name, code) : 0;
}
