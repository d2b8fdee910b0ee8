/* Ids of operators; see refs.h. A ring of messages and a ring of ids, the newest overwrite the
 * oldest; a hash table with chains by index over the ids. Ids are kept as 64-bit hashes. */
#include "refs.h"

#include <stdlib.h>

enum { FIRST_ROOM = 1024, NONE = UINT32_MAX };

struct ref_message {
    uint64_t number; /* 0: free */
    char key[SMPP_KEY_ROOM];
    uint32_t address; /* of the digits */
    uint8_t parts, delivered;
    uint64_t kept; /* its number in the file; 0: it has one part only */
};

struct ref_id {
    uint64_t hash, message;
    uint32_t next; /* in its chain */
    uint32_t part; /* its place in the file, or PARTS_NONE */
    bool used, delivered;
};

struct refs {
    enum refs_form form;
    enum refs_form learned; /* with REFS_EITHER: the form that fitted last, or REFS_EITHER */
    size_t most, room;      /* rings grow from FIRST_ROOM to most; powers of two */
    struct ref_message *messages;
    struct ref_id *ids;
    uint32_t *buckets; /* room of them */
    uint64_t messages_made;
    size_t ids_made;
    struct parts *parts; /* BORROWED; may be NULL */
};

/* --- forms --- */

static int digit_of(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : 16;
}

static bool number_of(const char *id, unsigned base, uint64_t *number_out) {
    uint64_t number = 0;
    if (id[0] == '\0') {
        return false;
    }
    for (; *id != '\0'; id++) {
        unsigned digit = (unsigned)digit_of(*id);
        if (digit >= base || number > (UINT64_MAX - digit) / base) {
            return false;
        }
        number = number * base + digit;
    }
    *number_out = number;
    return true;
}

static void write_number(uint64_t number, unsigned base, char *to, size_t room) {
    char digits[24];
    size_t count = 0;
    do {
        digits[count++] = "0123456789ABCDEF"[number % base];
        number /= base;
    } while (number > 0);
    size_t used = 0;
    while (count > 0 && used + 1 < room) {
        to[used++] = digits[--count];
    }
    to[used] = '\0';
}

static void copy(const char *id, char *to, size_t room) {
    size_t bytes = strlen(id);
    bytes = bytes < room ? bytes : room - 1;
    memcpy(to, id, bytes);
    to[bytes] = '\0';
}

/* The number read in one base and written in the other; the text itself when it is no number. */
static void convert(const char *id, unsigned from, unsigned to_base, char *to, size_t room) {
    uint64_t number;
    if (number_of(id, from, &number)) {
        write_number(number, to_base, to, room);
    } else {
        copy(id, to, room);
    }
}

/* Without leading zeros, in capitals: how ids are compared when the form is not text. */
static void tidy(const char *id, char *to, size_t room) {
    size_t used = 0;
    while (id[0] == '0' && id[1] != '\0') {
        id++;
    }
    for (; *id != '\0' && used + 1 < room; id++) {
        to[used++] = (char)(*id >= 'a' && *id <= 'z' ? *id - 'a' + 'A' : *id);
    }
    to[used] = '\0';
}

void refs_of_answer(const struct refs *refs, const char *id, char *ref, size_t room) {
    if (refs->form == REFS_TEXT) {
        copy(id, ref, room);
    } else {
        tidy(id, ref, room);
    }
}

static void in_form(enum refs_form form, const char *id, char *ref, size_t room) {
    switch (form) {
    case REFS_TEXT:
        copy(id, ref, room);
        return;
    case REFS_HEX_THEN_DECIMAL:
        convert(id, 10, 16, ref, room);
        return;
    case REFS_DECIMAL_THEN_HEX:
        convert(id, 16, 10, ref, room);
        return;
    case REFS_HEX:
    case REFS_DECIMAL:
    case REFS_EITHER:
        tidy(id, ref, room);
        return;
    }
}

void refs_of_receipt(const struct refs *refs, const char *id, char *ref, size_t room) {
    in_form(refs->form == REFS_EITHER ? refs->learned : refs->form, id, ref, room);
}

/* --- the table --- */

static uint64_t hash_of(const char *id) {
    uint64_t hash = 0xCBF29CE484222325u;
    for (; *id != '\0'; id++) {
        hash = (hash ^ (unsigned char)*id) * 0x100000001B3u;
    }
    hash ^= hash >> 32;
    hash *= 0xD6E8FEB86659FD93u;
    return hash ^ hash >> 32;
}

/* Of the last digits: the same for 0912..., 84912... and +84912... */
static uint32_t hash_of_address(struct lantoa_str address) {
    uint32_t hash = 1;
    int digits = 0;
    for (size_t i = address.bytes; i > 0 && digits < 9; i--) {
        if (address.at[i - 1] >= '0' && address.at[i - 1] <= '9') {
            hash = hash * 31 + (uint32_t)(address.at[i - 1] - '0');
            digits++;
        }
    }
    return hash;
}

