/* CSV files from people: any bytes end in rows, refused rows or one clear error; what comes out is
 * valid UTF-8. */
#include "fuzz.h"

#include "audience/csv.h"
#include "base/text.h"
#include <sys/mman.h>
#include <unistd.h>

static void csv_read(const char *path) {
    struct base_err err = {0};
    struct audience_csv *csv = NULL;
    if (audience_csv_open(path, &csv, &err) != 0) {
        FUZZ_HOLDS(err.text[0] != '\0');
        return;
    }
    size_t columns = audience_csv_columns(csv);
    for (size_t i = 0; i < columns; i++) {
        FUZZ_HOLDS(base_utf8_valid(audience_csv_heading(csv, i)));
    }
    struct audience_csv_row row;
    int64_t line = 0;
    int answer;
    while ((answer = audience_csv_next(csv, &row, &err)) == 1) {
        FUZZ_HOLDS(row.line > line);
        line = row.line;
        for (size_t i = 0; !row.fault && i < row.count; i++) {
            FUZZ_HOLDS(base_utf8_valid(row.fields[i]));
        }
        FUZZ_HOLDS(row.fault || row.count == columns);
    }
    FUZZ_HOLDS(answer == 0 || err.text[0] != '\0');
    audience_csv_close(&csv);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    int fd = memfd_create("fuzz.csv", MFD_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    size_t done = 0;
    while (done < count) {
        ssize_t wrote = write(fd, bytes + done, count - done);
        if (wrote <= 0) {
            break;
        }
        done += (size_t)wrote;
    }
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (done == count && lseek(fd, 0, SEEK_SET) == 0) {
        csv_read(path);
    }
    close(fd);
    return 0;
}
