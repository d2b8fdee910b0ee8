/* Frames: what is written is read back; what nobody wrote is refused, whatever it is. */
#include "base/hash.h"
#include "base/mem.h"
#include "base/tr.h"
#include "support.h"
#include "wire/record.h"
#include <fcntl.h>
#include <sys/socket.h>

static struct wire_writer writer;

static int set_up(void **state) {
    (void)state;
    wire_writer_init(&writer, (size_t)64 << 20);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    wire_writer_release(&writer);
    return 0;
}

/* The bodies of the frames in the writer, one after the other. */
static bool next_frame(size_t *at, unsigned *type_out, struct wire_reader *body_out) {
    wire_end(&writer);
    if (*at >= writer.buf.bytes) {
        return false;
    }
    const char *frame = writer.buf.at + *at;
    size_t length = wire__load32(frame);
    *type_out = (unsigned char)frame[4];
    *body_out = wire_reader_of(str_of(frame + 5, length - 1));
    *at += length + 4;
    return true;
}

static void table_knows_ways_and_sizes(void **state) {
    (void)state;
    assert_string_equal(wire_frame_name(WIRE_SEND), "SEND");
    assert_string_equal(wire_frame_name(0), "?");
    assert_string_equal(wire_frame_name(200), "?");
    assert_int_equal(wire_frame_longest(WIRE_SEND, WIRE_TO_HOST), 4 << 20);
    assert_int_equal(wire_frame_longest(WIRE_SEND, WIRE_TO_CORE), 0);
    assert_int_equal(wire_frame_longest(WIRE_STEP, WIRE_TO_HOST), 32 << 20);
    assert_int_equal(wire_frame_longest(WIRE_RESULTS, WIRE_TO_HOST), 0);
    assert_int_equal(wire_frame_longest(WIRE_HELLO, WIRE_TO_HOST), 4 << 20);
    assert_int_equal(wire_frame_longest(WIRE_HELLO, WIRE_TO_CORE), 4 << 20);
    assert_int_equal(wire_frame_longest(99, WIRE_BOTH_WAYS), 0);
}

static void messages_come_back_as_they_were(void **state) {
    (void)state;
    const struct str fields[2] = {STR("Tiêu đề"), STR("")};
    for (uint64_t id = 1; id <= 2000; id++) {
        struct wire_message message = {.id = id,
            .slot = (uint32_t)id * 3,
            .step_ref = 7,
            .due_ms = -5,
            .key = STR("abcdefghijklmnopqrst"),
            .address = STR("a@example.test"),
            .name = STR("Hoà"),
            .lang = STR("vi"),
            .field_count = 2,
            .fields = fields};
        size_t before = writer.buf.bytes;
        wire_put_message(&writer, &message);
        size_t grown = writer.buf.bytes - before;
        size_t record = wire_message_bytes(&message);
        assert_true(grown == record || grown == record + WIRE_HEAD_BYTES);
    }
    size_t at = 0, frames = 0;
    uint64_t id = 0;
    unsigned type;
    struct wire_reader body, record;
    while (next_frame(&at, &type, &body)) {
        frames++;
        assert_int_equal(type, WIRE_SEND);
        while (wire_get_record(&body, &record)) {
            struct wire_message message;
            assert_true(wire_get_message(&record, &message));
            assert_int_equal(message.id, ++id);
            assert_int_equal(message.slot, id * 3);
            assert_int_equal(message.due_ms, -5);
            assert_int_equal(message.field_count, 2);
            assert_string_equal(message.name.at, "Hoà"); /* NUL-terminated where it lies */
            assert_string_equal(wire_get_str(&record).at, "Tiêu đề");
            assert_int_equal(wire_get_str(&record).bytes, 0);
            assert_false(record.bad);
            assert_int_equal(wire_left(&record), 0);
        }
        assert_false(body.bad);
    }
    assert_int_equal(id, 2000);
    assert_in_range(frames, 5, 20); /* closed at 32 KiB */
}

