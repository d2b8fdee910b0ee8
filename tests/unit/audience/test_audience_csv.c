/* The CSV reader: encodings, delimiters, quotes, lines, limits, and every way a file can be cut. */
#include "audience/csv.h"
#include "audience/fixture.h"
#include "base/buf.h"

static struct audience_csv *opened(struct str bytes) {
    struct audience_csv *csv = NULL;
    struct base_err err = {0};
    if (audience_csv_open_memory(bytes, "t.csv", &csv, &err)) {
        fail_msg("%s", err.text);
    }
    return csv;
}

/* Prints heading and rows as "line:a|b\n", a fault as "line!fault\n". */
static const char *printed(struct str bytes) {
    static char text[8192];
    struct audience_csv *csv = opened(bytes);
    size_t at = 0;
    for (size_t i = 0; i < audience_csv_columns(csv); i++) {
        struct str heading = audience_csv_heading(csv, i);
        at += (size_t)snprintf(
            text + at, sizeof(text) - at, "%s%.*s", i ? "|" : "", STR_ARG(heading));
    }
    at += (size_t)snprintf(text + at, sizeof(text) - at, "\n");
    struct audience_csv_row row;
    struct base_err err = {0};
    int64_t rows = 0;
    int rc;
    while ((rc = audience_csv_next(csv, &row, &err)) == 1) {
        rows++;
        assert_int_equal(row.count, audience_csv_columns(csv));
        at += (size_t)snprintf(
            text + at, sizeof(text) - at, "%lld%s", (long long)row.line, row.fault ? "!" : ":");
        for (size_t i = 0; i < row.count; i++) {
            at += (size_t)snprintf(
                text + at, sizeof(text) - at, "%s%.*s", i ? "|" : "", STR_ARG(row.fields[i]));
        }
        at += (size_t)snprintf(text + at, sizeof(text) - at, "\n");
    }
    assert_int_equal(rc, 0);
    assert_int_equal(rows, audience_csv_rows(csv));
    assert_int_equal(audience_csv_position(csv), audience_csv_bytes(csv));
    audience_csv_close(&csv);
    return text;
}

