/* The data folder: init, backup, doctor, rules. */
#include "audience/outlet.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/tr.h"
#include "campaign/contribution.h"
#include "campaign/speech.h"
#include "campaign/store.h"
#include "cli/cli.h"
#include "conversion/touch_rules.h"
#include "delivery/approval_rules.h"
#include "delivery/doctor.h"
#include "delivery/rules.h"
#include "report/document.h"
#include "report/kept.h"
#include "store/schema.h"
#include <sys/stat.h>
#include <unistd.h>

#define SCHEMA_MOST ((size_t)1 << 20)

static int make_database(struct cli *cli, const char *path, bool fresh) {
    uint8_t key[BASE_SHA256_BYTES];
    char hex[2 * BASE_SHA256_BYTES + 1];
    char *have = NULL;
    int rc = db_open(path, fresh ? DB_OPEN_CREATE : 0, &cli->db, &cli->err);
    if (rc == 0) {
        rc = fresh ? schema_migrate(cli->db, &cli->err) : schema_upgrade(cli->db, &cli->err);
    }
    if (rc == 0) {
        rc = schema_meta_get(cli->db, "instance_key", &have, &cli->err);
    }
    if (rc == LANTOA_ENOENT) {
        base_random(key, sizeof key);
        base_hex(key, sizeof key, hex);
        rc = schema_meta_set(cli->db, "instance_key", hex, &cli->err);
        if (rc == 0) {
            rc = schema_meta_set(cli->db, "rules", rules_default(), &cli->err);
        }
        if (rc == 0) {
            rc = audit_add(cli->db, cli->who, "init", cli->data_dir, NULL, &cli->err);
        }
    }
    base_free(have);
    return rc;
}

/* A folder in which making the database failed (a full disk) is to look as it did before, so a new
 * one is made beside its place and put there whole. Its name is one that scratch_sweep knows. */
static int make_fresh_database(struct cli *cli, const char *path, bool *made_out) {
    static const char *const tails[] = {"", "-wal", "-shm", "-journal"};
    char *name = base_printf("scratch-%ld-init.db", (long)getpid());
    char *part = base_path_join(cli->data_dir, name);
    char *lost_wal = base_printf("%s-wal", path);
    int rc = 0;
    if (base_file_exists(lost_wal)) {
        rc = base_err_set(&cli->err, LANTOA_ESTATE,
            TR("%s lies there without its database: put that back, or a backup (lantoa restore "
               "FILE)"),
            lost_wal);
    }
    base_free(lost_wal);
    rc = rc ? rc : base_file_make(part, 0600, &cli->err);
    rc = rc ? rc : make_database(cli, part, true);
    rc = rc ? rc : db_checkpoint(cli->db, &cli->err);
    db_close(&cli->db);
    rc = rc ? rc : base_file_place(part, path, &cli->err);
    *made_out = rc == 0;
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        char *left = base_printf("%s%s", part, tails[i]);
        (void)unlink(left);
        base_free(left);
    }
    base_free(part);
    base_free(name);
    return rc;
}

static int init(struct cli *cli) {
    char *path = base_path_join(cli->data_dir, "lantoa.db");
    bool folder_was_there = base_file_exists(cli->data_dir), made = false;
    /* People's data: nobody but the owner reads the folder. */
    int rc = base_dir_make(cli->data_dir, 0700, &cli->err);
    if (rc == 0 && !base_file_exists(path)) {
        rc = make_fresh_database(cli, path, &made);
        if (rc != 0 && rc != LANTOA_EEXIST && !folder_was_there) {
            (void)rmdir(cli->data_dir);
        }
    }
    /* It was there, of an older version perhaps; or somebody else was faster. */
    if ((rc == 0 && !made) || rc == LANTOA_EEXIST) {
        rc = make_database(cli, path, false);
    }
    if (rc == 0) {
        cli->err.text[0] = '\0';
        cli_say(cli, json_pack("{s:s,s:b}", "data", cli->data_dir, "created", made),
            made ? TR("data folder %s is ready") : TR("data folder %s was there already"),
            cli->data_dir);
    }
    base_free(path);
    return rc;
}

