/* Writes line,field,value,reason,row as CSV that Excel opens rightly (BOM, CR LF) and safely: a
 * cell that would be taken for a formula gets an apostrophe in front. A value is cut at 1 KiB: the
 * line number leads to the rest. */
#include "audience/rejects.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { VALUE_MOST = 1024, FILE_MODE = 0600 /* people's addresses */ };

struct audience__rejects {
    FILE *file;
    char *path;
};

static void write_cell(FILE *file, struct str value) {
    value.bytes = base_utf8_cut(value, VALUE_MOST);
    (void)fputc('"', file);
    if (value.bytes > 0 && value.at[0] && strchr("=+-@\t\r", value.at[0])) {
        (void)fputc('\'', file);
    }
    for (size_t i = 0; i < value.bytes; i++) {
        if (value.at[i] == '"') {
            (void)fputc('"', file);
        }
        (void)fputc(value.at[i], file);
    }
    (void)fputc('"', file);
}

int audience__rejects_open(
    const char *path, struct audience__rejects **rejects_out, struct base_err *err) {
    struct audience__rejects *rejects = base_alloc(sizeof(*rejects));
    if (path) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
        rejects->file = fd < 0 ? NULL : fdopen(fd, "w");
        if (!rejects->file) {
            int rc =
                base_err_set(err, LANTOA_EIO, TR("%s: cannot write: %s"), path, strerror(errno));
            if (fd >= 0) {
                (void)close(fd);
            }
            base_free(rejects);
            return rc;
        }
        rejects->path = base_strdup(path);
        (void)fputs("\xef\xbb\xbfline,field,value,reason,row\r\n", rejects->file);
    }
    *rejects_out = rejects;
    return 0;
}

void audience__rejects_add(struct audience__rejects *rejects, int64_t line, struct str field,
    struct str value, const char *reason, bool kept) {
    FILE *file = rejects->file;
    if (!file) {
        return;
    }
    (void)fprintf(file, "%lld,", (long long)line);
    write_cell(file, field);
    (void)fputc(',', file);
    write_cell(file, value);
    (void)fputc(',', file);
    write_cell(file, str_from(reason));
    (void)fprintf(file, ",%s\r\n", kept ? "kept" : "refused");
}

int audience__rejects_close(struct audience__rejects **rejects, struct base_err *err) {
    struct audience__rejects *own = *rejects;
    if (!own) {
        return 0;
    }
    int rc = 0;
    if (own->file) {
        bool failed = ferror(own->file) != 0;
        if (fclose(own->file) || failed) {
            rc = base_err_set(
                err, LANTOA_EIO, TR("%s: cannot write: %s"), own->path, strerror(errno));
        }
    }
    base_free(own->path);
    base_free(own);
    *rejects = NULL;
    return rc;
}
