/* The rows of a step lie together in the order of the contacts, so the generations of a message are
 * neighbours and the last one counts. */
#include "report/tally_part.h"

#include <endian.h>

#define WORD_BYTES sizeof(uint64_t)

static size_t words_of(const struct tally *t) {
    return (size_t)t->contact_most / 64 + 1;
}

void tally__part_init(struct tally_part *part, const struct tally *t) {
    *part = (struct tally_part){
        .places = base_alloc_array(t->place_count * MESSAGE_STATE_COUNT, sizeof *part->places),
        .people = base_alloc_array(words_of(t), WORD_BYTES)};
}

void tally__part_clear(struct tally_part *part, const struct tally *t, int what) {
    memset(part->counts, 0, sizeof part->counts);
    memset(part->places, 0, t->place_count * MESSAGE_STATE_COUNT * sizeof *part->places);
    memset(part->people, 0, words_of(t) * WORD_BYTES);
    part->handed_out = 0;
    part->day_count = part->day_at = 0;
    part->what = what;
}

void tally__part_release(struct tally_part *part) {
    base_free(part->places);
    base_free(part->people);
    base_free(part->days);
    *part = (struct tally_part){0};
}

/* --- the walk --- */

static struct tally_day *insert_day(
    struct tally_day **days, size_t *count, size_t *room, int64_t day) {
    size_t at = *count;
    while (at > 0 && (*days)[at - 1].day >= day) {
        at--;
    }
    if (at == *count || (*days)[at].day != day) {
        if (*count == *room) {
            *room = *room ? 2 * *room : 64;
            *days = base_realloc(*days, *room * sizeof **days);
        }
        memmove(&(*days)[at + 1], &(*days)[at], (*count - at) * sizeof **days);
        (*days)[at] = (struct tally_day){.day = day};
        ++*count;
    }
    return &(*days)[at];
}

/* The days of a step mostly follow each other, so the first tells where the others are. */
static struct tally_day *day_of(struct tally_part *part, int64_t day) {
    int64_t guess = part->day_count ? day - part->days[0].day : -1;
    if (guess >= 0 && (size_t)guess < part->day_count && part->days[guess].day == day) {
        return &part->days[guess];
    }
    if (part->day_at >= part->day_count || part->days[part->day_at].day != day) {
        struct tally_day *found = insert_day(&part->days, &part->day_count, &part->day_room, day);
        part->day_at = (size_t)(found - part->days);
    }
    return &part->days[part->day_at];
}

struct row {
    int64_t id, at;
    int state, reason, tries;
};

static void count_row(const struct tally *t, struct tally_part *part, const struct row *row) {
    if (row->state < 0 || row->state >= MESSAGE_STATE_COUNT) {
        return;
    }
    int64_t person = ledger_recipient(row->id);
    bool outlet = row->id >> 42 & 1;
    bool known = !outlet && person <= t->contact_most;
    bool left = row->tries > 0 && row->state >= MESSAGE_SENDING;
    part->counts[row->state][row->reason & (TALLY_REASONS - 1)]++;
    part->handed_out += left;
    if (part->what & TALLY_DAYS) {
        struct tally_day *day = day_of(part, (row->at + t->offset_min * INT64_C(60000)) / 86400000);
        day->counts[row->state]++;
        day->handed_out += left;
    }
    if (part->what & TALLY_PLACES) {
        size_t place = known ? t->place_of[person] : 0;
        part->places[place * MESSAGE_STATE_COUNT + (size_t)row->state]++;
    }
    if (known && (row->state == MESSAGE_ACCEPTED || row->state == MESSAGE_DELIVERED)) {
        part->people[person / 64] |= UINT64_C(1) << (person % 64);
    }
}

int tally__part_walk(const struct tally *t, struct db *db, int64_t step_id, struct tally_part *part,
    struct base_err *err) {
    struct db_stmt *stmt = NULL;
    struct row held = {0};
    bool days = part->what & TALLY_DAYS;
    int rc = db_prepare(db,
        days ? "SELECT id, state, reason, tries, at FROM message WHERE id BETWEEN ?1 AND ?2 "
               "ORDER BY id"
             : "SELECT id, state, reason, tries FROM message WHERE id BETWEEN ?1 AND ?2 ORDER "
               "BY id",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, ledger_first(step_id));
        db_bind_i64(stmt, 2, ledger_last(step_id));
    }
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        struct row row = {.id = db_column_i64(stmt, 0),
            .state = (int)db_column_i64(stmt, 1),
            .reason = (int)db_column_i64(stmt, 2),
            .tries = (int)db_column_i64(stmt, 3),
            .at = days ? db_column_i64(stmt, 4) : 0};
        if (held.id && held.id >> LEDGER_RECIPIENT_SHIFT != row.id >> LEDGER_RECIPIENT_SHIFT) {
            count_row(t, part, &held);
        }
        held = row;
        rc = 0;
    }
    if (held.id) {
        count_row(t, part, &held);
    }
    db_finish(&stmt);
    return rc;
}

