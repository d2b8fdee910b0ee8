/* Starting lantoa-channel processes, without a shell and with nothing inherited that was not meant
 * to be. */
#ifndef CHANNEL_PROCESS_H
#define CHANNEL_PROCESS_H

#include "base/err.h"
#include <sys/types.h>

/* Path of the lantoa-channel program: $LANTOA_CHANNEL_PROGRAM, or beside the running program.
 * Caller owns. */
char *channel__program(void);
/* PATH, TZ, LANG, LANTOA_*, LC_*, the sanitizers' options and the variables named in `names`
 * (NULL-terminated, may be NULL): a NULL-terminated list, freed with channel__environment_free. */
char **channel__environment(const char *const *names);
void channel__environment_free(char ***environment);

/* One descriptor of the child. from < 0 ends a list. */
struct channel__descriptor {
    int from, to;
};
/* Starts argv[0] with the given descriptors and no others, stdin from /dev/null, own process group,
 * default signals. */
int channel__spawn(const char *const *argv, char **environment,
    const struct channel__descriptor *descriptors, pid_t *pid_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* "exit status 13", "signal 11 (Segmentation fault)" */
void channel__death_text(int status, char *text, size_t room);

#endif
