/* Follows successions to a day and shares whole people out among several successors. */
#include "audience/place_carry.h"

#include "audience/place_name.h"
#include "base/civil.h"
#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MOST = 16 };
static const int64_t weight_unit = 1000000000; /* shares to nine decimals */

struct link {
    int64_t place_id, other_id;
    int64_t weight;
    int64_t given; /* people it got */
};
struct unit {
    int64_t id;
    char from[BASE_DATE_MAX], to[BASE_DATE_MAX];
    bool doubtful; /* took over the code of a place that nobody has linked */
    int64_t parent_id;
    int rank;
    const char *code, *name;
};
struct links {
    struct link *at; /* by place */
    size_t count, room;
};
struct place_carry {
    struct base_arena *arena;
    char on[BASE_DATE_MAX];
    struct unit *units; /* by id */
    size_t count, room;
    struct links heirs, origins;
};

/* --- reading --- */

static int compare_units(const void *a, const void *b) {
    const struct unit *left = a, *right = b;
    return left->id < right->id ? -1 : left->id > right->id;
}

static int compare_links(const void *a, const void *b) {
    const struct link *left = a, *right = b;
    if (left->place_id != right->place_id) {
        return left->place_id < right->place_id ? -1 : 1;
    }
    return left->other_id < right->other_id ? -1 : left->other_id > right->other_id;
}

static void add_link(struct links *links, int64_t place_id, int64_t other_id, double share) {
    if (links->count == links->room) {
        links->room = links->room ? 2 * links->room : 256;
        links->at = base_realloc(links->at, links->room * sizeof *links->at);
    }
    int64_t weight = llround(share * (double)weight_unit);
    links->at[links->count++] = (struct link){place_id, other_id, weight > 0 ? weight : 1, 0};
}

static int load_units(struct place_carry *carry, struct db *db, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT p.id, p.valid_from, p.valid_to, p.name, CASE WHEN EXISTS (SELECT 1 FROM place o "
        "WHERE o.code = p.code AND o.id <> p.id AND o.valid_to = p.valid_from AND NOT EXISTS "
        "(SELECT 1 FROM place_successor s WHERE s.place_id = o.id)) THEN 1 ELSE 0 END, "
        "COALESCE(p.parent_id, 0), p.level, p.code FROM place p "
        "ORDER BY p.id",
        &stmt, err);
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        if (carry->count == carry->room) {
            carry->room = carry->room ? 2 * carry->room : 1024;
            carry->units = base_realloc(carry->units, carry->room * sizeof *carry->units);
        }
        struct unit *unit = &carry->units[carry->count++];
        struct str name = db_column_str(stmt, 3), code = db_column_str(stmt, 7);
        *unit = (struct unit){.id = db_column_i64(stmt, 0),
            .doubtful = db_column_i64(stmt, 4) != 0,
            .parent_id = db_column_i64(stmt, 5),
            .rank = audience__place_rank(db_column_str(stmt, 6)),
            .code = base_arena_strndup(carry->arena, code.at, code.bytes),
            .name = base_arena_strndup(carry->arena, name.at, name.bytes)};
        snprintf(unit->from, sizeof unit->from, "%.*s", STR_ARG(db_column_str(stmt, 1)));
        snprintf(unit->to, sizeof unit->to, "%.*s", STR_ARG(db_column_str(stmt, 2)));
        rc = 0;
    }
    db_finish(&stmt);
    return rc;
}

static int load_links(struct place_carry *carry, struct db *db, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc =
        db_prepare(db, "SELECT place_id, successor_id, share FROM place_successor", &stmt, err);
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        int64_t old = db_column_i64(stmt, 0), heir = db_column_i64(stmt, 1);
        double share = db_column_f64(stmt, 2);
        add_link(&carry->heirs, old, heir, share);
        add_link(&carry->origins, heir, old, share);
        rc = 0;
    }
    db_finish(&stmt);
    if (carry->heirs.count) {
        qsort(carry->heirs.at, carry->heirs.count, sizeof *carry->heirs.at, compare_links);
        qsort(carry->origins.at, carry->origins.count, sizeof *carry->origins.at, compare_links);
    }
    return rc;
}

int place_carry_new(
    struct db *db, const char *on, struct place_carry **carry_out, struct base_err *err) {
    struct place_carry *carry = base_alloc(sizeof *carry);
    *carry = (struct place_carry){.arena = base_arena_new()};
    snprintf(carry->on, sizeof carry->on, "%s", on);
    int rc = load_units(carry, db, err);
    rc = rc ? rc : load_links(carry, db, err);
    if (rc) {
        place_carry_free(&carry);
        return rc;
    }
    *carry_out = carry;
    return 0;
}

