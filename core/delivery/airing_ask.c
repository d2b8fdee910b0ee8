/* What a step asks for: which outlets, and what each of them may play. */
#include "delivery/airing_private.h"

#include "audience/segment.h"
#include "base/mem.h"
#include "base/tr.h"
#include "campaign/recording.h"
#include "delivery/plan.h"

/* --- materials --- */

/* What each of a step's materials may be played as. */
struct playable {
    struct recording_choice *choices;
    size_t count;
};

static int load_playable(struct db *db, const struct campaign_airings *airings,
    struct playable *playable, struct base_err *err) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < airings->material_count; i++) {
        rc = recording_choices(
            db, airings->materials[i], &playable[i].choices, &playable[i].count, err);
    }
    return rc;
}

static struct airtime_material choose(
    const struct playable *playable, const struct outlet *outlet) {
    const struct recording_choice *found = recording_choose(
        playable->choices, playable->count, outlet->languages, outlet->language_count);
    return found ? (struct airtime_material){found->id, (found->length_ms + 999) / 1000}
                 : (struct airtime_material){0, 0};
}

/* --- which outlets --- */

/* The places of the audience, and the communes over its villages. */
static int audience_places(struct db *db, const char *expression, int64_t **ids_out,
    size_t *count_out, int64_t today_days, struct base_err *err) {
    struct segment *audience = NULL;
    struct db_stmt *stmt = NULL;
    struct base_buf sql;
    int next;
    size_t room = 0;
    *ids_out = NULL;
    *count_out = 0;
    int rc = segment_parse(db, str_from(expression), &audience, NULL, err);
    base_buf_init(&sql, 1 << 20);
    if (rc == 0) {
        base_buf_add_text(&sql, "SELECT p.id FROM place p WHERE p.id IN (SELECT c.place_id FROM "
                                "contact c WHERE ");
        rc = segment_sql(audience, &sql, 1, &next, err);
        base_buf_add_text(&sql, ") OR p.id IN (SELECT v.parent_id FROM place v WHERE v.level = "
                                "'village' AND v.id IN (SELECT c.place_id FROM contact c WHERE ");
    }
    if (rc == 0) {
        rc = segment_sql(audience, &sql, 1, &next, err);
        base_buf_add_text(&sql, ")) ORDER BY p.id");
    }
    if (rc == 0) {
        rc = db_prepare(db, base_buf_text(&sql), &stmt, err);
    }
    if (rc == 0) {
        segment_bind(audience, stmt, 1, today_days);
        while ((rc = db_step(stmt, err)) == 1) {
            if (*count_out == room) {
                room = room ? 2 * room : 64;
                *ids_out = base_realloc(*ids_out, room * sizeof **ids_out);
            }
            (*ids_out)[(*count_out)++] = db_column_i64(stmt, 0);
        }
    }
    db_finish(&stmt);
    base_buf_release(&sql);
    segment_free(&audience);
    return rc;
}

/* Where a lot over places keeps the campaign out, its outlets stay silent. */
static bool held_out(const struct airing__booker *b, int64_t place_id) {
    const struct campaign_spec *spec = b->campaign->spec;
    char unit[40];
    if (b->campaign->lot) {
        return lot_keeps_out(b->campaign->lot, 0, place_id);
    }
    if (!spec->has_holdout || spec->holdout_unit != HOLDOUT_PLACE) {
        return false;
    }
    snprintf(unit, sizeof unit, "place:%lld", (long long)place_id);
    return plan_bucket(b->experiment, str_from(unit)) < (int)(spec->holdout_percent * 100 + 0.5);
}

static int query(struct airing__booker *b, const struct delivery_step *step,
    struct outlet_set **set_out, struct base_err *err) {
    int64_t *places = NULL;
    size_t count = 0;
    struct outlet_filter filter = {.channel = step->spec->channel};
    int rc = 0;
    if (step->spec->outlets) {
        filter.where = str_from(step->spec->outlets);
    } else {
        rc = audience_places(b->db, b->campaign->spec->audience, &places, &count,
            airing__local(b->zone, b->now_ms).day, err);
        filter.place_ids = places;
        filter.place_count = count;
    }
    if (rc == 0 && (step->spec->outlets || count > 0)) {
        rc = outlet_query(b->db, &filter, set_out, NULL, err);
    }
    base_free(places);
    if (rc == 0 && !b->again && (!*set_out || outlet_set_count(*set_out) == 0)) {
        rc = base_err_set(err, LANTOA_EINVAL,
            step->spec->outlets
                ? TR("step %s: channel %s has no outlet that fits: %s")
                : TR("step %s: channel %s has no outlet in the places of the audience%s"),
            step->spec->name, step->spec->channel, step->spec->outlets ? step->spec->outlets : "");
    }
    return rc;
}

static int by_index(const void *a, const void *b) {
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

int airing__ask(struct airing__booker *b, const struct delivery_step *step,
    struct airing__asked *asked, struct base_err *err) {
    struct outlet_set *set = NULL;
    size_t materials = step->spec->airings.material_count;
    struct playable *playable = base_alloc_array(materials + 1, sizeof *playable);
    asked->step = step;
    int rc = query(b, step, &set, err);
    if (rc == 0) {
        rc = load_playable(b->db, &step->spec->airings, playable, err);
    }
    if (rc == 0) {
        size_t found = set ? outlet_set_count(set) : 0;
        asked->stations = base_alloc_array(found + 1, sizeof *asked->stations);
        asked->materials = base_alloc_array(found * materials + 1, sizeof *asked->materials);
        for (size_t i = 0; i < found; i++) {
            const struct outlet *outlet = outlet_set_at(set, i);
            size_t at = airing__station(&b->all, outlet->id);
            if (at != AIRTIME_NONE && !held_out(b, outlet->place_id)) {
                asked->stations[asked->count++] = at;
            }
        }
        qsort(asked->stations, asked->count, sizeof *asked->stations, by_index);
        for (size_t i = 0; i < asked->count; i++) {
            for (size_t m = 0; m < materials; m++) {
                asked->materials[i * materials + m] =
                    choose(&playable[m], outlet_set_at(b->all.set, asked->stations[i]));
            }
        }
    }
    for (size_t m = 0; m < materials; m++) {
        base_free(playable[m].choices);
    }
    base_free(playable);
    outlet_set_free(&set);
    return rc;
}
