/* Looks for plugins in the folders of the environment and of the program. */
#include "wire/place.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include <stdlib.h>

static char *own_dir(void) {
    char *program = base_program_dir();
    char *dir = base_path_join(program, "../plugins");
    if (!base_file_exists(dir)) {
        base_free(dir);
        dir = base_path_join(program, "../lib/lantoa/plugins");
    }
    base_free(program);
    return dir;
}

char *wire_plugin_dirs(void) {
    const char *given = getenv("LANTOA_PLUGINS");
    char *own = own_dir();
    if (!given || !given[0]) {
        return own;
    }
    char *dirs = base_printf("%s:%s", given, own);
    base_free(own);
    return dirs;
}

static char *look(struct str dir, const char *name) {
    static const char *const endings[] = {".so", ".json"};
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        char *path = base_printf(STR_FMT "/%s%s", STR_ARG(dir), name, endings[i]);
        if (base_file_exists(path)) {
            return path;
        }
        base_free(path);
    }
    return NULL;
}

char *wire_plugin_path(const char *name) {
    char *dirs = wire_plugin_dirs();
    struct str rest = str_from(dirs);
    char *path = NULL;
    while (!path && rest.bytes > 0) {
        struct str dir = str_cut(&rest, ':');
        path = dir.bytes > 0 ? look(dir, name) : NULL;
    }
    base_free(dirs);
    return path;
}
