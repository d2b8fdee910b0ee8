/* Memory of the core: the only file that calls malloc and free for others. */
#include "base/mem.h"

#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Allocations left until the one that a test wants to fail; 0: none. */
static _Atomic(uint64_t) fail_countdown;

void base_mem_fail_at(uint64_t nth) {
    atomic_store(&fail_countdown, nth);
}

static bool fails_now(void) {
    uint64_t left = atomic_load_explicit(&fail_countdown, memory_order_relaxed);
    while (left != 0) {
        if (atomic_compare_exchange_weak(&fail_countdown, &left, left - 1)) {
            return left == 1;
        }
    }
    return false;
}

void *base_try_alloc(size_t bytes) {
    if (fails_now()) {
        return NULL;
    }
    return calloc(1, bytes ? bytes : 1);
}

void *base_alloc(size_t bytes) {
    void *memory = base_try_alloc(bytes);
    if (!memory) {
        base_die("mem", "out of memory (%zu bytes wanted)", bytes);
    }
    return memory;
}

void *base_alloc_array(size_t count, size_t bytes) {
    size_t product;
    if (__builtin_mul_overflow(count, bytes, &product)) {
        base_die("mem", "array of %zu times %zu bytes is too large", count, bytes);
    }
    return base_alloc(product);
}

void *base_realloc(void *old, size_t bytes) {
    void *memory = fails_now() ? NULL : realloc(old, bytes ? bytes : 1);
    if (!memory) {
        base_die("mem", "out of memory (%zu bytes wanted)", bytes);
    }
    return memory;
}

char *base_strdup(const char *text) {
    return text ? base_strndup(text, strlen(text)) : NULL;
}

char *base_strndup(const char *bytes, size_t count) {
    char *copy = base_alloc(count + 1);
    if (count) {
        memcpy(copy, bytes, count);
    }
    return copy;
}

char *base_printf(const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int count = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    BASE_ASSERT(count >= 0);
    char *text = base_alloc((size_t)count + 1);
    va_start(args, fmt);
    vsnprintf(text, (size_t)count + 1, fmt, args);
    va_end(args);
    return text;
}

void base_free(void *memory) {
    free(memory);
}
