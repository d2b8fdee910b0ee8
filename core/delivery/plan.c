/* Freezing a campaign's audience into the ledger. */
#include "delivery/plan.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/tr.h"
#include "campaign/calendar.h"
#include "delivery/airing.h"
#include "delivery/plan_private.h"
#include "delivery/policy.h"
#include "delivery/step.h"

#define CHUNK_CONTACTS 10000
#define ARMS_MOST ((size_t)256 << 20) /* of a chunk of contacts, or of all airings */

struct planner {
    struct db *db;
    const char *name, *who;
    struct rules *rules;
    struct delivery_campaign *campaign;
    struct segment *audience;
    struct base_hmac *experiment;
    struct db_stmt *select, *insert, *same_email, *same_phone, *row;
    struct db_stmt *same_account;
    int64_t today_days, now_ms;
    int64_t last_contact;
    uint8_t chain[BASE_SHA256_BYTES];
    struct base_buf arms; /* of the present chunk, for the chain */
    struct plan_outcome out;
};

int plan_bucket(struct base_hmac *experiment, struct str unit) {
    uint8_t mac[BASE_SHA256_BYTES];
    base_hmac_sign(experiment, unit.at, unit.bytes, mac);
    uint64_t head = 0;
    for (int i = 0; i < 8; i++) {
        head = head << 8 | mac[i];
    }
    return (int)(head % 10000);
}

/* --- dropping an earlier plan --- */

