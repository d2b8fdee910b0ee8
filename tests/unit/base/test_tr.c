#include "support.h"

#include "base/text.h"
#include "base/tr.h"
#include "base/tr_table.h"

/* Moves *at behind the next printf specifier and writes it without flags, width and precision
 * ("%-5.3lld" is "lld", a '*' counts as its own argument). False at the end of the text. */
static bool next_specifier(const char **at, char out[16]) {
    size_t used = 0;
    const char *c = strchr(*at, '%');
    while (c && c[1] == '%') {
        c = strchr(c + 2, '%');
    }
    if (!c) {
        return false;
    }
    for (c++; *c && !strchr("diouxXeEfFgGaAcspn", *c); c++) {
        if (strchr("*hljztL", *c) && used < 14) {
            out[used++] = *c;
        }
    }
    out[used++] = *c;
    out[used] = '\0';
    *at = *c ? c + 1 : c;
    return true;
}

static const char *specifier_fault(const char *english, const char *vietnamese) {
    char a[16], b[16];
    for (;;) {
        bool more_a = next_specifier(&english, a), more_b = next_specifier(&vietnamese, b);
        if (more_a != more_b) {
            return "not as many";
        }
        if (!more_a) {
            return NULL;
        }
        if (strcmp(a, b) != 0) {
            return "not the same";
        }
    }
}

static void checker_sees_differences(void **state) {
    (void)state;
    assert_null(specifier_fault("%s: %d%%", "%s có %d %%"));
    assert_null(specifier_fault("%.200s", "%s"));
    assert_non_null(specifier_fault("%s %d", "%d %s"));
    assert_non_null(specifier_fault("%s", "không"));
    assert_non_null(specifier_fault("no", "%s"));
    assert_non_null(specifier_fault("%d", "%lld"));
    assert_non_null(specifier_fault("%.*s", "%s"));
    assert_non_null(specifier_fault("%zu", "%u"));
}

static void translations_fit_their_texts(void **state) {
    (void)state;
    assert_true(base__tr_count > 20);
    for (size_t i = 0; i < base__tr_count; i++) {
        const struct base__tr_entry *entry = &base__tr_entries[i];
        const char *fault = specifier_fault(entry->english, entry->vietnamese);
        if (fault) {
            fail_msg("\"%s\" -> \"%s\": specifiers %s", entry->english, entry->vietnamese, fault);
        }
        assert_true(entry->vietnamese[0] != '\0');
        assert_true(base_utf8_valid(str_from(entry->vietnamese)));
        struct base_buf nfc;
        base_buf_init(&nfc, 4096);
        assert_int_equal(base_text_nfc(&nfc, str_from(entry->vietnamese)), 0);
        assert_string_equal(base_buf_text(&nfc), entry->vietnamese);
        base_buf_release(&nfc);
    }
}

static void no_text_is_translated_twice(void **state) {
    (void)state;
    for (size_t i = 0; i < base__tr_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(base__tr_entries[i].english, base__tr_entries[j].english) == 0 &&
                strcmp(base__tr_entries[i].vietnamese, base__tr_entries[j].vietnamese) != 0) {
                fail_msg("two translations of \"%s\"", base__tr_entries[i].english);
            }
        }
    }
}

static void look_up(void **state) {
    (void)state;
    assert_int_equal(base_tr_get(), BASE_LANG_EN);
    assert_string_equal(TR("cannot open"), "cannot open");
    base_tr_set(BASE_LANG_VI);
    assert_string_equal(TR("cannot open"), "không mở được");
    assert_string_equal(TR("a text nobody translated"), "a text nobody translated");
    assert_string_equal(TR(""), "");
    for (size_t i = 0; i < base__tr_count; i++) {
        assert_string_equal(base_tr(base__tr_entries[i].english), base__tr_entries[i].vietnamese);
    }
    base_tr_set(BASE_LANG_EN);
    assert_string_equal(TR("cannot open"), "cannot open");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checker_sees_differences),
        cmocka_unit_test(translations_fit_their_texts),
        cmocka_unit_test(no_text_is_translated_twice),
        cmocka_unit_test(look_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
