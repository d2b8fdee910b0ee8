/* lantoa: finds the command, reads its options, opens the database, runs it, prints the one error
 * there may be. */
#include "base/civil.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tr.h"
#include "cli/cli.h"
#include "store/schema.h"
#include <locale.h>
#include <pwd.h>
#include <unistd.h>

#define LOCAL_OFFSET_MIN (7 * 60)
#define EXIT_USAGE 2

static const struct cli_command *const tables[] = {cli_data_commands, cli_audience_commands,
    cli_consent_commands, cli_campaign_commands, cli_message_commands, cli_serve_commands,
    cli_http_commands, cli_cost_commands, cli_inbox_commands, cli_report_commands,
    cli_report_schedule_commands, cli_contribution_commands, cli_enrolment_commands,
    cli_target_commands, cli_approval_commands, cli_stats_commands, cli_experiment_commands,
    cli_campaign_power_commands, cli_outlet_commands, cli_material_commands, cli_airing_commands,
    cli_calendar_commands, cli_place_commands, cli_whatif_commands, cli_channel_commands,
    cli_plugin_commands};
#define TABLE_COUNT (sizeof tables / sizeof tables[0])

static const char synopsis[] =
    "[--data DIR] [--json] [--lang vi|en] [--clock START,xSPEED] [--by NAME] COMMAND";

static void print_command(FILE *out, const struct cli_command *c) {
    fprintf(out, "  lantoa %s%s%s %s\n      %s\n", c->noun, c->verb[0] ? " " : "", c->verb,
        c->usage, TR(c->help));
}

static void print_help(FILE *out, const char *noun) {
    fprintf(out, "%s lantoa %s\n\n", TR("usage:"), TR(synopsis));
    for (size_t t = 0; t < TABLE_COUNT; t++) {
        for (const struct cli_command *c = tables[t]; c->noun; c++) {
            if (!noun || strcmp(noun, c->noun) == 0) {
                print_command(out, c);
            }
        }
    }
}

/* Text for troff: a backslash or a line that begins with a dot would be taken as a command. */
static void put_man(FILE *out, const char *text) {
    for (const char *at = text; *at; at++) {
        fputs(*at == '\\' ? "\\e" : *at == '-' ? "\\-" : "", out);
        if (*at != '\\' && *at != '-') {
            fputc(*at, out);
        }
    }
}

/* The manual page lantoa(1), from the same tables as the help. */
static void print_man(FILE *out) {
    fprintf(out, ".TH LANTOA 1 \"\" \"lantoa " LANTOA_VERSION "\"\n.SH %s\n", TR("NAME"));
    fprintf(
        out, "lantoa \\- %s\n.SH %s\n.B lantoa\n", TR("campaign communications"), TR("SYNOPSIS"));
    put_man(out, TR(synopsis));
    fprintf(out, "\n.SH %s\n", TR("COMMANDS"));
    for (size_t t = 0; t < TABLE_COUNT; t++) {
        for (const struct cli_command *c = tables[t]; c->noun; c++) {
            fprintf(out, ".TP\n.B lantoa %s %s\n", c->noun, c->verb);
            put_man(out, c->usage);
            fputs("\n.br\n\\&", out);
            put_man(out, TR(c->help));
            fputc('\n', out);
        }
    }
    fprintf(out, ".SH %s\n.BR lantoa\\-channel (1)\n", TR("SEE ALSO"));
}

static bool known_noun(const char *noun) {
    for (size_t t = 0; t < TABLE_COUNT; t++) {
        for (const struct cli_command *c = tables[t]; c->noun; c++) {
            if (strcmp(noun, c->noun) == 0) {
                return true;
            }
        }
    }
    return false;
}

static const struct cli_command *find_command(const char *noun, const char *verb) {
    for (size_t t = 0; t < TABLE_COUNT; t++) {
        for (const struct cli_command *c = tables[t]; c->noun; c++) {
            if (strcmp(noun, c->noun) == 0 &&
                (!c->verb[0] || (verb && strcmp(verb, c->verb) == 0))) {
                return c;
            }
        }
    }
    return NULL;
}

/* Looks an option up in "map=* rejects= dry-run csv": 0 unknown, 1 a switch, 2 takes a value. */
static int option_form(const char *list, const char *name) {
    size_t bytes = strlen(name);
    for (const char *at = list; (at = strstr(at, name)); at += bytes) {
        bool starts = at == list || at[-1] == ' ';
        char end = at[bytes];
        if (starts && (end == '\0' || end == ' ' || end == '=')) {
            return end == '=' ? 2 : 1;
        }
    }
    return 0;
}

