/* The first visible sheet of an XLSX workbook as CSV text, so that every import takes workbooks.
 * Private to core/audience. Knows no columns.
 *
 * Line N of the text is row N of the sheet, so errors name the row people see. Values are as
 * stored: texts, whole numbers without exponent, dates as 2026-12-31 (with T08:00:00 where the cell
 * has a time), both of the 1900 and the 1904 calendar. Formulas are not evaluated: the value the
 * spreadsheet program left beside one is taken, none is empty.
 *
 * A workbook is refused (LANTOA_ELIMIT) when it has more than 2,000 parts, a part that unpacks to
 * over 200 times its size or over 512 MiB, shared texts over 128 MiB, or a sheet over 256 MiB of
 * text or 1,024 columns; (LANTOA_EINVAL) when a part is no XML, declares a document type (no
 * entities are ever expanded), or its rows go back. Source: ECMA-376 part 1, 18.2, 18.3, 18.8. */
#ifndef AUDIENCE_XLSX_H
#define AUDIENCE_XLSX_H

#include "base/buf.h"
#include "base/err.h"

#define AUDIENCE__XLSX_TEXT_MOST ((size_t)256 << 20)

/* true if the file begins like a ZIP archive. */
bool audience__xlsx_is(const char *path);
/* Appends the sheet to out, whose ceiling should be AUDIENCE__XLSX_TEXT_MOST. */
int audience__xlsx_read(
    const char *path, struct base_buf *out, struct base_err *err) LANTOA_MUST_CHECK;
/* The same from memory; name is what errors call it. */
int audience__xlsx_read_memory(struct str bytes, const char *name, struct base_buf *out,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
