/* Readers of paths of touches and of games. The whole file is read before the first credit is
 * given, for the channels must be known by then. */
#include "cli/stats_read.h"

#include "base/parse.h"
#include "base/tr.h"
#include <math.h>
#include <string.h>

#define TOUCHES_MAX 10000000
#define PATH_MAX_TOUCHES 10000

enum { A_PATH, A_CONVERSIONS, A_NULLS, A_VALUE, A_DAYS, A_FIELDS };
static const struct stats_field path_fields[A_FIELDS] = {
    {"path", true}, {"conversions", true}, {"nulls", false}, {"value", false}, {"days", false}};

struct path {
    size_t first, count;
    double conversions, nulls, value, day;
    int64_t line;
};
struct paths {
    struct stats_touch *touches;
    size_t touch_count, touch_room;
    struct path *paths;
    size_t count;
};

static bool next_part(struct str *rest, bool *more, struct str *part_out) {
    if (!*more) {
        return false;
    }
    *more = memchr(rest->at ? rest->at : "", '>', rest->bytes) != NULL;
    *part_out = str_trim(str_cut(rest, '>'));
    return true;
}

static int read_touches(
    struct stats_sheet *sheet, struct stats_names *channels, struct paths *all, struct path *path) {
    struct str rest = stats_sheet_text(sheet, A_PATH);
    struct str part;
    bool more = rest.bytes > 0; /* an empty path: conversions without a touch */
    while (next_part(&rest, &more, &part)) {
        if (part.bytes == 0) {
            return stats_sheet_fault(sheet, A_PATH, "%s", TR("a touch without a channel"));
        }
        if (path->count >= PATH_MAX_TOUCHES || all->touch_count >= TOUCHES_MAX) {
            return stats_sheet_fault(sheet, A_PATH, TR("more than %d touches"), PATH_MAX_TOUCHES);
        }
        if (all->touch_count == all->touch_room) {
            all->touch_room = all->touch_room ? all->touch_room * 2 : 4096;
            all->touches = base_realloc(all->touches, all->touch_room * sizeof *all->touches);
        }
        uint32_t channel = stats_names_add(channels, part);
        if (channel >= STATS_CHANNELS_MAX) {
            return stats_sheet_fault(
                sheet, A_PATH, TR("more than %d channels"), STATS_CHANNELS_MAX);
        }
        all->touches[all->touch_count++] = (struct stats_touch){channel, 0};
        path->count++;
    }
    return 0;
}

/* One day per touch, and perhaps one more: that of the conversion. */
static int read_days(struct stats_sheet *sheet, struct paths *all, struct path *path) {
    struct str rest = stats_sheet_text(sheet, A_DAYS);
    struct str part;
    bool more = rest.bytes > 0;
    size_t count = 0;
    double before = -(double)INFINITY;
    if (!stats_sheet_has(sheet, A_DAYS) || (path->count == 0 && !more)) {
        return 0;
    }
    while (next_part(&rest, &more, &part)) {
        double day;
        if (stats_parse_f64(part, &day) != 0 || !(fabs(day) <= 1e9)) {
            return stats_sheet_fault(sheet, A_DAYS, "%s", TR("days are numbers, as in 0>5>12"));
        }
        if (day < before) {
            return stats_sheet_fault(sheet, A_DAYS, "%s", TR("the days must not fall"));
        }
        if (count < path->count && all->touches) {
            all->touches[path->first + count].day = day;
        }
        before = path->day = day;
        count++;
    }
    if (count != path->count && count != path->count + 1) {
        return stats_sheet_fault(sheet, A_DAYS,
            TR("%zu days for %zu touches: one for each, and perhaps that of the conversion"), count,
            path->count);
    }
    return 0;
}

static int read_path(struct stats_sheet *sheet, struct stats_names *channels, struct paths *all) {
    struct path path = {.first = all->touch_count, .line = sheet->row.line};
    int rc = stats_sheet_number(sheet, A_CONVERSIONS, 0, &path.conversions);
    rc = rc ? rc : stats_sheet_number(sheet, A_NULLS, 0, &path.nulls);
    rc = rc ? rc : stats_sheet_number(sheet, A_VALUE, 0, &path.value);
    if (rc == 0 && (path.conversions < 0 || path.nulls < 0 || path.value < 0)) {
        rc = stats_sheet_fault(sheet,
            path.conversions < 0 ? A_CONVERSIONS
            : path.nulls < 0     ? A_NULLS
                                 : A_VALUE,
            "%s", TR("must not be below 0"));
    }
    rc = rc ? rc : read_touches(sheet, channels, all, &path);
    rc = rc ? rc : read_days(sheet, all, &path);
    if (rc == 0) {
        all->paths[all->count++] = path;
    }
    return rc;
}

