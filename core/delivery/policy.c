/* The rules of sending applied to one person and one step. */
#include "delivery/policy.h"

#include "base/mem.h"

void policy_read(struct db_stmt *stmt, int first, struct policy_person *person_out) {
    contact_read(stmt, first, &person_out->contact);
    int at = first + CONTACT_COLUMN_COUNT;
    person_out->email_suppression = db_column_str(stmt, at);
    person_out->phone_suppression = db_column_str(stmt, at + 1);
    person_out->consent = db_column_is_null(stmt, at + 2) ? -1 : (int)db_column_i64(stmt, at + 2);
    person_out->address = (struct str){0};
}

static bool has_invalid(const struct policy_person *person, const char *attribute) {
    struct base_buf scratch;
    struct str value;
    base_buf_init(&scratch, 1024);
    bool has = contact_attr(&person->contact, str_from(attribute), &scratch, &value);
    base_buf_release(&scratch);
    return has;
}

/* Nobody suppresses an account: who refuses withdraws the consent, which holds for the channel. */
static int pick_account(const char *name, struct policy_person *person) {
    struct base_buf scratch;
    struct str value = {0};
    base_buf_init(&scratch, 1024);
    bool has = contact_attr(&person->contact, str_from(name), &scratch, &value);
    has = has && value.bytes > 0;
    int reason = !has                              ? SUPPRESSED_NO_ADDRESS
                 : value.bytes > ACCOUNT_BYTES_MAX ? SUPPRESSED_INVALID
                                                   : 0;
    if (reason == 0) {
        snprintf(person->account, sizeof person->account, STR_FMT, STR_ARG(value));
        person->address = str_from(person->account);
    }
    base_buf_release(&scratch);
    return reason;
}

/* The address, and the suppression that goes with it. */
static int pick_address(const struct channel_manifest *manifest, struct policy_person *person,
    struct str *suppression_out) {
    const struct contact *contact = &person->contact;
    enum lantoa_address_kind kind = manifest->address;
    if (kind == LANTOA_ADDRESS_ACCOUNT) {
        return pick_account(manifest->account, person);
    }
    bool any = kind == LANTOA_ADDRESS_ANY;
    /* Where any address will do, a dead one gives way to the next. */
    bool dead = any && contact->phone.bytes && str_is(person->email_suppression, "invalid");
    if ((any || kind == LANTOA_ADDRESS_EMAIL) && contact->email.bytes && !dead) {
        person->address = contact->email;
        *suppression_out = person->email_suppression;
        return 0;
    }
    if ((any || kind == LANTOA_ADDRESS_PHONE) && contact->phone.bytes) {
        person->address = contact->phone;
        *suppression_out = person->phone_suppression;
        return 0;
    }
    if ((any || kind == LANTOA_ADDRESS_EMAIL) && has_invalid(person, "email_invalid")) {
        return SUPPRESSED_INVALID;
    }
    if ((any || kind == LANTOA_ADDRESS_PHONE) && has_invalid(person, "phone_invalid")) {
        return SUPPRESSED_INVALID;
    }
    return SUPPRESSED_NO_ADDRESS;
}

static int suppression_reason(struct str word) {
    if (str_is(word, "do_not_call")) {
        return SUPPRESSED_DO_NOT_CALL;
    }
    return str_is(word, "invalid") ? SUPPRESSED_INVALID : SUPPRESSED_OPTED_OUT;
}

/* The do-not-call list holds for the classes whose rule says so: advertising, unless the rule says
 * otherwise (Decree 91/2020/ND-CP). */
static bool listed_may_get(const struct delivery_step *step) {
    return !rule_obeys_list(step->rule, step->campaign->spec->class);
}

