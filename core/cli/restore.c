/* lantoa restore: puts a backup in the database's place. The helpers of the old file (-wal) must
 * never be left beside the new one: SQLite would play them into it without a word. */
#include "base/civil.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/tr.h"
#include "campaign/store.h"
#include "cli/cli.h"
#include "store/schema.h"
#include <errno.h>
#include <unistd.h>

/* The database first: without it nothing works on what is left if we die in between. */
static const char *const tails[] = {"", "-wal", "-shm", "-journal"};
enum { TAILS = sizeof tails / sizeof tails[0] };

/* A whole database of this program or an older one. */
static int open_copy(struct cli *cli, const char *path, struct db **copy_out) {
    int version = 0;
    int rc = db_open(path, DB_OPEN_READ_ONLY, copy_out, &cli->err);
    rc = rc ? rc : schema_version(*copy_out, &version, &cli->err);
    if (rc == 0 && version == 0) {
        rc = base_err_set(&cli->err, LANTOA_EINVAL, TR("%s is no backup of lantoa"), path);
    }
    return rc ? rc : db_check(*copy_out, &cli->err);
}

/* Moves the database and its helpers to the name kept, those that are there. *moved_out: there was
 * a database. */
static int put_aside(struct cli *cli, const char *path, const char *kept, bool *moved_out) {
    int rc = 0;
    for (int i = 0; rc == 0 && i < TAILS; i++) {
        char *from = base_printf("%s%s", path, tails[i]);
        char *to = base_printf("%s%s", kept, tails[i]);
        if (rename(from, to) == 0) {
            *moved_out = *moved_out || i == 0;
        } else if (errno != ENOENT) {
            rc = base_err_set(
                &cli->err, LANTOA_EIO, TR("%s: cannot be moved: %s"), from, strerror(errno));
        }
        base_free(from);
        base_free(to);
    }
    return rc;
}

static int note(struct cli *cli, const char *path, const char *from) {
    struct db *db = NULL;
    int rc = db_open(path, 0, &db, &cli->err);
    rc = rc ? rc : schema_upgrade(db, &cli->err);
    rc = rc ? rc : audit_add(db, cli->who, "restore", from, NULL, &cli->err);
    db_close(&db);
    return rc;
}

int cli_restore(struct cli *cli) {
    const char *file = cli->args[0];
    struct db *copy = NULL;
    int lock = -1;
    bool moved = false;
    struct base_civil now = base_civil_from_ms(base_clock_wall_ms(), 0);
    char *name = base_printf("scratch-%ld-restore.db", (long)getpid());
    char *part = base_path_join(cli->data_dir, name);
    char *path = base_path_join(cli->data_dir, "lantoa.db");
    char *lock_path = base_path_join(cli->data_dir, "serve.lock");
    char *kept = base_printf("%s.before-%04d%02d%02dT%02d%02d%02dZ-%ld", path, now.year, now.month,
        now.day, now.hour, now.minute, now.second, (long)getpid());
    int rc = open_copy(cli, file, &copy);
    rc = rc ? rc : base_dir_make(cli->data_dir, 0700, &cli->err);
    rc = rc ? rc : base_lock_take(lock_path, &lock, &cli->err);
    if (rc == LANTOA_EBUSY) {
        rc = base_err_set(
            &cli->err, rc, TR("a lantoa serve works on %s: end it first"), cli->data_dir);
    }
    rc = rc ? rc : db_backup(copy, part, &cli->err);
    rc = rc ? rc : put_aside(cli, path, kept, &moved);
    rc = rc ? rc : base_file_place(part, path, &cli->err);
    rc = rc ? rc : note(cli, path, file);
    if (rc == 0) {
        cli_say(cli, json_pack("{s:s,s:s?}", "restored", file, "kept", moved ? kept : NULL),
            moved ? TR("%s is the database now; the one before is kept as %s. Campaigns that ran "
                       "wait for campaign resume")
                  : TR("%s is the database now. Campaigns that ran wait for campaign resume"),
            file, kept);
    }
    if (lock >= 0) {
        close(lock);
    }
    (void)unlink(part);
    db_close(&copy);
    base_free(name);
    base_free(part);
    base_free(path);
    base_free(lock_path);
    base_free(kept);
    return rc;
}
