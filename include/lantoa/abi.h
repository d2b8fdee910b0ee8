/* The contract between lantoa-channel and a plugin: versions and the exported datum.
 *
 * Changes of the ABI, newest first (tables only ever grow at the end; a removal or a change of
 * meaning is a new major):
 *   1.6  ops->check and fault.h; LANTOA_CONTENT_AS_IS
 *   1.5  LANTOA_TAKES_DECLARATIONS, struct lantoa_declared
 *   1.4  LANTOA_ADDRESS_ACCOUNT and plugin->account; LANTOA_ADDRESS_PAGE; LANTOA_EVENT_FIGURES
 *   1.3  LANTOA_PACE
 *   1.2  step->accents and LANTOA_CAN_ACCENTS; LANTOA_SENDER
 *   1.1  host->http and http_cancel (http.h); ops->hook
 *   1.0  first version
 *
 * The host demands an equal major and a minor not above its own, and reads no more of a table than
 * the plugin says it has. */
#ifndef LANTOA_ABI_H
#define LANTOA_ABI_H

#include <stdint.h>

#define LANTOA_ABI_MAJOR 1
#define LANTOA_ABI_MINOR 6

/* Marks the one symbol a plugin exports. */
#define LANTOA_EXPORT __attribute__((visibility("default")))

/* The name of that symbol, a `const struct lantoa_plugin`. */
#define LANTOA_PLUGIN_SYMBOL "lantoa_plugin_v1"

#endif
