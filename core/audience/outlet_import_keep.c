/* A row of a list of outlets against the others: a code stands once, a device belongs to one. Rows
 * that take a device over from an outlet which gives it up further on, or swap theirs, are fine: so
 * a row whose device is taken waits for the end of the file. */
#include "audience/outlet_import.h"

#include "base/hash.h"
#include "base/text.h"
#include "base/tr.h"

#define WAITING_MOST 5000

struct outlet__seen {
    struct outlet__seen *next;
    struct str code;
    int64_t line;
};

struct outlet__waiting {
    struct outlet__waiting *next;
    struct str code, device, json; /* json: the row */
    struct str holder;             /* code of the outlet that has the device */
    int64_t line;
    bool done; /* kept or refused */
};

static struct str copy(struct base_arena *arena, struct str text) {
    return str_of(base_arena_strndup(arena, text.at, text.bytes), text.bytes);
}

int outlet__import_seen(struct outlet__importing *i) {
    struct str code = i->row.code;
    size_t slot = base_hash64(code.at, code.bytes) % OUTLET__SEEN_SLOTS;
    for (const struct outlet__seen *s = i->seen[slot]; s; s = s->next) {
        if (str_eq(s->code, code)) {
            (void)snprintf(i->reason, sizeof i->reason, TR("the same code stands in line %lld"),
                (long long)s->line);
            return outlet__import_refuse(i, OUTLET__CODE, i->reason);
        }
    }
    struct outlet__seen *fresh = base_arena_alloc(i->arena, sizeof *fresh);
    *fresh = (struct outlet__seen){i->seen[slot], copy(i->arena, code), i->csv_row->line};
    i->seen[slot] = fresh;
    return 0;
}

/* --- keeping --- */

static int note_before(
    struct outlet__importing *i, int64_t id, const char *before, struct base_err *err) {
    if (i->run.options->dry_run) {
        return 0;
    }
    db_bind_i64(i->keep_before, 1, i->run.batch_id);
    db_bind_i64(i->keep_before, 2, id);
    db_bind_text(i->keep_before, 3, before);
    return db_run(i->keep_before, err);
}

static int save(struct outlet__importing *i, int64_t id, struct base_err *err) {
    return outlet__table_save(i->table, &i->row, i->run.batch_id, i->run.now_ms, &id, err);
}

/* Notes what the outlet of i->row is now. *id_out 0: there is none; *same_out: as the row says. */
static int look_before(
    struct outlet__importing *i, int64_t *id_out, bool *same_out, struct base_err *err) {
    *same_out = false;
    i->before.device = (struct str){0};
    int rc = outlet__table_find(i->table, i->row.code, id_out, err);
    if (rc != 1) {
        return rc;
    }
    rc = outlet__table_load(i->table, *id_out, i->row_arena, &i->before, err);
    if (rc != 0) {
        return rc;
    }
    char *before = outlet__row_json(&i->before);
    char *after = outlet__row_json(&i->row);
    *same_out = strcmp(before, after) == 0;
    rc = *same_out ? 0 : note_before(i, *id_out, before, err);
    base_free(before);
    base_free(after);
    return rc;
}

static int keep_row(struct outlet__importing *i, struct base_err *err) {
    int64_t id;
    bool same;
    int rc = look_before(i, &id, &same, err);
    if (rc != 0) {
        return rc;
    }
    i->run.outcome->unchanged += same;
    i->run.outcome->updated += !same && id != 0;
    i->run.outcome->added += id == 0;
    return same ? 0 : save(i, id, err);
}

/* --- one device, one outlet --- */

static void tell_holder(struct outlet__importing *i, struct str holder) {
    (void)snprintf(i->reason, sizeof i->reason,
        TR("outlet %.*s has this device: two outlets cannot share one"),
        (int)base_utf8_cut(holder, 100), holder.at);
}

static int holder_of(struct outlet__importing *i, struct str device, struct str code,
    struct base_arena *arena, struct str *holder_out, struct base_err *err) {
    *holder_out = (struct str){0};
    return device.at ? outlet__table_device(i->table, device, code, arena, holder_out, err) : 0;
}

/* 1: refused, for too many wait already. */
static int let_wait(struct outlet__importing *i, struct str holder) {
    if (i->waiting_count == WAITING_MOST) {
        tell_holder(i, holder);
        return outlet__import_refuse(i, OUTLET__DEVICE, i->reason);
    }
    char *json = outlet__row_json(&i->row);
    struct outlet__waiting *w = base_arena_alloc(i->arena, sizeof *w);
    *w = (struct outlet__waiting){.code = copy(i->arena, i->row.code),
        .device = copy(i->arena, i->row.device),
        .json = copy(i->arena, str_from(json)),
        .line = i->csv_row->line};
    base_free(json);
    *i->waiting_end = w;
    i->waiting_end = &w->next;
    i->waiting_count++;
    return 0;
}

int outlet__import_keep(struct outlet__importing *i, struct base_err *err) {
    struct str holder;
    int rc = holder_of(i, i->row.device, i->row.code, i->row_arena, &holder, err);
    if (rc != 0) {
        return rc;
    }
    return holder.at ? let_wait(i, holder) : keep_row(i, err);
}

