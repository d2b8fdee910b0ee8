/* The SQL of each kind of condition. It must say the same as segment_match.c; a test compares the
 * two on random expressions.
 *
 * Conditions may be NULL in SQL where the memory evaluator says false; segment_sql.c makes them
 * two-valued below a NOT. */
#include "audience/segment_ast.h"

#include "base/text.h"

#include <stdio.h>

/* ---- ages ---- */

/* Somebody born on or before the result is at least that many years old. Works for dates and, since
 * a shorter text sorts first, for bare years: then by the difference of years. */
static void born_by(int64_t today_days, int64_t years, char out[static BASE_DATE_MAX + 4]) {
    struct base_date today = base_date_from_days(today_days);
    (void)snprintf(out, BASE_DATE_MAX + 4, "%04lld-%02d-%02d", (long long)today.year - years,
        today.month, today.day);
}

void audience__age_bounds(const struct audience__node *node, int64_t today_days) {
    struct audience__age_bounds *bounds = node->bounds;
    if (bounds->day == today_days) {
        return;
    }
    if (node->age_from != AGE_NONE) {
        born_by(today_days, node->age_from, bounds->from);
    }
    if (node->age_below != AGE_NONE) {
        born_by(today_days, node->age_below, bounds->below);
    }
    bounds->day = today_days;
}

/* ---- operands ---- */

static void operand_sql(const struct audience__operand *operand, struct base_buf *sql) {
    if (operand->column == COLUMN_email) {
        base_buf_add_text(sql, "lower(c.email)");
    } else if (operand->column == COLUMN_ATTRIBUTE) {
        base_buf_printf(sql, "CAST(c.attrs ->> '%.*s' AS TEXT)", STR_ARG(operand->name));
    } else {
        base_buf_printf(sql, "c.%.*s", STR_ARG(operand->name));
    }
}

/* PostgreSQL orders text by the rules of a language unless told otherwise. */
static void order_sql(const struct segment *segment, struct base_buf *sql) {
    if (segment->postgresql) {
        base_buf_add_text(sql, " COLLATE \"C\"");
    }
}

static const char *const op_signs[] = {"=", "<", "<=", ">", ">=", "="};

bool audience__is_number(struct str text) {
    size_t digits = 0, points = 0;
    size_t sign = text.bytes > 0 && text.at[0] == '-';
    for (size_t i = sign; i < text.bytes; i++) {
        char c = text.at[i];
        if (c == '.') {
            points++;
            if (i == sign || i + 1 == text.bytes) {
                return false;
            }
        } else if (c < '0' || c > '9') {
            return false;
        } else {
            digits++;
        }
    }
    return text.bytes <= 18 && digits > 0 && points <= 1;
}

/* The same test in SQL that both databases understand. CASE keeps PostgreSQL from casting what is
 * no number; the text is named once, in an inner SELECT, because taking it out of the JSON is what
 * costs. */
static void number_sql(
    const struct audience__operand *operand, const char *sign, int index, struct base_buf *sql) {
    base_buf_add_text(sql, "(SELECT CASE WHEN length(n.v) BETWEEN 1 AND 18 AND n.v <> '-' AND "
                           "rtrim(replace(n.v, '.', ''), '0123456789') IN ('', '-') AND "
                           "(n.v NOT LIKE '%.%' OR (n.v LIKE '%_._%' AND n.v NOT LIKE '%.%.%' AND "
                           "n.v NOT LIKE '-.%')) THEN CAST(n.v AS DOUBLE PRECISION) ");
    base_buf_printf(sql, "%s ?%d ELSE FALSE END FROM (SELECT ", sign, index);
    operand_sql(operand, sql);
    base_buf_add_text(sql, " AS v) AS n)");
}

/* Columns of outlets that are no texts: numbers as they are, and the list of languages, whose
 * values are the patterns that audience__outlet_value made. */
