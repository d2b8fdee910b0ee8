/* The cells of one sheet, written as CSV lines. */
#include "audience/xlsx_private.h"

#include "base/civil.h"
#include "base/parse.h"
#include "base/tr.h"

#include <math.h>

struct xlsx__sheet {
    int64_t row;    /* being read, 1-based */
    int64_t lines;  /* written so far */
    size_t columns; /* of the heading: the first row that is not empty */
    size_t column;  /* of the cell being read, 0-based */
    size_t next;    /* the column a cell without address has */
    size_t style;
    char type[12];
    struct base_buf line;          /* of the row: its fields, each NUL-terminated */
    size_t at[XLSX__COLUMNS_MOST]; /* where each field begins in line, + 1; 0: empty */
    size_t used;                   /* columns with something in them */
    bool has_value;
};

struct xlsx__sheet *xlsx__sheet_new(void) {
    struct xlsx__sheet *sheet = base_alloc(sizeof *sheet);
    base_buf_init(&sheet->line, 4 << 20);
    return sheet;
}

void xlsx__sheet_free(struct xlsx__sheet **sheet) {
    base_buf_release(&(*sheet)->line);
    base_free(*sheet);
    *sheet = NULL;
}

/* "BC12" -> column 54, 0-based; false: no such address. */
static bool read_address(const char *text, size_t *column_out) {
    size_t column = 0, letters = 0;
    for (; text[letters] >= 'A' && text[letters] <= 'Z'; letters++) {
        column = 26 * column + (size_t)(text[letters] - 'A' + 1);
        if (letters > 3) {
            return false;
        }
    }
    *column_out = column - 1;
    return letters > 0;
}

static void row_start(struct xlsx__part *part, const char **attributes) {
    struct xlsx__sheet *sheet = part->state;
    const char *number = xlsx__attribute(attributes, "r");
    int64_t row = sheet->row + 1;
    if (number && base_parse_i64(str_from(number), &row) != 0) {
        row = 0;
    }
    if (row <= sheet->row) {
        xlsx__stop(part, LANTOA_EINVAL, TR("the rows of the sheet are not in order"));
    } else if (row > XLSX__ROWS_MOST) {
        xlsx__stop(part, LANTOA_ELIMIT, TR("the sheet has more than %d rows"), XLSX__ROWS_MOST);
    } else {
        sheet->row = row;
        sheet->next = sheet->used = 0;
        base_buf_clear(&sheet->line);
        memset(sheet->at, 0, sizeof sheet->at);
    }
}

static void cell_start(struct xlsx__part *part, const char **attributes) {
    struct xlsx__sheet *sheet = part->state;
    const char *address = xlsx__attribute(attributes, "r");
    const char *type = xlsx__attribute(attributes, "t");
    const char *style = xlsx__attribute(attributes, "s");
    uint64_t number = 0;
    sheet->column = sheet->next;
    if (address && !read_address(address, &sheet->column)) {
        xlsx__stop(
            part, LANTOA_EINVAL, TR("row %lld: a cell without an address"), (long long)sheet->row);
    }
    sheet->next = sheet->column + 1;
    snprintf(sheet->type, sizeof sheet->type, "%s", type ? type : "n");
    sheet->style = style && base_parse_u64(str_from(style), &number) == 0 ? (size_t)number : 0;
    sheet->has_value = false;
    base_buf_clear(&part->text);
}

/* Serial number of a day -> 2026-12-31, with the time when there is one. Day 60 of the 1900
 * calendar, 29 February 1900, never was: days before it stand one too low. */
static bool put_date(struct base_buf *line, double serial, bool since_1904) {
    if (!(serial >= 0 && serial < 2958466)) {
        return false;
    }
    int64_t seconds = (int64_t)llround(serial * 86400);
    int64_t day = seconds / 86400, time = seconds % 86400;
    const struct base_date first =
        since_1904 ? (struct base_date){1904, 1, 1} : (struct base_date){1899, 12, 30};
    char date[BASE_DATE_MAX];
    day += !since_1904 && day < 60;
    base_format_date(base_date_from_days(base_days_from_date(first) + day), date);
    base_buf_add_text(line, date);
    if (time) {
        base_buf_printf(
            line, "T%02d:%02d:%02d", (int)(time / 3600), (int)(time / 60 % 60), (int)(time % 60));
    }
    return true;
}

