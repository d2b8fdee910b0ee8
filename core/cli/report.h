/* The reports, for other verbs that print one. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "cli/cli.h"
#include "report/kinds.h"

/* Makes the report and writes it as the options of the command ask. */
int cli_report(struct cli *cli, const char *kind, const char *name,
    const struct report_option *options, size_t count);

/* What every verb that prints a report takes besides its own options. */
#define CLI_REPORT_OPTIONS " csv text charts public xlsx= pdf= html= output="
#define CLI_REPORT_USAGE                                                                           \
    " [--text|--json|--csv|--xlsx F|--pdf F|--html F|--output F] [--charts] [--public]"

#endif