int policy_check(const struct delivery_step *step, struct policy_person *person) {
    struct str suppression = {0};
    if (delivery_step_to_page(step)) {
        person->address = str_from(step->spec->channel);
        return 0;
    }
    if (person->contact.id == 0) {
        return SUPPRESSED_ERASED;
    }
    /* An answer goes to whoever has just written from this address. */
    bool answer =
        str_starts(str_from(step->campaign->spec->name), str_from(CAMPAIGN_SYSTEM_PREFIX));
    if (person->contact.died_on.bytes && !answer) {
        return SUPPRESSED_DIED;
    }
    int reason = pick_address(step->manifest, person, &suppression);
    if (reason != 0) {
        return reason;
    }
    /* Emergencies reach those who opted out as well: law art. 19.1 a, b of Law 91/2025/QH15; a dead
     * address stays dead. */
    bool emergency = step->campaign->spec->class == CLASS_EMERGENCY;
    if (str_is(suppression, "do_not_call") && listed_may_get(step)) {
        suppression = (struct str){0};
    }
    if (suppression.bytes && (!(emergency || answer) || str_is(suppression, "invalid"))) {
        return suppression_reason(suppression);
    }
    if (answer) {
        return 0;
    }
    if (person->consent == 0 && !emergency) {
        return SUPPRESSED_OPTED_OUT;
    }
    if (step->rule->consent && person->consent != 1) {
        return SUPPRESSED_NO_CONSENT;
    }
    int64_t enrolled = person->contact.enrolled_at;
    if (enrolled && step->campaign->row.planned_at && enrolled > step->campaign->row.planned_at) {
        return SUPPRESSED_CONVERTED;
    }
    return 0;
}

int64_t policy_open_at(const struct delivery_step *step, int64_t now_ms) {
    const struct campaign_spec *spec = step->campaign->spec;
    const struct rule *rule = step->rule;
    int64_t at = now_ms < step->campaign->open_ms ? step->campaign->open_ms : now_ms;
    bool emergency = spec->class == CLASS_EMERGENCY;
    /* Two windows that may lie in different zones: step forward until both are open; each round
     * moves on by hours, so a few rounds are enough or they never meet. */
    for (int round = 0; round < 8; round++) {
        int64_t next =
            emergency ? at : rules_next_open(rule->zone, rule->from_min, rule->to_min, at);
        next =
            rules_next_open(step->campaign->zone, spec->hours_from_min, spec->hours_to_min, next);
        if (next == at) {
            return at;
        }
        at = next;
    }
    return at;
}

int policy_gate(const struct delivery_step *step, const struct rules *rules, int64_t now_ms) {
    if (step->forbidden) {
        return HELD_RULE;
    }
    return rules_list_old(rules, step->rule, now_ms) ? HELD_DNC_LIST : 0;
}

bool policy_fallback_fits(const struct campaign_when *when, int reason) {
    for (size_t i = 0; i < when->fallback_count; i++) {
        if (strcmp(when->fallback_reasons[i], message_reason_word(reason)) == 0) {
            return true;
        }
    }
    return false;
}

int64_t policy_expires_at(const struct delivery_step *step, int64_t due_ms) {
    int64_t close = step->campaign->close_ms;
    if (!step->spec->has_expires) {
        return close;
    }
    int64_t at = calendar_add(step->campaign->zone, due_ms, step->spec->expires);
    return at < close ? at : close;
}

/* --- caps --- */

#define CAP_STEPS_MAX 512
#define CAP_HITS_MAX 64

struct policy_caps {
    struct db_stmt *steps, *rows;
    int64_t counting[CAP_STEPS_MAX]; /* ids of the steps whose messages count */
    size_t count;
};

