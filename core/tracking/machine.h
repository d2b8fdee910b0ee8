/* Telling programs from people among those who follow a link or open a message: mail scanners and
 * link previews fetch what nobody has read. Every hit is kept; machine ones are counted apart.
 * Pure: knows no database. */
#ifndef TRACKING_MACHINE_H
#define TRACKING_MACHINE_H

#include "base/str.h"
#include <stdint.h>

/* Numbers in column click.machine. */
enum click_machine {
    CLICK_HUMAN = 0,
    CLICK_HEAD = 1,      /* a HEAD request: nobody looks at nothing */
    CLICK_AGENT = 2,     /* calls itself a scanner, a preview or a program; or does not say */
    CLICK_PREFETCH = 3,  /* the browser says that it only fetches ahead */
    CLICK_FAST = 4,      /* within MACHINE_FAST_MS of sending */
    CLICK_ALL_LINKS = 5, /* every link of the message within one second */
};

#define MACHINE_FAST_MS 2000

/* What the request itself tells: its method, User-Agent (agents.def) and Purpose (or Sec-Purpose,
 * X-Moz). */
enum click_machine machine_of_request(bool head, struct str agent, struct str purpose);
/* 8 bytes of SHA-256: enough to tell crowds of one program apart, of no use against anybody. */
int64_t machine_agent_hash(struct str agent);

#endif
