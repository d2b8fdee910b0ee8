/* What a host has to say to people: its LOG frames and its stderr, into the core's log, at a
 * bounded rate. Knows nothing of messages. */
#include "base/clock.h"
#include "channel/internal.h"
#include <errno.h>
#include <unistd.h>

#define LINES_PER_S 20
#define LINES_BURST 200
#define LINE_MOST 1000

static bool allowed(struct channel *channel) {
    int64_t now = base_clock_real_ms();
    double passed = (double)(now - channel->log_filled_ms) / 1000;
    channel->log_filled_ms = now;
    channel->log_allowance += passed * LINES_PER_S;
    if (channel->log_allowance > LINES_BURST) {
        channel->log_allowance = LINES_BURST;
    }
    if (channel->log_allowance < 1) {
        return false;
    }
    channel->log_allowance -= 1;
    return true;
}

void channel__log_line(struct channel *channel, enum base_log_level level, struct str line) {
    if (!allowed(channel)) {
        channel->log_dropped++;
        return;
    }
    if (channel->log_dropped > 0) {
        base_log(BASE_LOG_WARN, channel->log_area, "%zu lines of log dropped: too many",
            channel->log_dropped);
        channel->log_dropped = 0;
    }
    base_log(level, channel->log_area, STR_FMT, STR_ARG(line));
}

static void take_lines(struct channel *channel, struct str bytes) {
    while (bytes.bytes > 0) {
        const char *end = memchr(bytes.at, '\n', bytes.bytes);
        struct str piece = str_of(bytes.at, end ? (size_t)(end - bytes.at) : bytes.bytes);
        base_buf_add_str(&channel->stderr_line, piece);
        if (end || !base_buf_ok(&channel->stderr_line)) {
            struct str line = wire_tidy(base_buf_str(&channel->stderr_line), LINE_MOST);
            if (line.bytes > 0) {
                channel__log_line(channel, BASE_LOG_WARN, line);
            }
            base_buf_clear(&channel->stderr_line);
        }
        size_t used = piece.bytes + (end ? 1 : 0);
        bytes = str_of(bytes.at + used, bytes.bytes - used);
    }
}

void channel__read_stderr(struct channel *channel) {
    /* Bounded: a host that writes without end must not hold the loop. */
    for (int i = 0; i < 16 && channel->stderr_fd >= 0; i++) {
        char piece[4096];
        ssize_t count = read(channel->stderr_fd, piece, sizeof(piece));
        if (count > 0) {
            take_lines(channel, str_of(piece, (size_t)count));
        } else if (count == 0) {
            take_lines(channel, STR("\n"));
            ev_io_stop(channel->loop, &channel->complaining);
            close(channel->stderr_fd);
            channel->stderr_fd = -1;
        } else if (errno != EINTR) {
            return;
        }
    }
}
