/* How the core starts a lantoa-channel process: its arguments, descriptors and exit codes. */
#ifndef WIRE_START_H
#define WIRE_START_H

/* lantoa-channel --serve CHANNEL: a host; the name is for those who look at the list of processes.
 * lantoa-channel --quote CHANNEL: opens no instance; says what messages would cost.
 * lantoa-channel --describe PLUGIN.so: prints the plugin's tables as JSON. */
#define WIRE_ARG_SERVE "--serve"
#define WIRE_ARG_QUOTE "--quote"
#define WIRE_ARG_DESCRIBE "--describe"

#define WIRE_FD_CORE 3    /* the socket to the core */
#define WIRE_FD_JOURNAL 4 /* the journal, closed once it is mapped */
#define WIRE_FD_LOCK 5    /* the journal, read-only and locked: held until the process ends */

#define WIRE_EXIT_OK 0
#define WIRE_EXIT_INVALID 10 /* not a plugin, or one with faulty tables */
#define WIRE_EXIT_VERSION 11 /* a plugin for another ABI */
#define WIRE_EXIT_ABSENT 12  /* no such file */
#define WIRE_EXIT_FAIL 13    /* ended after a FAIL frame */

#endif
