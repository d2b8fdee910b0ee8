/* Throw-away copies of the database. */
#include "delivery/scratch.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#define PREFIX "scratch-"

int scratch_open(struct db *db, const char *data_dir, const char *word, struct scratch *scratch_out,
    struct base_err *err) {
    char name[80];
    *scratch_out = (struct scratch){0};
    snprintf(name, sizeof name, PREFIX "%ld-%s.db", (long)getpid(), word);
    scratch_out->path = base_path_join(data_dir, name);
    int rc = db_backup(db, scratch_out->path, err);
    if (rc == 0) {
        rc = db_open(scratch_out->path, DB_OPEN_SCRATCH, &scratch_out->db, err);
    }
    if (rc != 0) {
        scratch_close(scratch_out);
    }
    return rc;
}

int scratch_open_plan(struct db *db, struct scratch *scratch_out, struct base_err *err) {
    static const struct db_shadow tables[] = {{"campaign", true}, {"step", true},
        {"message", false}, {"link", false}, {"approval", false}, {"audit", false},
        {"airing", true}, {"airing_refusal", false}};
    *scratch_out = (struct scratch){0};
    return db_shadow_open(db, tables, sizeof tables / sizeof tables[0], &scratch_out->db, err);
}

void scratch_close(struct scratch *scratch) {
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    db_close(&scratch->db);
    for (size_t i = 0; scratch->path && i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char *file = base_printf("%s%s", scratch->path, suffixes[i]);
        unlink(file);
        base_free(file);
    }
    base_free(scratch->path);
    scratch->path = NULL;
}

/* "scratch-123-cost.db-wal" -> 123; 0 when it is no name of ours. */
static int64_t owner_of(const char *name) {
    int64_t pid = 0;
    struct str rest = str_from(name);
    if (!str_starts(rest, STR(PREFIX))) {
        return 0;
    }
    rest = str_of(rest.at + strlen(PREFIX), rest.bytes - strlen(PREFIX));
    struct str number = str_cut(&rest, '-');
    return base_parse_i64(number, &pid) == 0 && pid > 0 ? pid : 0;
}

void scratch_sweep(const char *data_dir) {
    DIR *dir = opendir(data_dir);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        int64_t pid = owner_of(entry->d_name);
        if (pid && kill((pid_t)pid, 0) != 0 && errno == ESRCH) {
            char *path = base_path_join(data_dir, entry->d_name);
            if (unlink(path) == 0) {
                base_log(BASE_LOG_INFO, "serve", "removed the left-over copy %s", entry->d_name);
            }
            base_free(path);
        }
    }
    if (dir) {
        closedir(dir);
    }
}
