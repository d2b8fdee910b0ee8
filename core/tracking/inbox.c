/* The inbox in the database. */
#include "tracking/inbox.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"
#include "campaign/store.h"
#include "tracking/reply.h"

#define HAND_TEXT_CHARS_MAX 4000

const char *inbox_state_word(enum inbox_state state) {
    switch (state) {
    case INBOX_OPEN:
        return "open";
    case INBOX_ANSWERED:
        return "answered";
    case INBOX_CLOSED:
        return "closed";
    }
    return "?";
}

/* --- adding --- */

int inbox_add(struct db *db, struct inbox_new *row, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "INSERT INTO inbound (at, channel_id, address, contact_id, message_id, kind, act, text, "
        "state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, row->at_ms);
        db_bind_i64(stmt, 2, row->channel_id);
        db_bind_text(stmt, 3, row->address);
        if (row->contact_id) {
            db_bind_i64(stmt, 4, row->contact_id);
        }
        if (row->message_id) {
            db_bind_i64(stmt, 5, row->message_id);
        }
        db_bind_text(stmt, 6, row->kind);
        db_bind_text(stmt, 7, row->act);
        db_bind_text(stmt, 8, row->text);
        db_bind_i64(stmt, 9, row->state);
        rc = db_step(stmt, err);
        row->id = rc == 1 ? db_column_i64(stmt, 0) : 0;
    }
    db_finish(&stmt);
    return rc < 0 ? rc : 0;
}

int inbox_note(
    struct db *db, int64_t id, enum inbox_state state, const char *note, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, "UPDATE inbound SET state = ?2, note = ?3 WHERE id = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, id);
        db_bind_i64(stmt, 2, state);
        db_bind_text(stmt, 3, note);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

/* --- reading --- */

static void read_row(struct db_stmt *stmt, struct inbox_row *row_out) {
    *row_out = (struct inbox_row){.id = db_column_i64(stmt, 0),
        .at_ms = db_column_i64(stmt, 1),
        .channel_id = db_column_i64(stmt, 2),
        .contact_id = db_column_i64(stmt, 3),
        .message_id = db_column_i64(stmt, 4),
        .channel = db_column_str(stmt, 5),
        .name = db_column_str(stmt, 6),
        .address = db_column_str(stmt, 7),
        .kind = db_column_str(stmt, 8),
        .act = db_column_str(stmt, 9),
        .text = db_column_str(stmt, 10),
        .assigned = db_column_str(stmt, 11),
        .note = db_column_str(stmt, 12),
        .state = (enum inbox_state)db_column_i64(stmt, 13)};
}

int inbox_each(struct db *db, const struct inbox_filter *filter,
    int (*row)(void *arg, const struct inbox_row *row), void *arg, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT i.id, i.at, i.channel_id, i.contact_id, i.message_id, h.name, c.name, i.address, "
        "i.kind, i.act, i.text, i.assigned, i.note, i.state FROM inbound i LEFT JOIN channel h ON "
        "h.id = i.channel_id LEFT JOIN contact c ON c.id = i.contact_id WHERE (?1 = 0 OR i.id = "
        "?1) AND (?2 = 0 OR i.state = 0) ORDER BY i.id DESC LIMIT ?3",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, filter->id);
        db_bind_i64(stmt, 2, filter->open_only);
        db_bind_i64(stmt, 3, filter->limit > 0 ? filter->limit : INT64_MAX);
        while ((rc = db_step(stmt, err)) == 1) {
            struct inbox_row found;
            read_row(stmt, &found);
            rc = row(arg, &found);
            if (rc != 0) {
                break;
            }
        }
    }
    db_finish(&stmt);
    return rc;
}

int inbox_history(struct db *db, int64_t id, int (*act)(void *arg, const struct inbox_act *act),
    void *arg, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT at, message_id, who, verb, text FROM inbound_act WHERE inbound_id = ?1 ORDER BY id",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, id);
        while ((rc = db_step(stmt, err)) == 1) {
            const struct inbox_act found = {.at_ms = db_column_i64(stmt, 0),
                .message_id = db_column_i64(stmt, 1),
                .who = db_column_str(stmt, 2),
                .verb = db_column_str(stmt, 3),
                .text = db_column_str(stmt, 4)};
            rc = act(arg, &found);
            if (rc != 0) {
                break;
            }
        }
    }
    db_finish(&stmt);
    return rc;
}

/* --- acts --- */

struct doing {
    int64_t id;
    const char *who, *verb;
    struct str text;
    int64_t message_id; /* 0: none */
    /* what it was */
    int64_t channel_id, contact_id;
    enum inbox_state state;
};

static int take_facts(void *arg, const struct inbox_row *row) {
    struct doing *doing = arg;
    doing->channel_id = row->channel_id;
    doing->contact_id = row->contact_id;
    doing->state = row->state;
    return 1;
}

static int read_facts(struct db *db, struct doing *doing, struct base_err *err) {
    const struct inbox_filter filter = {.id = doing->id, .limit = 1};
    int rc = doing->id > 0 ? inbox_each(db, &filter, take_facts, doing, err) : 0;
    if (rc == 0) {
        return base_err_set(
            err, LANTOA_ENOENT, TR("there is no entry %lld in the inbox"), (long long)doing->id);
    }
    return rc < 0 ? rc : 0;
}

