/* Gives approvals, compares them with what is there now, and takes them back. */
#include "delivery/approval.h"

#include "base/civil.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/tr.h"
#include "campaign/calendar.h"
#include "delivery/cost.h"
#include "delivery/ledger.h"

/* Everything asked about one campaign at one moment. */
struct state {
    struct campaign_row row;
    struct campaign_spec *spec;
    struct approval_need need;
    char basis[APPROVAL__BASIS_MAX];
    int64_t now_ms;
    /* Of the approvals that stand. */
    int given;
    bool by_asker;          /* who asks has approved already */
    int64_t least_minor;    /* the smallest amount somebody said yes to; INT64_MAX: nobody did */
    const char *void_words; /* why one of them no longer stands; NULL: all do */
    char void_text[200];
};

/* --- asking --- */

static int read_need(struct db *db, struct state *s, struct base_err *err) {
    struct approval_rules *rules = NULL;
    struct db_stmt *stmt = NULL;
    const struct calendar_zone *zone;
    int rc = approval_rules_load(db, &rules, err);
    if (rc == 0) {
        rc = calendar_zone_find(s->spec->timezone, &zone, err);
    }
    if (rc == 0) {
        rc = db_prepare(db,
            "SELECT h.kind, count(*) FROM step s JOIN channel h ON h.id = s.channel_id JOIN "
            "message "
            "m ON m.id BETWEEN (s.id << 43) AND ((s.id + 1) << 43) - 1 WHERE s.campaign_id = ?1 "
            "AND "
            "m.state IN (0, 1) GROUP BY s.id, h.kind",
            &stmt, err);
    }
    if (rc == 0) {
        struct base_civil local =
            base_civil_from_ms(s->now_ms, calendar_offset_min(zone, s->now_ms));
        int64_t day = base_days_from_date((struct base_date){local.year, local.month, local.day});
        approval_need_init(rules, &s->need);
        /* Also for a campaign that would reach nobody. */
        approval_need_add(rules, campaign_class_word(s->spec->class), "*", 1, day, &s->need);
        db_bind_i64(stmt, 1, s->row.id);
        while ((rc = db_step(stmt, err)) == 1) {
            struct str kind = db_column_str(stmt, 0);
            char word[64];
            snprintf(word, sizeof word, "%.*s", STR_ARG(kind));
            approval_need_add(rules, campaign_class_word(s->spec->class), word,
                db_column_i64(stmt, 1), day, &s->need);
        }
    }
    db_finish(&stmt);
    approval_rules_free(&rules);
    return rc;
}

static int is_author(
    struct db *db, int64_t campaign_id, const char *who, bool *author_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(
        db, "SELECT 1 FROM campaign_author WHERE campaign_id = ?1 AND who = ?2", &stmt, err);
    *author_out = false;
    if (rc == 0) {
        db_bind_i64(stmt, 1, campaign_id);
        db_bind_text(stmt, 2, who);
        rc = db_step(stmt, err);
        *author_out = rc == 1;
    }
    db_finish(&stmt);
    return rc < 0 ? rc : 0;
}

/* One standing row against what is there now. */
static void judge_row(struct state *s, struct db_stmt *stmt, const char *asker) {
    struct str who = db_column_str(stmt, 0);
    struct str basis = db_column_str(stmt, 1);
    int64_t minor = db_column_i64(stmt, 2);
    int64_t until = db_column_i64(stmt, 3);
    bool author = db_column_i64(stmt, 4) != 0;
    char old[APPROVAL__BASIS_MAX];
    snprintf(old, sizeof old, "%.*s", STR_ARG(basis));
    const char *words = approval__difference(old, s->basis);
    if (!words && until && until <= s->now_ms) {
        words = TR("it has lapsed");
    }
    if (words) {
        snprintf(s->void_text, sizeof s->void_text, TR("the approval by %.60s is void: %s"),
            who.bytes ? who.at : "?", words);
        s->void_words = s->void_text;
        return;
    }
    s->by_asker = s->by_asker || (asker && str_is(who, asker));
    s->given += !author || s->need.author_may;
    s->least_minor = minor < s->least_minor ? minor : s->least_minor;
}

static int read_given(struct db *db, struct state *s, const char *asker, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    s->given = 0;
    s->least_minor = INT64_MAX;
    int rc = db_prepare(db,
        "SELECT a.who, a.basis, a.minor, coalesce(a.until_at, 0), EXISTS (SELECT 1 FROM "
        "campaign_author w WHERE w.campaign_id = a.campaign_id AND w.who = a.who) FROM approval a "
        "WHERE a.campaign_id = ?1 AND a.void_at IS NULL ORDER BY a.id",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, s->row.id);
        while ((rc = db_step(stmt, err)) == 1) {
            judge_row(s, stmt, asker);
        }
    }
    db_finish(&stmt);
    return rc;
}

