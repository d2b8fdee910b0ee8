/* One option of a channel file against its row in the plugin: the same check in the core (which
 * names the line) and in the host (which fills the plugin's struct). Reads no files; a secret given
 * by reference is returned as the reference. */
#ifndef WIRE_OPTION_H
#define WIRE_OPTION_H

#include "base/err.h"
#include "base/str.h"
#include <jansson.h>
#include <lantoa/option.h>

/* What stands for a secret where a channel is shown. */
#define WIRE_HIDDEN "***"

struct wire_option_rule {
    const char *name;
    enum lantoa_option_type type;
    unsigned flags;
    const char *fallback, *allowed;
    int64_t least, most;
};

struct wire_option_value {
    bool set;              /* false: absent, and no default */
    struct str text;       /* TEXT, CHOICE, FILE; BORROWED from the JSON value or the rule */
    int64_t number;        /* INT, DURATION (ms) */
    bool yes;              /* BOOL */
    const char *from_file; /* a secret as {"file": ...}; BORROWED */
    const char *from_env;  /* a secret as {"env": ...}; BORROWED */
};

/* value NULL: absent from the file. The error text does not name the option: the caller knows where
 * it stood. */
int wire_option_read(const struct wire_option_rule *rule, const json_t *value,
    struct wire_option_value *value_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Checks a row itself, its name, type and default: what a plugin's author may have got wrong. */
int wire_option_check_rule(
    const struct wire_option_rule *rule, struct base_err *err) LANTOA_MUST_CHECK;
/* True for [a-z][a-z0-9_]* of at most 40 characters; with dashes instead of underscores when
 * `dashes`. */
bool wire_name_ok(struct str name, char joiner);

#endif