static void test_rows(void **state) {
    (void)state;
    static const struct {
        struct str in;
        const char *out;
    } cases[] = {
        {STR("a,b\n1,2\n"), "a|b\n2:1|2\n"},
        {STR("a,b\n1,2"), "a|b\n2:1|2\n"},
        {STR("a,b\r\n1,2\r\n3,4"), "a|b\n2:1|2\n3:3|4\n"},
        {STR("a,b\r1,2\r3,4\r"), "a|b\n2:1|2\n3:3|4\n"},
        {STR("\xef\xbb\xbf"
             "a;b\n1;2,5\n"),
            "a|b\n2:1|2,5\n"},
        {STR("a\tb\n1\t2\n"), "a|b\n2:1|2\n"},
        {STR("sep=;\r\na,x;b\r\n1;2\r\n"), "a,x|b\n3:1|2\n"},
        {STR("a,b\n\n\n1,2\n\n"), "a|b\n4:1|2\n"},
        {STR(" a , b \n 1 ,\t2\xc2\xa0\n"), "a|b\n2:1|2\n"},
        {STR("a,b\n\"1\",\"x, \"\"y\"\"\"\n"), "a|b\n2:1|x, \"y\"\n"},
        {STR("a,b\n\"1\n2\",3\n4,5\n"), "a|b\n2:1\n2|3\n4:4|5\n"},
        {STR("a,b\n1, \"2,3\" \n"), "a|b\n2:1|2,3\n"},
        {STR("a,b\n5\" pipe,2\n"), "a|b\n2:5\" pipe|2\n"},
        {STR("a,b\n\"\",\n,\"\"\n"), "a|b\n2:|\n3:|\n"},
        {STR("a,b\n1\n1,2,3\n"), "a|b\n2!1|\n3!1|2\n"},
        {STR("\"a,\"\"1\",b\n1,2\n"), "a,\"1|b\n2:1|2\n"},
        {STR("a\n\n1\n"), "a\n3:1\n"},
        {STR("a,b,\n1,2,\n"), "a|b|\n2:1|2|\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(printed(cases[i].in), cases[i].out);
    }
}

static void test_fault_text(void **state) {
    (void)state;
    struct audience_csv *csv = opened(STR("a,b\n1\n"));
    struct audience_csv_row row;
    struct base_err err;
    assert_int_equal(audience_csv_next(csv, &row, &err), 1);
    assert_string_equal(row.fault, "the row has 1 fields, the header has 2");
    assert_int_equal(audience_csv_next(csv, &row, &err), 0);
    audience_csv_close(&csv);
    audience_csv_close(&csv);
}

static void test_utf16(void **state) {
    (void)state;
    static const char le[] = "\xff\xfe"
                             "a\0,\0b\0\n\0\xa1\x1e,\0=\xd8\x00\xde\n\0";
    static const char be[] = "\xfe\xff"
                             "\0a\0,\0b\0\n\x1e\xa1\0,\xd8=\xde\x00\0\n";
    assert_string_equal(printed(str_of(le, sizeof(le) - 1)), "a|b\n2:ạ|😀\n");
    assert_string_equal(printed(str_of(be, sizeof(be) - 1)), "a|b\n2:ạ|😀\n");
}

static void refused(struct str bytes, int code, const char *part) {
    struct audience_csv *csv = NULL;
    struct base_err err = {0};
    int rc = audience_csv_open_memory(bytes, "t.csv", &csv, &err);
    if (rc == 0) {
        audience_csv_close(&csv);
        fail_msg("taken, though %s", part);
    }
    assert_has(err.text, part);
    assert_has(err.text, "t.csv");
    assert_int_equal(rc, code);
}

static void test_refused_files(void **state) {
    (void)state;
    refused(STR(""), LANTOA_EINVAL, "the file is empty");
    refused(STR("\n\n"), LANTOA_EINVAL, "the file is empty");
    refused(STR("a,b\n1,\"2\n3,4\n"), LANTOA_EINVAL,
        "t.csv, line 2: field 2: the quote that opens here is never closed");
    refused(STR("a,b\n1,2\n\"x\ny\"z,4\n"), LANTOA_EINVAL,
        "t.csv, line 3: field 1: text follows the closing quote");
    refused(STR("a,b\n1,2\nNguy\xea\xfen,3\n"), LANTOA_EINVAL, "line 3: byte 0xea is not UTF-8");
    refused(STR("a,b\n1,\xc0\xaf\n"), LANTOA_EINVAL, "line 2: byte 0xc0");
    refused(STR("a,b\n1,\xed\xa0\x80\n"), LANTOA_EINVAL, "line 2: byte 0xed");
    refused(STR("a,b\n\"x\n\xff\",2\n"), LANTOA_EINVAL, "line 3: byte 0xff");
    refused(STR("a,b\n1,2\n3,\0\n"), LANTOA_EINVAL, "line 3: a NUL byte");
    refused(STR("a\0,\0b\0\n\0"), LANTOA_EINVAL, "line 1: a NUL byte");
    refused(STR("PK\x03\x04xxxx"), LANTOA_EINVAL, "Excel workbook");
    refused(STR("\xff\xfe"
                "a\0\n\0\x00\xdc\n\0"),
        LANTOA_EINVAL, "broken UTF-16");
    refused(STR("\xff\xfe"
                "a\0\n\0x"),
        LANTOA_EINVAL, "broken UTF-16");
}

static void test_limits(void **state) {
    (void)state;
    struct base_buf text;
    base_buf_init(&text, 16 << 20);
    base_buf_add_text(&text, "a,b\n1,");
    for (int i = 0; i < AUDIENCE_CSV_FIELD_MAX; i++) {
        base_buf_add_char(&text, 'x');
    }
    struct audience_csv *csv = opened(base_buf_str(&text));
    assert_int_equal(audience_csv_rows(csv), 1);
    audience_csv_close(&csv);
    base_buf_add_char(&text, 'x');
    refused(base_buf_str(&text), LANTOA_ELIMIT, "line 2: field 2 is longer than 64 KiB");
    for (int i = 0; i < 10 << 20; i++) {
        base_buf_add_char(&text, 'x');
    }
    refused(base_buf_str(&text), LANTOA_ELIMIT, "line 2: field 2 is longer than 64 KiB");
    text.at[6] = '"';
    refused(base_buf_str(&text), LANTOA_ELIMIT, "not closed within 64 KiB");
    /* Many fields, none too long: the row is. */
    base_buf_clear(&text);
    base_buf_add_text(&text, "a,b\n");
    for (int i = 0; i < 1 << 20; i++) {
        base_buf_add_text(&text, "xy,");
    }
    refused(base_buf_str(&text), LANTOA_ELIMIT, "line 2: the row is longer than 1024 KiB");
    base_buf_clear(&text);
    for (int i = 0; i <= AUDIENCE_CSV_COLUMNS_MAX; i++) {
        base_buf_add_text(&text, "c,");
    }
    refused(base_buf_str(&text), LANTOA_ELIMIT, "more than 1024 columns");
    base_buf_release(&text);
}

/* Rows longer and shorter than every buffer, so that cuts fall at each place. */
static void test_cuts_fall_anywhere(void **state) {
    (void)state;
    struct base_buf text;
    base_buf_init(&text, 64 << 20);
    base_buf_add_text(&text, "n,text\r\n");
    for (int i = 0; i < 40000; i++) {
        base_buf_printf(&text, "%d,\"ệ%.*s \"\"x\"\"\n\"\r\n", i, i % 97,
            "oooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooo"
            "ooo"
            "ooooooooo");
    }
    struct audience_csv *csv = opened(base_buf_str(&text));
    struct audience_csv_row row;
    struct base_err err;
    for (int i = 0; i < 40000; i++) {
        assert_int_equal(audience_csv_next(csv, &row, &err), 1);
        assert_null(row.fault);
        assert_int_equal(row.line, 2 + 2 * i);
        assert_int_equal(row.fields[1].bytes, 3 + (size_t)(i % 97) + 4);
        assert_memory_equal(row.fields[1].at + row.fields[1].bytes - 3, "\"x\"", 3);
    }
    assert_int_equal(audience_csv_next(csv, &row, &err), 0);
    audience_csv_close(&csv);
    base_buf_release(&text);
}

/* The end of the buffer meets every byte of a row in turn. */
static void test_every_cut(void **state) {
    (void)state;
    enum { ROWS = 25000, FIRST_READ = 256 * 1024 };
    struct base_buf text;
    base_buf_init(&text, 16 << 20);
    for (int shift = 0; shift < 16; shift++) {
        base_buf_clear(&text);
        base_buf_printf(&text, "%.*s,b\n", 1 + shift, "aaaaaaaaaaaaaaaaaaaa");
        for (int i = 0; i < ROWS; i++) {
            base_buf_add_text(&text, "\"x\"\"ệ\",\"\"\r\n");
        }
        assert_true(text.bytes > FIRST_READ);
        struct audience_csv *csv = opened(base_buf_str(&text));
        struct audience_csv_row row;
        struct base_err err;
        for (int i = 0; i < ROWS; i++) {
            assert_int_equal(audience_csv_next(csv, &row, &err), 1);
            assert_null(row.fault);
            assert_true(str_is(row.fields[0], "x\"ệ") && row.fields[1].bytes == 0);
        }
        assert_int_equal(audience_csv_next(csv, &row, &err), 0);
        audience_csv_close(&csv);
    }
    base_buf_release(&text);
}

static void test_files(void **state) {
    struct fixture *f = *state;
    struct audience_csv *csv = NULL;
    assert_int_equal(audience_csv_open("/nonexistent.csv", &csv, &f->err), LANTOA_ENOENT);
    assert_has(f->err.text, "/nonexistent.csv: cannot open");
    assert_int_equal(audience_csv_open(f->dir, &csv, &f->err), LANTOA_EINVAL);
    assert_has(f->err.text, "not a regular file");
    assert_int_equal(audience_csv_open(TEST_DATA "/excel-vi.csv", &csv, &f->err), 0);
    assert_int_equal(audience_csv_columns(csv), 3);
    struct audience_csv_row row;
    assert_int_equal(audience_csv_next(csv, &row, &f->err), 1);
    assert_int_equal(row.line, 3);
    assert_true(str_is(row.fields[2], "có \"ngoặc\" và ; dấu"));
    audience_csv_close(&csv);
    /* The file changes between the first reading and the second. */
    write_bytes(f->csv, "a,b\n1,2\n", 8);
    assert_int_equal(audience_csv_open(f->csv, &csv, &f->err), 0);
    write_bytes(f->csv, "a,b\n1,\"", 7);
    int rc;
    while ((rc = audience_csv_next(csv, &row, &f->err)) == 1) {
    }
    assert_true(rc <= 0);
    audience_csv_close(&csv);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows),
        cmocka_unit_test(test_fault_text), cmocka_unit_test(test_utf16),
        cmocka_unit_test(test_refused_files), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_cuts_fall_anywhere), cmocka_unit_test(test_every_cut),
        cmocka_unit_test_setup_teardown(test_files, fixture_setup, fixture_teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
