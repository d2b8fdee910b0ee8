/* The mapped slot file. Knows slots and processes; not why a message was sent or what its result
 * means to anybody. */
#include "wire/journal.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/text.h"
#include "base/tr.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "lantoaj1"
#define VERSION 1
#define HEAD_BYTES 4096
#define SLOT_BYTES 768

struct head {
    char magic[8];
    uint32_t version, slot_bytes, slots;
    char boot_id[40]; /* NUL-terminated */
    _Atomic int64_t host_pid, host_started;
};

/* State and id share a cache line with the fixed part; the texts come behind. */
struct slot {
    _Atomic uint32_t state;
    uint8_t outcome, reason;
    uint16_t ref_bytes, detail_bytes;
    uint64_t id;
    int64_t after_ms;
    char ref[WIRE_REF_MOST];
    char detail[WIRE_DETAIL_MOST];
};
_Static_assert(sizeof(struct head) <= HEAD_BYTES, "the head has a page");
_Static_assert(sizeof(struct slot) <= SLOT_BYTES, "a slot has its place");
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "two processes share the state");

struct wire_journal {
    struct head *head;
    char *slots; /* behind the head */
    uint32_t count;
    size_t bytes;
};

static struct slot *slot_at(const struct wire_journal *journal, uint32_t slot) {
    BASE_ASSERT(slot < journal->count);
    return (struct slot *)(void *)(journal->slots + (size_t)slot * SLOT_BYTES);
}

/* A small file of /proc, without its line end. */
static bool read_text(const char *path, char *text, size_t room) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t count = read(fd, text, room - 1);
    close(fd);
    if (count <= 0) {
        return false;
    }
    text[count] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return true;
}

static void boot_id(char out[static 40]) {
    memset(out, 0, 40);
    if (!read_text("/proc/sys/kernel/random/boot_id", out, 40)) {
        snprintf(out, 40, "unknown");
    }
}

/* When a process started, in clock ticks after boot: field 22 of /proc/PID/stat. 0 when there is
 * none. */
static int64_t started(pid_t pid) {
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (!read_text(path, text, sizeof(text))) {
        return 0;
    }
    const char *at = strrchr(text, ')');
    if (!at) {
        return 0;
    }
    struct str rest = str_from(at + 2);
    struct str state = str_cut(&rest, ' ');
    if (str_is(state, "Z") || str_is(state, "X")) {
        return 0;
    }
    struct str field = {0};
    for (int i = 4; i <= 22; i++) {
        field = str_cut(&rest, ' ');
    }
    int64_t ticks = 0;
    return base_parse_i64(field, &ticks) == 0 ? ticks : 0;
}

int wire_journal_format(int fd, uint32_t slots, struct base_err *err) {
    BASE_ASSERT(slots > 0 && slots <= WIRE_JOURNAL_SLOTS_MOST);
    off_t bytes = HEAD_BYTES + (off_t)slots * SLOT_BYTES;
    /* Every block now: a store into a mapped hole on a full disk would be a SIGBUS later. */
    int failed = ftruncate(fd, 0) != 0 ? errno : posix_fallocate(fd, 0, bytes);
    if (failed) {
        return base_err_set(err, failed == ENOSPC ? LANTOA_EFULL : LANTOA_EIO,
            TR("make the channel's journal: %s"), strerror(failed));
    }
    struct head head = {.version = VERSION, .slot_bytes = SLOT_BYTES, .slots = slots};
    memcpy(head.magic, MAGIC, sizeof(head.magic));
    boot_id(head.boot_id);
    if (pwrite(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head)) {
        return base_err_set(err, LANTOA_EIO, TR("make the channel's journal: %s"), strerror(errno));
    }
    return 0;
}

static int check_head(const struct head *head, off_t bytes, struct base_err *err) {
    if (memcmp(head->magic, MAGIC, sizeof(head->magic)) != 0 || head->version != VERSION ||
        head->slot_bytes != SLOT_BYTES || head->slots == 0 ||
        head->slots > WIRE_JOURNAL_SLOTS_MOST ||
        bytes != HEAD_BYTES + (off_t)head->slots * SLOT_BYTES) {
        return base_err_set(err, LANTOA_ECORRUPT, TR("the channel's journal is damaged"));
    }
    char now[40];
    boot_id(now);
    if (memcmp(head->boot_id, now, sizeof(now)) != 0) {
        return base_err_set(err, LANTOA_ESTATE,
            TR("the machine was started anew after the channel's journal was written"));
    }
    return 0;
}

int wire_journal_map(int fd, struct wire_journal **journal_out, struct base_err *err) {
    struct stat file;
    if (fstat(fd, &file) != 0) {
        return base_err_set(err, LANTOA_EIO, TR("read the channel's journal: %s"), strerror(errno));
    }
    if (file.st_size < HEAD_BYTES) {
        return base_err_set(err, LANTOA_ECORRUPT, TR("the channel's journal is damaged"));
    }
    size_t bytes = (size_t)file.st_size;
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) {
        return base_err_set(err, LANTOA_EIO, TR("read the channel's journal: %s"), strerror(errno));
    }
    int code = check_head(at, file.st_size, err);
    if (code) {
        munmap(at, bytes);
        return code;
    }
    struct wire_journal *journal = base_alloc(sizeof(*journal));
    journal->head = at;
    journal->slots = (char *)at + HEAD_BYTES;
    journal->count = journal->head->slots;
    journal->bytes = bytes;
    *journal_out = journal;
    return 0;
}

