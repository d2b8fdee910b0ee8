/* A shared object, but no plugin: it exports nothing that the host looks for. */
#include <lantoa/abi.h>

LANTOA_EXPORT extern const int lantoa_plugin_v0;
LANTOA_EXPORT const int lantoa_plugin_v0 = 1;