static int take_up(
    struct outlet__importing *i, const struct outlet__waiting *w, struct base_err *err) {
    base_arena_reset(i->row_arena);
    return outlet__row_from_json(w->json, i->row_arena, &i->row, err);
}

static int by_device(const void *a, const void *b) {
    const struct outlet__waiting *one = *(struct outlet__waiting *const *)a;
    const struct outlet__waiting *two = *(struct outlet__waiting *const *)b;
    int order = str_cmp(one->device, two->device);
    return order ? order : one->line < two->line ? -1 : one->line > two->line;
}

static int by_code(const void *a, const void *b) {
    return str_cmp(
        (*(struct outlet__waiting *const *)a)->code, (*(struct outlet__waiting *const *)b)->code);
}

/* The rows that wait, to be found; count of each. */
struct queue {
    struct outlet__waiting **device, **code; /* in order of that, then of the file */
    size_t count;
};

static void queue_make(struct outlet__importing *i, struct queue *q) {
    q->device = base_alloc_array(i->waiting_count + 1, sizeof(struct outlet__waiting *));
    q->code = base_alloc_array(i->waiting_count + 1, sizeof(struct outlet__waiting *));
    q->count = 0;
    for (struct outlet__waiting *w = i->waiting; w; w = w->next) {
        q->device[q->count] = q->code[q->count] = w;
        q->count++;
    }
    if (q->count > 1) {
        qsort(q->device, q->count, sizeof(struct outlet__waiting *), by_device);
        qsort(q->code, q->count, sizeof(struct outlet__waiting *), by_code);
    }
}

/* The first that still waits for this device. */
static struct outlet__waiting *waiting_for(const struct queue *q, struct str device) {
    size_t low = 0;
    size_t high = q->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_cmp(q->device[middle]->device, device) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < q->count && str_eq(q->device[low]->device, device); low++) {
        if (!q->device[low]->done) {
            return q->device[low];
        }
    }
    return NULL;
}

static bool waits(const struct queue *q, struct str code) {
    const struct outlet__waiting key = {.code = code};
    const struct outlet__waiting *at = &key;
    struct outlet__waiting *const *found =
        bsearch(&at, q->code, q->count, sizeof(struct outlet__waiting *), by_code);
    return found && !(*found)->done;
}

/* Keeps it if its device has become free, and then whoever waits for the device it had. */
static int settle_free(struct outlet__importing *i, const struct queue *q,
    struct outlet__waiting *w, struct base_err *err) {
    int rc = 0;
    while (rc == 0 && w && !w->done) {
        rc = holder_of(i, w->device, w->code, i->arena, &w->holder, err);
        if (rc != 0 || w->holder.at) {
            break;
        }
        rc = take_up(i, w, err);
        rc = rc == 0 ? keep_row(i, err) : rc;
        w->done = true;
        w = i->before.device.at ? waiting_for(q, i->before.device) : NULL;
    }
    return rc;
}

/* Refuses those that nobody makes room for; what is left is circles. */
static int refuse_stuck(struct outlet__importing *i, const struct queue *q, struct base_err *err) {
    int rc = 0;
    for (struct outlet__waiting *w = i->waiting; rc == 0 && w; w = w->next) {
        rc = w->done ? 0 : holder_of(i, w->device, w->code, i->arena, &w->holder, err);
    }
    for (bool moved = true; rc == 0 && moved;) {
        moved = false;
        for (struct outlet__waiting *w = i->waiting; w; w = w->next) {
            const struct outlet__waiting *first = w->done ? NULL : waiting_for(q, w->device);
            if (!w->done && (first != w || !waits(q, w->holder))) {
                tell_holder(i, first != w ? first->code : w->holder);
                outlet__import_refuse_line(i, w->line, OUTLET__DEVICE, w->device, i->reason);
                w->done = moved = true;
            }
        }
    }
    return rc;
}

/* All of them let go before any takes. */
static int swap(struct outlet__importing *i, struct base_err *err) {
    int64_t id;
    bool same;
    int rc = 0;
    for (const struct outlet__waiting *w = i->waiting; rc == 0 && w; w = w->next) {
        if (w->done) {
            continue;
        }
        rc = take_up(i, w, err);
        rc = rc == 0 ? look_before(i, &id, &same, err) : rc;
        if (rc == 0) {
            db_bind_i64(i->let_go, 1, id);
            rc = db_run(i->let_go, err);
        }
    }
    for (struct outlet__waiting *w = i->waiting; rc == 0 && w; w = w->next) {
        if (w->done) {
            continue;
        }
        rc = take_up(i, w, err);
        rc = rc == 0 ? outlet__table_find(i->table, i->row.code, &id, err) : rc;
        rc = rc == 1 ? save(i, id, err) : rc;
        i->run.outcome->updated++;
        w->done = true;
    }
    return rc;
}

int outlet__import_settle(struct outlet__importing *i, struct base_err *err) {
    struct queue q;
    int rc = 0;
    queue_make(i, &q);
    for (struct outlet__waiting *w = i->waiting; rc == 0 && w; w = w->next) {
        rc = settle_free(i, &q, w, err);
    }
    rc = rc == 0 ? refuse_stuck(i, &q, err) : rc;
    rc = rc == 0 ? swap(i, err) : rc;
    base_free(q.device);
    base_free(q.code);
    return rc;
}
