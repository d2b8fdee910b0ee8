/* The options of a plugin: one row each. A row gives the check of the channel file, the manual and
 * the console's form.
 *
 *     struct my_config { const char *host; int64_t port; bool verify; int64_t timeout_ms; };
 *     static const struct lantoa_option options[] = {
 *         LANTOA_OPTION_TEXT(struct my_config, host, "127.0.0.1", LANTOA_REQUIRED,
 *             "Server name or address", "Tên hoặc địa chỉ máy chủ"),
 *         LANTOA_OPTION_INT(struct my_config, port, "25", 1, 65535, 0, "Port", "Cổng"),
 *         ...
 *     };
 *
 * The host fills the struct before open(); texts stay valid until the next reconfigure() has
 * returned, or until close().
 * A wrong C type for a row does not compile. */
#ifndef LANTOA_OPTION_H
#define LANTOA_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum lantoa_option_type {
    LANTOA_TYPE_TEXT = 1, /* const char *, UTF-8; NULL when absent and without default */
    LANTOA_TYPE_INT,      /* int64_t */
    LANTOA_TYPE_BOOL,     /* bool */
    LANTOA_TYPE_CHOICE,   /* const char *, one of `allowed` ("a|b|c") */
    LANTOA_TYPE_DURATION, /* int64_t milliseconds; written as 500, "500ms", "30s", "5m", "2h" */
    /* const char *, a path; a relative one is read from the data folder. Absolute when the plugin
     * sees it */
    LANTOA_TYPE_FILE,
};

enum lantoa_option_flags {
    LANTOA_REQUIRED = 1,
    /* never shown, logged or exported; may be given as {"file": "path"} or {"env": "NAME"} */
    LANTOA_SECRET = 2,
    /* may change by reconfigure(); a change of any other option restarts the host */
    LANTOA_LIVE = 4,
    /* the sender that people see; rules of sending may demand a brand name there */
    LANTOA_SENDER = 8,
    /* how fast and with how many connections, nothing that people receive or that costs: an
     * approval given before a change still holds */
    LANTOA_PACE = 16,
};

struct lantoa_option {
    const char *name; /* [a-z][a-z0-9_]*, at most 40 letters; no two alike */
    enum lantoa_option_type type;
    unsigned flags;
    size_t offset;                 /* into the plugin's config struct */
    const char *fallback;          /* default as text, NULL: none */
    int64_t least, most;           /* for INT and DURATION (ms); both 0: no limit */
    const char *allowed;           /* for CHOICE */
    const char *help_en, *help_vi; /* a line for staff; both, please */
};

/* Yields offsetof(T, member), and compiles only if the member has exactly type C. */
/* NOLINTNEXTLINE(bugprone-macro-parentheses): C is a type */
#define LANTOA__OFFSET(T, member, C) (offsetof(T, member) + _Generic(((T *)0)->member, C : 0))

#define LANTOA__OPTION(T, member, C, kind, initial, low, high, choices, bits, en, vi)              \
    {                                                                                              \
        .name = #member, .type = (kind), .flags = (bits), .offset = LANTOA__OFFSET(T, member, C),  \
        .fallback = (initial), .least = (low), .most = (high), .allowed = (choices),               \
        .help_en = (en), .help_vi = (vi)                                                           \
    }

#define LANTOA_OPTION_TEXT(T, member, initial, bits, en, vi)                                       \
    LANTOA__OPTION(T, member, const char *, LANTOA_TYPE_TEXT, initial, 0, 0, 0, bits, en, vi)
#define LANTOA_OPTION_INT(T, member, initial, low, high, bits, en, vi)                             \
    LANTOA__OPTION(T, member, int64_t, LANTOA_TYPE_INT, initial, low, high, 0, bits, en, vi)
#define LANTOA_OPTION_BOOL(T, member, initial, bits, en, vi)                                       \
    LANTOA__OPTION(T, member, bool, LANTOA_TYPE_BOOL, initial, 0, 0, 0, bits, en, vi)
#define LANTOA_OPTION_CHOICE(T, member, initial, choices, bits, en, vi)                            \
    LANTOA__OPTION(                                                                                \
        T, member, const char *, LANTOA_TYPE_CHOICE, initial, 0, 0, choices, bits, en, vi)
#define LANTOA_OPTION_DURATION(T, member, initial, low, high, bits, en, vi)                        \
    LANTOA__OPTION(T, member, int64_t, LANTOA_TYPE_DURATION, initial, low, high, 0, bits, en, vi)
#define LANTOA_OPTION_FILE(T, member, initial, bits, en, vi)                                       \
    LANTOA__OPTION(T, member, const char *, LANTOA_TYPE_FILE, initial, 0, 0, 0, bits, en, vi)

#endif
