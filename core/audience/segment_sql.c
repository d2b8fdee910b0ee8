/* An expression as one bound SQL condition. Knows the shape of the tree; segment_leaf.c knows the
 * conditions. */
#include "audience/segment_ast.h"

#include "base/tr.h"

enum { SQL_MOST = 16 * 1024 * 1024 };

struct writer {
    const struct segment *segment;
    struct base_buf *sql;
    int index;
};

static void write_node(struct writer *writer, const struct audience__node *node, bool exact);

/* Halves, not a chain: SQLite allows an expression no more than 1,000 levels, and a list of names
 * can be longer. */
static void write_children(
    struct writer *writer, const struct audience__node *node, size_t from, size_t to, bool exact) {
    if (to - from == 1) {
        write_node(writer, node->children[from], exact);
        return;
    }
    size_t middle = from + (to - from) / 2;
    base_buf_add_char(writer->sql, '(');
    write_children(writer, node, from, middle, exact);
    base_buf_add_text(writer->sql, node->kind == NODE_AND ? " AND " : " OR ");
    write_children(writer, node, middle, to, exact);
    base_buf_add_char(writer->sql, ')');
}

/* exact: below a NOT, where NULL is not as good as false. */
static void write_node(struct writer *writer, const struct audience__node *node, bool exact) {
    if (node->kind == NODE_AND || node->kind == NODE_OR) {
        write_children(writer, node, 0, node->child_count, exact);
        return;
    }
    if (node->kind == NODE_NOT) {
        base_buf_add_text(writer->sql, "NOT (");
        write_node(writer, node->children[0], true);
        base_buf_add_char(writer->sql, ')');
        return;
    }
    base_buf_add_text(writer->sql, exact ? "COALESCE((" : "(");
    writer->index = audience__leaf_sql(writer->segment, node, writer->sql, writer->index);
    base_buf_add_text(writer->sql, exact ? "), FALSE)" : ")");
}

int segment_sql(const struct segment *segment, struct base_buf *sql, int first_index,
    int *next_index_out, struct base_err *err) {
    struct writer writer = {.segment = segment, .sql = sql, .index = first_index};
    write_node(&writer, segment->root, false);
    if (!base_buf_ok(sql)) {
        return base_err_set(err, LANTOA_ELIMIT, TR("the expression is too large"));
    }
    *next_index_out = writer.index;
    return 0;
}

static int bind_node(
    const struct audience__node *node, struct db_stmt *stmt, int index, int64_t today_days) {
    if (node->child_count == 0) {
        return audience__leaf_bind(node, stmt, index, today_days);
    }
    for (size_t i = 0; i < node->child_count; i++) {
        index = bind_node(node->children[i], stmt, index, today_days);
    }
    return index;
}

void segment_bind(
    const struct segment *segment, struct db_stmt *stmt, int first_index, int64_t today_days) {
    (void)bind_node(segment->root, stmt, first_index, today_days);
}

int segment_count(struct db *db, const struct segment *segment, int64_t today_days,
    int64_t *count_out, struct base_err *err) {
    struct base_buf sql;
    base_buf_init(&sql, SQL_MOST);
    base_buf_add_text(&sql, "SELECT COUNT(*) FROM contact c WHERE ");
    struct db_stmt *stmt = NULL;
    int next = 0;
    int rc = segment_sql(segment, &sql, 1, &next, err);
    rc = rc ? rc : db_prepare(db, base_buf_text(&sql), &stmt, err);
    if (rc == 0) {
        segment_bind(segment, stmt, 1, today_days);
        rc = db_step(stmt, err);
        if (rc == 1) {
            *count_out = db_column_i64(stmt, 0);
            db_reset(stmt);
            rc = 0;
        }
    }
    db_finish(&stmt);
    base_buf_release(&sql);
    return rc;
}
