/* A secret of a channel file that is given by reference. */
#ifndef WIRE_SECRET_H
#define WIRE_SECRET_H

#include "wire/option.h"

/* Reads what {"file": path} (relative: in the data folder) or {"env": NAME} names; a line end at
 * the end of a file is not part of it. The text is the caller's, to be wiped. value: one with
 * from_file or from_env. */
int wire_secret_read(const struct wire_option_value *value, const char *data_dir, char **text_out,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
