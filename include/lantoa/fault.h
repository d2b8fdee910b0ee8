/* What ops->check (since 1.6) finds wrong with the values of the options. */
#ifndef LANTOA_FAULT_H
#define LANTOA_FAULT_H

#include "errors.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

/* One fault, for staff who wrote the channel file. They are shown the text of their language behind
 * the option's name and its line, so the texts name neither; never the value of a secret. UTF-8. */
struct lantoa_fault {
    size_t size;     /* sizeof(struct lantoa_fault) of the host */
    char option[48]; /* the name of the option at fault; "": of the options as a whole */
    char why_en[480], why_vi[480];
};

/* Fills a fault; returns LANTOA_EINVAL. Both texts are printf formats that take the same values in
 * the same order. What does not fit is cut, so give values a precision: "\"%.100s\" is no address".
 */
LANTOA_PRINTF(3, 5)
LANTOA_PRINTF(4, 5)
static inline int lantoa_fault_set(
    struct lantoa_fault *fault, const char *option, const char *en, const char *vi, ...) {
    va_list values, again;
    va_start(values, vi);
    va_copy(again, values);
    snprintf(fault->option, sizeof(fault->option), "%s", option);
    vsnprintf(fault->why_en, sizeof(fault->why_en), en, values);
    vsnprintf(fault->why_vi, sizeof(fault->why_vi), vi, again);
    va_end(again);
    va_end(values);
    return LANTOA_EINVAL;
}

#endif
