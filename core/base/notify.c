/* The protocol of sd_notify(3), without its library: one datagram. */
#include "base/notify.h"
#include "base/parse.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define US_PER_MS 1000

bool base_notify(const char *state) {
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t bytes = path ? strlen(path) : 0;
    /* "@name" is the abstract socket "\0name". */
    if (bytes < 2 || bytes >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@')) {
        return false;
    }
    memcpy(address.sun_path, path, bytes);
    if (path[0] == '@') {
        address.sun_path[0] = '\0';
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    size_t count = strlen(state);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes);
    ssize_t sent = sendto(
        fd, state, count, MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&address, length);
    close(fd);
    return sent == (ssize_t)count;
}

int64_t base_notify_watchdog_ms(void) {
    const char *text = getenv("WATCHDOG_USEC"), *whose = getenv("WATCHDOG_PID");
    int64_t us = 0, pid = 0;
    if (!text || base_parse_i64(str_from(text), &us) != 0 || us <= 0) {
        return 0;
    }
    if (whose && (base_parse_i64(str_from(whose), &pid) != 0 || pid != (int64_t)getpid())) {
        return 0;
    }
    int64_t half = us / 2 / US_PER_MS;
    return half > 0 ? half : 1;
}
