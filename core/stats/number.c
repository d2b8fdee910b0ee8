/* Figures in the reader's language. */
#include "stats/number.h"

#include "base/tr.h"
#include <stdio.h>
#include <string.h>

static void point(struct stats_number *number) {
    char *at = strchr(number->text, '.');
    if (at && base_tr_get() == BASE_LANG_VI) {
        *at = ',';
    }
}

struct stats_number stats_number_fixed(double value, int digits) {
    struct stats_number number;
    snprintf(number.text, sizeof number.text, "%.*f", digits, value);
    point(&number);
    return number;
}

struct stats_number stats_number_short(double value, int digits) {
    struct stats_number number;
    snprintf(number.text, sizeof number.text, "%.*g", digits, value);
    point(&number);
    return number;
}
