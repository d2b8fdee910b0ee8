/* What the two fault libraries share: which process is meant, when the Nth call has come, and the
 * count at the end. */
#ifndef TESTS_FAULTS_FAULT_H
#define TESTS_FAULTS_FAULT_H

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAULT_EXPORT __attribute__((visibility("default")))

struct fault_plan {
    bool on;               /* this process is the one meant, and set-up is done */
    bool stays;            /* the calls after the Nth fail too, as on a disk that stays full */
    uint64_t at;           /* 0: never, only count */
    char count_file[4096]; /* read early: the program may change its environment */
    _Atomic(uint64_t) seen;
};

/* at, stays and count_file are the names of environment variables. */
static inline void fault_plan_init(
    struct fault_plan *plan, const char *at, const char *stays, const char *count_file) {
    const char *program = getenv("LANTOA_FAULT_PROGRAM");
    if (program && strcmp(program, program_invocation_short_name) != 0) {
        return;
    }
    const char *text = getenv(at);
    plan->at = text ? strtoull(text, NULL, 10) : 0;
    plan->stays = getenv(stays) != NULL;
    text = getenv(count_file);
    if (text) {
        snprintf(plan->count_file, sizeof(plan->count_file), "%s", text);
    }
    plan->on = true;
}

static inline bool fault_now(struct fault_plan *plan) {
    if (!plan->on) {
        return false;
    }
    uint64_t number = atomic_fetch_add(&plan->seen, 1) + 1;
    return plan->at != 0 && (number == plan->at || (plan->stays && number > plan->at));
}

/* For a destructor. A process that made no such call writes nothing. */
static inline void fault_plan_report(struct fault_plan *plan) {
    uint64_t seen = atomic_load(&plan->seen);
    plan->on = false;
    if (plan->count_file[0] == '\0' || seen == 0) {
        return;
    }
    FILE *out = fopen(plan->count_file, "we");
    if (out) {
        fprintf(out, "%llu\n", (unsigned long long)seen);
        fclose(out);
    }
}

#endif