static void results_and_events_come_back(void **state) {
    (void)state;
    struct wire_result result = {.id = UINT64_MAX,
        .slot = 5,
        .outcome = LANTOA_REFUSED,
        .reason = LANTOA_REASON_OTHER,
        .after_ms = 12345,
        .ref = STR("r"),
        .detail = STR("550 không có")};
    struct wire_event event = {.token = 9,
        .kind = LANTOA_EVENT_COMPLAINT,
        .reason = LANTOA_REASON_NONE,
        .key = STR("k"),
        .ref = STR(""),
        .address = STR("x"),
        .detail = STR("y")};
    wire_put_result(&writer, &result);
    wire_put_event(&writer, &event);
    size_t at = 0;
    unsigned type;
    struct wire_reader body, record;
    assert_true(next_frame(&at, &type, &body) && type == WIRE_RESULTS);
    struct wire_result result_back;
    assert_true(wire_get_record(&body, &record) && wire_get_result(&record, &result_back));
    assert_int_equal(result_back.id, UINT64_MAX);
    assert_int_equal(result_back.outcome, LANTOA_REFUSED);
    assert_int_equal(result_back.after_ms, 12345);
    assert_string_equal(result_back.detail.at, "550 không có");
    assert_true(next_frame(&at, &type, &body) && type == WIRE_EVENTS);
    struct wire_event event_back;
    assert_true(wire_get_record(&body, &record) && wire_get_event(&record, &event_back));
    assert_int_equal(event_back.kind, LANTOA_EVENT_COMPLAINT);
    assert_string_equal(event_back.address.at, "x");
    assert_false(next_frame(&at, &type, &body));
}

/* A field added at the end by a newer program is passed over. */
static void what_is_added_at_the_end_is_ignored(void **state) {
    (void)state;
    struct wire_result result = {
        .id = 1, .outcome = LANTOA_SENT, .ref = STR("r"), .detail = STR("")};
    for (uint64_t id = 1; id <= 2; id++) {
        result.id = id;
        wire_batch(&writer, WIRE_RESULTS);
        size_t outer = wire_record_begin(&writer);
        size_t from = writer.buf.bytes;
        wire_put_result(
            &writer, &result); /* nested, for its bytes: taken out of its own head below */
        memmove(writer.buf.at + from, writer.buf.at + from + 4, writer.buf.bytes - from - 4);
        writer.buf.bytes -= 4;
        wire_put_u64(&writer, 77);
        wire_record_end(&writer, outer);
    }
    size_t at = 0;
    unsigned type;
    struct wire_reader body, record;
    assert_true(next_frame(&at, &type, &body));
    for (uint64_t id = 1; id <= 2; id++) {
        struct wire_result back;
        assert_true(wire_get_record(&body, &record) && wire_get_result(&record, &back));
        assert_int_equal(back.id, id);
        assert_int_equal(wire_left(&record), 8);
    }
}

static void wrong_values_are_refused(void **state) {
    (void)state;
    struct wire_result results[] = {
        {.id = 1, .outcome = (enum lantoa_outcome)0, .ref = STR(""), .detail = STR("")},
        {.id = 1, .outcome = (enum lantoa_outcome)6, .ref = STR(""), .detail = STR("")},
        {.id = 1,
            .outcome = LANTOA_SENT,
            .reason = (enum lantoa_reason)99,
            .ref = STR(""),
            .detail = STR("")},
        {.id = 1, .outcome = LANTOA_RETRY, .after_ms = -1, .ref = STR(""), .detail = STR("")},
        {.id = 1, .outcome = LANTOA_SENT, .ref = {"\xC3", 1}, .detail = STR("")},
        {.id = 1, .outcome = LANTOA_SENT, .ref = STR(""), .detail = {"a\xFF", 2}},
    };
    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
        wire_writer_clear(&writer);
        wire_put_result(&writer, &results[i]);
        size_t at = 0;
        unsigned type;
        struct wire_reader body, record;
        struct wire_result back;
        assert_true(next_frame(&at, &type, &body) && wire_get_record(&body, &record));
        assert_false(wire_get_result(&record, &back));
    }
    struct wire_metric metrics[] = {{STR(""), 1}, {STR("Big"), 1}, {STR("a"), 0.0}};
    metrics[2].value = 1e308 * 10;
    for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
        wire_writer_clear(&writer);
        wire_put_metric(&writer, &metrics[i]);
        size_t at = 0;
        unsigned type;
        struct wire_reader body;
        struct wire_metric back;
        assert_true(next_frame(&at, &type, &body));
        assert_false(wire_get_metric(&body, &back));
    }
}

