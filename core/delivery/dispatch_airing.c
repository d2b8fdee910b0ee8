/* What outlets are given: airings that are approved, a while before their start, with everything
 * the device needs. Looked at at the last moment: the commune's word, the windows and quiet hours
 * of today, whether it is too late. */
#include "base/mem.h"
#include "base/tr.h"
#include "delivery/airing_private.h"
#include "delivery/dispatch_private.h"

struct due {
    int64_t id, airing_id, outlet_id, start_ms, ends_ms, seconds;
    int tries, priority, state;
    bool retired;
    struct str code, name, device, place, sha256, format, title, script, lang;
};

struct giver {
    struct dispatcher *d;
    struct dispatch_channel *channel;
    struct delivery_step *step;
    int64_t now_ms;
};

/* 0: given or settled; 1: no room, come again. */
enum { GIVEN = 0, STOP = 1 };

static const char airing_sql[] =
    "SELECT m.id, m.tries, a.id, a.outlet_id, a.start_at, a.ends_at, a.seconds, a.priority, "
    "a.state, o.state = 'retired', o.code, o.name, coalesce(o.device, ''), p.name, r.sha256, "
    "r.format, coalesce(r.title, r.name), coalesce(r.script, ''), r.lang FROM message m JOIN "
    "airing a ON a.id = " LEDGER_RECIPIENT_SQL(
        "m.id") " JOIN outlet o ON o.id = a.outlet_id JOIN place p ON p.id = o.place_id JOIN "
                "recording r ON r.id = a.recording_id WHERE (m.id >> 43) = ?1 AND m.due_at IS NOT "
                "NULL AND m.due_at <= ?2 AND m.state IN (0, 1) ORDER BY m.due_at, m.id LIMIT ?3";

static int prepare(struct dispatcher *d, struct base_err *err) {
    if (d->airing) {
        return 0;
    }
    int rc = db_prepare(d->db, airing_sql, &d->airing, err);
    if (rc == 0) {
        rc = db_prepare(d->db,
            "UPDATE airing SET start_at = ?2, ends_at = ?3 WHERE id = ?1 AND start_at = 0",
            &d->airing_start, err);
    }
    if (rc == 0) {
        rc = db_prepare(d->db,
            "UPDATE airing SET device = ?2 WHERE id = ?1 AND coalesce(device, '') <> ?2",
            &d->airing_given, err);
    }
    return rc;
}

void dispatch__airings_finish(struct dispatcher *d) {
    db_finish(&d->airing);
    db_finish(&d->airing_start);
    db_finish(&d->airing_given);
}

static struct str kept(struct base_arena *arena, struct str text) {
    return str_of(base_arena_strndup(arena, text.bytes ? text.at : "", text.bytes), text.bytes);
}

/* The texts are copied: other statements run while a row is worked on. */
static void read_due(struct db_stmt *stmt, struct base_arena *arena, struct due *out) {
    struct str *texts[] = {&out->code, &out->name, &out->device, &out->place, &out->sha256,
        &out->format, &out->title, &out->script, &out->lang};
    *out = (struct due){.id = db_column_i64(stmt, 0),
        .tries = (int)db_column_i64(stmt, 1),
        .airing_id = db_column_i64(stmt, 2),
        .outlet_id = db_column_i64(stmt, 3),
        .start_ms = db_column_i64(stmt, 4),
        .ends_ms = db_column_i64(stmt, 5),
        .seconds = db_column_i64(stmt, 6),
        .priority = (int)db_column_i64(stmt, 7),
        .state = (int)db_column_i64(stmt, 8),
        .retired = db_column_i64(stmt, 9) != 0};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i] = kept(arena, db_column_str(stmt, 10 + (int)i));
    }
}

static int end(
    struct giver *g, const struct due *due, int reason, const char *detail, struct base_err *err) {
    struct dispatcher *d = g->d;
    /* What was handed out before and came back has failed. */
    bool failed = due->tries > 0 && reason == SUPPRESSED_EXPIRED;
    int state = failed ? MESSAGE_FAILED : MESSAGE_SUPPRESSED;
    reason = failed ? LANTOA_REASON_TIMEOUT : reason;
    db_bind_i64(d->suppress, 1, due->id);
    db_bind_i64(d->suppress, 2, state);
    db_bind_i64(d->suppress, 3, reason);
    db_bind_text(d->suppress, 4, detail);
    db_bind_i64(d->suppress, 5, g->now_ms);
    int rc = db_run(d->suppress, err);
    if (rc == 0 && failed) {
        rc = dispatch__attempt(d, due->id, g->now_ms, state, reason, str_from(detail), err);
    }
    return rc;
}