static int backup(struct cli *cli) {
    const char *path = cli->args[0];
    if (base_file_exists(path)) {
        return base_err_set(
            &cli->err, LANTOA_EEXIST, TR("%s exists already; a backup never overwrites"), path);
    }
    int rc = db_backup(cli->db, path, &cli->err);
    if (rc == 0) {
        struct stat st = {0};
        stat(path, &st);
        cli_say(cli, json_pack("{s:s,s:I}", "file", path, "bytes", (json_int_t)st.st_size),
            TR("backup in %s, %lld bytes"), path, (long long)st.st_size);
    }
    return rc;
}

static int add_finding(void *arg, const struct doctor_finding *finding) {
    struct report_table *table = arg;
    json_t *values[] = {json_string(finding->check), json_string(finding->ok ? "ok" : "fault"),
        json_string(finding->text)};
    report_table_add(table, values);
    return 0;
}

/* The figures that the reports keep, against the ledger. */
static int check_kept(struct cli *cli, struct report_table *table, bool *right_out) {
    int64_t same;
    int64_t wrong;
    int rc = kept_check(cli->db, REPORT_LOCAL_OFFSET_MIN, &same, &wrong, &cli->err);
    if (rc == 0) {
        char *text =
            base_printf(wrong ? TR("kept figures of %lld steps differ from the ledger: run "
                                   "lantoa report recount")
                              : TR("kept figures of %lld steps agree with the ledger"),
                (long long)(wrong ? wrong : same));
        add_finding(table, &(struct doctor_finding){"kept_figures", wrong == 0, text});
        base_free(text);
    }
    *right_out = rc == 0 && wrong == 0;
    return rc;
}

static int doctor(struct cli *cli) {
    const struct report_column columns[] = {{"check", TR("check"), REPORT_TEXT},
        {"result", TR("result"), REPORT_TEXT}, {"text", "", REPORT_TEXT}};
    struct report_table table;
    bool healthy;
    report_table_init(&table, columns, 3);
    int rc = doctor_run(cli->db, cli->data_dir, add_finding, &table, &healthy, &cli->err);
    if (rc == LANTOA_ECORRUPT && table.row_count > 0) {
        cli_table(cli, &table);
        return rc;
    }
    if (rc != 0) {
        report_table_release(&table);
        return rc;
    }
    bool right;
    rc = check_kept(cli, &table, &right);
    if (rc != 0) {
        report_table_release(&table);
        return rc;
    }
    healthy &= right;
    cli_table(cli, &table);
    return healthy ? 0 : base_err_set(&cli->err, LANTOA_EINVAL, "%s", TR("doctor found a fault"));
}

static int apply_audited(struct cli *cli, const char *path,
    int (*apply)(struct db *db, const char *path, struct base_err *err)) {
    int rc = db_begin(cli->db, &cli->err);
    if (rc) {
        return rc;
    }
    rc = apply(cli->db, path, &cli->err);
    rc = rc ? rc : audit_add(cli->db, cli->who, "apply", "rules", path, &cli->err);
    if (rc == 0) {
        return db_commit(cli->db, &cli->err);
    }
    db_rollback(cli->db);
    return rc;
}

/* What a file of rules holds is told by its first key. */
static int apply_file(struct cli *cli, const char *path) {
    struct base_json *doc = NULL;
    int rc = base_json_load(path, &doc, &cli->err);
    if (rc != 0) {
        return rc;
    }
    bool contribution = json_object_get(base_json_root(doc), "contribution") != NULL;
    bool approval = approval_rules_are(doc);
    bool outlets = outlet_rules_are(doc), speech = speech_is(doc);
    bool attribution = touch_rules_are(doc);
    base_json_free(&doc);
    if (approval) {
        return approval_rules_apply(cli->db, path, cli->who, &cli->err);
    }
    if (outlets || speech) {
        return apply_audited(cli, path, outlets ? outlet_rules_apply : speech_apply);
    }
    if (attribution) {
        return touch_rules_apply(cli->db, path, cli->who, &cli->err);
    }
    return contribution ? contribution_apply(cli->db, path, cli->who, &cli->err)
                        : rules_apply(cli->db, path, cli->who, &cli->err);
}

