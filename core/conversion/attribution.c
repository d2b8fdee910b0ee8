/* Shares conversions out. */
#include "conversion/attribution.h"

#include "base/tr.h"

#define DAY_MS INT64_C(86400000)
#define OTHERS 0 /* the unit of touches outside the question */

struct unit {
    int64_t id; /* of channel, campaign, theme; of a step: its number here */
    const char *name, *campaign;
};

struct maker {
    const struct attribution_ask *ask;
    struct attribution *out;
    struct touch_rules *rules;
    struct recorded_list recorded;
    struct touch_person *people; /* of the recorded that are matched: from `matched` on */
    size_t matched;              /* index of the first recorded with a contact */
    struct touch_set touches;
    struct unit *units; /* [0]: others */
    size_t unit_count;
    uint32_t *unit_of;             /* source -> unit */
    struct stats_credit **credits; /* one, or one per place */
    size_t *place_of;              /* recorded -> index of out->places */
    struct stats_touch *path;
    size_t path_room;
};

/* --- units --- */

static bool in_scope(const struct attribution_ask *ask, const struct touch_source *source) {
    return (!ask->campaign_id || source->campaign_id == ask->campaign_id) &&
           (!ask->theme_id || source->theme_id == ask->theme_id);
}

static struct unit unit_of_source(const struct maker *m, const struct touch_source *source) {
    switch (m->ask->by) {
    case ATTRIBUTION_BY_CHANNEL:
        return (struct unit){source->channel_id, source->channel, ""};
    case ATTRIBUTION_BY_CAMPAIGN:
        return (struct unit){source->campaign_id, source->campaign, ""};
    case ATTRIBUTION_BY_THEME:
        return (struct unit){source->theme_id, source->theme, ""};
    case ATTRIBUTION_BY_STEP:
        return (struct unit){source->campaign_id, source->step, source->campaign};
    case ATTRIBUTION_TOGETHER:
    case ATTRIBUTION_AXIS_COUNT:
        break;
    }
    return (struct unit){0, "", ""};
}

/* Events of no campaign are told by their channel's kind, whatever the axis. */
static int index_units(struct maker *m, struct base_err *err) {
    size_t sources = m->touches.source_count;
    m->units = base_alloc_array(sources + 1, sizeof *m->units);
    m->unit_of = base_alloc_array(sources + 1, sizeof *m->unit_of);
    m->units[0] = (struct unit){-1, "", ""};
    m->unit_count = 1;
    for (size_t s = 0; s < sources; s++) {
        const struct touch_source *source = &m->touches.sources[s];
        struct unit unit = unit_of_source(m, source);
        size_t at = 1;
        if (!in_scope(m->ask, source)) {
            m->unit_of[s] = OTHERS;
            continue;
        }
        unit.name =
            source->step_id || m->ask->by == ATTRIBUTION_TOGETHER ? unit.name : source->kind;
        while (at < m->unit_count &&
               (m->units[at].id != unit.id || strcmp(m->units[at].name, unit.name) != 0)) {
            at++;
        }
        if (at == m->unit_count) {
            m->units[m->unit_count++] = unit;
        }
        m->unit_of[s] = (uint32_t)at;
        if (m->unit_count > STATS_CHANNELS_MAX) {
            return base_err_set(err, LANTOA_ELIMIT,
                TR("more than %d rows share the credit: name a campaign or a theme, or choose "
                   "another --by"),
                STATS_CHANNELS_MAX - 1);
        }
    }
    return 0;
}

/* --- places --- */

static int by_place(const void *a, const void *b) {
    int64_t x = ((const struct attribution_place *)a)->place_id;
    int64_t y = ((const struct attribution_place *)b)->place_id;
    return (x > y) - (x < y);
}

static int by_number(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void index_places(struct maker *m) {
    struct attribution *out = m->out;
    size_t count = m->recorded.count;
    int64_t *ids = base_alloc_array(count + 1, sizeof *ids);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        ids[i] = m->recorded.rows[i].place_id;
    }
    qsort(ids, count, sizeof *ids, by_number);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || ids[kept - 1] != ids[i]) {
            ids[kept++] = ids[i];
        }
    }
    struct attribution_place *places = base_alloc_array(kept + 1, sizeof *places);
    for (size_t i = 0; i < kept; i++) {
        places[i].place_id = ids[i];
    }
    base_free(ids);
    out->places = places;
    out->place_count = kept;
    m->place_of = base_alloc_array(count + 1, sizeof *m->place_of);
    for (size_t i = 0; i < count; i++) {
        struct attribution_place key = {.place_id = m->recorded.rows[i].place_id};
        struct attribution_place *place = bsearch(&key, places, kept, sizeof key, by_place);
        m->place_of[i] = (size_t)(place - places);
        place->recorded++;
        place->unmatched += m->recorded.rows[i].contact_id == 0;
        place->subsidy += (double)(m->recorded.rows[i].support + m->recorded.rows[i].local);
    }
}