/* Hours and days may have changed since it was approved. */
static int check_hours(struct giver *g, const struct due *due, bool *fits_out, char *why,
    size_t room, struct base_err *err) {
    struct airing__stations one;
    *fits_out = true;
    if (due->priority == AIRTIME_EMERGENCY) {
        return 0;
    }
    int rc = airing__stations_load(g->d->db, due->outlet_id, &one, err);
    if (rc == 0 && one.count > 0) {
        struct airing__local at = airing__local(g->step->campaign->zone, due->start_ms);
        enum airtime_reason reason =
            airtime_allowed(&one.stations[0], at.day, at.second, due->seconds);
        *fits_out = reason == AIRTIME_FITS;
        snprintf(why, room, "%s", airtime_reason_text(reason));
    }
    airing__stations_release(&one);
    return rc;
}

/* 0 go on, 1 settled, negative. */
static int judge(struct giver *g, struct due *due, struct base_err *err) {
    char why[200];
    bool fits;
    if (due->start_ms == 0) { /* an emergency begins with its step */
        due->start_ms = g->now_ms;
        due->ends_ms = g->now_ms + AIRING_EMERGENCY_MS;
        db_bind_i64(g->d->airing_start, 1, due->airing_id);
        db_bind_i64(g->d->airing_start, 2, due->start_ms);
        db_bind_i64(g->d->airing_start, 3, due->ends_ms);
        int rc = db_run(g->d->airing_start, err);
        if (rc != 0) {
            return rc;
        }
    }
    int reason = 0;
    const char *detail = NULL;
    if (due->state == AIRING_DECLINED) {
        reason = SUPPRESSED_DECLINED;
    } else if (due->state == AIRING_WITHDRAWN) {
        reason = SUPPRESSED_WITHDRAWN;
    } else if (due->state == AIRING_OFFERED && g->now_ms < due->start_ms) {
        db_bind_i64(g->d->hold, 1, due->id);
        db_bind_i64(g->d->hold, 2, HELD_COMMUNE);
        db_bind_i64(g->d->hold, 3, due->start_ms);
        int rc = db_run(g->d->hold, err);
        return rc < 0 ? rc : 1;
    } else if (due->state == AIRING_OFFERED) {
        reason = SUPPRESSED_EXPIRED;
        detail = TR("the commune had not decided when it was to begin");
    } else if (g->now_ms > due->ends_ms) {
        reason = SUPPRESSED_EXPIRED;
        detail = TR("too late: the last moment to begin is over");
    } else if (due->retired) {
        reason = SUPPRESSED_NO_ADDRESS;
        detail = TR("the outlet is retired");
    } else if (due->device.bytes == 0) {
        reason = SUPPRESSED_NO_ADDRESS;
        detail = TR("the outlet has no device");
    }
    if (reason == 0) {
        int rc = check_hours(g, due, &fits, why, sizeof why, err);
        if (rc != 0 || fits) {
            return rc;
        }
        reason = SUPPRESSED_OFF_HOURS;
        detail = why;
    }
    int rc = end(g, due, reason, detail, err);
    return rc < 0 ? rc : 1;
}

/* --- what the device gets --- */

static struct str printed(struct base_arena *arena, const char *text) {
    return kept(arena, str_from(text));
}

static struct str field_of(
    const struct giver *g, const struct due *due, struct base_arena *arena, const char *name) {
    char text[128] = "";
    const char *mime;
    const struct calendar_zone *zone = g->step->campaign->zone;
    const struct {
        const char *name;
        struct str value;
    } texts[] = {{"outlet", due->code}, {"title", due->title}, {"script", due->script},
        {"place", due->place}, {"priority", str_from(airing_priority_word(due->priority))}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strcmp(name, texts[i].name) == 0) {
            return texts[i].value;
        }
    }
    if (strcmp(name, "audio") == 0) {
        snprintf(text, sizeof text, "%.*s%s", STR_ARG(due->sha256),
            airing_sound_suffix(due->format, &mime));
    } else if (strcmp(name, "seconds") == 0) {
        snprintf(text, sizeof text, "%lld", (long long)due->seconds);
    } else if (strcmp(name, "start") == 0) {
        base_format_iso(due->start_ms, calendar_offset_min(zone, due->start_ms), text);
    } else if (strcmp(name, "ends") == 0) {
        base_format_iso(due->ends_ms, calendar_offset_min(zone, due->ends_ms), text);
    }
    return printed(arena, text);
}

/* The step goes with its recordings; one that was approved since it was told is told as well. */
static int tell_step(struct giver *g, const struct due *due, struct base_err *err) {
    snprintf(g->step->sound, sizeof g->step->sound, "%.*s", STR_ARG(due->sha256));
    return g->channel->port.step(g->channel->port.arg, g->step, err);
}

