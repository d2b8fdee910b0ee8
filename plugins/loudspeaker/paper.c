/* Outlets without a device: PAPER/CODE/2026-12/ holds what goes on the stick and into the calendar,
 * whole and new after each change:
 *
 *   month.m3u8 month.xspf days/2026-12-01.m3u8 calendar.ics audio/NAME.wav [audio/NAME.opus]
 *
 * An airing counts as sent when its line is there. */
#include "paper.h"
#include "loudspeaker.h"
#include "when.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 5000

struct paper_job {
    struct job job;
    struct device *device;
    const char *dir, *audio_dir;
    char outlet[DEVICE_ID_BYTES];
    struct paper_line *lines;
    size_t count;
    int failed; /* errno */
    char why[AUDIO_WHY_BYTES];
};

static void set_day(struct paper_line *line) {
    char text[WHEN_BYTES];
    when_print(line->start_ms, line->zone, text);
    snprintf(line->day, sizeof(line->day), "%.10s", text);
    snprintf(line->month, sizeof(line->month), "%.7s", text);
}

static int by_start(const void *a, const void *b) {
    const struct paper_line *one = a, *two = b;
    return one->start_ms != two->start_ms
               ? (one->start_ms > two->start_ms) - (one->start_ms < two->start_ms)
               : strcmp(one->key, two->key);
}

static void free_job(struct paper_job *job) {
    for (size_t i = 0; i < job->count; i++) {
        free(job->lines[i].title);
        free(job->lines[i].script);
        free(job->lines[i].place);
        free(job->lines[i].outlet);
    }
    free(job->lines);
    free(job);
}

static bool fill(struct paper_line *line, const struct item *item) {
    *line = (struct paper_line){.start_ms = item->entry.start_ms,
        .length_ms = item->length_ms,
        .version = item->version,
        .zone = item->zone,
        .emergency = item->entry.priority == ENTRY_EMERGENCY,
        .withdrawn = item->end == ITEM_WITHDRAWN};
    snprintf(line->key, sizeof(line->key), "%s", item->key);
    snprintf(line->audio, sizeof(line->audio), "%s", item->audio);
    paper_code(item->key, line->code);
    paper_file_name(item->title, item->audio, ".wav", line->file);
    set_day(line);
    line->title = strdup(item->title);
    line->script = strdup(item->script);
    line->place = strdup(item->place);
    line->outlet = strdup(item->outlet);
    return line->title && line->script && line->place && line->outlet;
}

/* --- on the worker's thread --- */

static int make_dir(const char *path) {
    return mkdir(path, 0755) != 0 && errno != EEXIST ? errno : 0;
}

static int put_text(const char *dir, const char *name, struct bytes *text) {
    char path[PATH_BYTES], draft[PATH_BYTES + 8];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    snprintf(draft, sizeof(draft), "%s.tmp", path);
    int failed = text->failed ? ENOMEM : 0;
    FILE *file = failed ? NULL : fopen(draft, "we");
    if (file) {
        bool good = fwrite(text->at, 1, text->used, file) == text->used && fflush(file) == 0 &&
                    fsync(fileno(file)) == 0;
        failed = good ? 0 : errno;
        fclose(file);
    } else if (!failed) {
        failed = errno;
    }
    if (!failed && rename(draft, path) != 0) {
        failed = errno;
    }
    bytes_release(text);
    return failed;
}

static int copy_file(const char *from, const char *to) {
    char draft[PATH_BYTES + 8];
    struct stat source, there;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0 || fstat(in, &source) != 0) {
        int failed = errno;
        if (in >= 0) {
            close(in);
        }
        return failed;
    }
    if (stat(to, &there) == 0 && there.st_size == source.st_size) {
        close(in);
        return 0;
    }
    snprintf(draft, sizeof(draft), "%s.tmp", to);
    int out = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int failed = out < 0 ? errno : 0;
    off_t left = source.st_size;
    while (!failed && left > 0) {
        ssize_t count = sendfile(out, in, NULL, (size_t)left);
        if (count <= 0) {
            failed = count < 0 ? errno : EIO;
        } else {
            left -= count;
        }
    }
    failed = !failed && fsync(out) != 0 ? errno : failed;
    close(in);
    if (out >= 0) {
        close(out);
    }
    return failed ? failed : rename(draft, to) != 0 ? errno : 0;
}

static int put_audio(struct paper_job *job, const char *month_dir) {
    char from[MATERIAL_PATH_BYTES], to[PATH_BYTES];
    int failed = 0;
    for (size_t i = 0; i < job->count && !failed; i++) {
        const struct paper_line *line = &job->lines[i];
        if (line->withdrawn || strcmp(month_dir + strlen(month_dir) - 7, line->month) != 0) {
            continue;
        }
        material_path(job->audio_dir, line->audio, FORM_WAV, from);
        int code = access(from, F_OK) == 0
                       ? 0
                       : material_form_make(job->audio_dir, line->audio, FORM_WAV, job->why);
        snprintf(to, sizeof(to), "%s/audio/%s", month_dir, line->file);
        failed = code ? EIO : copy_file(from, to);
        /* Ogg Opus beside it: a twelfth of the size, for players that know it. */
        size_t bytes = strlen(line->audio);
        if (!failed && bytes > 4 &&
            (strcmp(line->audio + bytes - 4, ".ogg") == 0 ||
                strcmp(line->audio + bytes - 5, ".opus") == 0)) {
            material_path(job->audio_dir, line->audio, FORM_ORIGINAL, from);
            snprintf(to + strlen(to) - 4, 6, ".opus");
            failed = copy_file(from, to);
        }
    }
    return failed;
}