/* --- paths --- */

static void read_path(struct maker *m, const struct touch *touches, size_t count) {
    if (count > m->path_room) {
        m->path_room = 2 * count + 64;
        m->path = base_realloc(m->path, m->path_room * sizeof *m->path);
    }
    for (size_t i = 0; i < count; i++) {
        m->path[i].channel = m->unit_of[touches[i].source];
        m->path[i].day = (double)touches[i].at_ms / (double)DAY_MS;
    }
}

static int add_conversions(struct maker *m, struct base_err *err) {
    int rc = 0;
    for (size_t i = m->matched; rc == 0 && i < m->recorded.count; i++) {
        size_t first = m->touches.first[i - m->matched];
        size_t count = m->touches.first[i - m->matched + 1] - first;
        const struct recorded *one = &m->recorded.rows[i];
        read_path(m, &m->touches.touches[first], count);
        struct stats_path path = {.touches = m->path,
            .count = count,
            .conversions = 1,
            .value = (double)(one->support + one->local)};
        rc = stats_credit_add(m->credits[m->ask->places ? m->place_of[i] : 0], &path, err);
    }
    return rc;
}

static int add_null(void *arg, const struct touch *touches, size_t count, struct base_err *err) {
    struct maker *m = arg;
    read_path(m, touches, count);
    struct stats_path path = {.touches = m->path, .count = count, .nulls = 1};
    return stats_credit_add(m->credits[0], &path, err);
}

/* Markov's chain needs the paths that led nowhere. */
static int add_nulls(struct maker *m, struct db *db, struct base_err *err) {
    const struct attribution_ask *ask = m->ask;
    int64_t offset_ms = ask->offset_min * INT64_C(60000);
    struct touch_walk walk = {
        .from_ms = ask->recorded.from_day * DAY_MS - offset_ms - touch_rules_longest(m->rules),
        .until_ms = (ask->recorded.to_day + 1) * DAY_MS - offset_ms - 1,
        .people = m->people,
        .people_count = m->recorded.count - m->matched,
        .path = add_null,
        .arg = m};
    return touch_each_path(db, &m->touches, &walk, err);
}

/* --- results --- */

static int by_name(const void *a, const void *b) {
    const struct attribution_row *x = a;
    const struct attribution_row *y = b;
    int order = strcmp(x->campaign, y->campaign);
    order = order ? order : strcmp(x->name, y->name);
    return order ? order : (x->place_id > y->place_id) - (x->place_id < y->place_id);
}

static int collect(struct maker *m, size_t credit, struct base_err *err) {
    struct attribution *out = m->out;
    double conversions[STATS_CHANNELS_MAX];
    double values[STATS_CHANNELS_MAX];
    struct stats_credit_sum sum;
    int rc = stats_credit_result(m->credits[credit], out->model, conversions, values, err);
    if (rc != 0) {
        return rc;
    }
    stats_credit_total(m->credits[credit], &sum);
    struct attribution_place *place = m->ask->places ? &out->places[credit] : NULL;
    for (size_t u = 1; u < m->unit_count; u++) {
        if (conversions[u] > 0 || !place) {
            out->rows[out->row_count++] = (struct attribution_row){
                base_arena_strndup(out->arena, m->units[u].name, strlen(m->units[u].name)),
                base_arena_strndup(out->arena, m->units[u].campaign, strlen(m->units[u].campaign)),
                place ? place->place_id : 0, conversions[u], values[u]};
        }
        if (place) {
            place->credit += conversions[u];
        }
    }
    out->others += conversions[OTHERS];
    out->others_subsidy += values[OTHERS];
    out->nobody += sum.nobody_conversions;
    out->nobody_subsidy += sum.nobody_value;
    if (place) {
        place->others = conversions[OTHERS];
        place->nobody = sum.nobody_conversions;
    }
    return 0;
}

