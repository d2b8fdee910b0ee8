/* Options of the command at hand, and printing. */
#include "cli/cli.h"

#include "base/civil.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/tr.h"
#include <inttypes.h>
#include <stdarg.h>
#include <unistd.h>

const char *cli_option(const struct cli *cli, const char *name) {
    for (size_t i = cli->option_count; i-- > 0;) {
        if (strcmp(cli->options[i].name, name) == 0) {
            return cli->options[i].value;
        }
    }
    return NULL;
}

bool cli_switch(const struct cli *cli, const char *name) {
    for (size_t i = 0; i < cli->option_count; i++) {
        if (strcmp(cli->options[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

size_t cli_option_all(const struct cli *cli, const char *name, const char ***values_out) {
    const char **values = base_alloc_array(cli->option_count + 1, sizeof *values);
    size_t count = 0;
    for (size_t i = 0; i < cli->option_count; i++) {
        if (strcmp(cli->options[i].name, name) == 0) {
            values[count++] = cli->options[i].value;
        }
    }
    *values_out = values;
    return count;
}

int cli_option_i64(struct cli *cli, const char *name, int64_t fallback, int64_t *value_out) {
    const char *text = cli_option(cli, name);
    *value_out = fallback;
    if (text && base_parse_i64(str_from(text), value_out) != 0) {
        return base_err_set(
            &cli->err, LANTOA_EINVAL, TR("--%s %s: not a whole number"), name, text);
    }
    return 0;
}

void cli_say(const struct cli *cli, json_t *json, const char *fmt, ...) {
    if (cli->json) {
        char *text = json_dumps(json, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
        printf("%s\n", text);
        base_free(text);
    } else {
        va_list args;
        va_start(args, fmt);
        vprintf(fmt, args);
        va_end(args);
        putchar('\n');
    }
    json_decref(json);
}

void cli_table(const struct cli *cli, struct report_table *table) {
    struct base_buf out;
    base_buf_init(&out, SIZE_MAX / 2);
    report_table_write(table,
        cli->json                ? REPORT_AS_JSON
        : cli_switch(cli, "csv") ? REPORT_AS_CSV
                                 : REPORT_AS_TEXT,
        &out);
    fwrite(out.at, 1, out.bytes, stdout);
    base_buf_release(&out);
    report_table_release(table);
}

/* People here read their own time; the province's offset stands until accounts carry a zone of
 * their own. */
#define LOCAL_OFFSET_MIN (7 * 60)

json_t *cli_time(int64_t ms) {
    char text[BASE_ISO_MAX];
    if (ms == 0) {
        return json_null();
    }
    base_format_iso(ms, LOCAL_OFFSET_MIN, text);
    return json_string(text);
}

json_t *cli_str(struct str text) {
    return text.at ? json_stringn(text.at, text.bytes) : json_null();
}

/* --- imports --- */

static void show_progress(void *arg, int64_t rows, int64_t bytes, int64_t total_bytes) {
    (void)arg;
    fprintf(stderr, TR("\r%lld rows, %d %%"), (long long)rows,
        total_bytes ? (int)(100 * bytes / total_bytes) : 100);
    if (bytes >= total_bytes) {
        fputc('\n', stderr);
    }
}

void cli_import_init(const struct cli *cli, struct audience_import *import_out) {
    const char **map;
    const char **set;
    struct base_civil now = base_civil_from_ms(base_clock_now_ms(), LOCAL_OFFSET_MIN);
    *import_out = (struct audience_import){.path = cli->args[0],
        .dry_run = cli_switch(cli, "dry-run"),
        .rejects_path = cli_option(cli, "rejects"),
        .today_days = base_days_from_date((struct base_date){now.year, now.month, now.day}),
        .progress = isatty(2) ? show_progress : NULL};
    import_out->map_count = cli_option_all(cli, "map", &map);
    import_out->set_count = cli_option_all(cli, "set", &set);
    import_out->map = map;
    import_out->set = set;
}

void cli_import_release(struct audience_import *import) {
    base_free((void *)(uintptr_t)import->map);
    base_free((void *)(uintptr_t)import->set);
}

char *cli_import_tail(
    const struct audience_import *import, const struct audience_import_outcome *o) {
    bool faults = o->rejected + o->kept_with_faults > 0;
    char batch[60] = "";
    if (!import->dry_run) {
        snprintf(batch, sizeof batch, TR(" (batch %lld)"), (long long)o->batch_id);
    }
    return base_printf("%s%s", batch,
        faults && !import->rejects_path ? TR("; --rejects FILE tells which lines, and why") : "");
}

void cli_import_say(const struct cli *cli, const struct audience_import *import,
    const struct audience_import_outcome *o, json_t *more) {
    json_t *json = json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:b}", "batch",
        (json_int_t)o->batch_id, "rows", (json_int_t)o->rows, "added", (json_int_t)o->added,
        "updated", (json_int_t)o->updated, "unchanged", (json_int_t)o->unchanged, "rejected",
        (json_int_t)o->rejected, "kept_with_faults", (json_int_t)o->kept_with_faults, "dropped",
        (json_int_t)o->dropped, "dry_run", import->dry_run);
    if (more) {
        json_object_update(json, more);
    }
    char dropped[120] = "";
    if (o->dropped > 0) {
        snprintf(dropped, sizeof dropped,
            TR("; %lld of the list before are not in this one and were taken out"),
            (long long)o->dropped);
    }
    char *tail = cli_import_tail(import, o);
    cli_say(cli, json,
        TR("%s%lld rows: %lld added, %lld updated, %lld unchanged, %lld rejected, %lld kept "
           "without a bad value%s%s"),
        import->dry_run ? TR("dry run, nothing changed: ") : "", (long long)o->rows,
        (long long)o->added, (long long)o->updated, (long long)o->unchanged, (long long)o->rejected,
        (long long)o->kept_with_faults, tail, dropped);
    base_free(tail);
}
