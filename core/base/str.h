/* A piece of text somebody else owns: pointer and length, not NUL-terminated. Passed by value. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
    const char *at; /* BORROWED; may be NULL only when bytes is 0 */
    size_t bytes;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
#define STR_FMT "%.*s"
#define STR_ARG(s) (int)(s).bytes, (s).at

static inline struct str str_from(const char *text) {
    return (struct str){text, text ? strlen(text) : 0};
}
static inline struct str str_of(const char *at, size_t bytes) {
    return (struct str){at, bytes};
}
static inline bool str_eq(struct str a, struct str b) {
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.at, b.at, a.bytes) == 0);
}
static inline bool str_is(struct str a, const char *text) {
    return str_eq(a, str_from(text));
}

bool str_case_eq(struct str a, struct str b); /* ASCII only */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
struct str str_trim(struct str s); /* ASCII white space and U+00A0 at both ends */
/* Cuts s at the first sep: returns what is before it and moves *s behind it; the whole when sep is
 * absent. */
struct str str_cut(struct str *s, char sep);
int str_cmp(struct str a, struct str b); /* byte order */

#endif
