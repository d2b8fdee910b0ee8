/* Questions for prices and their answers: back as they were, and refused when they make no sense.
 */
#include "support.h"

#include "base/mem.h"
#include "wire/record.h"

static struct wire_writer writer;

static int set_up(void **state) {
    (void)state;
    wire_writer_init(&writer, 1 << 20);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    wire_writer_release(&writer);
    return 0;
}

/* The first record of the one frame written; its copy must be freed. */
static char *record_of(struct wire_reader *record_out, size_t cut) {
    wire_end(&writer);
    size_t count = writer.buf.bytes - WIRE_HEAD_BYTES - 4 - cut;
    char *copy = base_alloc(count + 1);
    memcpy(copy, writer.buf.at + WIRE_HEAD_BYTES + 4, count);
    *record_out = wire_reader_of(str_of(copy, count));
    return copy;
}

static void questions_come_back_as_they_were(void **state) {
    (void)state;
    const struct str fields[2] = {STR("Chào"), STR("")};
    struct wire_quote quote = {.tag = UINT64_MAX,
        .id = 7,
        .want = WIRE_WANT_PRICE | WIRE_WANT_PREVIEW,
        .step_ref = 3,
        .key = STR("k"),
        .address = STR("+84961234567"),
        .name = STR("Hoà"),
        .lang = STR("vi"),
        .field_count = 2,
        .fields = fields};
    wire_put_quote(&writer, &quote);
    struct wire_reader record;
    struct wire_quote back;
    char *copy = record_of(&record, 0);
    assert_int_equal(wire_left(&record) + 4, wire_quote_bytes(&quote));
    assert_true(wire_get_quote(&record, &back));
    assert_true(back.tag == UINT64_MAX && back.id == 7 && back.step_ref == 3);
    assert_int_equal(back.want, quote.want);
    assert_string_equal(back.address.at, "+84961234567");
    assert_string_equal(wire_get_str(&record).at, "Chào");
    assert_string_equal(wire_get_str(&record).at, "");
    assert_int_equal(wire_left(&record), 0);
    base_free(copy);
    for (size_t cut = 11; cut < wire_quote_bytes(&quote) - 4; cut++) {
        copy = record_of(&record, cut);
        assert_false(wire_get_quote(&record, &back));
        base_free(copy);
    }
}

static void answers_that_make_no_sense_are_refused(void **state) {
    (void)state;
    const struct wire_quoted good = {
        .tag = 1, .units = 2, .minor = 3, .note = STR("a"), .preview = STR("b")};
    struct wire_quoted all[7];
    for (size_t i = 0; i < 7; i++) {
        all[i] = good;
    }
    all[1].code = 1;
    all[2].units = -1;
    all[3].units = WIRE_UNITS_MOST + 1;
    all[4].minor = -1;
    all[5].minor = WIRE_MINOR_MOST + 1;
    all[6].note = (struct str){"\xFF", 1};
    for (size_t i = 0; i < 7; i++) {
        struct wire_reader record;
        struct wire_quoted back;
        wire_writer_clear(&writer);
        wire_put_quoted(&writer, &all[i]);
        char *copy = record_of(&record, 0);
        assert_int_equal(wire_get_quoted(&record, &back), i == 0);
        base_free(copy);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(questions_come_back_as_they_were, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_that_make_no_sense_are_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
