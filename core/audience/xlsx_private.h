/* Shared by the two files of the XLSX reader: xlsx.c opens the archive and finds the parts,
 * xlsx_sheet.c reads cells. */
#ifndef AUDIENCE_XLSX_PRIVATE_H
#define AUDIENCE_XLSX_PRIVATE_H

#include "audience/xlsx.h"
#include "base/mem.h"

#include <expat.h>

enum {
    XLSX__COLUMNS_MOST = 1024,
    XLSX__ROWS_MOST = 1048576,
    XLSX__STYLES_MOST = 65536,
    XLSX__STRINGS_MOST = 4000000,
    XLSX__CELL_MOST = 65536
};

struct xlsx__book {
    struct base_arena *texts; /* of shared strings */
    struct str *strings;
    size_t string_count, string_room, string_bytes;
    bool *style_is_date; /* per cell format */
    size_t style_count, style_room;
    bool since_1904;
    char sheet_id[64], sheet[256]; /* relation of the first visible sheet, and its part */
};

/* One XML part being read. start gets names without prefix. */
struct xlsx__part {
    struct xlsx__book *book;
    XML_Parser parser;
    struct base_buf *out;
    int code; /* negative: stopped */
    struct base_err *err;
    struct base_buf text; /* of the element being read */
    bool in_text;
    void *state;
};

/* Stops the reading of a part. */
void xlsx__stop(struct xlsx__part *part, int code, const char *fmt, ...) LANTOA_PRINTF(3, 4);
/* The name behind its prefix. */
const char *xlsx__local(const char *name);
const char *xlsx__attribute(const char **attributes, const char *name);

/* Handlers of a sheet; state is a struct xlsx__sheet. */
struct xlsx__sheet;
struct xlsx__sheet *xlsx__sheet_new(void);
void xlsx__sheet_free(struct xlsx__sheet **sheet);
void XMLCALL xlsx__sheet_start(void *part, const char *name, const char **attributes);
void XMLCALL xlsx__sheet_end(void *part, const char *name);

#endif
