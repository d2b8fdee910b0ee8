/* Makes one chosen allocation of a program fail, to prove that it ends cleanly or goes on, and
 * damages nothing.
 *
 *   LD_PRELOAD=build/release/tests/liballocfault.so LANTOA_ALLOCFAULT_AT=1200 lantoa --data DIR
 * contact import F
 *
 * Counted are malloc, calloc and realloc, from the start of main on.
 *   LANTOA_ALLOCFAULT_AT=N           the Nth returns NULL; without it nothing fails, they are only
 * counted LANTOA_ALLOCFAULT_STAYS=1        all later ones fail too LANTOA_ALLOCFAULT_COUNT_FILE=F
 * at exit the number of calls is written to F LANTOA_FAULT_PROGRAM=lantoa      only in the program
 * of that name, not in its children
 *
 * Not for programs built with AddressSanitizer, which brings its own malloc. */
#include "fault.h"

/* glibc's own names of what we stand in front of. */
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *old, size_t bytes);

static struct fault_plan plan;

__attribute__((constructor)) static void set_up(void) {
    fault_plan_init(
        &plan, "LANTOA_ALLOCFAULT_AT", "LANTOA_ALLOCFAULT_STAYS", "LANTOA_ALLOCFAULT_COUNT_FILE");
}

__attribute__((destructor)) static void report(void) {
    fault_plan_report(&plan);
}

static bool fails(void) {
    if (!fault_now(&plan)) {
        return false;
    }
    errno = ENOMEM;
    return true;
}

FAULT_EXPORT void *malloc(size_t bytes) {
    return fails() ? NULL : __libc_malloc(bytes);
}

FAULT_EXPORT void *calloc(size_t count, size_t bytes) {
    return fails() ? NULL : __libc_calloc(count, bytes);
}

FAULT_EXPORT void *realloc(void *old, size_t bytes) {
    return fails() ? NULL : __libc_realloc(old, bytes);
}
