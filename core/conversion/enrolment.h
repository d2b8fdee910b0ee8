/* Enrolments: what the registry's files say of people, matched to our contacts. The recorded facts;
 * credit and effect are counted elsewhere.
 *
 * One row per event, in the table enrolment. The identifiers of the file are kept as keyed hashes
 * only: the first 63 bits of HMAC-SHA-256 under the folder's key (meta instance_key).
 *
 * State: new, returned and renewed mean enrolled; lapsed, to_compulsory, pensioned, lump_sum_exit
 * and died mean not; moved changes nothing. The newest event by its date counts, whenever it came
 * in. The state stands in contact.enrolled_on and enrolled_at, so the word `enrolled` of audience
 * expressions, and the check before each message, read it; what the contact's own record said
 * before is kept and comes back when the events are taken back. Who died has contact.died_on and
 * gets no message any more (reason `died`), unless a payment of a later day shows a mistake.
 *
 * All functions: one thread, one connection, no transaction open. */
#ifndef CONVERSION_ENROLMENT_H
#define CONVERSION_ENROLMENT_H

#include "audience/csv.h"
#include "store/db.h"

/* X(name, enrolled after it: 1 yes, 0 no, -1 as before, Vietnamese and other words, folded) */
#define ENROLMENT_EVENTS(X)                                                                        \
    X(new, 1, "moi|tham gia moi|tang moi|dang ky moi")                                             \
    X(returned, 1, "quay lai|tham gia lai|tang lai|return")                                        \
    X(renewed, 1, "gia han|dong tiep|tai tuc|renew")                                               \
    X(lapsed, 0, "dung dong|tam dung|tam dung dong|ngung dong|lapse")                              \
    X(to_compulsory, 0, "chuyen bat buoc|chuyen sang bat buoc|chuyen sang bhxh bat buoc")          \
    X(pensioned, 0, "huong luong huu|nghi huu|huu tri|pension")                                    \
    X(lump_sum_exit, 0, "huong mot lan|rut mot lan|bhxh mot lan|huong bhxh mot lan|lump sum")      \
    X(died, 0, "chet|tu vong|qua doi|death")                                                       \
    X(moved, -1, "chuyen di|chuyen dia ban|chuyen noi o|chuyen noi tham gia|move")
enum enrolment_event {
#define ENROLMENT__EVENT(name, enrolled, words) ENROLMENT_##name,
    ENROLMENT_EVENTS(ENROLMENT__EVENT)
#undef ENROLMENT__EVENT
        ENROLMENT_EVENT_COUNT
};
const char *enrolment_event_word(enum enrolment_event event);
/* -1: no such event. Takes the Vietnamese words too. */
int enrolment_event_find(struct str text);

/* --- import --- */

struct enrolment_outcome {
    struct audience_import_outcome import;
    int64_t matched, review, unmatched; /* of the rows added */
    int64_t duplicates; /* rows whose event stands twice in this file; those of an earlier file are
                           import.unchanged */
    int64_t corrected;  /* events of an earlier file whose income, months, method, group, place or
                           day of registration this file gives otherwise: the row has the new ones */
    int64_t late;       /* rows added with a date before the newest event we had */
};

/* Columns (CSV or XLSX): person_id (12 digits, or the old 10), event, event_date, registered_date,
 * place_code, income, months, method, group; perhaps si_code, phone, name, birth_date,
 * from_place_code (moved), sponsor (of a gift book). Needed: event, event_date, and an identifier
 * or a name. Dates as 2026-12-31, dd/mm/yyyy, or real ones of a workbook.
 *
 * A row is refused, with line, field and reason, when nobody can tell who, what or when: no
 * identifier, unknown event, a date that is none, lies in the future, or has day and month swapped.
 * Other bad values are left out and told as "kept". The same event of a person on the same day is
 * one; the same file again changes nothing.
 *
 * Who it is: 12-digit ID, old code, phone (the only contact with it whose name does not
 * contradict), then folded name, birth date and place. Several that fit: the row waits in the
 * review list. */
int enrolment_import(struct db *db, const struct audience_import *import,
    struct enrolment_outcome *outcome_out, struct base_err *err) LANTOA_MUST_CHECK;

struct enrolment_undo_outcome {
    int64_t deleted;  /* events */
    int64_t contacts; /* whose state was reckoned anew */
};
/* Takes an import back: its events go, the people's states are those without them. LANTOA_ENOENT,
 * LANTOA_ESTATE (undone already). */
int enrolment_undo(struct db *db, int64_t batch_id, struct enrolment_undo_outcome *outcome_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* Looks for the people of events that nobody matched so far: after contacts have come in. Also
 * reckons the state of all matched people anew. *matched_out: events settled. */
int enrolment_rematch(struct db *db, int64_t *matched_out, int64_t *review_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* --- profiles: --map and --set kept under a name --- */

int enrolment_profile_save(struct db *db, const char *name, const struct audience_import *import,
    struct base_err *err) LANTOA_MUST_CHECK;
/* *map_out and *set_out: lists of texts, caller frees each text and the list (base_free).
 * LANTOA_ENOENT. */
int enrolment_profile_load(struct db *db, const char *name, char ***map_out, size_t *map_count_out,
    char ***set_out, size_t *set_count_out, struct base_err *err) LANTOA_MUST_CHECK;

/* --- reading --- */

struct enrolment_row {
    int64_t id, batch_id, line, contact_id, place_id, from_place_id, imported_at;
    struct str event, event_date, registered_date, method, group, sponsor, matched_by;
    int64_t income, months; /* 0: not given */
    int review;             /* 0 none, 1 waits for a person, 2 none of ours */
    struct str candidates;  /* review 1: ids of the contacts that fit, with blanks between */
};
struct enrolment_query {
    const char *from, *to;  /* event_date, both included; NULL: no limit */
    int64_t contact_id;     /* 0: any */
    bool review_only;       /* those that wait for a person */
    bool gifts_only;        /* those with a sponsor */
    int64_t after_id, most; /* paging; most 0: all */
};
/* In the order of ids. row returns 0 to go on; another value ends the list and is returned. Texts
 * BORROWED for the call. */
int enrolment_each(struct db *db, const struct enrolment_query *query,
    int (*row)(void *arg, const struct enrolment_row *row), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;

/* How many events of each place were matched to a contact; place 0: rows without one. */
struct enrolment_match_row {
    int64_t place_id;
    struct str place;
    int64_t events, matched, review;
};
int enrolment_match_each(struct db *db, const char *from, const char *to,
    int (*row)(void *arg, const struct enrolment_match_row *row), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;

/* A person settles an event of the review list: it is this contact's (matched by hand), or none of
 * ours (contact_id 0). LANTOA_ENOENT, LANTOA_ESTATE (settled already). */
int enrolment_settle(struct db *db, int64_t id, int64_t contact_id, const char *who,
    struct base_err *err) LANTOA_MUST_CHECK;

/* --- payments due --- */

struct enrolment_due_row {
    int64_t contact_id, place_id;
    struct str paid_to, due_on, method;
};
/* People whose next payment is due within the days, earliest first. */
int enrolment_due_each(struct db *db, const char *from, const char *to,
    int (*row)(void *arg, const struct enrolment_due_row *row), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
