/* lantoa-channel: runs one channel plugin. Started by lantoa, not by hand, but for `--describe`
 * which prints a plugin's tables. */
#include "base/tr.h"
#include "host/host.h"
#include "wire/start.h"
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void choose_language(void) {
    const char *lang = getenv("LANTOA_LANG");
    if (!lang) {
        lang = getenv("LANG");
    }
    base_tr_set(lang && strncmp(lang, "vi", 2) == 0 ? BASE_LANG_VI : BASE_LANG_EN);
}

int main(int argc, char **argv) {
    choose_language();
    if (argc == 3 && strcmp(argv[1], WIRE_ARG_DESCRIBE) == 0) {
        return host_describe(argv[2]);
    }
    bool serve = argc == 3 && strcmp(argv[1], WIRE_ARG_SERVE) == 0;
    if (serve && fcntl(WIRE_FD_CORE, F_GETFD) >= 0) {
        return host_run();
    }
    bool quote = argc == 3 && strcmp(argv[1], WIRE_ARG_QUOTE) == 0;
    if (quote && fcntl(WIRE_FD_CORE, F_GETFD) >= 0) {
        return host_quote();
    }
    fputs("usage: lantoa-channel --describe PLUGIN.so\n"
          "Runs one channel plugin; lantoa serve starts it.\n",
        stderr);
    return 2;
}
