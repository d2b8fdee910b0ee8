/* System campaigns: made when first needed, woken when they get a row. */
#include "tracking/reply.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"
#include "campaign/store.h"
#include "delivery/policy.h"
#include "delivery/render.h"

#define SERIES_MOST 1000 /* campaigns per channel and purpose */
#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
/* Clocks differ and are set: the window lies on both sides of the day it is made on. */
#define WINDOW_BEFORE_DAYS 1000
#define WINDOW_AFTER_DAYS 2600
#define RENEW_AFTER_MS (2500 * DAY_MS)

/* --- the channel --- */

struct way {
    char *channel_name; /* owned */
    bool has_subject;
};

static int check_text(struct str text, size_t most_bytes, struct base_err *err) {
    if (text.bytes == 0 || !base_utf8_valid(text)) {
        return base_err_set(err, LANTOA_EINVAL, "%s", TR("the text is empty or no UTF-8"));
    }
    if (base_text_has_control(text)) {
        return base_err_set(err, LANTOA_EINVAL, "%s", TR("the text has control characters"));
    }
    size_t chars = base_utf8_count(text);
    if (chars > REPLY_TEXT_CHARS_MAX) {
        return base_err_set(err, LANTOA_ELIMIT, TR("the text has %zu characters, at most %d"),
            chars, REPLY_TEXT_CHARS_MAX);
    }
    if (most_bytes && text.bytes > most_bytes) {
        return base_err_set(err, LANTOA_ELIMIT, TR("the text has %zu bytes, the channel takes %zu"),
            text.bytes, most_bytes);
    }
    return 0;
}

static int find_way(
    struct db *db, const struct reply *reply, struct way *way_out, struct base_err *err) {
    struct channel_row row = {0};
    struct channel_manifest *manifest = NULL;
    bool text = false;
    size_t most = 0;
    int rc = channel_get_id(db, reply->channel_id, &row, err);
    if (rc == 0) {
        rc = channel_manifest_parse(row.manifest_text, &manifest, err);
    }
    for (size_t i = 0; rc == 0 && i < manifest->content_count; i++) {
        const struct channel_content *content = &manifest->content[i];
        if (strcmp(content->name, "text") == 0) {
            text = !(content->flags & LANTOA_CONTENT_SINGLE_LINE);
            most = content->most_bytes;
        } else if (strcmp(content->name, "subject") == 0) {
            way_out->has_subject = true;
        } else if (content->flags & LANTOA_CONTENT_REQUIRED) {
            text = false;
            break;
        }
    }
    if (rc == 0 && manifest->address == LANTOA_ADDRESS_PAGE) {
        rc = base_err_set(err, LANTOA_ESTATE,
            TR("channel %s is a page: answer there, and note that it was done"), row.name);
    } else if (rc == 0 && !text) {
        rc = base_err_set(
            err, LANTOA_ESTATE, TR("channel %s takes no text written by hand"), row.name);
    }
    if (rc == 0) {
        rc = check_text(reply->text, most, err);
    }
    if (rc == 0) {
        way_out->channel_name = base_strdup(row.name);
    }
    channel_manifest_free(&manifest);
    channel_row_release(&row);
    return rc;
}

/* --- the campaign --- */

struct home { /* of a row: the system campaign that still has room for it */
    int64_t campaign_id, step_id;
    int64_t last_id; /* the person's newest row in it; 0: none */
    int64_t last_at;
    enum campaign_state state;
    int number; /* in the series */
};

static void home_name(const struct reply *reply, int number, char out[static 65]) {
    snprintf(out, 65, CAMPAIGN_SYSTEM_PREFIX "%.20s-%lld-%d", reply->purpose,
        (long long)reply->channel_id, number);
}

