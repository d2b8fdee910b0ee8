/* Airings taken back from devices that have them already: declined, or their campaign paused or
 * stopped, or their outlet changed. The channel is asked with a message of the same key
 * whose content field `withdrawn` says why; its result settles the row. Only channels that declare
 * this field are asked. */
#include "base/mem.h"
#include "base/tr.h"
#include "delivery/airing_private.h"
#include "delivery/dispatch_private.h"

#define LOT 500

struct back {
    int64_t id, airing_id, start_ms;
    int state; /* enum airing_state */
    struct str device, code, title;
};

static bool takes_back(const struct channel_manifest *manifest) {
    for (size_t i = 0; i < manifest->content_count; i++) {
        if (strcmp(manifest->content[i].name, "withdrawn") == 0) {
            return true;
        }
    }
    return false;
}

static int run(struct dispatcher *d, const char *sql, int64_t one, int64_t two, int64_t three,
    struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(d->db, sql, &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, one);
        db_bind_i64(stmt, 2, two);
        db_bind_i64(stmt, 3, three);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

static struct str kept(struct base_arena *arena, struct str text) {
    return str_of(base_arena_strndup(arena, text.bytes ? text.at : "", text.bytes), text.bytes);
}

static int read_lot(struct dispatcher *d, const struct dispatch_channel *channel, size_t most,
    struct base_arena *arena, struct back *lot, size_t *count_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    *count_out = 0;
    /* A row that is being sent is asked about when it is known that it arrived. */
    int rc = db_prepare(d->db,
        "SELECT m.id, a.id, a.start_at, a.state, coalesce(o.device, ''), o.code, "
        "coalesce(r.title, r.name) FROM airing a JOIN step s ON s.id = a.step_id JOIN outlet o ON "
        "o.id = a.outlet_id JOIN recording r ON r.id = a.recording_id JOIN message m ON m.id = "
        "(SELECT max(n.id) FROM message n WHERE n.id BETWEEN (a.step_id << 43) + 4398046511104 + "
        "(a.id << 4) AND (a.step_id << 43) + 4398046511104 + (a.id << 4) + 15) WHERE a.withdraw = "
        "1 AND s.channel_id = ?1 AND m.state = 4 ORDER BY a.start_at, a.id LIMIT ?2",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, channel->id);
        db_bind_i64(stmt, 2, (int64_t)most);
        while ((rc = db_step(stmt, err)) == 1) {
            struct back *back = &lot[(*count_out)++];
            *back = (struct back){.id = db_column_i64(stmt, 0),
                .airing_id = db_column_i64(stmt, 1),
                .start_ms = db_column_i64(stmt, 2),
                .state = (int)db_column_i64(stmt, 3),
                .device = kept(arena, db_column_str(stmt, 4)),
                .code = kept(arena, db_column_str(stmt, 5)),
                .title = kept(arena, db_column_str(stmt, 6))};
        }
    }
    db_finish(&stmt);
    return rc;
}

static int ask(struct dispatcher *d, struct dispatch_channel *channel, const struct back *back,
    struct base_err *err) {
    struct str fields[DELIVERY_FIELDS_MAX];
    char key[LEDGER_KEY_BYTES + 1];
    char start[64];
    const struct channel_manifest *manifest = channel->manifest;
    base_format_iso(back->start_ms, 0, start);
    const struct {
        const char *name;
        struct str value;
    } texts[] = {{"outlet", back->code}, {"title", back->title}, {"start", str_from(start)},
        {"seconds", STR("1")}, {"audio", STR("none")},
        {"withdrawn", back->state == AIRING_DECLINED    ? STR("declined")
                      : back->state == AIRING_WITHDRAWN ? STR("outlet changed")
                                                        : STR("stopped")}};
    for (size_t i = 0; i < manifest->content_count && i < DELIVERY_FIELDS_MAX; i++) {
        fields[i] = (struct str){"", 0};
        for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) {
            if (strcmp(manifest->content[i].name, texts[k].name) == 0) {
                fields[i] = texts[k].value;
            }
        }
    }
    ledger_key(d->instance, back->id, key);
    const struct channel_message message = {.id = (uint64_t)back->id,
        .due_ms = back->start_ms,
        .key = str_of(key, LEDGER_KEY_BYTES),
        .address = back->device,
        .fields = fields};
    int rc = channel->port.recall(channel->port.arg, &message, err);
    if (rc == 0) {
        channel->put++;
        rc = run(d, "UPDATE airing SET withdraw = 2 WHERE id = ?1 AND ?2 = ?3", back->airing_id, 0,
            0, err);
    }
    return rc;
}

int dispatch__withdraw(
    struct dispatcher *d, struct dispatch_channel *channel, struct base_err *err) {
    struct back lot[LOT];
    size_t count = 0;
    if (!channel->withdraws || !channel->port.recall || !takes_back(channel->manifest)) {
        return 0;
    }
    size_t room = channel->port.room(channel->port.arg);
    if (room == 0) {
        return 0;
    }
    struct base_arena *arena = base_arena_new();
    int rc = read_lot(d, channel, room < LOT ? room : LOT, arena, lot, &count, err);
    channel->withdraws = count == LOT || count == room;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = ask(d, channel, &lot[i], err);
    }
    if (rc == LANTOA_EAGAIN) { /* no room after all */
        channel->withdraws = true;
        rc = 0;
    }
    base_arena_free(&arena);
    return rc;
}

