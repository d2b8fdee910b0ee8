/* Joins channel hosts to the dispatcher. */
#include "delivery/serve_channels.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tr.h"
#include "delivery/airing.h"
#include "delivery/serve.h"
#include "delivery/step_parts.h"

#define LOTS 4 /* of what a host may hold, make room worth a claim */
#define LOT_MOST (DISPATCH_BATCH / 2)

#define RECALL_STEP UINT32_MAX /* no campaign's: what takes airings back */

#define PRUNE_MS (60 * INT64_C(60000))
#define PRUNE_NEXT_MS 1000

/* A recording that the host has with a step. */
struct told_sound {
    struct told_sound *next;
    uint32_t step_ref;
    char sha256[65];
};

struct served {
    struct served *next;
    struct told_sound *sounds;
    struct serve_channels *all;
    int64_t id, changed_at;
    struct channel *channel;
    struct serve_hooks *hooks; /* NULL: none are kept */
    char *told, *told_why;     /* state and reason last written to the database */
};

struct serve_channels {
    struct ev_loop *loop;
    struct db *db;
    char *data_dir;
    struct dispatcher *dispatcher;
    const struct serve_hook_store *hooks;
    int64_t prune_real_ms; /* when old call-backs are looked for next */
    void (*news)(void *arg, bool urgent);
    void *arg;
    struct served *first;
    int64_t data_version; /* of the last reload; -1: none yet */
    bool stopping;
};

/* --- the dispatcher's side --- */

/* Less than a lot is no room: while messages flow back one by one, a turn for each handful of them
 * would be a commit for each handful. What the host has in store keeps it busy meanwhile. */
static size_t port_room(void *arg) {
    const struct served *served = arg;
    size_t room = channel_room(served->channel);
    size_t lot = (room + channel_outstanding(served->channel)) / LOTS;
    return room > (lot < LOT_MOST ? lot : LOT_MOST) ? room : 0;
}

/* What the outlets of a step play, each recording once: its part is called by its content. */
static int read_sounds(const struct served *served, const struct delivery_step *step,
    struct base_buf **bytes_out, struct channel_part **parts_out, size_t *count_out,
    struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(served->all->db,
        "SELECT DISTINCT r.sha256, r.format FROM airing a JOIN recording r ON r.id = "
        "a.recording_id WHERE a.step_id = ?1 ORDER BY r.sha256",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, step->id);
        while ((rc = db_step(stmt, err)) == 1) {
            size_t at = *count_out;
            char *sha256 = base_strndup(db_column_str(stmt, 0).at, db_column_str(stmt, 0).bytes);
            const char *mime;
            const char *suffix = airing_sound_suffix(db_column_str(stmt, 1), &mime);
            char *path = campaign_material_path(served->all->data_dir, sha256);
            *bytes_out = base_realloc(*bytes_out, (at + 1) * sizeof **bytes_out);
            *parts_out = base_realloc(*parts_out, (at + 1) * sizeof **parts_out);
            base_buf_init(&(*bytes_out)[at], STEP_PART_BYTES_MAX);
            rc = base_file_read(path, STEP_PART_BYTES_MAX, &(*bytes_out)[at], err);
            char *name = base_printf("%s%s", sha256, suffix);
            (*parts_out)[at] = (struct channel_part){
                str_from(name), str_from(mime), {0}, base_buf_str(&(*bytes_out)[at])};
            *count_out = at + 1;
            base_free(path);
            base_free(sha256);
            if (rc != 0) {
                break;
            }
        }
    }
    db_finish(&stmt);
    return rc;
}

static bool has_sound(const struct served *served, const struct delivery_step *step) {
    const struct told_sound *told = served->sounds;
    while (told && (told->step_ref != step->ref || strcmp(told->sha256, step->sound) != 0)) {
        told = told->next;
    }
    return told != NULL;
}

static void forget_sounds(struct served *served, uint32_t step_ref) {
    for (struct told_sound **at = &served->sounds; *at;) {
        struct told_sound *told = *at;
        if (step_ref == 0 || told->step_ref == step_ref) {
            *at = told->next;
            base_free(told);
        } else {
            at = &told->next;
        }
    }
}

static void note_sounds(struct served *served, const struct delivery_step *step,
    const struct channel_part *parts, size_t count) {
    forget_sounds(served, step->ref);
    for (size_t i = 0; i < count; i++) { /* a part is called by its sha256 and a suffix */
        struct told_sound *told = base_alloc(sizeof *told);
        told->step_ref = step->ref;
        snprintf(told->sha256, sizeof told->sha256, "%.64s", parts[i].name.at);
        told->next = served->sounds;
        served->sounds = told;
    }
}

