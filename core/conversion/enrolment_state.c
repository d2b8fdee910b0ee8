/* From a person's events to whether it is enrolled, until when it has paid, and when the next
 * payment is due. */
#include "conversion/enrolment_private.h"

#include "base/mem.h"

struct enrolment__state {
    struct db *db;
    int64_t now_ms;
    struct contribution_tables *tables;
    struct db_stmt *events, *contact, *update, *keep, *kept, *forget, *due, *no_due;
};

static const struct {
    const char *word;
    int enrolled;
} events[] = {
#define EVENT(name, enrolled, words) {#name, enrolled},
    ENROLMENT_EVENTS(EVENT)
#undef EVENT
};

/* What the events come to so far. */
struct fold {
    bool enrolled;
    char since[BASE_DATE_MAX];
    char died_on[BASE_DATE_MAX]; /* "": not; a payment of a later day says that it was a mistake */
    bool has_due;
    int64_t period_start, next_start, due_day; /* days */
    struct contribution_method method;
};

static int prepare(struct enrolment__state *s, struct base_err *err) {
    const struct {
        struct db_stmt **stmt;
        const char *sql;
    } all[] = {
        {&s->events, "SELECT event, event_date, months, method FROM enrolment WHERE contact_id = "
                     "?1 ORDER BY event_date, id"},
        {&s->contact, "SELECT enrolled_on, enrolled_at, died_on FROM contact WHERE id = ?1"},
        {&s->update,
            "UPDATE contact SET enrolled_on = ?2, enrolled_at = ?3, died_on = ?4 WHERE id = "
            "?1"},
        {&s->keep, "INSERT INTO enrolment_before (contact_id, enrolled_on, enrolled_at) VALUES "
                   "(?1, ?2, ?3) ON CONFLICT (contact_id) DO NOTHING"},
        {&s->kept, "SELECT enrolled_on, enrolled_at FROM enrolment_before WHERE contact_id = ?1"},
        {&s->forget, "DELETE FROM enrolment_before WHERE contact_id = ?1"},
        {&s->due, "INSERT INTO enrolment_due (contact_id, paid_to, due_on, method) VALUES (?1, ?2, "
                  "?3, ?4) ON CONFLICT (contact_id) DO UPDATE SET paid_to = excluded.paid_to, "
                  "due_on = excluded.due_on, method = excluded.method"},
        {&s->no_due, "DELETE FROM enrolment_due WHERE contact_id = ?1"},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        int rc = db_prepare(s->db, all[i].sql, all[i].stmt, err);
        if (rc) {
            return rc;
        }
    }
    return 0;
}

int enrolment__state_new(
    struct db *db, int64_t now_ms, struct enrolment__state **state_out, struct base_err *err) {
    struct enrolment__state *s = base_alloc(sizeof *s);
    s->db = db;
    s->now_ms = now_ms;
    int rc = contribution_load(db, &s->tables, err);
    rc = rc ? rc : prepare(s, err);
    if (rc) {
        enrolment__state_free(&s);
        return rc;
    }
    *state_out = s;
    return 0;
}

void enrolment__state_free(struct enrolment__state **state) {
    struct enrolment__state *s = *state;
    if (!s) {
        return;
    }
    struct db_stmt **all[] = {
        &s->events, &s->contact, &s->update, &s->keep, &s->kept, &s->forget, &s->due, &s->no_due};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        db_finish(all[i]);
    }
    contribution_free(&s->tables);
    base_free(s);
    *state = NULL;
}

/* --- folding events --- */

static int64_t day_of(struct str date) {
    struct base_date parsed = {1970, 1, 1};
    return base_parse_date(date, &parsed) == 0 ? base_days_from_date(parsed) : 0;
}

/* A payment covers the months from its own on; one that renews in time goes on where the last
 * period ended (methods allow to pay for a period some months after it began). */
static void fold_payment(const struct enrolment__state *s, struct fold *fold, bool renews,
    int64_t day, int64_t months, struct str method_word) {
    struct contribution_method method;
    char count[24];
    snprintf(count, sizeof count, "%lld", (long long)months);
    struct str word = method_word.bytes ? method_word : str_from(count);
    bool goes_on = renews && fold->has_due && day <= fold->due_day;
    if (contribution_method_parse(word, &method, NULL) != 0) {
        fold->has_due = false;
        return;
    }
    fold->method = method;
    fold->period_start = goes_on ? fold->next_start : day;
    if (months > 0 && months <= 120 && method.kind == CONTRIBUTION_MONTHS) {
        method.months = (int)months; /* paid for, whatever the method's own period is */
    }
    fold->next_start = contribution_next_start(method, fold->period_start);
    fold->has_due =
        contribution_deadline(s->tables, fold->method, fold->next_start, &fold->due_day) == 0;
}

