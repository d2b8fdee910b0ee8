/* Attribution: worked examples R21; sums, order, edges. */
#include "near.h"

#include "stats/credit.h"
#include "stats/random.h"

#define ALL ((1U << STATS_CREDIT_MODELS) - 1)

static struct base_err err;

static struct stats_credit *credit_new(size_t channels) {
    struct stats_credit *credit = NULL;
    assert_ok(stats_credit_new(channels, ALL, STATS_HALF_LIFE_DAYS, &credit, &err), err);
    return credit;
}

/* A path written as letters, a = 0; days are the places. */
static void add(
    struct stats_credit *credit, const char *letters, double conversions, double nulls) {
    struct stats_touch touches[16];
    size_t count = strlen(letters);
    for (size_t i = 0; i < count; i++) {
        touches[i] = (struct stats_touch){(uint32_t)(letters[i] - 'a'), (double)i};
    }
    struct stats_path path = {touches, count, conversions, nulls, 0};
    assert_ok(stats_credit_add(credit, &path, &err), err);
}

static void expect(struct stats_credit *credit, enum stats_credit_model model, size_t channels,
    const double *wanted, double tolerance) {
    double got[16];
    assert_ok(stats_credit_result(credit, model, got, NULL, &err), err);
    for (size_t i = 0; i < channels; i++) {
        assert_within(got[i], wanted[i], tolerance);
    }
}

static void test_a_journey(void **state) {
    (void)state;
    static const double days[] = {0, 5, 12, 30, 38};
    struct stats_touch touches[5];
    for (uint32_t i = 0; i < 5; i++) {
        touches[i] = (struct stats_touch){i, days[i]};
    }
    struct stats_credit *credit = credit_new(5);
    struct stats_path path = {touches, 5, 1, 0, 12000};
    assert_ok(stats_credit_add(credit, &path, &err), err);
    static const double linear[] = {2400, 2400, 2400, 2400, 2400};
    static const double position[] = {4800, 800, 800, 800, 4800};
    static const double decay[] = {175.20, 287.44, 574.88, 3417.04, 7545.45};
    double got[5];
    double value[5];
    for (size_t i = 0; i < 5; i++) {
        assert_ok(stats_credit_result(credit, STATS_CREDIT_LINEAR, got, value, &err), err);
        assert_near(value[i], linear[i]);
        assert_ok(stats_credit_result(credit, STATS_CREDIT_POSITION, got, value, &err), err);
        assert_near(value[i], position[i]);
        assert_ok(stats_credit_result(credit, STATS_CREDIT_DECAY, got, value, &err), err);
        assert_true(fabs(value[i] - decay[i]) < .006);
        assert_ok(stats_credit_result(credit, STATS_CREDIT_FIRST, got, value, &err), err);
        assert_true(value[i] == (i == 0 ? 12000 : 0));
        assert_ok(stats_credit_result(credit, STATS_CREDIT_LAST, got, value, &err), err);
        assert_true(value[i] == (i == 4 ? 12000 : 0));
    }
    stats_credit_free(&credit);
}

static void test_markov_bryl(void **state) {
    (void)state;
    struct stats_credit *credit = credit_new(3);
    add(credit, "abc", 1, 0);
    add(credit, "a", 0, 1);
    add(credit, "bc", 0, 1);
    double p;
    double removal[3];
    assert_ok(stats_credit_removal(credit, &p, removal, &err), err);
    assert_within(p, 1.0 / 3, 1e-12);
    assert_within(removal[0], .5, 1e-12);
    assert_within(removal[1], 1, 1e-12);
    assert_within(removal[2], 1, 1e-12);
    expect(credit, STATS_CREDIT_MARKOV, 3, (double[]){.2, .4, .4}, 1e-12);
    stats_credit_free(&credit);
}

