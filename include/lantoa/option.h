/* The options of a plugin: one row each. A row gives the check of the channel file, the manual and the console's form.
 *
 *     struct my_config { const char *host; int64_t port; bool verify; int64_t timeout_ms; };
 *     static const struct lantoa_option options[] = {
 *         LANTOA_OPTION_TEXT(struct my_config, host, "127.0.0.1", LANTOA_REQUIRED, "Server name or address", "Tên hoặc địa chỉ máy chủ"),
 *         LANTOA_OPTION_INT(struct my_config, port, "25", 1, 65535, 0, "Port", "Cổng"),
 *         ...
 *     };
 *
 * The host fills the struct before open(); texts stay valid until the next reconfigure() has returned, or until close().
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
    LANTOA_TYPE_FILE,     /* const char *, a path; a relative one is read from the data folder. Absolute when the plugin sees it */
};

enum lantoa_option_flags {
    LANTOA_REQUIRED = 1,
    LANTOA_SECRET = 2, /* never shown, logged or exported; may be given as {"file": "path"} or {"env": "NAME"} */
    LANTOA_LIVE = 4,   /* may change by reconfigure(); a change of any other option restarts the host */
};

struct lantoa_option {
    const char *name;             /* [a-z][a-z0-9_]* */
    enum lantoa_option_type type;
    unsigned flags;
    size_t offset;                /* into the plugin's config struct */
    const char *fallback;         /* default as text, NULL: none */
    int64_t least, most;          /* for INT and DURATION (ms); both 0: no limit */
    const char *allowed;          /* for CHOICE */
    const char *help_en, *help_vi;
};

/* Yields offsetof(T, member), and compiles only if the member has exactly type C. */
#define LANTOA__OFFSET(T, member, C) (offsetof(T, member) + 0 * sizeof(_Generic(((T *)0)->member, C: 1)))

#define LANTOA_OPTION_TEXT(T, member, fallback, flags, en, vi)                                     \
    {#member, LANTOA_TYPE_TEXT, flags, LANTOA__OFFSET(T, member, const char *), fallback, 0, 0, 0, en, vi}
#define LANTOA_OPTION_INT(T, member, fallback, least, most, flags, en, vi)                         \
    {#member, LANTOA_TYPE_INT, flags, LANTOA__OFFSET(T, member, int64_t), fallback, least, most, 0, en, vi}
#define LANTOA_OPTION_BOOL(T, member, fallback, flags, en, vi)                                     \
    {#member, LANTOA_TYPE_BOOL, flags, LANTOA__OFFSET(T, member, bool), fallback, 0, 0, 0, en, vi}
#define LANTOA_OPTION_CHOICE(T, member, fallback, allowed, flags, en, vi)                          \
    {#member, LANTOA_TYPE_CHOICE, flags, LANTOA__OFFSET(T, member, const char *), fallback, 0, 0, allowed, en, vi}
#define LANTOA_OPTION_DURATION(T, member, fallback, least, most, flags, en, vi)                    \
    {#member, LANTOA_TYPE_DURATION, flags, LANTOA__OFFSET(T, member, int64_t), fallback, least, most, 0, en, vi}
#define LANTOA_OPTION_FILE(T, member, fallback, flags, en, vi)                                     \
    {#member, LANTOA_TYPE_FILE, flags, LANTOA__OFFSET(T, member, const char *), fallback, 0, 0, 0, en, vi}

#endif
