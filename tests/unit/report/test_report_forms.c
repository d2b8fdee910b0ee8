#include "support.h"

#include "base/tr.h"
#include "report/document.h"
#include "report/private.h"

static const struct report_column columns[] = {{"name", "name", REPORT_TEXT},
    {"count", "count", REPORT_COUNT | REPORT_SUM}, {"share", "share", REPORT_PERCENT},
    {"rate", "rate", REPORT_DECIMAL | REPORT_DIGITS(3)}, {"pay", "pay", REPORT_MONEY | REPORT_SUM},
    {"day", "day", REPORT_DATE}, {"at", "at", REPORT_TIME}, {"id", "id", REPORT_NUMBER}};
#define COLUMNS (sizeof columns / sizeof columns[0])

/* One row with these values. */
static void fill(struct report_table *table, int64_t count, double share, double rate) {
    report_table_init(table, columns, COLUMNS);
    report_put_text(table, STR("Xã Đồng Kỳ"));
    report_put_i64(table, count);
    report_put_f64(table, share);
    report_put_f64(table, rate);
    report_put_i64(table, 33000);
    report_put_i64(table, 20788); /* 2026-12-01 */
    report_put_i64(table, INT64_C(1796112000000));
    report_put_i64(table, 1234567);
}

static void assert_shown(const struct report_table *table, size_t column, const char *expected) {
    struct base_buf out;
    base_buf_init(&out, 4096);
    report__show(table, column, report_table_at(table, 0, column), &out);
    assert_string_equal(base_buf_text(&out), expected);
    base_buf_release(&out);
}

static void numbers_are_shown_in_the_readers_language(void **state) {
    (void)state;
    struct report_table table;
    fill(&table, 35150, 0.0366, -1234.5678);
    base_tr_set(BASE_LANG_VI);
    assert_shown(&table, 1, "35.150");
    assert_shown(&table, 2, "3,66 %");
    assert_shown(&table, 3, "-1.234,568");
    assert_shown(&table, 4, "33.000");
    assert_shown(&table, 5, "01/12/2026");
    assert_shown(&table, 6, "01/12/2026 15:00");
    assert_shown(&table, 7, "1234567");
    base_tr_set(BASE_LANG_EN);
    assert_shown(&table, 1, "35,150");
    assert_shown(&table, 2, "3.66 %");
    assert_shown(&table, 3, "-1,234.568");
    assert_shown(&table, 5, "2026-12-01");
    report_table_release(&table);
}

static void edges_of_numbers(void **state) {
    (void)state;
    struct report_table table;
    fill(&table, INT64_MIN, -0.000001, 999.9996);
    assert_shown(&table, 1, "-9,223,372,036,854,775,808");
    assert_shown(&table, 2, "0.00 %");
    assert_shown(&table, 3, "1,000.000");
    report_table_release(&table);
    fill(&table, 999, 1, 0.0005);
    assert_shown(&table, 1, "999");
    assert_shown(&table, 2, "100.00 %");
    report_table_release(&table);
}

static void programs_get_all_digits(void **state) {
    (void)state;
    struct report_table table;
    fill(&table, 35150, 1.0 / 3, 0.1);
    json_t *rows = report_table_rows(&table);
    json_t *row = json_array_get(rows, 0);
    assert_true(json_real_value(json_object_get(row, "share")) == 1.0 / 3);
    assert_string_equal(json_string_value(json_object_get(row, "day")), "2026-12-01");
    assert_string_equal(json_string_value(json_object_get(row, "at")), "2026-12-01T15:00:00+07:00");
    assert_true(json_is_integer(json_object_get(row, "count")));
    json_decref(rows);
    struct base_buf out;
    base_buf_init(&out, 4096);
    report_table_write(&table, REPORT_AS_CSV, &out);
    assert_string_equal(base_buf_text(&out),
        "name,count,share,rate,pay,day,at,id\r\nXã Đồng "
        "Kỳ,35150,0.3333333333333333,0.1,33000,2026-12-01,2026-12-01T15:00:00+07:00,1234567\r\n");
    base_buf_release(&out);
    report_table_release(&table);
}

