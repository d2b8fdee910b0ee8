/* Telling results of `lantoa stats`. */
#include "cli/stats_say.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"
#include "stats/number.h"
#include <stdarg.h>

#define TEXT_MAX (64u << 20)
#define NAME_WIDTH 32
#define FIGURE_WIDTH 12

void stats_say_init(const struct cli *cli, double level, struct stats_say *say_out) {
    *say_out = (struct stats_say){.cli = cli,
        .rows = json_array(),
        .guards = json_array(),
        .words = json_array(),
        .level = level};
    base_buf_init(&say_out->text, TEXT_MAX);
}

/* Right-aligned in so many columns; the text may hold letters of several bytes. */
static void pad(struct base_buf *out, const char *text, size_t width) {
    for (size_t have = base_utf8_count(str_from(text)); have < width; have++) {
        base_buf_add_char(out, ' ');
    }
    base_buf_add_text(out, text);
}

static void head(struct stats_say *say) {
    if (say->text.bytes > 0) {
        return;
    }
    base_buf_printf(&say->text, "%-*s", NAME_WIDTH, "");
    pad(&say->text, TR("estimate"), FIGURE_WIDTH);
    pad(&say->text, TR("std. error"), FIGURE_WIDTH);
    pad(&say->text, TR("df"), FIGURE_WIDTH);
    char interval[64];
    snprintf(interval, sizeof interval, TR("from (%s %%)"),
        stats_number_short(say->level * 100, 4).text);
    pad(&say->text, interval, FIGURE_WIDTH + 4);
    pad(&say->text, TR("to"), FIGURE_WIDTH);
    pad(&say->text, "p", FIGURE_WIDTH);
    base_buf_add_char(&say->text, '\n');
}

static void figure(struct base_buf *out, enum stats_unit_kind kind, double value, size_t width) {
    struct stats_number number = {""};
    if (isfinite(value)) {
        number = kind == STATS_SAY_SHARE ? stats_number_fixed(value * 100, 2)
                                         : stats_number_short(value, 6);
    }
    struct base_buf cell;
    base_buf_init(&cell, sizeof number + 16);
    base_buf_printf(
        &cell, "%s%s", number.text, isfinite(value) && kind == STATS_SAY_SHARE ? " %" : "");
    pad(out, base_buf_text(&cell), width);
    base_buf_release(&cell);
}

static void p_value(struct base_buf *out, double p) {
    struct stats_number number = {""};
    if (isfinite(p)) {
        number = p < 0.0001 ? stats_number_short(p, 2) : stats_number_fixed(p, 4);
    }
    pad(out, number.text, FIGURE_WIDTH);
}

static void say_text(struct stats_say *say, const char *name, enum stats_unit_kind kind,
    const struct stats_estimate *e, const char *note) {
    struct base_buf *out = &say->text;
    head(say);
    base_buf_add_text(out, name);
    pad(out, "", NAME_WIDTH - base_utf8_count(str_from(name)) % NAME_WIDTH);
    if (note) {
        base_buf_printf(out, "  %s\n", note);
        return;
    }
    figure(out, kind, e->estimate, FIGURE_WIDTH);
    figure(out, kind, e->se, FIGURE_WIDTH);
    figure(out, STATS_SAY_NUMBER, e->df, FIGURE_WIDTH);
    figure(out, kind, e->low, FIGURE_WIDTH + 4);
    figure(out, kind, e->high, FIGURE_WIDTH);
    p_value(out, e->p);
    while (out->bytes > 0 && out->at[out->bytes - 1] == ' ') {
        out->bytes--;
    }
    base_buf_add_char(out, '\n');
}

json_t *stats_say_json(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *stats_say_row(struct stats_say *say, const char *name, enum stats_unit_kind kind, int rc,
    const struct stats_estimate *estimate, struct base_err *err) {
    struct stats_estimate none;
    stats_estimate_clear(&none);
    const struct stats_estimate *e = rc == 0 ? estimate : &none;
    const char *note = rc == 0 ? NULL : err->text;
    say_text(say, name, kind, e, note);
    json_t *row = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s?}", "name", name,
        "estimate", stats_say_json(e->estimate), "se", stats_say_json(e->se), "df",
        stats_say_json(e->df), "ci_low", stats_say_json(e->low), "ci_high", stats_say_json(e->high),
        "p", stats_say_json(e->p), "statistic", stats_say_json(e->statistic), "note", note);
    json_array_append_new(say->rows, row);
    if (rc != 0) {
        *err = (struct base_err){0};
    }
    return row;
}

json_t *stats_say_figure(
    struct stats_say *say, const char *name, enum stats_unit_kind kind, double value) {
    struct stats_estimate e;
    stats_estimate_clear(&e);
    e.estimate = value;
    return stats_say_row(say, name, kind, 0, &e, NULL);
}

void stats_say_guards(struct stats_say *say, const struct stats_facts *facts) {
    struct stats_guard guards[STATS_GUARD_KINDS];
    size_t count = stats_guards(facts, guards);
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(
            say->guards, json_pack("{s:s, s:o, s:s}", "name", stats_guard_name(guards[i].kind),
                             "value", stats_say_json(guards[i].value), "text", guards[i].text));
    }
}

void stats_say_words(struct stats_say *say, const char *fmt, ...) {
    struct base_buf buf;
    va_list args;
    char text[1024];
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    base_buf_init(&buf, sizeof text);
    base_buf_add(&buf, text, base_utf8_cut(str_from(text), sizeof text - 1));
    json_array_append_new(say->words, json_stringn(buf.at, buf.bytes));
    base_buf_release(&buf);
}

static void print_list(const json_t *list, const char *key) {
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) {
        printf("\n%s\n", json_string_value(key ? json_object_get(item, key) : item));
    }
}

int stats_say_end(struct stats_say *say, int rc) {
    if (rc == 0 && say->cli->json) {
        cli_say(say->cli,
            json_pack(
                "{s:O, s:O, s:O}", "rows", say->rows, "guards", say->guards, "words", say->words),
            "%s", "");
    } else if (rc == 0) {
        fputs(base_buf_text(&say->text), stdout);
        print_list(say->guards, "text");
        print_list(say->words, NULL);
    }
    json_decref(say->rows);
    json_decref(say->guards);
    json_decref(say->words);
    base_buf_release(&say->text);
    return rc;
}
