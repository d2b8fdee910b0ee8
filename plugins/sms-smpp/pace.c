/* How fast PDUs go out: the limit of the options, and a limit of our own that is cut when the
 * operator throttles and grows again. A window alone is not enough: an operator with a limit per
 * second answers a small window as fast as a large one. Pure arithmetic; see smpp.h. */
#include "smpp.h"

enum { SECOND_MS = 1000, QUIET_MS = 250, LIMIT_FORGOTTEN = 100000 };

static void roll_second(struct smpp_pace *pace, int64_t now) {
    if (now - pace->second_at < SECOND_MS) {
        return;
    }
    pace->accepted_before = now - pace->second_at < 2 * SECOND_MS ? pace->accepted : 0;
    pace->accepted = 0;
    pace->second_at = now;
    if (pace->limit > 0 && now - pace->cut_at >= SECOND_MS) {
        pace->limit = pace->limit * 1.1 + 1;
        if (pace->limit > LIMIT_FORGOTTEN) {
            pace->limit = 0;
        }
    }
}

bool smpp_pace_take(struct smpp_pace *pace, double most, int64_t now) {
    roll_second(pace, now);
    if (now < pace->quiet_until) {
        return false;
    }
    double limit = pace->limit > 0 && (most <= 0 || pace->limit < most) ? pace->limit : most;
    if (limit <= 0) {
        return true;
    }
    double burst = limit / 20 < 1 ? 1 : limit / 20;
    pace->tokens += limit * (double)(now - pace->filled_at) / SECOND_MS;
    pace->tokens = pace->tokens > burst ? burst : pace->tokens;
    pace->filled_at = now;
    if (pace->tokens < 1) {
        return false;
    }
    pace->tokens -= 1;
    return true;
}

void smpp_pace_accepted(struct smpp_pace *pace, int64_t now) {
    roll_second(pace, now);
    pace->accepted++;
}

bool smpp_pace_throttled(struct smpp_pace *pace, int64_t now) {
    roll_second(pace, now);
    pace->quiet_until = now + QUIET_MS;
    if (pace->cut_at != 0 && now - pace->cut_at < SECOND_MS) {
        return false;
    }
    /* What was taken lately is what the operator bears. */
    unsigned borne =
        pace->accepted > pace->accepted_before ? pace->accepted : pace->accepted_before;
    double limit = (double)borne * 0.9;
    pace->limit = pace->limit > 0 && pace->limit * 0.8 < limit ? pace->limit * 0.8 : limit;
    pace->limit = pace->limit < 1 ? 1 : pace->limit;
    pace->cut_at = now;
    return true;
}
