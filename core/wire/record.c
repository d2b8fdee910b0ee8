/* Fields of the frames, each put beside its get. Knows the order of fields, not what anybody does
 * with them. */
#include "wire/record.h"
#include "base/err.h"
#include "base/text.h"
#include "base/tr.h"
#include "wire/option.h"
#include <math.h>

#define LONGEST_WAIT_MS ((int64_t)366 * 86400000)

static bool readable(struct str text, size_t most) {
    return text.bytes <= most && base_utf8_valid(text);
}

struct str wire_tidy(struct str text, size_t most) {
    text.bytes = base_utf8_valid_bytes(text);
    text.bytes = base_utf8_cut(text, most);
    if (text.bytes == 0) {
        text.at = "";
    }
    return text;
}

void wire_put_hello(struct wire_writer *writer, const struct wire_hello *hello) {
    wire_begin(writer, WIRE_HELLO);
    wire_put_u32(writer, hello->major);
    wire_put_u32(writer, hello->minor);
    wire_put_str(writer, hello->channel);
    wire_put_str(writer, hello->plugin);
    wire_put_str(writer, hello->data_dir);
    wire_put_str(writer, hello->state_dir);
    wire_put_str(writer, hello->options);
    wire_put_u32(writer, hello->window);
    wire_put_u32(writer, hello->memory_mb);
    wire_put_u32(writer, hello->log_level);
    wire_put_u32(writer, hello->timeout_s);
    wire_put_str(writer, hello->hosts);
    wire_put_str(writer, hello->user);
    wire_end(writer);
}

bool wire_get_hello(struct wire_reader *body, struct wire_hello *hello_out) {
    hello_out->major = wire_get_u32(body);
    hello_out->minor = wire_get_u32(body);
    hello_out->channel = wire_get_str(body);
    hello_out->plugin = wire_get_str(body);
    hello_out->data_dir = wire_get_str(body);
    hello_out->state_dir = wire_get_str(body);
    hello_out->options = wire_get_str(body);
    hello_out->window = wire_get_u32(body);
    hello_out->memory_mb = wire_get_u32(body);
    hello_out->log_level = wire_get_u32(body);
    hello_out->timeout_s = wire_get_u32(body);
    hello_out->hosts = wire_get_str(body);
    hello_out->user = wire_get_str(body);
    return !body->bad && hello_out->window > 0 && hello_out->timeout_s > 0 &&
           hello_out->log_level <= LANTOA_LOG_ERROR;
}

void wire_put_greeting(struct wire_writer *writer, const struct wire_greeting *greeting) {
    wire_begin(writer, WIRE_HELLO);
    wire_put_u32(writer, greeting->major);
    wire_put_u32(writer, greeting->minor);
    wire_put_str(writer, greeting->plugin);
    wire_put_str(writer, greeting->version);
    wire_end(writer);
}

bool wire_get_greeting(struct wire_reader *body, struct wire_greeting *greeting_out) {
    greeting_out->major = wire_get_u32(body);
    greeting_out->minor = wire_get_u32(body);
    greeting_out->plugin = wire_get_str(body);
    greeting_out->version = wire_get_str(body);
    return !body->bad && readable(greeting_out->plugin, 200) &&
           readable(greeting_out->version, 200);
}

void wire_put_step(struct wire_writer *writer, const struct wire_step *step) {
    wire_begin(writer, WIRE_STEP);
    wire_put_u32(writer, step->ref);
    wire_put_str(writer, step->campaign);
    wire_put_str(writer, step->step);
    wire_put_str(writer, step->message_class);
    wire_put_str(writer, step->accents);
    wire_put_u32(writer, step->part_count);
}

void wire_put_part(struct wire_writer *writer, const struct wire_part *part) {
    wire_put_str(writer, part->name);
    wire_put_str(writer, part->mime);
    wire_put_str(writer, part->content_id);
    wire_put_str(writer, part->bytes);
}

bool wire_get_step(struct wire_reader *body, struct wire_step *step_out) {
    step_out->ref = wire_get_u32(body);
    step_out->campaign = wire_get_str(body);
    step_out->step = wire_get_str(body);
    step_out->message_class = wire_get_str(body);
    step_out->accents = wire_get_str(body);
    step_out->part_count = wire_get_u32(body);
    /* A part is at least four empty texts: a count that cannot be true is refused before anything
     * is allocated for it. */
    return !body->bad && step_out->part_count <= wire_left(body) / 20;
}

bool wire_get_part(struct wire_reader *body, struct wire_part *part_out) {
    part_out->name = wire_get_str(body);
    part_out->mime = wire_get_str(body);
    part_out->content_id = wire_get_str(body);
    part_out->bytes = wire_get_str(body);
    return !body->bad;
}

