/* What every fuzz target offers: one entry point, called by libFuzzer (./dev fuzz) or by replay.c
 * over the kept corpus (./dev test). */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

__attribute__((visibility("default"))) int LLVMFuzzerTestOneInput(
    const uint8_t *bytes, size_t count);

/* States a property that must hold for every input; prints it and aborts otherwise. */
#define FUZZ_HOLDS(cond) ((cond) ? (void)0 : fuzz_broken(#cond, __FILE__, __LINE__))
#include <stdio.h>
#include <stdlib.h>
static inline void fuzz_broken(const char *what, const char *file, int line) {
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

#endif