static void fold_event(const struct enrolment__state *s, struct fold *fold, struct str event,
    struct str date, int64_t months, struct str method) {
    int kind = enrolment_event_find(event);
    if (kind < 0 || events[kind].enrolled < 0) {
        return;
    }
    if (kind == ENROLMENT_died) {
        snprintf(fold->died_on, sizeof fold->died_on, "%.*s", STR_ARG(date));
    }
    if (!events[kind].enrolled) {
        fold->enrolled = fold->has_due = false;
        return;
    }
    fold->died_on[0] = '\0';
    if (!fold->enrolled || kind != ENROLMENT_renewed) {
        if (!fold->enrolled) {
            snprintf(fold->since, sizeof fold->since, "%.*s", STR_ARG(date));
        }
        fold->enrolled = true;
    }
    fold_payment(s, fold, kind == ENROLMENT_renewed, day_of(date), months, method);
}

/* *count_out: events there are. */
static int fold_all(struct enrolment__state *s, int64_t contact_id, struct fold *fold,
    int64_t *count_out, struct base_err *err) {
    int rc;
    *count_out = 0;
    db_bind_i64(s->events, 1, contact_id);
    while ((rc = db_step(s->events, err)) == 1) {
        ++*count_out;
        fold_event(s, fold, db_column_str(s->events, 0), db_column_str(s->events, 1),
            db_column_i64(s->events, 2), db_column_str(s->events, 3));
    }
    return rc;
}

/* --- writing --- */

static int write_due(
    struct enrolment__state *s, int64_t contact_id, const struct fold *fold, struct base_err *err) {
    if (!fold->enrolled || !fold->has_due) {
        db_bind_i64(s->no_due, 1, contact_id);
        return db_run(s->no_due, err);
    }
    char paid_to[BASE_DATE_MAX], due_on[BASE_DATE_MAX], method[CONTRIBUTION_METHOD_MAX];
    base_format_date(base_date_from_days(fold->next_start - 1), paid_to);
    base_format_date(base_date_from_days(fold->due_day), due_on);
    contribution_method_word(fold->method, method);
    db_bind_i64(s->due, 1, contact_id);
    db_bind_text(s->due, 2, paid_to);
    db_bind_text(s->due, 3, due_on);
    db_bind_text(s->due, 4, method);
    return db_run(s->due, err);
}

/* The contact's own record as it was before the registry spoke. */
static int put_back(struct enrolment__state *s, int64_t contact_id, struct base_err *err) {
    db_bind_i64(s->kept, 1, contact_id);
    int rc = db_step(s->kept, err);
    if (rc != 1) {
        return rc;
    }
    db_bind_i64(s->update, 1, contact_id);
    db_bind_str(s->update, 2, db_column_str(s->kept, 0));
    if (db_column_is_null(s->kept, 1)) {
        db_bind_null(s->update, 3);
    } else {
        db_bind_i64(s->update, 3, db_column_i64(s->kept, 1));
    }
    db_bind_null(s->update, 4);
    rc = db_run(s->update, err);
    db_reset(s->kept);
    db_bind_i64(s->forget, 1, contact_id);
    return rc ? rc : db_run(s->forget, err);
}

static int write_state(
    struct enrolment__state *s, int64_t contact_id, const struct fold *fold, struct base_err *err) {
    char old_on[BASE_DATE_MAX] = "";
    char old_died[BASE_DATE_MAX] = "";
    db_bind_i64(s->contact, 1, contact_id);
    int rc = db_step(s->contact, err);
    if (rc != 1) {
        return rc; /* the contact is gone: nothing to keep */
    }
    int64_t old_at = db_column_i64(s->contact, 1);
    snprintf(old_on, sizeof old_on, "%.*s", STR_ARG(db_column_str(s->contact, 0)));
    snprintf(old_died, sizeof old_died, "%.*s", STR_ARG(db_column_str(s->contact, 2)));
    db_reset(s->contact);
    db_bind_i64(s->keep, 1, contact_id);
    db_bind_text(s->keep, 2, old_on[0] ? old_on : NULL);
    if (old_at) {
        db_bind_i64(s->keep, 3, old_at);
    } else {
        db_bind_null(s->keep, 3);
    }
    rc = db_run(s->keep, err);
    bool same = fold->enrolled ? strcmp(old_on, fold->since) == 0 && old_at : !old_on[0] && !old_at;
    if (rc || (same && strcmp(old_died, fold->died_on) == 0)) {
        return rc;
    }
    db_bind_i64(s->update, 1, contact_id);
    if (fold->enrolled) {
        db_bind_text(s->update, 2, fold->since);
        db_bind_i64(s->update, 3, old_at ? old_at : s->now_ms);
    } else {
        db_bind_null(s->update, 2);
        db_bind_null(s->update, 3);
    }
    db_bind_text(s->update, 4, fold->died_on[0] ? fold->died_on : NULL);
    return db_run(s->update, err);
}

int enrolment__state_refresh(struct enrolment__state *s, int64_t contact_id, struct base_err *err) {
    struct fold fold = {0};
    int64_t count = 0;
    int rc = fold_all(s, contact_id, &fold, &count, err);
    if (rc == 0) {
        rc = count ? write_state(s, contact_id, &fold, err) : put_back(s, contact_id, err);
    }
    return rc ? rc : write_due(s, contact_id, &fold, err);
}
