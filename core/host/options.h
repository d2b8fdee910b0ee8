/* From the options of the channel file to the struct that the plugin declared. */
#ifndef HOST_OPTIONS_H
#define HOST_OPTIONS_H

#include "base/str.h"
#include "host/plugin.h"

struct host_config; /* the plugin's struct and the texts it points to */

/* Fills the struct from a JSON object; secrets are read from their files or the environment,
 * relative paths start at data_dir. */
int host_config_new(const struct host_plugin *plugin, struct str options, const char *data_dir,
    struct host_config **config_out, struct base_err *err) LANTOA_MUST_CHECK;
const void *host_config_get(const struct host_config *config);
void host_config_free(struct host_config **config); /* wipes it first: there are secrets in it */

#endif
