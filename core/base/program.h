/* Another program, run to its end: no shell, nothing inherited, its input, output and complaints in
 * memory, with limits on time, memory and output. Blocks the caller: not for an event loop. */
#ifndef BASE_PROGRAM_H
#define BASE_PROGRAM_H

#include "base/buf.h"
#include "base/err.h"

struct base_program {
    const char *const *argv; /* argv[0] is looked up on PATH; NULL-terminated */
    struct str input;        /* its standard input, a file that can be sought (/dev/fd/0) */
    int64_t timeout_ms;
    uint64_t memory_bytes; /* of address space */
    uint64_t output_bytes; /* that it may write, standard output and error each */
};

/* Appends what it wrote to out and complaints, which the caller has initialised. *status_out: its
 * exit status, or 128 + signal. LANTOA_ENOENT: there is no such program; LANTOA_ELIMIT: it was
 * ended at the time limit; LANTOA_EIO. */
int base_program_run(const struct base_program *program, struct base_buf *out,
    struct base_buf *complaints, int *status_out, struct base_err *err) LANTOA_MUST_CHECK;

#endif
