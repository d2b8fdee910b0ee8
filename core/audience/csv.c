/* The CSV reader: rows and fields out of bytes. Knows nothing of what the columns mean.
 *
 * Our own rather than libcsv, which tells neither the line that a row or a quote began on nor which
 * quote is broken: just what staff need to hear. */
#include "audience/csv.h"

#include "audience/csv_source.h"
#include "audience/xlsx.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"

#include <stdio.h>

enum {
    BUFFER_FIRST = 256 * 1024,
    ROW_MOST = 1024 * 1024, /* and so the most memory a reader holds */
    FAULT_MAX = 256
};

/* A field inside the buffer. quoted: between its quotes; doubled: has "" inside. */
struct span {
    uint32_t at, bytes;
    bool doubled;
};

struct audience_csv {
    struct audience__csv_source source;
    char *name;
    char *buffer;
    size_t room, start, end; /* unread bytes: buffer[start..end) */
    bool ended;              /* the source has no more */
    char delimiter;
    int64_t line; /* of buffer[start] */
    int64_t rows;
    struct span *spans; /* of the row just scanned */
    size_t span_count, span_room;
    size_t field_count; /* may be more than span_count when a row has too many */
    struct str *headings;
    size_t columns;
    struct str *fields;
    char *heading_text; /* owns what headings point into */
    char *workbook;     /* the text of a sheet, when the file is a workbook */
    char fault[FAULT_MAX];
    int broken; /* the code that goes with SCAN_BROKEN */
};

enum scan { SCAN_ROW, SCAN_MORE, SCAN_END, SCAN_BROKEN };

static int file_fault(const struct audience_csv *csv, int64_t line, struct base_err *err) {
    return base_err_prefix(err, TR("%s, line %lld"), csv->name, (long long)line);
}

/* ---- bytes ---- */

static int fill(struct audience_csv *csv, struct base_err *err) {
    if (csv->start > 0) {
        memmove(csv->buffer, csv->buffer + csv->start, csv->end - csv->start);
        csv->end -= csv->start;
        csv->start = 0;
    }
    if (csv->room - csv->end < BUFFER_FIRST / 4) {
        if (csv->room >= ROW_MOST) {
            (void)base_err_set(
                err, LANTOA_ELIMIT, TR("the row is longer than %d KiB"), ROW_MOST / 1024);
            return file_fault(csv, csv->line, err);
        }
        csv->room *= 2;
        csv->buffer = base_realloc(csv->buffer, csv->room);
    }
    size_t count = 0;
    int rc = audience__csv_source_read(
        &csv->source, csv->buffer + csv->end, csv->room - csv->end, &count, err);
    if (rc) {
        return base_err_prefix(err, "%s", csv->name);
    }
    csv->end += count;
    csv->ended = count == 0;
    return 0;
}

static void span_add(struct audience_csv *csv, const char *from, const char *to, bool doubled) {
    csv->field_count++;
    /* Rows below the header need no more spans than there are columns. */
    if (csv->columns > 0 && csv->span_count == csv->columns) {
        return;
    }
    if (csv->span_count == csv->span_room) {
        csv->span_room = csv->span_room ? csv->span_room * 2 : 32;
        csv->spans = base_realloc(csv->spans, csv->span_room * sizeof(*csv->spans));
    }
    csv->spans[csv->span_count++] = (struct span){
        .at = (uint32_t)(from - csv->buffer), .bytes = (uint32_t)(to - from), .doubled = doubled};
}

static enum scan field_too_long(struct audience_csv *csv, int64_t line, struct base_err *err) {
    (void)base_err_set(err, LANTOA_ELIMIT, TR("field %zu is longer than %d KiB"),
        csv->field_count + 1, AUDIENCE_CSV_FIELD_MAX / 1024);
    (void)file_fault(csv, line, err);
    csv->broken = LANTOA_ELIMIT;
    return SCAN_BROKEN;
}

