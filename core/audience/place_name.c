/* The words that stand in front of the names of places in Vietnam. */
#include "audience/place_name.h"

#include "base/text.h"

enum { RANKS = 4, KEY_MOST = 512 };

static const char *const levels[RANKS] = {"province", "district", "commune", "village"};

/* Longer words first where one begins the other. */
static const struct {
    const char *word;
    int rank;
} kinds[] = {{"thanh pho truc thuoc trung uong", 0}, {"tinh", 0}, {"thanh pho", 1}, {"tp", 1},
    {"quan", 1}, {"huyen", 1}, {"thi xa", 1}, {"thi tran", 2}, {"xa", 2}, {"phuong", 2},
    {"dac khu", 2}, {"to dan pho", 3}, {"khu pho", 3}, {"thon", 3}, {"xom", 3}, {"ban", 3},
    {"lang", 3}, {"to", 3}, {"ap", 3}};

int audience__place_rank(struct str level) {
    struct base_buf key;
    base_buf_init(&key, KEY_MOST);
    int rank = -1;
    if (base_text_key(&key, level) == 0) {
        struct str word = base_buf_str(&key);
        for (int i = 0; i < RANKS; i++) {
            rank = str_is(word, levels[i]) ? i : rank;
        }
        for (size_t i = 0; rank < 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
            rank = str_is(word, kinds[i].word) ? kinds[i].rank : -1;
        }
    }
    base_buf_release(&key);
    return rank;
}

const char *audience__place_level(int rank) {
    return levels[rank];
}

struct str audience__place_short(struct str key) {
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t bytes = strlen(kinds[i].word);
        if (key.bytes > bytes + 1 && memcmp(key.at, kinds[i].word, bytes) == 0 &&
            (key.at[bytes] == ' ' || key.at[bytes] == '.')) {
            return str_trim(str_of(key.at + bytes + 1, key.bytes - bytes - 1));
        }
    }
    return key;
}

struct str audience__place_bare(struct str name) {
    struct base_buf key;
    base_buf_init(&key, KEY_MOST);
    struct str bare = name;
    if (base_text_key(&key, name) == 0) {
        struct str folded = base_buf_str(&key);
        struct str rest = audience__place_short(folded);
        /* The words dropped are as many in the name as in its key. */
        size_t blanks = 0;
        for (size_t i = 0; i < folded.bytes - rest.bytes; i++) {
            blanks += folded.at[i] == ' ';
        }
        for (; blanks > 0 && bare.bytes > 0; blanks--) {
            (void)str_cut(&bare, ' ');
            bare = str_trim(bare);
        }
    }
    base_buf_release(&key);
    return bare;
}
