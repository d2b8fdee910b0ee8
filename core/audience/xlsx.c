/* Opens a workbook: the archive with its guards, the parts that say which sheet comes first, what
 * the shared texts are and which cell formats are dates. */
#include "audience/xlsx_private.h"

#include "base/log.h"
#include "base/parse.h"
#include "base/tr.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <zip.h>

enum {
    ENTRIES_MOST = 2000,
    RATIO_MOST = 200,
    RATIO_FROM = 1 << 20, /* smaller parts may be as dense as they like */
    CHUNK = 64 * 1024
};
#define PART_MOST (UINT64_C(512) << 20)
#define STRINGS_BYTES_MOST ((size_t)128 << 20)

void xlsx__stop(struct xlsx__part *part, int code, const char *fmt, ...) {
    char text[512];
    va_list args;
    if (part->code == 0) {
        va_start(args, fmt);
        vsnprintf(text, sizeof text, fmt, args);
        va_end(args);
        part->code = base_err_set(part->err, code, "%s", text);
        XML_StopParser(part->parser, XML_FALSE);
    }
}

const char *xlsx__local(const char *name) {
    const char *colon = strrchr(name, ':');
    return colon ? colon + 1 : name;
}

const char *xlsx__attribute(const char **attributes, const char *name) {
    for (size_t i = 0; attributes[i]; i += 2) {
        if (strcmp(xlsx__local(attributes[i]), name) == 0) {
            return attributes[i + 1];
        }
    }
    return NULL;
}

static void XMLCALL on_text(void *user, const char *at, int bytes) {
    struct xlsx__part *part = user;
    if (part->in_text) {
        base_buf_add(&part->text, at, (size_t)bytes);
        if (!base_buf_ok(&part->text)) {
            xlsx__stop(
                part, LANTOA_ELIMIT, TR("a cell is longer than %d KiB"), XLSX__CELL_MOST / 1024);
        }
    }
}

/* Entities are how a small XML text becomes a large one; no workbook needs a document type. */
static void XMLCALL on_doctype(
    void *user, const char *name, const char *system, const char *public, int internal) {
    (void)name;
    (void)system;
    (void)public;
    (void)internal;
    xlsx__stop(user, LANTOA_EINVAL, TR("the workbook declares a document type: refused"));
}

/* --- archive --- */

static int check_entries(zip_t *zip, struct base_err *err) {
    zip_int64_t count = zip_get_num_entries(zip, 0);
    if (count < 0 || count > ENTRIES_MOST) {
        return base_err_set(
            err, LANTOA_ELIMIT, TR("the workbook has more than %d parts"), ENTRIES_MOST);
    }
    for (zip_uint64_t i = 0; i < (zip_uint64_t)count; i++) {
        zip_stat_t st;
        if (zip_stat_index(zip, i, 0, &st) != 0 || !(st.valid & ZIP_STAT_SIZE) ||
            !(st.valid & ZIP_STAT_COMP_SIZE)) {
            return base_err_set(err, LANTOA_EINVAL, TR("the archive is damaged"));
        }
        if (st.size > PART_MOST || (st.size > RATIO_FROM && st.size / RATIO_MOST > st.comp_size)) {
            return base_err_set(err, LANTOA_ELIMIT,
                TR("a part unpacks to %llu bytes from %llu: that is a bomb and not a table"),
                (unsigned long long)st.size, (unsigned long long)st.comp_size);
        }
    }
    return 0;
}

/* Feeds a part to the handlers; LANTOA_ENOENT: the archive has no such part. */
static int read_part(zip_t *zip, const char *name, struct xlsx__part *part,
    XML_StartElementHandler start, XML_EndElementHandler end) {
    zip_int64_t index = zip_name_locate(zip, name, 0);
    zip_file_t *file = index < 0 ? NULL : zip_fopen_index(zip, (zip_uint64_t)index, 0);
    if (!file) {
        return LANTOA_ENOENT;
    }
    char *chunk = base_alloc(CHUNK);
    uint64_t total = 0;
    zip_int64_t count = 1;
    base_buf_init(&part->text, XLSX__CELL_MOST);
    part->parser = XML_ParserCreate(NULL);
    BASE_ASSERT(part->parser);
    part->code = 0;
    part->in_text = false;
    XML_SetUserData(part->parser, part);
    XML_SetElementHandler(part->parser, start, end);
    XML_SetCharacterDataHandler(part->parser, on_text);
    XML_SetStartDoctypeDeclHandler(part->parser, on_doctype);
    while (part->code == 0 && count > 0) {
        count = zip_fread(file, chunk, CHUNK);
        total += count > 0 ? (uint64_t)count : 0;
        if (count < 0 || total > PART_MOST) {
            part->code = base_err_set(part->err, LANTOA_EINVAL, TR("the archive is damaged"));
        } else if (XML_Parse(part->parser, chunk, (int)count, count == 0) != XML_STATUS_OK &&
                   part->code == 0) {
            part->code = base_err_set(part->err, LANTOA_EINVAL, TR("part %s, line %lu: %s"), name,
                (unsigned long)XML_GetCurrentLineNumber(part->parser),
                XML_ErrorString(XML_GetErrorCode(part->parser)));
        }
    }
    XML_ParserFree(part->parser);
    base_buf_release(&part->text);
    base_free(chunk);
    zip_fclose(file);
    return part->code;
}

