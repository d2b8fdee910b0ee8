/* Reads the registry's files: rows checked, people found, events kept once. */
#include "conversion/enrolment_private.h"

#include "audience/contact.h"
#include "audience/import_run.h"
#include "audience/person.h"
#include "audience/place.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/text.h"
#include "base/tr.h"

enum field {
    FIELD_PERSON,
    FIELD_SI,
    FIELD_PHONE,
    FIELD_NAME,
    FIELD_BIRTH,
    FIELD_EVENT,
    FIELD_DATE,
    FIELD_REGISTERED,
    FIELD_PLACE,
    FIELD_FROM_PLACE,
    FIELD_INCOME,
    FIELD_MONTHS,
    FIELD_METHOD,
    FIELD_GROUP,
    FIELD_SPONSOR,
    FIELDS
};

static const struct audience__field fields[FIELDS] = {
    [FIELD_PERSON] = {"person_id", "cccd|so cccd|so dinh danh|so dinh danh ca nhan|personal id|"
                                   "ma so bhxh|id"},
    [FIELD_SI] = {"si_code", "ma so bhxh cu|so so bhxh"},
    [FIELD_PHONE] = {"phone", "so dien thoai|dien thoai|sdt|di dong|mobile"},
    [FIELD_NAME] = {"name", "ho ten|ho va ten|full name"},
    [FIELD_BIRTH] = {"birth_date", "ngay sinh|nam sinh|date of birth"},
    [FIELD_EVENT] = {"event", "su kien|loai|bien dong|loai bien dong|status|trang thai"},
    [FIELD_DATE] = {"event_date", "ngay su kien|ngay bien dong|ngay|date"},
    [FIELD_REGISTERED] = {"registered_date", "ngay dang ky|ngay ghi nhan|ngay lap"},
    [FIELD_PLACE] = {"place_code", "ma dia ban|ma xa|ma don vi|place"},
    [FIELD_FROM_PLACE] = {"from_place_code", "ma xa cu|ma dia ban cu|noi di"},
    [FIELD_INCOME] = {"income", "muc thu nhap|thu nhap|muc dong"},
    [FIELD_MONTHS] = {"months", "so thang"},
    [FIELD_METHOD] = {"method", "phuong thuc|phuong thuc dong"},
    [FIELD_GROUP] = {"group", "nhom|nhom ho tro|doi tuong|support_group"},
    [FIELD_SPONSOR] = {"sponsor", "nguoi tang|don vi tang|nha tai tro"},
};
static const struct audience__column_spec spec = {.fields = fields, .field_count = FIELDS};

/* Places by code and day, remembered: the same few hundred come again and again. */
struct place_answer {
    char question[48];
    int64_t id; /* 0: there is none */
};
enum { PLACE_SLOTS = 4096 };

struct importing {
    struct audience__run run;
    struct enrolment_outcome *outcome;
    struct enrolment__hasher hasher;
    struct enrolment__matcher *matcher;
    struct enrolment__state *state;
    struct contribution_tables *tables;
    struct db_stmt *insert, *known, *newest, *same_contact;
    struct enrolment__corrector *corrector;
    struct place_answer *places;
    char newest_date[BASE_DATE_MAX]; /* of the events before this import */
    struct base_buf name_key, groups;
    char candidates[24 * ENROLMENT__CANDIDATES_MOST + 16]; /* of the row being bound */
};

/* One row in normal form. */
struct parsed {
    char person_id[13], si_code[11], phone[20], birth_date[BASE_DATE_MAX];
    char event_date[BASE_DATE_MAX], registered[BASE_DATE_MAX], method[CONTRIBUTION_METHOD_MAX];
    int event;
    int64_t event_day, place_id, from_place_id, income, months;
    struct str sponsor;
    bool faults; /* a value was left out */
};

static struct str value_of(
    const struct importing *i, const struct audience_csv_row *row, enum field field) {
    return audience__columns_value(i->run.columns, row, field);
}

static void fault(struct importing *i, const struct audience_csv_row *row, enum field field,
    const char *reason, bool kept) {
    audience__run_fault(&i->run, row->line,
        audience__columns_heading(i->run.columns, i->run.csv, &spec, field),
        value_of(i, row, field), reason, kept);
}

static int refuse(
    struct importing *i, const struct audience_csv_row *row, enum field field, const char *reason) {
    fault(i, row, field, reason, false);
    i->outcome->import.rejected++;
    return 1;
}