static void no_number_says_why(void **state) {
    (void)state;
    static const struct report_column two[] = {
        {"a", "a", REPORT_COUNT | REPORT_SUM}, {"b", "b", REPORT_PERCENT}};
    struct report_table table;
    report_table_init(&table, two, 2);
    report_put_i64(&table, INT64_MAX);
    report_put_none(&table, "no lot was drawn");
    report_put_i64(&table, 1);
    report_put_share(&table, 1, 0);
    json_t *rows = report_table_rows(&table);
    json_t *row = json_array_get(rows, 0);
    assert_true(json_is_null(json_object_get(row, "b")));
    assert_string_equal(json_string_value(json_object_get(row, "b_why")), "no lot was drawn");
    json_decref(rows);
    struct report__whys whys;
    report__whys_of(&table, &whys);
    assert_int_equal(whys.count, 2);
    assert_int_equal(report__why_number(&whys, report_table_at(&table, 0, 1)), 1);
    assert_int_equal(report__why_number(&whys, report_table_at(&table, 0, 0)), 0);
    report_put_none(&table, NULL);
    report_put_f64(&table, 0.0 / 1.0);
    report_table_release(&table);
}

static void sums_do_not_overflow(void **state) {
    (void)state;
    static const struct report_column two[] = {
        {"a", "a", REPORT_TEXT}, {"b", "b", REPORT_COUNT | REPORT_SUM}};
    struct report_table table;
    report_table_init(&table, two, 2);
    for (int i = 0; i < 2; i++) {
        report_put_text(&table, STR("x"));
        report_put_i64(&table, INT64_MAX);
    }
    report_table_sum(&table, "sum");
    assert_int_equal(report_table_plain_rows(&table), 2);
    assert_int_equal(report_table_at(&table, 2, 1)->fill, REPORT_BLANK);
    assert_non_null(report_table_at(&table, 2, 1)->text);
    report_table_release(&table);
}

/* counts of a table with a sum, after hiding; -1: gone */
static void hidden(const int64_t *counts, size_t count, int64_t *left_out) {
    static const struct report_column two[] = {
        {"a", "a", REPORT_TEXT}, {"b", "b", REPORT_COUNT | REPORT_SUM}};
    struct report report;
    report_init(&report, "test", 0, 420);
    struct report_table *table = report_add_table(&report, "main", "", two, 2);
    for (size_t i = 0; i < count; i++) {
        report_put_text(table, STR("x"));
        report_put_i64(table, counts[i]);
    }
    report_table_sum(table, "sum");
    report_hide_small(&report);
    for (size_t i = 0; i <= count; i++) {
        const struct report_value *value = report_table_at(table, i, 1);
        left_out[i] = value->fill == REPORT_I64 ? value->i64 : -1;
    }
    report_release(&report);
}

static void small_counts_cannot_be_worked_out(void **state) {
    (void)state;
    int64_t left[8];
    hidden((const int64_t[]){3, 20, 31, 0}, 4, left);
    assert_int_equal(left[0], -1);
    assert_int_equal(left[1], -1); /* or the sum would tell the 3 */
    assert_int_equal(left[2], 31);
    assert_int_equal(left[3], 0);
    assert_int_equal(left[4], 54);
    hidden((const int64_t[]){3, 4, 31}, 3, left);
    assert_int_equal(left[2], 31);
    hidden((const int64_t[]){5, 6}, 2, left);
    assert_int_equal(left[0], 5);
    hidden((const int64_t[]){1}, 1, left);
    assert_int_equal(left[0], -1);
    assert_int_equal(left[1], -1);
}

