/* What an approval binds to, as hashes: computed from what is stored, in milliseconds, so that it
 * can be compared at every look. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/tr.h"
#include "delivery/approval.h"
#include "delivery/rules.h"
#include "store/schema.h"

#define TEXT_MOST ((size_t)64 << 20)

static void add_field(struct base_buf *buf, const char *name, struct str value) {
    base_buf_printf(buf, "%s %zu\n", name, value.bytes);
    base_buf_add_str(buf, value);
    base_buf_add_char(buf, '\n');
}

/* Who gets it and when: the frozen assignment and the steps' times. */
static int add_audience(
    struct db *db, const struct campaign_row *row, struct base_buf *buf, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    add_field(buf, "assignment", str_from(row->assignment_hash ? row->assignment_hash : ""));
    int rc = db_prepare(db,
        "SELECT id, occurrence, coalesce(start_at, 0) FROM step WHERE campaign_id = ?1 ORDER BY "
        "position, occurrence",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, row->id);
        while ((rc = db_step(stmt, err)) == 1) {
            base_buf_printf(buf, "step %lld %lld %lld\n", (long long)db_column_i64(stmt, 0),
                (long long)db_column_i64(stmt, 1), (long long)db_column_i64(stmt, 2));
        }
    }
    db_finish(&stmt);
    return rc;
}

/* The campaign file (texts, times, budget, attachments by their hashes) and the theme. */
static int add_content(
    struct db *db, const struct campaign_row *row, struct base_buf *buf, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    add_field(buf, "campaign", str_from(row->spec_text));
    int rc = db_prepare(db, "SELECT spec FROM theme WHERE id = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, row->theme_id);
        rc = db_step(stmt, err);
        if (rc == 1) {
            add_field(buf, "theme", db_column_str(stmt, 0));
        }
    }
    db_finish(&stmt);
    return rc < 0 ? rc : 0;
}

static void drop_running(json_t *options, const struct channel_manifest *manifest) {
    for (size_t i = 0; i < manifest->option_count; i++) {
        if (manifest->options[i].flags & (LANTOA_SECRET | LANTOA_PACE)) {
            (void)json_object_del(options, manifest->options[i].name);
        }
    }
}

/* Of a channel file what people see or what costs: pace, window, retries and secrets may change. */
static int add_channel(
    struct str spec, struct str manifest, struct base_buf *buf, struct base_err *err) {
    static const char *const running[] = {
        "rate", "window", "retry", "uncertain", "memory_mb", "watchdog_s", "timeout_s", "hosts"};
    struct base_json *doc = NULL;
    struct channel_manifest *parsed = NULL;
    char *manifest_text = base_strndup(manifest.at, manifest.bytes);
    int rc = base_json_parse(spec, "channel", &doc, err);
    if (rc == 0) {
        rc = channel_manifest_parse(manifest_text, &parsed, err);
    }
    if (rc == 0) {
        json_t *root = base_json_root(doc);
        drop_running(json_object_get(root, "options"), parsed);
        for (size_t i = 0; i < sizeof running / sizeof running[0]; i++) {
            (void)json_object_del(root, running[i]);
        }
        char *text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
        add_field(buf, "channel", str_from(text));
        base_free(text);
    }
    channel_manifest_free(&parsed);
    base_json_free(&doc);
    base_free(manifest_text);
    return rc;
}

static int add_channels(
    struct db *db, const struct campaign_row *row, struct base_buf *buf, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT spec, manifest FROM channel WHERE id IN (SELECT channel_id FROM step WHERE "
        "campaign_id = ?1) ORDER BY id",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, row->id);
        while ((rc = db_step(stmt, err)) == 1) {
            rc = add_channel(db_column_str(stmt, 0), db_column_str(stmt, 1), buf, err);
            if (rc != 0) {
                break;
            }
        }
    }
    db_finish(&stmt);
    return rc;
}

static int get_meta(struct db *db, const char *key, char **text_out, struct base_err *err) {
    struct base_err none = {0};
    int rc = schema_meta_get(db, key, text_out, &none);
    return rc == 0 || rc == LANTOA_ENOENT ? 0 : base_err_set(err, rc, "%s", none.text);
}

/* The rules of sending put labels into texts and shut hours. Those that are part of the program
 * count where none were put in force: another version of it may bring others. */
static int add_messages_rules(struct db *db, struct base_buf *buf, struct base_err *err) {
    struct base_json *doc = NULL;
    char *text = NULL;
    int rc = get_meta(db, "rules", &text, err);
    if (rc == 0) {
        rc = base_json_parse(str_from(text ? text : rules_default()), "rules", &doc, err);
    }
    if (rc == 0) {
        char *tidy = json_dumps(base_json_root(doc), JSON_COMPACT | JSON_SORT_KEYS);
        add_field(buf, "rules", str_from(tidy));
        base_free(tidy);
    }
    base_json_free(&doc);
    base_free(text);
    return rc;
}

/* And the public address, which stands in links. */
static int add_rules(
    struct db *db, const struct campaign_row *row, struct base_buf *buf, struct base_err *err) {
    char *text = NULL;
    (void)row;
    int rc = add_messages_rules(db, buf, err);
    rc = rc ? rc : get_meta(db, "public_url", &text, err);
    if (rc == 0) {
        add_field(buf, "public_url", str_from(text ? text : ""));
    }
    base_free(text);
    return rc;
}

int approval__basis(struct db *db, const struct campaign_row *row, char out[APPROVAL__BASIS_MAX],
    struct base_err *err) {
    static int (*const adders[BASIS_PARTS])(struct db *, const struct campaign_row *,
        struct base_buf *,
        struct base_err *) = {add_audience, add_content, add_channels, add_rules};
    for (size_t i = 0; i < BASIS_PARTS; i++) {
        struct base_buf buf;
        uint8_t digest[BASE_SHA256_BYTES];
        char hex[BASE_HEX_SHA256_MAX];
        base_buf_init(&buf, TEXT_MOST);
        int rc = adders[i](db, row, &buf, err);
        if (rc == 0 && !base_buf_ok(&buf)) {
            rc = base_err_set(err, LANTOA_ELIMIT, "%s", TR("is too large"));
        }
        base_sha256(base_buf_str(&buf), digest);
        base_buf_release(&buf);
        if (rc != 0) {
            return rc;
        }
        base_hex(digest, sizeof digest, hex);
        snprintf(out + 33 * i, 33, "%.32s", hex);
        out[33 * i + 32] = i + 1 < BASIS_PARTS ? '-' : '\0';
    }
    return 0;
}

const char *approval__difference(const char *old, const char *new) {
    const char *const words[BASIS_PARTS] = {TR("its audience or its times have changed"),
        TR("its content or its theme has changed"), TR("one of its channels has changed"),
        TR("the rules of sending or the public address have changed")};
    for (size_t i = 0; i < BASIS_PARTS; i++) {
        if (strlen(old) + 1 != APPROVAL__BASIS_MAX || memcmp(old + 33 * i, new + 33 * i, 32) != 0) {
            return words[i];
        }
    }
    return NULL;
}
