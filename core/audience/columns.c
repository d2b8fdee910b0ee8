/* Headings to fields. Order of rank: --map, then the field's own name or a known heading, then a
 * custom attribute. */
#include "audience/columns.h"

#include "audience/nearest.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"

enum { NAME_MOST = 63, KEY_MOST = 4096 };
enum { TARGET_NONE = -1, TARGET_CUSTOM = -2 };

/* What one column was found to mean. */
struct target {
    int field; /* index, or TARGET_* */
    struct str custom;
    bool mapped; /* said by --map */
};

struct build {
    const struct audience_csv *csv;
    const struct audience_import *import;
    const struct audience__column_spec *spec;
    struct audience__columns *columns;
    struct target *targets;
};

/* ---- attribute names ---- */

/* Words that an expression could not tell from an attribute. */
static const char *const reserved[] = {"all", "and", "or", "not", "in", "is", "has", "between",
    "under", "place", "segment", "consent", "got", "step", "for", "empty", "starts", "with", "age",
    "date", "enrolled", "enrolled_on", "name_key", "phone_invalid", "email_invalid"};

bool audience__attribute_valid(struct str name) {
    if (name.bytes == 0 || name.bytes > NAME_MOST || name.at[0] < 'a' || name.at[0] > 'z') {
        return false;
    }
    for (size_t i = 0; i < name.bytes; i++) {
        char c = name.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) {
            return false;
        }
    }
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (str_is(name, reserved[i])) {
            return false;
        }
    }
    return true;
}

void audience__attribute_name(struct base_buf *buf, struct str heading) {
    struct base_buf key;
    base_buf_init(&key, KEY_MOST);
    size_t start = buf->bytes;
    if (base_text_key(&key, str_of(heading.at, base_utf8_cut(heading, 512))) == 0) {
        bool gap = false;
        for (size_t i = 0; i < key.bytes && buf->bytes - start < NAME_MOST - 3; i++) {
            char c = key.at[i];
            if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) {
                gap = buf->bytes > start;
                continue;
            }
            if (buf->bytes == start && c <= '9') {
                base_buf_add_text(buf, "c_");
            }
            if (gap) {
                base_buf_add_char(buf, '_');
            }
            gap = false;
            base_buf_add_char(buf, c);
        }
    }
    base_buf_release(&key);
    if (buf->bytes > start &&
        !audience__attribute_valid(str_of(buf->at + start, buf->bytes - start))) {
        base_buf_add_char(buf, '_'); /* a word of the language: "age" becomes "age_" */
    }
}

/* ---- small helpers ---- */

static struct str own_str(struct audience__columns *columns, struct str text) {
    columns->owned =
        base_realloc(columns->owned, (columns->owned_count + 1) * sizeof(*columns->owned));
    char *copy = base_strndup(text.at, text.bytes);
    columns->owned[columns->owned_count++] = copy;
    return str_of(copy, text.bytes);
}

static bool same_folded(struct str a, struct str b) {
    struct base_buf left, right;
    base_buf_init(&left, KEY_MOST);
    base_buf_init(&right, KEY_MOST);
    bool same = base_text_key(&left, a) == 0 && base_text_key(&right, b) == 0 &&
                str_eq(base_buf_str(&left), base_buf_str(&right));
    base_buf_release(&left);
    base_buf_release(&right);
    return same;
}

static int field_by_name(const struct audience__column_spec *spec, struct str name) {
    for (size_t i = 0; i < spec->field_count; i++) {
        if (str_is(name, spec->fields[i].name)) {
            return (int)i;
        }
    }
    return TARGET_NONE;
}

/* Compares by the attribute form, so that "E-mail", "e mail" and "E_MAIL" are one. */
static int field_by_heading(const struct audience__column_spec *spec, struct str heading) {
    struct base_buf name, alias_name;
    base_buf_init(&name, KEY_MOST);
    base_buf_init(&alias_name, KEY_MOST);
    audience__attribute_name(&name, heading);
    int found = field_by_name(spec, base_buf_str(&name));
    /* Fields named like a word of the language come out with a '_' behind. */
    if (found < 0 && name.bytes > 1 && name.at[name.bytes - 1] == '_') {
        found = field_by_name(spec, str_of(name.at, name.bytes - 1));
    }
    for (size_t i = 0; found < 0 && i < spec->field_count; i++) {
        struct str aliases = str_from(spec->fields[i].aliases);
        while (found < 0 && aliases.bytes > 0) {
            base_buf_clear(&alias_name);
            audience__attribute_name(&alias_name, str_cut(&aliases, '|'));
            if (str_eq(base_buf_str(&alias_name), base_buf_str(&name))) {
                found = (int)i;
            }
        }
    }
    base_buf_release(&name);
    base_buf_release(&alias_name);
    return found;
}