static bool outlet_sql(
    const struct audience__operand *operand, const char *sign, int index, struct base_buf *sql) {
    if (operand->column == COLUMN_OUTLET_NUMBER) {
        base_buf_printf(sql, "c.%.*s %s ?%d", STR_ARG(operand->name), sign, index);
        return true;
    }
    if (operand->column == COLUMN_OUTLET_LANGUAGE) {
        base_buf_printf(sql, "(' ' || c.%.*s || ' ') LIKE ?%d", STR_ARG(operand->name), index);
        return true;
    }
    return false;
}

static int compare_sql(const struct segment *segment, const struct audience__node *node,
    struct base_buf *sql, int index) {
    const char *sign = op_signs[node->op];
    if (outlet_sql(&node->operand, sign, index, sql)) {
        return index + 1;
    }
    if (node->values[0].is_number) {
        number_sql(&node->operand, sign, index, sql);
        return index + 1;
    }
    if (node->op == OP_FOLDED) {
        base_buf_printf(sql, "c.name_key = ?%d", index);
        return index + 1;
    }
    if (node->operand.column == COLUMN_email && node->op == OP_EQ) { /* by an index */
        base_buf_printf(sql, CONTACT_HAS_EMAIL("c", "?%d"), index, index);
        return index + 1;
    }
    if (node->op == OP_LT || node->op == OP_LE) { /* an empty text is as good as none */
        operand_sql(&node->operand, sql);
        base_buf_add_text(sql, " <> '' AND ");
    }
    operand_sql(&node->operand, sql);
    if (node->op != OP_EQ) {
        order_sql(segment, sql);
    }
    base_buf_printf(sql, " %s ?%d", sign, index);
    return index + 1;
}

static int in_sql(const struct audience__node *node, struct base_buf *sql, int index) {
    size_t texts = 0;
    for (size_t i = 0; i < node->value_count; i++) {
        if (node->operand.column == COLUMN_OUTLET_NUMBER ||
            node->operand.column == COLUMN_OUTLET_LANGUAGE) {
            base_buf_add_text(sql, i ? " OR " : "");
            (void)outlet_sql(&node->operand, "=", index + (int)i, sql);
            continue;
        }
        if (node->values[i].is_number) {
            continue;
        }
        if (texts++ == 0) {
            operand_sql(&node->operand, sql);
            base_buf_add_text(sql, " IN (");
        } else {
            base_buf_add_char(sql, ',');
        }
        base_buf_printf(sql, "?%d", index + (int)i);
    }
    if (texts > 0) {
        base_buf_add_char(sql, ')');
    }
    for (size_t i = 0; i < node->value_count; i++) {
        if (node->values[i].is_number && node->operand.column == COLUMN_ATTRIBUTE) {
            base_buf_add_text(sql, texts++ ? " OR " : "");
            number_sql(&node->operand, "=", index + (int)i, sql);
        }
    }
    return index + (int)node->value_count;
}

static void places_sql(const struct audience__node *node, struct base_buf *sql) {
    bool covers = node->kind == NODE_COVERS;
    /* Numbers out of our own table: nothing to bind, and the list is an index to both databases. */
    base_buf_add_text(sql, covers ? "c.id IN (SELECT v.outlet_id FROM outlet_coverage v WHERE "
                                    "v.place_id IN ("
                                  : "c.place_id IN (");
    for (size_t i = 0; i < node->id_count; i++) {
        base_buf_add_text(sql, i ? "," : "");
        base_buf_add_u64(sql, (uint64_t)node->ids[i]);
    }
    base_buf_add_text(sql, covers ? "))" : ")");
}

static int age_sql(const struct audience__node *node, struct base_buf *sql, int index) {
    bool empty_range = node->age_from != AGE_NONE && node->age_from == node->age_below;
    if (empty_range) { /* age = 17.5 */
        base_buf_add_text(sql, "FALSE");
        return index;
    }
    if (node->age_from != AGE_NONE) {
        base_buf_printf(sql, "c.birth_date <> '' AND c.birth_date <= ?%d", index++);
    }
    if (node->age_below != AGE_NONE) {
        base_buf_printf(
            sql, "%sc.birth_date > ?%d", node->age_from == AGE_NONE ? "" : " AND ", index++);
    }
    return index;
}