static void put_number(struct xlsx__part *part, struct str text) {
    struct xlsx__sheet *sheet = part->state;
    const struct xlsx__book *book = part->book;
    double value;
    bool date = sheet->style < book->style_count && book->style_is_date[sheet->style];
    if (base_parse_f64(text, &value) != 0) {
        base_buf_add_str(&sheet->line, text);
    } else if (date && put_date(&sheet->line, value, book->since_1904)) {
        return;
    } else if (fabs(value) < 1e15 && value == nearbyint(value)) {
        base_buf_printf(&sheet->line, "%.0f", value);
    } else {
        base_buf_printf(&sheet->line, "%.15g", value);
    }
}

static void put_shared(struct xlsx__part *part, struct str text) {
    struct xlsx__sheet *sheet = part->state;
    uint64_t index;
    if (base_parse_u64(text, &index) != 0 || index >= part->book->string_count) {
        xlsx__stop(part, LANTOA_EINVAL, TR("row %lld: a text that the workbook does not have"),
            (long long)sheet->row);
        return;
    }
    base_buf_add_str(&sheet->line, part->book->strings[index]);
}

static void cell_end(struct xlsx__part *part) {
    struct xlsx__sheet *sheet = part->state;
    struct str text = base_buf_str(&part->text);
    size_t begin = sheet->line.bytes;
    if (!sheet->has_value || text.bytes == 0) {
        return;
    }
    if (sheet->column >= XLSX__COLUMNS_MOST) {
        xlsx__stop(part, LANTOA_ELIMIT, TR("more than %d columns"), XLSX__COLUMNS_MOST);
        return;
    }
    if (strcmp(sheet->type, "s") == 0) {
        put_shared(part, text);
    } else if (strcmp(sheet->type, "n") == 0) {
        put_number(part, str_trim(text));
    } else {
        base_buf_add_str(&sheet->line, text); /* str, inlineStr, b, d, e: as they stand */
    }
    if (sheet->line.bytes == begin || part->code) {
        return;
    }
    base_buf_add_char(&sheet->line, '\0');
    if (!base_buf_ok(&sheet->line)) {
        xlsx__stop(part, LANTOA_ELIMIT, TR("the row is longer than %d KiB"), 4096);
        return;
    }
    sheet->at[sheet->column] = begin + 1;
    sheet->used = sheet->column + 1 > sheet->used ? sheet->column + 1 : sheet->used;
}

/* A field in quotes on one line: breaks inside a cell become blanks, so that lines are rows. */
static void put_field(struct base_buf *out, const char *text) {
    base_buf_add_char(out, '"');
    for (; *text; text++) {
        if (*text == '"') {
            base_buf_add_char(out, '"');
        }
        base_buf_add_char(out, *text == '\n' || *text == '\r' ? ' ' : *text);
    }
    base_buf_add_char(out, '"');
}

static void row_end(struct xlsx__part *part) {
    struct xlsx__sheet *sheet = part->state;
    if (sheet->used == 0) {
        return;
    }
    for (; sheet->lines < sheet->row - 1; sheet->lines++) {
        base_buf_add_char(part->out, '\n');
    }
    sheet->columns = sheet->columns ? sheet->columns : sheet->used;
    size_t columns = sheet->used > sheet->columns ? sheet->used : sheet->columns;
    for (size_t i = 0; i < columns; i++) {
        if (i > 0) {
            base_buf_add_char(part->out, ',');
        }
        if (sheet->at[i]) {
            put_field(part->out, sheet->line.at + sheet->at[i] - 1);
        }
    }
    base_buf_add_char(part->out, '\n');
    sheet->lines++;
    if (!base_buf_ok(part->out)) {
        xlsx__stop(part, LANTOA_ELIMIT, TR("the sheet is too large"));
    }
}

void XMLCALL xlsx__sheet_start(void *user, const char *name, const char **attributes) {
    struct xlsx__part *part = user;
    struct xlsx__sheet *sheet = part->state;
    name = xlsx__local(name);
    if (strcmp(name, "row") == 0) {
        row_start(part, attributes);
    } else if (strcmp(name, "c") == 0) {
        cell_start(part, attributes);
    }
    bool inline_text = strcmp(sheet->type, "inlineStr") == 0 && strcmp(name, "t") == 0;
    part->in_text = strcmp(name, "v") == 0 || inline_text;
    sheet->has_value = sheet->has_value || part->in_text;
}

void XMLCALL xlsx__sheet_end(void *user, const char *name) {
    struct xlsx__part *part = user;
    name = xlsx__local(name);
    part->in_text = false;
    if (part->code) {
        return;
    }
    if (strcmp(name, "c") == 0) {
        cell_end(part);
    } else if (strcmp(name, "row") == 0) {
        row_end(part);
    }
}