static int unknown_field(
    const struct build *build, struct str name, const char *option, struct base_err *err) {
    struct audience__nearest nearest;
    audience__nearest_init(&nearest, name);
    for (size_t i = 0; i < build->spec->field_count; i++) {
        audience__nearest_offer(&nearest, str_from(build->spec->fields[i].name));
    }
    if (build->spec->custom && name.bytes > 0 && nearest.distance > 1) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("%s: \"%.*s\" cannot be the name of an attribute: use small letters a-z, digits "
               "and _, beginning with a letter, and no word of the segment language"),
            option, STR_ARG(name));
    }
    if (nearest.best.bytes) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("%s: unknown field \"%.*s\" (did you mean \"%.*s\"?)"), option, STR_ARG(name),
            STR_ARG(nearest.best));
    }
    return base_err_set(
        err, LANTOA_EINVAL, TR("%s: unknown field \"%.*s\""), option, STR_ARG(name));
}

/* ---- --map ---- */

static int column_by_heading(const struct build *build, struct str heading) {
    size_t columns = audience_csv_columns(build->csv);
    for (size_t i = 0; i < columns; i++) {
        if (str_eq(audience_csv_heading(build->csv, i), heading)) {
            return (int)i;
        }
    }
    for (size_t i = 0; i < columns; i++) {
        if (same_folded(audience_csv_heading(build->csv, i), heading)) {
            return (int)i;
        }
    }
    return -1;
}

static int unknown_heading(const struct build *build, struct str heading, struct base_err *err) {
    struct audience__nearest nearest;
    audience__nearest_init(&nearest, heading);
    for (size_t i = 0; i < audience_csv_columns(build->csv); i++) {
        audience__nearest_offer(&nearest, audience_csv_heading(build->csv, i));
    }
    if (nearest.best.bytes) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("--map: the file has no column \"%.*s\" (did you mean \"%.*s\"?)"), STR_ARG(heading),
            STR_ARG(nearest.best));
    }
    return base_err_set(
        err, LANTOA_EINVAL, TR("--map: the file has no column \"%.*s\""), STR_ARG(heading));
}

static int apply_map(struct build *build, const char *text, struct base_err *err) {
    const char *sign = strrchr(text, '=');
    if (!sign || sign == text) {
        return base_err_set(err, LANTOA_EINVAL, TR("--map %s: write it as heading=field"), text);
    }
    struct str heading = str_trim(str_of(text, (size_t)(sign - text)));
    struct str name = str_trim(str_from(sign + 1));
    int column = column_by_heading(build, heading);
    if (column < 0) {
        return unknown_heading(build, heading, err);
    }
    struct target *target = &build->targets[column];
    if (target->mapped) {
        return base_err_set(
            err, LANTOA_EINVAL, TR("--map: column \"%.*s\" is mapped twice"), STR_ARG(heading));
    }
    target->mapped = true;
    target->field = name.bytes ? field_by_name(build->spec, name) : TARGET_NONE;
    if (name.bytes && target->field < 0) {
        if (!build->spec->custom || !audience__attribute_valid(name)) {
            return unknown_field(build, name, "--map", err);
        }
        target->field = TARGET_CUSTOM;
        target->custom = own_str(build->columns, name);
    }
    return 0;
}

/* ---- columns ---- */

static void guess_target(struct build *build, size_t column) {
    struct target *target = &build->targets[column];
    struct str heading = audience_csv_heading(build->csv, column);
    target->field = TARGET_NONE;
    if (heading.bytes == 0) {
        return; /* spreadsheets like to leave empty columns at the right */
    }
    target->field = field_by_heading(build->spec, heading);
    if (target->field >= 0 || !build->spec->custom) {
        return;
    }
    struct base_buf name;
    base_buf_init(&name, KEY_MOST);
    audience__attribute_name(&name, heading);
    if (name.bytes > 0) {
        target->field = TARGET_CUSTOM;
        target->custom = own_str(build->columns, base_buf_str(&name));
    }
    base_buf_release(&name);
}

static int same_target(const struct build *build, size_t a, size_t b, struct base_err *err) {
    struct str first = audience_csv_heading(build->csv, a);
    struct str second = audience_csv_heading(build->csv, b);
    if (str_eq(first, second)) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("columns %zu and %zu have the same heading \"%.*s\""), a + 1, b + 1, STR_ARG(first));
    }
    const struct target *target = &build->targets[a];
    struct str name =
        target->field >= 0 ? str_from(build->spec->fields[target->field].name) : target->custom;
    return base_err_set(err, LANTOA_EINVAL,
        TR("columns \"%.*s\" and \"%.*s\" both mean \"%.*s\": drop one with --map \"%.*s=\""),
        STR_ARG(first), STR_ARG(second), STR_ARG(name), STR_ARG(second));
}

