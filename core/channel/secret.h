/* A secret of a channel file, for what works without the channel's host. */
#ifndef CHANNEL_SECRET_H
#define CHANNEL_SECRET_H

#include "base/err.h"
#include <jansson.h>

/* The text of an option as written, or what {"file": path} or {"env": NAME} names. options: the
 * file's "options". *text_out is the caller's, to be wiped; NULL: it is not set. */
int channel_secret_read(const json_t *options, const char *name, const char *data_dir,
    char **text_out, struct base_err *err) LANTOA_MUST_CHECK;

#endif
