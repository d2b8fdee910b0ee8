/* Form bodies from anybody: what is accepted is UTF-8 without control characters, and nothing is
 * read beyond the body. */
#include "fuzz.h"

#include "api/form.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    struct form form;
    if (form_read(str_of((const char *)bytes, count), &form) == 0) {
        FUZZ_HOLDS(form.count <= FORM_FIELDS_MAX);
        for (size_t i = 0; i < form.count; i++) {
            FUZZ_HOLDS(base_utf8_valid(form.fields[i].name));
            FUZZ_HOLDS(base_utf8_valid(form.fields[i].value));
            FUZZ_HOLDS(!base_text_has_control(form.fields[i].value));
            FUZZ_HOLDS(form.fields[i].name.bytes + form.fields[i].value.bytes <= count);
        }
        (void)form_get(&form, "List-Unsubscribe");
    }
    form_release(&form);
    return 0;
}
