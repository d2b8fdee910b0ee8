/* Takes away materials that nothing names: a program that ended between the file and the commit of
 * what names it leaves one behind. */
#include "campaign/store.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include <dirent.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { NAME_CHARS = 2 * BASE_SHA256_BYTES, OLD_S = 24 * 60 * 60 };

struct names {
    char (*rows)[NAME_CHARS + 1]; /* sorted */
    bool *named;
    size_t count, room;
};

static bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_name(const char *name) {
    size_t count = 0;
    while (is_hex(name[count])) {
        count++;
    }
    return count == NAME_CHARS && name[count] == '\0';
}

static int name_order(const void *a, const void *b) {
    return memcmp(a, b, NAME_CHARS);
}

/* A younger file may belong to a transaction that is still open. */
static bool is_old(const char *path) {
    struct stat found;
    return stat(path, &found) == 0 && S_ISREG(found.st_mode) && time(NULL) - found.st_mtime > OLD_S;
}

static void list_old(const char *data_dir, struct names *names) {
    char *folder = base_path_join(data_dir, "materials");
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char *path = base_path_join(folder, entry->d_name);
        if (is_name(entry->d_name) && is_old(path)) {
            if (names->count == names->room) {
                names->room = names->room ? 2 * names->room : 64;
                names->rows = base_realloc(names->rows, names->room * sizeof *names->rows);
            }
            memcpy(names->rows[names->count++], entry->d_name, NAME_CHARS + 1);
        }
        base_free(path);
    }
    if (dir) {
        closedir(dir);
    }
    base_free(folder);
    if (names->count) {
        qsort(names->rows, names->count, sizeof *names->rows, name_order);
    }
    names->named = base_alloc_array(names->count + 1, sizeof *names->named);
}

static void mark(struct names *names, struct str text) {
    size_t run = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        run = is_hex(text.at[i]) ? run + 1 : 0;
        if (run >= NAME_CHARS) {
            char(*found)[NAME_CHARS + 1] = bsearch(text.at + i + 1 - NAME_CHARS, names->rows,
                names->count, sizeof *names->rows, name_order);
            if (found) {
                names->named[found - names->rows] = true;
            }
        }
    }
}

static int mark_all(struct db *db, struct names *names, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT CAST(spec AS TEXT) FROM campaign UNION ALL SELECT CAST(spec AS TEXT) FROM theme "
        "UNION ALL SELECT sha256 FROM recording UNION ALL SELECT source_sha256 FROM recording",
        &stmt, err);
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        mark(names, db_column_str(stmt, 0));
        rc = 0;
    }
    db_finish(&stmt);
    return rc;
}

int campaign_material_sweep(
    struct db *db, const char *data_dir, int64_t *swept_out, struct base_err *err) {
    struct names names = {0};
    *swept_out = 0;
    list_old(data_dir, &names);
    int rc = names.count ? mark_all(db, &names, err) : 0;
    for (size_t i = 0; rc == 0 && i < names.count; i++) {
        char *path = names.named[i] ? NULL : campaign_material_path(data_dir, names.rows[i]);
        *swept_out += path && unlink(path) == 0;
        base_free(path);
    }
    if (*swept_out) {
        base_log(BASE_LOG_INFO, "campaign", "%lld materials that nothing names are gone",
            (long long)*swept_out);
    }
    base_free(names.rows);
    base_free(names.named);
    return rc;
}
