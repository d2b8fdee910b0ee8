/* Counts texts for the comparison with other people's counting: one JSON-free line in (UTF-8), one
 * line out: coding, units, parts, and the bytes of each part. */
#include "sms_text.h"

#include <stdio.h>
#include <string.h>

int main(void) {
    static char line[1 << 16], text[1 << 18];
    const struct sms_rules rules = {
        .header_bytes = SMS_HEADER_8, .most_parts = SMS_PARTS_MOST, .accents = SMS_ACCENTS_KEEP};
    while (fgets(line, sizeof(line), stdin) != NULL) {
        struct sms_cost cost;
        size_t bytes = strcspn(line, "\n"), used = 0;
        int status = sms_text_prepare(line, bytes, &rules, text, sizeof(text), &used, &cost);
        printf("%d %s %zu %zu", status, cost.coding == SMS_GSM7 ? "GSM" : "Unicode", cost.units,
            cost.parts);
        for (size_t at = 0, cut; (cut = sms_text_cut(&cost, text + at, used - at)) > 0; at += cut) {
            printf(" %zu", cut);
        }
        printf("\n");
    }
    return 0;
}