static void test_markov_loops(void **state) {
    (void)state;
    struct stats_credit *credit = credit_new(2);
    add(credit, "ababba", 1, 0);
    add(credit, "abbaa", 1, 0);
    add(credit, "aa", 1, 0);
    expect(credit, STATS_CREDIT_MARKOV, 2, (double[]){2, 1}, 1e-12);
    stats_credit_free(&credit);
}

/* a email, b loa, c sms, d web. */
static void test_markov_campaign(void **state) {
    (void)state;
    struct stats_credit *credit = credit_new(4);
    add(credit, "cbd", 30, 70);
    add(credit, "ad", 20, 180);
    add(credit, "b", 10, 190);
    add(credit, "c", 15, 285);
    add(credit, "bcd", 25, 75);
    double p;
    double removal[4];
    assert_ok(stats_credit_removal(credit, &p, removal, &err), err);
    assert_within(p, .1111111111, 1e-9);
    static const double wanted[] = {.375, .355, .409375, .75};
    for (size_t i = 0; i < 4; i++) {
        assert_within(removal[i], wanted[i], 1e-12);
    }
    expect(credit, STATS_CREDIT_MARKOV, 4, (double[]){19.847833, 18.789282, 21.667218, 39.695667},
        1e-7);
    stats_credit_free(&credit);
}

static void test_shapley(void **state) {
    (void)state;
    double shares[3];
    /* Bits: channel 1 is bit 0. */
    const double channels[] = {0, .01, .02, .04, .015, .03, .04, .06};
    assert_ok(stats_shapley(channels, 3, shares, &err), err);
    assert_within(shares[0], .0158333333, 1e-9);
    assert_within(shares[1], .0258333333, 1e-9);
    assert_within(shares[2], .0183333333, 1e-9);
    /* Two left gloves, one right: a pair is worth 1. */
    const double gloves[] = {0, 0, 0, 0, 0, 1, 1, 1};
    assert_ok(stats_shapley(gloves, 3, shares, &err), err);
    assert_within(shares[0], 1.0 / 6, 1e-12);
    assert_within(shares[1], 1.0 / 6, 1e-12);
    assert_within(shares[2], 2.0 / 3, 1e-12);
    assert_fault_part(stats_shapley(gloves, 13, shares, &err), LANTOA_ELIMIT, err, "1 to 12");
}

/* The stream's equal share is Shapley's value of v(S) = conversions within S. */
static void test_stream_shapley_is_the_game(void **state) {
    (void)state;
    struct stats_random random = {5};
    struct stats_credit *credit = credit_new(5);
    double game[32] = {0};
    for (unsigned set = 1; set < 32; set++) {
        char letters[8] = "";
        size_t at = 0;
        for (unsigned i = 0; i < 5; i++) {
            if (set >> i & 1U) {
                letters[at++] = (char)('a' + i);
            }
        }
        letters[at++] = letters[0]; /* a repeat changes nothing */
        letters[at] = '\0';
        double conversions = (double)stats_random_below(&random, 20);
        add(credit, letters, conversions, 0);
        for (unsigned whole = 0; whole < 32; whole++) {
            game[whole] += (whole & set) == set ? conversions : 0;
        }
    }
    double shares[5];
    assert_ok(stats_shapley(game, 5, shares, &err), err);
    expect(credit, STATS_CREDIT_SHAPLEY, 5, shares, 1e-12);
    stats_credit_free(&credit);
}

