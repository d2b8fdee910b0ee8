/* Text made ready for a voice, and the windows of outlets: whatever the text, words come out that
 * are UTF-8 and hold no digit, and a window that is taken reads the same again. */
#include "fuzz.h"

#include "audience/outlet.h"
#include "base/text.h"
#include "campaign/speech.h"

static struct speech *tables(void) {
    static struct speech *speech;
    if (!speech) {
        struct base_json *doc = NULL;
        struct base_err err = {0};
        FUZZ_HOLDS(base_json_parse(str_from(speech_default()), "speech", &doc, &err) == 0);
        FUZZ_HOLDS(speech_parse(doc, &speech, &err) == 0);
        base_json_free(&doc);
    }
    return speech;
}

static void windows(struct str text, enum outlet_wrap wraps) {
    struct outlet_window first[OUTLET_WINDOWS_MAX], again[OUTLET_WINDOWS_MAX];
    size_t count = 0, count_again = 0;
    struct base_err err = {0};
    struct base_buf out;
    if (outlet_windows_parse(text, wraps, first, &count, &err) != 0) {
        FUZZ_HOLDS(err.text[0] != '\0');
        return;
    }
    base_buf_init(&out, 1 << 16);
    outlet_windows_text(first, count, &out);
    FUZZ_HOLDS(outlet_windows_parse(base_buf_str(&out), wraps, again, &count_again, &err) == 0);
    FUZZ_HOLDS(count == count_again);
    for (size_t i = 0; i < count; i++) {
        FUZZ_HOLDS(first[i].days == again[i].days && first[i].from_min == again[i].from_min &&
                   first[i].to_min == again[i].to_min);
    }
    base_buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    struct str text = str_of((const char *)bytes, count);
    struct base_err err = {0};
    struct base_buf out;
    base_buf_init(&out, SPEECH_OUT_MOST);
    windows(text, OUTLET_NO_WRAP);
    windows(text, OUTLET_WRAP);
    if (speech_expand(tables(), "vi", text, &out, &err) == 0) {
        FUZZ_HOLDS(base_utf8_valid(base_buf_str(&out)));
        for (size_t i = 0; i < out.bytes; i++) {
            FUZZ_HOLDS(out.at[i] < '0' || out.at[i] > '9');
        }
    } else {
        FUZZ_HOLDS(err.text[0] != '\0');
    }
    base_buf_release(&out);
    return 0;
}
