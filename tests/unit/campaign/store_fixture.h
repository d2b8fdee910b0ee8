/* A data folder with a database, an email-like and a text-only channel, a theme and a contact with
 * one custom attribute; for the tests of this folder that need the database. */
#ifndef TESTS_UNIT_CAMPAIGN_STORE_FIXTURE_H
#define TESTS_UNIT_CAMPAIGN_STORE_FIXTURE_H

#include "support.h"

#include "base/buf.h"
#include "base/mem.h"
#include "campaign/store.h"
#include "store/schema.h"

static struct support_dir dir;
static struct db *db;
static struct base_err err;
static bool changed;

static const char mail_manifest[] =
    "{\"name\":\"mail\",\"version\":\"1\",\"kind\":\"email\",\"address\":2,\"capabilities\":16,"
    "\"max_batch\":0,"
    "\"options\":[{\"name\":\"host\",\"type\":\"text\",\"flags\":1,\"least\":0,\"most\":0}],"
    "\"content\":[{\"name\":\"subject\",\"flags\":5,\"most_bytes\":100},{\"name\":\"text\","
    "\"flags\":1,\"most_bytes\":0},"
    "{\"name\":\"html\",\"flags\":2,\"most_bytes\":0}]}";
static const char plain_manifest[] =
    "{\"name\":\"plain\",\"version\":\"1\",\"kind\":\"sms\",\"address\":3,\"capabilities\":0,\"max_"
    "batch\":0,"
    "\"options\":[],\"content\":[{\"name\":\"text\",\"flags\":1,\"most_bytes\":20}]}";

static const char theme_text[] =
    "{\"name\":\"t\",\"title\":{\"vi\":\"Điểm tựa\"},\"partials\":{\"vi\":{\"footer\":\"-- "
    "{{nghe}}\",\"odd\":\"{{nowhere}}\"}}}";

SUPPORT_UNUSED static const char *file(const char *name, const char *text) {
    const char *path = support_path(&dir, name);
    support_file_write(path, text, strlen(text));
    return path;
}

SUPPORT_UNUSED static int64_t number(const char *sql) {
    int64_t value = -1;
    assert_ok(db_get_i64(db, sql, &value, &err), err);
    return value;
}

/* A program that stands in for lantoa-channel --describe: prints PLUGIN.json from beside the
 * plugin's path. */
SUPPORT_UNUSED static void fake_program(void) {
    static const char script[] = "#!/bin/sh\n[ -f \"$2.json\" ] || { echo \"there is no plugin "
                                 "$2\" >&2; exit 1; }\ncat \"$2.json\"\n";
    const char *path = file("describe", script);
    assert_int_equal(chmod(path, 0755), 0);
    assert_int_equal(setenv("LANTOA_CHANNEL_PROGRAM", path, 1), 0);
    assert_int_equal(setenv("LANTOA_PLUGINS", dir.path, 1), 0);
    file("mail.so", "");
    file("mail.so.json", mail_manifest);
    file("plain.so", "");
    file("plain.so.json", plain_manifest);
}

SUPPORT_UNUSED static int set_up(void **state) {
    (void)state;
    support_dir_make(&dir);
    assert_ok(db_open(support_path(&dir, "lantoa.db"), DB_OPEN_CREATE, &db, &err), err);
    assert_ok(schema_migrate(db, &err), err);
    fake_program();
    assert_ok(
        db_exec(db, "INSERT INTO attribute (name, heading) VALUES ('nghe', 'Nghề')", &err), err);
    assert_ok(theme_apply(db, NULL, file("theme.json", theme_text), "an", &changed, &err), err);
    assert_ok(channel_apply(db, dir.path,
                  file("mail.json",
                      "{\"name\":\"mail\",\"plugin\":\"mail\",\"options\":{\"host\":\"h\"}}"),
                  "an", &changed, &err),
        err);
    assert_ok(
        channel_apply(db, dir.path, file("sms.json", "{\"name\":\"sms\",\"plugin\":\"plain\"}"),
            "an", &changed, &err),
        err);
    return 0;
}

SUPPORT_UNUSED static int tear_down(void **state) {
    (void)state;
    db_close(&db);
    support_dir_remove(&dir);
    return 0;
}

/* A campaign file around these steps. */
SUPPORT_UNUSED static const char *campaign_file(
    const char *theme, const char *audience, const char *steps) {
    char *text = base_printf(
        "{\"name\":\"c\",\"theme\":\"%s\",\"class\":\"internal\",\"legal_basis\":\"b\",\n"
        "\"window\":{\"from\":\"2026-12-01\",\"to\":\"2026-12-31\"},\n\"audience\":\"%s\","
        "\n\"steps\":[%s]}",
        theme, audience, steps);
    const char *path = file("campaign.json", text);
    base_free(text);
    return path;
}

#define with_store(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