static void state_release(struct state *s) {
    campaign_spec_free(&s->spec);
    campaign_row_release(&s->row);
}

static int state_read(
    struct db *db, const char *name, const char *asker, struct state *s, struct base_err *err) {
    *s = (struct state){.now_ms = base_clock_now_ms(), .least_minor = INT64_MAX};
    int rc = campaign_get(db, name, &s->row, err);
    if (rc == 0) {
        rc = campaign_row_spec(&s->row, &s->spec, err);
    }
    if (rc == 0) {
        rc = read_need(db, s, err);
    }
    if (rc == 0) {
        rc = approval__basis(db, &s->row, s->basis, err);
    }
    if (rc == 0) {
        rc = read_given(db, s, asker, err);
    }
    if (rc != 0) {
        state_release(s);
    }
    return rc;
}

/* --- writing --- */

static int end_transaction(struct db *db, int rc, struct base_err *err) {
    if (rc == 0) {
        return db_commit(db, err);
    }
    db_rollback(db);
    return rc;
}

/* Everybody whose yes stands, as one text. */
static int read_names(
    struct db *db, int64_t campaign_id, struct base_buf *names, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT who FROM approval WHERE campaign_id = ?1 AND void_at IS NULL ORDER BY id", &stmt,
        err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, campaign_id);
        while ((rc = db_step(stmt, err)) == 1) {
            base_buf_add_text(names, names->bytes ? ", " : "");
            base_buf_add_str(names, db_column_str(stmt, 0));
        }
    }
    db_finish(&stmt);
    return rc;
}

/* The state, who approved, and what it waits for. */
static int write_campaign(struct db *db, const struct state *s, enum campaign_state state,
    const char *wait_reason, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    struct base_buf names;
    base_buf_init(&names, 4096);
    int rc = state == CAMPAIGN_PLANNED ? 0 : read_names(db, s->row.id, &names, err);
    if (rc == 0) {
        rc = db_prepare(db,
            "UPDATE campaign SET state = ?2, wait_reason = ?3, changed_at = ?4, approved_by = ?5, "
            "approved_at = CASE WHEN CAST(?2 AS SMALLINT) = 1 THEN NULL ELSE coalesce(approved_at, "
            "?4) END, "
            "started_at = CASE WHEN CAST(?2 AS SMALLINT) = 3 THEN ?4 END WHERE id = ?1",
            &stmt, err);
    }
    if (rc == 0) {
        db_bind_i64(stmt, 1, s->row.id);
        db_bind_i64(stmt, 2, state);
        db_bind_text(stmt, 3, wait_reason);
        db_bind_i64(stmt, 4, s->now_ms);
        db_bind_text(stmt, 5, names.bytes ? base_buf_text(&names) : NULL);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    base_buf_release(&names);
    return rc;
}

/* Takes back every approval of a campaign, which is planned again. In the caller's transaction. */
static int take_back(struct db *db, const struct state *s, const char *why, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "UPDATE approval SET void_at = ?2, void_reason = ?3 WHERE campaign_id = ?1 AND void_at IS "
        "NULL",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, s->row.id);
        db_bind_i64(stmt, 2, s->now_ms);
        db_bind_text(stmt, 3, why);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    if (rc == 0) {
        rc = write_campaign(db, s, CAMPAIGN_PLANNED, why, err);
    }
    return rc == 0 ? audit_add(db, "lantoa", "void approval", s->row.name, why, err) : rc;
}

static void missing_text(const struct state *s, char *out, size_t room) {
    int missing = s->need.approvers - s->given;
    snprintf(out, room,
        s->need.author_may ? TR("approvals still needed: %d")
                           : TR("approvals still needed: %d, by nobody who wrote it"),
        missing);
}

/* What keeps it from running: approvals that no longer stand, or too few. "": nothing. */
static void fault_of(const struct state *s, char *out, size_t room) {
    out[0] = '\0';
    if (s->void_words) {
        snprintf(out, room, "%s", s->void_words);
    } else if (s->given < s->need.approvers) {
        missing_text(s, out, room);
    }
}

/* --- giving --- */