static int share_out(struct maker *m, struct db *db, struct base_err *err) {
    struct attribution *out = m->out;
    size_t credits = m->ask->places ? out->place_count : 1;
    int rc = 0;
    m->credits = base_alloc_array(credits + 1, sizeof(struct stats_credit *));
    for (size_t i = 0; rc == 0 && i < credits; i++) {
        rc = stats_credit_new(
            m->unit_count, 1U << out->model, out->half_life_days, &m->credits[i], err);
    }
    rc = rc == 0 ? add_conversions(m, err) : rc;
    if (rc == 0 && out->model == STATS_CREDIT_MARKOV) {
        rc = add_nulls(m, db, err);
    }
    out->rows = base_alloc_array(credits * m->unit_count + 1, sizeof *out->rows);
    for (size_t i = 0; rc == 0 && i < credits; i++) {
        rc = collect(m, i, err);
    }
    for (size_t i = 0; i < credits; i++) {
        stats_credit_free(&m->credits[i]);
    }
    qsort(out->rows, out->row_count, sizeof *out->rows, by_name);
    return rc;
}

static void list_people(struct maker *m) {
    int64_t offset_ms = m->ask->offset_min * INT64_C(60000);
    size_t count = m->recorded.count;
    while (m->matched < count && m->recorded.rows[m->matched].contact_id == 0) {
        m->out->unmatched_subsidy +=
            (double)(m->recorded.rows[m->matched].support + m->recorded.rows[m->matched].local);
        m->matched++;
    }
    m->people = base_alloc_array(count - m->matched + 1, sizeof *m->people);
    for (size_t i = m->matched; i < count; i++) {
        m->people[i - m->matched] = (struct touch_person){
            m->recorded.rows[i].contact_id, (m->recorded.rows[i].day + 1) * DAY_MS - offset_ms - 1};
    }
    m->out->recorded = (double)count;
    m->out->unmatched = (double)m->matched;
    for (size_t i = 0; i < count; i++) {
        m->out->support += (double)m->recorded.rows[i].support;
        m->out->local += (double)m->recorded.rows[i].local;
    }
}

static void release(struct maker *m) {
    base_free(m->path);
    base_free(m->place_of);
    base_free(m->credits);
    base_free(m->unit_of);
    base_free(m->units);
    base_free(m->people);
    touch_set_release(&m->touches);
    recorded_release(&m->recorded);
    touch_rules_free(&m->rules);
}

static int make(struct maker *m, struct db *db, struct base_err *err) {
    const struct attribution_ask *ask = m->ask;
    struct attribution *out = m->out;
    int rc = touch_rules_load(db, &m->rules, err);
    if (rc == 0) {
        out->model = ask->model_given ? ask->model : touch_rules_model(m->rules);
        out->half_life_days = touch_rules_half_life(m->rules);
        rc = ask->places && out->model == STATS_CREDIT_MARKOV
                 ? base_err_set(err, LANTOA_EINVAL, "%s",
                       TR("the model markov shares over all paths together and says nothing of "
                          "single places"))
                 : recorded_read(db, &ask->recorded, &m->recorded, err);
    }
    if (rc == 0 && ask->subsidy) {
        rc = recorded_subsidy(db, &m->recorded, &out->subsidy_unknown, err);
    }
    if (rc == 0) {
        list_people(m);
        rc =
            touch_gather(db, m->rules, m->people, m->recorded.count - m->matched, &m->touches, err);
    }
    rc = rc == 0 ? index_units(m, err) : rc;
    if (rc == 0) {
        if (ask->places) {
            index_places(m);
        }
        rc = share_out(m, db, err);
    }
    return rc;
}

int attribution_run(struct db *db, const struct attribution_ask *ask, struct attribution *out,
    struct base_err *err) {
    struct maker m = {.ask = ask, .out = out};
    bool own = !db_in_transaction(db);
    *out = (struct attribution){.arena = base_arena_new()};
    int rc = own ? db_begin_read(db, err) : 0;
    rc = rc == 0 ? make(&m, db, err) : rc;
    if (own) {
        db_rollback(db);
    }
    release(&m);
    return rc;
}

void attribution_release(struct attribution *out) {
    base_free(out->rows);
    base_free(out->places);
    if (out->arena) {
        base_arena_free(&out->arena);
    }
    *out = (struct attribution){0};
}
