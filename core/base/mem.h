/* Memory of the core. base_alloc and friends never return NULL: they log and abort, the supervisor
 * restarts us. Sizes that came from outside go through base_try_alloc. Only this folder calls
 * malloc and free. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <lantoa/errors.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Tells the compiler and its checkers what the head of this file says. */
#define BASE_NEVER_NULL __attribute__((returns_nonnull))

#define TAKES /* marks an argument the callee owns from then on, also on error */

void *base_alloc(size_t bytes) BASE_NEVER_NULL; /* zeroed; caller owns, base_free */
/* Zeroed; aborts on overflow of the product. */
void *base_alloc_array(size_t count, size_t bytes) BASE_NEVER_NULL;
void *base_realloc(void *old, size_t bytes) BASE_NEVER_NULL; /* grown part not zeroed */
void *base_try_alloc(size_t bytes) LANTOA_MUST_CHECK;        /* zeroed, or NULL */
char *base_strdup(const char *text);                         /* NULL stays NULL */
char *base_strndup(const char *bytes, size_t count) BASE_NEVER_NULL;
char *base_printf(const char *fmt, ...) LANTOA_PRINTF(1, 2) BASE_NEVER_NULL; /* caller owns */
void base_free(void *memory);                                                /* NULL is fine */

/* Tests: the nth allocation from now fails (try) or aborts (others); 0 switches off. */
void base_mem_fail_at(uint64_t nth);

/* An arena: many small pieces, freed in one go. Not thread-safe. */
struct base_arena;
struct base_arena *base_arena_new(void) BASE_NEVER_NULL;
/* Zeroed, 16-byte aligned. */
void *base_arena_alloc(struct base_arena *arena, size_t bytes) BASE_NEVER_NULL;
char *base_arena_strndup(struct base_arena *arena, const char *bytes, size_t count) BASE_NEVER_NULL;
void base_arena_reset(struct base_arena *arena); /* keeps the first block for reuse */
void base_arena_free(struct base_arena **arena);

#endif
