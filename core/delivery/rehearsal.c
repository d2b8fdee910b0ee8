/* A campaign played through on a scratch copy of the database. */
#include "delivery/rehearsal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/tr.h"
#include "campaign/store.h"
#include "delivery/airing.h"
#include "delivery/dispatch.h"
#include "delivery/plan.h"
#include "delivery/scratch.h"
#include "delivery/step.h"

/* A stand-in channel: takes everything and says at once that it went. */
struct stand_in {
    struct stand_in *next;
    struct rehearsing *all;
    int64_t id;
    struct channel_result results[DISPATCH_BATCH];
    size_t count;
};

struct rehearsing {
    struct db *db;
    struct dispatcher *dispatcher;
    struct stand_in *first;
};

static size_t port_room(void *arg) {
    const struct stand_in *s = arg;
    return DISPATCH_BATCH - s->count;
}

static int port_step(void *arg, const struct delivery_step *step, struct base_err *err) {
    (void)arg;
    (void)step;
    (void)err;
    return 0;
}

static int port_put(void *arg, const struct channel_message *message) {
    struct stand_in *s = arg;
    if (s->count == DISPATCH_BATCH) {
        return LANTOA_EAGAIN;
    }
    s->results[s->count++] = (struct channel_result){.id = message->id, .outcome = LANTOA_SENT};
    return 0;
}

static void port_flush(void *arg) {
    struct stand_in *s = arg;
    dispatcher_results(s->all->dispatcher, s->id, s->results, s->count);
    s->count = 0;
}

static void port_discard(void *arg) {
    struct stand_in *s = arg;
    s->count = 0;
}

static void port_ack(void *arg, const uint64_t *ids, size_t count) {
    (void)arg;
    (void)ids;
    (void)count;
}

static void port_event_done(void *arg, uint64_t token) {
    (void)arg;
    (void)token;
}

static void port_cancel(void *arg, uint32_t step_ref) {
    (void)arg;
    (void)step_ref;
}

static int add_stand_in(void *arg, const struct channel_row *row) {
    struct rehearsing *r = arg;
    struct base_json *doc = NULL;
    struct channel_spec *spec = NULL;
    struct channel_manifest *manifest = NULL;
    struct base_err err = {0};
    int rc = base_json_parse(str_from(row->spec_text), row->name, &doc, &err);
    if (rc == 0) {
        rc = channel_spec_parse(doc, NULL, &spec, &err);
    }
    if (rc == 0) {
        rc = channel_manifest_parse(row->manifest_text, &manifest, &err);
    }
    if (rc == 0) {
        struct stand_in *s = base_alloc(sizeof *s);
        *s = (struct stand_in){.next = r->first, .all = r, .id = row->id};
        r->first = s;
        const struct delivery_port port = {s, port_room, port_step, port_put, port_flush,
            port_discard, port_ack, port_event_done, port_cancel, NULL};
        dispatcher_channel(r->dispatcher, row->id, spec, manifest, &port);
        dispatcher_recovered(r->dispatcher, row->id, true);
    }
    channel_spec_free(&spec);
    channel_manifest_free(&manifest);
    base_json_free(&doc);
    return rc;
}

static int set_running(struct db *db, const char *name, int64_t now_ms, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "UPDATE campaign SET state = 3, started_at = ?2 WHERE name = ?1 AND state < 3", &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, name);
        db_bind_i64(stmt, 2, now_ms);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

static int play(struct rehearsing *r, struct base_err *err) {
    struct dispatcher_status status;
    for (;;) {
        int64_t next_ms;
        int rc = dispatcher_turn(r->dispatcher, &next_ms, err);
        if (rc != 0) {
            return rc;
        }
        dispatcher_status(r->dispatcher, &status);
        if (dispatcher_pending(r->dispatcher) == 0 &&
            (status.running == 0 || next_ms == INT64_MAX)) {
            return 0;
        }
        if (dispatcher_pending(r->dispatcher) == 0 && next_ms > base_clock_now_ms()) {
            base_clock_jump(next_ms);
        }
    }
}

/* --- reading off the result --- */

static void copy_name(char *out, size_t room, struct str name) {
    size_t bytes = name.bytes < room ? name.bytes : room - 1;
    memcpy(out, name.at ? name.at : "", bytes);
    out[bytes] = '\0';
}

