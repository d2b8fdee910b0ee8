/* What a person pays: every figure of the domain facts 1.1, and what is refused. */
#include "campaign/contribution.h"

#include "support.h"

static struct contribution_tables *tables;

static int64_t day(const char *text) {
    struct base_date date = {0};
    assert_int_equal(base_parse_date(str_from(text), &date), 0);
    return base_days_from_date(date);
}

/* The tables of the text, in which "%LOCAL%" stands for further rows. */
static struct contribution_tables *parse(const char *text, struct base_err *err) {
    struct base_json *doc = NULL;
    struct contribution_tables *made = NULL;
    assert_ok(base_json_parse(str_from(text), "contribution.json", &doc, err), *err);
    return contribution_parse(doc, &made, err) == 0 ? made : NULL;
}

static int load(void **state) {
    (void)state;
    struct base_err err = {0};
    struct base_json *doc = NULL;
    char path[1024];
    snprintf(path, sizeof path, "%s/../../../../config/rules/contribution.json", TEST_DATA);
    assert_ok(base_json_load(path, &doc, &err), err);
    assert_ok(contribution_parse(doc, &tables, &err), err);
    return 0;
}

static int unload(void **state) {
    (void)state;
    contribution_free(&tables);
    return 0;
}

static struct contribution_ask ask(const char *date, const char *group, int64_t income) {
    struct contribution_ask made;
    struct base_err err = {0};
    contribution_ask_init(tables, &made);
    made.day = day(date);
    made.income = income;
    assert_ok(contribution_groups(tables, str_from(group), &made.groups, &err), err);
    return made;
}

static struct contribution_result reckon(const struct contribution_ask *question) {
    struct contribution_result result;
    struct base_err err = {0};
    assert_ok(contribution_reckon(tables, question, &result, &err), err);
    return result;
}