/* Given for the purpose by some channel, and not withdrawn since by a row that covers it. */
static int consent_sql(struct base_buf *sql, int index) {
    base_buf_printf(sql,
        "EXISTS (SELECT 1 FROM consent g WHERE g.contact_id = c.id AND g.action = 1 AND "
        "g.purpose IN (?%d, '*') AND NOT EXISTS (SELECT 1 FROM consent w WHERE "
        "w.contact_id = g.contact_id AND w.action = 0 AND w.purpose IN (?%d, '*') AND "
        "w.channel IN (g.channel, '*') AND (w.at > g.at OR (w.at = g.at AND w.id > g.id))))",
        index, index);
    return index + 1;
}

/* The ids of the ledger are made of step and contact (migrations/001.sql), so each step is one
 * look-up by primary key. The states are those of core/delivery/ledger.h that mean the message
 * left: accepted, delivered, uncertain. */
static int got_sql(const struct audience__node *node, struct base_buf *sql, int index) {
    base_buf_printf(sql,
        "EXISTS (SELECT 1 FROM step s CROSS JOIN message m WHERE s.campaign_id = ?%d AND "
        "m.id BETWEEN ((s.id << 43) | (c.id << 4)) AND ((s.id << 43) | (c.id << 4) | 15) AND "
        "m.state IN (4, 5, 7)",
        index++);
    if (node->value_count > 0) {
        base_buf_printf(sql, " AND s.name = ?%d", index++);
    }
    base_buf_add_char(sql, ')');
    return index;
}

int audience__leaf_sql(const struct segment *segment, const struct audience__node *node,
    struct base_buf *sql, int index) {
    switch (node->kind) {
    case NODE_AND:
    case NODE_OR:
    case NODE_NOT:
        break; /* no leaves */
    case NODE_ALL:
        base_buf_add_text(sql, "TRUE");
        break;
    case NODE_ENROLLED:
        base_buf_add_text(sql, "c.enrolled_on IS NOT NULL");
        break;
    case NODE_COMPARE:
        return compare_sql(segment, node, sql, index);
    case NODE_IN:
        return in_sql(node, sql, index);
    case NODE_AGE:
        return age_sql(node, sql, index);
    case NODE_EMPTY:
        base_buf_add_text(sql, "COALESCE(");
        operand_sql(&node->operand, sql);
        base_buf_add_text(sql, ", '') = ''");
        break;
    case NODE_STARTS:
        base_buf_add_text(sql, "substr(");
        operand_sql(&node->operand, sql);
        base_buf_printf(sql, ", 1, %zu) = ?%d", base_utf8_count(node->values[0].text), index);
        return index + 1;
    case NODE_PLACE:
    case NODE_COVERS:
        places_sql(node, sql);
        break;
    case NODE_NO_PLACE:
        base_buf_add_text(sql, "c.place_id IS NULL");
        break;
    case NODE_CONSENT:
        return consent_sql(sql, index);
    case NODE_GOT:
        return got_sql(node, sql, index);
    }
    return index;
}

int audience__leaf_bind(
    const struct audience__node *node, struct db_stmt *stmt, int index, int64_t today_days) {
    if (node->kind == NODE_AGE) {
        audience__age_bounds(node, today_days);
        if (node->age_from != AGE_NONE && node->age_from == node->age_below) {
            return index;
        }
        if (node->age_from != AGE_NONE) {
            db_bind_text(stmt, index++, node->bounds->from);
        }
        if (node->age_below != AGE_NONE) {
            db_bind_text(stmt, index++, node->bounds->below);
        }
        return index;
    }
    if (node->kind == NODE_GOT) {
        db_bind_i64(stmt, index++, node->campaign_id);
    }
    for (size_t i = 0; i < node->value_count; i++) {
        if (node->values[i].is_number) {
            db_bind_f64(stmt, index++, node->values[i].number);
        } else {
            db_bind_str(stmt, index++, node->values[i].text);
        }
    }
    return index;
}
