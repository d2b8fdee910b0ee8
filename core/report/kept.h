/* Figures kept of steps that ended (table report_kept), so that a report need not walk over their
 * rows again. They cannot drift: the database driver counts in ledger_change, inside the very
 * transaction, which steps were written to and whether contacts were; figures hold while the
 * counters stand where they stood before the walk that gave them. Keeping is an advantage and never
 * needed: a database that cannot be written to now gives the same report, later. */
#ifndef REPORT_KEPT_H
#define REPORT_KEPT_H

#include "base/buf.h"
#include "report/tally.h"

struct tally_part;
struct kept_row {
    int64_t step_id, times, people_times;
    struct base_buf figures, people, days;
};
struct kept {
    struct db *db;
    struct tally *tally; /* BORROWED until kept__close */
    struct db_stmt *read, *read_days;
    struct kept_row *rows; /* to be written */
    size_t row_count, row_room, bytes;
};

int kept__open(
    struct kept *kept, struct db *db, struct tally *tally, struct base_err *err) LANTOA_MUST_CHECK;
/* Writes what was noted, unless keep is false, somebody else writes just now, or a transaction is
 * open. */
void kept__close(struct kept *kept, bool keep);

/* Whether figures of the step are worth keeping: it has ended. */
bool kept__lasts(const struct tally_step *step);
/* 1: the part is filled; 0: nothing kept that still holds; negative. */
int kept__read(struct kept *kept, const struct tally_step *step, struct tally_part *part, int what,
    struct base_err *err) LANTOA_MUST_CHECK;
void kept__note(struct kept *kept, const struct tally_step *step, const struct tally_part *part);
/* Writes what was noted if it has become much. From the thread of the database. */
void kept__make_room(struct kept *kept);
/* Fills in where the contacts of the tally live, from what is kept or by walking over them. */
int kept__people(struct kept *kept, struct base_err *err) LANTOA_MUST_CHECK;

/* --- for the daemon and for people --- */

/* Brings the kept figures up to date, if any step that ended has none that hold. *kept_out: how
 * many were walked over. Takes a second for some five million rows; not for the loop. */
int kept_refresh(
    struct db *db, int offset_min, int64_t *kept_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Counts what is kept anew and compares. *same_out: steps that are kept and right; *wrong_out: what
 * is taken for right and is not; that happens only to who writes to the file with another program.
 * Only reads. */
int kept_check(struct db *db, int offset_min, int64_t *same_out, int64_t *wrong_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* Throws all kept figures away; the next look makes them anew. */
int kept_drop(struct db *db, struct base_err *err) LANTOA_MUST_CHECK;

#endif