static int set_draft(struct db *db, int64_t campaign_id, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = airing_detach(db, campaign_id, err);
    if (rc != 0) {
        return rc;
    }
    rc = db_prepare(db,
        "UPDATE campaign SET state = 0, planned_at = NULL, approved_at = NULL, approved_by = NULL, "
        "assignment_hash = NULL, wait_reason = NULL WHERE id = ?1",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, campaign_id);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    if (rc == 0) {
        rc = db_prepare(db,
            "UPDATE approval SET void_at = ?2, void_reason = 'planned again' WHERE campaign_id = "
            "?1 AND void_at IS NULL",
            &stmt, err);
    }
    if (rc == 0) {
        db_bind_i64(stmt, 1, campaign_id);
        db_bind_i64(stmt, 2, base_clock_now_ms());
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

static int in_transaction(struct db *db, int (*work)(struct db *, int64_t, struct base_err *),
    int64_t arg, struct base_err *err) {
    int rc = db_begin(db, err);
    if (rc == 0) {
        rc = work(db, arg, err);
        if (rc < 0) {
            db_rollback(db);
        } else {
            int committed = db_commit(db, err);
            rc = committed < 0 ? committed : rc;
        }
    }
    return rc;
}

/* Deletes some rows of the campaign's ledger; 1 when there may be more. */
static int delete_some(struct db *db, int64_t campaign_id, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "DELETE FROM message WHERE id IN (SELECT m.id FROM step s JOIN message m "
        "ON m.id BETWEEN (s.id << 43) AND ((s.id + 1) << 43) - 1 WHERE s.campaign_id = ?1 LIMIT "
        "20000)",
        &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, campaign_id);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc < 0 ? rc : db_changes(db) > 0;
}

static int delete_steps(struct db *db, int64_t campaign_id, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, "UPDATE step SET after_id = NULL WHERE campaign_id = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, campaign_id);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    if (rc == 0) {
        rc = db_prepare(db, "DELETE FROM step WHERE campaign_id = ?1", &stmt, err);
    }
    if (rc == 0) {
        db_bind_i64(stmt, 1, campaign_id);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

static int drop_plan(struct db *db, int64_t campaign_id, struct base_err *err) {
    int rc = in_transaction(db, set_draft, campaign_id, err);
    if (rc == 0) {
        do {
            rc = in_transaction(db, delete_some, campaign_id, err);
        } while (rc == 1);
    }
    return rc == 0 ? in_transaction(db, delete_steps, campaign_id, err) : rc;
}

/* --- the audience --- */

static struct str unit_of(
    const struct planner *p, const struct contact *contact, char *scratch, size_t room) {
    const struct campaign_spec *spec = p->campaign->spec;
    if (spec->holdout_unit == HOLDOUT_PLACE && contact->place_id) {
        snprintf(scratch, room, "place:%lld", (long long)contact->place_id);
        return str_from(scratch);
    }
    if (spec->holdout_unit == HOLDOUT_HOUSEHOLD && contact->household.bytes) {
        return contact->household;
    }
    if (contact->phone.bytes) {
        return contact->phone;
    }
    if (contact->email.bytes) {
        return contact->email;
    }
    snprintf(scratch, room, "contact:%lld", (long long)contact->id);
    return str_from(scratch);
}

static bool held_out(struct planner *p, const struct contact *contact) {
    const struct campaign_spec *spec = p->campaign->spec;
    if (p->campaign->lot) {
        return lot_keeps_out(p->campaign->lot, contact->id, contact->place_id);
    }
    if (!spec->has_holdout) {
        return false;
    }
    char scratch[40];
    int bucket = plan_bucket(p->experiment, unit_of(p, contact, scratch, sizeof scratch));
    return bucket < (int)(spec->holdout_percent * 100 + 0.5);
}

/* Whether a contact with a smaller id and the same address already gets this step's message. Only
 * asked for addresses that several contacts have. */
static int is_duplicate(struct planner *p, const struct delivery_step *step,
    const struct policy_person *person, bool *duplicate_out, struct base_err *err) {
    bool email = person->address.at == person->contact.email.at;
    const char *account = step->manifest->account;
    struct db_stmt *others = account ? p->same_account : email ? p->same_email : p->same_phone;
    *duplicate_out = false;
    if (account) {
        db_bind_text(others, 1, account);
        db_bind_str(others, 2, person->address);
    } else {
        db_bind_str(others, 1, person->address);
        db_bind_i64(others, 2, person->contact.id);
    }
    int rc = 0;
    while (!*duplicate_out && (rc = db_step(others, err)) == 1 &&
           db_column_i64(others, 0) < person->contact.id) {
        db_bind_i64(p->row, 1, ledger_id(step->id, db_column_i64(others, 0), 0));
        rc = db_step(p->row, err);
        if (rc < 0) {
            break;
        }
        *duplicate_out = rc == 1;
        db_reset(p->row);
    }
    db_reset(others);
    return *duplicate_out || rc >= 0 ? 0 : rc;
}

static int plan_row(struct planner *p, const struct delivery_step *step,
    struct policy_person *person, bool holdout, bool shared, struct base_err *err) {
    int reason = holdout ? SUPPRESSED_HOLDOUT : policy_check(step, person);
    if (reason == 0 && (shared || step->manifest->account)) {
        bool duplicate;
        int rc = is_duplicate(p, step, person, &duplicate, err);
        if (rc != 0) {
            return rc;
        }
        reason = duplicate ? SUPPRESSED_DUPLICATE : 0;
    }
    db_bind_i64(p->insert, 1, ledger_id(step->id, person->contact.id, 0));
    db_bind_i64(p->insert, 2, reason ? MESSAGE_SUPPRESSED : MESSAGE_PLANNED);
    db_bind_i64(p->insert, 3, reason);
    db_bind_i64(p->insert, 4, p->now_ms);
    int rc = db_run(p->insert, err);
    if (rc == 0) {
        if (reason) {
            p->out.suppressed++;
        } else {
            p->out.planned++;
        }
    }
    return rc;
}

static int plan_contact(struct planner *p, struct base_err *err) {
    struct policy_person person;
    policy_read(p->select, 0, &person);
    bool shared = db_column_i64(p->select, CONTACT_COLUMN_COUNT + POLICY_COLUMN_COUNT) != 0;
    bool holdout = held_out(p, &person.contact);
    if (person.contact.id > LEDGER_RECIPIENT_MAX) {
        return base_err_set(err, LANTOA_ELIMIT, "contact id %lld", (long long)person.contact.id);
    }
    for (size_t i = 0; i < p->campaign->step_count; i++) {
        if (!delivery_step_to_people(&p->campaign->steps[i])) {
            continue;
        }
        int rc = plan_row(p, &p->campaign->steps[i], &person, holdout, shared, err);
        if (rc != 0) {
            return rc;
        }
    }
    p->out.audience++;
    p->out.holdout += holdout;
    p->last_contact = person.contact.id;
    int wave = lot_wave(p->campaign->lot, person.contact.place_id);
    base_buf_printf(&p->arms, "%lld:%d\n", (long long)person.contact.id, wave > 1 ? wave : holdout);
    return 0;
}

/* One chunk in the open transaction: number of contacts, or negative. */
static int plan_chunk(struct db *db, int64_t arg, struct base_err *err) {
    struct planner *p = (struct planner *)(intptr_t)arg;
    (void)db;
    int count = 0;
    int rc;
    base_buf_clear(&p->arms);
    base_buf_add(&p->arms, p->chain, sizeof p->chain);
    db_bind_i64(p->select, 1, p->last_contact);
    while ((rc = db_step(p->select, err)) == 1) {
        rc = plan_contact(p, err);
        if (rc != 0) {
            db_reset(p->select);
            return rc;
        }
        count++;
    }
    base_sha256(base_buf_str(&p->arms), p->chain);
    return rc < 0 ? rc : count;
}

static int prepare_select(struct planner *p, struct base_err *err) {
    struct base_buf sql;
    int next;
    base_buf_init(&sql, 1 << 20);
    /* "shared": another contact with a smaller id has one of the addresses. The kind of consent is
     * that of the first step's channel for the quick look; the last-moment check asks again for
     * each step's own. */
    base_buf_add_text(&sql,
        "SELECT " CONTACT_COLUMNS ", " POLICY_COLUMNS("'email'", "'phone'", "?2",
            "?3") ", "
                  "EXISTS (SELECT 1 FROM contact d WHERE " CONTACT_HAS_EMAIL(
                      "d", "c.email") " AND d.id < c.id) OR "
                                      "EXISTS (SELECT 1 FROM contact d WHERE "
                                      "d.phone = c.phone AND d.id < c.id) "
                                      "FROM contact c WHERE c.id > ?1 AND (");
    int rc = segment_sql(p->audience, &sql, 4, &next, err);
    base_buf_printf(&sql, ") ORDER BY c.id LIMIT %d", CHUNK_CONTACTS);
    if (rc == 0) {
        rc = db_prepare(p->db, base_buf_text(&sql), &p->select, err);
    }
    if (rc == 0) {
        size_t first = 0; /* that writes to people */
        while (first + 1 < p->campaign->step_count &&
               !delivery_step_to_people(&p->campaign->steps[first])) {
            first++;
        }
        db_bind_text(p->select, 2, p->campaign->steps[first].manifest->kind);
        db_bind_text(p->select, 3, campaign_class_word(p->campaign->spec->class));
        segment_bind(p->audience, p->select, 4, p->today_days);
    }
    base_buf_release(&sql);
    return rc;
}

static int prepare(struct planner *p, struct base_err *err) {
    int rc = prepare_select(p, err);
    if (rc == 0) {
        rc = db_prepare(p->db,
            "INSERT INTO message (id, state, reason, at) VALUES (?1, ?2, ?3, ?4)", &p->insert, err);
    }
    if (rc == 0) {
        rc = db_prepare(p->db,
            "SELECT c.id FROM contact c WHERE " CONTACT_HAS_EMAIL("c", "?1") " AND c.id < ?2",
            &p->same_email, err);
    }
    if (rc == 0) {
        rc = db_prepare(
            p->db, "SELECT id FROM contact WHERE phone = ?1 AND id < ?2", &p->same_phone, err);
    }
    if (rc == 0) {
        rc = db_prepare(p->db, "SELECT 1 FROM message WHERE id = ?1 AND state = 0", &p->row, err);
    }
    if (rc == 0) {
        rc = account_prepare(p->db, &p->same_account, err);
    }
    return rc;
}

static void planner_release(struct planner *p) {
    db_finish(&p->select);
    db_finish(&p->insert);
    db_finish(&p->same_email);
    db_finish(&p->same_phone);
    db_finish(&p->row);
    db_finish(&p->same_account);
    segment_free(&p->audience);
    base_hmac_free(&p->experiment);
    base_buf_release(&p->arms);
    delivery_campaign_free(&p->campaign);
    rules_free(&p->rules);
}

static int set_planned(struct db *db, int64_t campaign_id, const char *hash, int64_t now_ms,
    const char *name, const char *who, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_begin(db, err);
    if (rc != 0) {
        return rc;
    }
    rc = db_prepare(db,
        "UPDATE campaign SET state = 1, planned_at = ?2, assignment_hash = ?3 WHERE id = ?1", &stmt,
        err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, campaign_id);
        db_bind_i64(stmt, 2, now_ms);
        db_bind_text(stmt, 3, hash);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    if (rc == 0) {
        rc = audit_add(db, who, "plan", name, hash, err);
    }
    if (rc == 0) {
        return db_commit(db, err);
    }
    db_rollback(db);
    return rc;
}

static int load(struct planner *p, const struct campaign_row *row, struct base_err *err) {
    int rc = rules_load(p->db, &p->rules, err);
    if (rc == 0) {
        rc = delivery_campaign_load(p->db, row->id, p->rules, &p->campaign, err);
    }
    for (size_t i = 0; rc == 0 && i < p->campaign->step_count; i++) {
        const struct delivery_step *step = &p->campaign->steps[i];
        if (step->forbidden) {
            rc = base_err_set(
                err, LANTOA_EINVAL, TR("step %s: %s"), step->spec->name, step->forbidden);
        }
    }
    if (rc == 0) {
        rc = segment_parse(p->db, str_from(p->campaign->spec->audience), &p->audience, NULL, err);
    }
    if (rc == 0) {
        p->experiment = base_hmac_new(row->experiment_key, sizeof row->experiment_key);
        struct base_civil local =
            base_civil_from_ms(p->now_ms, calendar_offset_min(p->campaign->zone, p->now_ms));
        p->today_days = base_days_from_date((struct base_date){local.year, local.month, local.day});
        rc = prepare(p, err);
    }
    return rc;
}

static int save_links(struct db *db, int64_t arg, struct base_err *err) {
    const struct planner *p = (struct planner *)(intptr_t)arg;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->campaign->step_count; i++) {
        rc = delivery_links_save(db, p->campaign->steps[i].id, p->campaign->steps[i].links, err);
    }
    return rc;
}

/* One row for each step that speaks on a page. */
static int plan_pages(struct db *db, int64_t arg, struct base_err *err) {
    struct planner *p = (struct planner *)(intptr_t)arg;
    int rc = 0;
    (void)db;
    for (size_t i = 0; rc == 0 && i < p->campaign->step_count; i++) {
        const struct delivery_step *step = &p->campaign->steps[i];
        if (delivery_step_to_page(step)) {
            db_bind_i64(p->insert, 1, ledger_page_id(step->id, 0));
            db_bind_i64(p->insert, 2, MESSAGE_PLANNED);
            db_bind_i64(p->insert, 3, 0);
            db_bind_i64(p->insert, 4, p->now_ms);
            rc = db_run(p->insert, err);
            p->out.planned++;
        }
    }
    return rc;
}

static int refresh_accounts(struct db *db, int64_t arg, struct base_err *err) {
    const struct planner *p = (struct planner *)(intptr_t)arg;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->campaign->step_count; i++) {
        const char *account = p->campaign->steps[i].manifest->account;
        rc = account ? account_refresh(db, account, err) : 0;
    }
    return rc;
}

