/* The plugin against a peer in each of its moods. What must hold follows from one law: a message is
 * never sent twice blindly, and never called sent when nobody said so. */
#include "base/clock.h"
#include "base/tr.h"
#include "kit/internal.h"

#define COUNT 6
#define SPARE_MS 4000
#define HAMMERING 3 /* tries of one message, within one handing over */

enum {
    MAY_SENT = 1,
    MAY_RETRY = 2,
    MAY_REFUSED = 4,
    MAY_UNKNOWN = 8,
    MAY_NOT_SENT = 16,
    IDEMPOTENT = 32, /* RETRY too, if the provider drops repeats (LANTOA_CAN_IDEMPOTENT) */
    ORDER = 64,      /* references must be those of the messages */
};

/* What a plugin may make of each mood of an HTTP peer. Of a peer that stands before another server
 * only the number of results and the host's life can be judged. */
static const struct {
    const char *check;
    enum kit_mood mood;
    unsigned may;
    const char *law;
} moods[] = {
    {"peer-throttles", KIT_THROTTLE, MAY_RETRY | MAY_NOT_SENT,
        "it was told \"later\": RETRY, nothing else"},
    {"peer-breaks", KIT_BROKEN, MAY_RETRY | MAY_REFUSED | MAY_UNKNOWN | MAY_NOT_SENT,
        "an internal error is no SENT"},
    {"peer-times-out", KIT_SILENT, MAY_UNKNOWN | IDEMPOTENT,
        "the request had left and nobody answered: UNKNOWN"},
    {"peer-late", KIT_LATE, MAY_SENT | ORDER, "it answered, half a second later: SENT"},
    {"peer-repeats", KIT_TWICE, MAY_SENT, "it answered, twice: SENT once"},
    {"peer-reorders", KIT_REORDER, MAY_SENT | ORDER, "answers came in another order: SENT"},
    {"peer-slow", KIT_SLOW, MAY_SENT | MAY_UNKNOWN | IDEMPOTENT,
        "the answer came a byte at a time: SENT, or UNKNOWN after a time-out"},
    {"peer-hangs-up", KIT_CUT_ACCEPT, MAY_RETRY | MAY_NOT_SENT | MAY_UNKNOWN,
        "it hung up at once: not SENT, not REFUSED"},
    {"peer-cuts-request", KIT_CUT_READ, MAY_UNKNOWN | IDEMPOTENT,
        "the line broke when the request had been read: UNKNOWN"},
    {"peer-cuts-head", KIT_CUT_HEAD, MAY_UNKNOWN | IDEMPOTENT,
        "the line broke within the answer: UNKNOWN"},
    {"peer-cuts-body", KIT_CUT_BODY, MAY_UNKNOWN | IDEMPOTENT,
        "the line broke within the answer: UNKNOWN"},
    {"peer-lies-page", KIT_LIE_PAGE, MAY_UNKNOWN | MAY_RETRY | MAY_REFUSED,
        "a log-in page came instead of an answer: not SENT"},
    {"peer-lies-noise", KIT_LIE_NOISE, MAY_UNKNOWN | IDEMPOTENT, "noise came: UNKNOWN"},
    {"peer-lies-huge", KIT_LIE_HUGE, MAY_UNKNOWN | IDEMPOTENT | MAY_REFUSED,
        "far too much came: UNKNOWN"},
};

static unsigned bit(enum lantoa_outcome outcome) {
    switch (outcome) {
    case LANTOA_SENT:
        return MAY_SENT;
    case LANTOA_RETRY:
        return MAY_RETRY;
    case LANTOA_REFUSED:
        return MAY_REFUSED;
    case LANTOA_UNKNOWN:
        return MAY_UNKNOWN;
    case LANTOA_NOT_SENT:
        return MAY_NOT_SENT;
    }
    return 0;
}

