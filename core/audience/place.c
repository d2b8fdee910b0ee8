/* Reading the tree of places: by code and day, as a list, and the kin of a place over time. */
#include "audience/place.h"

#include "base/civil.h"
#include "base/mem.h"
#include "base/tr.h"

#include <stdlib.h>

int place_by_code(struct db *db, struct str code, const char *level, int64_t day, int64_t *id_out,
    struct base_err *err) {
    char date[BASE_DATE_MAX];
    base_format_date(base_date_from_days(day), date);
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT id FROM place WHERE code = ?1 AND (CAST(?2 AS TEXT) IS NULL OR level = ?2) "
        "AND valid_from <= ?3 AND (valid_to IS NULL OR valid_to > ?3) "
        "ORDER BY CASE level WHEN 'village' THEN 0 WHEN 'commune' THEN 1 WHEN 'district' THEN 2 "
        "ELSE 3 END, id LIMIT 1",
        &stmt, err);
    if (rc) {
        return rc;
    }
    db_bind_str(stmt, 1, code);
    db_bind_text(stmt, 2, level);
    db_bind_text(stmt, 3, date);
    rc = db_step(stmt, err);
    if (rc == 1) {
        *id_out = db_column_i64(stmt, 0);
        db_reset(stmt);
        rc = 0;
    } else if (rc == 0) {
        rc = base_err_set(
            err, LANTOA_ENOENT, TR("no place has the code \"%.*s\" on %s"), STR_ARG(code), date);
    }
    db_finish(&stmt);
    return rc;
}

int place_before(struct db *db, struct str code, const char *level, int64_t since, int64_t *id_out,
    struct base_err *err) {
    int rc = place_by_code(db, code, level, since - 1, id_out, err);
    if (rc == LANTOA_ENOENT) {
        struct base_err earlier = {0};
        int found = place_by_code(db, code, level, since - 2, id_out, &earlier);
        if (found == 0) {
            *err = (struct base_err){0};
            rc = 0;
        }
    }
    return rc;
}

/* ---- the list ---- */

int place_each(struct db *db, int64_t day, int (*row)(void *arg, const struct place_row *place),
    void *arg, struct base_err *err) {
    char date[BASE_DATE_MAX] = "";
    if (day >= 0) {
        base_format_date(base_date_from_days(day), date);
    }
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT id, COALESCE(parent_id, 0), code, name, level, valid_from, "
        "COALESCE(valid_to, '') FROM place WHERE ?1 = '' OR (valid_from <= ?1 AND "
        "(valid_to IS NULL OR valid_to > ?1)) ORDER BY CASE level WHEN 'province' THEN 0 WHEN "
        "'district' THEN 1 WHEN 'commune' THEN 2 ELSE 3 END, short_key, name, valid_from, id",
        &stmt, err);
    if (rc) {
        return rc;
    }
    db_bind_text(stmt, 1, date);
    while ((rc = db_step(stmt, err)) == 1) {
        struct place_row place = {.id = db_column_i64(stmt, 0),
            .parent_id = db_column_i64(stmt, 1),
            .code = db_column_str(stmt, 2),
            .name = db_column_str(stmt, 3),
            .level = db_column_str(stmt, 4),
            .valid_from = db_column_str(stmt, 5),
            .valid_to = db_column_str(stmt, 6)};
        rc = row(arg, &place);
        if (rc) {
            break;
        }
    }
    db_finish(&stmt);
    return rc;
}

/* ---- kin over time ---- */

/* One kind of link, from each place to several others, as index pairs sorted by `from`. */
struct links {
    struct link {
        size_t from, to;
    } * at;
    size_t count, room;
};

/* All places in memory: a country has some ten thousand, and an expression names a place but
 * rarely. */
struct tree {
    int64_t *ids; /* sorted */
    size_t count, room;
    struct links children, successors, predecessors;
    unsigned char *marks;
    size_t *queue;
};

enum mark { MARK_DOWN = 1, MARK_FORWARD = 2, MARK_BACK = 4 };

