/* What the service manager is told: the protocol of sd_notify(3), a datagram to the socket that
 * NOTIFY_SOCKET names. Without that variable nothing happens, so callers need not ask. */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* Sends "READY=1", "STOPPING=1", "STATUS=..." or several lines of them. False: nobody listens, or
 * it could not be sent; nothing depends on it. Any thread. */
bool base_notify(const char *state);
/* How often this process must say "WATCHDOG=1", in milliseconds: half of what the service manager
 * waits (WATCHDOG_USEC, meant for us by WATCHDOG_PID). 0: never. */
int64_t base_notify_watchdog_ms(void);

#endif
