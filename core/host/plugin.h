/* A plugin as the host sees it: the exported datum, checked, and copied into tables of this
 * program's own sizes. */
#ifndef HOST_PLUGIN_H
#define HOST_PLUGIN_H

#include "base/err.h"
#include "base/json.h"
#include "wire/option.h"
#include <lantoa/plugin.h>

struct host_plugin {
    void *handle;
    struct lantoa_plugin table; /* table.ops: absent operations are NULL */
    struct lantoa_option *options;
    struct lantoa_content *content;
    /* Of a declared channel: the document that the tables' texts lie in, and its text; else NULL.
     */
    struct base_json *declaration;
    char *declared;
};

/* Opens a shared object, or the declaration of a channel (host/declared.h), and checks everything
 * it says. LANTOA_ENOENT, LANTOA_EINVAL, LANTOA_EVERSION. */
int host_plugin_load(
    const char *path, struct host_plugin **plugin_out, struct base_err *err) LANTOA_MUST_CHECK;
/* The same for a shared object alone, which may be one that only runs declarations. */
int host_plugin_open(
    const char *path, struct host_plugin **plugin_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Checks the tables as they stand in the struct. */
int host_plugin_check(
    const struct host_plugin *plugin, const char *path, struct base_err *err) LANTOA_MUST_CHECK;
/* The shared object stays mapped: a plugin's threads and exit handlers may still need it. */
void host_plugin_free(struct host_plugin **plugin);
struct wire_option_rule host_plugin_rule(const struct lantoa_option *option);

#endif