static int64_t index_of(const struct tree *tree, int64_t id) {
    size_t low = 0, high = tree->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (tree->ids[middle] < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < tree->count && tree->ids[low] == id ? (int64_t)low : -1;
}

static void link_add(struct links *links, int64_t from, int64_t to) {
    if (from < 0 || to < 0) {
        return;
    }
    if (links->count == links->room) {
        links->room = links->room ? links->room * 2 : 256;
        links->at = base_realloc(links->at, links->room * sizeof(*links->at));
    }
    links->at[links->count++] = (struct link){(size_t)from, (size_t)to};
}

static int link_compare(const void *a, const void *b) {
    const struct link *left = a, *right = b;
    return left->from < right->from ? -1 : left->from > right->from;
}

static void links_sort(struct links *links) {
    if (links->count > 0) {
        qsort(links->at, links->count, sizeof(*links->at), link_compare);
    }
}

/* The first link from a place; walk on while .from stays. */
static size_t links_first(const struct links *links, size_t from) {
    size_t low = 0, high = links->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (links->at[middle].from < from) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static int load_places(struct db *db, struct tree *tree, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, "SELECT id FROM place ORDER BY id", &stmt, err);
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        if (tree->count == tree->room) {
            tree->room = tree->room ? tree->room * 2 : 1024;
            tree->ids = base_realloc(tree->ids, tree->room * sizeof(*tree->ids));
        }
        tree->ids[tree->count++] = db_column_i64(stmt, 0);
        rc = 0;
    }
    db_finish(&stmt);
    return rc;
}

static int load_links(struct db *db, const char *sql, const struct tree *tree, struct links *links,
    struct links *back, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, sql, &stmt, err);
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        int64_t from = index_of(tree, db_column_i64(stmt, 0));
        int64_t to = index_of(tree, db_column_i64(stmt, 1));
        link_add(links, from, to);
        if (back) {
            link_add(back, to, from);
        }
        rc = 0;
    }
    db_finish(&stmt);
    links_sort(links);
    if (back) {
        links_sort(back);
    }
    return rc;
}

static int tree_load(struct db *db, struct tree *tree, struct base_err *err) {
    int rc = load_places(db, tree, err);
    if (rc == 0) {
        rc = load_links(db, "SELECT parent_id, id FROM place WHERE parent_id IS NOT NULL", tree,
            &tree->children, NULL, err);
    }
    if (rc == 0) {
        rc = load_links(db, "SELECT place_id, successor_id FROM place_successor", tree,
            &tree->successors, &tree->predecessors, err);
    }
    tree->marks = base_alloc(tree->count + 1);
    tree->queue = base_alloc_array(tree->count + 1, sizeof(*tree->queue));
    return rc;
}

static void tree_release(struct tree *tree) {
    base_free(tree->ids);
    base_free(tree->children.at);
    base_free(tree->successors.at);
    base_free(tree->predecessors.at);
    base_free(tree->marks);
    base_free(tree->queue);
}

/* Marks a place and all below it; appends the newly marked to the queue. */
static void descend(struct tree *tree, size_t root, enum mark mark, size_t *tail) {
    if (tree->marks[root] & mark) {
        return;
    }
    size_t at = *tail;
    tree->marks[root] = (unsigned char)(tree->marks[root] | mark);
    tree->queue[(*tail)++] = root;
    for (; at < *tail; at++) {
        size_t place = tree->queue[at];
        for (size_t i = links_first(&tree->children, place);
             i < tree->children.count && tree->children.at[i].from == place; i++) {
            size_t child = tree->children.at[i].to;
            if (!(tree->marks[child] & mark)) {
                tree->marks[child] = (unsigned char)(tree->marks[child] | mark);
                tree->queue[(*tail)++] = child;
            }
        }
    }
}

static bool has_links(const struct links *links, size_t place) {
    size_t first = links_first(links, place);
    return first < links->count && links->at[first].from == place;
}