void place_carry_free(struct place_carry **carry) {
    if (*carry) {
        base_arena_free(&(*carry)->arena);
        base_free((*carry)->units);
        base_free((*carry)->heirs.at);
        base_free((*carry)->origins.at);
        base_free(*carry);
        *carry = NULL;
    }
}

/* --- walking --- */

static const struct unit *unit_of(const struct place_carry *carry, int64_t id) {
    const struct unit key = {.id = id};
    return carry->count ? bsearch(&key, carry->units, carry->count, sizeof key, compare_units)
                        : NULL;
}

/* The links of a place: *count_out of them from the one returned. */
static struct link *links_of(const struct links *links, int64_t place_id, size_t *count_out) {
    size_t low = 0, high = links->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (links->at[middle].place_id < place_id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    size_t end = low;
    while (end < links->count && links->at[end].place_id == place_id) {
        end++;
    }
    *count_out = end - low;
    return end > low ? &links->at[low] : NULL;
}

static bool is_over(const struct place_carry *carry, int64_t id) {
    const struct unit *unit = unit_of(carry, id);
    return unit && unit->to[0] && strcmp(unit->to, carry->on) <= 0;
}

static bool is_later(const struct place_carry *carry, int64_t id) {
    const struct unit *unit = unit_of(carry, id);
    return unit && strcmp(unit->from, carry->on) > 0;
}

/* As far back as there is one origin only; the place itself when that does not reach the day. */
static int64_t origin_of(const struct place_carry *carry, int64_t id) {
    int64_t at = id;
    for (int depth = 0; depth < DEPTH_MOST && is_later(carry, at); depth++) {
        size_t count;
        const struct link *links = links_of(&carry->origins, at, &count);
        if (count != 1 || unit_of(carry, at)->doubtful) {
            return id;
        }
        at = links->other_id;
    }
    return is_later(carry, at) ? id : at;
}

static int64_t weight_sum(const struct link *links, size_t count) {
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += links[i].weight;
    }
    return sum;
}

/* --- people --- */

static struct link *neediest(struct link *links, size_t count) {
    int64_t sum = weight_sum(links, count), given = 1;
    struct link *best = links;
    __int128 most = 0;
    for (size_t i = 0; i < count; i++) {
        given += links[i].given;
    }
    for (size_t i = 0; i < count; i++) {
        __int128 lacks = (__int128)links[i].weight * given - (__int128)links[i].given * sum;
        if (i == 0 || lacks > most) {
            most = lacks;
            best = &links[i];
        }
    }
    return best;
}

int64_t place_carry_person(struct place_carry *carry, int64_t place_id) {
    for (int depth = 0; depth < DEPTH_MOST && is_over(carry, place_id); depth++) {
        size_t count;
        struct link *links = links_of(&carry->heirs, place_id, &count);
        if (count == 0) {
            return place_id;
        }
        struct link *next = count == 1 ? links : neediest(links, count);
        next->given++;
        place_id = next->other_id;
    }
    return origin_of(carry, place_id);
}

/* --- amounts --- */

struct sharing {
    const struct place_carry *carry;
    struct place_part *parts;
    size_t count;
};

static void add_part(struct sharing *s, int64_t place_id, int64_t amount) {
    size_t at = 0;
    while (at < s->count && s->parts[at].place_id < place_id) {
        at++;
    }
    if (at < s->count && s->parts[at].place_id == place_id) {
        s->parts[at].amount += amount;
    } else if (s->count < PLACE_CARRY_PARTS) {
        memmove(&s->parts[at + 1], &s->parts[at], (s->count - at) * sizeof *s->parts);
        s->parts[at] = (struct place_part){place_id, amount};
        s->count++;
    } else {
        s->parts[PLACE_CARRY_PARTS - 1].amount += amount; /* never lost */
    }
}

static void share_out(struct sharing *s, int64_t place_id, int64_t amount, int depth) {
    size_t count = 0;
    const struct link *links = depth < DEPTH_MOST && is_over(s->carry, place_id)
                                   ? links_of(&s->carry->heirs, place_id, &count)
                                   : NULL;
    count = count < PLACE_CARRY_PARTS ? count : PLACE_CARRY_PARTS;
    if (count == 0) {
        add_part(s, origin_of(s->carry, place_id), amount);
        return;
    }
    int64_t sum = weight_sum(links, count), left = amount;
    int64_t got[PLACE_CARRY_PARTS], rest[PLACE_CARRY_PARTS];
    for (size_t i = 0; i < count; i++) {
        __int128 product = (__int128)amount * links[i].weight;
        got[i] = (int64_t)(product / sum);
        rest[i] = (int64_t)(product % sum);
        left -= got[i];
    }
    for (; left > 0; left--) {
        size_t most = 0;
        for (size_t i = 1; i < count; i++) {
            most = rest[i] > rest[most] ? i : most;
        }
        got[most]++;
        rest[most] = -1;
    }
    for (size_t i = 0; i < count; i++) {
        share_out(s, links[i].other_id, got[i], depth + 1);
    }
}

