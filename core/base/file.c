/* Whole files and folders, with errors that name them. */
#include "base/file.h"

#include "base/mem.h"
#include "base/tr.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int code_from_errno(int number) {
    switch (number) {
    case ENOENT:
        return LANTOA_ENOENT;
    case EACCES:
    case EPERM:
    case EROFS:
        return LANTOA_EDENIED;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return LANTOA_EFULL;
    case EEXIST:
        return LANTOA_EEXIST;
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
    case ELOOP:
    case EINVAL:
        return LANTOA_EINVAL;
    case ENOMEM:
        return LANTOA_ENOMEM;
    default:
        return LANTOA_EIO;
    }
}

/* "path: what: reason", reason from errno. */
static int fault(struct base_err *err, const char *path, const char *what) {
    int number = errno;
    char reason[128];
    const char *text = strerror_r(number, reason, sizeof(reason));
    return base_err_set(err, code_from_errno(number), "%s: %s: %s", path, what, text);
}

int base_file_read(
    const char *path, size_t most_bytes, struct base_buf *out, struct base_err *err) {
    int result = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fault(err, path, TR("cannot open"));
    }
    size_t total = 0;
    for (;;) {
        char piece[16384];
        ssize_t got = read(fd, piece, sizeof(piece));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            result = fault(err, path, TR("cannot read"));
            break;
        }
        if (got == 0) {
            break;
        }
        total += (size_t)got;
        if (total <= most_bytes) {
            base_buf_add(out, piece, (size_t)got);
        }
        if (total > most_bytes || !base_buf_ok(out)) {
            size_t limit = most_bytes < out->ceiling ? most_bytes : out->ceiling;
            result = base_err_set(err, LANTOA_ELIMIT,
                TR("%s: the file is larger than the limit of %zu bytes"), path, limit);
            break;
        }
    }
    close(fd);
    return result;
}

static int write_all(int fd, struct str bytes) {
    while (bytes.bytes > 0) {
        ssize_t written = write(fd, bytes.at, bytes.bytes);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return -1;
        }
        bytes = str_of(bytes.at + written, bytes.bytes - (size_t)written);
    }
    return 0;
}

static char *dir_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return !slash          ? base_strdup(".")
           : slash == path ? base_strdup("/")
                           : base_strndup(path, (size_t)(slash - path));
}

/* Without this the rename itself may be lost with the power. */
static int dir_sync(const char *path) {
    char *dir = dir_of(path);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    base_free(dir);
    if (fd < 0) {
        return -1;
    }
    int result = fsync(fd);
    int saved = errno;
    close(fd);
    errno = saved;
    return result;
}

int base_file_write(const char *path, struct str bytes, int mode, struct base_err *err) {
    int result = 0;
    char *temporary = base_printf("%s.tmp", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, (mode_t)mode);
    if (fd < 0) {
        result = fault(err, temporary, TR("cannot create"));
        goto out;
    }
    /* The mode of an earlier, half-written .tmp must not survive. */
    if (fchmod(fd, (mode_t)mode) != 0 || write_all(fd, bytes) != 0 || fsync(fd) != 0) {
        result = fault(err, temporary, TR("cannot write"));
    }
    if (close(fd) != 0 && result == 0) {
        result = fault(err, temporary, TR("cannot write"));
    }
    if (result == 0 && (rename(temporary, path) != 0 || dir_sync(path) != 0)) {
        result = fault(err, path, TR("cannot write"));
    }
    if (result != 0) {
        unlink(temporary);
    }
out:
    base_free(temporary);
    return result;
}

int base_file_make(const char *path, int mode, struct base_err *err) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
    if (fd < 0) {
        return fault(err, path, TR("cannot create"));
    }
    int result = fchmod(fd, (mode_t)mode) != 0 ? fault(err, path, TR("cannot create")) : 0;
    close(fd);
    return result;
}

int base_file_place(const char *from, const char *to, struct base_err *err) {
    int result = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
    if (result != 0 && (errno == EINVAL || errno == ENOSYS)) {
        /* A file system that cannot look and move in one go. */
        if (base_file_exists(to)) {
            errno = EEXIST;
        } else {
            result = rename(from, to);
        }
    }
    if (result != 0 || dir_sync(to) != 0) {
        return fault(err, to, TR("cannot create"));
    }
    return 0;
}

