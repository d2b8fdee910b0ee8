/* UTF-8 and Vietnamese text: cuts end at character borders, NFC is stable, a search key is valid
 * and stable. */
#include "fuzz.h"

#include "base/text.h"

enum { CEILING = 1 << 20 };

static void text_twice(int (*change)(struct base_buf *, struct str), struct str text) {
    struct base_buf once, twice;
    base_buf_init(&once, CEILING);
    base_buf_init(&twice, CEILING);
    if (change(&once, text) == 0 && base_buf_ok(&once)) {
        FUZZ_HOLDS(base_utf8_valid(base_buf_str(&once)));
        FUZZ_HOLDS(change(&twice, base_buf_str(&once)) == 0);
        FUZZ_HOLDS(str_eq(base_buf_str(&once), base_buf_str(&twice)));
    }
    base_buf_release(&once);
    base_buf_release(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    struct str text = str_of((const char *)bytes, count);
    size_t valid = base_utf8_valid_bytes(text);
    FUZZ_HOLDS(valid <= count);
    FUZZ_HOLDS(base_utf8_valid(text) == (valid == count));
    struct str good = str_of(text.at, valid);
    for (size_t most = 0; most < 9 && most <= valid; most++) {
        size_t cut = base_utf8_cut(good, most);
        FUZZ_HOLDS(cut <= most && base_utf8_valid(str_of(good.at, cut)));
    }
    size_t pos = 0, points = 0;
    while (pos < good.bytes) {
        (void)base_utf8_next(good, &pos);
        points++;
    }
    FUZZ_HOLDS(points == base_utf8_count(good));
    text_twice(base_text_nfc, good);
    text_twice(base_text_key, good);
    struct base_buf json;
    base_buf_init(&json, CEILING);
    base_text_json(&json, good);
    base_text_html(&json, good);
    base_buf_release(&json);
    return 0;
}