static void leave_out(struct importing *i, const struct audience_csv_row *row, enum field field,
    const char *reason, struct parsed *p) {
    fault(i, row, field, reason, true);
    p->faults = true;
}

/* --- dates --- */

/* The day before a time, dots and hyphens between day, month and year as slashes. */
static int read_date(struct str text, struct base_date *date_out) {
    char copy[16];
    size_t count = 0;
    while (count < text.bytes && text.at[count] != ' ' && text.at[count] != 'T') {
        count++;
    }
    if (count < 6 || count >= sizeof copy) {
        return LANTOA_EINVAL;
    }
    memcpy(copy, text.at, count);
    bool day_first = !(copy[2] >= '0' && copy[2] <= '9') || !(copy[1] >= '0' && copy[1] <= '9');
    for (size_t k = 0; day_first && k < count; k++) {
        copy[k] = copy[k] == '.' || copy[k] == '-' ? '/' : copy[k];
    }
    return base_parse_date(str_of(copy, count), date_out);
}

/* 12/31/2026 means a day when the first two numbers change places. */
static bool is_swapped(struct str text, int64_t today, struct base_date *date_out) {
    struct str rest = text;
    struct str first = str_cut(&rest, '/'), second = str_cut(&rest, '/');
    char copy[24];
    int bytes =
        snprintf(copy, sizeof copy, "%.*s/%.*s/%.*s", (int)(second.bytes < 4 ? second.bytes : 4),
            second.at, (int)(first.bytes < 4 ? first.bytes : 4), first.at,
            (int)(rest.bytes < 4 ? rest.bytes : 4), rest.at);
    return bytes > 0 && rest.bytes >= 4 &&
           base_parse_date(str_of(copy, (size_t)bytes), date_out) == 0 &&
           base_days_from_date(*date_out) <= today;
}

/* NULL and *day_out, or why not. */
static const char *past_date(
    struct str text, int64_t today, int64_t *day_out, char reason[static 200]) {
    struct base_date date, other;
    char shown[BASE_DATE_MAX];
    enum { OLDEST_YEAR = 1995 }; /* compulsory insurance as we know it; voluntary since 2008 */
    if (text.bytes == 0) {
        return TR("a date is needed");
    }
    bool valid = read_date(text, &date) == 0;
    if (valid && date.year >= OLDEST_YEAR && base_days_from_date(date) <= today) {
        *day_out = base_days_from_date(date);
        return NULL;
    }
    if (is_swapped(text, today, &other)) {
        base_format_date(other, shown);
        snprintf(reason, 200,
            valid ? TR("lies in the future; day and month seem swapped: %s?")
                  : TR("day and month seem swapped: %s? Write the day first"),
            shown);
        return reason;
    }
    if (!valid) {
        return TR("not a date (write it as 2026-12-31 or 31/12/2026)");
    }
    return date.year < OLDEST_YEAR ? TR("lies before 1995") : TR("lies in the future");
}

/* --- identifiers --- */

/* A column of IDs may hold old and new ones side by side. */
static void read_person_id(
    struct importing *i, const struct audience_csv_row *row, struct parsed *p) {
    struct str text = value_of(i, row, FIELD_PERSON), si = value_of(i, row, FIELD_SI);
    struct base_err why = {0};
    if (text.bytes && audience__person_id(text, p->person_id, &why) != 0) {
        p->person_id[0] = '\0';
        if (audience__si_code(text, p->si_code, NULL) != 0) {
            p->si_code[0] = '\0';
            leave_out(i, row, FIELD_PERSON,
                TR("neither a personal ID of 12 digits nor an old code of 10"), p);
        }
    }
    if (si.bytes && !p->si_code[0] && audience__si_code(si, p->si_code, &why) != 0) {
        p->si_code[0] = '\0';
        leave_out(i, row, FIELD_SI, TR("not a social-insurance code of 10 digits"), p);
    }
}