/* Any step that writes to people has a row for each; one of outlets or a page does not. */
static int count_people(
    struct db *db, int64_t campaign_id, int64_t *people_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT count(*) FROM (SELECT s.id FROM step s JOIN channel h ON h.id = s.channel_id WHERE "
        "s.campaign_id = ?1 ORDER BY h.address IN (?2, ?3), s.id LIMIT 1) f JOIN message m ON m.id "
        "BETWEEN (f.id << 43) AND ((f.id + 1) << 43) - 1 WHERE (m.id >> 42) & 1 = 0",
        &stmt, err);
    *people_out = 0;
    if (rc == 0) {
        db_bind_i64(stmt, 1, campaign_id);
        db_bind_i64(stmt, 2, LANTOA_ADDRESS_OUTLET);
        db_bind_i64(stmt, 3, LANTOA_ADDRESS_PAGE);
        rc = db_step(stmt, err);
        *people_out = rc == 1 ? db_column_i64(stmt, 0) : 0;
    }
    db_finish(&stmt);
    return rc < 0 ? rc : 0;
}

static int count_figures(struct db *db, const char *data_dir, const struct state *s,
    struct approval_figures *out, struct base_err *err) {
    struct costing *costing = NULL;
    struct cost cost;
    int rc = count_people(db, s->row.id, &out->people, err);
    if (rc == 0) {
        rc = costing_open(db, data_dir, s->row.name, &costing, err);
    }
    if (rc == 0) {
        rc = costing_run(costing, NULL, 0, &cost, err);
    }
    costing_close(&costing);
    if (rc != 0) {
        return rc;
    }
    out->messages = cost.messages;
    out->units = cost.units;
    out->minor = cost.minor;
    out->budget_minor = cost.budget_minor;
    snprintf(out->currency, sizeof out->currency, "%s", cost.currency);
    rc = cost_complete(&cost, err);
    cost_release(&cost);
    return rc;
}

static void hash_of(
    const char *basis, const struct approval_figures *f, char out[static BASE_HEX_SHA256_MAX]) {
    uint8_t digest[BASE_SHA256_BYTES];
    char text[APPROVAL__BASIS_MAX + 160];
    snprintf(text, sizeof text, "%s people %lld messages %lld units %lld cost %lld %s", basis,
        (long long)f->people, (long long)f->messages, (long long)f->units, (long long)f->minor,
        f->currency);
    base_sha256(str_from(text), digest);
    base_hex(digest, sizeof digest, out);
}

/* Whether this person may say yes now. */
static int check_asker(struct db *db, const struct state *s, const char *who, const char *reason,
    struct base_err *err) {
    bool author;
    if (s->row.state != CAMPAIGN_PLANNED) {
        return base_err_set(err, LANTOA_ESTATE,
            TR("campaign %s is %s: only a planned campaign can be approved"), s->row.name,
            TR(campaign_state_word(s->row.state)));
    }
    int rc = is_author(db, s->row.id, who, &author, err);
    if (rc != 0) {
        return rc;
    }
    if (author && !s->need.author_may) {
        return base_err_set(err, LANTOA_ESTATE,
            TR("%s wrote campaign %s and cannot approve it: somebody else must"), who, s->row.name);
    }
    if (s->by_asker && !s->void_words) {
        return base_err_set(err, LANTOA_ESTATE,
            TR("%s has approved campaign %s already: somebody else must"), who, s->row.name);
    }
    if (s->need.reason && str_trim(str_from(reason ? reason : "")).bytes == 0) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("campaign %s is approved only with a reason: --reason TEXT"), s->row.name);
    }
    return 0;
}

static int check_budget(
    const struct state *s, const struct approval_figures *f, struct base_err *err) {
    if (!s->need.refuse_over_budget || f->budget_minor < 0 || f->minor <= f->budget_minor) {
        return 0;
    }
    return base_err_set(err, LANTOA_ELIMIT,
        TR("campaign %s costs %lld %s, %lld more than its budget of %lld"), s->row.name,
        (long long)f->minor, f->currency, (long long)(f->minor - f->budget_minor),
        (long long)f->budget_minor);
}

