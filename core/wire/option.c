/* Values of options: types, limits, defaults. Knows the rows of the SDK, not the structs they fill.
 */
#include "wire/option.h"
#include "base/parse.h"
#include "base/text.h"
#include "base/tr.h"

#define NAME_MOST 40
#define TEXT_MOST ((size_t)64 << 10)

bool wire_name_ok(struct str name, char joiner) {
    if (name.bytes == 0 || name.bytes > NAME_MOST || name.at[0] < 'a' || name.at[0] > 'z') {
        return false;
    }
    for (size_t i = 1; i < name.bytes; i++) {
        char c = name.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == joiner)) {
            return false;
        }
    }
    return true;
}

static int parse_wait(struct str text, int64_t *ms_out) {
    static const struct {
        struct str suffix;
        int64_t ms;
    } units[] = {{{"ms", 2}, 1}, {{"s", 1}, 1000}, {{"m", 1}, 60000}, {{"h", 1}, 3600000}};
    int64_t factor = 1;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (str_ends(text, units[i].suffix)) {
            factor = units[i].ms;
            text.bytes -= units[i].suffix.bytes;
            break;
        }
    }
    int64_t count = 0;
    if (base_parse_i64(text, &count) != 0 || count < 0 || !base_mul_i64(count, factor, ms_out)) {
        return LANTOA_EINVAL;
    }
    return 0;
}

static bool allowed(const char *choices, struct str text) {
    struct str rest = str_from(choices);
    while (rest.bytes > 0) {
        if (str_eq(str_cut(&rest, '|'), text)) {
            return true;
        }
    }
    return false;
}

static int check_limits(const struct wire_option_rule *rule, int64_t number, struct base_err *err) {
    if ((rule->least != 0 || rule->most != 0) && (number < rule->least || number > rule->most)) {
        return base_err_set(err, LANTOA_EINVAL, TR("must be between %lld and %lld"),
            (long long)rule->least, (long long)rule->most);
    }
    return 0;
}

/* A value written as text: every default, and most values of the file. */
static int read_text(const struct wire_option_rule *rule, struct str text,
    struct wire_option_value *out, struct base_err *err) {
    out->set = true;
    switch (rule->type) {
    case LANTOA_TYPE_TEXT:
    case LANTOA_TYPE_FILE:
        if (text.bytes > TEXT_MOST || !base_utf8_valid(text) || memchr(text.at, '\0', text.bytes)) {
            return base_err_set(err, LANTOA_EINVAL, TR("is too long or not valid text"));
        }
        if (text.bytes == 0 && (rule->flags & LANTOA_REQUIRED)) {
            return base_err_set(err, LANTOA_EINVAL, TR("must not be empty"));
        }
        out->text = text;
        return 0;
    case LANTOA_TYPE_CHOICE:
        if (!allowed(rule->allowed, text)) {
            return base_err_set(err, LANTOA_EINVAL, TR("must be one of %s"), rule->allowed);
        }
        out->text = text;
        return 0;
    case LANTOA_TYPE_INT:
        if (base_parse_i64(text, &out->number) != 0) {
            return base_err_set(err, LANTOA_EINVAL, TR("must be a whole number"));
        }
        return check_limits(rule, out->number, err);
    case LANTOA_TYPE_DURATION:
        if (parse_wait(text, &out->number) != 0) {
            return base_err_set(err, LANTOA_EINVAL,
                TR("must be a time such as \"500ms\", \"30s\", \"5m\" or \"2h\""));
        }
        return check_limits(rule, out->number, err);
    case LANTOA_TYPE_BOOL:
        if (base_parse_bool(text, &out->yes) != 0) {
            return base_err_set(err, LANTOA_EINVAL, TR("must be true or false"));
        }
        return 0;
    }
    return base_err_set(err, LANTOA_EINVAL, TR("has no type that this program knows"));
}

static int read_secret(const json_t *value, struct wire_option_value *out, struct base_err *err) {
    const char *file = json_string_value(json_object_get(value, "file"));
    const char *env = json_string_value(json_object_get(value, "env"));
    if (json_object_size(value) != 1 || (!file && !env)) {
        return base_err_set(
            err, LANTOA_EINVAL, TR("must be a text, {\"file\": \"path\"} or {\"env\": \"NAME\"}"));
    }
    out->set = true;
    out->from_file = file;
    out->from_env = env;
    return 0;
}