static int record(struct db *db, const struct doing *doing, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    char object[40];
    int rc = db_prepare(db,
        "INSERT INTO inbound_act (inbound_id, at, who, verb, text, message_id) VALUES (?1, ?2, ?3, "
        "?4, ?5, ?6)",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, doing->id);
        db_bind_i64(stmt, 2, base_clock_now_ms());
        db_bind_text(stmt, 3, doing->who);
        db_bind_text(stmt, 4, doing->verb);
        db_bind_str(stmt, 5, doing->text);
        if (doing->message_id) {
            db_bind_i64(stmt, 6, doing->message_id);
        }
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    snprintf(object, sizeof object, "inbox %lld", (long long)doing->id);
    if (rc == 0) {
        char *text = base_strndup(doing->text.at ? doing->text.at : "", doing->text.bytes);
        rc = audit_add(db, doing->who, doing->verb, object, doing->text.bytes ? text : NULL, err);
        base_free(text);
    }
    return rc;
}

static int set_state(struct db *db, int64_t id, enum inbox_state state, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, "UPDATE inbound SET state = ?2 WHERE id = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, id);
        db_bind_i64(stmt, 2, state);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

static int do_answer(struct db *db, struct doing *doing, struct base_err *err) {
    const struct reply reply = {.channel_id = doing->channel_id,
        .contact_id = doing->contact_id,
        .purpose = "answer",
        .text = doing->text,
        .now_ms = base_clock_now_ms()};
    if (doing->contact_id == 0) {
        return base_err_set(err, LANTOA_ESTATE, "%s",
            TR("no contact has this address: answer by hand and record it with --by-hand"));
    }
    int rc = reply_add(db, &reply, &doing->message_id, err);
    return rc == 0 ? set_state(db, doing->id, INBOX_ANSWERED, err) : rc;
}

static int do_answer_by_hand(struct db *db, struct doing *doing, struct base_err *err) {
    return set_state(db, doing->id, INBOX_ANSWERED, err);
}

static int do_close(struct db *db, struct doing *doing, struct base_err *err) {
    if (doing->state == INBOX_CLOSED) {
        return base_err_set(
            err, LANTOA_ESTATE, TR("entry %lld is closed already"), (long long)doing->id);
    }
    return set_state(db, doing->id, INBOX_CLOSED, err);
}

static int do_assign(struct db *db, struct doing *doing, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, "UPDATE inbound SET assigned = ?2 WHERE id = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, doing->id);
        db_bind_str(stmt, 2, doing->text);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

static int act(struct db *db, struct doing *doing,
    int (*work)(struct db *db, struct doing *doing, struct base_err *err), struct base_err *err) {
    int rc = db_begin(db, err);
    if (rc != 0) {
        return rc;
    }
    rc = read_facts(db, doing, err);
    if (rc == 0) {
        rc = work(db, doing, err);
    }
    if (rc == 0) {
        rc = record(db, doing, err);
    }
    if (rc == 0) {
        return db_commit(db, err);
    }
    db_rollback(db);
    return rc;
}

static int check_text(struct str text, size_t most_chars, struct base_err *err) {
    if (str_trim(text).bytes == 0 || !base_utf8_valid(text) || base_text_has_control(text)) {
        return base_err_set(
            err, LANTOA_EINVAL, "%s", TR("the text is empty, no UTF-8 or has control characters"));
    }
    size_t chars = base_utf8_count(text);
    if (chars > most_chars) {
        return base_err_set(
            err, LANTOA_ELIMIT, TR("the text has %zu characters, at most %zu"), chars, most_chars);
    }
    return 0;
}

int inbox_answer(struct db *db, int64_t id, struct str text, const char *who,
    int64_t *message_id_out, struct base_err *err) {
    struct doing doing = {.id = id, .who = who, .verb = "answer", .text = text};
    int rc = check_text(text, REPLY_TEXT_CHARS_MAX, err);
    if (rc == 0) {
        rc = act(db, &doing, do_answer, err);
    }
    *message_id_out = doing.message_id;
    return rc;
}

int inbox_answer_by_hand(
    struct db *db, int64_t id, struct str text, const char *who, struct base_err *err) {
    struct doing doing = {.id = id, .who = who, .verb = "answer_by_hand", .text = text};
    int rc = check_text(text, HAND_TEXT_CHARS_MAX, err);
    return rc == 0 ? act(db, &doing, do_answer_by_hand, err) : rc;
}

int inbox_close(struct db *db, int64_t id, const char *who, struct base_err *err) {
    struct doing doing = {.id = id, .who = who, .verb = "close"};
    return act(db, &doing, do_close, err);
}

int inbox_assign(
    struct db *db, int64_t id, struct str name, const char *who, struct base_err *err) {
    struct doing doing = {.id = id, .who = who, .verb = "assign", .text = name};
    int rc = check_text(name, INBOX_NAME_CHARS_MAX, err);
    return rc == 0 ? act(db, &doing, do_assign, err) : rc;
}