static unsigned allowed(const struct kit_case *kase, unsigned may) {
    bool idempotent = kase->manifest->capabilities & LANTOA_CAN_IDEMPOTENT;
    return may | ((may & IDEMPOTENT) && idempotent ? MAY_RETRY : 0);
}

/* The numbers of a text, each as a whole: "a-12/3" holds 12 and 3. */
static bool holds_number(const char *text, uint64_t wanted) {
    while (*text) {
        uint64_t number = 0;
        bool digits = false;
        for (; *text >= '0' && *text <= '9'; text++) {
            number = number * 10 + (uint64_t)(*text - '0');
            digits = true;
        }
        if (digits && number == wanted) {
            return true;
        }
        text += *text != '\0';
    }
    return false;
}

/* False: said what is wrong. */
static bool judge_one(const struct kit_report *report, const struct kit_bed *bed, size_t row,
    const struct kit_message *message) {
    uint64_t number = 0;
    size_t times = kit__peer_saw(bed->peer, message->key, &number);
    if ((bit(message->outcome) & allowed(report->kase, moods[row].may)) == 0) {
        kit__say(report, KIT_FAIL, moods[row].check, TR("%s (%s%s%s) where %s"),
            kit__outcome_word(message->outcome), kit__reason_word(message->reason),
            message->detail[0] ? ": " : "", message->detail, TR(moods[row].law));
        return false;
    }
    bool idempotent = report->kase->manifest->capabilities & LANTOA_CAN_IDEMPOTENT;
    if (times > (idempotent ? HAMMERING : 1)) {
        kit__say(report, KIT_FAIL, moods[row].check,
            TR("the peer got one message %zu times: nobody may repeat it but the core"), times);
        return false;
    }
    if ((moods[row].may & ORDER) && number > 0 && message->ref[0] &&
        !holds_number(message->ref, number) && strspn(message->ref, "0123456789") > 0) {
        kit__say(report, KIT_FAIL, moods[row].check,
            TR("a message got the reference %s; the peer's answer to it was number %llu"),
            message->ref, (unsigned long long)number);
        return false;
    }
    return true;
}

static void judge(const struct kit_report *report, struct kit_bed *bed, size_t row) {
    const char *check = moods[row].check;
    bool all = kit__bed_wait(bed, report->kase->patience_ms + SPARE_MS);
    kit__bed_pass(bed, KIT_AFTER_MS);
    if (bed->died) {
        kit__say(report, KIT_FAIL, check, TR("the host died: %s"), bed->why);
        return;
    }
    if (!all) {
        kit__say(report, KIT_FAIL, check, TR("%zu of %zu messages have no result after %lld ms"),
            bed->count - bed->ended, bed->count, (long long)report->kase->patience_ms + SPARE_MS);
        return;
    }
    if (report->kase->peer == KIT_PEER_TCP) {
        kit__say(report, KIT_PASS, check, TR("one result each: %zu SENT, %zu UNKNOWN of %zu"),
            kit__bed_count(bed, LANTOA_SENT), kit__bed_count(bed, LANTOA_UNKNOWN), bed->count);
        return;
    }
    for (size_t i = 0; i < bed->count; i++) {
        if (!judge_one(report, bed, row, &bed->messages[i])) {
            return;
        }
    }
    kit__say(report, KIT_PASS, check, "%s", TR(moods[row].law));
}

static void try_mood(struct kit_report *report, struct kit_bed *bed, size_t row) {
    struct base_err err = {0};
    kit__bed_fresh(bed);
    kit__peer_mood(bed->peer, moods[row].mood);
    if (kit__bed_start(bed, 0, &err) != 0) {
        kit__say(report, KIT_FAIL, moods[row].check, TR("it does not start: %s"), err.text);
        return;
    }
    kit__bed_send(bed, COUNT);
    judge(report, bed, row);
}

