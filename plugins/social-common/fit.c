/* Whether a network takes a message: asked before anything leaves, and when its cost is counted. */
#include "social.h"

#include <stdio.h>

bool fit_check(
    const struct lantoa_message *message, const struct social_fit *fit, struct social_words *why) {
    if (fit->used > fit->most) {
        words_set(why, "longer than %zu characters", "dài hơn %zu ký tự", fit->most);
        return false;
    }
    return fit->files == NULL || files_check(message->step, fit->files, why);
}

bool fit_or_refuse(const struct lantoa_message *message, const struct social_fit *fit,
    struct social_reading *end) {
    struct social_words why;
    if (fit_check(message, fit, &why)) {
        return true;
    }
    reading_words(end, SOCIAL_REFUSED,
        fit->used > fit->most ? LANTOA_REASON_TOO_LARGE : LANTOA_REASON_CONTENT, &why);
    return false;
}

int fit_quote(const struct lantoa_message *message, const struct social_fit *fit, int64_t minor,
    struct lantoa_quote *quote_out) {
    struct social_words why;
    bool vietnamese = message_in_vietnamese(message);
    bool fits = fit_check(message, fit, &why);
    quote_out->units = 1;
    quote_out->minor = minor;
    if (fits || fit->used > fit->most) {
        snprintf(quote_out->note, sizeof(quote_out->note),
            vietnamese ? "%zu / %zu ký tự" : "%zu / %zu characters", fit->used, fit->most);
    } else {
        keep_text(quote_out->note, sizeof(quote_out->note), vietnamese ? why.vi : why.en,
            strlen(vietnamese ? why.vi : why.en));
    }
    return fits ? LANTOA_OK : fit->used > fit->most ? LANTOA_ELIMIT : LANTOA_EINVAL;
}
