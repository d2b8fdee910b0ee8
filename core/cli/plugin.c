/* The verbs for plugin authors: a new plugin from the template, and the kit. */
#include "base/file.h"
#include "base/mem.h"
#include "base/tr.h"
#include "cli/cli.h"
#include "kit/kit.h"
#include <unistd.h>

#define NAME_MOST 40
#define TEMPLATE_MOST ((size_t)1 << 20)
#define BENCH_USUAL 20000

/* --- plugin new --- */

/* [a-z][a-z0-9-]*; ident_out is the same with '_' for '-'. */
static bool read_name(const char *name, char ident_out[static NAME_MOST + 1]) {
    size_t bytes = strlen(name);
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    if (bytes == 0 || bytes > NAME_MOST || strspn(name, letters) != bytes || name[0] < 'a') {
        return false;
    }
    for (size_t i = 0; i <= bytes; i++) {
        ident_out[i] = name[i];
        if (name[i] == '-') {
            ident_out[i] = '_';
        }
    }
    return true;
}

static void fill_in(struct str text, const char *name, const char *ident, struct base_buf *out) {
    while (text.bytes > 0) {
        if (str_starts(text, STR("@NAME@"))) {
            base_buf_add_text(out, name);
            text = str_of(text.at + 6, text.bytes - 6);
        } else if (str_starts(text, STR("@IDENT@"))) {
            base_buf_add_text(out, ident);
            text = str_of(text.at + 7, text.bytes - 7);
        } else {
            base_buf_add_char(out, *text.at);
            text = str_of(text.at + 1, text.bytes - 1);
        }
    }
}

struct place {
    const char *from; /* a file of the template */
    const char *to;   /* NULL: NAME.c */
};
static const struct place places[] = {{"plugin.c.in", NULL},
    {"CMakeLists.txt.in", "CMakeLists.txt"}, {"Makefile.in", "Makefile"},
    {"README.md.in", "README.md"}, {"case.json.in", "case.json"},
    {"channel.json.in", "channel.json"}, {"gitignore.in", ".gitignore"}};

static int write_one(struct cli *cli, const struct place *place, const char *dir, const char *name,
    const char *ident) {
    struct base_buf text, filled;
    base_buf_init(&text, TEMPLATE_MOST);
    base_buf_init(&filled, TEMPLATE_MOST);
    char *share = base_printf("plugin/%s", place->from), *own = base_printf("%s.c", name);
    char *from = base_share_path(share);
    char *to = base_path_join(dir, place->to ? place->to : own);
    int rc = from ? base_file_read(from, TEMPLATE_MOST, &text, &cli->err)
                  : base_err_set(&cli->err, LANTOA_ENOENT,
                        TR("%s is not where this program looks for it: ../share/lantoa"), share);
    if (rc == 0) {
        fill_in(base_buf_str(&text), name, ident, &filled);
        rc = base_file_write(to, base_buf_str(&filled), 0644, &cli->err);
    }
    base_free(share);
    base_free(own);
    base_free(from);
    base_free(to);
    base_buf_release(&text);
    base_buf_release(&filled);
    return rc;
}

static int plugin_new(struct cli *cli) {
    const char *name = cli->args[0], *parent = cli_option(cli, "dir");
    char ident[NAME_MOST + 1];
    if (!read_name(name, ident)) {
        return base_err_set(&cli->err, LANTOA_EINVAL,
            TR("%s: a plugin's name is [a-z][a-z0-9-]*, at most %d letters"), name, NAME_MOST);
    }
    char *dir = base_path_join(parent ? parent : ".", name);
    int rc = base_file_exists(dir)
                 ? base_err_set(&cli->err, LANTOA_EEXIST, TR("%s is there already"), dir)
                 : base_dir_make(dir, 0755, &cli->err);
    for (size_t i = 0; rc == 0 && i < sizeof(places) / sizeof(places[0]); i++) {
        rc = write_one(cli, &places[i], dir, name, ident);
    }
    if (rc == 0) {
        cli_say(cli, json_pack("{s:s,s:s}", "plugin", name, "dir", dir),
            TR("%s: a channel that works. Next:\n  cd %s && make && lantoa plugin run %s.so --with "
               "case.json"),
            dir, dir, name);
    }
    base_free(dir);
    return rc;
}

/* --- the kit --- */

static int load(struct cli *cli, struct kit_case **case_out) {
    return kit_case_load(cli->args[0], cli_option(cli, "with"), case_out, &cli->err);
}

struct told {
    struct cli *cli;
    json_t *rows;
    size_t counts[4];
};

static const char *const verdict_words[] = {
    [KIT_PASS] = "pass", [KIT_FAIL] = "FAIL", [KIT_WARN] = "warn", [KIT_SKIP] = "skip"};

