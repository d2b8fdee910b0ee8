/* Asks a plugin whether the values of its options will do (ops->check). */
#include "base/text.h"
#include "base/tr.h"
#include "host/internal.h"

/* One readable line of what may be any bytes; values of options stand in it. */
static struct str make_line(char *text, size_t room) {
    text[room - 1] = '\0';
    for (char *at = text; *at; at++) {
        *at = (unsigned char)*at < ' ' || *at == 0x7f ? ' ' : *at;
    }
    /* A value cut within a letter must not take the rest with it. */
    for (size_t good; text[good = base_utf8_valid_bytes(str_from(text))];) {
        text[good] = '?';
    }
    return str_trim(wire_tidy(str_from(text), WIRE_WHY_MOST));
}

int host__check_options(const struct host_plugin *plugin, const struct host_config *config,
    struct lantoa_fault *fault, struct wire_checked *checked_out) {
    const struct lantoa_ops *ops = &plugin->table.ops;
    *fault = (struct lantoa_fault){.size = sizeof(*fault)};
    int code = ops->check ? ops->check(host_config_get(config), fault) : 0;
    fault->option[sizeof(fault->option) - 1] = '\0';
    struct str option = str_from(fault->option);
    *checked_out = (struct wire_checked){.code = code < 0 ? code : 0,
        .option = wire_name_ok(option, '_') ? option : STR(""),
        .why_en = make_line(fault->why_en, sizeof(fault->why_en)),
        .why_vi = make_line(fault->why_vi, sizeof(fault->why_vi))};
    return checked_out->code;
}

int host__must_be_openable(
    const struct host_plugin *plugin, const struct host_config *config, struct base_err *err) {
    struct lantoa_fault fault;
    struct wire_checked checked;
    int code = host__check_options(plugin, config, &fault, &checked);
    if (code == 0) {
        return 0;
    }
    struct str why = wire_checked_why(&checked);
    (void)base_err_set(err, code, STR_FMT, STR_ARG(why));
    return checked.option.bytes > 0 ? base_err_prefix(err, TR("option \"%s\""), fault.option)
                                    : code;
}