static int dir_make_one(const char *path, int mode, struct base_err *err) {
    if (mkdir(path, (mode_t)mode) == 0) {
        return 0;
    }
    int number = errno;
    struct stat found;
    if (number == EEXIST && stat(path, &found) == 0 && S_ISDIR(found.st_mode)) {
        return 0;
    }
    errno = number;
    return fault(err, path, TR("cannot create the folder"));
}

int base_dir_make(const char *path, int mode, struct base_err *err) {
    char *partial = base_strdup(path);
    int result = 0;
    for (char *at = partial + 1; partial[0] && *at && result == 0; at++) {
        if (*at == '/') {
            *at = '\0';
            struct stat found;
            /* A parent that is there may well be one we could not make ourselves. */
            if (stat(partial, &found) != 0) {
                result = dir_make_one(partial, mode, err);
            }
            *at = '/';
        }
    }
    if (result == 0) {
        result = dir_make_one(partial, mode, err);
    }
    base_free(partial);
    return result;
}

char *base_path_join(const char *dir, const char *name) {
    if (name[0] == '/' || dir[0] == '\0') {
        return base_strdup(name);
    }
    bool slash = dir[strlen(dir) - 1] == '/';
    return base_printf("%s%s%s", dir, slash ? "" : "/", name);
}

int base_file_exists(const char *path) {
    struct stat found;
    return stat(path, &found) == 0;
}

int base_disk_free(const char *path, uint64_t *bytes_out, struct base_err *err) {
    struct statvfs found;
    if (statvfs(path, &found) != 0) {
        return fault(err, path, TR("cannot read the free space"));
    }
    *bytes_out = (uint64_t)found.f_bavail * found.f_frsize;
    return 0;
}

/* Reads the process number the holder of the lock left in the file; 0 when there is none. */
static long lock_holder(int fd) {
    char text[24];
    ssize_t got = pread(fd, text, sizeof(text) - 1, 0);
    if (got <= 0) {
        return 0;
    }
    text[got] = '\0';
    return strtol(text, NULL, 10);
}

/* A file without a name, so that nothing is left of it whatever happens; -1 and errno. */
static int nameless_file(const char *dir) {
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) {
        return fd;
    }
    char *name = base_printf("%s/.room-XXXXXX", dir);
    fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0) {
        unlink(name);
    }
    base_free(name);
    return fd;
}

int base_disk_reserve(const char *path, int64_t bytes, int *fd_out, struct base_err *err) {
    char *dir = dir_of(path);
    int result = 0;
    *fd_out = nameless_file(dir);
    if (*fd_out < 0) {
        result = fault(err, dir, TR("cannot create"));
    } else {
        int number = posix_fallocate(*fd_out, 0, bytes);
        if (number) {
            close(*fd_out);
            *fd_out = -1;
            errno = number;
            result = fault(err, dir, TR("no room"));
        }
    }
    base_free(dir);
    return result;
}

int base_lock_take(const char *path, int *fd_out, struct base_err *err) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return fault(err, path, TR("cannot open"));
    }
    int result;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) {
            result = base_err_set(
                err, LANTOA_EBUSY, TR("%s: in use by process %ld"), path, lock_holder(fd));
        } else {
            result = fault(err, path, TR("cannot lock"));
        }
        goto fail;
    }
    char text[24];
    int bytes = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)bytes, 0) != bytes) {
        result = fault(err, path, TR("cannot write"));
        goto fail;
    }
    *fd_out = fd;
    return 0;
fail:
    close(fd);
    return result;
}

char *base_program_dir(void) {
    char path[4096];
    ssize_t bytes = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (bytes <= 0) {
        return base_strdup(".");
    }
    path[bytes] = '\0';
    char *slash = strrchr(path, '/');
    if (!slash || slash == path) {
        return base_strdup("/");
    }
    return base_strndup(path, (size_t)(slash - path));
}

char *base_share_path(const char *name) {
    static const char *const places[] = {"../share/lantoa", "../../../config"};
    char *program = base_program_dir(), *found = NULL;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !found; i++) {
        char *path = base_printf("%s/%s/%s", program, places[i], name);
        if (base_file_exists(path)) {
            found = path;
        } else {
            base_free(path);
        }
    }
    base_free(program);
    return found;
}
