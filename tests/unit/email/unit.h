/* cmocka with what it wants included first, and helpers of the email tests. */
#ifndef TEST_EMAIL_UNIT_H
#define TEST_EMAIL_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

static inline struct lantoa_str str(const char *text) {
    return (struct lantoa_str){text, strlen(text)};
}

/* A small generator: the same numbers in every run. */
static inline uint32_t next_random(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

#endif