static int read_counts(
    struct db *db, int64_t campaign_id, struct rehearsal *out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT s.name, s.occurrence, m.state, m.reason, count(*), min(m.at), max(m.at), max((m.id "
        ">> 42) & 1) FROM step "
        "s JOIN message m "
        "ON m.id BETWEEN (s.id << 43) AND ((s.id + 1) << 43) - 1 WHERE s.campaign_id = ?1 "
        "GROUP BY s.position, s.occurrence, s.name, m.state, m.reason "
        "ORDER BY s.position, s.occurrence, m.state, m.reason",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, campaign_id);
    }
    while (rc >= 0 && stmt && (rc = db_step(stmt, err)) == 1) {
        out->counts = base_realloc(out->counts, (out->count_count + 1) * sizeof *out->counts);
        struct rehearsal_count *c = &out->counts[out->count_count++];
        *c = (struct rehearsal_count){.occurrence = (int)db_column_i64(stmt, 1),
            .state = (int)db_column_i64(stmt, 2),
            .reason = (int)db_column_i64(stmt, 3),
            .messages = db_column_i64(stmt, 4),
            .airings = db_column_i64(stmt, 7) != 0};
        copy_name(c->step, sizeof c->step, db_column_str(stmt, 0));
        if (c->state == MESSAGE_ACCEPTED) {
            c->first_ms = db_column_i64(stmt, 5);
            c->last_ms = db_column_i64(stmt, 6);
            out->start_ms =
                out->start_ms == 0 || c->first_ms < out->start_ms ? c->first_ms : out->start_ms;
            out->end_ms = c->last_ms > out->end_ms ? c->last_ms : out->end_ms;
        }
    }
    db_finish(&stmt);
    return rc;
}

static int read_waves(
    struct db *db, int64_t campaign_id, struct rehearsal *out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT s.name, s.occurrence, m.at / 3600000, count(*), max(m.at) - min(m.at) "
        "FROM step s JOIN message m "
        "ON m.id BETWEEN (s.id << 43) AND ((s.id + 1) << 43) - 1 WHERE s.campaign_id = ?1 AND "
        "m.state = 4 "
        "GROUP BY s.position, s.occurrence, s.name, m.at / 3600000 ORDER BY 3, s.position, "
        "s.occurrence",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, campaign_id);
    }
    while (rc >= 0 && stmt && (rc = db_step(stmt, err)) == 1) {
        out->waves = base_realloc(out->waves, (out->wave_count + 1) * sizeof *out->waves);
        struct rehearsal_wave *w = &out->waves[out->wave_count++];
        *w = (struct rehearsal_wave){.occurrence = (int)db_column_i64(stmt, 1),
            .hour_ms = db_column_i64(stmt, 2) * 3600000,
            .messages = db_column_i64(stmt, 3),
            .minutes = db_column_i64(stmt, 4) / 60000 + 1};
        copy_name(w->step, sizeof w->step, db_column_str(stmt, 0));
    }
    db_finish(&stmt);
    return rc;
}

static int read_firsts(
    struct db *db, int64_t campaign_id, struct rehearsal *out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT s.name, s.occurrence, (SELECT count(*) FROM message m WHERE m.id BETWEEN (s.id << "
        "43) AND s.wave_last AND m.state = 4) FROM step s WHERE s.campaign_id = ?1 AND "
        "s.wave_state <> 0 ORDER BY s.position, s.occurrence",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, campaign_id);
    }
    while (rc >= 0 && stmt && (rc = db_step(stmt, err)) == 1) {
        out->firsts = base_realloc(out->firsts, (out->first_count + 1) * sizeof *out->firsts);
        struct rehearsal_first *first = &out->firsts[out->first_count++];
        *first = (struct rehearsal_first){
            .occurrence = (int)db_column_i64(stmt, 1), .messages = db_column_i64(stmt, 2)};
        copy_name(first->step, sizeof first->step, db_column_str(stmt, 0));
    }
    db_finish(&stmt);
    return rc;
}

static int read_airings(
    struct db *db, int64_t campaign_id, struct rehearsal *out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT (SELECT count(*) FROM airing WHERE campaign_id = ?1 AND state < 2), (SELECT "
        "count(*) FROM airing WHERE campaign_id = ?1 AND state < 2 AND clash = 1), (SELECT "
        "coalesce(sum(asked - got), 0) FROM airing_refusal WHERE campaign_id = ?1)",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, campaign_id);
        rc = db_step(stmt, err);
        if (rc == 1) {
            out->airings = db_column_i64(stmt, 0);
            out->clashes = db_column_i64(stmt, 1);
            out->refused = db_column_i64(stmt, 2);
        }
    }
    db_finish(&stmt);
    return rc < 0 ? rc : 0;
}