static int read_number(const struct wire_option_rule *rule, json_int_t number,
    struct wire_option_value *out, struct base_err *err) {
    if (rule->type == LANTOA_TYPE_DURATION && number < 0) {
        return base_err_set(err, LANTOA_EINVAL, TR("must not be negative"));
    }
    out->set = true;
    out->number = number;
    return check_limits(rule, number, err);
}

int wire_option_read(const struct wire_option_rule *rule, const json_t *value,
    struct wire_option_value *value_out, struct base_err *err) {
    *value_out = (struct wire_option_value){.text = {"", 0}};
    bool counts = rule->type == LANTOA_TYPE_INT || rule->type == LANTOA_TYPE_DURATION;
    if (!value || json_is_null(value)) {
        if (rule->fallback) {
            return read_text(rule, str_from(rule->fallback), value_out, err);
        }
        if (rule->flags & LANTOA_REQUIRED) {
            return base_err_set(err, LANTOA_EINVAL, TR("is missing"));
        }
        return 0;
    }
    if (json_is_object(value) && rule->type == LANTOA_TYPE_TEXT && (rule->flags & LANTOA_SECRET)) {
        return read_secret(value, value_out, err);
    }
    if (json_is_integer(value) && counts) {
        return read_number(rule, json_integer_value(value), value_out, err);
    }
    if (json_is_boolean(value) && rule->type == LANTOA_TYPE_BOOL) {
        value_out->set = true;
        value_out->yes = json_is_true(value);
        return 0;
    }
    bool as_text = rule->type != LANTOA_TYPE_INT && rule->type != LANTOA_TYPE_BOOL;
    if ((rule->flags & LANTOA_SECRET) && json_is_string(value) &&
        strcmp(json_string_value(value), WIRE_HIDDEN) == 0) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("was hidden when the channel was exported; write it, or name its place as "
               "{\"file\": "
               "...} or {\"env\": ...}"));
    }
    if (json_is_string(value) && as_text) {
        struct str text = str_of(json_string_value(value), json_string_length(value));
        return read_text(rule, text, value_out, err);
    }
    switch (rule->type) {
    case LANTOA_TYPE_INT:
        return base_err_set(err, LANTOA_EINVAL, TR("must be a whole number"));
    case LANTOA_TYPE_BOOL:
        return base_err_set(err, LANTOA_EINVAL, TR("must be true or false"));
    case LANTOA_TYPE_DURATION:
        return base_err_set(
            err, LANTOA_EINVAL, TR("must be a time such as \"500ms\", \"30s\", \"5m\" or \"2h\""));
    case LANTOA_TYPE_TEXT:
    case LANTOA_TYPE_CHOICE:
    case LANTOA_TYPE_FILE:
        break;
    }
    return base_err_set(err, LANTOA_EINVAL, TR("must be a text"));
}

int wire_option_check_rule(const struct wire_option_rule *rule, struct base_err *err) {
    if (!rule->name || !wire_name_ok(str_from(rule->name), '_')) {
        return base_err_set(err, LANTOA_EINVAL, TR("its name must be [a-z][a-z0-9_]*"));
    }
    if (rule->type < LANTOA_TYPE_TEXT || rule->type > LANTOA_TYPE_FILE) {
        return base_err_set(err, LANTOA_EINVAL, TR("has no type that this program knows"));
    }
    if (rule->type == LANTOA_TYPE_CHOICE && (!rule->allowed || !rule->allowed[0])) {
        return base_err_set(err, LANTOA_EINVAL, TR("has no list of what is allowed"));
    }
    if (rule->least > rule->most) {
        return base_err_set(err, LANTOA_EINVAL, TR("its least value is above its most"));
    }
    if (rule->fallback) {
        struct wire_option_value value;
        int code = wire_option_read(rule, NULL, &value, err);
        if (code) {
            return base_err_prefix(err, "%s", TR("its default"));
        }
    }
    return 0;
}
