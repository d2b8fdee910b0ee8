/* The frames between core and host: any bytes, cut anywhere, end in whole records, a malformed
 * record, or a protocol error. The first byte chooses the way, the second how the stream is cut. */
#include "fuzz.h"

#include "base/text.h"
#include "wire/record.h"
#include <fcntl.h>
#include <unistd.h>

static void frame_text(struct str text) {
    FUZZ_HOLDS(text.at != NULL && text.at[text.bytes] == '\0');
}

static void frame_messages(struct wire_reader *body) {
    struct wire_reader record;
    struct wire_message message;
    while (wire_get_record(body, &record)) {
        if (!wire_get_message(&record, &message)) {
            return;
        }
        frame_text(message.key);
        for (uint32_t i = 0; i < message.field_count && !record.bad; i++) {
            (void)wire_get_str(&record);
        }
    }
}

static void frame_results(struct wire_reader *body) {
    struct wire_reader record;
    struct wire_result result;
    while (wire_get_record(body, &record) && wire_get_result(&record, &result)) {
        FUZZ_HOLDS(result.outcome >= LANTOA_SENT && result.outcome <= LANTOA_NOT_SENT);
        FUZZ_HOLDS(base_utf8_valid(result.ref) && base_utf8_valid(result.detail));
    }
}

static void frame_events(struct wire_reader *body) {
    struct wire_reader record;
    struct wire_event event;
    while (wire_get_record(body, &record) && wire_get_event(&record, &event)) {
        FUZZ_HOLDS(event.kind >= LANTOA_EVENT_DELIVERED && event.kind <= LANTOA_EVENT_COMPLAINT);
        FUZZ_HOLDS(base_utf8_valid(event.detail));
    }
}

static void frame_questions(struct wire_reader *body) {
    struct wire_reader record;
    struct wire_quote quote;
    while (wire_get_record(body, &record) && wire_get_quote(&record, &quote)) {
        for (uint32_t i = 0; i < quote.field_count && !record.bad; i++) {
            (void)wire_get_str(&record);
        }
    }
}

static void frame_quotes(struct wire_reader *body) {
    struct wire_reader record;
    struct wire_quoted quoted;
    while (wire_get_record(body, &record) && wire_get_quoted(&record, &quoted)) {
        FUZZ_HOLDS(base_utf8_valid(quoted.note) && base_utf8_valid(quoted.preview));
    }
}

static void frame_step(struct wire_reader *body) {
    struct wire_step step;
    struct wire_part part;
    if (wire_get_step(body, &step)) {
        for (uint32_t i = 0; i < step.part_count && wire_get_part(body, &part); i++) {
            frame_text(part.bytes);
        }
    }
}

static void frame_read(enum wire_frame type, struct wire_reader *body) {
    union {
        struct wire_hello hello;
        struct wire_greeting greeting;
        struct wire_clock clock;
        struct wire_fault fault;
        struct wire_log log;
        struct wire_metric metric;
        struct wire_settings settings;
        struct wire_checked checked;
    } any;
    struct wire_reader again = *body;
    /* Not on the enum: a frame that is new here is read as a text and a number until it has its
     * case. */
    switch ((unsigned)type) {
    case WIRE_HELLO:
        (void)wire_get_hello(body, &any.hello);
        (void)wire_get_greeting(&again, &any.greeting);
        break;
    case WIRE_STEP:
        frame_step(body);
        break;
    case WIRE_SEND:
        frame_messages(body);
        break;
    case WIRE_RESULTS:
        frame_results(body);
        break;
    case WIRE_EVENTS:
        frame_events(body);
        break;
    case WIRE_CLOCK:
        (void)wire_get_clock(body, &any.clock);
        break;
    case WIRE_FAIL:
        (void)wire_get_fail(body, &any.fault);
        break;
    case WIRE_LOG:
        (void)wire_get_log(body, &any.log);
        break;
    case WIRE_METRIC:
        (void)wire_get_metric(body, &any.metric);
        break;
    case WIRE_RECONFIGURE:
        (void)wire_get_settings(body, &any.settings);
        break;
    case WIRE_QUOTE:
        frame_questions(body);
        break;
    case WIRE_QUOTES:
        frame_quotes(body);
        break;
    case WIRE_CHECKED:
        if (wire_get_checked(body, &any.checked)) {
            FUZZ_HOLDS(base_utf8_valid(wire_checked_why(&any.checked)));
        }
        break;
    default:
        (void)wire_get_str(body);
        (void)wire_get_u64(body);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    int ends[2];
    if (count < 2 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        return 0;
    }
    struct wire_inbox inbox;
    wire_inbox_init(&inbox, bytes[0] & 1 ? WIRE_TO_HOST : WIRE_TO_CORE);
    size_t cut = (size_t)bytes[1] * 17 + 1, at = 2;
    int answer = 0;
    while (at < count && answer >= 0) {
        size_t piece = count - at < cut ? count - at : cut;
        if (write(ends[1], bytes + at, piece) != (ssize_t)piece) {
            break;
        }
        at += piece;
        FUZZ_HOLDS(wire_inbox_fill(&inbox, ends[0]) == 1);
        enum wire_frame type;
        struct wire_reader body;
        while ((answer = wire_inbox_next(&inbox, &type, &body)) == 1) {
            frame_read(type, &body);
        }
    }
    (void)wire_inbox_partial(&inbox);
    wire_inbox_release(&inbox);
    close(ends[0]);
    close(ends[1]);
    return 0;
}