static void test_credits_add_up(void **state) {
    (void)state;
    struct stats_random random = {11};
    struct stats_credit *credit = credit_new(9);
    struct stats_credit *halves[2] = {credit_new(9), credit_new(9)};
    double conversions = 0;
    for (int i = 0; i < 200000; i++) {
        struct stats_touch touches[12];
        size_t count = (size_t)stats_random_below(&random, 12);
        for (size_t t = 0; t < count; t++) {
            touches[t] =
                (struct stats_touch){(uint32_t)stats_random_below(&random, 9), (double)t * 3.7};
        }
        double made = stats_random_unit(&random) * 10;
        struct stats_path path = {touches, count, made, 1, made * 1000};
        conversions += made;
        assert_ok(stats_credit_add(credit, &path, &err), err);
        assert_ok(stats_credit_add(halves[i % 2], &path, &err), err);
    }
    struct stats_credit_sum total;
    stats_credit_total(credit, &total);
    assert_near(total.conversions, conversions);
    assert_true(total.nobody_conversions > 0);
    assert_ok(stats_credit_merge(halves[0], halves[1], &err), err);
    for (int m = 0; m < STATS_CREDIT_MODELS; m++) {
        enum stats_credit_model model = (enum stats_credit_model)m;
        double got[9];
        double merged[9];
        double sum = total.nobody_conversions;
        assert_ok(stats_credit_result(credit, model, got, NULL, &err), err);
        assert_ok(stats_credit_result(halves[0], model, merged, NULL, &err), err);
        for (size_t i = 0; i < 9; i++) {
            sum += got[i];
            assert_within(got[i], merged[i], 1e-10);
        }
        if (stats_credit_adds_up(model)) {
            assert_true(fabs(sum - total.conversions) < 1e-8);
        }
    }
    stats_credit_free(&credit);
    stats_credit_free(&halves[0]);
    stats_credit_free(&halves[1]);
}

static void test_window(void **state) {
    (void)state;
    struct stats_touch touches[] = {{0, 1}, {1, 2}, {0, 9}, {1, 11}, {2, 3}};
    static const double windows[] = {7, 30};
    /* Day 10: channel 0 keeps day 9 only, channel 1 day 2; day 11 is after it; 2 has no window. */
    assert_int_equal(stats_credit_window(touches, 5, 10, windows, 2), 3);
    assert_true(touches[0].day == 2 && touches[1].day == 9 && touches[2].day == 3);
}

static void test_credit_edges(void **state) {
    (void)state;
    struct stats_credit *credit = credit_new(2);
    const struct stats_touch strange[] = {{2, 0}};
    const struct stats_touch backwards[] = {{0, 5}, {1, 4}};
    struct stats_path path = {strange, 1, 1, 0, 0};
    assert_fault_part(stats_credit_add(credit, &path, &err), LANTOA_EINVAL, err, "touch 1");
    path.touches = backwards;
    path.count = 2;
    assert_fault_part(stats_credit_add(credit, &path, &err), LANTOA_EINVAL, err, "earlier");
    path.count = 1;
    path.conversions = -1;
    assert_fault_part(stats_credit_add(credit, &path, &err), LANTOA_EINVAL, err, "not below 0");
    add(credit, "ab", 0, 5);
    expect(credit, STATS_CREDIT_MARKOV, 2, (double[]){0, 0}, 1e-12);
    add(credit, "", 3, 0);
    struct stats_credit_sum total;
    stats_credit_total(credit, &total);
    assert_true(total.conversions == 3 && total.nobody_conversions == 3);
    stats_credit_free(&credit);
    assert_ok(stats_credit_new(2, 1U << STATS_CREDIT_LAST, 7, &credit, &err), err);
    double got[2];
    assert_fault_part(stats_credit_result(credit, STATS_CREDIT_MARKOV, got, NULL, &err),
        LANTOA_EINVAL, err, "markov");
    stats_credit_free(&credit);
    assert_fault_part(stats_credit_new(2, ALL, 0, &credit, &err), LANTOA_EINVAL, err, "half-life");
    assert_fault_part(stats_credit_new(513, ALL, 7, &credit, &err), LANTOA_ELIMIT, err, "512");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_journey),
        cmocka_unit_test(test_markov_bryl), cmocka_unit_test(test_markov_loops),
        cmocka_unit_test(test_markov_campaign), cmocka_unit_test(test_shapley),
        cmocka_unit_test(test_stream_shapley_is_the_game), cmocka_unit_test(test_credits_add_up),
        cmocka_unit_test(test_window), cmocka_unit_test(test_credit_edges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