struct refs *refs_new(enum refs_form form, size_t most) {
    struct refs *refs = calloc(1, sizeof(*refs));
    if (refs != NULL) {
        refs->form = form;
        refs->learned = REFS_EITHER;
        refs->most = FIRST_ROOM;
        while (refs->most < most) {
            refs->most *= 2;
        }
    }
    return refs;
}

void refs_free(struct refs *refs) {
    if (refs != NULL) {
        free(refs->messages);
        free(refs->ids);
        free(refs->buckets);
        free(refs);
    }
}

enum refs_form refs_learned(const struct refs *refs) {
    return refs->learned;
}

void refs_learn(struct refs *refs, enum refs_form form) {
    refs->learned = form;
}

static void link_id(struct refs *refs, uint32_t at) {
    uint32_t *bucket = &refs->buckets[refs->ids[at].hash & (refs->room - 1)];
    refs->ids[at].next = *bucket;
    *bucket = at;
}

static void unlink_id(struct refs *refs, uint32_t at) {
    uint32_t *from = &refs->buckets[refs->ids[at].hash & (refs->room - 1)];
    while (*from != NONE && *from != at) {
        from = &refs->ids[*from].next;
    }
    if (*from == at) {
        *from = refs->ids[at].next;
    }
}

/* Grows the rings while they are not as large as allowed. A place is a number's low bits, so
 * everything moves. */
static bool grow(struct refs *refs) {
    size_t room = refs->room == 0 ? FIRST_ROOM : refs->room * 2;
    struct ref_message *messages = calloc(room, sizeof(*messages));
    struct ref_id *ids = calloc(room, sizeof(*ids));
    uint32_t *buckets = malloc(room * sizeof(*buckets));
    if (messages == NULL || ids == NULL || buckets == NULL) {
        free(messages);
        free(ids);
        free(buckets);
        return false;
    }
    for (size_t i = 0; i < refs->room; i++) {
        if (refs->messages[i].number != 0) {
            messages[refs->messages[i].number & (room - 1)] = refs->messages[i];
        }
    }
    size_t kept = refs->ids_made < refs->room ? refs->ids_made : refs->room;
    for (size_t i = 0; i < kept; i++) {
        ids[i] = refs->ids[(refs->ids_made - kept + i) & (refs->room - 1)];
    }
    free(refs->messages);
    free(refs->ids);
    free(refs->buckets);
    refs->messages = messages;
    refs->ids = ids;
    refs->buckets = buckets;
    refs->room = room;
    refs->ids_made = kept;
    for (size_t i = 0; i < room; i++) {
        buckets[i] = NONE;
    }
    for (uint32_t i = 0; i < kept; i++) {
        link_id(refs, i);
    }
    return true;
}

static bool is_full(const struct refs *refs) {
    return refs->messages_made + 1 >= refs->room || refs->ids_made >= refs->room;
}

/* Whether one more may be kept. */
static bool make_room(struct refs *refs) {
    if (refs->room < refs->most && is_full(refs)) {
        (void)grow(refs); /* without memory the oldest go earlier */
    }
    return refs->room > 0;
}

uint64_t refs_message(
    struct refs *refs, struct lantoa_str key, struct lantoa_str address, size_t parts) {
    if (!make_room(refs)) {
        return 0;
    }
    uint64_t number = ++refs->messages_made;
    struct ref_message *message = &refs->messages[number & (refs->room - 1)];
    *message = (struct ref_message){
        .number = number, .parts = (uint8_t)parts, .address = hash_of_address(address)};
    memcpy(message->key, key.at, key.bytes < SMPP_KEY_ROOM ? key.bytes : SMPP_KEY_ROOM - 1);
    if (parts > 1 && refs->parts != NULL) {
        message->kept = parts_run(refs->parts) | number;
    }
    return number;
}

static struct ref_message *message_of(struct refs *refs, uint64_t number) {
    struct ref_message *message =
        refs->room == 0 ? NULL : &refs->messages[number & (refs->room - 1)];
    return message != NULL && message->number == number && number != 0 ? message : NULL;
}

static void add_id(struct refs *refs, struct ref_id id) {
    uint32_t at = (uint32_t)(refs->ids_made++ & (refs->room - 1));
    if (refs->ids[at].used) {
        unlink_id(refs, at);
    }
    id.used = true;
    refs->ids[at] = id;
    link_id(refs, at);
}

static uint32_t keep_part(struct refs *refs, const struct ref_message *message, uint64_t hash) {
    if (message->kept == 0) {
        return PARTS_NONE;
    }
    struct part part = {.hash = hash,
        .message = message->kept,
        .address = message->address,
        .count = message->parts};
    memcpy(part.key, message->key, sizeof(part.key));
    return parts_add(refs->parts, &part);
}