static void hooks_and_their_answers(void **state) {
    (void)state;
    struct wire_hook hook = {7, 99, STR("a=1"), STR("{\"x\":\"y\"}"), str_of("\0\1", 2)};
    struct wire_hook_done done = {7, LANTOA_EDENIED};
    wire_put_hook(&writer, &hook);
    wire_put_hook_done(&writer, &done);
    size_t at = 0;
    unsigned type;
    struct wire_reader body;
    struct wire_hook back;
    struct wire_hook_done done_back;
    assert_true(next_frame(&at, &type, &body));
    assert_int_equal(type, WIRE_HOOK);
    assert_true(wire_get_hook(&body, &back));
    assert_int_equal(back.token, 7);
    assert_int_equal(back.at_ms, 99);
    assert_string_equal(back.query.at, "a=1");
    assert_int_equal(back.body.bytes, 2);
    assert_true(next_frame(&at, &type, &body));
    assert_int_equal(type, WIRE_HOOK_DONE);
    assert_true(wire_get_hook_done(&body, &done_back));
    assert_int_equal(done_back.code, LANTOA_EDENIED);
    const char bad[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0};
    body = wire_reader_of(str_of(bad, sizeof(bad)));
    assert_false(wire_get_hook_done(&body, &done_back));
}

static void what_a_plugin_says_of_options(void **state) {
    (void)state;
    struct wire_checked good = {0}, back,
                        bad = {LANTOA_EINVAL, STR("from"), STR("is no address"),
                            STR("không phải địa chỉ")};
    wire_put_checked(&writer, &good);
    wire_put_checked(&writer, &bad);
    size_t at = 0;
    unsigned type;
    struct wire_reader body;
    assert_true(next_frame(&at, &type, &body));
    assert_int_equal(type, WIRE_CHECKED);
    assert_true(wire_get_checked(&body, &back));
    assert_int_equal(back.code, 0);
    assert_true(next_frame(&at, &type, &body));
    assert_true(wire_get_checked(&body, &back));
    assert_int_equal(back.code, LANTOA_EINVAL);
    assert_string_equal(back.option.at, "from");
    assert_string_equal(wire_checked_why(&back).at, "is no address");
    base_tr_set(BASE_LANG_VI);
    assert_string_equal(wire_checked_why(&back).at, "không phải địa chỉ");
    back.why_vi = STR("");
    assert_string_equal(wire_checked_why(&back).at, "is no address");
    back.why_en = STR("");
    assert_string_equal(wire_checked_why(&back).at, base_err_name(LANTOA_EINVAL));
    base_tr_set(BASE_LANG_EN);
    bad.option = STR("not a name");
    wire_put_checked(&writer, &bad);
    assert_true(next_frame(&at, &type, &body));
    assert_false(wire_get_checked(&body, &back));
}

/* Every prefix of a sound body is either refused or read without leaving its bounds (the sanitizers
 * watch). */
static void cut_off_bodies_are_refused(void **state) {
    (void)state;
    struct wire_hello hello = {.major = 1,
        .channel = STR("a"),
        .plugin = STR("b"),
        .data_dir = STR("c"),
        .state_dir = STR("d"),
        .options = STR("{}"),
        .window = 1,
        .timeout_s = 1};
    wire_put_hello(&writer, &hello);
    size_t length = writer.buf.bytes - WIRE_HEAD_BYTES;
    for (size_t cut = 0; cut < length; cut++) {
        char *copy = base_alloc(cut + 1);
        memcpy(copy, writer.buf.at + WIRE_HEAD_BYTES, cut);
        struct wire_reader body = wire_reader_of(str_of(copy, cut));
        struct wire_hello back;
        assert_false(wire_get_hello(&body, &back));
        base_free(copy);
    }
    struct wire_reader body = wire_reader_of(str_of(writer.buf.at + WIRE_HEAD_BYTES, length));
    struct wire_hello back;
    assert_true(wire_get_hello(&body, &back));
    assert_string_equal(back.options.at, "{}");
}