static enum scan broken_quote(
    struct audience_csv *csv, int64_t line, bool endless, struct base_err *err) {
    if (endless) {
        (void)base_err_set(err, LANTOA_EINVAL,
            TR("field %zu: the quote that opens here is never closed"), csv->field_count + 1);
    } else {
        (void)base_err_set(err, LANTOA_EINVAL,
            TR("field %zu: text follows the closing quote (a quote inside must be doubled)"),
            csv->field_count + 1);
    }
    (void)file_fault(csv, line, err);
    csv->broken = LANTOA_EINVAL;
    return SCAN_BROKEN;
}

/* Scans a quoted field; *at_io stands on the opening quote and ends behind the closing one and
 * blanks after it. */
static enum scan scan_quoted(struct audience_csv *csv, const char **at_io, const char *end,
    int64_t *lines_io, struct base_err *err) {
    const char *from = *at_io + 1;
    const char *at = from;
    int64_t line = csv->line + *lines_io;
    bool doubled = false;
    for (;;) {
        const char *quote = memchr(at, '"', (size_t)(end - at));
        if ((size_t)((quote ? quote : end) - from) > AUDIENCE_CSV_FIELD_MAX) {
            (void)base_err_set(err, LANTOA_ELIMIT,
                TR("field %zu: the quote that opens here is not closed within %d KiB"),
                csv->field_count + 1, AUDIENCE_CSV_FIELD_MAX / 1024);
            (void)file_fault(csv, line, err);
            csv->broken = LANTOA_ELIMIT;
            return SCAN_BROKEN;
        }
        if (!quote) {
            return csv->ended ? broken_quote(csv, line, true, err) : SCAN_MORE;
        }
        if (quote + 1 < end && quote[1] == '"') {
            doubled = true;
            at = quote + 2;
            continue;
        }
        for (const char *c = from; (c = memchr(c, '\n', (size_t)(quote - c))) != NULL; c++) {
            ++*lines_io;
        }
        at = quote + 1;
        while (at < end && (*at == ' ' || *at == '\t') && *at != csv->delimiter) {
            at++;
        }
        if (at == end && !csv->ended) {
            return SCAN_MORE;
        }
        if (at < end && *at != csv->delimiter && *at != '\n' && *at != '\r') {
            return broken_quote(csv, line, false, err);
        }
        span_add(csv, from, quote, doubled);
        *at_io = at;
        return SCAN_ROW;
    }
}

/* Scans one row from buffer[start]; on SCAN_ROW *next_out is the first byte of the next row and
 * *lines_out the lines passed. */
static enum scan scan_row(
    struct audience_csv *csv, size_t *next_out, int64_t *lines_out, struct base_err *err) {
    const char *at = csv->buffer + csv->start;
    const char *end = csv->buffer + csv->end;
    const char delimiter = csv->delimiter;
    int64_t lines = 0;
    csv->span_count = 0;
    csv->field_count = 0;
    if (at == end) {
        return csv->ended ? SCAN_END : SCAN_MORE;
    }
    for (;;) {
        const char *from = at;
        while (from < end && *from == ' ') {
            from++;
        }
        if (from < end && *from == '"') {
            at = from;
            enum scan scan = scan_quoted(csv, &at, end, &lines, err);
            if (scan != SCAN_ROW) {
                return scan;
            }
        } else {
            from = at;
            while (at < end && *at != delimiter && *at != '\n' && *at != '\r') {
                at++;
            }
            if (at - from > AUDIENCE_CSV_FIELD_MAX) {
                return field_too_long(csv, csv->line + lines, err);
            }
            if (at == end && !csv->ended) {
                return SCAN_MORE;
            }
            span_add(csv, from, at, false);
        }
        if (at < end && *at == delimiter) {
            at++;
            if (at == end && !csv->ended) {
                return SCAN_MORE;
            }
            continue;
        }
        if (at < end && *at == '\r') { /* CR LF, or the CR alone of old Macintosh files */
            at++;
            if (at == end && !csv->ended) {
                return SCAN_MORE;
            }
        }
        if (at < end && *at == '\n') {
            at++;
        }
        *next_out = (size_t)(at - csv->buffer);
        *lines_out = lines + 1;
        return SCAN_ROW;
    }
}