static void table_of_the_domain(void **state) {
    (void)state;
    static const struct {
        const char *date, *group;
        int64_t income, supported, line; /* line -1: as in the tables */
        int64_t month, support, local, pay, year;
    } rows[] = {
        {"2025-09-01", "poor", 1500000, 0, -1, 330000, 165000, 33000, 132000, 1584000},
        {"2025-09-01", "near_poor", 1500000, 0, -1, 330000, 132000, 33000, 165000, 1980000},
        {"2025-09-01", "ethnic_minority", 1500000, 0, -1, 330000, 99000, 33000, 198000, 2376000},
        {"2025-09-01", "other", 1500000, 0, -1, 330000, 66000, 33000, 231000, 2772000},
        {"2025-09-01", "", 2000000, 0, -1, 440000, 66000, 33000, 341000, 4092000},
        {"2025-09-01", "", 5000000, 0, -1, 1100000, 66000, 33000, 1001000, 12012000},
        {"2025-06-30", "hộ nghèo", 1500000, 0, -1, 330000, 99000, 33000, 198000, 2376000},
        {"2025-06-30", "Hộ cận nghèo", 1500000, 0, -1, 330000, 82500, 33000, 214500, 2574000},
        {"2025-06-30", "khác", 1500000, 0, -1, 330000, 33000, 33000, 264000, 3168000},
        {"2025-09-01", "other", 1500000, 120, -1, 330000, 0, 33000, 297000, 3564000},
        {"2025-09-01", "poor", 0, 0, 2200000, 484000, 242000, 48400, 193600, 2323200},
        {"2025-09-01", "near_poor", 0, 0, 2200000, 484000, 193600, 48400, 242000, 2904000},
        {"2025-09-01", "ethnic_minority", 0, 0, 2200000, 484000, 145200, 48400, 290400, 3484800},
        {"2025-09-01", "other", 0, 0, 2200000, 484000, 96800, 48400, 338800, 4065600},
        /* The published case. */
        {"2025-09-01", "other", 3550000, 0, -1, 781000, 66000, 33000, 682000, 8184000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct contribution_ask question = ask(rows[i].date, rows[i].group, rows[i].income);
        question.supported = rows[i].supported;
        question.poverty_line = rows[i].line;
        struct contribution_result result = reckon(&question);
        assert_int_equal(result.month, rows[i].month);
        assert_int_equal(result.support, rows[i].support);
        assert_int_equal(result.local, rows[i].local);
        assert_int_equal(result.pay, rows[i].pay);
        question.method.months = 12;
        assert_int_equal(reckon(&question).pay, rows[i].year);
    }
}

static void limits_are_named(void **state) {
    (void)state;
    struct contribution_result result;
    struct base_err err;
    struct contribution_ask low = ask("2026-06-15", "", 1499999);
    struct contribution_ask june = ask("2026-06-30", "", 46800000);
    struct contribution_ask july = ask("2026-07-01", "", 50600001);
    assert_fault_part(
        contribution_reckon(tables, &low, &result, &err), LANTOA_EINVAL, err, "floor of 1500000");
    assert_ok(contribution_reckon(tables, &june, &result, &err), err);
    june.income++;
    assert_fault_part(contribution_reckon(tables, &june, &result, &err), LANTOA_EINVAL, err,
        "ceiling of 46800000");
    assert_fault_part(contribution_reckon(tables, &july, &result, &err), LANTOA_EINVAL, err,
        "ceiling of 50600000");
    july.income--;
    assert_ok(contribution_reckon(tables, &july, &result, &err), err);
    struct contribution_ask early = ask("2015-01-01", "", 0);
    assert_fault_part(
        contribution_reckon(tables, &early, &result, &err), LANTOA_ENOENT, err, "2015-01-01");
}

static void support_ends_within_a_payment(void **state) {
    (void)state;
    struct contribution_ask question = ask("2025-09-01", "other", 1500000);
    question.supported = 114;
    question.method.months = 12;
    struct contribution_result result = reckon(&question);
    assert_int_equal(result.supported_months, 6);
    assert_int_equal(result.pay, 12 * 330000 - 6 * 66000 - 12 * 33000);
}

static void highest_of_two_groups(void **state) {
    (void)state;
    struct contribution_ask question = ask("2025-09-01", "ethnic_minority; hộ nghèo", 1500000);
    assert_int_equal(reckon(&question).support, 165000);
    uint32_t groups;
    struct base_err err = {0};
    assert_fault_part(contribution_groups(tables, STR("rich"), &groups, &err), LANTOA_EINVAL, err,
        "'rich' is no group");
}

static void local_support_ends(void **state) {
    (void)state;
    struct contribution_ask question = ask("2025-12-31", "", 1500000);
    assert_int_equal(reckon(&question).local, 33000);
    question.day++;
    assert_int_equal(reckon(&question).local, 0);
    question.local_bp = 1000;
    assert_int_equal(reckon(&question).pay, 231000);
    question.day--;
    question.local_bp = -1;
    question.resident = false;
    assert_int_equal(reckon(&question).local, 0);
}

static int count_ending(void *arg, const struct contribution_ending *ending) {
    ++*(int *)arg;
    assert_string_equal(ending->what, "province");
    assert_int_equal(ending->to_days, day("2025-12-31"));
    return 0;
}

static void the_end_is_told_90_days_before(void **state) {
    (void)state;
    int count = 0;
    assert_int_equal(
        contribution_each_ending(tables, day("2025-10-01"), 90, count_ending, &count), 0);
    assert_int_equal(count, 0);
    assert_int_equal(
        contribution_each_ending(tables, day("2025-10-02"), 90, count_ending, &count), 0);
    assert_int_equal(count, 1);
    /* The rates of 2018 end on 30/6/2025 too, but others follow the day after. */
    assert_int_equal(
        contribution_each_ending(tables, day("2025-06-01"), 90, count_ending, &count), 0);
    assert_int_equal(count, 1);
}

static void years_ahead_and_missing_months(void **state) {
    (void)state;
    static const struct {
        const char *method;
        int64_t gross;
    } rows[] = {{"2y", 7644801}, {"3y", 11259443}, {"4 năm", 14742290}, {"5y", 18098148},
        {"missing:12", 4040708}, {"thiếu 60 tháng", 21791542}};
    struct contribution_ask question = ask("2026-06-01", "other", 1500000);
    struct base_err err = {0};
    question.local_bp = 1000;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_ok(contribution_method_parse(str_from(rows[i].method), &question.method, &err), err);
        struct contribution_result result = reckon(&question);
        assert_in_range(result.gross, rows[i].gross - 1, rows[i].gross + 1);
        if (i == 0) {
            assert_in_range(result.pay, 5268800, 5268802);
        }
    }
    question.day = day("2025-06-01");
    struct contribution_result result;
    assert_fault_part(
        contribution_reckon(tables, &question, &result, &err), LANTOA_ENOENT, err, "fund rate");
}