static void read_name(struct importing *i, const struct audience_csv_row *row, struct parsed *p) {
    struct str phone = value_of(i, row, FIELD_PHONE), name = value_of(i, row, FIELD_NAME);
    struct str birth = value_of(i, row, FIELD_BIRTH);
    struct base_err why = {0};
    base_buf_clear(&i->name_key);
    if (phone.bytes && contact_phone(phone, p->phone, &why) != 0) {
        p->phone[0] = '\0';
        leave_out(i, row, FIELD_PHONE, why.text, p);
    }
    if (name.bytes && base_text_key(&i->name_key, name) != 0) {
        base_buf_clear(&i->name_key);
    }
    if (birth.bytes &&
        audience__birth_date(birth, i->run.options->today_days, p->birth_date, &why) != 0) {
        p->birth_date[0] = '\0';
        leave_out(i, row, FIELD_BIRTH, why.text, p);
    }
}

/* --- places --- */

static int ask_place(
    struct importing *i, struct str code, int64_t day, int64_t *id_out, struct base_err *err) {
    struct base_err why = {0};
    int rc = place_by_code(i->run.db, code, NULL, day, id_out, &why);
    if (rc == LANTOA_ENOENT) { /* old events are often given under the codes of today */
        rc = place_by_code(i->run.db, code, NULL, i->run.options->today_days, id_out, &why);
    }
    if (rc == LANTOA_ENOENT) {
        *id_out = 0;
        return 0;
    }
    return rc ? base_err_set(err, rc, "%s", why.text) : 0;
}

static int find_place(struct importing *i, const struct audience_csv_row *row, enum field field,
    struct parsed *p, int64_t *id_out, struct base_err *err) {
    struct str code = value_of(i, row, field);
    char question[48];
    *id_out = 0;
    if (code.bytes == 0) {
        return 0;
    }
    int bytes = snprintf(question, sizeof question, "%.*s@%lld",
        (int)(code.bytes < 24 ? code.bytes : 24), code.at, (long long)p->event_day);
    struct place_answer *slot = &i->places[base_hash64(question, (size_t)bytes) % PLACE_SLOTS];
    if (strcmp(slot->question, question) != 0) {
        int rc = ask_place(i, code, p->event_day, &slot->id, err);
        if (rc) {
            return rc;
        }
        snprintf(slot->question, sizeof slot->question, "%s", question);
    }
    *id_out = slot->id;
    if (slot->id == 0) {
        leave_out(i, row, field, TR("no place has this code, then or now"), p);
    }
    return 0;
}

/* --- the other columns --- */

static void read_amounts(
    struct importing *i, const struct audience_csv_row *row, struct parsed *p) {
    struct str income = value_of(i, row, FIELD_INCOME), months = value_of(i, row, FIELD_MONTHS);
    struct str method = value_of(i, row, FIELD_METHOD), group = value_of(i, row, FIELD_GROUP);
    struct contribution_method parsed;
    struct base_err why = {0};
    uint32_t groups = 0;
    if (income.bytes && (base_parse_i64(income, &p->income) != 0 || p->income < 0 ||
                            p->income > INT64_C(1000000000))) {
        p->income = 0;
        leave_out(i, row, FIELD_INCOME, TR("not an amount in dong"), p);
    }
    if (months.bytes &&
        (base_parse_i64(months, &p->months) != 0 || p->months < 0 || p->months > 120)) {
        p->months = 0;
        leave_out(i, row, FIELD_MONTHS, TR("not a number of months"), p);
    }
    if (method.bytes && contribution_method_parse(method, &parsed, &why) == 0) {
        contribution_method_word(parsed, p->method);
    } else if (method.bytes) {
        leave_out(i, row, FIELD_METHOD, why.text, p);
    }
    base_buf_clear(&i->groups);
    if (group.bytes && contribution_groups(i->tables, group, &groups, &why) != 0) {
        leave_out(i, row, FIELD_GROUP, why.text, p);
        groups = 0;
    }
    for (size_t g = 0; g < contribution_group_count(i->tables); g++) {
        if (groups >> g & 1) {
            base_buf_printf(&i->groups, "%s%s", i->groups.bytes ? ";" : "",
                contribution_group_name(i->tables, g));
        }
    }
    p->sponsor = value_of(i, row, FIELD_SPONSOR);
}