/* Nobody listens there: nothing can have left. */
static void try_nobody(struct kit_report *report, struct kit_bed *bed) {
    static const char check[] = "peer-absent";
    struct base_err err = {0};
    struct kit_peer *gone = NULL;
    kit__bed_fresh(bed);
    if (kit__peer_open(bed->loop, report->kase, 0, NULL, &gone, &err) != 0) {
        kit__say(report, KIT_SKIP, check, "%s", err.text);
        return;
    }
    int port = kit__peer_port(gone);
    kit__peer_close(&gone);
    /* A plugin that does not open without its server says so with host->fail, which is right. */
    if (kit__bed_start(bed, port, &err) != 0) {
        kit__say(report, KIT_PASS, check, TR("it does not start without its server: %s"), err.text);
        return;
    }
    kit__bed_send(bed, COUNT);
    bool all = kit__bed_wait(bed, report->kase->patience_ms + SPARE_MS);
    size_t back = kit__bed_count(bed, LANTOA_RETRY) + kit__bed_count(bed, LANTOA_NOT_SENT);
    if (bed->died || !all) {
        kit__say(report, KIT_FAIL, check, TR("%zu of %zu messages have no result%s%s"),
            bed->count - bed->ended, bed->count, bed->died ? ": " : "", bed->why);
    } else if (back != bed->count) {
        kit__say(report, KIT_FAIL, check,
            TR("nothing can have left, so all are RETRY or NOT_SENT; %zu are not"),
            bed->count - back);
    } else {
        kit__say(report, KIT_PASS, check, "%s", TR("nothing had left: RETRY or NOT_SENT"));
    }
}

/* In good conditions, does the peer get the key? */
static void try_key(struct kit_report *report, struct kit_bed *bed) {
    struct base_err err = {0};
    uint64_t number = 0;
    kit__bed_fresh(bed);
    kit__peer_mood(bed->peer, KIT_GOOD);
    if (report->kase->peer != KIT_PEER_HTTP || kit__bed_start(bed, 0, &err) != 0) {
        return;
    }
    kit__bed_send(bed, COUNT);
    (void)kit__bed_wait(bed, report->kase->patience_ms);
    size_t seen = 0, more = 0;
    for (size_t i = 0; i < bed->count; i++) {
        size_t times = kit__peer_saw(bed->peer, bed->messages[i].key, &number);
        seen += times > 0;
        more += times > 1;
    }
    if (more > 0) {
        kit__say(report, KIT_FAIL, "key", TR("%zu messages went to the peer more than once"), more);
    } else if (seen < bed->count) {
        kit__say(report, KIT_WARN, "key", "%s",
            TR("the peer does not get message->key, so it cannot tell a repeat"));
    } else {
        kit__say(report, KIT_PASS, "key", "%s", TR("the peer gets each message's key, once"));
    }
}

static bool wanted(const char *only, const char *check) {
    return !only || strcmp(only, check) == 0;
}

static bool known(const char *only) {
    bool found = strcmp(only, "key") == 0 || strcmp(only, "peer-absent") == 0;
    for (size_t i = 0; i < sizeof(moods) / sizeof(moods[0]); i++) {
        found |= strcmp(only, moods[i].check) == 0;
    }
    return found;
}

bool kit__check_peer(struct kit_report *report, struct kit_bed *bed, const char *only) {
    if (only && !known(only)) {
        return false;
    }
    if (!bed->peer) {
        kit__say(report, KIT_SKIP, "peer", "%s",
            TR("the case names no peer, so nothing was throttled, cut or lied to"));
        return true;
    }
    if (wanted(only, "key")) {
        try_key(report, bed);
    }
    for (size_t i = 0; i < sizeof(moods) / sizeof(moods[0]); i++) {
        bool fits = report->kase->peer == KIT_PEER_HTTP || moods[i].mood != KIT_BROKEN;
        if (fits && wanted(only, moods[i].check)) {
            try_mood(report, bed, i);
        }
    }
    if (wanted(only, "peer-absent")) {
        try_nobody(report, bed);
    }
    return true;
}
