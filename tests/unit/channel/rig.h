/* Drives channels with a real loop, the real lantoa-channel and real plugins, and keeps what became
 * of every message: each must end exactly once. Static, as support.h; a test program includes it
 * once. */
#ifndef TESTS_UNIT_CHANNEL_RIG_H
#define TESTS_UNIT_CHANNEL_RIG_H

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "channel/channel.h"
#include "support.h"
#include "wire/journal.h"
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define RIG_MOST 20001 /* ids are 1 ... RIG_MOST - 1 */

struct rig {
    struct ev_loop *loop;
    struct support_dir dir;
};

struct rig_channel {
    struct rig *rig;
    struct channel *channel;
    uint64_t next, last; /* ids still to be handed over: next ... last */
    size_t batch;        /* put at most so many before a flush */
    uint8_t ends[RIG_MOST];
    uint8_t outcomes[RIG_MOST];
    size_t ended, by_outcome[LANTOA_NOT_SENT + 1];
    enum channel_state seen;
    size_t recovered, ready, backoffs, parked, calls;
    bool trusted, resend; /* resend: what comes back NOT_SENT is handed over again */
    char detail[512];     /* of the last result */
    char reason[1024];    /* of the last back-off or parking */
    uint8_t *told; /* if set: outcomes by id, written before the acknowledgement, in memory that
                      outlives this process */
    size_t events;
    char event_detail[512];
};

static void rig_pump(struct rig_channel *ch) {
    static const struct str fields[8] = {{"Tiêu đề", 11}, {"Xin chào", 9}, {"", 0}, {"", 0}};
    if (channel_state(ch->channel) != CHANNEL_READY) {
        return;
    }
    if (!channel_step_known(ch->channel, 7)) {
        struct base_err err = {0};
        assert_ok(channel_step(ch->channel, 7, STR("chien-dich"), STR("thu-1"),
                      STR("state_information"), STR(""), NULL, 0, &err),
            err);
    }
    size_t count = 0;
    for (; ch->next <= ch->last && channel_room(ch->channel) > 0; ch->next++) {
        char key[32];
        snprintf(key, sizeof(key), "k%019llu", (unsigned long long)ch->next);
        struct channel_message message = {.id = ch->next,
            .step_ref = 7,
            .key = str_from(key),
            .address = STR("a@example.test"),
            .name = STR("Nguyễn Thị Hoà"),
            .lang = STR("vi"),
            .fields = fields};
        int code = channel_put(ch->channel, &message);
        if (code == LANTOA_EAGAIN) {
            break;
        }
        assert_int_equal(code, 0);
        if (ch->batch && ++count % ch->batch == 0) {
            channel_flush(ch->channel);
        }
    }
    channel_flush(ch->channel);
}

static void rig_on_results(
    void *arg, struct channel *channel, const struct channel_result *results, size_t count) {
    struct rig_channel *ch = arg;
    ch->calls++;
    for (size_t i = 0; i < count; i++) {
        uint64_t id = results[i].id;
        assert_true(id > 0 && id < RIG_MOST);
        assert_in_range(results[i].outcome, LANTOA_SENT, LANTOA_NOT_SENT);
        snprintf(ch->detail, sizeof(ch->detail), STR_FMT, STR_ARG(results[i].detail));
        ch->ends[id]++;
        ch->outcomes[id] = (uint8_t)results[i].outcome;
        ch->by_outcome[results[i].outcome]++;
        ch->ended++;
        if (ch->told) {
            ch->told[id] = (uint8_t)results[i].outcome;
        }
        channel_ack(channel, &id, 1);
    }
}

static void rig_on_events(
    void *arg, struct channel *channel, const struct channel_event *events, size_t count) {
    struct rig_channel *ch = arg;
    for (size_t i = 0; i < count; i++) {
        ch->events++;
        snprintf(ch->event_detail, sizeof(ch->event_detail), STR_FMT, STR_ARG(events[i].detail));
        channel_event_done(channel, events[i].token);
    }
}