/* --- into the sums --- */

static void add_days(struct tally *t, const struct tally_part *part) {
    for (size_t d = 0; d < part->day_count; d++) {
        struct tally_day *day =
            insert_day(&t->days, &t->day_count, &t->day_room, part->days[d].day);
        day->handed_out += part->days[d].handed_out;
        for (int s = 0; s < MESSAGE_STATE_COUNT; s++) {
            day->counts[s] += part->days[d].counts[s];
        }
    }
}

void tally__part_add(
    struct tally *t, struct tally_step *step, const struct tally_part *part, int what) {
    memcpy(step->counts, part->counts, sizeof step->counts);
    step->handed_out = part->handed_out;
    if (what & TALLY_DAYS) {
        add_days(t, part);
    }
    for (size_t p = 0; what & TALLY_PLACES && p < t->place_count; p++) {
        for (size_t s = 0; s < MESSAGE_STATE_COUNT; s++) {
            t->places[p].counts[step->group * MESSAGE_STATE_COUNT + s] +=
                part->places[p * MESSAGE_STATE_COUNT + s];
        }
    }
    for (size_t w = 0; what & TALLY_PEOPLE && w < words_of(t); w++) {
        t->people[step->group][w] |= part->people[w];
    }
}

/* --- as bytes --- */

static void put(struct base_buf *out, uint64_t value) {
    for (; value >= 0x80; value >>= 7) {
        base_buf_add_char(out, (char)(value | 0x80));
    }
    base_buf_add_char(out, (char)value);
}

struct bytes {
    const uint8_t *at, *end;
    bool bad;
};

static uint64_t get(struct bytes *in) {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && in->at < in->end; shift += 7) {
        uint8_t one = *in->at++;
        value |= (uint64_t)(one & 0x7f) << shift;
        if (!(one & 0x80)) {
            return value;
        }
    }
    in->bad = true;
    return 0;
}

static struct bytes bytes_of(struct str text) {
    const uint8_t *at = (const uint8_t *)(text.at ? text.at : "");
    return (struct bytes){at, at + text.bytes, false};
}

static void put_states(struct base_buf *out, const int64_t states[MESSAGE_STATE_COUNT]) {
    for (int s = 0; s < MESSAGE_STATE_COUNT; s++) {
        put(out, (uint64_t)states[s]);
    }
}

static void get_states(struct bytes *in, int64_t states[MESSAGE_STATE_COUNT]) {
    for (int s = 0; s < MESSAGE_STATE_COUNT; s++) {
        states[s] = (int64_t)get(in);
    }
}

static bool any_state(const int64_t *states) {
    int64_t any = 0;
    for (int s = 0; s < MESSAGE_STATE_COUNT; s++) {
        any |= states[s];
    }
    return any != 0;
}

/* State and reason as one number above 0, then how many; 0 ends the list. */
static void write_figures(
    const struct tally *t, const struct tally_part *part, struct base_buf *out) {
    for (int s = 0; s < MESSAGE_STATE_COUNT; s++) {
        for (int r = 0; r < TALLY_REASONS; r++) {
            if (part->counts[s][r]) {
                put(out, (uint64_t)s * TALLY_REASONS + (uint64_t)r + 1);
                put(out, (uint64_t)part->counts[s][r]);
            }
        }
    }
    put(out, 0);
    put(out, (uint64_t)part->handed_out);
    for (size_t p = 0; p < t->place_count; p++) {
        const int64_t *states = &part->places[p * MESSAGE_STATE_COUNT];
        if (any_state(states)) {
            put(out, (uint64_t)t->places[p].id);
            put_states(out, states);
        }
    }
}

static bool read_figures(const struct tally *t, struct tally_part *part, struct str figures) {
    struct bytes in = bytes_of(figures);
    uint64_t key;
    while ((key = get(&in)) != 0 && key <= MESSAGE_STATE_COUNT * TALLY_REASONS) {
        part->counts[(key - 1) / TALLY_REASONS][(key - 1) % TALLY_REASONS] = (int64_t)get(&in);
    }
    part->handed_out = (int64_t)get(&in);
    while (!in.bad && key == 0 && in.at < in.end) {
        uint64_t id = get(&in);
        size_t place = id == 0 ? 0 : tally__place(t, (int64_t)id);
        get_states(&in, &part->places[place * MESSAGE_STATE_COUNT]);
        in.bad |= id != 0 && place == 0;
    }
    return !in.bad && key == 0;
}

enum { PEOPLE_BITMAP = 'b', PEOPLE_LIST = 'l' };

/* Stops where the list would be longer than the bitmap. */
static bool write_list(const struct tally_part *part, size_t words, struct base_buf *out) {
    int64_t before = 0;
    base_buf_add_char(out, PEOPLE_LIST);
    for (size_t w = 0; w < words; w++) {
        for (uint64_t left = part->people[w]; left; left &= left - 1) {
            int64_t person = (int64_t)(64 * w) + __builtin_ctzll(left);
            put(out, (uint64_t)(person - before));
            before = person;
        }
        if (out->bytes > words * WORD_BYTES) {
            return false;
        }
    }
    return true;
}