/* A file, or the name of one that comes with the program ("approval"). The caller owns it. */
static char *shipped_or_file(const char *what, const char *folder, const char *ending) {
    if (base_file_exists(what) || strpbrk(what, "/.")) {
        return base_strdup(what);
    }
    char *name = base_printf("%s/%s%s", folder, what, ending);
    char *shipped = base_share_path(name);
    base_free(name);
    return shipped ? shipped : base_strdup(what);
}

static int schema_verb(struct cli *cli) {
    struct base_buf text;
    base_buf_init(&text, SCHEMA_MOST);
    char *path = shipped_or_file(cli->args[0], "schema", ".schema.json");
    int rc = base_file_read(path, SCHEMA_MOST, &text, &cli->err);
    if (rc == 0) {
        fwrite(text.at, 1, text.bytes, stdout);
    }
    base_free(path);
    base_buf_release(&text);
    return rc;
}

static int rules_apply_verb(struct cli *cli) {
    char *path = shipped_or_file(cli->args[0], "rules", ".json");
    int rc = apply_file(cli, path);
    base_free(path);
    if (rc == 0) {
        cli_say(cli, json_pack("{s:s}", "applied", cli->args[0]), TR("rules of %s are in force"),
            cli->args[0]);
        rc = cli_approvals_sweep(cli);
    }
    return rc;
}

static int rules_show(struct cli *cli) {
    char *text = NULL;
    bool contribution = cli->arg_count > 0 && strcmp(cli->args[0], "contribution") == 0;
    bool outlets = cli->arg_count > 0 && strcmp(cli->args[0], "outlets") == 0;
    if (cli->arg_count > 0 && !contribution && !outlets) {
        return base_err_set(&cli->err, LANTOA_EINVAL,
            TR("there are no rules '%s': leave it out, or say contribution or outlets"),
            cli->args[0]);
    }
    int rc = contribution ? contribution_text(cli->db, &text, &cli->err)
             : outlets    ? outlet_rules_text(cli->db, &text, &cli->err)
                          : schema_meta_get(cli->db, "rules", &text, &cli->err);
    if (rc == LANTOA_ENOENT) {
        text = base_strdup(rules_default());
        cli->err.text[0] = '\0';
        rc = 0;
    }
    if (rc == 0) {
        json_t *json = json_loads(text, 0, NULL);
        char *pretty = json ? json_dumps(json, JSON_INDENT(2) | JSON_PRESERVE_ORDER) : NULL;
        printf("%s\n", pretty ? pretty : text);
        base_free(pretty);
        json_decref(json);
    }
    base_free(text);
    return rc;
}

const struct cli_command cli_data_commands[] = {
    {"init", "", "", 0, 0, "", "make the data folder; harmless when it is there", CLI_NEEDS_NOTHING,
        init},
    {"backup", "", "", 1, 1, "FILE", "a consistent copy of the database, while everything goes on",
        CLI_NEEDS_DATABASE, backup},
    {"restore", "", "", 1, 1, "FILE",
        "put a backup in the database's place; the one before is kept beside it", CLI_NEEDS_NOTHING,
        cli_restore},
    {"doctor", "", "csv", 0, 0, "",
        "check the database, the ledger's laws, disk, clock and channels", CLI_NEEDS_DATABASE,
        doctor},
    {"schema", "", "", 1, 1, "campaign|channel|theme",
        "print the JSON Schema of a file that staff write", CLI_NEEDS_NOTHING, schema_verb},
    {"rules", "apply", "", 1, 1, "FILE|NAME",
        "put rules in force: of sending (hours, caps, consent), of outlets, or the tables of "
        "contributions",
        CLI_NEEDS_DATABASE, rules_apply_verb},
    {"rules", "show", "", 0, 1, "[contribution | outlets]",
        "print the rules of sending in force, the tables of contributions or the rules of outlets",
        CLI_NEEDS_DATABASE, rules_show},
    {0},
};
