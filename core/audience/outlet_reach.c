/* How many households hear at least one of some outlets: an estimate over the tree of places. */
#include "audience/outlet.h"

#include "base/mem.h"

#include <stdlib.h>

struct node {
    int64_t id, parent_id;
    int64_t stations; /* the largest */
    int64_t clusters; /* their sum */
    int64_t below;    /* of the places below it */
    int depth;        /* 0: not known yet */
};

struct tree {
    struct node *at;
    size_t count, room;
};

static int compare_node(const void *a, const void *b) {
    const struct node *left = a, *right = b;
    return left->id < right->id ? -1 : left->id > right->id;
}

static struct node *find(const struct tree *tree, int64_t id) {
    const struct node key = {.id = id};
    return tree->count ? bsearch(&key, tree->at, tree->count, sizeof key, compare_node) : NULL;
}

static int load_places(struct db *db, struct tree *tree, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, "SELECT id, COALESCE(parent_id, 0) FROM place ORDER BY id", &stmt, err);
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        if (tree->count == tree->room) {
            tree->room = tree->room ? 2 * tree->room : 1024;
            tree->at = base_realloc(tree->at, tree->room * sizeof *tree->at);
        }
        tree->at[tree->count++] =
            (struct node){.id = db_column_i64(stmt, 0), .parent_id = db_column_i64(stmt, 1)};
        rc = 0;
    }
    db_finish(&stmt);
    return rc;
}

static int load_coverage(struct db *db, const int64_t *ids, size_t count, const struct tree *tree,
    struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT v.place_id, v.households, o.kind FROM outlet_coverage v JOIN outlet o ON o.id = "
        "v.outlet_id WHERE v.outlet_id = ?1",
        &stmt, err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        db_bind_i64(stmt, 1, ids[i]);
        while ((rc = db_step(stmt, err)) == 1) {
            struct node *node = find(tree, db_column_i64(stmt, 0));
            int64_t households = db_column_i64(stmt, 1);
            if (node && str_is(db_column_str(stmt, 2), "cluster")) {
                node->clusters += households;
            } else if (node && households > node->stations) {
                node->stations = households;
            }
        }
    }
    db_finish(&stmt);
    return rc;
}

/* Levels from the top; a tree that is none (a cycle) ends at DEPTH_MOST. */
static int depth_of(const struct tree *tree, struct node *node) {
    enum { DEPTH_MOST = 32 };
    int depth = 1;
    for (struct node *up = find(tree, node->parent_id); up && depth < DEPTH_MOST;
         up = find(tree, up->parent_id)) {
        depth++;
    }
    return depth;
}

static int compare_depth(const void *a, const void *b) {
    const struct node *const *left = a, *const *right = b;
    return (*right)->depth - (*left)->depth; /* the deepest first */
}

static int64_t add_up(const struct tree *tree) {
    struct node **order = base_alloc_array(tree->count + 1, sizeof(struct node *));
    int64_t reach = 0;
    for (size_t i = 0; i < tree->count; i++) {
        tree->at[i].depth = depth_of(tree, &tree->at[i]);
        order[i] = &tree->at[i];
    }
    qsort(order, tree->count, sizeof(struct node *), compare_depth);
    for (size_t i = 0; i < tree->count; i++) {
        struct node *node = order[i];
        int64_t own = node->stations > node->clusters ? node->stations : node->clusters;
        int64_t all = own > node->below ? own : node->below;
        struct node *up = find(tree, node->parent_id);
        if (up && up->depth < node->depth) {
            up->below += all;
        } else {
            reach += all;
        }
    }
    base_free(order);
    return reach;
}

int outlet_reach(struct db *db, const int64_t *ids, size_t count, int64_t *households_out,
    struct base_err *err) {
    struct tree tree = {0};
    int rc = load_places(db, &tree, err);
    rc = rc ? rc : load_coverage(db, ids, count, &tree, err);
    *households_out = rc ? 0 : add_up(&tree);
    base_free(tree.at);
    return rc;
}