/* ---- encoding ---- */

static int encoding_fault(const struct audience_csv *csv, const char *at, size_t bytes,
    size_t offset, struct base_err *err) {
    int64_t line = csv->line;
    for (size_t i = 0; i < offset && i < bytes; i++) {
        line += at[i] == '\n';
    }
    unsigned byte = (unsigned char)at[offset];
    if (byte == 0) {
        (void)base_err_set(err, LANTOA_EINVAL,
            TR("a NUL byte: this is no text file. Save it as \"CSV UTF-8\" and try again"));
    } else {
        (void)base_err_set(err, LANTOA_EINVAL,
            TR("byte 0x%02x is not UTF-8; the file seems to be in an old encoding (Windows-1258, "
               "TCVN3, VNI). In Excel choose \"Save as\" and \"CSV UTF-8\", then try again"),
            byte);
    }
    return file_fault(csv, line, err);
}

static int check_text(
    const struct audience_csv *csv, const char *at, size_t bytes, struct base_err *err) {
    bool ascii = true;
    size_t i = 0;
    for (uint64_t word; i + sizeof(word) <= bytes; i += sizeof(word)) {
        memcpy(&word, at + i, sizeof(word));
        /* The classical test for a zero byte; false alarms only cost the slow way. */
        if (word & 0x8080808080808080u ||
            (word - 0x0101010101010101u) & ~word & 0x8080808080808080u) {
            ascii = false;
            break;
        }
    }
    for (; ascii && i < bytes; i++) {
        ascii = at[i] > 0;
    }
    if (ascii) {
        return 0;
    }
    struct str text = str_of(at, bytes);
    size_t valid = base_utf8_valid_bytes(text);
    const char *nul = memchr(at, 0, valid);
    if (nul) {
        return encoding_fault(csv, at, bytes, (size_t)(nul - at), err);
    }
    return valid == bytes ? 0 : encoding_fault(csv, at, bytes, valid, err);
}

/* What stands in the buffer beyond the last whole row. Bytes that are no text are named as such,
 * before anything is said about a row they happen to spoil. A character cut by the end of the
 * buffer is no fault. */
static int check_unread(const struct audience_csv *csv, struct base_err *err) {
    const char *at = csv->buffer + csv->start;
    size_t bytes = csv->end - csv->start;
    size_t valid = base_utf8_valid_bytes(str_of(at, bytes));
    bool cut = !csv->ended && bytes - valid < 4;
    return check_text(csv, at, cut ? valid : bytes, err);
}

/* ---- rows ---- */

static bool row_is_empty(const struct audience_csv *csv) {
    return csv->field_count == 1 && csv->spans[0].bytes == 0;
}

/* The next row that is not an empty line, scanned and checked: 1, 0 at the end, or negative. */
static int next_scanned(struct audience_csv *csv, int64_t *line_out, struct base_err *err) {
    for (;;) {
        size_t next = 0;
        int64_t lines = 0;
        int rc;
        switch (scan_row(csv, &next, &lines, err)) {
        case SCAN_MORE:
            rc = check_unread(csv, err);
            if (rc == 0) {
                rc = fill(csv, err);
            }
            if (rc) {
                return rc;
            }
            continue;
        case SCAN_END:
            return 0;
        case SCAN_BROKEN:
            rc = check_unread(csv, err);
            return rc ? rc : csv->broken;
        case SCAN_ROW:
            break;
        }
        rc = check_text(csv, csv->buffer + csv->start, next - csv->start, err);
        if (rc) {
            return rc;
        }
        *line_out = csv->line;
        csv->start = next;
        csv->line += lines;
        if (!row_is_empty(csv)) {
            return 1;
        }
    }
}