void refs_add(struct refs *refs, uint64_t message, const char *id) {
    char ref[SMPP_ID_MOST + 1];
    if (message_of(refs, message) == NULL || id[0] == '\0' || !make_room(refs)) {
        return;
    }
    refs_of_answer(refs, id, ref, sizeof(ref));
    uint64_t hash = hash_of(ref);
    add_id(refs, (struct ref_id){.hash = hash,
                     .message = message,
                     .part = keep_part(refs, message_of(refs, message), hash)});
}

/* --- what an earlier process knew --- */

struct kept_part {
    uint64_t message;
    uint32_t at;
};

static int by_message(const void *a, const void *b) {
    const struct kept_part *one = a, *other = b;
    return (one->message > other->message) - (one->message < other->message);
}

/* The parts in the file, those of a message together. NULL: none, or no memory. */
static struct kept_part *sorted(const struct parts *parts, size_t *count_out) {
    size_t count = 0, room = parts_room(parts);
    struct kept_part *all = malloc(room * sizeof(*all));
    for (size_t i = 0; all != NULL && i < room; i++) {
        if (parts_at(parts, i)->message != 0) {
            all[count++] = (struct kept_part){parts_at(parts, i)->message, (uint32_t)i};
        }
    }
    if (count > 1) {
        qsort(all, count, sizeof(*all), by_message);
    }
    *count_out = count;
    return all;
}

static void learn_message(struct refs *refs, const struct kept_part *kept, size_t count) {
    const struct part *first = parts_at(refs->parts, kept[0].at);
    if (!make_room(refs)) {
        return;
    }
    uint64_t number = ++refs->messages_made;
    struct ref_message *message = &refs->messages[number & (refs->room - 1)];
    *message = (struct ref_message){
        .number = number, .parts = first->count, .address = first->address, .kept = first->message};
    memcpy(message->key, first->key, sizeof(first->key));
    for (size_t i = 0; i < count && make_room(refs); i++) {
        const struct part *part = parts_at(refs->parts, kept[i].at);
        message = message_of(refs, number);
        message->delivered = (uint8_t)(message->delivered + (part->arrived != 0));
        add_id(refs, (struct ref_id){.hash = part->hash,
                         .message = number,
                         .part = kept[i].at,
                         .delivered = part->arrived != 0});
    }
}

void refs_keep(struct refs *refs, struct parts *parts) {
    size_t count = 0, next;
    refs->parts = parts;
    struct kept_part *all = sorted(parts, &count);
    for (size_t i = 0; i < count; i = next) {
        for (next = i + 1; next < count && all[next].message == all[i].message;) {
            next++;
        }
        learn_message(refs, all + i, next - i);
    }
    free(all);
}

/* The newest id of this text; when numbers are given they must agree. */
static struct ref_id *find_ref(
    struct refs *refs, const char *ref, const struct refs_numbers *numbers) {
    if (refs->room == 0) {
        return NULL;
    }
    uint64_t hash = hash_of(ref);
    for (uint32_t at = refs->buckets[hash & (refs->room - 1)]; at != NONE;
         at = refs->ids[at].next) {
        const struct ref_message *message = message_of(refs, refs->ids[at].message);
        if (refs->ids[at].hash == hash && message != NULL &&
            (numbers == NULL || message->address == hash_of_address(numbers->from) ||
                message->address == hash_of_address(numbers->to))) {
            return &refs->ids[at];
        }
    }
    return NULL;
}

static struct ref_id *find_id(
    struct refs *refs, const char *id, const struct refs_numbers *numbers) {
    static const enum refs_form tries[] = {
        REFS_EITHER, REFS_HEX_THEN_DECIMAL, REFS_DECIMAL_THEN_HEX};
    char ref[SMPP_ID_MOST + 1];
    refs_of_receipt(refs, id, ref, sizeof(ref));
    if (refs->form != REFS_EITHER) {
        return find_ref(refs, ref, NULL);
    }
    struct ref_id *found = find_ref(refs, ref, numbers);
    for (size_t i = 0; found == NULL && i < sizeof(tries) / sizeof(tries[0]); i++) {
        in_form(tries[i], id, ref, sizeof(ref));
        found = find_ref(refs, ref, numbers);
        if (found != NULL) {
            refs->learned = tries[i];
        }
    }
    return found;
}

enum refs_found refs_take(struct refs *refs, const char *id, const struct refs_numbers *numbers,
    enum lantoa_event_kind kind, char key_out[SMPP_KEY_ROOM]) {
    struct ref_id *found = find_id(refs, id, numbers);
    struct ref_message *message = found == NULL ? NULL : message_of(refs, found->message);
    if (message == NULL) {
        return REFS_UNKNOWN;
    }
    memcpy(key_out, message->key, SMPP_KEY_ROOM);
    if (kind != LANTOA_EVENT_DELIVERED) {
        return REFS_FOUND;
    }
    if (!found->delivered) {
        found->delivered = true;
        message->delivered++;
        if (found->part != PARTS_NONE) {
            parts_arrived(refs->parts, found->part, message->kept);
        }
    }
    return message->delivered >= message->parts ? REFS_FOUND : REFS_PARTIAL;
}
