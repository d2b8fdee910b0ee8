/* Stages, charts and columns that several reports of the ledger have. */
#include "report/ledger_part.h"

#include "base/tr.h"
#include "report/private.h"

void ledger_part_stages(const struct tally *tally, int64_t stages[static LEDGER_PART_STAGES]) {
    memset(stages, 0, LEDGER_PART_STAGES * sizeof *stages);
    for (size_t s = 0; s < tally->step_count; s++) {
        const struct tally_step *step = &tally->steps[s];
        int64_t delivered = tally_step_state(step, MESSAGE_DELIVERED);
        int64_t all = tally_step_sum(step);
        stages[0] += all;
        stages[1] += all - tally_step_state(step, MESSAGE_SUPPRESSED);
        stages[2] += step->handed_out;
        stages[3] += tally_step_state(step, MESSAGE_ACCEPTED) + delivered;
        stages[4] += delivered;
        stages[5] += step->clicked;
    }
}

const char *ledger_part_stage_word(size_t stage) {
    static const char *const words[LEDGER_PART_STAGES] = {"audience", "not suppressed",
        "handed out", "accepted or delivered", "receipt of delivery", "followed a link"};
    return words[stage];
}

static void add_funnel(struct report *report, const struct tally *tally) {
    int64_t stages[LEDGER_PART_STAGES];
    struct report_chart *chart = report_add_chart(report, "funnel", REPORT_FUNNEL,
        TR("From the audience to the click"), "stage", TR("messages"), REPORT_COUNT);
    ledger_part_stages(tally, stages);
    for (size_t i = 0; i < LEDGER_PART_STAGES; i++) {
        struct report_point *point =
            report_chart_point(chart, str_from(TR(ledger_part_stage_word(i))));
        point->value = (double)stages[i];
    }
}

void ledger_part_charts(struct report *report, const struct tally *tally) {
    add_funnel(report, tally);
    struct report_chart *chart = report_add_chart(report, "cumulative", REPORT_LINE,
        TR("Messages handed out, summed up by day"), "day", TR("messages handed out so far"),
        REPORT_COUNT);
    int64_t sum = 0;
    for (size_t d = 0; d < tally->day_count; d++) {
        if (tally->days[d].handed_out) {
            struct report_point *point = report_chart_point(chart, STR(""));
            sum += tally->days[d].handed_out;
            point->day = tally->days[d].day;
            point->value = (double)sum;
        }
    }
}

void ledger_part_period(struct report *report, int64_t from_days, int64_t to_days) {
    const struct report_column column = {"day", "day", REPORT_DATE};
    const struct report_table table = {.columns = &column, .column_count = 1};
    struct base_buf from;
    struct base_buf to;
    base_buf_init(&from, 64);
    base_buf_init(&to, 64);
    report__show(&table, 0, &(struct report_value){.fill = REPORT_I64, .i64 = from_days}, &from);
    report__show(&table, 0, &(struct report_value){.fill = REPORT_I64, .i64 = to_days}, &to);
    report_period(report, TR("From %s to %s"), base_buf_text(&from), base_buf_text(&to));
    base_buf_release(&from);
    base_buf_release(&to);
}

static int id_order(const void *a, const void *b) {
    int64_t x = ((const struct tally_place *)a)->id;
    int64_t y = ((const struct tally_place *)b)->id;
    return (x > y) - (x < y);
}

size_t ledger_part_place(const struct tally *tally, int64_t place_id) {
    struct tally_place key = {.id = place_id};
    const struct tally_place *place =
        bsearch(&key, tally->places, tally->place_count, sizeof key, id_order);
    return place ? (size_t)(place - tally->places) : 0;
}

void ledger_part_put(struct report_table *table, const int64_t states[static MESSAGE_STATE_COUNT]) {
    int64_t all = 0;
    for (int i = 0; i < MESSAGE_STATE_COUNT; i++) {
        all += states[i];
    }
    report_put_i64(table, all);
    report_put_i64(table, states[MESSAGE_SUPPRESSED]);
    report_put_i64(table, states[MESSAGE_PLANNED] + states[MESSAGE_HELD]);
    report_put_i64(table, states[MESSAGE_SENDING]);
    report_put_i64(table, states[MESSAGE_ACCEPTED]);
    report_put_i64(table, states[MESSAGE_DELIVERED]);
    report_put_i64(table, states[MESSAGE_FAILED]);
    report_put_i64(table, states[MESSAGE_UNCERTAIN]);
}
