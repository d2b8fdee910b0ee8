/* Memory of the core. base_alloc and friends never return NULL: they log and abort, the supervisor restarts us.
 * Sizes that came from outside go through base_try_alloc. Only this folder calls malloc and free. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <lantoa/errors.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TAKES /* marks an argument the callee owns from then on, also on error */

void *base_alloc(size_t bytes);                     /* zeroed; caller owns, base_free */
void *base_alloc_array(size_t count, size_t bytes); /* zeroed; aborts on overflow of the product */
void *base_realloc(void *old, size_t bytes);        /* grown part not zeroed */
void *base_try_alloc(size_t bytes) LANTOA_MUST_CHECK; /* zeroed, or NULL */
char *base_strdup(const char *text);                /* NULL stays NULL */
char *base_strndup(const char *bytes, size_t count);
char *base_printf(const char *fmt, ...) LANTOA_PRINTF(1, 2); /* caller owns */
void base_free(void *memory);                       /* NULL is fine */

/* Tests: the nth allocation from now fails (try) or aborts (others); 0 switches off. */
void base_mem_fail_at(uint64_t nth);

/* An arena: many small pieces, freed in one go. Not thread-safe. */
struct base_arena;
struct base_arena *base_arena_new(void);
void *base_arena_alloc(struct base_arena *arena, size_t bytes); /* zeroed, 16-byte aligned */
char *base_arena_strndup(struct base_arena *arena, const char *bytes, size_t count);
void base_arena_reset(struct base_arena *arena); /* keeps the first block for reuse */
void base_arena_free(struct base_arena **arena);

#endif