static void write_people(
    const struct tally *t, const struct tally_part *part, struct base_buf *out) {
    size_t words = words_of(t);
    while (words && !part->people[words - 1]) {
        words--; /* the same bytes, whoever came since */
    }
    if (write_list(part, words, out)) {
        return;
    }
    base_buf_clear(out);
    base_buf_add_char(out, PEOPLE_BITMAP);
    for (size_t w = 0; w < words; w++) {
        uint64_t word = htole64(part->people[w]);
        base_buf_add(out, &word, WORD_BYTES);
    }
}

static bool read_people(const struct tally *t, struct tally_part *part, struct str text) {
    struct bytes in = bytes_of(text);
    int form = in.at < in.end ? *in.at++ : 0;
    size_t words = (size_t)(in.end - in.at) / WORD_BYTES;
    uint64_t person = 0;
    bool whole = (size_t)(in.end - in.at) == words * WORD_BYTES;
    if (form == PEOPLE_BITMAP && whole && words <= words_of(t)) {
        memcpy(part->people, in.at, words * WORD_BYTES);
        for (size_t w = 0; w < words; w++) {
            part->people[w] = le64toh(part->people[w]);
        }
        return true;
    }
    while (form == PEOPLE_LIST && !in.bad && in.at < in.end) {
        person += get(&in);
        if (person > (uint64_t)t->contact_most) {
            return false;
        }
        part->people[person / 64] |= UINT64_C(1) << (person % 64);
    }
    return form == PEOPLE_LIST && !in.bad;
}

static void write_days(const struct tally_part *part, struct base_buf *out) {
    for (size_t d = 0; d < part->day_count; d++) {
        put(out, (uint64_t)part->days[d].day);
        put(out, (uint64_t)part->days[d].handed_out);
        put_states(out, part->days[d].counts);
    }
}

static bool read_days(struct tally_part *part, struct str text) {
    struct bytes in = bytes_of(text);
    while (!in.bad && in.at < in.end) {
        struct tally_day *day = day_of(part, (int64_t)get(&in));
        day->handed_out = (int64_t)get(&in);
        get_states(&in, day->counts);
    }
    return !in.bad;
}

void tally__part_write(const struct tally *t, const struct tally_part *part,
    struct base_buf *figures, struct base_buf *people, struct base_buf *days) {
    write_figures(t, part, figures);
    write_people(t, part, people);
    write_days(part, days);
}

bool tally__part_read(const struct tally *t, struct tally_part *part, struct str figures,
    struct str people, struct str days) {
    return read_figures(t, part, figures) &&
           (!(part->what & TALLY_PEOPLE) || read_people(t, part, people)) &&
           (!(part->what & TALLY_DAYS) || read_days(part, days));
}

/* --- where people live --- */

/* The places with their contacts, "no place" first; then two or four bytes a contact: the number of
 * its place in that list. */
void tally__people_write(const struct tally *t, struct base_buf *out) {
    bool wide = t->place_count > UINT16_MAX;
    put(out, t->place_count);
    for (size_t p = 0; p < t->place_count; p++) {
        put(out, (uint64_t)t->places[p].id);
        put(out, (uint64_t)t->places[p].contacts);
    }
    put(out, (uint64_t)t->contact_most);
    for (int64_t c = 0; c <= t->contact_most; c++) {
        uint32_t long_one = htole32(t->place_of[c]);
        uint16_t short_one = htole16((uint16_t)t->place_of[c]);
        base_buf_add(out, wide ? (void *)&long_one : (void *)&short_one, wide ? 4 : 2);
    }
}

bool tally__people_read(struct tally *t, struct str text) {
    struct bytes in = bytes_of(text);
    uint64_t count = get(&in);
    size_t width = count > UINT16_MAX ? 4 : 2;
    if (in.bad || count == 0 || count > text.bytes) {
        return false;
    }
    uint32_t *places = base_alloc_array(count, sizeof *places);
    for (size_t p = 0; p < t->place_count; p++) {
        t->places[p].contacts = 0;
    }
    for (size_t p = 0; p < count; p++) {
        int64_t id = (int64_t)get(&in);
        places[p] = (uint32_t)tally__place(t, id);
        in.bad |= (places[p] == 0) != (id == 0);
        t->places[places[p]].contacts = (int64_t)get(&in);
    }
    uint64_t most = get(&in);
    bool good = !in.bad && most == (uint64_t)t->contact_most &&
                (size_t)(in.end - in.at) == (most + 1) * width;
    for (uint64_t c = 0; good && c <= most; c++, in.at += width) {
        uint16_t short_one = 0;
        uint32_t number = 0;
        memcpy(width == 2 ? (void *)&short_one : (void *)&number, in.at, width);
        number = width == 2 ? le16toh(short_one) : le32toh(number);
        good = number < count;
        t->place_of[c] = good ? places[number] : 0;
    }
    base_free(places);
    return good;
}