static int put_days(struct paper_job *job, const char *dir, const char *month) {
    char name[40];
    int failed = 0;
    const char *last = "";
    for (size_t i = 0; i < job->count && !failed; i++) {
        const struct paper_line *line = &job->lines[i];
        if (strcmp(line->month, month) == 0 && strcmp(line->day, last) != 0) {
            struct bytes text = {0};
            last = line->day;
            paper_put_m3u(&text, job->lines, job->count, month, line->day);
            snprintf(name, sizeof(name), "days/%s.m3u8", line->day);
            failed = put_text(dir, name, &text);
        }
    }
    return failed;
}

static int put_month(struct paper_job *job, const char *month) {
    char dir[PATH_BYTES - 400], sub[PATH_BYTES];
    struct bytes text = {0};
    snprintf(dir, sizeof(dir), "%.4000s/%s", job->dir, job->outlet);
    int failed = make_dir(dir);
    snprintf(dir, sizeof(dir), "%.4000s/%s/%s", job->dir, job->outlet, month);
    failed = failed ? failed : make_dir(dir);
    snprintf(sub, sizeof(sub), "%s/audio", dir);
    failed = failed ? failed : make_dir(sub);
    snprintf(sub, sizeof(sub), "%s/days", dir);
    failed = failed ? failed : make_dir(sub);
    failed = failed ? failed : put_audio(job, dir);
    failed = failed ? failed : put_days(job, dir, month);
    if (!failed) {
        paper_put_m3u(&text, job->lines, job->count, month, NULL);
        failed = put_text(dir, "month.m3u8", &text);
    }
    if (!failed) {
        paper_put_xspf(&text, job->lines, job->count, month);
        failed = put_text(dir, "month.xspf", &text);
    }
    if (!failed) {
        paper_put_calendar(&text, job->lines, job->count, month);
        failed = put_text(dir, "calendar.ics", &text);
    }
    return failed;
}

static void run(struct job *job) {
    struct paper_job *own = (struct paper_job *)job;
    const char *last = "";
    for (size_t i = 0; i < own->count && !own->failed; i++) {
        if (strcmp(own->lines[i].month, last) != 0) {
            last = own->lines[i].month;
            own->failed = put_month(own, last);
        }
    }
}

/* --- on the loop --- */

static void answer(struct paper_job *job, const struct paper_line *line) {
    struct player *player = job->device->player;
    struct item *item = player_find(player, line->key);
    char words[100];
    if (!item || !item->message) {
        return;
    }
    if (job->failed) {
        const char *why = job->why[0] ? job->why : strerror(job->failed);
        player_answer(item, LANTOA_RETRY, LANTOA_REASON_TEMPORARY, why);
        /* The log has it, so that the next try finds it and writes once more. */
        return;
    }
    snprintf(words, sizeof(words), "confirmation code %s", line->code);
    player->host->result(player->host,
        &LANTOA_RESULT(.id = item->message->id, .outcome = LANTOA_SENT,
            .ref = {line->code, strlen(line->code)}, .detail = {words, strlen(words)}));
    item->message = NULL;
}

static void done(struct job *job) {
    struct paper_job *own = (struct paper_job *)job;
    struct device *device = own->device;
    for (size_t i = 0; i < own->count; i++) {
        answer(own, &own->lines[i]);
    }
    if (own->failed) {
        device->player->host->log(device->player->host, LANTOA_LOG_ERROR, "paper for %s: %s",
            own->outlet, own->why[0] ? own->why : strerror(own->failed));
    }
    free_job(own);
    device->paper_busy = false;
    if (device->paper_dirty) {
        paper_changed(device);
    }
}

void paper_changed(struct device *device) {
    struct player *player = device->player;
    device->paper_dirty = device->paper_busy;
    if (device->paper_busy) {
        return;
    }
    size_t count = 0;
    for (const struct item *item = device->items; item; item = item->next) {
        count += item->kept;
    }
    struct paper_job *job = calloc(1, sizeof(*job));
    struct paper_line *lines = calloc(count + 1, sizeof(*lines));
    if (!job || !lines) {
        free(job);
        free(lines);
        player->host->log(player->host, LANTOA_LOG_ERROR, "paper: no memory");
        return;
    }
    *job = (struct paper_job){.job = {.run = run, .done = done},
        .device = device,
        .dir = player->paper_dir,
        .audio_dir = player->audio_dir,
        .lines = lines};
    snprintf(job->outlet, sizeof(job->outlet), "%s", device->at.id);
    for (const struct item *item = device->items; item; item = item->next) {
        if (item->kept && !fill(&lines[job->count++], item)) {
            job->failed = ENOMEM;
        }
    }
    qsort(lines, job->count, sizeof(*lines), by_start);
    device->paper_busy = true;
    worker_put(player->slow, &job->job);
}
