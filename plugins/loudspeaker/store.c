/* An append-only file of JSON lines. */
#include "store.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 512
#define LINE_MOST (64 << 10)

struct store {
    char path[PATH_BYTES], draft[PATH_BYTES + 8];
    FILE *file;               /* the worker's, once the plugin runs */
    int failed;               /* of the rewriting */
    bool torn;                /* the worker's: the log ends inside a line */
    struct line_job *written; /* the worker's: since the last sync */
};

struct line_job {
    struct job job;
    struct line_job *next;
    struct store *store;
    char *text;
    int failed;
    void (*done)(void *arg, int failed);
    void *arg;
};

static void read_all(FILE *file, void (*take)(void *arg, const json_t *line), void *arg) {
    char *text = NULL;
    size_t room = 0;
    ssize_t bytes;
    while ((bytes = getline(&text, &room, file)) > 0) {
        json_t *json = bytes < LINE_MOST && text[bytes - 1] == '\n'
                           ? json_loadb(text, (size_t)bytes, 0, NULL)
                           : NULL;
        if (json_is_object(json)) {
            take(arg, json);
        }
        json_decref(json);
    }
    free(text);
}

bool store_open(const char *dir, void (*take)(void *arg, const json_t *line), void *arg,
    struct store **store_out, char *why, size_t why_bytes) {
    struct store *store = calloc(1, sizeof(*store));
    if (!store) {
        snprintf(why, why_bytes, "no memory");
        return false;
    }
    snprintf(store->path, sizeof(store->path), "%s/plan.log", dir);
    snprintf(store->draft, sizeof(store->draft), "%s.new", store->path);
    FILE *file = fopen(store->path, "re");
    if (file) {
        read_all(file, take, arg);
        fclose(file);
    } else if (errno != ENOENT) {
        snprintf(why, why_bytes, "%s: %s", store->path, strerror(errno));
        free(store);
        return false;
    }
    *store_out = store;
    return true;
}

static bool put_line(FILE *file, const char *text) {
    return fputs(text, file) >= 0 && fputc('\n', file) != EOF;
}

void store_put_now(struct store *store, json_t *line) {
    char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
    if (!text || !put_line(store->file, text)) {
        store->failed = text ? errno : ENOMEM;
    }
    free(text);
    json_decref(line);
}

static bool sync_folder(const char *path) {
    char dir[PATH_BYTES];
    snprintf(dir, sizeof(dir), "%s", path);
    char *slash = strrchr(dir, '/');
    if (slash) {
        *slash = '\0';
    }
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return good;
}

bool store_rewrite(struct store *store, void (*give)(void *arg, struct store *store), void *arg) {
    store->file = fopen(store->draft, "we");
    if (!store->file) {
        return false;
    }
    give(arg, store);
    return !store->failed && fflush(store->file) == 0 && fsync(fileno(store->file)) == 0 &&
           rename(store->draft, store->path) == 0 && sync_folder(store->path);
}

void store_close(struct store *store) {
    if (store) {
        if (store->file) {
            fclose(store->file);
        }
        free(store);
    }
}

/* --- on the worker's thread --- */

void store_sync(void *arg) {
    struct store *store = arg;
    int failed = 0;
    if (store->written && (fflush(store->file) != 0 || fdatasync(fileno(store->file)) != 0)) {
        failed = errno ? errno : EIO;
        store->torn = true;
    }
    while (store->written) {
        struct line_job *line = store->written;
        store->written = line->next;
        line->failed = line->failed ? line->failed : failed;
    }
}

static void run(struct job *job) {
    struct line_job *line = (struct line_job *)job;
    struct store *store = line->store;
    line->next = store->written;
    store->written = line;
    if (store->torn) { /* what was half written before must not swallow this line */
        clearerr(store->file);
        store->torn = fputc('\n', store->file) == EOF;
    }
    errno = 0;
    if (!line->text || !put_line(store->file, line->text)) {
        line->failed = errno ? errno : ENOMEM;
        store->torn = true;
    }
}

static void finish(struct job *job) {
    struct line_job *line = (struct line_job *)job;
    if (line->done) {
        line->done(line->arg, line->failed);
    }
    free(line->text);
    free(line);
}

void store_put(struct store *store, struct worker *worker, json_t *json,
    void (*done)(void *arg, int failed), void *arg) {
    struct line_job *line = calloc(1, sizeof(*line));
    if (!line) {
        json_decref(json);
        if (done) {
            done(arg, ENOMEM);
        }
        return;
    }
    *line = (struct line_job){.job = {.run = run, .done = finish},
        .store = store,
        .text = json ? json_dumps(json, JSON_COMPACT) : NULL,
        .done = done,
        .arg = arg};
    json_decref(json);
    worker_put(worker, &line->job);
}