static int port_outlet_step(
    struct served *served, const struct delivery_step *step, struct base_err *err) {
    struct base_buf *bytes = NULL;
    struct channel_part *parts = NULL;
    size_t count = 0;
    int rc = read_sounds(served, step, &bytes, &parts, &count, err);
    if (rc == 0) {
        rc = channel_step(served->channel, step->ref, str_from(step->campaign->spec->name),
            str_from(step->spec->name), str_from(campaign_class_word(step->campaign->spec->class)),
            (struct str){0}, parts, count, err);
    }
    if (rc == 0) {
        note_sounds(served, step, parts, count);
    }
    for (size_t i = 0; i < count; i++) {
        base_free((void *)(uintptr_t)parts[i].name.at);
        base_buf_release(&bytes[i]);
    }
    base_free(bytes);
    base_free(parts);
    return rc;
}

static int port_step(void *arg, const struct delivery_step *step, struct base_err *err) {
    struct served *served = arg;
    bool known = channel_step_known(served->channel, step->ref);
    if (step->spec->airings.on) {
        return known && has_sound(served, step) ? 0 : port_outlet_step(served, step, err);
    }
    if (known) {
        return 0;
    }
    struct step_parts parts;
    int rc = step_parts_load(served->all->data_dir, step, &parts, err);
    if (rc == 0) {
        rc = channel_step(served->channel, step->ref, str_from(step->campaign->spec->name),
            str_from(step->spec->name), str_from(campaign_class_word(step->campaign->spec->class)),
            str_from(step->spec->accents ? step->spec->accents : ""), parts.at, parts.count, err);
    }
    step_parts_release(&parts);
    return rc;
}

static int port_put(void *arg, const struct channel_message *message) {
    const struct served *served = arg;
    return channel_put(served->channel, message);
}

/* Airings are taken back also when their campaign is over and its steps are not loaded. */
static int port_recall(void *arg, const struct channel_message *message, struct base_err *err) {
    const struct served *served = arg;
    struct channel_message recall = *message;
    recall.step_ref = RECALL_STEP;
    if (!channel_step_known(served->channel, RECALL_STEP)) {
        int rc = channel_step(served->channel, RECALL_STEP, STR("recall"), STR("recall"),
            STR("internal"), (struct str){0}, NULL, 0, err);
        if (rc != 0) {
            return rc;
        }
    }
    return channel_put(served->channel, &recall);
}

static void port_flush(void *arg) {
    const struct served *served = arg;
    channel_flush(served->channel);
}

static void port_discard(void *arg) {
    const struct served *served = arg;
    channel_discard(served->channel);
}

static void port_ack(void *arg, const uint64_t *ids, size_t count) {
    const struct served *served = arg;
    channel_ack(served->channel, ids, count);
}

static void port_event_done(void *arg, uint64_t token) {
    const struct served *served = arg;
    channel_event_done(served->channel, token);
}

static void port_cancel(void *arg, uint32_t step_ref) {
    const struct served *served = arg;
    channel_cancel(served->channel, step_ref);
}

/* --- the channel's side --- */