/* 0: fine; 1: refused; negative: failed. */
static int read_row(struct importing *i, const struct audience_csv_row *row, struct parsed *p,
    struct base_err *err) {
    char reason[200];
    int64_t day = 0;
    if (row->fault) {
        return refuse(i, row, FIELD_PERSON, row->fault);
    }
    p->event = enrolment_event_find(value_of(i, row, FIELD_EVENT));
    if (p->event < 0) {
        return refuse(i, row, FIELD_EVENT,
            TR("unknown event: new, returned, renewed, lapsed, to_compulsory, pensioned, "
               "lump_sum_exit, died or moved"));
    }
    const char *why =
        past_date(value_of(i, row, FIELD_DATE), i->run.options->today_days, &day, reason);
    if (why) {
        return refuse(i, row, FIELD_DATE, why);
    }
    p->event_day = day;
    base_format_date(base_date_from_days(day), p->event_date);
    if (value_of(i, row, FIELD_REGISTERED).bytes) {
        why =
            past_date(value_of(i, row, FIELD_REGISTERED), i->run.options->today_days, &day, reason);
        if (why) {
            leave_out(i, row, FIELD_REGISTERED, why, p);
        } else {
            base_format_date(base_date_from_days(day), p->registered);
        }
    }
    read_person_id(i, row, p);
    read_name(i, row, p);
    if (!p->person_id[0] && !p->si_code[0] && !p->phone[0] && i->name_key.bytes == 0) {
        return refuse(i, row, FIELD_PERSON, TR("nobody can tell who: no identifier and no name"));
    }
    int rc = find_place(i, row, FIELD_PLACE, p, &p->place_id, err);
    rc = rc ? rc : find_place(i, row, FIELD_FROM_PLACE, p, &p->from_place_id, err);
    read_amounts(i, row, p);
    return rc;
}

/* --- keeping --- */

struct hashes {
    int64_t person, si, phone, name, fingerprint;
};

static struct hashes hash_row(const struct importing *i, const struct parsed *p) {
    struct hashes h = {0};
    char text[1200];
    struct str name = base_buf_str(&i->name_key);
    if (p->person_id[0]) {
        h.person = enrolment__hash(&i->hasher, "person_id", str_from(p->person_id));
    }
    if (p->si_code[0]) {
        h.si = enrolment__hash(&i->hasher, "si_code", str_from(p->si_code));
    }
    if (p->phone[0]) {
        /* With the name, for households share phones. */
        snprintf(text, sizeof text, "%s%s%.*s", p->phone, name.bytes ? "|" : "",
            (int)(name.bytes < 1000 ? name.bytes : 1000), name.at ? name.at : "");
        h.phone = enrolment__hash(&i->hasher, "phone", str_from(text));
    }
    if (name.bytes && p->birth_date[0]) {
        snprintf(text, sizeof text, "%.*s|%s", (int)(name.bytes < 1000 ? name.bytes : 1000),
            name.at, p->birth_date);
        h.name = enrolment__hash(&i->hasher, "name", str_from(text));
    }
    int64_t who = h.person ? h.person : h.si;
    if (who) {
        snprintf(text, sizeof text, "%lld|%d|%s", (long long)who, p->event, p->event_date);
    } else {
        snprintf(text, sizeof text, "%s|%.*s|%s|%lld|%d|%s", p->phone,
            (int)(name.bytes < 1000 ? name.bytes : 1000), name.at ? name.at : "", p->birth_date,
            (long long)p->place_id, p->event, p->event_date);
    }
    h.fingerprint = enrolment__hash(&i->hasher, "event", str_from(text));
    return h;
}

static void bind_hash(struct db_stmt *stmt, int index, int64_t hash) {
    if (hash) {
        db_bind_i64(stmt, index, hash);
    } else {
        db_bind_null(stmt, index);
    }
}

static void bind_row(struct importing *i, const struct audience_csv_row *row,
    const struct parsed *p, const struct hashes *h, const struct enrolment__match *match) {
    struct db_stmt *s = i->insert;
    bool review = match->contact_id == 0 && match->count > 0;
    size_t at = 0;
    for (size_t k = 0; review && k < match->count; k++) {
        at += (size_t)snprintf(i->candidates + at, sizeof i->candidates - at, "%s%lld",
            k ? " " : "", (long long)match->candidates[k]);
    }
    db_bind_i64(s, 1, i->run.batch_id);
    db_bind_i64(s, 2, row->line);
    db_bind_text(s, 3, enrolment_event_word((enum enrolment_event)p->event));
    db_bind_text(s, 4, p->event_date);
    db_bind_text(s, 5, p->registered[0] ? p->registered : NULL);
    db_bind_i64(s, 6, i->run.now_ms);
    bind_hash(s, 7, p->place_id);
    bind_hash(s, 8, p->from_place_id);
    bind_hash(s, 9, p->income);
    bind_hash(s, 10, p->months);
    db_bind_text(s, 11, p->method[0] ? p->method : NULL);
    db_bind_str(s, 12, i->groups.bytes ? base_buf_str(&i->groups) : (struct str){0});
    db_bind_str(s, 13, p->sponsor.bytes ? p->sponsor : (struct str){0});
    bind_hash(s, 14, match->contact_id);
    db_bind_text(s, 15, review ? i->candidates : match->by);
    db_bind_i64(s, 16, review);
    bind_hash(s, 17, h->person);
    bind_hash(s, 18, h->si);
    bind_hash(s, 19, h->phone);
    bind_hash(s, 20, h->name);
    db_bind_i64(s, 21, h->fingerprint);
}

