/* Numbers from text: the whole text must be the number, no white space, no overflow; LANTOA_EINVAL
 * otherwise. */
#ifndef BASE_PARSE_H
#define BASE_PARSE_H

#include "base/str.h"
#include <lantoa/errors.h>
#include <stdbool.h>
#include <stdint.h>

int base_parse_i64(struct str text, int64_t *value_out) LANTOA_MUST_CHECK;
int base_parse_u64(struct str text, uint64_t *value_out) LANTOA_MUST_CHECK;
/* '.' as decimal sign; no inf, nan, hex. */
int base_parse_f64(struct str text, double *value_out) LANTOA_MUST_CHECK;
/* True false yes no 1 0 có không x (any case). */
int base_parse_bool(struct str text, bool *value_out) LANTOA_MUST_CHECK;
/* Checked arithmetic on numbers from outside: false on overflow. */
bool base_add_i64(int64_t a, int64_t b, int64_t *sum_out);
bool base_mul_i64(int64_t a, int64_t b, int64_t *product_out);

#endif
