/* Result codes shared by the core and the plugins: 0 is success, failures are negative.
 * The table is the single source; names and texts are made from it. It only grows at the end. */
#ifndef LANTOA_ERRORS_H
#define LANTOA_ERRORS_H

/* X(name, value, English text) */
#define LANTOA_ERRORS(X)                                                                           \
    X(LANTOA_EINVAL, -1, "invalid input")                                                          \
    X(LANTOA_ENOENT, -2, "not found")                                                              \
    X(LANTOA_EEXIST, -3, "exists already")                                                         \
    X(LANTOA_EBUSY, -4, "in use")                                                                  \
    X(LANTOA_EIO, -5, "input or output failed")                                                    \
    X(LANTOA_EFULL, -6, "no space left")                                                           \
    X(LANTOA_ENOMEM, -7, "out of memory")                                                          \
    X(LANTOA_ELIMIT, -8, "over a limit")                                                           \
    X(LANTOA_EPROTO, -9, "protocol violated")                                                      \
    X(LANTOA_EVERSION, -10, "version does not fit")                                                \
    X(LANTOA_ESTATE, -11, "not possible in this state")                                            \
    X(LANTOA_EAGAIN, -12, "try again later")                                                       \
    X(LANTOA_ECORRUPT, -13, "data are damaged")                                                    \
    X(LANTOA_EDENIED, -14, "not allowed")

#define LANTOA__ERROR_ENUM(name, value, text) name = (value),
enum lantoa_error { LANTOA_OK = 0, LANTOA_ERRORS(LANTOA__ERROR_ENUM) };
#undef LANTOA__ERROR_ENUM

#if defined(__GNUC__)
#define LANTOA_MUST_CHECK __attribute__((warn_unused_result))
#define LANTOA_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define LANTOA_MUST_CHECK
#define LANTOA_PRINTF(fmt, args)
#endif

#endif