static void rig_on_recovered(void *arg, struct channel *channel, bool trusted) {
    struct rig_channel *ch = arg;
    assert_int_equal(channel_room(channel), 0);
    ch->recovered++;
    ch->trusted = trusted;
}

static void rig_on_changed(void *arg, struct channel *channel) {
    struct rig_channel *ch = arg;
    enum channel_state state = channel_state(channel);
    const char *reason = channel_parked_reason(channel);
    if (reason) {
        snprintf(ch->reason, sizeof(ch->reason), "%s", reason);
    }
    if (state != ch->seen) {
        ch->seen = state;
        ch->ready += state == CHANNEL_READY;
        ch->backoffs += state == CHANNEL_BACKOFF;
        ch->parked += state == CHANNEL_PARKED;
    }
    rig_pump(ch);
}

static const struct channel_callbacks rig_callbacks = {
    rig_on_results, rig_on_events, rig_on_recovered, rig_on_changed, NULL};

static void rig_open(struct rig *rig) {
    rig->loop = ev_loop_new(EVFLAG_AUTO);
    support_dir_make(&rig->dir);
    char *dir = base_program_dir();
    char *program = base_printf("%s/../bin/lantoa-channel", dir);
    setenv("LANTOA_CHANNEL_PROGRAM", program, 1);
    setenv("LANTOA_TEST_BACKOFF_MS", "5", 1);
    base_free(program);
    base_free(dir);
    const char *loud = getenv("RIG_LOG");
    base_log_set(loud ? BASE_LOG_DEBUG : BASE_LOG_ERROR, 2);
}

static void rig_close(struct rig *rig) {
    ev_loop_destroy(rig->loop);
    support_dir_remove(&rig->dir);
}

/* plugins: folder beside the test program. */
SUPPORT_UNUSED static void rig_plugins(const char *folder) {
    char *dir = base_program_dir();
    char *path = base_printf("%s/%s", dir, folder);
    setenv("LANTOA_PLUGINS", path, 1);
    base_free(path);
    base_free(dir);
}

static void rig_spec(
    const char *json, struct channel_spec **spec_out, struct channel_manifest **manifest_out) {
    struct base_err err = {0};
    struct base_json *doc = NULL;
    assert_ok(base_json_parse(str_from(json), "test.json", &doc, &err), err);
    const char *plugin = json_string_value(json_object_get(base_json_root(doc), "plugin"));
    char *text = NULL;
    assert_ok(channel_describe(plugin, &text, &err), err);
    assert_ok(channel_manifest_parse(text, manifest_out, &err), err);
    assert_ok(channel_spec_parse(doc, *manifest_out, spec_out, &err), err);
    base_free(text);
    base_json_free(&doc);
}

/* "outbox" lives in ../plugins, the bad ones in plugins. */
static struct rig_channel *rig_new(struct rig *rig, const char *json) {
    bool good = strstr(json, "\"outbox\"") != NULL;
    rig_plugins(good ? "../plugins" : "plugins");
    struct rig_channel *ch = base_alloc(sizeof(*ch));
    struct channel_spec *spec = NULL;
    struct channel_manifest *manifest = NULL;
    rig_spec(json, &spec, &manifest);
    ch->rig = rig;
    ch->next = 1;
    ch->seen = CHANNEL_STOPPED;
    ch->channel = channel_new(rig->loop, rig->dir.path, spec, manifest, &rig_callbacks, ch);
    return ch;
}

SUPPORT_UNUSED static struct rig_channel *rig_start(struct rig *rig, const char *json) {
    struct rig_channel *ch = rig_new(rig, json);
    channel_start(ch->channel);
    return ch;
}

SUPPORT_UNUSED static void rig_free(struct rig_channel **ch) {
    channel_free(&(*ch)->channel);
    base_free(*ch);
    *ch = NULL;
}