static int book_airings(struct db *db, int64_t arg, struct base_err *err) {
    struct planner *p = (struct planner *)(intptr_t)arg;
    base_buf_clear(&p->arms);
    base_buf_add(&p->arms, p->chain, sizeof p->chain);
    int rc = airing_plan(db, p->campaign, p->now_ms, &p->arms, &p->out.airings, err);
    if (rc == 0 && p->out.airings.asked > 0) {
        base_sha256(base_buf_str(&p->arms), p->chain);
    }
    return rc;
}

static size_t people_steps(const struct delivery_campaign *campaign) {
    size_t count = 0;
    for (size_t i = 0; i < campaign->step_count; i++) {
        count += delivery_step_to_people(&campaign->steps[i]);
    }
    return count;
}

static int check_state(const struct campaign_row *row, struct base_err *err) {
    if (row->state != CAMPAIGN_DRAFT && row->state != CAMPAIGN_PLANNED &&
        row->state != CAMPAIGN_APPROVED) {
        return base_err_set(err, LANTOA_ESTATE,
            TR("campaign %s is %s: its audience is frozen for good"), row->name,
            TR(campaign_state_word(row->state)));
    }
    return 0;
}

/* The steps of the file, and its lot. */
static int insert_steps_of(struct db *db, int64_t arg, struct base_err *err) {
    const struct planner *p = (struct planner *)(intptr_t)arg;
    struct campaign_row row = {0};
    struct campaign_spec *spec = NULL;
    int rc = campaign_get(db, p->name, &row, err);
    if (rc == 0) {
        rc = campaign_row_spec(&row, &spec, err);
    }
    if (rc == 0) {
        rc = plan__insert_steps(db, row.id, spec, err);
    }
    if (rc == 0) {
        rc = lot_draw(db, &row, spec, p->now_ms, p->who, err);
    }
    campaign_spec_free(&spec);
    campaign_row_release(&row);
    return rc;
}

