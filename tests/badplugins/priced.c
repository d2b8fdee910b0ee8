/* Says what a message costs: a unit for each ten bytes begun, at 5 each. Some texts bring its
 * faults out: "crash", "hang", "lie", "refuse", and "slow FILE": 1.5 s while that file is there,
 * and "stuck FILE": for ever. Sends like a good one. */
#include "bad.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

static bool begins(struct lantoa_str text, const char *word) {
    return text.bytes >= strlen(word) && memcmp(text.at, word, strlen(word)) == 0;
}

static bool has_file(struct lantoa_str text, const char *word) {
    return begins(text, word) && access(text.at + strlen(word), F_OK) == 0;
}

static int priced_price(
    const void *config, const struct lantoa_message *message, struct lantoa_quote *quote_out) {
    struct lantoa_str text = message->fields[0];
    const struct bad_config *options = config;
    if (begins(text, "crash")) {
        raise(SIGSEGV);
    }
    if (begins(text, "hang")) {
        sleep(100);
    }
    if (has_file(text, "slow ")) {
        nanosleep(&(struct timespec){1, 500 * 1000 * 1000}, NULL);
    }
    if (has_file(text, "stuck ")) {
        sleep(100);
    }
    int64_t units = (int64_t)(text.bytes + 9) / 10;
    quote_out->units = begins(text, "lie") ? -3 : units;
    quote_out->minor = 5 * units + options->ms;
    snprintf(quote_out->note, sizeof(quote_out->note), "%zu bytes", text.bytes);
    return begins(text, "refuse") ? LANTOA_ELIMIT : LANTOA_OK;
}

static int priced_preview(
    const void *config, const struct lantoa_message *message, char *text, size_t room) {
    (void)config;
    snprintf(text, room, "[%s/%s] %s", message->step->campaign.at, message->step->step.at,
        message->fields[0].at);
    return LANTOA_OK;
}

static void priced_send(void *self, const struct lantoa_message *const *messages, size_t count) {
    for (size_t i = 0; i < count; i++) {
        bad_send_well(self, messages[i]);
    }
}

LANTOA_EXPORT const struct lantoa_plugin lantoa_plugin_v1 = {
    BAD_HEAD("priced"),
    .ops = {BAD_OPS(bad_open, priced_send), .price = priced_price, .preview = priced_preview},
};
