/* The inbox: what people said back and what staff did with it. Every act is audited. */
#ifndef TRACKING_INBOX_H
#define TRACKING_INBOX_H

#include "store/db.h"

enum inbox_state { INBOX_OPEN = 0, INBOX_ANSWERED, INBOX_CLOSED }; /* numbers in the database */
const char *inbox_state_word(enum inbox_state state);

#define INBOX_NAME_CHARS_MAX 100

struct inbox_new {                                     /* texts BORROWED */
    int64_t id;                                        /* set by inbox_add */
    int64_t at_ms, channel_id, contact_id, message_id; /* the last two 0: not known */
    const char *address, *kind, *act, *text;
    enum inbox_state state;
};
/* Inside the caller's transaction, as inbox_note. */
int inbox_add(struct db *db, struct inbox_new *row, struct base_err *err) LANTOA_MUST_CHECK;
int inbox_note(struct db *db, int64_t id, enum inbox_state state, const char *note,
    struct base_err *err) LANTOA_MUST_CHECK;

struct inbox_row {                                         /* texts BORROWED for the call */
    int64_t id, at_ms, channel_id, contact_id, message_id; /* 0: not known */
    struct str channel, name, address, kind, act, text, assigned, note;
    enum inbox_state state;
};
struct inbox_filter {
    bool open_only;
    int64_t id;    /* 0: all */
    int64_t limit; /* 0: no limit */
};
/* Newest first; a call back that returns non-zero ends the walk with that code. */
int inbox_each(struct db *db, const struct inbox_filter *filter,
    int (*row)(void *arg, const struct inbox_row *row), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;

struct inbox_act {
    int64_t at_ms, message_id; /* 0: none */
    struct str who, verb, text;
};
/* What was done with one, oldest first. */
int inbox_history(struct db *db, int64_t id, int (*act)(void *arg, const struct inbox_act *act),
    void *arg, struct base_err *err) LANTOA_MUST_CHECK;

/* Each is a transaction of its own. LANTOA_ENOENT: no such entry. */

/* The answer goes out by the channel the message came by, to the contact's address there.
 * LANTOA_ESTATE: nobody known, or the channel takes no free text (say so by hand then);
 * LANTOA_ELIMIT, LANTOA_EINVAL: the text (tracking/reply.h). */
int inbox_answer(struct db *db, int64_t id, struct str text, const char *who,
    int64_t *message_id_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Somebody called or wrote by another way: only recorded. */
int inbox_answer_by_hand(struct db *db, int64_t id, struct str text, const char *who,
    struct base_err *err) LANTOA_MUST_CHECK;
/* LANTOA_ESTATE: closed already. */
int inbox_close(struct db *db, int64_t id, const char *who, struct base_err *err) LANTOA_MUST_CHECK;
int inbox_assign(struct db *db, int64_t id, struct str name, const char *who,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