static bool part_has_successor(const struct tree *tree, size_t place, int depth) {
    for (size_t i = links_first(&tree->children, place);
         i < tree->children.count && tree->children.at[i].from == place; i++) {
        size_t child = tree->children.at[i].to;
        if (has_links(&tree->successors, child) ||
            (depth > 0 && part_has_successor(tree, child, depth - 1))) {
            return true;
        }
    }
    return false;
}

/* What came of the places marked: when the parts of a place have successors of their own, its
 * people went with the parts, so the place's own successor counts without what lies below (the old
 * province is not all of the merged one). */
static void go_forward(struct tree *tree, size_t *tail) {
    enum { LEVELS_MOST = 8 };
    for (size_t at = 0; at < *tail; at++) {
        size_t place = tree->queue[at];
        bool finer =
            has_links(&tree->successors, place) && part_has_successor(tree, place, LEVELS_MOST);
        for (size_t i = links_first(&tree->successors, place);
             i < tree->successors.count && tree->successors.at[i].from == place; i++) {
            size_t next = tree->successors.at[i].to;
            if (!finer) {
                descend(tree, next, MARK_FORWARD, tail);
            } else if (!(tree->marks[next] & MARK_FORWARD)) {
                tree->marks[next] = (unsigned char)(tree->marks[next] | MARK_FORWARD);
                tree->queue[(*tail)++] = next;
            }
        }
    }
}

static void go_back(struct tree *tree, size_t *tail) {
    for (size_t at = 0; at < *tail; at++) {
        size_t place = tree->queue[at];
        for (size_t i = links_first(&tree->predecessors, place);
             i < tree->predecessors.count && tree->predecessors.at[i].from == place; i++) {
            descend(tree, tree->predecessors.at[i].to, MARK_BACK, tail);
        }
    }
}

/* Seeds the queue with the places already found by going down, each carrying the new mark. */
static size_t seed(struct tree *tree, enum mark mark) {
    size_t tail = 0;
    for (size_t i = 0; i < tree->count; i++) {
        if (tree->marks[i] & MARK_DOWN) {
            tree->marks[i] = (unsigned char)(tree->marks[i] | mark);
            tree->queue[tail++] = i;
        }
    }
    return tail;
}

int place_under(struct db *db, const int64_t *ids, size_t count, int64_t **under_out,
    size_t *under_count_out, struct base_err *err) {
    struct tree tree = {0};
    int rc = tree_load(db, &tree, err);
    if (rc == 0) {
        size_t tail = 0;
        for (size_t i = 0; i < count; i++) {
            int64_t root = index_of(&tree, ids[i]);
            if (root >= 0) {
                descend(&tree, (size_t)root, MARK_DOWN, &tail);
            }
        }
        tail = seed(&tree, MARK_FORWARD);
        go_forward(&tree, &tail);
        tail = seed(&tree, MARK_BACK);
        go_back(&tree, &tail);
        int64_t *under = base_alloc_array(tree.count + 1, sizeof(*under));
        size_t found = 0;
        for (size_t i = 0; i < tree.count; i++) {
            if (tree.marks[i]) {
                under[found++] = tree.ids[i];
            }
        }
        *under_out = under;
        *under_count_out = found;
    }
    tree_release(&tree);
    return rc;
}

int place_path(struct db *db, int64_t id, struct base_buf *out, struct base_err *err) {
    enum { ANCESTORS_MOST = 8 };
    struct db_stmt *stmt = NULL;
    int rc =
        db_prepare(db, "SELECT name, COALESCE(parent_id, 0) FROM place WHERE id = ?1", &stmt, err);
    for (int i = 0; rc == 0 && id != 0 && i < ANCESTORS_MOST; i++) {
        db_bind_i64(stmt, 1, id);
        rc = db_step(stmt, err);
        if (rc == 1) {
            base_buf_add_text(out, i ? ", " : "");
            base_buf_add_str(out, db_column_str(stmt, 0));
            id = db_column_i64(stmt, 1);
            db_reset(stmt);
            rc = 0;
        } else if (rc == 0) {
            rc = base_err_set(
                err, LANTOA_ENOENT, TR("there is no place with the number %lld"), (long long)id);
        }
    }
    db_finish(&stmt);
    return rc;
}
