/* Shared by the files of base/text.h: one decoder, and the folding of single code points. */
#ifndef BASE_TEXT_FOLD_H
#define BASE_TEXT_FOLD_H

#include "base/str.h"
#include <stdint.h>

/* Decodes the code point at pos; its length in bytes, or 0 when the bytes there are no UTF-8 (RFC
 * 3629). */
size_t base__utf8_decode(struct str text, size_t pos, uint32_t *code_point_out);
/* Writes the UTF-8 form, returns 1 to 4. */
size_t base__utf8_encode(uint32_t code_point, char out[static 4]);

#endif