static void rig_tick(struct ev_loop *loop, ev_timer *timer, int events) {
    (void)loop;
    (void)timer;
    (void)events;
}

/* Runs the loop until the condition holds; the test fails after 30 s. */
#define RIG_UNTIL(rig, condition)                                                                  \
    do {                                                                                           \
        int64_t rig_until = base_clock_real_ms() + 30000;                                          \
        ev_timer rig_timer;                                                                        \
        ev_timer_init(&rig_timer, rig_tick, 0.005, 0.005);                                         \
        ev_timer_start((rig)->loop, &rig_timer);                                                   \
        while (!(condition)) {                                                                     \
            if (base_clock_real_ms() > rig_until) {                                                \
                fail_msg("not after 30 s: %s", #condition);                                        \
            }                                                                                      \
            ev_run((rig)->loop, EVRUN_ONCE);                                                       \
        }                                                                                          \
        ev_timer_stop((rig)->loop, &rig_timer);                                                    \
    } while (0)

/* Hands over `count` more messages, as room comes. */
SUPPORT_UNUSED static void rig_send(struct rig_channel *ch, size_t count) {
    ch->last += count;
    assert_true(ch->last < RIG_MOST);
    rig_pump(ch);
}

/* Every message handed over ended exactly once. */
SUPPORT_UNUSED static void rig_check_once(const struct rig_channel *ch) {
    for (uint64_t id = 1; id < ch->next; id++) {
        if (ch->ends[id] != 1) {
            fail_msg("message %llu ended %d times", (unsigned long long)id, ch->ends[id]);
        }
    }
    assert_int_equal(ch->ended, ch->next - 1);
    assert_int_equal(channel_outstanding(ch->channel), 0);
}

SUPPORT_UNUSED static void rig_stop(struct rig_channel *ch) {
    channel_stop(ch->channel, 5000);
    RIG_UNTIL(ch->rig, channel_state(ch->channel) == CHANNEL_STOPPED);
}

/* The host process of the channel NAME, from its journal (0: none runs), and how many messages are
 * between began and ended. */
SUPPORT_UNUSED static pid_t rig_host_began(
    const struct rig *rig, const char *name, size_t *began_out) {
    char *path = base_printf("%s/channel/%s.journal", rig->dir.path, name);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    base_free(path);
    struct wire_journal *journal = NULL;
    struct base_err err = {0};
    pid_t pid = 0;
    *began_out = 0;
    if (fd >= 0 && wire_journal_map(fd, &journal, &err) == 0) {
        pid = wire_journal_host(journal);
        for (uint32_t slot = 0; slot < wire_journal_slots(journal); slot++) {
            struct wire_result result;
            *began_out += wire_slot_read(journal, slot, &result) == WIRE_SLOT_BEGAN;
        }
        wire_journal_unmap(&journal);
    }
    if (fd >= 0) {
        close(fd);
    }
    return pid;
}

SUPPORT_UNUSED static pid_t rig_host(const struct rig *rig, const char *name) {
    size_t began;
    return rig_host_began(rig, name, &began);
}

/* Whether the outbox has the file of message id. */
SUPPORT_UNUSED static bool rig_written(const struct rig *rig, const char *sub, uint64_t id) {
    char *path = base_printf(
        "%s/%s/chien-dich/thu-1/k%019llu.txt", rig->dir.path, sub, (unsigned long long)id);
    bool there = base_file_exists(path);
    base_free(path);
    return there;
}

/* Files in dir/sub that do not begin with a dot. */
SUPPORT_UNUSED static size_t rig_files(const struct rig *rig, const char *sub) {
    char *path = base_path_join(rig->dir.path, sub);
    DIR *dir = opendir(path);
    size_t count = 0;
    for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
        count += entry->d_name[0] != '.';
    }
    if (dir) {
        closedir(dir);
    }
    base_free(path);
    return count;
}

#endif