static int insert_row(struct db *db, const struct state *s, const char *who, const char *reason,
    const struct approval_outcome *o, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "INSERT INTO approval (campaign_id, at, who, basis, hash, messages, units, minor, "
        "currency, "
        "reason, until_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, s->row.id);
        db_bind_i64(stmt, 2, s->now_ms);
        db_bind_text(stmt, 3, who);
        db_bind_text(stmt, 4, s->basis);
        db_bind_text(stmt, 5, o->hash);
        db_bind_i64(stmt, 6, o->figures.messages);
        db_bind_i64(stmt, 7, o->figures.units);
        db_bind_i64(stmt, 8, o->figures.minor);
        db_bind_text(stmt, 9, o->figures.currency);
        db_bind_text(stmt, 10, reason);
        if (o->until_ms) {
            db_bind_i64(stmt, 11, o->until_ms);
        }
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

/* Inside the transaction: the campaign is still what was counted. */
static int write_yes(struct db *db, const struct state *counted, const char *who,
    const char *reason, struct approval_outcome *o, struct base_err *err) {
    struct state s;
    char waits[160] = "";
    char note[200];
    int rc = state_read(db, counted->row.name, who, &s, err);
    if (rc != 0) {
        return rc;
    }
    rc = check_asker(db, &s, who, reason, err);
    if (rc == 0 && strcmp(s.basis, counted->basis) != 0) {
        rc = base_err_set(err, LANTOA_ESTATE,
            TR("campaign %s changed while it was looked at: look again"), s.row.name);
    }
    if (rc == 0 && s.void_words) { /* earlier ones end here; this one counts alone */
        rc = take_back(db, &s, s.void_words, err);
        s.given = 0;
    }
    if (rc == 0) {
        o->until_ms = s.need.valid_ms ? s.now_ms + s.need.valid_ms : 0;
        rc = insert_row(db, &s, who, reason, o, err);
    }
    s.given++;
    o->need = s.need;
    o->given = s.given;
    o->state = s.given >= s.need.approvers ? CAMPAIGN_APPROVED : CAMPAIGN_PLANNED;
    if (o->state == CAMPAIGN_PLANNED) {
        missing_text(&s, waits, sizeof waits);
    }
    if (rc == 0) {
        rc = write_campaign(db, &s, o->state, waits[0] ? waits : NULL, err);
    }
    if (rc == 0) {
        snprintf(note, sizeof note, "%lld messages, %lld parts, %lld %s, %.16s%s%.60s",
            (long long)o->figures.messages, (long long)o->figures.units,
            (long long)o->figures.minor, o->figures.currency, o->hash, reason ? ": " : "",
            reason ? reason : "");
        rc = audit_add(db, who, "approve", s.row.name, note, err);
    }
    state_release(&s);
    return rc;
}

int approval_give(struct db *db, const char *data_dir, const char *name, const char *who,
    const char *reason, struct approval_outcome *outcome_out, struct base_err *err) {
    struct state s;
    *outcome_out = (struct approval_outcome){0};
    int rc = state_read(db, name, who, &s, err);
    if (rc != 0) {
        return rc;
    }
    rc = check_asker(db, &s, who, reason, err);
    if (rc == 0) {
        rc = count_figures(db, data_dir, &s, &outcome_out->figures, err);
    }
    if (rc == 0) {
        rc = check_budget(&s, &outcome_out->figures, err);
    }
    if (rc == 0) {
        hash_of(s.basis, &outcome_out->figures, outcome_out->hash);
        rc = db_begin(db, err);
        if (rc == 0) {
            rc = end_transaction(db, write_yes(db, &s, who, reason, outcome_out, err), err);
        }
    }
    state_release(&s);
    return rc;
}

/* --- starting --- */

/* Too few under the rules of today are back to planned with those there are; a change ends all. */
static int demote(struct db *db, const struct state *s, const char *why, struct base_err *err) {
    bool few = !s->void_words && s->given < s->need.approvers;
    int rc = db_begin(db, err);
    return rc != 0 ? rc
                   : end_transaction(db,
                         few ? write_campaign(db, s, CAMPAIGN_PLANNED, why, err)
                             : take_back(db, s, why, err),
                         err);
}

/* Back to planned, and the reason as the error. */
static int refuse_start(
    struct db *db, const struct state *s, const char *why, struct base_err *err) {
    int rc = demote(db, s, why, err);
    return rc != 0 ? rc
                   : base_err_set(err, LANTOA_ESTATE,
                         TR("campaign %s does not start and must be approved again: %s"),
                         s->row.name, why);
}

/* More money than was said yes to. */
static int check_cost(struct db *db, const char *data_dir, const struct state *s, char *why,
    size_t room, struct base_err *err) {
    struct approval_figures now = {0};
    why[0] = '\0';
    if (s->least_minor == 0 && s->spec->budget_minor < 0) {
        return 0; /* it cost nothing, and the prices have not changed */
    }
    int rc = count_figures(db, data_dir, s, &now, err);
    if (rc == 0 && now.minor > s->least_minor) {
        snprintf(why, room, TR("it costs %lld %s now, and %lld were approved"),
            (long long)now.minor, now.currency, (long long)s->least_minor);
    }
    return rc;
}

static int set_running(
    struct db *db, const struct state *s, const char *who, struct base_err *err) {
    struct campaign_row row = {0};
    char basis[APPROVAL__BASIS_MAX];
    int rc = campaign_get_id(db, s->row.id, &row, err);
    if (rc == 0) {
        rc = approval__basis(db, &row, basis, err);
    }
    if (rc == 0 && (row.state != CAMPAIGN_APPROVED || strcmp(basis, s->basis) != 0)) {
        rc = base_err_set(err, LANTOA_ESTATE,
            TR("campaign %s changed while it was looked at: look again"), s->row.name);
    }
    if (rc == 0) {
        rc = write_campaign(db, s, CAMPAIGN_RUNNING, NULL, err);
    }
    if (rc == 0) {
        rc = audit_add(db, who, "start", s->row.name, NULL, err);
    }
    campaign_row_release(&row);
    return rc;
}

int approval_start(
    struct db *db, const char *data_dir, const char *name, const char *who, struct base_err *err) {
    struct state s;
    char why[300];
    int rc = state_read(db, name, NULL, &s, err);
    if (rc != 0) {
        return rc;
    }
    if (s.row.state != CAMPAIGN_APPROVED) {
        rc = base_err_set(err, LANTOA_ESTATE, TR("campaign %s is %s: %s"), s.row.name,
            TR(campaign_state_word(s.row.state)),
            s.row.state == CAMPAIGN_PLANNED && s.row.wait_reason
                ? s.row.wait_reason
                : TR("only an approved campaign can be started"));
    } else {
        fault_of(&s, why, sizeof why);
        if (!why[0]) {
            rc = check_cost(db, data_dir, &s, why, sizeof why, err);
        }
        if (rc == 0 && why[0]) {
            rc = refuse_start(db, &s, why, err);
        } else if (rc == 0) {
            rc = db_begin(db, err);
            rc = rc == 0 ? end_transaction(db, set_running(db, &s, who, err), err) : rc;
        }
    }
    state_release(&s);
    return rc;
}

/* --- sweeping --- */

static int list_names(struct db *db, struct base_buf *names, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT name FROM campaign g WHERE state = 2 OR (state = 1 AND EXISTS (SELECT 1 FROM "
        "approval a WHERE a.campaign_id = g.id AND a.void_at IS NULL)) ORDER BY id",
        &stmt, err);
    while (rc >= 0 && stmt && (rc = db_step(stmt, err)) == 1) {
        base_buf_add_str(names, db_column_str(stmt, 0));
        base_buf_add_char(names, '\0');
    }
    db_finish(&stmt);
    return rc;
}

static int sweep_one(struct db *db, const char *name,
    void (*told)(void *arg, const char *campaign, const char *why), void *arg,
    struct base_err *err) {
    struct state s;
    char why[300] = "";
    int rc = state_read(db, name, NULL, &s, err);
    if (rc != 0) {
        return rc;
    }
    if (s.void_words || (s.row.state == CAMPAIGN_APPROVED && s.given < s.need.approvers)) {
        fault_of(&s, why, sizeof why);
        rc = demote(db, &s, why, err);
        if (rc == 0 && told) {
            told(arg, name, why);
        }
    }
    state_release(&s);
    return rc;
}

int approval_sweep(struct db *db, void (*told)(void *arg, const char *campaign, const char *why),
    void *arg, struct base_err *err) {
    struct base_buf names;
    base_buf_init(&names, (size_t)16 << 20);
    int rc = list_names(db, &names, err);
    for (size_t at = 0; rc == 0 && at < names.bytes; at += strlen(names.at + at) + 1) {
        rc = sweep_one(db, names.at + at, told, arg, err);
    }
    base_buf_release(&names);
    return rc;
}

/* --- looking --- */

int approval_status(struct db *db, int64_t campaign_id, struct approval_need *need_out,
    int *given_out, struct base_err *err) {
    struct campaign_row row = {0};
    struct state s;
    int rc = campaign_get_id(db, campaign_id, &row, err);
    if (rc == 0) {
        rc = state_read(db, row.name, NULL, &s, err);
    }
    if (rc == 0) {
        *need_out = s.need;
        *given_out = s.given;
        state_release(&s);
    }
    campaign_row_release(&row);
    return rc;
}
