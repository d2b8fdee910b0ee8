/* Small files that survive a crash: the new one is whole on the disk before it takes the old one's
 * place. */
#include "social.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_MOST ((size_t)16 << 20)
#define PATH_ROOM 4096
#define FRESH ".new"

static bool path_of(char *out, const char *dir, const char *name, const char *ending) {
    int used = snprintf(out, PATH_ROOM, "%s/%s%s", dir, name, ending);
    return used > 0 && used < PATH_ROOM;
}

static bool write_all(int fd, const char *text, size_t bytes) {
    for (size_t done = 0; done < bytes;) {
        ssize_t count = write(fd, text + done, bytes - done);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return false;
        }
        done += (size_t)count;
    }
    return true;
}

static void sync_dir(const char *dir) {
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

int state_save(const char *dir, const char *name, const char *text, size_t bytes) {
    char path[PATH_ROOM], fresh[PATH_ROOM];
    if (!path_of(path, dir, name, "") || !path_of(fresh, dir, name, FRESH)) {
        return LANTOA_EINVAL;
    }
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return LANTOA_EIO;
    }
    bool good = write_all(fd, text, bytes) && fsync(fd) == 0;
    good = close(fd) == 0 && good;
    if (!good || rename(fresh, path) != 0) {
        (void)unlink(fresh);
        return LANTOA_EIO;
    }
    sync_dir(dir);
    return LANTOA_OK;
}

int state_finish(const char *dir, const char *name) {
    char path[PATH_ROOM], fresh[PATH_ROOM];
    if (!path_of(path, dir, name, "") || !path_of(fresh, dir, name, FRESH)) {
        return LANTOA_EINVAL;
    }
    int fd = open(fresh, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    bool good = fd >= 0 && fsync(fd) == 0;
    good = fd >= 0 && close(fd) == 0 && good;
    if (!good || rename(fresh, path) != 0) {
        return LANTOA_EIO;
    }
    sync_dir(dir);
    return LANTOA_OK;
}

static char *load(const char *dir, const char *name, const char *ending, size_t *bytes_out) {
    char path[PATH_ROOM];
    struct stat about;
    char *text = NULL;
    size_t used = 0;
    int fd = path_of(path, dir, name, ending) ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (fd >= 0 && fstat(fd, &about) == 0 && S_ISREG(about.st_mode) &&
        (size_t)about.st_size <= STATE_MOST) {
        size_t room = (size_t)about.st_size;
        text = malloc(room + 1);
        while (text != NULL && used < room) {
            ssize_t count = read(fd, text + used, room - used);
            if (count <= 0) {
                break;
            }
            used += (size_t)count;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    if (text != NULL) {
        text[used] = '\0';
        *bytes_out = used;
    }
    return text;
}

char *state_load(const char *dir, const char *name, size_t *bytes_out) {
    return load(dir, name, "", bytes_out);
}

char *state_load_new(const char *dir, const char *name, size_t *bytes_out) {
    return load(dir, name, FRESH, bytes_out);
}