static void texts_must_end_where_they_say(void **state) {
    (void)state;
    const char no_nul[] = {2, 0, 0, 0, 'a', 'b', 'c'};
    struct wire_reader reader = wire_reader_of(str_of(no_nul, sizeof(no_nul)));
    assert_int_equal(wire_get_str(&reader).bytes, 0);
    assert_true(reader.bad);
    const char huge[] = {(char)0xFF, (char)0xFF, (char)0xFF, (char)0xFF, 'a', 0};
    reader = wire_reader_of(str_of(huge, sizeof(huge)));
    assert_int_equal(wire_get_str(&reader).bytes, 0);
    assert_true(reader.bad);
    reader = wire_reader_of(str_of(NULL, 0));
    assert_int_equal(wire_get_u64(&reader), 0);
    assert_true(reader.bad);
    struct wire_reader record;
    reader = wire_reader_of(str_of(huge, sizeof(huge)));
    assert_false(wire_get_record(&reader, &record));
    assert_true(reader.bad);
}

/* Random bytes, and sound frames with bytes changed: the readers may say yes or no, but stay in
 * their bounds. */
static void noise_is_read_in_bounds(void **state) {
    (void)state;
    struct wire_step step = {1, STR("c"), STR("s"), STR("x"), 1, STR("strip")};
    struct wire_part part = {STR("a.png"), STR("image/png"), STR(""), STR("bytes")};
    wire_put_step(&writer, &step);
    wire_put_part(&writer, &part);
    wire_end(&writer);
    size_t length = writer.buf.bytes - WIRE_HEAD_BYTES;
    for (int round = 0; round < 20000; round++) {
        char *copy = base_alloc(length);
        memcpy(copy, writer.buf.at + WIRE_HEAD_BYTES, length);
        uint32_t noise[4];
        base_random(noise, sizeof(noise));
        for (int i = 0; i < 3; i++) {
            copy[noise[i] % length] = (char)(noise[3] >> (8 * i));
        }
        struct wire_reader body = wire_reader_of(str_of(copy, length));
        struct wire_step back;
        if (wire_get_step(&body, &back)) {
            for (uint32_t i = 0; i < back.part_count; i++) {
                struct wire_part part_back;
                if (!wire_get_part(&body, &part_back)) {
                    break;
                }
            }
        }
        body = wire_reader_of(str_of(copy, length));
        struct wire_reader record;
        while (wire_get_record(&body, &record)) {
            struct wire_message message;
            (void)wire_get_message(&record, &message);
        }
        base_free(copy);
    }
}

static void pair(int sockets[2]) {
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets), 0);
}

static void a_stream_is_taken_apart(void **state) {
    (void)state;
    int sockets[2];
    pair(sockets);
    struct wire_inbox inbox;
    wire_inbox_init(&inbox, WIRE_TO_CORE);
    /* One byte at a time. */
    wire_begin(&writer, WIRE_PONG);
    wire_put_u64(&writer, 42);
    wire_begin(&writer, WIRE_DRAINED);
    wire_end(&writer);
    enum wire_frame type;
    struct wire_reader body;
    size_t seen = 0;
    for (size_t i = 0; i < writer.buf.bytes; i++) {
        assert_int_equal(write(sockets[0], writer.buf.at + i, 1), 1);
        assert_int_equal(wire_inbox_fill(&inbox, sockets[1]), 1);
        int code = wire_inbox_next(&inbox, &type, &body);
        assert_in_range(code, 0, 1);
        if (code == 1 && seen++ == 0) {
            assert_int_equal(type, WIRE_PONG);
            assert_int_equal(wire_get_u64(&body), 42);
        }
    }
    assert_int_equal(seen, 2);
    assert_int_equal(type, WIRE_DRAINED);
    assert_false(wire_inbox_partial(&inbox));
    assert_int_equal(wire_inbox_fill(&inbox, sockets[1]), LANTOA_EAGAIN);
    /* Half a frame, then the end. */
    assert_int_equal(write(sockets[0], "\x09\0\0", 3), 3);
    assert_int_equal(wire_inbox_fill(&inbox, sockets[1]), 1);
    assert_int_equal(wire_inbox_next(&inbox, &type, &body), 0);
    close(sockets[0]);
    assert_int_equal(wire_inbox_fill(&inbox, sockets[1]), 0);
    assert_true(wire_inbox_partial(&inbox));
    wire_inbox_release(&inbox);
    close(sockets[1]);
}