/* 1 found, 0 there is none of this number. */
static int find_home(struct db *db, const struct reply *reply, int number, struct home *home_out,
    struct base_err *err) {
    struct db_stmt *stmt = NULL;
    char name[65];
    home_name(reply, number, name);
    int rc = db_prepare(db,
        "SELECT g.id, g.state, g.changed_at, s.id, (SELECT max(m.id) FROM message m WHERE m.id "
        "BETWEEN (s.id << 43) + ?2 AND (s.id << 43) + ?3), "
        "(SELECT max(m.at) FROM message m WHERE m.id BETWEEN (s.id << 43) + ?2 AND (s.id << 43) + "
        "?3), g.started_at FROM campaign g JOIN step s ON s.campaign_id = g.id WHERE g.name = ?1",
        &stmt, err);
    if (rc != 0) {
        return rc;
    }
    db_bind_text(stmt, 1, name);
    db_bind_i64(stmt, 2, ledger_id(0, reply->contact_id, 0));
    db_bind_i64(stmt, 3, ledger_id(0, reply->contact_id, LEDGER_GENERATION_MAX));
    rc = db_step(stmt, err);
    if (rc == 1) {
        *home_out = (struct home){.campaign_id = db_column_i64(stmt, 0),
            .state = (enum campaign_state)db_column_i64(stmt, 1),
            .step_id = db_column_i64(stmt, 3),
            .last_id = db_column_i64(stmt, 4),
            .last_at = db_column_i64(stmt, 5),
            .number = number};
        /* One whose window is nearly over, or whose person has every generation, is full. */
        bool old = reply->now_ms - db_column_i64(stmt, 6) > RENEW_AFTER_MS;
        bool full =
            home_out->last_id && ledger_generation(home_out->last_id) == LEDGER_GENERATION_MAX;
        home_out->number = old || full ? 0 : number;
    }
    db_finish(&stmt);
    return rc;
}

static int add_theme(struct db *db, int64_t now_ms, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "INSERT INTO theme (name, spec, changed_at) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO "
        "NOTHING",
        &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, CAMPAIGN_SYSTEM_PREFIX "replies");
        db_bind_text(stmt, 2,
            "{\"name\": \"" CAMPAIGN_SYSTEM_PREFIX "replies\", \"title\": {\"vi\": \"Trả lời\", "
            "\"en\": \"Replies\"}}");
        db_bind_i64(stmt, 3, now_ms);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

static char *home_spec(const struct reply *reply, const struct way *way, const char *name) {
    char from[BASE_DATE_MAX];
    char to[BASE_DATE_MAX];
    int64_t today = reply->now_ms / DAY_MS;
    base_format_date(base_date_from_days(today - WINDOW_BEFORE_DAYS), from);
    base_format_date(base_date_from_days(today + WINDOW_AFTER_DAYS), to);
    json_t *vi = json_pack("{s:s}", "text", "{{" RENDER_MESSAGE_TEXT "}}");
    json_t *en = json_pack("{s:s}", "text", "{{" RENDER_MESSAGE_TEXT "}}");
    if (way->has_subject) {
        json_object_set_new(vi, "subject", json_string("Trả lời Quý vị"));
        json_object_set_new(en, "subject", json_string("Our reply to you"));
    }
    json_t *spec =
        json_pack("{s:s,s:s,s:s,s:s,s:{s:s,s:s,s:s},s:s,s:s,s:[{s:s,s:s,s:{s:s},s:{s:o,s:o}}]}",
            "name", name, "theme", CAMPAIGN_SYSTEM_PREFIX "replies", "class", "personal_service",
            "legal_basis", "reply to the person's own message", "window", "from", from, "to", to,
            "timezone", "Asia/Ho_Chi_Minh", "audience", "all", "default_lang", "vi", "steps",
            "name", reply->purpose, "channel", way->channel_name, "when", "at", "now", "content",
            "vi", vi, "en", en);
    char *text = json_dumps(spec, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(spec);
    return text;
}

static int insert_campaign(struct db *db, const struct reply *reply, const char *name,
    const char *spec, int64_t *id_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    uint8_t key[32];
    base_random(key, sizeof key);
    int rc = db_prepare(db,
        "INSERT INTO campaign (name, theme_id, spec, state, experiment_key, changed_at, "
        "started_at) VALUES (?1, (SELECT id FROM theme WHERE name = ?2), ?3, ?4, ?5, ?6, ?6) "
        "RETURNING id",
        &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, name);
        db_bind_text(stmt, 2, CAMPAIGN_SYSTEM_PREFIX "replies");
        db_bind_text(stmt, 3, spec);
        db_bind_i64(stmt, 4, CAMPAIGN_DONE);
        db_bind_blob(stmt, 5, key, sizeof key);
        db_bind_i64(stmt, 6, reply->now_ms);
        rc = db_step(stmt, err);
        *id_out = rc == 1 ? db_column_i64(stmt, 0) : 0;
    }
    db_finish(&stmt);
    return rc < 0 ? rc : 0;
}

