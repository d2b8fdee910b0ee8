/* Opens and makes folders, writes files. Knows nothing of messages but the names of their campaign
 * and step. */
#include "folder.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_MOST 16 /* steps written to at the same time */
#define NAME_BYTES 120

struct folder {
    char campaign[NAME_BYTES], step[NAME_BYTES];
    int fd; /* -1: place not used */
};

struct folders {
    char *path;
    int root; /* -1 until open_root */
    struct folder open[OPEN_MOST];
    unsigned next; /* the place to use next, in turn */
};

/* A name that is safe as a file's: letters of any script, digits, '-', '_' and '.', not hidden, not
 * empty. */
static void safe_name(struct lantoa_str name, char out[static NAME_BYTES]) {
    size_t count = 0;
    for (size_t i = 0; i < name.bytes && count < NAME_BYTES - 1; i++) {
        unsigned char c = (unsigned char)name.at[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '_' || c == '.' || c >= 0x80;
        out[count++] = plain ? (char)c : '_';
    }
    if (count == 0) {
        out[count++] = '_';
    }
    if (out[0] == '.') {
        out[0] = '_';
    }
    out[count] = '\0';
}

static int make_path(const char *path) {
    char *part = strdup(path);
    if (!part) {
        return ENOMEM;
    }
    int failed = 0;
    for (char *at = part + 1; failed == 0; at++) {
        if (*at == '/' || *at == '\0') {
            char kept = *at;
            *at = '\0';
            if (mkdir(part, 0755) != 0 && errno != EEXIST) {
                failed = errno;
            }
            *at = kept;
            if (kept == '\0') {
                break;
            }
        }
    }
    free(part);
    return failed;
}

/* Also when somebody has removed the folder: made and opened anew. */
static int open_root(struct folders *folders) {
    int failed = make_path(folders->path);
    if (failed) {
        return failed;
    }
    int fd = open(folders->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    if (folders->root >= 0) {
        close(folders->root);
    }
    folders->root = fd;
    return 0;
}

int folders_open(const char *data_dir, const char *dir, struct folders **folders_out) {
    char path[4096];
    bool absolute = dir[0] == '/';
    int length = absolute ? snprintf(path, sizeof(path), "%s", dir)
                          : snprintf(path, sizeof(path), "%s/%s", data_dir, dir);
    if (length <= 0 || (size_t)length >= sizeof(path)) {
        return ENAMETOOLONG;
    }
    struct folders *folders = calloc(1, sizeof(*folders));
    if (!folders) {
        return ENOMEM;
    }
    for (int i = 0; i < OPEN_MOST; i++) {
        folders->open[i].fd = -1;
    }
    folders->root = -1;
    folders->path = strdup(path);
    int failed = folders->path ? open_root(folders) : ENOMEM;
    if (failed) {
        free(folders->path);
        free(folders);
        return failed;
    }
    *folders_out = folders;
    return 0;
}

static void forget(struct folder *folder) {
    if (folder->fd >= 0) {
        close(folder->fd);
        folder->fd = -1;
    }
}

void folders_close(struct folders *folders) {
    for (int i = 0; i < OPEN_MOST; i++) {
        forget(&folders->open[i]);
    }
    close(folders->root);
    free(folders->path);
    free(folders);
}

static int enter(int parent, const char *name) {
    if (mkdirat(parent, name, 0755) != 0 && errno != EEXIST) {
        return -1;
    }
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static struct folder *find(
    struct folders *folders, struct lantoa_str campaign, struct lantoa_str step) {
    struct folder wanted;
    safe_name(campaign, wanted.campaign);
    safe_name(step, wanted.step);
    for (int i = 0; i < OPEN_MOST; i++) {
        struct folder *folder = &folders->open[i];
        if (folder->fd >= 0 && strcmp(folder->campaign, wanted.campaign) == 0 &&
            strcmp(folder->step, wanted.step) == 0) {
            return folder;
        }
    }
    int parent = enter(folders->root, wanted.campaign);
    if (parent < 0) {
        return NULL;
    }
    wanted.fd = enter(parent, wanted.step);
    int failed = errno;
    close(parent);
    errno = failed;
    if (wanted.fd < 0) {
        return NULL;
    }
    struct folder *place = &folders->open[folders->next++ % OPEN_MOST];
    forget(place);
    *place = wanted;
    return place;
}

static int write_all(int fd, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t done = write(fd, bytes, count);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return errno;
        }
        bytes += done;
        count -= (size_t)done;
    }
    return 0;
}

/* Gives the file its name without replacing one that is there. Some file systems cannot do that in
 * one step. */
static int publish(int dir, const char *from, const char *to) {
    if (renameat2(dir, from, dir, to, RENAME_NOREPLACE) == 0) {
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS) {
        return errno;
    }
    if (linkat(dir, from, dir, to, 0) != 0) {
        return errno;
    }
    unlinkat(dir, from, 0);
    return 0;
}

static int write_file(
    struct folder *folder, struct lantoa_str key, const char *bytes, size_t count, bool safely) {
    char name[NAME_BYTES], final[NAME_BYTES + 8], draft[NAME_BYTES + 8];
    safe_name(key, name);
    snprintf(final, sizeof(final), "%s.txt", name);
    snprintf(draft, sizeof(draft), ".%s.tmp", name);
    int fd = openat(folder->fd, draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        return errno;
    }
    int failed = write_all(fd, bytes, count);
    if (!failed && safely && fsync(fd) != 0) {
        failed = errno;
    }
    if (close(fd) != 0 && !failed) {
        failed = errno;
    }
    failed = failed ? failed : publish(folder->fd, draft, final);
    if (failed) {
        unlinkat(folder->fd, draft, 0);
    } else if (safely && fsync(folder->fd) != 0) {
        failed = errno;
    }
    return failed;
}

int folders_write(struct folders *folders, struct lantoa_str campaign, struct lantoa_str step,
    struct lantoa_str key, const char *bytes, size_t count, bool safely) {
    int failed = ENOENT;
    /* Somebody may have removed folders that are open here: then they are made anew, once. */
    for (int tries = 0; tries < 2 && failed == ENOENT; tries++) {
        struct folder *folder = find(folders, campaign, step);
        failed = folder ? write_file(folder, key, bytes, count, safely) : errno;
        if (failed == ENOENT) {
            if (folder) {
                forget(folder);
            }
            int unopened = open_root(folders);
            if (unopened) {
                return unopened;
            }
        }
    }
    return failed;
}
