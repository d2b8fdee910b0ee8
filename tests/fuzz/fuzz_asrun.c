/* What a device reports: any body is refused in words, or every record of it is fit for an item. */
#include "fuzz.h"

#include "asrun.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    struct asrun asrun;
    char why[200] = "";
    if (!asrun_read((const char *)bytes, count, &asrun, why, sizeof(why))) {
        FUZZ_HOLDS(why[0] != '\0' && asrun.records == NULL);
        return 0;
    }
    FUZZ_HOLDS(asrun.count <= ASRUN_RECORDS_MOST);
    for (size_t i = 0; i < asrun.count; i++) {
        const struct asrun_record *record = &asrun.records[i];
        struct item item = {.length_ms = 30000, .entry = {.start_ms = 1800000000000}};
        FUZZ_HOLDS(record->key[0] != '\0' && strlen(record->key) < sizeof(record->key));
        FUZZ_HOLDS(record->played_ms >= 0 && record->end_ms >= 0);
        asrun_apply(
            record, asrun.has_clock ? asrun.clock_ms - 1800000000000 : 0, 1800000000000, &item);
        FUZZ_HOLDS(item.played_ms <= item.length_ms);
        FUZZ_HOLDS(memchr(item.words, '\0', sizeof(item.words)) != NULL);
        for (const char *at = item.words; *at; at++) {
            FUZZ_HOLDS((unsigned char)*at >= ' ');
        }
        enum lantoa_event_kind kind;
        enum lantoa_reason reason;
        char detail[480];
        item.end = record->end;
        item_report(&item, &kind, &reason, detail, sizeof(detail));
    }
    asrun_release(&asrun);
    return 0;
}