static int read_result(
    struct db *db, const char *name, struct rehearsal *out, struct base_err *err) {
    struct campaign_row row = {0};
    struct delivery_campaign *campaign = NULL;
    struct rules *rules = NULL;
    int rc = campaign_get(db, name, &row, err);
    if (rc == 0) {
        out->note = row.wait_reason ? base_strdup(row.wait_reason) : NULL;
        rc = rules_load(db, &rules, err);
    }
    if (rc == 0) {
        rc = delivery_campaign_load(db, row.id, rules, &campaign, err);
    }
    if (rc == 0) {
        rc = read_counts(db, row.id, out, err);
    }
    if (rc == 0) {
        rc = read_waves(db, row.id, out, err);
    }
    if (rc == 0) {
        rc = read_firsts(db, row.id, out, err);
    }
    if (rc == 0) {
        rc = read_airings(db, row.id, out, err);
    }
    if (rc == 0) {
        int64_t rows = 0;
        int64_t airings = 0;
        for (size_t i = 0; i < out->count_count; i++) {
            rows += out->counts[i].messages;
            airings += out->counts[i].airings ? out->counts[i].messages : 0;
        }
        int64_t to_people = 0;
        for (size_t i = 0; i < campaign->step_count; i++) {
            to_people += delivery_step_to_people(&campaign->steps[i]);
        }
        out->audience = to_people ? (rows - airings) / to_people : 0;
        out->cost_minor = campaign->spent_minor;
        out->offset_min = calendar_offset_min(
            campaign->zone, out->start_ms ? out->start_ms : base_clock_now_ms());
    }
    delivery_campaign_free(&campaign);
    rules_free(&rules);
    campaign_row_release(&row);
    return rc;
}

static int prepare_copy(struct db *copy, const char *name, struct base_err *err) {
    struct campaign_row row = {0};
    struct plan_outcome outcome;
    int rc = campaign_get(copy, name, &row, err);
    if (rc == 0 && row.state == CAMPAIGN_DRAFT) {
        rc = campaign_plan(copy, name, "rehearsal", NULL, &outcome, err);
    }
    if (rc == 0 && row.state > CAMPAIGN_APPROVED) {
        rc = base_err_set(err, LANTOA_ESTATE, TR("campaign %s is %s: too late for a rehearsal"),
            name, TR(campaign_state_word(row.state)));
    }
    if (rc == 0) { /* as if every commune said yes */
        const struct airing_filter all = {.campaign = name, .state = AIRING_OFFERED + 1};
        struct airing_decision decision;
        rc = airing_approve(copy, &all, "rehearsal", NULL, &decision, err);
    }
    if (rc == 0) {
        rc = set_running(copy, name, base_clock_now_ms(), err);
    }
    campaign_row_release(&row);
    return rc;
}

static int run_copy(struct db *copy, const char *data_dir, const char *name, struct rehearsal *out,
    struct base_err *err) {
    struct rehearsing r = {.db = copy};
    struct campaign_row row = {0};
    int rc = prepare_copy(copy, name, err);
    if (rc == 0) {
        rc = campaign_get(copy, name, &row, err);
    }
    if (rc == 0) {
        rc = dispatcher_new(copy, row.id, &r.dispatcher, err);
    }
    if (rc == 0) {
        dispatcher_data_dir(r.dispatcher, data_dir);
        rc = channel_each(copy, add_stand_in, &r, err);
    }
    if (rc == 0) {
        rc = play(&r, err);
    }
    if (rc == 0) {
        rc = read_result(copy, name, out, err);
    }
    dispatcher_free(&r.dispatcher);
    while (r.first) {
        struct stand_in *s = r.first;
        r.first = s->next;
        base_free(s);
    }
    campaign_row_release(&row);
    return rc;
}

int rehearsal_run(struct db *db, const char *data_dir, const char *campaign, int64_t from_ms,
    struct rehearsal *rehearsal_out, struct base_err *err) {
    struct scratch scratch;
    *rehearsal_out = (struct rehearsal){0};
    int rc = scratch_open(db, data_dir, "rehearsal", &scratch, err);
    if (rc == 0) {
        base_clock_stand(from_ms ? from_ms : base_clock_now_ms());
        rc = run_copy(scratch.db, data_dir, campaign, rehearsal_out, err);
        scratch_close(&scratch);
    }
    if (rc != 0) {
        rehearsal_release(rehearsal_out);
    }
    return rc;
}

void rehearsal_release(struct rehearsal *rehearsal) {
    base_free(rehearsal->counts);
    base_free(rehearsal->waves);
    base_free(rehearsal->firsts);
    base_free(rehearsal->note);
    *rehearsal = (struct rehearsal){0};
}
