/* The same question as segment_leaf.c asks in SQL, of one contact in memory. Consents and messages
 * are asked of the database. */
#include "audience/segment_ast.h"

#include "base/parse.h"
#include "base/text.h"
#include "base/tr.h"

struct match {
    struct segment *segment;
    struct db *db;
    const struct contact *contact;
    int64_t today_days;
    struct base_err *err;
};

/* The value of a field; empty when absent. */
static struct str operand_value(
    const struct match *match, const struct audience__operand *operand) {
    const struct contact *c = match->contact;
    struct str value = {"", 0};
    switch (operand->column) {
    case COLUMN_ref:
        return c->ref;
    case COLUMN_person_id:
        return c->person_id;
    case COLUMN_name:
        return c->name;
    case COLUMN_email:
        base_buf_clear(&match->segment->scratch);
        for (size_t i = 0; i < c->email.bytes; i++) {
            char letter = c->email.at[i];
            bool capital = letter >= 'A' && letter <= 'Z';
            base_buf_add_char(
                &match->segment->scratch, (char)(capital ? letter - 'A' + 'a' : letter));
        }
        return base_buf_str(&match->segment->scratch);
    case COLUMN_phone:
        return c->phone;
    case COLUMN_lang:
        return c->lang;
    case COLUMN_birth_date:
        return c->birth_date;
    case COLUMN_sex:
        return c->sex;
    case COLUMN_household:
        return c->household;
    case COLUMN_enrolled_on:
        return c->enrolled_on;
    case COLUMN_ATTRIBUTE:
    case COLUMN_OUTLET_TEXT:
    case COLUMN_OUTLET_NUMBER:
    case COLUMN_OUTLET_NAME:
    case COLUMN_OUTLET_KIND:
    case COLUMN_OUTLET_OWNER:
    case COLUMN_OUTLET_LANGUAGE:
        break;
    }
    return contact_attr(c, operand->name, &match->segment->scratch, &value) ? value
                                                                            : (struct str){"", 0};
}

static bool holds(int order, enum audience__op op) {
    switch (op) {
    case OP_EQ:
    case OP_FOLDED:
        return order == 0;
    case OP_LT:
        return order < 0;
    case OP_LE:
        return order <= 0;
    case OP_GT:
        return order > 0;
    case OP_GE:
        return order >= 0;
    }
    return false;
}

static bool compare(const struct match *match, struct str value, enum audience__op op,
    const struct audience__value *with) {
    if (value.bytes == 0) {
        return false;
    }
    if (with->is_number) {
        double number;
        if (!audience__is_number(value) || base_parse_f64(value, &number)) {
            return false;
        }
        return holds(number < with->number ? -1 : number > with->number, op);
    }
    if (op == OP_FOLDED) {
        struct base_buf *key = &match->segment->key;
        base_buf_clear(key);
        return base_text_key(key, value) == 0 && str_eq(base_buf_str(key), with->text);
    }
    return holds(str_cmp(value, with->text), op);
}

static bool in_list(const struct match *match, const struct audience__node *node) {
    struct str value = operand_value(match, &node->operand);
    for (size_t i = 0; i < node->value_count; i++) {
        if (compare(match, value, OP_EQ, &node->values[i])) {
            return true;
        }
    }
    return false;
}

static bool age_holds(const struct match *match, const struct audience__node *node) {
    struct str birth = match->contact->birth_date;
    if (birth.bytes == 0 || (node->age_from != AGE_NONE && node->age_from == node->age_below)) {
        return false;
    }
    audience__age_bounds(node, match->today_days);
    return (node->age_from == AGE_NONE || str_cmp(birth, str_from(node->bounds->from)) <= 0) &&
           (node->age_below == AGE_NONE || str_cmp(birth, str_from(node->bounds->below)) > 0);
}

static bool lives_there(const struct match *match, const struct audience__node *node) {
    int64_t id = match->contact->place_id;
    size_t low = 0, high = node->id_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (node->ids[middle] < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return id != 0 && low < node->id_count && node->ids[low] == id;
}

/* Asks the database about this one contact, with the condition's own SQL. */
static int ask(const struct match *match, const struct audience__node *node, bool *match_out) {
    struct audience__question *question = node->question;
    int rc = 0;
    if (question->db != match->db) {
        db_finish(&question->stmt);
        question->db = match->db;
    }
    if (!question->stmt) {
        struct base_buf sql;
        base_buf_init(&sql, 4096);
        base_buf_add_text(&sql, "SELECT 1 FROM contact c WHERE c.id = ?1 AND ");
        (void)audience__leaf_sql(match->segment, node, &sql, 2);
        rc = db_prepare(match->db, base_buf_text(&sql), &question->stmt, match->err);
        base_buf_release(&sql);
    }
    if (rc == 0) {
        db_bind_i64(question->stmt, 1, match->contact->id);
        (void)audience__leaf_bind(node, question->stmt, 2, match->today_days);
        rc = db_step(question->stmt, match->err);
    }
    if (rc < 0) {
        return rc;
    }
    *match_out = rc == 1;
    db_reset(question->stmt);
    return 0;
}

static int node_match(
    const struct match *match, const struct audience__node *node, bool *match_out) {
    int rc = 0;
    switch (node->kind) {
    case NODE_AND:
    case NODE_OR:
        *match_out = node->kind == NODE_AND;
        for (size_t i = 0; rc == 0 && i < node->child_count; i++) {
            rc = node_match(match, node->children[i], match_out);
            if (*match_out != (node->kind == NODE_AND)) {
                break;
            }
        }
        break;
    case NODE_NOT:
        rc = node_match(match, node->children[0], match_out);
        *match_out = !*match_out;
        break;
    case NODE_ALL:
        *match_out = true;
        break;
    case NODE_ENROLLED:
        *match_out = match->contact->enrolled_on.at != NULL;
        break;
    case NODE_COMPARE:
        *match_out =
            compare(match, operand_value(match, &node->operand), node->op, &node->values[0]);
        break;
    case NODE_IN:
        *match_out = in_list(match, node);
        break;
    case NODE_AGE:
        *match_out = age_holds(match, node);
        break;
    case NODE_EMPTY:
        *match_out = operand_value(match, &node->operand).bytes == 0;
        break;
    case NODE_STARTS: {
        struct str value = operand_value(match, &node->operand);
        *match_out = str_starts(value, node->values[0].text);
        break;
    }
    case NODE_PLACE:
        *match_out = lives_there(match, node);
        break;
    case NODE_COVERS:
        *match_out = false; /* of outlets only */
        break;
    case NODE_NO_PLACE:
        *match_out = match->contact->place_id == 0;
        break;
    case NODE_CONSENT:
    case NODE_GOT:
        rc = ask(match, node, match_out);
        break;
    }
    return rc;
}

int segment_match(struct segment *segment, struct db *db, const struct contact *contact,
    int64_t today_days, bool *match_out, struct base_err *err) {
    struct match match = {
        .segment = segment, .db = db, .contact = contact, .today_days = today_days, .err = err};
    *match_out = false;
    return node_match(&match, segment->root, match_out);
}