/* The event is there already: in this file, or from an earlier one. */
static void count_known(
    struct importing *i, const struct audience_csv_row *row, int64_t batch_id, int64_t line) {
    char reason[160];
    if (batch_id == i->run.batch_id) {
        snprintf(reason, sizeof reason, TR("the same event of the same person stands in line %lld"),
            (long long)line);
        fault(i, row, FIELD_EVENT, reason, false);
        i->outcome->duplicates++;
    }
}

static int correct(struct importing *i, const struct parsed *p, int64_t id, int64_t contact_id,
    struct base_err *err) {
    const struct enrolment__correction values = {.enrolment_id = id,
        .batch_id = i->run.batch_id,
        .registered_date = str_from(p->registered),
        .method = str_from(p->method),
        .groups = base_buf_str(&i->groups),
        .place_id = p->place_id,
        .income = p->income,
        .months = p->months};
    bool changed = false;
    int rc = enrolment__correct(i->corrector, &values, &changed, err);
    i->outcome->corrected += changed;
    i->outcome->import.unchanged += rc == 0 && !changed;
    return rc == 0 && changed && contact_id ? enrolment__state_refresh(i->state, contact_id, err)
                                            : rc;
}

static int is_known(struct importing *i, const struct audience_csv_row *row, const struct hashes *h,
    const struct enrolment__match *match, const struct parsed *p, bool *known_out,
    struct base_err *err) {
    struct db_stmt *stmts[] = {i->known, match->contact_id ? i->same_contact : NULL};
    int64_t earlier = 0, contact_id = 0;
    *known_out = false;
    db_bind_i64(i->known, 1, h->fingerprint);
    db_bind_i64(i->same_contact, 1, match->contact_id);
    db_bind_text(i->same_contact, 2, enrolment_event_word((enum enrolment_event)p->event));
    db_bind_text(i->same_contact, 3, p->event_date);
    for (size_t k = 0; k < 2 && stmts[k] && !*known_out; k++) {
        int rc = db_step(stmts[k], err);
        if (rc == 1) {
            *known_out = true;
            bool here = db_column_i64(stmts[k], 0) == i->run.batch_id;
            count_known(i, row, db_column_i64(stmts[k], 0), db_column_i64(stmts[k], 1));
            earlier = here ? 0 : db_column_i64(stmts[k], 2);
            contact_id = db_column_i64(stmts[k], 3);
        }
        db_reset(stmts[k]);
        if (rc < 0) {
            return rc;
        }
    }
    return earlier ? correct(i, p, earlier, contact_id, err) : 0;
}

static void count_added(
    struct importing *i, const struct parsed *p, const struct enrolment__match *match) {
    i->outcome->import.added++;
    i->outcome->import.kept_with_faults += p->faults;
    i->outcome->matched += match->contact_id != 0;
    i->outcome->review += match->contact_id == 0 && match->count > 0;
    i->outcome->unmatched += match->count == 0;
    i->outcome->late += strcmp(p->event_date, i->newest_date) < 0;
}

static int take_row(struct importing *i, const struct audience_csv_row *row, struct base_err *err) {
    struct parsed p = {0};
    struct enrolment__match match;
    bool known = false;
    i->outcome->import.rows++;
    i->run.position = audience_csv_position(i->run.csv);
    int rc = read_row(i, row, &p, err);
    if (rc) {
        return rc < 0 ? rc : 0;
    }
    struct hashes h = hash_row(i, &p);
    const struct enrolment__person person = {str_from(p.person_id), str_from(p.si_code),
        str_from(p.phone), base_buf_str(&i->name_key), str_from(p.birth_date), p.place_id};
    rc = enrolment__match(i->matcher, &person, &match, err);
    rc = rc ? rc : is_known(i, row, &h, &match, &p, &known, err);
    if (rc || known) {
        return rc;
    }
    bind_row(i, row, &p, &h, &match);
    rc = db_run(i->insert, err);
    if (rc == 0) {
        count_added(i, &p, &match);
    }
    return rc == 0 && match.contact_id ? enrolment__state_refresh(i->state, match.contact_id, err)
                                       : rc;
}