size_t wire_message_bytes(const struct wire_message *message) {
    size_t bytes = 4 + 8 + 4 + 4 + 8 + 4 + 4 * 5;
    bytes += message->key.bytes + message->address.bytes;
    bytes += message->name.bytes + message->lang.bytes;
    for (uint32_t i = 0; i < message->field_count; i++) {
        bytes += message->fields[i].bytes + 5;
    }
    return bytes;
}

void wire_put_message(struct wire_writer *writer, const struct wire_message *message) {
    wire_batch(writer, WIRE_SEND);
    size_t record = wire_record_begin(writer);
    wire_put_u64(writer, message->id);
    wire_put_u32(writer, message->slot);
    wire_put_u32(writer, message->step_ref);
    wire_put_i64(writer, message->due_ms);
    wire_put_str(writer, message->key);
    wire_put_str(writer, message->address);
    wire_put_str(writer, message->name);
    wire_put_str(writer, message->lang);
    wire_put_u32(writer, message->field_count);
    for (uint32_t i = 0; i < message->field_count; i++) {
        wire_put_str(writer, message->fields[i]);
    }
    wire_record_end(writer, record);
}

bool wire_get_message(struct wire_reader *record, struct wire_message *message_out) {
    message_out->id = wire_get_u64(record);
    message_out->slot = wire_get_u32(record);
    message_out->step_ref = wire_get_u32(record);
    message_out->due_ms = wire_get_i64(record);
    message_out->key = wire_get_str(record);
    message_out->address = wire_get_str(record);
    message_out->name = wire_get_str(record);
    message_out->lang = wire_get_str(record);
    message_out->field_count = wire_get_u32(record);
    message_out->fields = NULL;
    return !record->bad && message_out->field_count <= wire_left(record) / 5;
}

void wire_put_result(struct wire_writer *writer, const struct wire_result *result) {
    wire_batch(writer, WIRE_RESULTS);
    size_t record = wire_record_begin(writer);
    wire_put_u64(writer, result->id);
    wire_put_u32(writer, result->slot);
    wire_put_u8(writer, (uint8_t)result->outcome);
    wire_put_u8(writer, (uint8_t)result->reason);
    wire_put_i64(writer, result->after_ms);
    wire_put_str(writer, result->ref);
    wire_put_str(writer, result->detail);
    wire_record_end(writer, record);
}

bool wire_get_result(struct wire_reader *record, struct wire_result *result_out) {
    result_out->id = wire_get_u64(record);
    result_out->slot = wire_get_u32(record);
    unsigned outcome = wire_get_u8(record);
    unsigned reason = wire_get_u8(record);
    result_out->after_ms = wire_get_i64(record);
    result_out->ref = wire_get_str(record);
    result_out->detail = wire_get_str(record);
    if (record->bad || outcome < LANTOA_SENT || outcome > LANTOA_NOT_SENT ||
        reason > LANTOA_REASON_OTHER || result_out->after_ms < 0 ||
        result_out->after_ms > LONGEST_WAIT_MS) {
        return false;
    }
    result_out->outcome = (enum lantoa_outcome)outcome;
    result_out->reason = (enum lantoa_reason)reason;
    return readable(result_out->ref, WIRE_REF_MOST) &&
           readable(result_out->detail, WIRE_DETAIL_MOST);
}

void wire_put_event(struct wire_writer *writer, const struct wire_event *event) {
    wire_batch(writer, WIRE_EVENTS);
    size_t record = wire_record_begin(writer);
    wire_put_u64(writer, event->token);
    wire_put_u8(writer, (uint8_t)event->kind);
    wire_put_u8(writer, (uint8_t)event->reason);
    wire_put_str(writer, event->key);
    wire_put_str(writer, event->ref);
    wire_put_str(writer, event->address);
    wire_put_str(writer, event->detail);
    wire_record_end(writer, record);
}

bool wire_get_event(struct wire_reader *record, struct wire_event *event_out) {
    event_out->token = wire_get_u64(record);
    unsigned kind = wire_get_u8(record);
    unsigned reason = wire_get_u8(record);
    event_out->key = wire_get_str(record);
    event_out->ref = wire_get_str(record);
    event_out->address = wire_get_str(record);
    event_out->detail = wire_get_str(record);
    if (record->bad || kind < LANTOA_EVENT_DELIVERED || kind > LANTOA_EVENT_FIGURES ||
        reason > LANTOA_REASON_OTHER) {
        return false;
    }
    event_out->kind = (enum lantoa_event_kind)kind;
    event_out->reason = (enum lantoa_reason)reason;
    return readable(event_out->key, WIRE_EVENT_TEXT_MOST) &&
           readable(event_out->ref, WIRE_EVENT_TEXT_MOST) &&
           readable(event_out->address, WIRE_EVENT_TEXT_MOST) &&
           readable(event_out->detail, WIRE_EVENT_DETAIL_MOST);
}

