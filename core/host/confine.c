/* What a plugin's process may not do: gain privileges, dump its memory (there are secrets in it),
 * eat the machine's memory. */
#include "base/mem.h"
#include "base/parse.h"
#include "base/tr.h"
#include "host/internal.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <malloc.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HOST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HOST_SANITIZED 1
#endif
#endif
#ifndef HOST_SANITIZED
#define HOST_SANITIZED 0
#endif

void host__confine(const char *name) {
    char title[16];
    snprintf(title, sizeof(title), "ch-%s", name);
    prctl(PR_SET_NAME, title);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (geteuid() == 0) {
        /* Root stays root for its own files, but nothing it starts can hold a capability again. */
        for (int cap = 0; cap <= CAP_LAST_CAP; cap++) {
            prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
        }
    }
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    umask(077);
    signal(SIGPIPE, SIG_IGN);
    /* Each thread's arena would reserve 64 MiB of address space, which the memory limit counts. */
    mallopt(M_ARENA_MAX, 1);
}

/* The user need not, and shall not, pass through the data folder: its own folder becomes the one
 * the process stands in. */
static int give_folder(char **dir_io, const struct passwd *entry, struct base_err *err) {
    if (chown(*dir_io, entry->pw_uid, entry->pw_gid) != 0 || chdir(*dir_io) != 0) {
        return base_err_set(err, LANTOA_EIO, TR("give %s to user %s: %s"), *dir_io, entry->pw_name,
            strerror(errno));
    }
    base_free(*dir_io);
    *dir_io = base_strdup(".");
    return 0;
}

int host__become(struct str user, char **state_dir_io, struct base_err *err) {
    char name[64];
    if (user.bytes == 0 || geteuid() != 0) {
        return 0;
    }
    snprintf(name, sizeof(name), STR_FMT, STR_ARG(user));
    const struct passwd *entry = getpwnam(name);
    if (!entry || entry->pw_uid == 0) {
        return base_err_set(err, LANTOA_ENOENT, TR("there is no system user %s"), name);
    }
    int code = state_dir_io ? give_folder(state_dir_io, entry, err) : 0;
    if (code) {
        return code;
    }
    if (initgroups(name, entry->pw_gid) != 0 || setgid(entry->pw_gid) != 0 ||
        setuid(entry->pw_uid) != 0 || setuid(0) == 0) {
        return base_err_set(err, LANTOA_ESTATE, TR("become user %s: %s"), name, strerror(errno));
    }
    return 0;
}

/* Field `index` of /proc/self/statm, in bytes: 0 the address space, 1 the resident part. */
static size_t statm(int index) {
    char text[128];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t count = fd >= 0 ? read(fd, text, sizeof(text)) : 0;
    if (fd >= 0) {
        close(fd);
    }
    struct str rest = str_of(text, count > 0 ? (size_t)count : 0);
    struct str field = {0};
    for (int i = 0; i <= index; i++) {
        field = str_cut(&rest, ' ');
    }
    uint64_t pages = 0;
    if (base_parse_u64(field, &pages) != 0) {
        return 0;
    }
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

size_t host__resident_bytes(void) {
    return statm(1);
}

size_t host__memory_allowed(uint32_t memory_mb) {
    /* Shadow memory and red zones come on top of what the plugin itself takes. */
    return ((size_t)memory_mb << 20) * (HOST_SANITIZED ? 10 : 1);
}

void host__limit_memory(uint32_t memory_mb) {
    if (memory_mb == 0 || HOST_SANITIZED) {
        return; /* the address sanitizer maps terabytes */
    }
    /* On top of what the program and its libraries have mapped by now. */
    rlim_t bytes = (rlim_t)statm(0) + ((rlim_t)memory_mb << 20);
    struct rlimit limit = {bytes, bytes};
    setrlimit(RLIMIT_AS, &limit);
}
