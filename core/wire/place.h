/* Where plugins lie: LANTOA_PLUGINS (folders, joined by ':') first, then those of this program:
 * ../plugins beside it (a build folder), else ../lib/lantoa/plugins (installed). The core and the
 * hosts must find the same ones. */
#ifndef WIRE_PLACE_H
#define WIRE_PLACE_H

/* The first DIR/NAME.so or DIR/NAME.json (a declared channel) there is; NULL when there is none.
 * The caller owns it. */
char *wire_plugin_path(const char *name);
/* The folders that were looked at, joined by ':'; the caller owns it. */
char *wire_plugin_dirs(void);

#endif