void wire_put_clock(struct wire_writer *writer, const struct wire_clock *clock) {
    wire_begin(writer, WIRE_CLOCK);
    wire_put_u32(writer, clock->simulated);
    wire_put_i64(writer, clock->now_ms);
    wire_put_i64(writer, clock->speed);
    wire_end(writer);
}

bool wire_get_clock(struct wire_reader *body, struct wire_clock *clock_out) {
    clock_out->simulated = wire_get_u32(body);
    clock_out->now_ms = wire_get_i64(body);
    clock_out->speed = wire_get_i64(body);
    return !body->bad && clock_out->speed >= 1 && clock_out->speed <= 1000000;
}

void wire_put_fail(struct wire_writer *writer, const struct wire_fault *fault) {
    wire_begin(writer, WIRE_FAIL);
    wire_put_u8(writer, (uint8_t)fault->fail);
    wire_put_str(writer, fault->text);
    wire_end(writer);
}

bool wire_get_fail(struct wire_reader *body, struct wire_fault *fault_out) {
    unsigned fail = wire_get_u8(body);
    fault_out->text = wire_get_str(body);
    if (body->bad || fail < WIRE_FAIL_PLUGIN || fail > WIRE_FAIL_HOST) {
        return false;
    }
    fault_out->fail = (enum wire_fail)fail;
    return readable(fault_out->text, WIRE_LOG_MOST);
}

void wire_put_log(struct wire_writer *writer, const struct wire_log *log) {
    wire_begin(writer, WIRE_LOG);
    wire_put_u8(writer, (uint8_t)log->level);
    wire_put_str(writer, log->text);
    wire_end(writer);
}

bool wire_get_log(struct wire_reader *body, struct wire_log *log_out) {
    unsigned level = wire_get_u8(body);
    log_out->text = wire_get_str(body);
    if (body->bad || level > LANTOA_LOG_ERROR) {
        return false;
    }
    log_out->level = (enum lantoa_log_level)level;
    return readable(log_out->text, WIRE_LOG_MOST);
}

void wire_put_metric(struct wire_writer *writer, const struct wire_metric *metric) {
    wire_begin(writer, WIRE_METRIC);
    wire_put_str(writer, metric->name);
    wire_put_f64(writer, metric->value);
    wire_end(writer);
}

bool wire_get_metric(struct wire_reader *body, struct wire_metric *metric_out) {
    metric_out->name = wire_get_str(body);
    metric_out->value = wire_get_f64(body);
    if (body->bad || metric_out->name.bytes == 0 ||
        metric_out->name.bytes > WIRE_METRIC_NAME_MOST || !isfinite(metric_out->value)) {
        return false;
    }
    for (size_t i = 0; i < metric_out->name.bytes; i++) {
        char c = metric_out->name.at[i];
        if (!((c >= 'a' && c <= 'z') || c == '_')) {
            return false;
        }
    }
    return true;
}

void wire_put_settings(struct wire_writer *writer, const struct wire_settings *settings) {
    wire_begin(writer, WIRE_RECONFIGURE);
    wire_put_str(writer, settings->options);
    wire_put_u32(writer, settings->window);
    wire_end(writer);
}

bool wire_get_settings(struct wire_reader *body, struct wire_settings *settings_out) {
    settings_out->options = wire_get_str(body);
    settings_out->window = wire_get_u32(body);
    return !body->bad && settings_out->window > 0;
}

size_t wire_quote_bytes(const struct wire_quote *quote) {
    size_t bytes = 4 + 8 + 8 + 4 + 4 + 4 + 4 * 5;
    bytes += quote->key.bytes + quote->address.bytes + quote->name.bytes + quote->lang.bytes;
    for (uint32_t i = 0; i < quote->field_count; i++) {
        bytes += quote->fields[i].bytes + 5;
    }
    return bytes;
}

void wire_put_quote(struct wire_writer *writer, const struct wire_quote *quote) {
    wire_batch(writer, WIRE_QUOTE);
    size_t record = wire_record_begin(writer);
    wire_put_u64(writer, quote->tag);
    wire_put_u64(writer, quote->id);
    wire_put_u32(writer, quote->want);
    wire_put_u32(writer, quote->step_ref);
    wire_put_str(writer, quote->key);
    wire_put_str(writer, quote->address);
    wire_put_str(writer, quote->name);
    wire_put_str(writer, quote->lang);
    wire_put_u32(writer, quote->field_count);
    for (uint32_t i = 0; i < quote->field_count; i++) {
        wire_put_str(writer, quote->fields[i]);
    }
    wire_record_end(writer, record);
}

