/* Finds the translation of an English text. The tables are the files vi/<layer>.def, gathered by
 * the build into base_tr_tables.inc; the index over them is made once, at the first look-up in
 * Vietnamese. */
#include "base/tr.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/tr_table.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define TR_ENTRY(english, vietnamese) {english, vietnamese},
const struct base__tr_entry base__tr_entries[] = {
#include "base_tr_tables.inc"
    {NULL, NULL}, /* keeps the array legal when there is no table at all */
};
#undef TR_ENTRY
const size_t base__tr_count = sizeof(base__tr_entries) / sizeof(base__tr_entries[0]) - 1;

static _Atomic(int) language = BASE_LANG_EN;
static _Thread_local int here = -1; /* -1: the language of the process */
static pthread_once_t index_once = PTHREAD_ONCE_INIT;
static const struct base__tr_entry **index_slots; /* open addressing, at most half full */
static size_t index_mask;

static size_t slot_find(const char *english) {
    size_t slot = base_hash64(english, strlen(english)) & index_mask;
    while (index_slots[slot] && strcmp(index_slots[slot]->english, english) != 0) {
        slot = (slot + 1) & index_mask;
    }
    return slot;
}

static void index_build(void) {
    size_t slots = 16;
    while (slots < base__tr_count * 2) {
        slots *= 2;
    }
    index_slots = base_alloc_array(slots, sizeof(struct base__tr_entry *));
    index_mask = slots - 1;
    for (size_t i = 0; i < base__tr_count; i++) {
        index_slots[slot_find(base__tr_entries[i].english)] = &base__tr_entries[i];
    }
}

void base_tr_set(enum base_lang lang) {
    atomic_store(&language, lang);
}

enum base_lang base_tr_get(void) {
    return (enum base_lang)(here >= 0 ? here : atomic_load(&language));
}

void base_tr_set_here(enum base_lang lang) {
    here = (int)lang;
}

void base_tr_unset_here(void) {
    here = -1;
}

const char *base_tr(const char *english) {
    if (base_tr_get() == BASE_LANG_EN) {
        return english;
    }
    pthread_once(&index_once, index_build);
    const struct base__tr_entry *entry = index_slots[slot_find(english)];
    return entry ? entry->vietnamese : english;
}