static void bytes_that_are_no_frame_are_refused(void **state) {
    (void)state;
    static const unsigned char cases[][5] = {
        {0, 0, 0, 0, 13},             /* no type inside */
        {9, 0, 0, 0, 0},              /* type 0 */
        {9, 0, 0, 0, 250},            /* no such type */
        {9, 0, 0, 0, WIRE_SEND},      /* the other way */
        {0xFF, 0xFF, 0xFF, 0xFF, 13}, /* too long */
        {1, 0, 0x40, 0, 13},          /* one byte too long */
        {100, 0, 0, 0, WIRE_PONG},    /* too long for its type */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int sockets[2];
        pair(sockets);
        struct wire_inbox inbox;
        wire_inbox_init(&inbox, WIRE_TO_CORE);
        assert_int_equal(write(sockets[0], cases[i], 5), 5);
        assert_int_equal(wire_inbox_fill(&inbox, sockets[1]), 1);
        enum wire_frame type;
        struct wire_reader body;
        assert_int_equal(wire_inbox_next(&inbox, &type, &body), LANTOA_EPROTO);
        wire_inbox_release(&inbox);
        close(sockets[0]);
        close(sockets[1]);
    }
}

static void large_frames_pass_in_pieces(void **state) {
    (void)state;
    int sockets[2];
    pair(sockets);
    struct wire_inbox inbox;
    wire_inbox_init(&inbox, WIRE_TO_HOST);
    size_t bytes = (size_t)20 << 20;
    char *attachment = base_alloc(bytes);
    memset(attachment, 'x', bytes);
    struct wire_step step = {1, STR("c"), STR("s"), STR("x"), 1, STR("strip")};
    struct wire_part part = {STR("a"), STR("b"), STR(""), {attachment, bytes}};
    wire_put_step(&writer, &step);
    wire_put_part(&writer, &part);
    enum wire_frame type;
    struct wire_reader body;
    int got = 0, flushed = LANTOA_EAGAIN;
    while (got == 0) {
        flushed = flushed == LANTOA_EAGAIN ? wire_flush(&writer, sockets[0]) : flushed;
        int filled = wire_inbox_fill(&inbox, sockets[1]);
        assert_true(filled == 1 || filled == LANTOA_EAGAIN);
        got = wire_inbox_next(&inbox, &type, &body);
    }
    assert_int_equal(got, 1);
    assert_int_equal(wire_writer_pending(&writer), 0);
    struct wire_step back;
    struct wire_part part_back;
    assert_true(wire_get_step(&body, &back) && wire_get_part(&body, &part_back));
    assert_int_equal(part_back.bytes.bytes, bytes);
    close(sockets[1]);
    /* Nobody reads any more. */
    wire_begin(&writer, WIRE_PING);
    wire_put_u64(&writer, 1);
    assert_int_equal(wire_flush(&writer, sockets[0]), LANTOA_EIO);
    base_free(attachment);
    wire_inbox_release(&inbox);
    close(sockets[0]);
}

static void tidy_cuts_at_characters(void **state) {
    (void)state;
    assert_int_equal(wire_tidy(STR("đđđ"), 5).bytes, 4);
    assert_int_equal(wire_tidy(STR("ab\xFFzz"), 10).bytes, 2);
    assert_int_equal(wire_tidy(str_of(NULL, 0), 10).bytes, 0);
    assert_non_null(wire_tidy(str_of(NULL, 0), 10).at);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(table_knows_ways_and_sizes),
        TEST(messages_come_back_as_they_were),
        TEST(results_and_events_come_back),
        TEST(what_is_added_at_the_end_is_ignored),
        TEST(wrong_values_are_refused),
        TEST(hooks_and_their_answers),
        TEST(what_a_plugin_says_of_options),
        TEST(cut_off_bodies_are_refused),
        TEST(texts_must_end_where_they_say),
        TEST(noise_is_read_in_bounds),
        TEST(a_stream_is_taken_apart),
        TEST(bytes_that_are_no_frame_are_refused),
        TEST(large_frames_pass_in_pieces),
        TEST(tidy_cuts_at_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