int policy_caps_new(struct db *db, struct policy_caps **caps_out, struct base_err *err) {
    struct policy_caps *caps = base_alloc(sizeof *caps);
    /* Steps of any campaign of the same class on a channel of the same kind that handed something
     * out lately. */
    int rc = db_prepare(db,
        "SELECT s.id FROM step s JOIN campaign g ON g.id = s.campaign_id JOIN channel h ON h.id = "
        "s.channel_id "
        "WHERE s.last_sent_at > ?1 AND s.id <> ?2 AND g.class = ?3 AND h.kind = ?4 "
        "ORDER BY s.last_sent_at DESC LIMIT 512",
        &caps->steps, err);
    if (rc == 0) {
        rc = db_prepare(db,
            "SELECT at FROM message WHERE id BETWEEN ?1 AND ?2 AND state IN (3, 4, 5, 7) AND at > "
            "?3",
            &caps->rows, err);
    }
    if (rc != 0) {
        policy_caps_free(&caps);
        return rc;
    }
    *caps_out = caps;
    return 0;
}

void policy_caps_free(struct policy_caps **caps) {
    if (*caps) {
        db_finish(&(*caps)->steps);
        db_finish(&(*caps)->rows);
        base_free(*caps);
        *caps = NULL;
    }
}

int policy_caps_prepare(struct policy_caps *caps, const struct delivery_step *step, int64_t now_ms,
    struct base_err *err) {
    caps->count = 0;
    if (step->campaign->spec->class == CLASS_EMERGENCY) {
        return 0;
    }
    int64_t longest = 0;
    for (size_t i = 0; i < step->rule->cap_count; i++) {
        longest = step->rule->caps[i].period_ms > longest ? step->rule->caps[i].period_ms : longest;
    }
    if (longest == 0) {
        return 0;
    }
    db_bind_i64(caps->steps, 1, now_ms - longest);
    db_bind_i64(caps->steps, 2, step->id);
    db_bind_text(caps->steps, 3, campaign_class_word(step->campaign->spec->class));
    db_bind_text(caps->steps, 4, step->manifest->kind);
    int rc;
    while ((rc = db_step(caps->steps, err)) == 1) {
        if (caps->count < CAP_STEPS_MAX) {
            caps->counting[caps->count++] = db_column_i64(caps->steps, 0);
        }
    }
    return rc;
}

/* When the newest `cap->messages` of the hand-outs leave room for one more: 0 at once, else when
 * the oldest of them leaves the window. */
static int64_t cap_free_at(
    const struct rule_cap *cap, const int64_t *times, size_t count, int64_t now_ms) {
    int64_t inside = 0;
    for (size_t i = 0; i < count && times[i] > now_ms - cap->period_ms; i++) {
        inside++;
        if (inside == cap->messages) {
            return times[i] + cap->period_ms;
        }
    }
    return 0;
}

int policy_caps_check(struct policy_caps *caps, const struct delivery_step *step,
    int64_t contact_id, int64_t now_ms, int64_t *free_at_out, struct base_err *err) {
    int64_t times[CAP_HITS_MAX]; /* newest first */
    size_t count = 0;
    int64_t longest = 0;
    *free_at_out = 0;
    for (size_t i = 0; i < step->rule->cap_count; i++) {
        longest = step->rule->caps[i].period_ms > longest ? step->rule->caps[i].period_ms : longest;
    }
    for (size_t i = 0; i < caps->count; i++) {
        db_bind_i64(caps->rows, 1, ledger_id(caps->counting[i], contact_id, 0));
        db_bind_i64(caps->rows, 2, ledger_id(caps->counting[i], contact_id, LEDGER_GENERATION_MAX));
        db_bind_i64(caps->rows, 3, now_ms - longest);
        int rc;
        while ((rc = db_step(caps->rows, err)) == 1) {
            int64_t at = db_column_i64(caps->rows, 0);
            size_t slot = count < CAP_HITS_MAX ? count++ : CAP_HITS_MAX - 1;
            for (; slot > 0 && times[slot - 1] < at; slot--) {
                times[slot] = times[slot - 1];
            }
            times[slot] = at;
        }
        if (rc < 0) {
            return rc;
        }
    }
    for (size_t i = 0; i < step->rule->cap_count; i++) {
        int64_t at = cap_free_at(&step->rule->caps[i], times, count, now_ms);
        *free_at_out = at > *free_at_out ? at : *free_at_out;
    }
    return 0;
}
