/* The plan on the disk: STATE/plan.log, lines of JSON that are only appended and safe on the disk
 * before anybody is told; rewritten when the plugin opens. A last line that was torn by a crash is
 * left out: nobody was told of it. Loop only, except store_sync. */
#ifndef LOUDSPEAKER_STORE_H
#define LOUDSPEAKER_STORE_H

#include "worker.h"
#include <jansson.h>

struct store;

/* Reads what is there: `take` gets each line. false: it cannot be opened (why). */
bool store_open(const char *dir, void (*take)(void *arg, const json_t *line), void *arg,
    struct store **store_out, char *why, size_t why_bytes);
/* A new log of what `give` puts (store_put_now), then it goes on from there. */
bool store_rewrite(struct store *store, void (*give)(void *arg, struct store *store), void *arg);
void store_put_now(struct store *store, json_t *line); /* TAKES line; inside `give` only */
void store_close(struct store *store);

/* A worker's sync: what its jobs have written is safe afterwards. */
void store_sync(void *store);
/* Appends a line (TAKES json); `done` (may be NULL) is called on the loop when it is safe, `failed`
 * with an errno otherwise. */
void store_put(struct store *store, struct worker *worker, json_t *line,
    void (*done)(void *arg, int failed), void *arg);

#endif
