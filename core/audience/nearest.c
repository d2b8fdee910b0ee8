/* Edit distance with neighbouring letters swapped counted as one (optimal string alignment), on
 * bytes: the words compared are mostly plain ASCII names. */
#include "audience/nearest.h"

enum { WORD_MOST = 64 };

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static size_t distance(struct str a, struct str b) {
    unsigned char rows[3][WORD_MOST + 1];
    for (size_t j = 0; j <= b.bytes; j++) {
        rows[0][j] = (unsigned char)j;
    }
    for (size_t i = 1; i <= a.bytes; i++) {
        unsigned char *now = rows[i % 3];
        const unsigned char *before = rows[(i - 1) % 3];
        const unsigned char *earlier = rows[(i + 1) % 3];
        now[0] = (unsigned char)i;
        for (size_t j = 1; j <= b.bytes; j++) {
            size_t best = least((size_t)before[j] + 1, (size_t)now[j - 1] + 1);
            best = least(best, (size_t)before[j - 1] + (a.at[i - 1] != b.at[j - 1]));
            if (i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] && a.at[i - 2] == b.at[j - 1]) {
                best = least(best, (size_t)earlier[j - 2] + 1);
            }
            now[j] = (unsigned char)best;
        }
    }
    return rows[a.bytes % 3][b.bytes];
}

void audience__nearest_init(struct audience__nearest *nearest, struct str word) {
    /* One slip in three letters is still the same word, two in five hardly. */
    size_t slips = word.bytes < 6 ? 1 : word.bytes / 3;
    *nearest = (struct audience__nearest){.word = word, .distance = slips + 1};
}

void audience__nearest_offer(struct audience__nearest *nearest, struct str candidate) {
    struct str word = nearest->word;
    if (word.bytes == 0 || candidate.bytes == 0 || word.bytes > WORD_MOST ||
        candidate.bytes > WORD_MOST) {
        return;
    }
    size_t found = distance(word, candidate);
    if (found < nearest->distance) {
        nearest->distance = found;
        nearest->best = candidate;
    }
}
