/* Contacts: people, their addresses and custom attributes; import, update, undo. Addresses are
 * checked and normalised here and nowhere else. */
#ifndef AUDIENCE_CONTACT_H
#define AUDIENCE_CONTACT_H

#include "audience/csv.h"
#include "base/buf.h"
#include "store/db.h"

/* Imports a CSV file of people.
 *
 * Built-in fields (columns of the table): ref person_id si_code name email phone lang birth_date
 * sex household place place_in place_code enrolled (yes/no or a date) consent (yes/no: for
 * advertising, by every channel). place is a name or code@day as place_find takes it; place_in the
 * district or province beside it; places that stand no longer are taken when none of that name
 * stands today. Every other column becomes a custom attribute [a-z][a-z0-9_]* made from its heading
 * ("Nghề nghiệp" -> nghe_nghiep; a word of the segment language gets a '_' behind). Usual
 * Vietnamese and English headings map to the fields by themselves (họ tên, số điện thoại, ngày
 * sinh, id, ...); --map a=b overrides; --map a= drops the column.
 *
 * The same person: person_id, si_code, ref, then email, then phone. A match by a key of the first
 * three always holds. A match by email or phone holds unless the two records contradict each other:
 * different person_id, si_code or ref, different birth_date, or (phone only: households share
 * phones) different names once accents are folded. A match updates: values that the file gives
 * replace, empty ones leave. Two keys of one row that point at two different contacts, an email or
 * phone that several people fit alike, and a row without any key and address: rejected rows.
 *
 * Invalid phones and emails are kept in attribute phone_invalid / email_invalid, marked in the
 * rejects file, and never sent to. Other bad values are left out and marked likewise.
 *
 * Whole transactions of some ten thousand rows are committed; the program may be killed at any
 * time: the same file again updates and doubles nobody, and contact_undo takes back the half. A dry
 * run checks everything, duplicates inside the file included, and gives the numbers of the real
 * run; a large one works on a temporary copy of the contacts, so that no writer has to wait. */
int contact_import(struct db *db, const struct audience_import *import,
    struct audience_import_outcome *outcome_out, struct base_err *err) LANTOA_MUST_CHECK;

struct contact_undo_outcome {
    int64_t deleted, restored;
    int64_t kept; /* added by the batch but already in the ledger of a campaign, or changed again
                     later: left as they are */
};
/* Deletes what the batch added and puts back what it changed; contacts already in the ledger or
 * changed again later stay. In several transactions: cut short, it can be repeated. LANTOA_ENOENT,
 * LANTOA_ESTATE (undone already). */
int contact_undo(struct db *db, int64_t batch_id, struct contact_undo_outcome *outcome_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* Vietnamese numbers to E.164 ("0912 345 678", "84912345678", "+84 912.345.678", "912345678" ->
 * "+84912345678"); foreign ones only with '+'. Old 11-digit mobile prefixes (0169..) are refused
 * with the new prefix named. LANTOA_EINVAL with a reason in err. Source: domain facts 1.3, decision
 * 798/QD-BTTTT for the old prefixes. */
int contact_phone(struct str text, char out[static 20], struct base_err *err) LANTOA_MUST_CHECK;
/* RFC 5321 mailbox syntax as used in practice (no quoted local parts, no address literals, at most
 * 254 bytes, domain with a dot, A-labels or UTF-8); domain lower-cased. */
int contact_email(struct str text, struct base_buf *out, struct base_err *err) LANTOA_MUST_CHECK;

/* One contact as rendering and delivery need it; filled by contact_read from the columns
 * CONTACT_COLUMNS of a SELECT, in that order, starting at `first`. Texts are BORROWED from the
 * statement until its next step. */
#define CONTACT_COLUMNS                                                                            \
    "c.id, c.ref, c.person_id, c.name, c.email, c.phone, c.lang, c.birth_date, c.sex, "            \
    "c.household, "                                                                                \
    "c.place_id, c.enrolled_on, c.enrolled_at, c.attrs, c.died_on"
#define CONTACT_COLUMN_COUNT 15
/* SQL: the contact has this email address, whatever its case. Both sides are found by an index:
 * contact_email, and contact_email_mixed for the few with capital letters. */
#define CONTACT_HAS_EMAIL(contact, email)                                                          \
    "(" contact ".email = lower(" email ") OR (lower(" contact ".email) = lower(" email            \
    ") AND " contact ".email <> lower(" contact ".email)))"
struct contact {
    int64_t id;
    struct str ref, person_id, name, email, phone, lang, birth_date, sex, household;
    int64_t place_id; /* 0: none */
    struct str enrolled_on;
    int64_t enrolled_at; /* 0: not enrolled */
    struct str attrs;    /* JSON object or empty */
    struct str died_on;  /* by the registry; empty: not known to have died */
};
void contact_read(struct db_stmt *stmt, int first, struct contact *contact_out);
/* Finds a custom attribute in the flat JSON object that the import wrote; unescapes into scratch
 * when needed. false: absent. Fast: no allocation. */
bool contact_attr(const struct contact *contact, struct str name, struct base_buf *scratch,
    struct str *value_out);
/* All attributes of one contact at hand, for who asks for many: the object is scanned once. */
#define CONTACT_ATTRS_AT_HAND 32
struct contact_attrs {
    struct str names[CONTACT_ATTRS_AT_HAND], values[CONTACT_ATTRS_AT_HAND]; /* as in the object */
    size_t count;
    struct str json;
    size_t rest; /* in json: what found no room is looked for from here */
};
void contact_attrs_scan(const struct contact *contact, struct contact_attrs *attrs_out);
/* As contact_attr. *place says where the name stood in the contact before, which is mostly where it
 * stands again (any number will do at first), and is set to where it stands now. */
bool contact_attrs_find(const struct contact_attrs *attrs, int *place, struct str name,
    struct base_buf *scratch, struct str *value_out);
/* true if the name is a built-in field or a known custom attribute of this database. */
int contact_attribute_known(
    struct db *db, struct str name, bool *known_out, struct base_err *err) LANTOA_MUST_CHECK;

#endif
