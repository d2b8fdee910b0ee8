/* Reports: made once, written in the form that was asked for, to the terminal or to a file. */
#include "cli/report.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/tr.h"
#include "cli/cli.h"
#include "report/kept.h"
#include "report/kinds.h"
#include <unistd.h>

#define REPORT_BYTES_MAX ((size_t)1 << 30)

struct target {
    enum report_form form;
    const char *path; /* NULL: the terminal */
};

/* --xlsx F and its like, --output F, --text, --json, --csv: at most one of them. */
static int read_target(struct cli *cli, struct target *target_out) {
    static const enum report_form files[] = {REPORT_AS_XLSX, REPORT_AS_PDF, REPORT_AS_HTML};
    int given = cli->json + cli_switch(cli, "csv") + cli_switch(cli, "text");
    const char *output = cli_option(cli, "output");
    *target_out = (struct target){cli->json                ? REPORT_AS_JSON
                                  : cli_switch(cli, "csv") ? REPORT_AS_CSV
                                                           : REPORT_AS_TEXT,
        NULL};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const char *path = cli_option(cli, report_form_word(files[i]));
        if (path) {
            *target_out = (struct target){files[i], path};
            given++;
        }
    }
    if (output && given == 0) {
        target_out->path = output;
        if (!report_form_from_path(output, &target_out->form)) {
            return base_err_set(&cli->err, LANTOA_EINVAL,
                TR("--output %s: must end in .txt, .json, .csv, .xlsx, .pdf or .html"), output);
        }
    } else if (output && given == 1 && !target_out->path) {
        target_out->path = output;
    } else if (given > 1 || output) {
        return base_err_set(&cli->err, LANTOA_EINVAL, "%s", TR("one form at a time"));
    }
    return 0;
}

static int emit(struct cli *cli, const struct report *report, const struct target *target) {
    struct base_buf out;
    base_buf_init(&out, REPORT_BYTES_MAX);
    int rc = report_write(report, target->form, &out, &cli->err);
    if (rc == 0 && target->path) {
        rc = base_file_write(target->path, base_buf_str(&out), 0640, &cli->err);
        if (rc == 0 && !cli->json) {
            printf(TR("%s: %zu bytes\n"), target->path, out.bytes);
        }
    } else if (rc == 0) {
        fwrite(out.at, 1, out.bytes, stdout);
    }
    base_buf_release(&out);
    return rc;
}

int cli_report(struct cli *cli, const char *kind, const char *name,
    const struct report_option *options, size_t count) {
    struct report report;
    struct target target;
    int rc = read_target(cli, &target);
    if (rc != 0) {
        return rc;
    }
    const struct report_request request = {.db = cli->db,
        .data_dir = cli->data_dir,
        .name = name,
        .options = options,
        .option_count = count,
        .with_charts = target.form == REPORT_AS_XLSX || target.form == REPORT_AS_PDF ||
                       target.form == REPORT_AS_HTML || cli_switch(cli, "charts"),
        .main_only = target.form == REPORT_AS_CSV,
        .for_public = cli_switch(cli, "public"),
        .now_ms = base_clock_now_ms(),
        .offset_min = REPORT_LOCAL_OFFSET_MIN};
    rc = report_make(report_kind_find(kind), &request, &report, &cli->err);
    if (rc == 0) {
        rc = emit(cli, &report, &target);
        report_release(&report);
    }
    return rc;
}

static int run_kind(struct cli *cli) {
    struct report_option options[CLI_OPTIONS_MAX];
    for (size_t i = 0; i < cli->option_count; i++) {
        options[i] = (struct report_option){cli->options[i].name, cli->options[i].value};
    }
    return cli_report(
        cli, cli->command->verb, cli->arg_count ? cli->args[0] : NULL, options, cli->option_count);
}

#define COMMAND(word, named, make, own_options, usage, help)                                       \
    {"report", word, own_options CLI_REPORT_OPTIONS, named, 1, usage CLI_REPORT_USAGE, help,       \
        CLI_NEEDS_DATABASE, run_kind},

static int recount(struct cli *cli) {
    int64_t kept = 0;
    int rc = kept_drop(cli->db, &cli->err);
    rc = rc ? rc : kept_refresh(cli->db, REPORT_LOCAL_OFFSET_MIN, &kept, &cli->err);
    if (rc == 0) {
        cli_say(cli, json_pack("{s:I}", "steps", (json_int_t)kept), TR("counted anew: %lld steps"),
            (long long)kept);
    }
    return rc;
}

const struct cli_command cli_report_commands[] = {
    REPORT_KINDS(COMMAND){"report", "recount", "", 0, 0, "",
        "count the figures kept for reports anew, when doctor finds that they differ",
        CLI_NEEDS_DATABASE, recount},
    {0},
};