static void methods_by_their_words(void **state) {
    (void)state;
    static const char *const good[][2] = {{"monthly", "monthly"}, {"Hằng tháng", "monthly"},
        {"1", "monthly"}, {"3 tháng", "3"}, {"6", "6"}, {"12 months", "12"}, {"1 năm", "12"},
        {"2y", "2y"}, {"60", "5y"}, {"missing:60", "missing:60"}};
    static const char *const bad[] = {"", "2", "6y", "1.5", "missing:61", "missing:0", "weekly",
        "99999999999999999999", "missing:"};
    struct contribution_method method;
    struct base_err err = {0};
    char word[CONTRIBUTION_METHOD_MAX];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_ok(contribution_method_parse(str_from(good[i][0]), &method, &err), err);
        contribution_method_word(method, word);
        assert_string_equal(word, good[i][1]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(contribution_method_parse(str_from(bad[i]), &method, &err), LANTOA_EINVAL);
    }
}

static void deadlines_by_method(void **state) {
    (void)state;
    static const struct {
        const char *method, *start, *due;
    } rows[] = {{"monthly", "2026-01-15", "2026-01-31"}, {"3", "2026-01-01", "2026-03-31"},
        {"6", "2026-01-31", "2026-04-30"}, {"12", "2026-01-01", "2026-07-31"},
        {"2y", "2026-02-10", "2026-02-28"}, {"6", "2026-11-01", "2027-02-28"}};
    struct base_err err = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct contribution_method method;
        int64_t due;
        assert_ok(contribution_method_parse(str_from(rows[i].method), &method, &err), err);
        assert_int_equal(contribution_deadline(tables, method, day(rows[i].start), &due), 0);
        assert_int_equal(due, day(rows[i].due));
    }
    int64_t due;
    struct contribution_method missing = {CONTRIBUTION_MISSING, 12};
    assert_int_equal(contribution_deadline(tables, missing, 20000, &due), LANTOA_ENOENT);
    struct contribution_method half = {CONTRIBUTION_MONTHS, 6};
    assert_int_equal(contribution_next_start(half, day("2026-11-20")), day("2027-05-01"));
}

#define HEAD                                                                                       \
    "{\"contribution\": {\"groups\": [{\"name\": \"poor\", \"vi\": \"hộ nghèo\", \"en\": "      \
    "\"poor\"},"                                                                                   \
    "{\"name\": \"near_poor\", \"vi\": \"hộ cận nghèo\", \"en\": \"near\"},"                  \
    "{\"name\": \"left_near_poor\", \"vi\": \"mới thoát cận nghèo\", \"en\": \"left\"},"     \
    "{\"name\": \"other\", \"vi\": \"khác\", \"en\": \"other\"}],"                                \
    "\"rate\": [{\"from\": \"2014-01-01\", \"percent\": 22, \"source\": \"s\"}],"                  \
    "\"poverty_line\": [{\"from\": \"2022-01-01\", \"vnd\": 1500000, \"source\": \"s\"}],"         \
    "\"reference_level\": [{\"from\": \"2022-01-01\", \"vnd\": 2340000, \"source\": \"s\"}],"      \
    "\"ceiling\": [{\"from\": \"2022-01-01\", \"times\": 20, \"source\": \"s\"}],"                 \
    "\"central_months\": [{\"from\": \"2022-01-01\", \"months\": 120, \"source\": \"s\"}],"        \
    "\"fund_rate\": [], \"missing\": [], \"deadlines\": [], \"central\": ["                        \
    "{\"from\": \"2022-01-01\", \"group\": \"poor\", \"percent\": 50, \"source\": \"s\"},"         \
    "{\"from\": \"2022-01-01\", \"group\": \"near_poor\", \"percent\": 40, \"source\": \"s\"},"    \
    "{\"from\": \"2022-01-01\", \"group\": \"other\", \"percent\": 20, \"source\": \"s\"}],"       \
    "\"local\": ["
#define LAYER(layer, group, percent, more)                                                         \
    "{\"from\": \"2022-01-01\", \"layer\": \"" layer "\", \"place\": \"*\", \"group\": \"" group   \
    "\", \"percent\": " percent ", \"source\": \"s\", " more "}"