/* --- which sheet --- */

static void XMLCALL workbook_start(void *user, const char *name, const char **attributes) {
    struct xlsx__part *part = user;
    name = xlsx__local(name);
    if (strcmp(name, "workbookPr") == 0) {
        const char *flag = xlsx__attribute(attributes, "date1904");
        part->book->since_1904 = flag && (strcmp(flag, "1") == 0 || strcmp(flag, "true") == 0);
    } else if (strcmp(name, "sheet") == 0 && part->book->sheet_id[0] == '\0') {
        const char *state = xlsx__attribute(attributes, "state");
        const char *id = NULL;
        for (size_t i = 0; attributes[i]; i += 2) { /* r:id, not sheetId */
            if (strcmp(xlsx__local(attributes[i]), "id") == 0) {
                id = attributes[i + 1];
            }
        }
        if (id && (!state || strcmp(state, "visible") == 0)) {
            snprintf(part->book->sheet_id, sizeof part->book->sheet_id, "%s", id);
        }
    }
}

static void XMLCALL relations_start(void *user, const char *name, const char **attributes) {
    struct xlsx__part *part = user;
    const char *id = xlsx__attribute(attributes, "Id");
    const char *target = xlsx__attribute(attributes, "Target");
    if (strcmp(xlsx__local(name), "Relationship") == 0 && id && target &&
        strcmp(id, part->book->sheet_id) == 0) {
        bool absolute = target[0] == '/';
        snprintf(part->book->sheet, sizeof part->book->sheet, "%s%s", absolute ? "" : "xl/",
            target + absolute);
    }
}

static void XMLCALL nothing_end(void *user, const char *name) {
    (void)user;
    (void)name;
}

/* --- shared texts --- */

static void XMLCALL strings_start(void *user, const char *name, const char **attributes) {
    struct xlsx__part *part = user;
    bool *phonetic = part->state;
    (void)attributes;
    name = xlsx__local(name);
    if (strcmp(name, "si") == 0) {
        base_buf_clear(&part->text);
    } else if (strcmp(name, "rPh") == 0) {
        *phonetic = true; /* how it is read aloud, not what it says */
    }
    part->in_text = strcmp(name, "t") == 0 && !*phonetic;
}

static void XMLCALL strings_end(void *user, const char *name) {
    struct xlsx__part *part = user;
    struct xlsx__book *book = part->book;
    name = xlsx__local(name);
    part->in_text = false;
    if (strcmp(name, "rPh") == 0) {
        *(bool *)part->state = false;
    }
    if (strcmp(name, "si") != 0) {
        return;
    }
    book->string_bytes += part->text.bytes;
    if (book->string_count == XLSX__STRINGS_MOST || book->string_bytes > STRINGS_BYTES_MOST) {
        xlsx__stop(part, LANTOA_ELIMIT, TR("the workbook has too many texts"));
        return;
    }
    if (book->string_count == book->string_room) {
        book->string_room = book->string_room ? 2 * book->string_room : 1024;
        book->strings = base_realloc(book->strings, book->string_room * sizeof *book->strings);
    }
    book->strings[book->string_count++] = str_of(
        base_arena_strndup(book->texts, part->text.at ? part->text.at : "", part->text.bytes),
        part->text.bytes);
}

/* --- which formats are dates --- */

struct formats {
    bool in_cells; /* inside cellXfs, not cellStyleXfs */
    uint32_t ids[1024];
    bool dates[1024];
    size_t count;
};

/* A format code with d, m, y or h outside quotes and brackets. */
static bool code_is_date(const char *code) {
    bool quoted = false, bracket = false;
    for (; *code; code++) {
        if (*code == '\\' && code[1]) {
            code++;
        } else if (*code == '"') {
            quoted = !quoted;
        } else if (!quoted && *code == '[') {
            bracket = true;
        } else if (!quoted && *code == ']') {
            bracket = false;
        } else if (!quoted && !bracket && strchr("dDyY", *code)) {
            return true;
        }
    }
    return false;
}

static bool format_is_date(const struct formats *formats, uint64_t id) {
    for (size_t i = 0; i < formats->count; i++) {
        if (formats->ids[i] == id) {
            return formats->dates[i];
        }
    }
    return (id >= 14 && id <= 17) || id == 22 || (id >= 27 && id <= 36) || (id >= 50 && id <= 58);
}

