/* Declared channels: a JSON file in the place of a plugin's tables, over a plugin that runs such
 * files (LANTOA_TAKES_DECLARATIONS). Here its head is read: who it is, its options and content; the
 * rest is that plugin's. */
#ifndef HOST_DECLARED_H
#define HOST_DECLARED_H

#include "base/mem.h"
#include "host/plugin.h"

/* The head:
 * { "declares": "http",             the plugin that runs it
 *   "name": "my-sms", "version": "1", "kind": "sms", "address": "phone",   or email, any,
 *                             outlet, page; account, with "account": the attribute that holds it
 *   "help": {"en": "...", "vi": "..."},
 *   "can": ["receipts", "inbound", "idempotent", "accents"],
 *   "options": [{"name": "token", "type": "text", "required": true, "secret": true, "sender":
 * false, "pace": false, "default": "..", "allowed": "a|b", "least": 0, "most": 9, "help": {"en":
 * "..", "vi": ".."}}, ..], "content": [{"name": "text", "required": true, "html": false,
 * "single_line": false, "as_is": false, "most_bytes": 1000, "help": {..}}, ..], ... } Errors name
 * file, line and field. */
int host_declared_load(
    const char *path, struct host_plugin **plugin_out, struct base_err *err) LANTOA_MUST_CHECK;
/* The same once the file is read: puts what it says into the tables of the plugin that runs it. On
 * an error the plugin is fit for host_plugin_free only. path: for the error, and for the name. */
int host_declared_take(struct host_plugin *plugin, const char *path, TAKES struct base_json *doc,
    TAKES char *text, struct base_err *err) LANTOA_MUST_CHECK;

#endif
