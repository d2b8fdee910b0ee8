/* The program's log: one line per record on stderr, "2026-11-23T14:00:00.123Z level area: text".
 * Thread-safe. Secrets and people's addresses never go in here: name messages by id, contacts by
 * id. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <lantoa/errors.h>

enum base_log_level { BASE_LOG_DEBUG, BASE_LOG_INFO, BASE_LOG_WARN, BASE_LOG_ERROR };

void base_log_set(enum base_log_level least, int fd); /* default: INFO, 2 */
void base_log(enum base_log_level level, const char *area, const char *fmt, ...)
    LANTOA_PRINTF(3, 4);
_Noreturn void base_die(const char *area, const char *fmt, ...)
    LANTOA_PRINTF(2, 3); /* logs, then abort() */

/* States what the program itself guarantees; stays on in release. Never for input from outside. */
#define BASE_ASSERT(cond)                                                                          \
    ((cond) ? (void)0 : base_die("assert", "%s:%d: %s", __FILE__, __LINE__, #cond))

#endif