/* The latest row of an airing that is asked about; 0 in *wanted_out: none is. */
static int asked_about(
    struct dispatcher *d, int64_t message_id, int64_t *airing_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    *airing_out = 0;
    int rc = db_prepare(d->db,
        "SELECT a.id FROM airing a JOIN message m ON m.id = ?2 WHERE a.id = "
        "?1 AND a.withdraw = 2 AND m.state <> 3",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, ledger_recipient(message_id));
        db_bind_i64(stmt, 2, message_id);
        rc = db_step(stmt, err);
        *airing_out = rc == 1 ? db_column_i64(stmt, 0) : 0;
    }
    db_finish(&stmt);
    return rc < 0 ? rc : 0;
}

static int lead_of(struct db *db, int64_t outlet_id, int64_t *lead_ms_out, struct base_err *err) {
    const struct outlet_filter filter = {.id = outlet_id, .with_retired = true};
    struct outlet_set *set = NULL;
    int rc = outlet_query(db, &filter, &set, NULL, err);
    *lead_ms_out = rc == 0 && outlet_set_count(set) > 0 ? outlet_set_at(set, 0)->lead_ms : 0;
    if (rc == 0) {
        outlet_set_free(&set);
    }
    return rc;
}

/* No device has it now: what the airing and its campaign say becomes of the row. */
static int settle(struct dispatcher *d, int64_t message_id, int64_t airing_id, int64_t now_ms,
    struct base_err *err) {
    struct db_stmt *stmt = NULL;
    char detail[300];
    int64_t due_ms = 0;
    int64_t outlet_id = 0;
    int64_t lead_ms = 0;
    int state = MESSAGE_PLANNED;
    int reason = 0;
    int rc = db_prepare(d->db,
        "SELECT a.state, a.start_at, a.outlet_id, g.state, coalesce(a.reason, '') FROM airing a "
        "JOIN campaign g ON g.id = a.campaign_id WHERE a.id = ?1",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, airing_id);
        rc = db_step(stmt, err);
    }
    if (rc == 1) {
        due_ms = db_column_i64(stmt, 1);
        outlet_id = db_column_i64(stmt, 2);
        if (db_column_i64(stmt, 0) == AIRING_DECLINED) {
            state = MESSAGE_SUPPRESSED;
            reason = SUPPRESSED_DECLINED;
        } else if (db_column_i64(stmt, 0) == AIRING_WITHDRAWN) {
            state = MESSAGE_SUPPRESSED;
            reason = SUPPRESSED_WITHDRAWN;
        } else if (db_column_i64(stmt, 3) == CAMPAIGN_STOPPED) {
            state = MESSAGE_SUPPRESSED;
            reason = SUPPRESSED_STOPPED;
        }
        struct str why = db_column_str(stmt, 4);
        snprintf(detail, sizeof detail, "%s%s%.*s", TR("taken back from the device"),
            why.bytes ? ": " : "", STR_ARG(why));
        rc = 0;
    }
    db_finish(&stmt);
    if (rc == 0 && outlet_id) {
        rc = lead_of(d->db, outlet_id, &lead_ms, err);
        due_ms = due_ms - lead_ms > now_ms ? due_ms - lead_ms : now_ms + 1;
    }
    if (rc == 0) {
        rc = db_prepare(d->db,
            "UPDATE message SET state = ?2, reason = ?3, due_at = ?4, at = ?5, ref = NULL, detail "
            "= ?6, tries = 0 WHERE id = ?1 AND state = 4",
            &stmt, err);
    }
    if (rc == 0) {
        db_bind_i64(stmt, 1, message_id);
        db_bind_i64(stmt, 2, state);
        db_bind_i64(stmt, 3, reason);
        if (state == MESSAGE_PLANNED) {
            db_bind_i64(stmt, 4, due_ms);
        } else {
            db_bind_null(stmt, 4);
        }
        db_bind_i64(stmt, 5, now_ms);
        db_bind_text(stmt, 6, detail);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    d->must_reload = true; /* its step may have work again */
    return rc;
}

int dispatch__withdrawn(struct dispatcher *d, struct dispatch_channel *channel,
    const struct pending_result *result, int64_t now_ms, bool *was_out, struct base_err *err) {
    int64_t airing_id = 0;
    channel->withdraws = true; /* one may have been waiting to arrive */
    int rc = asked_about(d, (int64_t)result->id, &airing_id, err);
    *was_out = airing_id != 0;
    if (rc != 0 || airing_id == 0) {
        return rc;
    }
    /* RETRY, NOT_SENT, UNKNOWN: nothing is lost by asking once more. */
    bool again = result->outcome != LANTOA_SENT && result->outcome != LANTOA_REFUSED;
    rc = run(d, "UPDATE airing SET withdraw = ?2 WHERE id = ?1 AND withdraw = ?3", airing_id,
        again ? 1 : 0, 2, err);
    if (rc == 0 && result->outcome == LANTOA_SENT) {
        rc = settle(d, (int64_t)result->id, airing_id, now_ms, err);
    }
    return rc; /* REFUSED: it had begun; what the device says of it is its end */
}

int dispatch__withdraw_recover(
    struct dispatcher *d, struct dispatch_channel *channel, struct base_err *err) {
    channel->withdraws = true;
    return run(d,
        "UPDATE airing SET withdraw = ?2 WHERE withdraw = ?3 AND step_id IN (SELECT s.id FROM step "
        "s WHERE s.channel_id = ?1)",
        channel->id, 1, 2, err);
}
