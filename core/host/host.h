/* lantoa-channel: the process that runs one plugin. This is the library behind its main(); it uses
 * base and wire only and knows nothing of campaigns, contacts or the ledger. */
#ifndef HOST_HOST_H
#define HOST_HOST_H

/* Prints what the plugin says of itself as JSON on stdout, or why not on stderr. Returns an exit
 * code (wire/start.h). */
int host_describe(const char *plugin_path);
/* Serves the core on WIRE_FD_CORE until it is told to end. Returns an exit code. */
int host_run(void);
/* Says on WIRE_FD_CORE what messages would cost and look like, without an instance of the plugin,
 * until the core hangs up. Returns an exit code. */
int host_quote(void);

#endif
