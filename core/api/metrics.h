/* What the door counts about itself and about the ledger, in Prometheus's text form. Counting costs
 * an atomic addition; the ledger is counted by a thread of its own every few seconds. */
#ifndef API_METRICS_H
#define API_METRICS_H

#include "api/commit.h"
#include "base/buf.h"
#include "store/db.h"

/* X(NAME, label) */
#define METRICS_ROUTES(X)                                                                          \
    X(METRICS_CLICK, "click")                                                                      \
    X(METRICS_OPEN, "open")                                                                        \
    X(METRICS_UNSUBSCRIBE, "unsubscribe")                                                          \
    X(METRICS_PREFERENCES, "preferences")                                                          \
    X(METRICS_CALENDAR, "calendar")                                                                \
    X(METRICS_HOOK, "hook")                                                                        \
    X(METRICS_WATCH, "watch")                                                                      \
    X(METRICS_OTHER, "other")
#define METRICS__ENUM(name, label) name,
enum metrics_route { METRICS_ROUTES(METRICS__ENUM) METRICS_ROUTE_COUNT };
#undef METRICS__ENUM

struct metrics;
/* Starts the counting thread on a connection of its own. */
int metrics_start(const char *db_path, struct commit_queue *queue, struct metrics **metrics_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void metrics_stop(struct metrics **metrics);
int64_t metrics_now_us(void); /* monotonic */
/* Thread-safe. */
void metrics_count(
    struct metrics *metrics, enum metrics_route route, unsigned status, int64_t took_us);
struct api_figure;
/* Keeps what plugins count. Thread-safe. */
void metrics_figures(struct metrics *metrics, const struct api_figure *figures, size_t count);
/* Thread-safe. */
void metrics_write(struct metrics *metrics, struct base_buf *out);
/* The counting thread could read the database lately. Thread-safe. */
bool metrics_database_ok(struct metrics *metrics);

#endif
