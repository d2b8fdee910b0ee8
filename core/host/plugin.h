/* A plugin as the host sees it: the exported datum, checked, and copied into tables of this
 * program's own sizes. */
#ifndef HOST_PLUGIN_H
#define HOST_PLUGIN_H

#include "base/err.h"
#include "wire/option.h"
#include <lantoa/plugin.h>

struct host_plugin {
    void *handle;
    struct lantoa_plugin table; /* table.ops: absent operations are NULL */
    struct lantoa_option *options;
    struct lantoa_content *content;
};

/* Opens a shared object and checks everything its datum says. LANTOA_ENOENT, LANTOA_EINVAL,
 * LANTOA_EVERSION. */
int host_plugin_load(
    const char *path, struct host_plugin **plugin_out, struct base_err *err) LANTOA_MUST_CHECK;
/* The shared object stays mapped: a plugin's threads and exit handlers may still need it. */
void host_plugin_free(struct host_plugin **plugin);
struct wire_option_rule host_plugin_rule(const struct lantoa_option *option);

#endif