void wire_journal_unmap(struct wire_journal **journal) {
    if (*journal) {
        munmap((*journal)->head, (*journal)->bytes);
        base_free(*journal);
        *journal = NULL;
    }
}

uint32_t wire_journal_slots(const struct wire_journal *journal) {
    return journal->count;
}

void wire_journal_set_host(struct wire_journal *journal, pid_t pid) {
    atomic_store(&journal->head->host_started, started(pid));
    atomic_store(&journal->head->host_pid, (int64_t)pid);
}

pid_t wire_journal_host(const struct wire_journal *journal) {
    int64_t pid = atomic_load(&journal->head->host_pid);
    int64_t since = atomic_load(&journal->head->host_started);
    if (pid <= 1 || pid > INT32_MAX || since == 0 || started((pid_t)pid) != since) {
        return 0;
    }
    return (pid_t)pid;
}

void wire_slot_hold(struct wire_journal *journal, uint32_t slot, uint64_t id) {
    struct slot *at = slot_at(journal, slot);
    at->id = id;
    at->ref_bytes = at->detail_bytes = 0;
    atomic_store_explicit(&at->state, WIRE_SLOT_HELD, memory_order_release);
}

bool wire_slot_begin(struct wire_journal *journal, uint32_t slot, uint64_t id) {
    struct slot *at = slot_at(journal, slot);
    if (at->id != id || atomic_load_explicit(&at->state, memory_order_acquire) != WIRE_SLOT_HELD) {
        return false;
    }
    atomic_store_explicit(&at->state, WIRE_SLOT_BEGAN, memory_order_release);
    return true;
}

bool wire_slot_end(struct wire_journal *journal, uint32_t slot, const struct wire_result *result) {
    struct slot *at = slot_at(journal, slot);
    uint32_t state = atomic_load_explicit(&at->state, memory_order_acquire);
    if (at->id != result->id || (state != WIRE_SLOT_HELD && state != WIRE_SLOT_BEGAN)) {
        return false;
    }
    BASE_ASSERT(result->ref.bytes <= WIRE_REF_MOST && result->detail.bytes <= WIRE_DETAIL_MOST);
    at->outcome = (uint8_t)result->outcome;
    at->reason = (uint8_t)result->reason;
    at->after_ms = result->after_ms;
    at->ref_bytes = (uint16_t)result->ref.bytes;
    at->detail_bytes = (uint16_t)result->detail.bytes;
    memcpy(at->ref, result->ref.at, result->ref.bytes);
    memcpy(at->detail, result->detail.at, result->detail.bytes);
    atomic_store_explicit(&at->state, WIRE_SLOT_ENDED, memory_order_release);
    return true;
}

void wire_slot_free(struct wire_journal *journal, uint32_t slot) {
    atomic_store_explicit(&slot_at(journal, slot)->state, WIRE_SLOT_FREE, memory_order_release);
}

bool wire_slot_is_held(const struct wire_journal *journal, uint32_t slot, uint64_t id) {
    const struct slot *at = slot_at(journal, slot);
    return atomic_load_explicit(&at->state, memory_order_acquire) == WIRE_SLOT_HELD && at->id == id;
}

enum wire_slot_state wire_slot_read(
    const struct wire_journal *journal, uint32_t slot, struct wire_result *result_out) {
    const struct slot *at = slot_at(journal, slot);
    uint32_t state = atomic_load_explicit(&at->state, memory_order_acquire);
    *result_out =
        (struct wire_result){.id = at->id, .slot = slot, .ref = {"", 0}, .detail = {"", 0}};
    if (state == WIRE_SLOT_FREE || state == WIRE_SLOT_HELD) {
        return (enum wire_slot_state)state;
    }
    bool sound = state == WIRE_SLOT_ENDED && at->outcome >= LANTOA_SENT &&
                 at->outcome <= LANTOA_NOT_SENT && at->reason <= LANTOA_REASON_OTHER &&
                 at->ref_bytes <= WIRE_REF_MOST && at->detail_bytes <= WIRE_DETAIL_MOST &&
                 at->after_ms >= 0;
    if (!sound) {
        return WIRE_SLOT_BEGAN;
    }
    result_out->outcome = (enum lantoa_outcome)at->outcome;
    result_out->reason = (enum lantoa_reason)at->reason;
    result_out->after_ms = at->after_ms;
    result_out->ref = wire_tidy(str_of(at->ref, at->ref_bytes), WIRE_REF_MOST);
    result_out->detail = wire_tidy(str_of(at->detail, at->detail_bytes), WIRE_DETAIL_MOST);
    return WIRE_SLOT_ENDED;
}
