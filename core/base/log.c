/* The program's log: each record is one line and one write, so that threads and processes do not
 * mix theirs. */
#include "base/log.h"

#include "base/civil.h"
#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static _Atomic(int) log_least = BASE_LOG_INFO;
static _Atomic(int) log_fd = 2;

void base_log_set(enum base_log_level least, int fd) {
    atomic_store(&log_least, least);
    atomic_store(&log_fd, fd);
}

static const char *level_name(enum base_log_level level) {
    switch (level) {
    case BASE_LOG_DEBUG:
        return "debug";
    case BASE_LOG_INFO:
        return "info";
    case BASE_LOG_WARN:
        return "warn";
    case BASE_LOG_ERROR:
        return "error";
    }
    return "error";
}

static void line_write(const char *line, size_t bytes) {
    int fd = atomic_load(&log_fd);
    while (bytes > 0) {
        ssize_t written = write(fd, line, bytes);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return; /* nobody left to tell */
        }
        line += written;
        bytes -= (size_t)written;
    }
}

static void LANTOA_PRINTF(3, 0)
    record(enum base_log_level level, const char *area, const char *fmt, va_list args) {
    char line[2048];
    struct base_civil now = base_civil_from_ms(base_clock_now_ms(), 0);
    int head =
        snprintf(line, sizeof(line), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ %s %.40s: ", now.year,
            now.month, now.day, now.hour, now.minute, now.second, now.ms, level_name(level), area);
    if (head < 0) {
        return;
    }
    size_t used = (size_t)head, room = sizeof(line) - used;
    int wanted = vsnprintf(line + used, room, fmt, args);
    size_t body = wanted < 0 ? 0 : (size_t)wanted;
    if (body > room - 1) {
        body = base_utf8_cut(str_of(line + used, room - 1), room - 2);
    }
    /* A text from outside must not be able to forge a second record. */
    for (size_t i = used; i < used + body; i++) {
        unsigned char c = (unsigned char)line[i];
        if (c < 0x20 || c == 0x7f) {
            line[i] = ' ';
        }
    }
    line[used + body] = '\n';
    line_write(line, used + body + 1);
}

void base_log(enum base_log_level level, const char *area, const char *fmt, ...) {
    if ((int)level < atomic_load(&log_least)) {
        return;
    }
    int saved = errno;
    va_list args;
    va_start(args, fmt);
    record(level, area, fmt, args);
    va_end(args);
    errno = saved;
}

void base_die(const char *area, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    record(BASE_LOG_ERROR, area, fmt, args);
    va_end(args);
    abort();
}
