/* Makes one chosen call on the database's files fail, to prove that the program survives it.
 *
 *   LD_PRELOAD=build/release/tests/libiofault.so LANTOA_IOFAULT_AT=17 lantoa --data DIR contact
 * import F
 *
 * Counted are open, pread, read, pwrite, write, ftruncate, fsync and fdatasync on files whose path
 * contains "lantoa.db" (database, WAL, journal, shared memory). LANTOA_IOFAULT_AT=N            the
 * Nth of them fails; without it nothing does, they are only counted LANTOA_IOFAULT_ERRNO=5|28 EIO
 * (the default) or ENOSPC; with 28 only the calls that take space are counted: pwrite, write,
 * ftruncate, and open with O_CREAT LANTOA_IOFAULT_STAYS=1         all later ones fail too
 *   LANTOA_IOFAULT_COUNT_FILE=F    at exit the number of counted calls is written to F
 *   LANTOA_IOFAULT_NAME=TEXT       another part of the path than "lantoa.db"
 *   LANTOA_FAULT_PROGRAM=lantoa    only in the program of that name, not in its children
 *
 * A program built with AddressSanitizer wants its own library first: LD_PRELOAD="$(gcc
 * -print-file-name=libasan.so) ...". */
#include "fault.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <sys/types.h>

enum { MOST_FDS = 4096 };

static struct fault_plan plan;
static int fault_errno = EIO;
static const char *name_part = "lantoa.db";
static _Atomic(bool) watched[MOST_FDS];

__attribute__((constructor)) static void set_up(void) {
    const char *text = getenv("LANTOA_IOFAULT_ERRNO");
    if (text) {
        fault_errno = (int)strtol(text, NULL, 10);
    }
    text = getenv("LANTOA_IOFAULT_NAME");
    if (text) {
        name_part = strdup(text);
    }
    fault_plan_init(
        &plan, "LANTOA_IOFAULT_AT", "LANTOA_IOFAULT_STAYS", "LANTOA_IOFAULT_COUNT_FILE");
}

__attribute__((destructor)) static void report(void) {
    fault_plan_report(&plan);
}

enum kind { TAKES_SPACE, TAKES_NONE };

static bool fails(enum kind kind) {
    if (fault_errno == ENOSPC && kind == TAKES_NONE) {
        return false;
    }
    if (!fault_now(&plan)) {
        return false;
    }
    errno = fault_errno;
    return true;
}

static bool fails_on(int fd, enum kind kind) {
    return fd >= 0 && fd < MOST_FDS && atomic_load(&watched[fd]) && fails(kind);
}

/* The libc function of that name, looked up once. */
#define REAL(type, name, ...)                                                                      \
    static type (*real)(__VA_ARGS__);                                                              \
    if (!real) {                                                                                   \
        *(void **)&real = dlsym(RTLD_NEXT, name);                                                  \
    }

static int watch(int fd, const char *path) {
    if (fd >= 0 && fd < MOST_FDS) {
        atomic_store(&watched[fd], strstr(path, name_part) != NULL);
    }
    return fd;
}

static bool open_fails(const char *path, int flags) {
    return strstr(path, name_part) != NULL && fails(flags & O_CREAT ? TAKES_SPACE : TAKES_NONE);
}

static mode_t mode_of(int flags, va_list args) {
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

FAULT_EXPORT int open(const char *path, int flags, ...) {
    REAL(int, "open", const char *, int, ...)
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return open_fails(path, flags) ? -1 : watch(real(path, flags, mode), path);
}

FAULT_EXPORT int open64(const char *path, int flags, ...) {
    REAL(int, "open64", const char *, int, ...)
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return open_fails(path, flags) ? -1 : watch(real(path, flags, mode), path);
}

FAULT_EXPORT int close(int fd) {
    REAL(int, "close", int)
    if (fd >= 0 && fd < MOST_FDS) {
        atomic_store(&watched[fd], false);
    }
    return real(fd);
}

/* libc's headers may bring bodies of their own for these when optimising (_FORTIFY_SOURCE), so they
 * have other names here and only their symbols are libc's. */
FAULT_EXPORT ssize_t iofault_read(int fd, void *out, size_t count) __asm__("read");
FAULT_EXPORT ssize_t iofault_pread(int fd, void *out, size_t count, off_t at) __asm__("pread");
FAULT_EXPORT ssize_t iofault_pread64(int fd, void *out, size_t count, off64_t at) __asm__(
    "pread64");

FAULT_EXPORT ssize_t iofault_read(int fd, void *out, size_t count) {
    REAL(ssize_t, "read", int, void *, size_t)
    return fails_on(fd, TAKES_NONE) ? -1 : real(fd, out, count);
}

FAULT_EXPORT ssize_t iofault_pread(int fd, void *out, size_t count, off_t at) {
    REAL(ssize_t, "pread", int, void *, size_t, off_t)
    return fails_on(fd, TAKES_NONE) ? -1 : real(fd, out, count, at);
}

FAULT_EXPORT ssize_t iofault_pread64(int fd, void *out, size_t count, off64_t at) {
    REAL(ssize_t, "pread64", int, void *, size_t, off64_t)
    return fails_on(fd, TAKES_NONE) ? -1 : real(fd, out, count, at);
}

FAULT_EXPORT ssize_t write(int fd, const void *bytes, size_t count) {
    REAL(ssize_t, "write", int, const void *, size_t)
    return fails_on(fd, TAKES_SPACE) ? -1 : real(fd, bytes, count);
}

FAULT_EXPORT ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t)
    return fails_on(fd, TAKES_SPACE) ? -1 : real(fd, bytes, count, at);
}

FAULT_EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t)
    return fails_on(fd, TAKES_SPACE) ? -1 : real(fd, bytes, count, at);
}

FAULT_EXPORT int ftruncate(int fd, off_t bytes) {
    REAL(int, "ftruncate", int, off_t)
    return fails_on(fd, TAKES_SPACE) ? -1 : real(fd, bytes);
}

FAULT_EXPORT int ftruncate64(int fd, off64_t bytes) {
    REAL(int, "ftruncate64", int, off64_t)
    return fails_on(fd, TAKES_SPACE) ? -1 : real(fd, bytes);
}

FAULT_EXPORT int fsync(int fd) {
    REAL(int, "fsync", int)
    return fails_on(fd, TAKES_NONE) ? -1 : real(fd);
}

FAULT_EXPORT int fdatasync(int fd) {
    REAL(int, "fdatasync", int)
    return fails_on(fd, TAKES_NONE) ? -1 : real(fd);
}