/* The field's text, doubled quotes made single (in place: the row is ours by now). */
static struct str span_text(struct audience_csv *csv, const struct span *span) {
    char *at = csv->buffer + span->at;
    size_t bytes = span->bytes;
    if (span->doubled) {
        size_t to = 0;
        for (size_t from = 0; from < bytes; from++) {
            at[to++] = at[from];
            from += at[from] == '"';
        }
        bytes = to;
    }
    return str_trim(str_of(at, bytes));
}

int audience_csv_next(
    struct audience_csv *csv, struct audience_csv_row *row_out, struct base_err *err) {
    int rc = next_scanned(csv, &row_out->line, err);
    if (rc != 1) {
        return rc;
    }
    for (size_t i = 0; i < csv->columns; i++) {
        csv->fields[i] = i < csv->span_count ? span_text(csv, &csv->spans[i]) : (struct str){"", 0};
    }
    row_out->fields = csv->fields;
    row_out->count = csv->columns;
    row_out->fault = NULL;
    if (csv->field_count != csv->columns) {
        (void)snprintf(csv->fault, sizeof(csv->fault),
            TR("the row has %zu fields, the header has %zu"), csv->field_count, csv->columns);
        row_out->fault = csv->fault;
    }
    return 1;
}

/* ---- open ---- */

/* The sign that cuts the first line into most fields, outside quotes. */
static char delimiter_guess(const char *at, size_t bytes) {
    static const char signs[] = {',', ';', '\t'};
    size_t counts[3] = {0};
    bool quoted = false;
    for (size_t i = 0; i < bytes && (quoted || (at[i] != '\n' && at[i] != '\r')); i++) {
        quoted ^= at[i] == '"';
        for (size_t s = 0; s < sizeof(signs); s++) {
            counts[s] += !quoted && at[i] == signs[s];
        }
    }
    size_t best = 0;
    for (size_t s = 1; s < sizeof(signs); s++) {
        best = counts[s] > counts[best] ? s : best;
    }
    return signs[best];
}

/* Excel's own "sep=;" in front of the header. */
static void take_sep_line(struct audience_csv *csv) {
    const char *at = csv->buffer + csv->start;
    size_t bytes = csv->end - csv->start;
    if (bytes < 6 || memcmp(at, "sep=", 4) != 0 || (at[5] != '\n' && at[5] != '\r') ||
        !(at[4] == ',' || at[4] == ';' || at[4] == '\t')) {
        csv->delimiter = delimiter_guess(at, bytes);
        return;
    }
    csv->delimiter = at[4];
    csv->start += 6 + (at[5] == '\r' && bytes > 6 && at[6] == '\n');
    csv->line++;
}

/* From the first byte to behind the header line. */
static int read_header(struct audience_csv *csv, struct base_err *err) {
    csv->start = csv->end = 0;
    csv->ended = false;
    csv->line = 1;
    csv->columns = 0;
    int rc = audience__csv_source_rewind(&csv->source, err);
    if (rc) {
        return base_err_prefix(err, "%s", csv->name);
    }
    rc = fill(csv, err);
    if (rc) {
        return rc;
    }
    take_sep_line(csv);
    int64_t line = 0;
    rc = next_scanned(csv, &line, err);
    if (rc < 0) {
        return rc;
    }
    if (rc == 0) {
        (void)base_err_set(err, LANTOA_EINVAL, TR("the file is empty: a header line is needed"));
        return base_err_prefix(err, "%s", csv->name);
    }
    if (csv->field_count > AUDIENCE_CSV_COLUMNS_MAX) {
        (void)base_err_set(
            err, LANTOA_ELIMIT, TR("more than %d columns"), AUDIENCE_CSV_COLUMNS_MAX);
        return file_fault(csv, line, err);
    }
    csv->columns = csv->field_count;
    return 0;
}