size_t place_carry_amount(const struct place_carry *carry, int64_t place_id, int64_t amount,
    struct place_part parts_out[static PLACE_CARRY_PARTS]) {
    struct sharing s = {carry, parts_out, 0};
    share_out(&s, place_id, amount, 0);
    return s.count;
}

/* --- kin and names --- */

static int64_t newest(const struct place_carry *carry, int64_t id) {
    for (int depth = 0; depth < DEPTH_MOST; depth++) {
        size_t count, best = 0;
        const struct link *links = links_of(&carry->heirs, id, &count);
        for (size_t i = 1; i < count; i++) {
            best = links[i].weight > links[best].weight ? i : best;
        }
        if (count == 0) {
            break;
        }
        id = links[best].other_id;
    }
    return id;
}

static bool reaches(const struct place_carry *carry, int64_t from, int64_t to, int depth) {
    size_t count;
    const struct link *links = links_of(&carry->heirs, from, &count);
    bool found = from == to;
    for (size_t i = 0; !found && depth < DEPTH_MOST && i < count; i++) {
        found = reaches(carry, links[i].other_id, to, depth + 1);
    }
    return found;
}

bool place_carry_kin(const struct place_carry *carry, int64_t a, int64_t b) {
    return newest(carry, a) == newest(carry, b) || reaches(carry, a, b, 0) ||
           reaches(carry, b, a, 0);
}

static void add_names(
    const struct place_carry *carry, int64_t id, int depth, size_t start, struct base_buf *out) {
    size_t count;
    const struct link *links = links_of(&carry->origins, id, &count);
    for (size_t i = 0; depth < DEPTH_MOST && i < count; i++) {
        if (is_later(carry, links[i].other_id)) {
            add_names(carry, links[i].other_id, depth + 1, start, out);
            continue;
        }
        const struct unit *unit = unit_of(carry, links[i].other_id);
        if (unit) {
            base_buf_add_text(out, out->bytes > start ? ", " : "");
            base_buf_add_text(out, unit->name);
        }
    }
}

void place_carry_old_names(
    const struct place_carry *carry, int64_t place_id, struct base_buf *out) {
    if (is_later(carry, place_id)) {
        add_names(carry, place_id, 0, out->bytes, out);
    }
}

/* --- what a place is --- */

bool place_carry_info(
    const struct place_carry *carry, int64_t place_id, struct place_row *info_out) {
    const struct unit *unit = unit_of(carry, place_id);
    if (!unit) {
        return false;
    }
    *info_out = (struct place_row){.id = unit->id,
        .parent_id = unit->parent_id,
        .code = str_from(unit->code),
        .name = str_from(unit->name),
        .level = str_from(audience__place_level(unit->rank)),
        .valid_from = str_from(unit->from),
        .valid_to = str_from(unit->to)};
    return true;
}

static int64_t above(const struct place_carry *carry, int64_t place_id, int rank, int depth);

/* Where all that a later place was put together from lies; 0: in several, or nobody knows. */
static int64_t above_origins(
    const struct place_carry *carry, const struct unit *unit, int rank, int depth) {
    size_t count;
    const struct link *links = links_of(&carry->origins, unit->id, &count);
    int64_t common = 0;
    if (unit->doubtful || depth == DEPTH_MOST) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        int64_t one = above(carry, links[i].other_id, rank, depth + 1);
        if (one == 0 || (common && one != common)) {
            return 0;
        }
        common = one;
    }
    return common;
}

static int64_t above(const struct place_carry *carry, int64_t place_id, int rank, int depth) {
    const struct unit *unit = unit_of(carry, place_id);
    for (int steps = 0; unit && unit->rank >= rank && steps < DEPTH_MOST; steps++) {
        int64_t old = is_later(carry, unit->id) ? above_origins(carry, unit, rank, depth) : 0;
        if (old || unit->rank == rank) {
            return old ? old : unit->id;
        }
        unit = unit_of(carry, unit->parent_id);
    }
    return 0;
}

int64_t place_carry_above(const struct place_carry *carry, int64_t place_id, struct str level) {
    int64_t upper = above(carry, place_id, audience__place_rank(level), 0);
    return upper ? upper : place_id;
}

bool place_carry_under(const struct place_carry *carry, int64_t place_id, int64_t upper_id) {
    const struct unit *unit = unit_of(carry, place_id);
    for (int depth = 0; unit && depth < DEPTH_MOST; depth++) {
        if (unit->id == upper_id) {
            return true;
        }
        unit = unit_of(carry, unit->parent_id);
    }
    return false;
}