/* --- the whole --- */

static int prepare(struct importing *i, struct base_err *err) {
    struct db *db = i->run.db;
    int rc = db_prepare(db,
        "INSERT INTO enrolment (batch_id, line, event, event_date, registered_date, imported_at, "
        "place_id, from_place_id, income, months, method, support_group, sponsor, contact_id, "
        "matched_by, review, person_hash, si_hash, phone_hash, name_hash, fingerprint) VALUES "
        "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, "
        "?20, ?21)",
        &i->insert, err);
    rc = rc ? rc
            : db_prepare(db,
                  "SELECT batch_id, line, id, contact_id FROM enrolment WHERE fingerprint = ?1",
                  &i->known, err);
    rc = rc ? rc
            : db_prepare(db,
                  "SELECT batch_id, line, id, contact_id FROM enrolment WHERE contact_id = ?1 AND "
                  "event = ?2 AND "
                  "event_date = ?3 LIMIT 1",
                  &i->same_contact, err);
    rc = rc ? rc : enrolment__corrector_new(db, &i->corrector, err);
    rc =
        rc ? rc
           : db_prepare(db, "SELECT COALESCE(MAX(event_date), '') FROM enrolment", &i->newest, err);
    if (rc == 0 && (rc = db_step(i->newest, err)) == 1) {
        snprintf(
            i->newest_date, sizeof i->newest_date, "%.*s", STR_ARG(db_column_str(i->newest, 0)));
        db_reset(i->newest);
        rc = 0;
    }
    rc = rc ? rc : enrolment__hasher_init(&i->hasher, db, err);
    rc = rc ? rc : enrolment__matcher_new(db, &i->matcher, err);
    rc = rc ? rc : contribution_load(db, &i->tables, err);
    return rc ? rc : enrolment__state_new(db, i->run.now_ms, &i->state, err);
}

static void release(struct importing *i) {
    db_finish(&i->insert);
    db_finish(&i->known);
    db_finish(&i->same_contact);
    enrolment__corrector_free(&i->corrector);
    db_finish(&i->newest);
    enrolment__matcher_free(&i->matcher);
    enrolment__state_free(&i->state);
    enrolment__hasher_release(&i->hasher);
    contribution_free(&i->tables);
}

int enrolment_import(struct db *db, const struct audience_import *options,
    struct enrolment_outcome *outcome_out, struct base_err *err) {
    static const int needed_who[] = {FIELD_PERSON, FIELD_SI, FIELD_PHONE, FIELD_NAME, -1};
    static const int needed_event[] = {FIELD_EVENT, -1};
    static const int needed_date[] = {FIELD_DATE, -1};
    struct importing import = {.outcome = outcome_out};
    *outcome_out = (struct enrolment_outcome){0};
    int rc = audience__run_open(&import.run, db, options, &spec, &outcome_out->import, err);
    if (rc) {
        return rc;
    }
    import.places = base_alloc_array(PLACE_SLOTS, sizeof *import.places);
    base_buf_init(&import.name_key, 1 << 18);
    base_buf_init(&import.groups, 4096);
    rc = audience__run_needs(&import.run, needed_who, err);
    rc = rc ? rc : audience__run_needs(&import.run, needed_event, err);
    rc = rc ? rc : audience__run_needs(&import.run, needed_date, err);
    rc = rc ? rc : audience__run_start(&import.run, "enrolment", err);
    rc = rc ? rc : prepare(&import, err);
    struct audience_csv_row row;
    while (rc == 0 && (rc = audience_csv_next(import.run.csv, &row, err)) == 1) {
        bool committed = false;
        rc = take_row(&import, &row, err);
        rc = rc ? rc : audience__run_row(&import.run, &committed, err);
    }
    release(&import);
    rc = audience__run_end(&import.run, rc, err);
    base_buf_release(&import.name_key);
    base_buf_release(&import.groups);
    base_free(import.places);
    return rc;
}
