/* The daemon's verb. */
#include "delivery/serve.h"

#include "api/server.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/tr.h"
#include "campaign/store.h"
#include "cli/cli.h"
#include "report/schedule.h"
#include "store/schema.h"
#include "tracking/hook.h"
#include "tracking/inbound.h"

static void say_ready(void *arg) {
    const struct cli *cli = arg;
    if (cli->json) {
        json_t *ready = json_pack("{s:s,s:s}", "state", "ready", "data", cli->data_dir);
        json_dumpf(ready, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(ready);
    } else {
        printf(TR("ready: serving %s\n"), cli->data_dir);
    }
    fflush(stdout);
}

/* The door opens before the campaigns run, so that a port in use is told at once; its database is
 * brought up to date first. */
static int open_door(struct cli *cli, struct api_server **door_out) {
    struct api_options options = {.data_dir = cli->data_dir,
        .listen = cli_option(cli, "http"),
        .tls_cert = cli_option(cli, "tls-cert"),
        .tls_key = cli_option(cli, "tls-key")};
    int64_t threads;
    struct db *db = NULL;
    int rc = cli_option_i64(cli, "http-threads", 1, &threads);
    if (rc != 0 || !options.listen) {
        return rc;
    }
    char *path = base_path_join(cli->data_dir, "lantoa.db");
    options.threads = threads < 0 || threads > INT16_MAX ? 0 : (int)threads;
    rc = db_open(path, 0, &db, &cli->err);
    if (rc == 0) {
        rc = schema_upgrade(db, &cli->err);
    }
    db_close(&db);
    if (rc == 0) {
        rc = api_start(&options, door_out, &cli->err);
    }
    base_free(path);
    return rc;
}

/* --- call-backs, from the table to the channels --- */

struct hook_taker {
    int (*take)(void *arg, const struct channel_hook *hook);
    void *arg;
};

static int take_hook(void *arg, const struct hook *hook) {
    const struct hook_taker *taker = arg;
    const struct channel_hook given = {.token = (uint64_t)hook->id,
        .at_ms = hook->at_ms,
        .query = {"", 0}, /* stands in the headers */
        .headers = hook->headers,
        .body = hook->body};
    return taker->take(taker->arg, &given);
}

static int next_hooks(struct db *db, int64_t channel_id, int64_t after, int most,
    int (*take)(void *arg, const struct channel_hook *hook), void *arg, struct base_err *err) {
    struct hook_taker taker = {take, arg};
    return hook_next_batch(db, channel_id, after, most, take_hook, &taker, err);
}

#define PRUNE_ROWS 1000
#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)

static int prune_hooks(struct db *db, int64_t now_ms, bool *more_out, struct base_err *err) {
    int64_t days, deleted = 0;
    *more_out = false;
    int rc = hook_keep_days(db, &days, err);
    if (rc == 0) {
        rc = hook_prune(db, now_ms - days * DAY_MS, PRUNE_ROWS, &deleted, err);
    }
    *more_out = deleted == PRUNE_ROWS;
    return rc;
}

static const struct serve_hook_store hook_store = {next_hooks, hook_done, prune_hooks};

struct opening {
    struct cli *cli;
    struct report_runner *reports;
};

/* The reports that are due now go along with --until-idle, which waits for nothing that comes
 * later; the thread makes the others. A restored database does not know which of them went out
 * since: they are passed by. */
static int opened(void *arg, struct db *db, bool restored, struct base_err *err) {
    struct opening *opening = arg;
    const char *data_dir = opening->cli->data_dir;
    int64_t now_ms = base_clock_now_ms();
    int64_t count;
    int rc = campaign_material_sweep(db, data_dir, &count, err);
    if (rc == 0) {
        rc = restored ? report_schedule_pass_by(db, now_ms, &count, err)
                      : report_schedule_run(db, data_dir, now_ms, &count, err);
    }
    return rc ? rc : report_runner_start(data_dir, &opening->reports, err);
}

static void beat(void *arg) {
    struct api_server *const *door = arg;
    if (*door) {
        api_beat(*door);
    }
}

static void figures(void *arg, const struct serve_figure *list, size_t count) {
    struct api_server *const *door = arg;
    struct api_figure *shown = base_alloc_array(count + 1, sizeof *shown);
    for (size_t i = 0; i < count; i++) {
        shown[i] = (struct api_figure){list[i].channel, list[i].name, list[i].value};
    }
    if (*door) {
        api_figures(*door, shown, count);
    }
    base_free(shown);
}

static int read_receipts(struct cli *cli, int64_t *ms_out) {
    const char *text = cli_option(cli, "receipts");
    struct base_duration wait;
    *ms_out = 0;
    if (!text) {
        return 0;
    }
    if (base_parse_duration(str_from(text), &wait) != 0 || wait.months || wait.ms > 3 * DAY_MS) {
        return base_err_set(&cli->err, LANTOA_EINVAL,
            TR("--receipts must be a duration of at most P3D such as PT10M, not \"%s\""), text);
    }
    if (!cli_switch(cli, "until-idle")) {
        return base_err_set(
            &cli->err, LANTOA_EINVAL, "%s", TR("--receipts goes with --until-idle only"));
    }
    *ms_out = wait.ms;
    return 0;
}

static int serve(struct cli *cli) {
    struct opening opening = {.cli = cli};
    struct inbound *inbound = inbound_new();
    struct api_server *door = NULL;
    int64_t receipts_ms = 0;
    int rc = read_receipts(cli, &receipts_ms);
    const struct serve_options options = {.data_dir = cli->data_dir,
        .until_idle = cli_switch(cli, "until-idle"),
        .receipts_ms = receipts_ms,
        .opened = opened,
        .opened_arg = &opening,
        .ready = say_ready,
        .ready_arg = cli,
        .beat = beat,
        .beat_arg = &door,
        .figures = figures,
        .inbound = inbound_take,
        .inbound_arg = inbound,
        .hooks = &hook_store};
    rc = rc == 0 ? open_door(cli, &door) : rc;
    if (rc == 0) {
        rc = serve_run(&options, &cli->err);
    }
    report_runner_stop(&opening.reports);
    api_stop(&door);
    inbound_free(&inbound);
    return rc;
}

const struct cli_command cli_serve_commands[] = {
    {"serve", "", "until-idle receipts= http= tls-cert= tls-key= http-threads=", 0, 0,
        "[--until-idle [--receipts DURATION]] [--http ADDR:PORT [--tls-cert FILE --tls-key FILE] "
        "[--http-threads N]] "
        "[--clock START,xSPEED]",
        "run the campaigns; --until-idle ends when nothing is left to do, with --receipts once "
        "receipts have come or that time is over; --http opens the door "
        "for "
        "links, unsubscribing and call-backs",
        CLI_NEEDS_NOTHING, serve},
    {0},
};