static void tell(void *arg, enum kit_verdict verdict, const char *check, const char *text) {
    struct told *told = arg;
    told->counts[verdict]++;
    if (told->cli->json) {
        json_array_append_new(told->rows, json_pack("{s:s,s:s,s:s}", "check", check, "verdict",
                                              verdict_words[verdict], "text", text));
    } else {
        printf("%s  %-18s %s\n", verdict_words[verdict], check, text);
        fflush(stdout);
    }
}

static int plugin_check(struct cli *cli) {
    struct kit_case *kase = NULL;
    struct told told = {.cli = cli, .rows = json_array()};
    int rc = load(cli, &kase);
    rc = rc ? rc : kit_check(kase, cli_option(cli, "only"), tell, &told, &cli->err);
    if (rc == 0) {
        json_int_t passed = (json_int_t)told.counts[KIT_PASS],
                   failed = (json_int_t)told.counts[KIT_FAIL],
                   warned = (json_int_t)told.counts[KIT_WARN],
                   skipped = (json_int_t)told.counts[KIT_SKIP];
        cli_say(cli,
            json_pack("{s:I,s:I,s:I,s:I,s:O}", "passed", passed, "failed", failed, "warned", warned,
                "skipped", skipped, "rows", told.rows),
            TR("%lld passed, %lld failed, %lld to think about, %lld left out"), (long long)passed,
            (long long)failed, (long long)warned, (long long)skipped);
        rc = failed
                 ? base_err_set(&cli->err, LANTOA_EINVAL, TR("%s does not conform"), cli->args[0])
                 : 0;
    }
    json_decref(told.rows);
    kit_case_free(&kase);
    return rc;
}

static int plugin_run(struct cli *cli) {
    struct kit_case *kase = NULL;
    int rc = load(cli, &kase);
    rc = rc ? rc : kit_run(kase, stdout, &cli->err);
    kit_case_free(&kase);
    return rc;
}

static int plugin_bench(struct cli *cli) {
    struct kit_case *kase = NULL;
    struct kit_bench bench;
    int64_t messages = BENCH_USUAL;
    int rc = cli_option_i64(cli, "messages", BENCH_USUAL, &messages);
    rc = rc ? rc : load(cli, &kase);
    rc = rc ? rc : kit_bench(kase, messages, &bench, &cli->err);
    if (rc == 0) {
        double seconds = (double)(bench.ms > 0 ? bench.ms : 1) / 1000;
        double cpu_us = (double)bench.host_cpu_us / (double)bench.messages;
        cli_say(cli,
            json_pack("{s:I,s:I,s:I,s:f,s:f,s:I}", "messages", (json_int_t)bench.messages, "sent",
                (json_int_t)bench.sent, "ms", (json_int_t)bench.ms, "per_second",
                (double)bench.messages / seconds, "cpu_us_each", cpu_us, "resident_bytes",
                (json_int_t)bench.resident_bytes),
            TR("%lld messages, %lld SENT, in %.2f s: %.0f a second; the host used %.1f us of "
               "processor each and holds %.1f MiB"),
            (long long)bench.messages, (long long)bench.sent, seconds,
            (double)bench.messages / seconds, cpu_us, (double)bench.resident_bytes / (1 << 20));
    }
    kit_case_free(&kase);
    return rc;
}

static int plugin_peer(struct cli *cli) {
    const char *listen = cli_option(cli, "listen");
    struct kit_case *kase = NULL;
    int rc = load(cli, &kase);
    rc = rc ? rc : kit_peer(kase, listen ? listen : "127.0.0.1:0", stdout, &cli->err);
    kit_case_free(&kase);
    return rc;
}

const struct cli_command cli_plugin_commands[] = {
    {"plugin", "new", "dir=", 1, 1, "NAME [--dir DIR]",
        "a working channel plugin of its own, with build files, a case and a channel file",
        CLI_NEEDS_NOTHING, plugin_new},
    {"plugin", "check", "with= only=", 1, 1, "FILE.so|FILE.json [--with CASE.json] [--only CHECK]",
        "the list of conformance, and a peer that throttles, times out, repeats, reorders, hangs "
        "up "
        "and lies",
        CLI_NEEDS_NOTHING, plugin_check},
    {"plugin", "run", "with=", 1, 1, "FILE.so|FILE.json [--with CASE.json]",
        "send one message and print all that happens to it, without secrets", CLI_NEEDS_NOTHING,
        plugin_run},
    {"plugin", "bench", "with= messages=", 1, 1,
        "FILE.so|FILE.json [--with CASE.json] [--messages N]",
        "messages a second, processor time and memory of the channel's process", CLI_NEEDS_NOTHING,
        plugin_bench},
    {"plugin", "peer", "with= listen=", 1, 1,
        "FILE.so|FILE.json --with CASE.json [--listen 127.0.0.1:PORT]",
        "the case's peer alone, to send to by hand; prints what it gets", CLI_NEEDS_NOTHING,
        plugin_peer},
    {0},
};
