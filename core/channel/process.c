/* posix_spawn with a tidy environment. posix_spawn and not fork: the core has threads and, at
 * times, much memory. */
#include "channel/process.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/tr.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#define HIGH_FD 20

char *channel__program(void) {
    const char *given = getenv("LANTOA_CHANNEL_PROGRAM");
    if (given && given[0]) {
        return base_strdup(given);
    }
    char *dir = base_program_dir();
    char *path = base_path_join(dir, "lantoa-channel");
    base_free(dir);
    return path;
}

static bool passes(struct str name, const char *const *names) {
    static const char *const always[] = {"PATH", "TZ", "LANG", "HOME", "ASAN_OPTIONS",
        "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS", NULL};
    if (str_starts(name, STR("LANTOA_")) || str_starts(name, STR("LC_"))) {
        return true;
    }
    for (size_t i = 0; always[i]; i++) {
        if (str_is(name, always[i])) {
            return true;
        }
    }
    for (size_t i = 0; names && names[i]; i++) {
        if (str_is(name, names[i])) {
            return true;
        }
    }
    return false;
}

char **channel__environment(const char *const *names) {
    size_t count = 0, kept = 0;
    while (environ[count]) {
        count++;
    }
    char **list = base_alloc_array(count + 1, sizeof(*list));
    for (size_t i = 0; i < count; i++) {
        struct str rest = str_from(environ[i]);
        if (passes(str_cut(&rest, '='), names)) {
            list[kept++] = base_strdup(environ[i]);
        }
    }
    return list;
}

void channel__environment_free(char ***environment) {
    for (size_t i = 0; *environment && (*environment)[i]; i++) {
        base_free((*environment)[i]);
    }
    base_free(*environment);
    *environment = NULL;
}

static int set_attributes(posix_spawnattr_t *attributes) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int code = posix_spawnattr_setsigmask(attributes, &none);
    code = code ? code : posix_spawnattr_setsigdefault(attributes, &all);
    code = code ? code : posix_spawnattr_setpgroup(attributes, 0);
    /* Own process group: a Ctrl-C at the terminal is for the core, which then drains its channels.
     */
    return code ? code
                : posix_spawnattr_setflags(attributes,
                      POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

int channel__spawn(const char *const *argv, char **environment,
    const struct channel__descriptor *descriptors, pid_t *pid_out, struct base_err *err) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int high[16], high_count = 0, last = STDERR_FILENO;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int code = set_attributes(&attributes);
    code = code
               ? code
               : posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    for (size_t i = 0; !code && descriptors[i].from >= 0; i++) {
        /* First out of the way of the numbers they shall have, or one would overwrite another. */
        int fd = fcntl(descriptors[i].from, F_DUPFD_CLOEXEC, HIGH_FD);
        if (fd < 0) {
            code = errno;
            break;
        }
        high[high_count++] = fd;
        code = posix_spawn_file_actions_adddup2(&actions, fd, descriptors[i].to);
        last = descriptors[i].to > last ? descriptors[i].to : last;
    }
    code = code ? code : posix_spawn_file_actions_addclosefrom_np(&actions, last + 1);
    if (!code) {
        union {
            const char *const *from;
            char **to;
        } arguments = {.from = argv};
        code = posix_spawn(pid_out, argv[0], &actions, &attributes, arguments.to, environment);
    }
    while (high_count > 0) {
        close(high[--high_count]);
    }
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (code) {
        return base_err_set(err, code == ENOENT ? LANTOA_ENOENT : LANTOA_EIO,
            TR("cannot start %s: %s"), argv[0], strerror(code));
    }
    return 0;
}

void channel__death_text(int status, char *text, size_t room) {
    if (WIFSIGNALED(status)) {
        int number = WTERMSIG(status);
        snprintf(text, room, TR("ended by signal %d (%s)"), number, strsignal(number));
    } else {
        snprintf(text, room, TR("ended with exit status %d"), WEXITSTATUS(status));
    }
}