/* Windows per channel; below 0: none. */
static int read_windows(const struct stats_paths_options *options,
    const struct stats_names *channels, bool days, double *windows, struct base_err *err) {
    for (size_t i = 0; i < channels->count; i++) {
        windows[i] = -1;
    }
    if (options->window_count > 0 && !days) {
        return base_err_set(
            err, LANTOA_EINVAL, "%s", TR("--window needs the column days in the file"));
    }
    for (size_t w = 0; w < options->window_count; w++) {
        struct str right = str_from(options->windows[w]);
        bool one = memchr(right.at, '=', right.bytes) != NULL;
        struct str left = one ? str_trim(str_cut(&right, '=')) : STR("");
        double value;
        if (stats_parse_f64(str_trim(right), &value) != 0 || value < 0) {
            return base_err_set(
                err, LANTOA_EINVAL, TR("--window %s: DAYS or CHANNEL=DAYS"), options->windows[w]);
        }
        for (size_t i = 0; i < channels->count; i++) {
            if (!one || str_is(left, channels->name[i])) {
                windows[i] = value;
            }
        }
    }
    return 0;
}

static int feed(struct stats_sheet *sheet, const struct stats_paths_options *options,
    struct paths *all, struct stats_paths_file *out) {
    size_t channels = out->channels.count;
    double *windows = base_alloc_array(channels + 1, sizeof *windows);
    int rc =
        read_windows(options, &out->channels, stats_sheet_has(sheet, A_DAYS), windows, sheet->err);
    rc = rc ? rc
            : stats_credit_new(
                  channels, options->models, options->half_life, &out->credit, sheet->err);
    for (size_t i = 0; rc == 0 && i < all->count; i++) {
        struct path *p = &all->paths[i];
        struct stats_touch *touches = p->count > 0 ? all->touches + p->first : NULL;
        size_t count = stats_credit_window(touches, p->count, p->day, windows, channels);
        struct stats_path path = {touches, count, p->conversions, p->nulls, p->value};
        rc = stats_credit_add(out->credit, &path, sheet->err);
        if (rc != 0) {
            base_err_prefix(sheet->err, "%s:%lld", sheet->path, (long long)p->line);
        }
    }
    base_free(windows);
    return rc;
}

int stats_read_paths(struct stats_source *source, const struct stats_paths_options *options,
    struct stats_paths_file *out, struct base_err *err) {
    struct stats_sheet sheet;
    struct paths all = {0};
    *out = (struct stats_paths_file){0};
    int rc = stats_sheet_open(source->csv, source->path, path_fields, A_FIELDS, source->map,
        source->map_count, &sheet, err);
    if (rc == 0) {
        all.paths = base_alloc_array((size_t)audience_csv_rows(sheet.csv) + 1, sizeof *all.paths);
    }
    while (rc == 0 && (rc = stats_sheet_next(&sheet)) == 1) {
        rc = read_path(&sheet, &out->channels, &all);
    }
    rc = rc ? rc : feed(&sheet, options, &all, out);
    base_free(all.touches);
    base_free(all.paths);
    stats_sheet_close(&sheet);
    return rc;
}

void stats_paths_file_release(struct stats_paths_file *file) {
    stats_names_release(&file->channels);
    stats_credit_free(&file->credit);
}

enum { G_COALITION, G_VALUE, G_FIELDS };
static const struct stats_field game_fields[G_FIELDS] = {{"coalition", true}, {"value", true}};

static int read_coalition(struct stats_sheet *sheet, struct stats_game_file *out, bool *given) {
    struct str rest = stats_sheet_text(sheet, G_COALITION);
    struct str part;
    double value;
    bool more = rest.bytes > 0;
    size_t set = 0;
    int rc = stats_sheet_number(sheet, G_VALUE, 0, &value);
    while (rc == 0 && next_part(&rest, &more, &part)) {
        uint32_t channel = stats_names_add(&out->channels, part);
        if (channel >= STATS_SHAPLEY_MAX) {
            return stats_sheet_fault(
                sheet, G_COALITION, TR("more than %d channels"), STATS_SHAPLEY_MAX);
        }
        set |= (size_t)1 << channel;
    }
    if (rc == 0 && given[set]) {
        rc = stats_sheet_fault(sheet, G_COALITION, "%s", TR("the same coalition stands twice"));
    }
    if (rc == 0) {
        given[set] = true;
        out->values[set] = value;
    }
    return rc;
}

int stats_read_game(
    struct stats_source *source, struct stats_game_file *out, struct base_err *err) {
    struct stats_sheet sheet;
    const size_t most = (size_t)1 << STATS_SHAPLEY_MAX;
    bool *given = base_alloc_array(most, sizeof *given);
    *out = (struct stats_game_file){.values = base_alloc_array(most, sizeof(double))};
    int rc = stats_sheet_open(source->csv, source->path, game_fields, G_FIELDS, source->map,
        source->map_count, &sheet, err);
    while (rc == 0 && (rc = stats_sheet_next(&sheet)) == 1) {
        rc = read_coalition(&sheet, out, given);
    }
    /* The empty coalition is worth 0 unless the file says otherwise. */
    for (size_t set = 1; rc == 0 && set < (size_t)1 << out->channels.count; set++) {
        if (!given[set]) {
            rc = base_err_set(err, LANTOA_EINVAL,
                TR("%s: %d channels make %d coalitions; not all are there"), source->path,
                (int)out->channels.count, (1 << (int)out->channels.count) - 1);
        }
    }
    base_free(given);
    stats_sheet_close(&sheet);
    return rc;
}

void stats_game_file_release(struct stats_game_file *file) {
    stats_names_release(&file->channels);
    base_free(file->values);
    file->values = NULL;
}