/* Every form of a report with each kind of block, in both languages; and with nothing in it. */
static void every_form_is_written(void **state) {
    (void)state;
    static const char *const starts[] = {[REPORT_AS_PDF] = "%PDF-",
        [REPORT_AS_HTML] = "<!DOCTYPE",
        [REPORT_AS_XLSX] = "PK",
        [REPORT_AS_JSON] = "{",
        [REPORT_AS_CSV] = "name,",
        [REPORT_AS_TEXT] = "Báo"};
    for (int empty = 0; empty < 2; empty++) {
        struct report report;
        struct base_err err = {0};
        report_init(&report, "test", INT64_C(1796112000000), 420);
        report_title(&report, "Báo cáo %s", "chỉ tiêu");
        struct report_table *table = report_add_table(&report, "main", "Bảng", columns, COLUMNS);
        if (!empty) {
            report_table_release(table);
            fill(table, 1, 0.5, 2);
            report_note(&report, "Ghi chú");
        }
        for (int kind = REPORT_BARS; kind <= REPORT_EFFECT; kind++) {
            static const char *const keys[] = {"bars", "line", "funnel", "effect"};
            struct report_chart *chart = report_add_chart(&report, keys[kind],
                (enum report_chart_kind)kind, "Biểu đồ", "xã", "người", REPORT_COUNT);
            for (int i = 0; !empty && i < 45; i++) {
                struct report_point *point = report_chart_point(chart, STR("Xã Yên Hạc"));
                *point = (struct report_point){.label = point->label,
                    .day = 20000 + i,
                    .value = kind == REPORT_EFFECT ? i - 20 : 100 + i,
                    .target = 200,
                    .low = i - 30,
                    .high = i,
                    .has_target = kind == REPORT_BARS || kind == REPORT_LINE,
                    .has_interval = kind == REPORT_EFFECT,
                    .why = i == 3 ? "no lot was drawn" : NULL};
            }
        }
        for (int form = REPORT_AS_TEXT; form <= REPORT_AS_HTML; form++) {
            struct base_buf out;
            base_buf_init(&out, 16 << 20);
            assert_ok(report_write(&report, (enum report_form)form, &out, &err), err);
            assert_true(str_starts(base_buf_str(&out), str_from(starts[form])));
            base_buf_release(&out);
            base_buf_init(&out, 100);
            assert_int_equal(
                report_write(&report, (enum report_form)form, &out, &err) == LANTOA_ELIMIT ||
                    out.bytes <= 100,
                1);
            base_buf_release(&out);
        }
        report_release(&report);
    }
}

/* A text longer than a page does not run off the paper, nor make pages for ever. */
static void a_very_long_text_stays_on_its_page(void **state) {
    (void)state;
    static const struct report_column two[] = {{"a", "a", REPORT_TEXT}, {"b", "b", REPORT_COUNT}};
    struct report report;
    struct base_err err = {0};
    struct base_buf text, out;
    report_init(&report, "test", 0, 420);
    report_title(&report, "x");
    struct report_table *table = report_add_table(&report, "main", "", two, 2);
    base_buf_init(&text, 1 << 20);
    base_buf_init(&out, 16 << 20);
    for (int i = 0; i < 5000; i++) {
        base_buf_add_text(&text, "chữ dài ");
    }
    report_put_text(table, base_buf_str(&text));
    report_put_i64(table, 1);
    assert_ok(report_write(&report, REPORT_AS_PDF, &out, &err), err);
    assert_true(out.bytes < 500000);
    assert_ok(report_write(&report, REPORT_AS_XLSX, &out, &err), err);
    base_buf_release(&text);
    base_buf_release(&out);
    report_release(&report);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(numbers_are_shown_in_the_readers_language),
        cmocka_unit_test(edges_of_numbers), cmocka_unit_test(programs_get_all_digits),
        cmocka_unit_test(no_number_says_why), cmocka_unit_test(sums_do_not_overflow),
        cmocka_unit_test(small_counts_cannot_be_worked_out),
        cmocka_unit_test(every_form_is_written),
        cmocka_unit_test(a_very_long_text_stays_on_its_page)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
