/* The check-up. */
#include "delivery/doctor.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/tr.h"
#include "campaign/store.h"
#include "delivery/ledger.h"
#include "store/schema.h"
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>

#define DISK_LEAST (UINT64_C(100) * 1024 * 1024)
#define CLOCK_LEAST                                                                                \
    INT64_C(1767225600000) /* 2026-01-01: a machine that says less has lost its clock */

struct doctor {
    struct db *db;
    const char *data_dir;
    int (*finding)(void *arg, const struct doctor_finding *finding);
    void *arg;
    bool healthy;
};

static int tell(struct doctor *d, const char *check, bool ok, const char *fmt, ...)
    LANTOA_PRINTF(4, 5);
static int tell(struct doctor *d, const char *check, bool ok, const char *fmt, ...) {
    char text[1200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    d->healthy = d->healthy && ok;
    const struct doctor_finding finding = {check, ok, text};
    return d->finding(d->arg, &finding);
}

static int check_file(struct doctor *d) {
    struct base_err fault = {0};
    int rc = db_check(d->db, &fault);
    return tell(
        d, "integrity", rc == 0, "%s", rc == 0 ? TR("the database file is whole") : fault.text);
}

static int check_schema(struct doctor *d, struct base_err *err) {
    int version;
    int rc = schema_version(d->db, &version, err);
    return rc != 0 ? rc
                   : tell(d, "schema", version == schema_latest(), TR("version %d of %d"), version,
                         schema_latest());
}

/* A question whose answer must be 0. */
static int check_none(struct doctor *d, const char *check, const char *sql, const char *good,
    const char *bad, struct base_err *err) {
    int64_t count;
    int rc = db_get_i64(d->db, sql, &count, err);
    if (rc != 0) {
        return rc;
    }
    return count == 0 ? tell(d, check, true, "%s", good)
                      : tell(d, check, false, bad, (long long)count);
}

static int check_ledger(struct doctor *d, struct base_err *err) {
    /* Law 1: every step of a planned campaign that writes to people has one first-generation row
     * per person of its audience; every suppressed row says why. Outlets and pages are counted by
     * themselves (4 and 6: LANTOA_ADDRESS_OUTLET and _PAGE). */
    static_assert(LANTOA_ADDRESS_OUTLET == 4 && LANTOA_ADDRESS_PAGE == 6, "in the text below");
    int rc = check_none(d, "ledger_sum",
        "SELECT count(*) FROM (SELECT g.id FROM campaign g JOIN (SELECT s.campaign_id AS cid, s.id "
        "AS sid, "
        "(SELECT count(*) FROM message m WHERE m.id BETWEEN (s.id << 43) AND ((s.id + 1) << 43) - "
        "1 AND (m.id & 15) = 0) AS n "
        "FROM step s JOIN channel h ON h.id = s.channel_id WHERE coalesce(h.address, 1) NOT IN (4, "
        "6)) x ON x.cid = g.id WHERE g.state >= 1 GROUP BY g.id HAVING min(x.n) <> max(x.n)) y",
        TR("every step of a campaign has the same audience"),
        TR("%lld campaigns whose steps differ in audience"), err);
    if (rc == 0) {
        rc = check_none(d, "ledger_reason",
            "SELECT count(*) FROM message WHERE state = 2 AND reason = 0",
            TR("every suppressed message says why"),
            TR("%lld suppressed messages without a reason"), err);
    }
    if (rc == 0) {
        rc = check_none(d, "ledger_state",
            "SELECT count(*) FROM message WHERE state < 0 OR state > 7",
            TR("every message has a known state"), TR("%lld messages in an unknown state"), err);
    }
    if (rc == 0) {
        rc = check_none(d, "ledger_step",
            "SELECT count(*) FROM (SELECT 1 FROM (SELECT DISTINCT id >> 43 AS sid FROM message) x "
            "LEFT JOIN step s ON s.id = x.sid WHERE s.id IS NULL) y",
            TR("every message belongs to a step"), TR("%lld steps are missing"), err);
    }
    return rc;
}

static int check_uncertain(struct doctor *d, struct base_err *err) {
    int64_t count;
    int rc = db_get_i64(d->db, "SELECT count(*) FROM message WHERE state = 7", &count, err);
    if (rc != 0) {
        return rc;
    }
    return count == 0
               ? tell(d, "uncertain", true, "%s", TR("no message is uncertain"))
               : tell(d, "uncertain", true,
                     TR("%lld messages are uncertain; see: lantoa message list --state uncertain"),
                     (long long)count);
}

/* What operators sent that led nowhere: receipts that fit no message, call-backs that wait or were
 * refused. For information: much of it is no fault of ours. */
static int tell_count(struct doctor *d, const char *check, const char *sql, const char *good,
    const char *some, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(d->db, sql, &stmt, err);
    int64_t all = 0;
    while (rc >= 0 && stmt && (rc = db_step(stmt, err)) == 1) {
        struct str channel = db_column_str(stmt, 0);
        int64_t count = db_column_i64(stmt, 1);
        char last[BASE_ISO_MAX];
        base_format_iso(db_column_i64(stmt, 2), 7 * 60, last);
        all += count;
        rc = tell(d, check, true, some, (long long)count, STR_ARG(channel), last);
        if (rc != 0) {
            break;
        }
    }
    db_finish(&stmt);
    return rc == 0 && all == 0 ? tell(d, check, true, "%s", good) : rc;
}

static int check_answers(struct doctor *d, struct base_err *err) {
    int rc = tell_count(d, "receipts",
        "SELECT h.name, count(*), max(r.at) FROM receipt_waiting r JOIN channel h ON h.id = "
        "r.channel_id GROUP BY h.name ORDER BY h.name",
        TR("every receipt has found its message"),
        TR("%lld receipts of channel " STR_FMT " fit no message, the last of %s"), err);
    if (rc == 0) {
        rc = tell_count(d, "call_backs",
            "SELECT h.name, count(*), max(k.at) FROM hook k JOIN channel h ON h.id = k.channel_id "
            "WHERE k.done_at IS NULL GROUP BY h.name ORDER BY h.name",
            TR("no call-back waits"),
            TR("%lld call-backs for channel " STR_FMT " wait to be handed over, the last of %s"),
            err);
    }
    if (rc == 0) {
        rc = tell_count(d, "refused_call_backs",
            "SELECT h.name, count(*), max(k.at) FROM hook k JOIN channel h ON h.id = k.channel_id "
            "WHERE k.result <> 0 GROUP BY h.name ORDER BY h.name",
            TR("no call-back was refused"),
            TR("%lld call-backs were refused by channel " STR_FMT
               ", the last of %s; they are kept"),
            err);
    }
    return rc;
}

static int check_disk(struct doctor *d, struct base_err *err) {
    uint64_t bytes;
    int rc = base_disk_free(d->data_dir, &bytes, err);
    return rc != 0 ? rc
                   : tell(d, "disk", bytes >= DISK_LEAST, TR("%llu MiB free"),
                         (unsigned long long)(bytes >> 20));
}

static int check_clock(struct doctor *d) {
    char now[BASE_ISO_MAX];
    base_format_iso(base_clock_wall_ms(), 7 * 60, now);
    return tell(d, "clock", base_clock_wall_ms() >= CLOCK_LEAST, TR("the machine says %s"), now);
}

static int tell_channel(void *arg, const struct channel_row *row) {
    struct doctor *d = arg;
    char *json = NULL;
    struct base_err fault = {0};
    int rc = channel_describe(row->plugin, &json, &fault);
    base_free(json);
    if (rc != 0) {
        return tell(d, "channel", false, "%s: %s", row->name, fault.text);
    }
    return row->parked_reason ? tell(d, "channel", false, "%s: %s: %s", row->name, TR(row->state),
                                    row->parked_reason)
                              : tell(d, "channel", true, "%s: %s", row->name, TR(row->state));
}

static int tell_waiting(struct doctor *d, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(d->db,
        "SELECT name, wait_reason FROM campaign WHERE wait_reason IS NOT NULL ORDER BY id", &stmt,
        err);
    while (rc >= 0 && stmt && (rc = db_step(stmt, err)) == 1) {
        struct str name = db_column_str(stmt, 0);
        struct str reason = db_column_str(stmt, 1);
        rc = tell(d, "campaign", true, TR(STR_FMT " waits for a person: " STR_FMT), STR_ARG(name),
            STR_ARG(reason));
        if (rc != 0) {
            break;
        }
    }
    db_finish(&stmt);
    return rc;
}

int doctor_run(struct db *db, const char *data_dir,
    int (*finding)(void *arg, const struct doctor_finding *finding), void *arg, bool *healthy_out,
    struct base_err *err) {
    struct doctor d = {db, data_dir, finding, arg, true};
    int rc = check_file(&d);
    /* What else could be asked of a damaged file would be answered with anything. */
    *healthy_out = d.healthy;
    if (rc != 0 || !d.healthy) {
        return rc ? rc
                  : base_err_set(err, LANTOA_ECORRUPT, "%s",
                        TR("the database is damaged: put a backup in its place (lantoa restore "
                           "FILE)"));
    }
    rc = check_schema(&d, err);
    if (rc == 0) {
        rc = check_ledger(&d, err);
    }
    if (rc == 0) {
        rc = check_uncertain(&d, err);
    }
    if (rc == 0) {
        rc = check_answers(&d, err);
    }
    if (rc == 0) {
        rc = check_disk(&d, err);
    }
    if (rc == 0) {
        rc = check_clock(&d);
    }
    if (rc == 0) {
        rc = channel_each(db, tell_channel, &d, err);
    }
    if (rc == 0) {
        rc = tell_waiting(&d, err);
    }
    *healthy_out = d.healthy;
    return rc;
}