static void keep_headings(struct audience_csv *csv) {
    struct base_buf text;
    base_buf_init(&text, 2 * (size_t)ROW_MOST);
    csv->headings = base_alloc_array(csv->columns, sizeof(*csv->headings));
    csv->fields = base_alloc_array(csv->columns, sizeof(*csv->fields));
    for (size_t i = 0; i < csv->columns; i++) {
        struct str heading = span_text(csv, &csv->spans[i]);
        csv->headings[i].bytes = heading.bytes;
        base_buf_add_str(&text, heading);
    }
    csv->heading_text = base_buf_take(&text);
    size_t at = 0;
    for (size_t i = 0; i < csv->columns; i++) {
        csv->headings[i].at = csv->heading_text + at;
        at += csv->headings[i].bytes;
    }
}

/* Reads everything once, so that a fault of the file is known before anybody acts on its first row.
 */
static int read_through(struct audience_csv *csv, struct base_err *err) {
    int64_t line = 0;
    int rc;
    while ((rc = next_scanned(csv, &line, err)) == 1) {
        csv->rows++;
    }
    return rc ? rc : read_header(csv, err);
}

static int open_source(
    struct audience_csv *csv, struct audience_csv **csv_out, struct base_err *err) {
    csv->room = BUFFER_FIRST;
    csv->buffer = base_alloc(csv->room);
    int rc = read_header(csv, err);
    if (rc == 0) {
        keep_headings(csv);
        rc = read_through(csv, err);
    }
    if (rc) {
        audience_csv_close(&csv);
        return rc;
    }
    *csv_out = csv;
    return 0;
}

static int open_workbook(
    struct audience_csv *csv, struct audience_csv **csv_out, struct base_err *err) {
    struct base_buf text;
    base_buf_init(&text, AUDIENCE__XLSX_TEXT_MOST);
    int rc = audience__xlsx_read(csv->name, &text, err);
    struct str bytes = base_buf_str(&text);
    csv->workbook = base_buf_take(&text);
    rc = rc ? rc
            : audience__csv_source_open_memory(
                  &csv->source, str_of(csv->workbook, bytes.bytes), err);
    if (rc) {
        audience_csv_close(&csv);
        return rc;
    }
    return open_source(csv, csv_out, err);
}

int audience_csv_open(const char *path, struct audience_csv **csv_out, struct base_err *err) {
    struct audience_csv *csv = base_alloc(sizeof(*csv));
    csv->name = base_strdup(path);
    if (audience__xlsx_is(path)) {
        return open_workbook(csv, csv_out, err);
    }
    int rc = audience__csv_source_open(&csv->source, path, err);
    if (rc) {
        (void)base_err_prefix(err, "%s", path);
        audience_csv_close(&csv);
        return rc;
    }
    return open_source(csv, csv_out, err);
}

int audience_csv_open_memory(
    struct str bytes, const char *name, struct audience_csv **csv_out, struct base_err *err) {
    struct audience_csv *csv = base_alloc(sizeof(*csv));
    csv->name = base_strdup(name);
    int rc = audience__csv_source_open_memory(&csv->source, bytes, err);
    if (rc) {
        (void)base_err_prefix(err, "%s", name);
        audience_csv_close(&csv);
        return rc;
    }
    return open_source(csv, csv_out, err);
}

void audience_csv_close(struct audience_csv **csv) {
    if (!*csv) {
        return;
    }
    audience__csv_source_close(&(*csv)->source);
    base_free((*csv)->name);
    base_free((*csv)->buffer);
    base_free((*csv)->spans);
    base_free((*csv)->headings);
    base_free((*csv)->heading_text);
    base_free((*csv)->workbook);
    base_free((*csv)->fields);
    base_free(*csv);
    *csv = NULL;
}

size_t audience_csv_columns(const struct audience_csv *csv) {
    return csv->columns;
}

struct str audience_csv_heading(const struct audience_csv *csv, size_t column) {
    BASE_ASSERT(column < csv->columns);
    return csv->headings[column];
}

int64_t audience_csv_rows(const struct audience_csv *csv) {
    return csv->rows;
}

int64_t audience_csv_bytes(const struct audience_csv *csv) {
    return csv->source.total;
}

int64_t audience_csv_position(const struct audience_csv *csv) {
    return csv->source.position;
}
