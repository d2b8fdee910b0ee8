/* Listing and finding contacts for people: the verbs list, show and search. */
#ifndef AUDIENCE_CONTACT_QUERY_H
#define AUDIENCE_CONTACT_QUERY_H

#include "audience/contact.h"
#include "audience/segment.h"

enum contact_order {
    CONTACT_BY_ID,
    CONTACT_BY_NAME, /* base/name_order.h; after_id is 0 then */
};

struct contact_query {
    enum contact_order order;
    struct str text; /* empty: everybody. A name or part of it (accents do not matter), or a key */
    bool
        keys_only; /* text is a whole key: ref, personal ID, social-insurance code, e-mail, phone */
    const struct segment *segment; /* NULL: no condition */
    int64_t today_days;            /* for the segment */
    int64_t after_id;              /* for paging: ids above it */
    int64_t most;                  /* rows */
};

/* By name at most CONTACT_SORTED_MOST are sorted; LANTOA_ELIMIT: more fit. row returns 0 to go on;
 * another value ends the list and is returned. */
#define CONTACT_SORTED_MOST 2000000
int contact_each(struct db *db, const struct contact_query *query,
    int (*row)(void *arg, const struct contact *contact), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;
/* LANTOA_ENOENT: no such contact. row is called once. */
int contact_get(struct db *db, int64_t id, int (*row)(void *arg, const struct contact *contact),
    void *arg, struct base_err *err) LANTOA_MUST_CHECK;
/* Calls back for each custom attribute of the contact, in the stored order. */
int contact_attr_each(const struct contact *contact,
    int (*row)(void *arg, struct str name, struct str value), void *arg) LANTOA_MUST_CHECK;

/* The known custom attributes, by name, with the heading they came from. */
int contact_attribute_each(struct db *db,
    int (*row)(void *arg, struct str name, struct str heading), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