#define ON_LINE "\"base\": \"poverty_line\""

static void stacked_layers(void **state) {
    (void)state;
    /* A city's layer, and a district's on top of it. */
    static const char text[] = HEAD LAYER("city", "poor", "50", ON_LINE) "," LAYER(
        "city", "near_poor", "60", ON_LINE) "," LAYER("city", "other", "10",
        ON_LINE) "," LAYER("district", "poor", "40", ON_LINE) "," LAYER("district",
        "left_near_poor", "30", ON_LINE ", \"months\": 12") "," LAYER("income", "near_poor", "7.5",
        "\"base\": \"chosen_income\"") "]}}";
    struct base_err err = {0};
    struct contribution_tables *made = parse(text, &err);
    if (!made) {
        fail_msg("%s", err.text);
    }
    struct contribution_tables *before = tables;
    tables = made;
    struct contribution_ask poor = ask("2026-01-01", "poor", 1500000);
    assert_int_equal(
        reckon(&poor).local, 165000); /* 50 + 40 of the city and the district, capped */
    assert_int_equal(reckon(&poor).pay, 0);
    poor.income = 2000000;
    assert_int_equal(reckon(&poor).pay, 110000);
    poor.supported = 120; /* only the local layers are left: 90 % of the poverty line */
    assert_int_equal(reckon(&poor).local, 297000);
    struct contribution_ask left = ask("2026-01-01", "left_near_poor", 1500000);
    assert_int_equal(reckon(&left).local, 132000); /* 10 as everybody and 30 */
    left.local_supported = 12;
    assert_int_equal(reckon(&left).local, 33000);
    struct contribution_ask both = ask("2026-01-01", "near_poor", 3000000);
    assert_int_equal(reckon(&both).support, 132000);
    assert_int_equal(reckon(&both).local, 198000); /* 60 fill up the 100 %, nothing is left */
    tables = before;
    contribution_free(&made);
}

static void base_may_be_the_income(void **state) {
    (void)state;
    static const char text[] =
        HEAD LAYER("province", "*", "10", "\"base\": \"chosen_income\"") "]}}";
    struct base_err err = {0};
    struct contribution_tables *made = parse(text, &err), *before = tables;
    assert_non_null(made);
    tables = made;
    struct contribution_ask question = ask("2026-01-01", "", 3550000);
    assert_int_equal(reckon(&question).local, 78100);
    assert_int_equal(reckon(&question).pay, 781000 - 66000 - 78100);
    tables = before;
    contribution_free(&made);
}

static void faults_name_line_and_field(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"{}", "contribution"},
        {"{\"contribution\": {\"colour\": 1}}", "contribution.colour"},
        {HEAD LAYER("x", "rich", "10", ON_LINE) "]}}", "contribution.local[0].group"},
        {HEAD LAYER("x", "*", "101", ON_LINE) "]}}", "contribution.local[0].percent"},
        {HEAD LAYER("x", "*", "10", "\"base\": \"wage\"") "]}}", "contribution.local[0].base"},
        {HEAD LAYER("x", "*", "10", ON_LINE ", \"to\": \"2021-01-01\"") "]}}", "local[0].to"},
        {HEAD LAYER("x", "*", "10", ON_LINE) "," LAYER("x", "*", "20", ON_LINE) "]}}", "row 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct base_err err = {0};
        assert_null(parse(cases[i][0], &err));
        assert_non_null(strstr(err.text, "contribution.json:"));
        if (!strstr(err.text, cases[i][1])) {
            fail_msg("%s is not in %s", cases[i][1], err.text);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_of_the_domain),
        cmocka_unit_test(limits_are_named),
        cmocka_unit_test(support_ends_within_a_payment),
        cmocka_unit_test(highest_of_two_groups),
        cmocka_unit_test(local_support_ends),
        cmocka_unit_test(the_end_is_told_90_days_before),
        cmocka_unit_test(years_ahead_and_missing_months),
        cmocka_unit_test(methods_by_their_words),
        cmocka_unit_test(deadlines_by_method),
        cmocka_unit_test(stacked_layers),
        cmocka_unit_test(base_may_be_the_income),
        cmocka_unit_test(faults_name_line_and_field),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
