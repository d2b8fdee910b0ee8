/* Kills a program at one chosen step of its work towards the outside: before or after the Nth call
 * that writes to a file, a socket or the disk. SIGKILL, so nothing is cleaned up, as in a power cut
 * of one process.
 *
 *   LD_PRELOAD=libcrashat.so LANTOA_CRASH_AT=17 LANTOA_CRASH_PROGRAM=lantoa lantoa --data DIR serve
 *
 * LANTOA_CRASH_AT=N: 1, 3, 5, ... is before a call, 2, 4, 6, ... after it; without it the calls are
 * only counted.
 * LANTOA_CRASH_PROGRAM=NAME: only in the program of that name.
 * LANTOA_CRASH_COUNT_FILE=F: at a normal end the number of points passed is written to F.
 *
 * Built by the tests themselves (test_crash_points.py). Not for programs built with
 * AddressSanitizer. */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static bool on;
static uint64_t at;
static char count_file[4096];
static _Atomic(uint64_t) passed;

__attribute__((constructor)) static void set_up(void) {
    const char *program = getenv("LANTOA_CRASH_PROGRAM");
    if (program && strcmp(program, program_invocation_short_name) != 0) {
        return;
    }
    const char *text = getenv("LANTOA_CRASH_AT");
    at = text ? strtoull(text, NULL, 10) : 0;
    text = getenv("LANTOA_CRASH_COUNT_FILE");
    if (text) {
        snprintf(count_file, sizeof(count_file), "%s", text);
    }
    on = true;
}

__attribute__((destructor)) static void report(void) {
    if (!on || count_file[0] == '\0') {
        return;
    }
    on = false;
    FILE *out = fopen(count_file, "we");
    if (out) {
        fprintf(out, "%llu\n", (unsigned long long)atomic_load(&passed));
        fclose(out);
    }
}

static void point(void) {
    if (!on || atomic_fetch_add(&passed, 1) + 1 != at) {
        return;
    }
    kill(getpid(), SIGKILL);
    for (;;) {
        pause();
    }
}

/* Wraps the libc function `name`: a point before it, a point after it. */
#define WRAP(type, name, declared, passed_on)                                                      \
    EXPORT type name declared {                                                                    \
        static type(*real) declared;                                                               \
        if (!real) {                                                                               \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                             \
        }                                                                                          \
        point();                                                                                   \
        type result = real passed_on;                                                              \
        int code = errno;                                                                          \
        point();                                                                                   \
        errno = code;                                                                              \
        return result;                                                                             \
    }

WRAP(ssize_t, write, (int fd, const void *bytes, size_t count), (fd, bytes, count))
WRAP(ssize_t, writev, (int fd, const struct iovec *pieces, int count), (fd, pieces, count))
WRAP(ssize_t, pwrite, (int fd, const void *bytes, size_t count, off_t to), (fd, bytes, count, to))
WRAP(ssize_t, pwrite64, (int fd, const void *bytes, size_t count, off64_t to),
    (fd, bytes, count, to))
WRAP(ssize_t, send, (int fd, const void *bytes, size_t count, int flags), (fd, bytes, count, flags))
WRAP(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags))
WRAP(int, fsync, (int fd), (fd))
WRAP(int, fdatasync, (int fd), (fd))
WRAP(int, ftruncate, (int fd, off_t bytes), (fd, bytes))
WRAP(int, ftruncate64, (int fd, off64_t bytes), (fd, bytes))