bool wire_get_quote(struct wire_reader *record, struct wire_quote *quote_out) {
    quote_out->tag = wire_get_u64(record);
    quote_out->id = wire_get_u64(record);
    quote_out->want = wire_get_u32(record);
    quote_out->step_ref = wire_get_u32(record);
    quote_out->key = wire_get_str(record);
    quote_out->address = wire_get_str(record);
    quote_out->name = wire_get_str(record);
    quote_out->lang = wire_get_str(record);
    quote_out->field_count = wire_get_u32(record);
    quote_out->fields = NULL;
    return !record->bad && quote_out->field_count <= wire_left(record) / 5;
}

void wire_put_quoted(struct wire_writer *writer, const struct wire_quoted *quoted) {
    wire_batch(writer, WIRE_QUOTES);
    size_t record = wire_record_begin(writer);
    wire_put_u64(writer, quoted->tag);
    wire_put_u64(writer, quoted->id);
    wire_put_u32(writer, (uint32_t)quoted->code);
    wire_put_i64(writer, quoted->units);
    wire_put_i64(writer, quoted->minor);
    wire_put_str(writer, quoted->note);
    wire_put_str(writer, quoted->preview);
    wire_record_end(writer, record);
}

bool wire_get_quoted(struct wire_reader *record, struct wire_quoted *quoted_out) {
    quoted_out->tag = wire_get_u64(record);
    quoted_out->id = wire_get_u64(record);
    quoted_out->code = (int32_t)wire_get_u32(record);
    quoted_out->units = wire_get_i64(record);
    quoted_out->minor = wire_get_i64(record);
    quoted_out->note = wire_get_str(record);
    quoted_out->preview = wire_get_str(record);
    return !record->bad && quoted_out->code <= 0 && quoted_out->units >= 0 &&
           quoted_out->units <= WIRE_UNITS_MOST && quoted_out->minor >= 0 &&
           quoted_out->minor <= WIRE_MINOR_MOST && readable(quoted_out->note, WIRE_NOTE_MOST) &&
           readable(quoted_out->preview, WIRE_PREVIEW_MOST);
}

void wire_put_checked(struct wire_writer *writer, const struct wire_checked *checked) {
    wire_begin(writer, WIRE_CHECKED);
    wire_put_u32(writer, (uint32_t)checked->code);
    wire_put_str(writer, checked->option);
    wire_put_str(writer, checked->why_en);
    wire_put_str(writer, checked->why_vi);
    wire_end(writer);
}

bool wire_get_checked(struct wire_reader *body, struct wire_checked *checked_out) {
    checked_out->code = (int32_t)wire_get_u32(body);
    checked_out->option = wire_get_str(body);
    checked_out->why_en = wire_get_str(body);
    checked_out->why_vi = wire_get_str(body);
    return !body->bad && checked_out->code <= 0 &&
           (checked_out->option.bytes == 0 || wire_name_ok(checked_out->option, '_')) &&
           readable(checked_out->why_en, WIRE_WHY_MOST) &&
           readable(checked_out->why_vi, WIRE_WHY_MOST);
}

struct str wire_checked_why(const struct wire_checked *checked) {
    struct str en = checked->why_en, vi = checked->why_vi;
    struct str why = base_tr_get() == BASE_LANG_VI && vi.bytes > 0 ? vi : en;
    return why.bytes > 0 ? why : str_from(base_err_name(checked->code));
}

void wire_put_hook(struct wire_writer *writer, const struct wire_hook *hook) {
    wire_begin(writer, WIRE_HOOK);
    wire_put_u64(writer, hook->token);
    wire_put_i64(writer, hook->at_ms);
    wire_put_str(writer, hook->query);
    wire_put_str(writer, hook->headers);
    wire_put_str(writer, hook->body);
    wire_end(writer);
}

bool wire_get_hook(struct wire_reader *body, struct wire_hook *hook_out) {
    hook_out->token = wire_get_u64(body);
    hook_out->at_ms = wire_get_i64(body);
    hook_out->query = wire_get_str(body);
    hook_out->headers = wire_get_str(body);
    hook_out->body = wire_get_str(body);
    return !body->bad;
}

void wire_put_hook_done(struct wire_writer *writer, const struct wire_hook_done *done) {
    wire_begin(writer, WIRE_HOOK_DONE);
    wire_put_u64(writer, done->token);
    wire_put_u32(writer, (uint32_t)-done->code);
    wire_end(writer);
}

bool wire_get_hook_done(struct wire_reader *body, struct wire_hook_done *done_out) {
    done_out->token = wire_get_u64(body);
    uint32_t code = wire_get_u32(body);
    done_out->code = -(int)(code & 0xff);
    return !body->bad && code <= 0xff;
}
