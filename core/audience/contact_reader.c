/* A ring of batches between the reading thread and the writing one. Knows no database. */
#include "audience/contact_reader.h"

#include "base/tr.h"

#include <pthread.h>

enum { RING = AUDIENCE__BATCHES, PREFETCH_AHEAD = 4, ALL_KEYS = (1 << CONTACT_KEYS) - 1 };

struct audience__reader {
    struct audience_csv *csv;
    struct audience__drafter *drafter;
    struct audience__filter *filter; /* NULL: none */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct audience__batch batches[RING];
    size_t made, taken, freed; /* numbers of batches since the start; made - freed <= RING */
    bool stop;
};

/* Which keys of a draft may be known: those of earlier rows, and of contacts that were there
 * before. */
static unsigned note_keys(struct audience__filter *filter, const struct audience__draft *draft) {
    unsigned bits = 0;
    for (int key = 0; key < CONTACT_KEYS; key++) {
        if (draft->keys[key].bytes > 0 && audience__filter_note(filter, draft->hashes[key])) {
            bits |= 1u << key;
        }
    }
    return bits;
}

static void note_batch(struct audience__reader *reader, struct audience__batch *batch) {
    if (!reader->filter) {
        for (size_t i = 0; i < batch->count; i++) {
            batch->drafts[i].maybe_known = ALL_KEYS;
        }
        return;
    }
    audience__filter_lock(reader->filter);
    for (size_t i = 0; i < batch->count; i++) {
        for (int key = 0; i + PREFETCH_AHEAD < batch->count && key < CONTACT_KEYS; key++) {
            audience__filter_prefetch(
                reader->filter, batch->drafts[i + PREFETCH_AHEAD].hashes[key]);
        }
        batch->drafts[i].maybe_known = note_keys(reader->filter, &batch->drafts[i]);
    }
    audience__filter_unlock(reader->filter);
}

static void fill(struct audience__reader *reader, struct audience__batch *batch) {
    base_arena_reset(batch->arena);
    batch->count = 0;
    batch->result = 1;
    while (batch->count < AUDIENCE__BATCH_ROWS && batch->result == 1) {
        struct audience_csv_row row;
        batch->result = audience_csv_next(reader->csv, &row, &batch->err);
        if (batch->result == 1) {
            audience__draft_make(
                reader->drafter, &row, batch->arena, &batch->drafts[batch->count++]);
        }
    }
    note_batch(reader, batch);
    batch->position = audience_csv_position(reader->csv);
}

static void *run(void *arg) {
    struct audience__reader *reader = arg;
    for (bool more = true; more;) {
        (void)pthread_mutex_lock(&reader->lock);
        while (!reader->stop && reader->made - reader->freed == RING) {
            (void)pthread_cond_wait(&reader->changed, &reader->lock);
        }
        bool stop = reader->stop;
        (void)pthread_mutex_unlock(&reader->lock);
        if (stop) {
            break;
        }
        struct audience__batch *batch = &reader->batches[reader->made % RING];
        fill(reader, batch);
        more = batch->result == 1;
        (void)pthread_mutex_lock(&reader->lock);
        reader->made++;
        (void)pthread_cond_signal(&reader->changed);
        (void)pthread_mutex_unlock(&reader->lock);
    }
    return NULL;
}

static void release(struct audience__reader *reader) {
    for (size_t i = 0; i < RING; i++) {
        base_arena_free(&reader->batches[i].arena);
    }
    (void)pthread_mutex_destroy(&reader->lock);
    (void)pthread_cond_destroy(&reader->changed);
    audience__drafter_free(&reader->drafter);
    base_free(reader);
}

int audience__reader_start(struct audience_csv *csv, const struct audience__columns *columns,
    int64_t today_days, struct audience__filter *filter, struct audience__reader **reader_out,
    struct base_err *err) {
    struct audience__reader *reader = base_alloc(sizeof(*reader));
    reader->csv = csv;
    reader->filter = filter;
    reader->drafter = audience__drafter_new(csv, columns, today_days);
    for (size_t i = 0; i < RING; i++) {
        reader->batches[i].arena = base_arena_new();
    }
    (void)pthread_mutex_init(&reader->lock, NULL);
    (void)pthread_cond_init(&reader->changed, NULL);
    if (pthread_create(&reader->thread, NULL, run, reader)) {
        release(reader);
        return base_err_set(err, LANTOA_ENOMEM, TR("cannot start a thread"));
    }
    *reader_out = reader;
    return 0;
}

struct audience__batch *audience__reader_next(struct audience__reader *reader) {
    (void)pthread_mutex_lock(&reader->lock);
    if (reader->freed < reader->taken) {
        reader->freed = reader->taken;
        (void)pthread_cond_signal(&reader->changed);
    }
    while (reader->made == reader->taken) {
        (void)pthread_cond_wait(&reader->changed, &reader->lock);
    }
    struct audience__batch *batch = &reader->batches[reader->taken++ % RING];
    (void)pthread_mutex_unlock(&reader->lock);
    return batch;
}

void audience__reader_stop(struct audience__reader **reader) {
    struct audience__reader *own = *reader;
    if (!own) {
        return;
    }
    (void)pthread_mutex_lock(&own->lock);
    own->stop = true;
    (void)pthread_cond_broadcast(&own->changed);
    (void)pthread_mutex_unlock(&own->lock);
    (void)pthread_join(own->thread, NULL);
    release(own);
    *reader = NULL;
}
