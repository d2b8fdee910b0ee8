/* Workbooks: whatever comes, the text is lines that the CSV reader takes, or a refusal. */
#include "fuzz.h"

#include "audience/csv.h"
#include "audience/xlsx.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    struct base_buf text;
    struct base_err err = {0};
    struct audience_csv *csv = NULL;
    base_buf_init(&text, 8 << 20);
    if (audience__xlsx_read_memory(str_of((const char *)bytes, count), "fuzz.xlsx", &text, &err) ==
            0 &&
        audience_csv_open_memory(base_buf_str(&text), "fuzz.csv", &csv, &err) == 0) {
        struct audience_csv_row row;
        int64_t rows = 0, last = 0;
        while (audience_csv_next(csv, &row, &err) == 1) {
            FUZZ_HOLDS(row.line > last);
            last = row.line;
            rows++;
        }
        FUZZ_HOLDS(rows == audience_csv_rows(csv));
        audience_csv_close(&csv);
    }
    base_buf_release(&text);
    return 0;
}