static int give(
    struct giver *g, const struct due *due, struct base_arena *arena, struct base_err *err) {
    struct str fields[DELIVERY_FIELDS_MAX];
    char key[LEDGER_KEY_BYTES + 1];
    const struct channel_manifest *manifest = g->step->manifest;
    int rc = tell_step(g, due, err);
    if (rc != 0) {
        return rc;
    }
    for (size_t i = 0; i < manifest->content_count && i < DELIVERY_FIELDS_MAX; i++) {
        fields[i] = field_of(g, due, arena, manifest->content[i].name);
    }
    ledger_key(g->d->instance, due->id, key);
    const struct channel_message message = {.id = (uint64_t)due->id,
        .step_ref = g->step->ref,
        .due_ms = due->start_ms,
        .key = str_of(key, LEDGER_KEY_BYTES),
        .address = due->device,
        .name = due->name,
        .lang = due->lang,
        .fields = fields};
    rc = g->channel->port.put(g->channel->port.arg, &message);
    if (rc == LANTOA_ELIMIT) {
        return end(
            g, due, SUPPRESSED_TEMPLATE_ERROR, TR("larger than a channel may be given"), err);
    }
    if (rc != 0) {
        return STOP;
    }
    db_bind_i64(g->d->claim_due, 1, due->id);
    db_bind_i64(g->d->claim_due, 2, g->now_ms);
    db_bind_null(g->d->claim_due, 3);
    db_bind_null(g->d->claim_due, 4);
    rc = db_run(g->d->claim_due, err);
    if (rc == 0) {
        db_bind_i64(g->d->airing_given, 1, due->airing_id);
        db_bind_str(g->d->airing_given, 2, due->device);
        rc = db_run(g->d->airing_given, err);
    }
    if (rc == 0) {
        g->step->outstanding++;
        g->channel->put++;
    }
    return rc;
}

/* --- a lot of them --- */

static int read_lot(struct giver *g, struct base_arena *arena, size_t most, struct due *lot,
    size_t *count_out, struct base_err *err) {
    int rc = prepare(g->d, err);
    *count_out = 0;
    if (rc != 0) {
        return rc;
    }
    db_bind_i64(g->d->airing, 1, g->step->id);
    db_bind_i64(g->d->airing, 2, g->now_ms);
    db_bind_i64(g->d->airing, 3, (int64_t)most);
    while ((rc = db_step(g->d->airing, err)) == 1) {
        if (*count_out < most) {
            read_due(g->d->airing, arena, &lot[(*count_out)++]);
        }
    }
    return rc;
}

static int next_due(struct giver *g, struct base_err *err) {
    struct dispatcher *d = g->d;
    db_bind_i64(d->min_due, 1, g->step->id);
    int rc = db_step(d->min_due, err);
    if (rc == 1) {
        g->step->next_due_ms =
            db_column_is_null(d->min_due, 0) ? INT64_MAX : db_column_i64(d->min_due, 0);
    }
    db_reset(d->min_due);
    return rc < 0 ? rc : 0;
}

int dispatch__airings_until(struct dispatcher *d, const struct delivery_step *step,
    int64_t *until_out, struct base_err *err) {
    return dispatch__step_number(d, step,
        "SELECT max(a.ends_at + a.seconds * 1000) FROM message m JOIN airing a ON a.id "
        "= " LEDGER_RECIPIENT_SQL("m.id") " WHERE m.id BETWEEN ?1 AND ?2 AND m.state = 4",
        until_out, err);
}

int dispatch__airings(struct dispatcher *d, struct dispatch_channel *channel,
    struct delivery_step *step, size_t *quota, int64_t now_ms, struct base_err *err) {
    struct giver g = {.d = d, .channel = channel, .step = step, .now_ms = now_ms};
    size_t before = channel->put;
    size_t most = *quota < DISPATCH_BATCH ? *quota : DISPATCH_BATCH;
    size_t count = 0;
    struct base_arena *arena = base_arena_new();
    struct due *lot = base_alloc_array(most + 1, sizeof *lot);
    step->swept = true;
    int rc = read_lot(&g, arena, most, lot, &count, err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = judge(&g, &lot[i], err);
        rc = rc == 1 ? 0 : rc == 0 ? give(&g, &lot[i], arena, err) : rc;
    }
    bool full = rc == STOP;
    rc = full ? 0 : rc;
    size_t put = channel->put - before;
    *quota -= put < *quota ? put : *quota;
    if (rc == 0 && !full && count < most) {
        rc = next_due(&g, err);
    }
    if (rc == 0 && put > 0) {
        step->first_sent_ms = step->first_sent_ms ? step->first_sent_ms : now_ms;
        step->last_sent_ms = now_ms;
        rc = dispatch__times(d, step, err);
    }
    base_free(lot);
    base_arena_free(&arena);
    return rc;
}