static int insert_step(
    struct db *db, const struct reply *reply, struct home *home, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "INSERT INTO step (campaign_id, position, occurrence, name, channel_id, state, start_at) "
        "VALUES (?1, 0, 1, ?2, ?3, ?4, ?5) RETURNING id",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, home->campaign_id);
        db_bind_text(stmt, 2, reply->purpose);
        db_bind_i64(stmt, 3, reply->channel_id);
        db_bind_i64(stmt, 4, STEP_DONE);
        db_bind_i64(stmt, 5, reply->now_ms);
        rc = db_step(stmt, err);
        home->step_id = rc == 1 ? db_column_i64(stmt, 0) : 0;
    }
    db_finish(&stmt);
    if (rc == 1 && home->step_id > LEDGER_STEP_MAX) {
        return base_err_set(err, LANTOA_ELIMIT, TR("more than %lld steps in one database"),
            (long long)LEDGER_STEP_MAX);
    }
    return rc < 0 ? rc : 0;
}

static int make_home(struct db *db, const struct reply *reply, const struct way *way, int number,
    struct home *home_out, struct base_err *err) {
    char name[65];
    home_name(reply, number, name);
    char *spec = home_spec(reply, way, name);
    *home_out = (struct home){.number = number, .state = CAMPAIGN_DONE};
    int rc = add_theme(db, reply->now_ms, err);
    if (rc == 0) {
        rc = insert_campaign(db, reply, name, spec, &home_out->campaign_id, err);
    }
    if (rc == 0) {
        rc = insert_step(db, reply, home_out, err);
    }
    base_free(spec);
    return rc;
}

/* --- the row --- */

static int run_with(struct db *db, const char *sql, int64_t first, int64_t second, struct str text,
    struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, sql, &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, first);
        if (second) {
            db_bind_i64(stmt, 2, second);
        }
        if (text.bytes) {
            db_bind_str(stmt, 2, text);
        }
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

static int insert_text(struct db *db, const struct reply *reply, int64_t id, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(
        db, "INSERT INTO message_text (message_id, text, address) VALUES (?1, ?2, ?3)", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, id);
        db_bind_str(stmt, 2, reply->text);
        if (reply->address.bytes) {
            db_bind_str(stmt, 3, reply->address);
        } else {
            db_bind_null(stmt, 3);
        }
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

static int insert_row(struct db *db, const struct reply *reply, const struct home *home,
    int64_t *id_out, struct base_err *err) {
    *id_out = home->last_id ? home->last_id + 1 : ledger_id(home->step_id, reply->contact_id, 0);
    int rc = run_with(db,
        "INSERT INTO message (id, state, reason, at, due_at) VALUES (?1, 0, 0, ?2, ?2)", *id_out,
        reply->now_ms, (struct str){0}, err);
    if (rc == 0) {
        rc = insert_text(db, reply, *id_out, err);
    }
    /* A campaign that was through, or was stopped with all others, has work again: who stopped it
     * did not mean what is asked for later. One that is paused stays so. */
    if (rc == 0) {
        rc = run_with(db,
            "UPDATE campaign SET state = 3, ended_at = NULL WHERE id = ?1 AND state IN (5, 6)",
            home->campaign_id, 0, (struct str){0}, err);
    }
    if (rc == 0) {
        rc = run_with(db, "UPDATE step SET state = 1 WHERE id = ?1 AND state <> 1", home->step_id,
            0, (struct str){0}, err);
    }
    return rc;
}

int reply_add(
    struct db *db, const struct reply *reply, int64_t *message_id_out, struct base_err *err) {
    struct way way = {0};
    struct home home = {0};
    int found = 1;
    int rc = find_way(db, reply, &way, err);
    for (int number = 1; rc == 0 && found == 1 && home.number == 0; number++) {
        found = number > SERIES_MOST ? base_err_set(err, LANTOA_ELIMIT, "%s",
                                           TR("this person was answered too often"))
                                     : find_home(db, reply, number, &home, err);
        rc = found < 0 ? found : 0;
        if (found == 0) {
            rc = make_home(db, reply, &way, number, &home, err);
        }
    }
    if (rc == 0) {
        rc = insert_row(db, reply, &home, message_id_out, err);
    }
    base_free(way.channel_name);
    return rc;
}

int reply_last(struct db *db, int64_t channel_id, const char *purpose, int64_t contact_id,
    int64_t *at_out, struct base_err *err) {
    const struct reply reply = {
        .channel_id = channel_id, .purpose = purpose, .contact_id = contact_id};
    struct home home = {0};
    int found = 1;
    *at_out = 0;
    for (int number = 1; found == 1 && number <= SERIES_MOST; number++) {
        found = find_home(db, &reply, number, &home, err);
        *at_out = found == 1 && home.last_at > *at_out ? home.last_at : *at_out;
    }
    return found < 0 ? found : 0;
}