int campaign_plan(struct db *db, const char *name, const char *who,
    const struct plan_progress *progress, struct plan_outcome *outcome_out, struct base_err *err) {
    struct planner p = {.db = db, .name = name, .who = who, .now_ms = base_clock_now_ms()};
    struct campaign_row row = {0};
    base_buf_init(&p.arms, ARMS_MOST);
    int rc = campaign_get(db, name, &row, err);
    if (rc == 0) {
        rc = check_state(&row, err);
    }
    if (rc == 0) {
        rc = drop_plan(db, row.id, err);
    }
    if (rc == 0) {
        rc = in_transaction(db, insert_steps_of, (int64_t)(intptr_t)&p, err);
    }
    if (rc == 0) {
        rc = load(&p, &row, err);
    }
    if (rc == 0) {
        rc = in_transaction(db, save_links, (int64_t)(intptr_t)&p, err);
    }
    size_t to_people = rc == 0 ? people_steps(p.campaign) : 0;
    if (rc == 0) {
        rc = in_transaction(db, plan_pages, (int64_t)(intptr_t)&p, err);
    }
    if (rc == 0) {
        rc = in_transaction(db, refresh_accounts, (int64_t)(intptr_t)&p, err);
    }
    if (rc == 0 && to_people < p.campaign->step_count) {
        rc = in_transaction(db, book_airings, (int64_t)(intptr_t)&p, err);
    }
    while (rc == 0 && to_people > 0) {
        rc = in_transaction(db, plan_chunk, (int64_t)(intptr_t)&p, err);
        if (rc <= 0) {
            break;
        }
        rc = 0;
        if (progress && progress->fn) {
            progress->fn(progress->arg, p.out.audience);
        }
    }
    if (rc == 0 && to_people > 0 && p.out.audience == 0) {
        rc = base_err_set(err, LANTOA_EINVAL, TR("campaign %s: the audience is empty: %s"), name,
            p.campaign->spec->audience);
    }
    if (rc == 0) {
        p.out.steps = (int64_t)p.campaign->step_count;
        base_hex(p.chain, sizeof p.chain, p.out.assignment_hash);
        rc = set_planned(db, row.id, p.out.assignment_hash, p.now_ms, name, who, err);
    }
    *outcome_out = p.out;
    planner_release(&p);
    campaign_row_release(&row);
    return rc;
}

int campaign_unplan(struct db *db, const char *name, const char *who, struct base_err *err) {
    struct campaign_row row = {0};
    int rc = campaign_get(db, name, &row, err);
    if (rc == 0) {
        rc = check_state(&row, err);
    }
    if (rc == 0) {
        rc = drop_plan(db, row.id, err);
    }
    if (rc == 0) {
        rc = audit_add(db, who, "unplan", name, NULL, err);
    }
    campaign_row_release(&row);
    return rc;
}