static const char global_options[] = "data= json lang= clock= by= help";

struct words {
    const char *word[CLI_ARGS_MAX + 2];
    size_t count;
    char *owned[CLI_OPTIONS_MAX]; /* option names cut off at '=' */
    size_t owned_count;
};

static int add_option(struct cli *cli, const char *name, const char *value) {
    if (cli->option_count == CLI_OPTIONS_MAX) {
        return base_err_set(&cli->err, LANTOA_ELIMIT, "%s", TR("too many options"));
    }
    cli->options[cli->option_count++] = (struct cli_option){name, value};
    return 0;
}

/* First pass: the words that are no options, so that the command is known; options are read as far
 * as their form does not matter. */
static bool takes_value(const char *name) {
    if (option_form(global_options, name)) {
        return option_form(global_options, name) == 2;
    }
    for (size_t t = 0; t < TABLE_COUNT; t++) {
        for (const struct cli_command *c = tables[t]; c->noun; c++) {
            if (option_form(c->options, name) == 2) {
                return true;
            }
        }
    }
    return false;
}

static int read_words(struct cli *cli, int argc, char **argv, struct words *words) {
    bool only_words = false;
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        if (only_words || strncmp(arg, "--", 2) != 0) {
            if (words->count == CLI_ARGS_MAX + 2) {
                return base_err_set(&cli->err, LANTOA_ELIMIT, "%s", TR("too many words"));
            }
            words->word[words->count++] = arg;
            continue;
        }
        if (arg[2] == '\0') {
            only_words = true;
            continue;
        }
        if (words->owned_count == CLI_OPTIONS_MAX) {
            return base_err_set(&cli->err, LANTOA_ELIMIT, "%s", TR("too many options"));
        }
        char *name = words->owned[words->owned_count++] = base_strdup(arg + 2);
        char *equals = strchr(name, '=');
        const char *value = NULL;
        if (equals) {
            *equals = '\0';
            value = equals + 1;
        } else if (takes_value(name)) {
            if (i + 1 == argc) {
                return base_err_set(&cli->err, LANTOA_EINVAL, TR("--%s needs a value"), name);
            }
            value = argv[++i];
        }
        int rc = add_option(cli, name, value);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

/* "campaign plan NAME", without blanks for what is empty; the caller frees. */
static char *usage_of(const struct cli_command *command) {
    return base_printf("%s%s%s%s%s", command->noun, command->verb[0] ? " " : "", command->verb,
        command->usage[0] ? " " : "", command->usage);
}

static int check_options(struct cli *cli, const struct cli_command *command) {
    for (size_t i = 0; i < cli->option_count; i++) {
        const char *name = cli->options[i].name;
        int form = option_form(global_options, name);
        form = form ? form : option_form(command->options, name);
        if (form == 0) {
            char *usage = usage_of(command);
            int rc = base_err_set(
                &cli->err, LANTOA_EINVAL, TR("unknown option --%s; lantoa %s"), name, usage);
            base_free(usage);
            return rc;
        }
        if (form == 1 && cli->options[i].value) {
            return base_err_set(&cli->err, LANTOA_EINVAL, TR("--%s takes no value"), name);
        }
    }
    return 0;
}

/* There is no command that could know the others. */
static int check_global_options(struct cli *cli) {
    for (size_t i = 0; i < cli->option_count; i++) {
        if (!option_form(global_options, cli->options[i].name)) {
            return base_err_set(&cli->err, LANTOA_EINVAL,
                TR("unknown option --%s; see lantoa help"), cli->options[i].name);
        }
    }
    return 0;
}

static int set_clock(struct cli *cli) {
    const char *spec = cli_option(cli, "clock");
    int64_t start;
    int64_t speed;
    if (!spec) {
        return 0;
    }
    int rc = base_clock_parse(str_from(spec), LOCAL_OFFSET_MIN, &start, &speed, &cli->err);
    if (rc == 0) {
        base_clock_simulate(start, speed);
    }
    return rc;
}

static const char *system_user(void) {
    const struct passwd *entry = getpwuid(getuid());
    return entry ? entry->pw_name : "unknown";
}

static void set_language(const struct cli *cli) {
    const char *lang = cli_option(cli, "lang");
    static const char *const names[] = {"LANTOA_LANG", "LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; !lang && i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        lang = value && *value ? value : NULL;
    }
    base_tr_set(lang && strncmp(lang, "vi", 2) == 0 ? BASE_LANG_VI : BASE_LANG_EN);
}

static int open_database(struct cli *cli) {
    char *path = base_path_join(cli->data_dir, "lantoa.db");
    int rc = 0;
    if (!base_file_exists(path)) {
        rc = base_err_set(&cli->err, LANTOA_ENOENT,
            TR("%s is no data folder of lantoa; make one with: lantoa --data %s init"),
            cli->data_dir, cli->data_dir);
    }
    if (rc == 0) {
        rc = db_open(path, 0, &cli->db, &cli->err);
    }
    if (rc == 0) {
        rc = schema_upgrade(cli->db, &cli->err);
    }
    base_free(path);
    return rc;
}

static int run_command(struct cli *cli, const struct cli_command *command) {
    int rc = check_options(cli, command);
    cli->command = command;
    if (rc == 0 && (cli->arg_count < command->least_args || cli->arg_count > command->most_args)) {
        char *usage = usage_of(command);
        rc = base_err_set(&cli->err, LANTOA_EINVAL, TR("usage: lantoa %s"), usage);
        base_free(usage);
    }
    if (rc != 0) {
        return EXIT_USAGE;
    }
    rc = set_clock(cli);
    if (rc == 0 && command->needs == CLI_NEEDS_DATABASE) {
        rc = open_database(cli);
    }
    if (rc == 0) {
        rc = command->run(cli);
    }
    db_close(&cli->db);
    return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int start(struct cli *cli, const struct words *words) {
    const struct cli_command *command =
        find_command(words->word[0], words->count > 1 ? words->word[1] : NULL);
    if (!command) {
        if (known_noun(words->word[0]) && words->count == 1) {
            base_err_set(&cli->err, LANTOA_EINVAL, TR("lantoa %s needs a verb; see lantoa help %s"),
                words->word[0], words->word[0]);
        } else if (known_noun(words->word[0])) {
            base_err_set(&cli->err, LANTOA_EINVAL,
                TR("lantoa %s has no verb \"%s\"; see lantoa help %s"), words->word[0],
                words->word[1], words->word[0]);
        } else {
            base_err_set(
                &cli->err, LANTOA_EINVAL, TR("no command \"%s\"; see lantoa help"), words->word[0]);
        }
        return EXIT_USAGE;
    }
    if (cli_switch(cli, "help")) {
        print_command(stdout, command);
        return EXIT_SUCCESS;
    }
    size_t first = command->verb[0] ? 2 : 1;
    for (size_t i = first; i < words->count && cli->arg_count < CLI_ARGS_MAX; i++) {
        cli->args[cli->arg_count++] = words->word[i];
    }
    return run_command(cli, command);
}

int main(int argc, char **argv) {
    struct cli cli = {0};
    struct words words = {0};
    int code = EXIT_USAGE;
    setlocale(LC_CTYPE, "C.UTF-8");
    int rc = read_words(&cli, argc, argv, &words);
    set_language(&cli);
    cli.json = cli_switch(&cli, "json");
    cli.data_dir = cli_option(&cli, "data");
    cli.data_dir = cli.data_dir ? cli.data_dir : getenv("LANTOA_DATA");
    cli.data_dir = cli.data_dir && *cli.data_dir ? cli.data_dir : "lantoa-data";
    cli.who = cli_option(&cli, "by") ? cli_option(&cli, "by") : system_user();
    if (rc == 0 && words.count == 0) {
        rc = check_global_options(&cli);
    }
    if (rc == 0) {
        if (words.count == 0 || strcmp(words.word[0], "help") == 0) {
            bool asked = words.count > 0 || cli_switch(&cli, "help");
            if (cli_switch(&cli, "man")) {
                print_man(stdout);
            } else {
                print_help(asked ? stdout : stderr, words.count > 1 ? words.word[1] : NULL);
            }
            code = asked ? EXIT_SUCCESS : EXIT_USAGE;
        } else {
            code = start(&cli, &words);
        }
    }
    if (code != EXIT_SUCCESS && cli.err.text[0]) {
        fprintf(stderr, "lantoa: %s\n", cli.err.text);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "lantoa: %s\n", TR("the output could not be written"));
        code = EXIT_FAILURE;
    }
    for (size_t i = 0; i < words.owned_count; i++) {
        base_free(words.owned[i]);
    }
    return code;
}