static int place_columns(struct build *build, struct base_err *err) {
    struct audience__columns *columns = build->columns;
    size_t count = audience_csv_columns(build->csv);
    columns->customs =
        base_alloc_array(count + build->import->set_count + 1, sizeof(*columns->customs));
    for (size_t i = 0; i < count; i++) {
        const struct target *target = &build->targets[i];
        for (size_t j = 0; j < i && target->field != TARGET_NONE; j++) {
            const struct target *other = &build->targets[j];
            if (other->field == target->field &&
                (target->field >= 0 || str_eq(other->custom, target->custom))) {
                return same_target(build, j, i, err);
            }
        }
        if (target->field >= 0) {
            columns->column_of[target->field] = (int)i;
        } else if (target->field == TARGET_CUSTOM) {
            columns->customs[columns->custom_count++] =
                (struct audience__custom){.name = target->custom,
                    .heading = audience_csv_heading(build->csv, i),
                    .column = (int)i};
        }
    }
    return 0;
}

/* ---- --set ---- */

static int apply_set(struct build *build, const char *text, struct base_err *err) {
    struct audience__columns *columns = build->columns;
    const char *sign = strchr(text, '=');
    struct str name = str_trim(str_of(text, sign ? (size_t)(sign - text) : 0));
    if (name.bytes == 0) {
        return base_err_set(err, LANTOA_EINVAL, TR("--set %s: write it as field=value"), text);
    }
    struct str value = str_trim(str_from(sign + 1));
    if (!base_utf8_valid(value)) {
        return base_err_set(err, LANTOA_EINVAL, TR("--set: the value is not valid UTF-8"));
    }
    int field = field_by_name(build->spec, name);
    bool twice = false;
    if (field >= 0) {
        twice = columns->column_of[field] >= 0 || columns->constant_of[field].bytes > 0;
        columns->constant_of[field] = own_str(columns, value);
    } else if (build->spec->custom && audience__attribute_valid(name)) {
        for (size_t i = 0; i < columns->custom_count; i++) {
            twice = twice || str_eq(columns->customs[i].name, name);
        }
        struct str owned = own_str(columns, name);
        columns->customs[columns->custom_count++] = (struct audience__custom){
            .name = owned, .heading = owned, .column = -1, .constant = own_str(columns, value)};
    } else {
        return unknown_field(build, name, "--set", err);
    }
    if (twice) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("--set %.*s: the file has this field too; drop its column with --map HEADING="),
            STR_ARG(name));
    }
    return 0;
}

int audience__columns_build(const struct audience_csv *csv, const struct audience_import *import,
    const struct audience__column_spec *spec, struct audience__columns **columns_out,
    struct base_err *err) {
    struct audience__columns *columns = base_alloc(sizeof(*columns));
    struct build build = {.csv = csv, .import = import, .spec = spec, .columns = columns};
    size_t count = audience_csv_columns(csv);
    columns->field_count = spec->field_count;
    columns->column_of = base_alloc_array(spec->field_count, sizeof(*columns->column_of));
    columns->constant_of = base_alloc_array(spec->field_count, sizeof(*columns->constant_of));
    for (size_t i = 0; i < spec->field_count; i++) {
        columns->column_of[i] = -1;
    }
    build.targets = base_alloc_array(count, sizeof(*build.targets));
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < import->map_count; i++) {
        rc = apply_map(&build, import->map[i], err);
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (!build.targets[i].mapped) {
            guess_target(&build, i);
        }
    }
    if (rc == 0) {
        rc = place_columns(&build, err);
    }
    for (size_t i = 0; rc == 0 && i < import->set_count; i++) {
        rc = apply_set(&build, import->set[i], err);
    }
    base_free(build.targets);
    if (rc) {
        audience__columns_free(&columns);
        return rc;
    }
    *columns_out = columns;
    return 0;
}

void audience__columns_free(struct audience__columns **columns) {
    struct audience__columns *own = *columns;
    if (!own) {
        return;
    }
    for (size_t i = 0; i < own->owned_count; i++) {
        base_free(own->owned[i]);
    }
    base_free(own->owned);
    base_free(own->column_of);
    base_free(own->constant_of);
    base_free(own->customs);
    base_free(own);
    *columns = NULL;
}

bool audience__columns_has(const struct audience__columns *columns, size_t field) {
    return columns->column_of[field] >= 0 || columns->constant_of[field].bytes > 0;
}

struct str audience__columns_value(
    const struct audience__columns *columns, const struct audience_csv_row *row, size_t field) {
    int column = columns->column_of[field];
    return column >= 0 ? row->fields[column] : columns->constant_of[field];
}

struct str audience__columns_heading(const struct audience__columns *columns,
    const struct audience_csv *csv, const struct audience__column_spec *spec, size_t field) {
    int column = columns->column_of[field];
    return column >= 0 ? audience_csv_heading(csv, (size_t)column)
                       : str_from(spec->fields[field].name);
}