static void XMLCALL styles_start(void *user, const char *name, const char **attributes) {
    struct xlsx__part *part = user;
    struct xlsx__book *book = part->book;
    struct formats *formats = part->state;
    const char *id_text = xlsx__attribute(attributes, "numFmtId");
    uint64_t id = 0;
    name = xlsx__local(name);
    if (id_text && base_parse_u64(str_from(id_text), &id) != 0) {
        id = 0;
    }
    if (strcmp(name, "cellXfs") == 0) {
        formats->in_cells = true;
    } else if (strcmp(name, "numFmt") == 0 && formats->count < 1024) {
        const char *code = xlsx__attribute(attributes, "formatCode");
        formats->ids[formats->count] = (uint32_t)id;
        formats->dates[formats->count++] = code && code_is_date(code);
    } else if (strcmp(name, "xf") == 0 && formats->in_cells &&
               book->style_count < XLSX__STYLES_MOST) {
        if (book->style_count == book->style_room) {
            book->style_room = book->style_room ? 2 * book->style_room : 64;
            book->style_is_date =
                base_realloc(book->style_is_date, book->style_room * sizeof(bool));
        }
        book->style_is_date[book->style_count++] = format_is_date(formats, id);
    }
}

static void XMLCALL styles_end(void *user, const char *name) {
    struct xlsx__part *part = user;
    if (strcmp(xlsx__local(name), "cellXfs") == 0) {
        ((struct formats *)part->state)->in_cells = false;
    }
}

/* --- the whole --- */

static int read_book(zip_t *zip, struct base_buf *out, struct base_err *err) {
    struct xlsx__book book = {.texts = base_arena_new()};
    struct xlsx__part part = {.book = &book, .out = out, .err = err};
    struct formats *formats = base_alloc(sizeof *formats);
    struct xlsx__sheet *sheet = xlsx__sheet_new();
    bool phonetic = false;
    int rc = check_entries(zip, err);
    rc = rc ? rc : read_part(zip, "xl/workbook.xml", &part, workbook_start, nothing_end);
    if (rc == 0) {
        rc = read_part(zip, "xl/_rels/workbook.xml.rels", &part, relations_start, nothing_end);
    }
    if (rc == LANTOA_ENOENT || (rc == 0 && book.sheet[0] == '\0')) {
        rc = base_err_set(err, LANTOA_EINVAL, TR("no workbook with a visible sheet"));
    }
    part.state = &phonetic;
    if (rc == 0 && (rc = read_part(zip, "xl/sharedStrings.xml", &part, strings_start,
                        strings_end)) == LANTOA_ENOENT) {
        rc = 0;
    }
    part.state = formats;
    if (rc == 0 &&
        (rc = read_part(zip, "xl/styles.xml", &part, styles_start, styles_end)) == LANTOA_ENOENT) {
        rc = 0;
    }
    part.state = sheet;
    if (rc == 0 && (rc = read_part(zip, book.sheet, &part, xlsx__sheet_start, xlsx__sheet_end)) ==
                       LANTOA_ENOENT) {
        rc = base_err_set(err, LANTOA_EINVAL, TR("no workbook with a visible sheet"));
    }
    if (rc == 0 && !base_buf_ok(out)) {
        rc = base_err_set(err, LANTOA_ELIMIT, TR("the sheet is too large"));
    }
    xlsx__sheet_free(&sheet);
    base_free(formats);
    base_free(book.strings);
    base_free(book.style_is_date);
    base_arena_free(&book.texts);
    return rc;
}

static int not_a_workbook(const char *name, struct base_err *err) {
    return base_err_set(err, LANTOA_EINVAL,
        TR("%s: no XLSX workbook, or one that is damaged or protected by a password"), name);
}

static int read_archive(zip_t *zip, const char *name, struct base_buf *out, struct base_err *err) {
    int rc = read_book(zip, out, err);
    zip_discard(zip);
    return rc ? base_err_prefix(err, "%s", name) : 0;
}

int audience__xlsx_read(const char *path, struct base_buf *out, struct base_err *err) {
    int fault = 0;
    zip_t *zip = zip_open(path, ZIP_RDONLY, &fault);
    return zip ? read_archive(zip, path, out, err) : not_a_workbook(path, err);
}

int audience__xlsx_read_memory(
    struct str bytes, const char *name, struct base_buf *out, struct base_err *err) {
    zip_error_t fault;
    zip_error_init(&fault);
    zip_source_t *source = zip_source_buffer_create(bytes.at, bytes.bytes, 0, &fault);
    zip_t *zip = source ? zip_open_from_source(source, ZIP_RDONLY, &fault) : NULL;
    zip_error_fini(&fault);
    if (!zip) {
        zip_source_free(source);
        return not_a_workbook(name, err);
    }
    return read_archive(zip, name, out, err);
}

bool audience__xlsx_is(const char *path) {
    char head[4] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t count = read(fd, head, sizeof head);
    close(fd);
    return count == 4 && memcmp(head, "PK\x03\x04", 4) == 0;
}
