/* The daemon's verb. */
#include "delivery/serve.h"

#include "base/tr.h"
#include "cli/cli.h"

static void say_ready(void *arg) {
    const struct cli *cli = arg;
    printf(TR("ready: serving %s\n"), cli->data_dir);
    fflush(stdout);
}

static int serve(struct cli *cli) {
    const struct serve_options options = {.data_dir = cli->data_dir,
        .until_idle = cli_switch(cli, "until-idle"),
        .ready = say_ready,
        .ready_arg = cli};
    return serve_run(&options, &cli->err);
}

const struct cli_command cli_serve_commands[] = {
    {"serve", "", "until-idle", 0, 0, "[--until-idle] [--clock START,xSPEED]",
        "run the campaigns; --until-idle ends when nothing is left to do", CLI_NEEDS_NOTHING,
        serve},
    {0},
};