static int write_state(
    const struct served *served, const char *state, const char *why, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_begin(served->all->db, err);
    if (rc != 0) {
        return rc;
    }
    rc = db_prepare(served->all->db,
        "UPDATE channel SET state = ?2, parked_reason = ?3 WHERE id = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, served->id);
        db_bind_text(stmt, 2, state);
        db_bind_text(stmt, 3, why);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    if (rc == 0) {
        return db_commit(served->all->db, err);
    }
    db_rollback(served->all->db);
    return rc;
}

static bool same(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Staff see in `channel list` that a channel is parked, or was started again and has sent nothing
 * since, and why. While it starts, what was known before still holds. */
static void tell_state(struct served *served) {
    enum channel_state now = channel_state(served->channel);
    const char *why = channel_trouble(served->channel);
    const char *state = now == CHANNEL_PARKED ? "parked" : why ? "retrying" : "ready";
    bool silent = now == CHANNEL_STOPPED || (now == CHANNEL_STARTING && !why);
    if (silent || (same(state, served->told) && same(why, served->told_why)) ||
        db_in_transaction(served->all->db)) {
        return;
    }
    struct base_err err = {0};
    int rc = write_state(served, state, why, &err);
    if (rc == LANTOA_EBUSY) {
        return; /* at the next look */
    }
    if (rc != 0) {
        base_log(BASE_LOG_ERROR, "serve", "%s", err.text);
    }
    base_free(served->told);
    base_free(served->told_why);
    served->told = base_strdup(state);
    served->told_why = why ? base_strdup(why) : NULL;
}

static void on_results(
    void *arg, struct channel *channel, const struct channel_result *results, size_t count) {
    struct served *served = arg;
    dispatcher_results(served->all->dispatcher, served->id, results, count);
    tell_state(served);
    size_t waiting = dispatcher_pending(served->all->dispatcher);
    size_t out = channel_outstanding(channel);
    bool dry = out < waiting + channel_get_spec(channel)->window;
    served->all->news(served->all->arg, dry);
}

static void on_events(
    void *arg, struct channel *channel, const struct channel_event *events, size_t count) {
    struct served *served = arg;
    (void)channel;
    dispatcher_events(served->all->dispatcher, served->id, events, count);
    served->all->news(served->all->arg, false);
}

static void on_recovered(void *arg, struct channel *channel, bool trusted) {
    struct served *served = arg;
    (void)channel;
    dispatcher_recovered(served->all->dispatcher, served->id, trusted);
    served->all->news(served->all->arg, true);
}

static void on_changed(void *arg, struct channel *channel) {
    struct served *served = arg;
    if (served->hooks && channel_state(channel) != CHANNEL_READY) {
        serve_hooks_restart(served->hooks); /* handed over at the next look, to the next host */
    }
    tell_state(served);
    served->all->news(served->all->arg, true);
}

static void on_hook_done(void *arg, struct channel *channel, uint64_t token, int code) {
    struct served *served = arg;
    (void)channel;
    serve_hooks_answered(served->hooks, token, code);
    served->all->news(served->all->arg, false);
}

static const struct channel_callbacks callbacks = {
    on_results, on_events, on_recovered, on_changed, on_hook_done};

/* Its place is free: the next ones may go. */
static void hook_recorded(void *arg, int64_t channel_id, int64_t id) {
    const struct serve_channels *all = arg;
    for (struct served *s = all->first; s; s = s->next) {
        if (s->id == channel_id) {
            serve_hooks_recorded(s->hooks, id);
        }
    }
}

/* --- loading --- */

static int parse_row(const struct channel_row *row, struct channel_spec **spec_out,
    struct channel_manifest **manifest_out, struct base_err *err) {
    struct base_json *doc = NULL;
    int rc = channel_manifest_parse(row->manifest_text, manifest_out, err);
    if (rc == 0) {
        rc = base_json_parse(str_from(row->spec_text), row->name, &doc, err);
    }
    if (rc == 0) {
        rc = channel_spec_parse(doc, *manifest_out, spec_out, err);
    }
    base_json_free(&doc);
    if (rc != 0) {
        channel_manifest_free(manifest_out);
    }
    return rc;
}

static void join(struct served *served, const struct channel_spec *spec,
    const struct channel_manifest *manifest) {
    const struct delivery_port port = {served, port_room, port_step, port_put, port_flush,
        port_discard, port_ack, port_event_done, port_cancel, port_recall};
    dispatcher_channel(served->all->dispatcher, served->id, spec, manifest, &port);
}

static int take_row(void *arg, const struct channel_row *row) {
    struct serve_channels *all = arg;
    struct channel_spec *spec = NULL;
    struct channel_manifest *manifest = NULL;
    struct base_err err = {0};
    struct served *served = all->first;
    while (served && served->id != row->id) {
        served = served->next;
    }
    if (served && served->changed_at == row->changed_at) {
        return 0;
    }
    if (parse_row(row, &spec, &manifest, &err) != 0) {
        base_log(BASE_LOG_ERROR, "serve", "channel %s: %s", row->name, err.text);
        return 0;
    }
    if (served) {
        served->changed_at = row->changed_at;
        base_free(served->told); /* `channel apply` has written it */
        base_free(served->told_why);
        served->told = base_strdup(row->state);
        served->told_why = row->parked_reason ? base_strdup(row->parked_reason) : NULL;
        join(served, spec, manifest);
        channel_reconfigure(served->channel, spec, manifest);
        return 0;
    }
    served = base_alloc(sizeof *served);
    served->all = all;
    served->id = row->id;
    served->changed_at = row->changed_at;
    served->told = base_strdup(row->state);
    served->told_why = row->parked_reason ? base_strdup(row->parked_reason) : NULL;
    served->next = all->first;
    all->first = served;
    join(served, spec, manifest);
    served->channel = channel_new(all->loop, all->data_dir, spec, manifest, &callbacks, served);
    if (all->hooks) {
        served->hooks =
            serve_hooks_new(all->hooks, all->db, all->dispatcher, row->id, served->channel);
        serve_hooks_restart(served->hooks);
    }
    channel_start(served->channel);
    return 0;
}

struct serve_channels *serve_channels_new(struct ev_loop *loop, struct db *db, const char *data_dir,
    struct dispatcher *dispatcher, const struct serve_hook_store *hooks,
    void (*news)(void *arg, bool urgent), void *arg) {
    struct serve_channels *all = base_alloc(sizeof *all);
    *all = (struct serve_channels){.loop = loop,
        .db = db,
        .data_dir = base_strdup(data_dir),
        .dispatcher = dispatcher,
        .hooks = hooks,
        .news = news,
        .arg = arg,
        .data_version = -1};
    if (hooks) {
        dispatcher_on_hook_done(dispatcher, hooks->done, hook_recorded, all);
    }
    return all;
}

static void hand_over_hooks(struct serve_channels *all, bool changed) {
    for (struct served *s = all->first; s; s = s->next) {
        if (s->hooks && (changed || serve_hooks_left(s->hooks))) {
            serve_hooks_look(s->hooks);
        }
    }
}

/* Once an hour, and in small steps so that nobody waits for it. */
static int prune_hooks(struct serve_channels *all, struct base_err *err) {
    int64_t real_ms = base_clock_real_ms();
    if (!all->hooks || real_ms < all->prune_real_ms) {
        return 0;
    }
    bool more = false;
    int rc = all->hooks->prune(all->db, base_clock_now_ms(), &more, err);
    all->prune_real_ms = real_ms + (more ? PRUNE_NEXT_MS : PRUNE_MS);
    return rc == LANTOA_EBUSY ? 0 : rc;
}

int serve_channels_reload(struct serve_channels *all, struct base_err *err) {
    int64_t version;
    int rc = db_data_version(all->db, &version, err);
    bool changed = rc == 0 && version != all->data_version;
    if (changed) {
        all->data_version = version;
        rc = channel_each(all->db, take_row, all, err);
    }
    for (struct served *s = all->first; s && rc == 0; s = s->next) {
        tell_state(s);
    }
    if (rc == 0) {
        hand_over_hooks(all, changed);
        rc = prune_hooks(all, err);
    }
    return rc;
}

void serve_channels_stop(struct serve_channels *all, int64_t grace_ms) {
    all->stopping = true;
    for (struct served *s = all->first; s; s = s->next) {
        channel_stop(s->channel, grace_ms);
    }
}

bool serve_channels_stopped(const struct serve_channels *all) {
    for (const struct served *s = all->first; s; s = s->next) {
        if (channel_state(s->channel) != CHANNEL_STOPPED) {
            return false;
        }
    }
    return true;
}

bool serve_channels_parked(const struct serve_channels *all) {
    for (const struct served *s = all->first; s; s = s->next) {
        if (channel_state(s->channel) == CHANNEL_PARKED) {
            return true;
        }
    }
    return false;
}

size_t serve_channels_figures(
    const struct serve_channels *channels, struct serve_figure *figures_out, size_t most) {
    size_t count = 0;
    for (const struct served *served = channels->first; served; served = served->next) {
        const struct channel_metric *metrics;
        size_t all = channel_metrics(served->channel, &metrics);
        for (size_t i = 0; i < all && count < most; i++) {
            figures_out[count++] = (struct serve_figure){
                channel_name(served->channel), metrics[i].name, metrics[i].value};
        }
    }
    return count;
}

void serve_channels_free(struct serve_channels **all) {
    if (!*all) {
        return;
    }
    while ((*all)->first) {
        struct served *served = (*all)->first;
        (*all)->first = served->next;
        forget_sounds(served, 0);
        channel_free(&served->channel);
        base_free(served->told);
        base_free(served->told_why);
        serve_hooks_free(&served->hooks);
        base_free(served);
    }
    base_free((*all)->data_dir);
    base_free(*all);
    *all = NULL;
}
