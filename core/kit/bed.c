/* The bed: one channel on a loop of its own, in a data folder that is thrown away, and the messages
 * that were sent through it. */
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/tr.h"
#include "kit/internal.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define READY_MS 15000
#define STOP_GRACE_MS 3000
#define STOP_MS 8000
#define STEP_REF 1
#define LOG_MOST ((size_t)8 << 20)
#define DUE_MS INT64_C(1796000000000)

/* --- what comes from the channel --- */

static void keep(char *to, size_t room, struct str text) {
    size_t bytes = text.bytes < room - 1 ? text.bytes : room - 1;
    memcpy(to, text.bytes ? text.at : "", bytes);
    to[bytes] = '\0';
}

static struct kit_message *find(struct kit_bed *bed, uint64_t id) {
    return id >= 1 && id <= bed->count ? &bed->messages[id - 1] : NULL;
}

static void on_results(
    void *arg, struct channel *channel, const struct channel_result *results, size_t count) {
    struct kit_bed *bed = arg;
    for (size_t i = 0; i < count; i++) {
        struct kit_message *message = find(bed, results[i].id);
        if (!message) {
            bed->foreign++;
        } else if (message->results++ == 0) {
            bed->ended++;
            message->outcome = results[i].outcome;
            message->reason = results[i].reason;
            message->after_ms = results[i].after_ms;
            message->at_ms = base_clock_real_ms();
            keep(message->ref, sizeof(message->ref), results[i].ref);
            keep(message->detail, sizeof(message->detail), results[i].detail);
        }
        channel_ack(channel, &results[i].id, 1);
    }
}

static void on_events(
    void *arg, struct channel *channel, const struct channel_event *events, size_t count) {
    struct kit_bed *bed = arg;
    bed->events += count;
    for (size_t i = 0; i < count; i++) {
        channel_event_done(channel, events[i].token);
    }
}

static void on_recovered(void *arg, struct channel *channel, bool trusted) {
    (void)arg;
    (void)channel;
    (void)trusted;
}

/* A message that ends NOT_SENT with its host counts as ended; the case judges it. */
static void on_changed(void *arg, struct channel *channel) {
    struct kit_bed *bed = arg;
    enum channel_state state = channel_state(channel);
    if (state == CHANNEL_BACKOFF || state == CHANNEL_PARKED) {
        const char *reason = channel_parked_reason(channel);
        bed->died = true;
        if (!bed->why[0]) {
            snprintf(bed->why, sizeof(bed->why), "%s", reason ? reason : "");
        }
    }
}

static void on_hook_done(void *arg, struct channel *channel, uint64_t token, int code) {
    struct kit_bed *bed = arg;
    (void)channel;
    (void)token;
    bed->hook_code = code;
    bed->hook_answered = true;
}

/* --- loop --- */

static void on_time(struct ev_loop *loop, ev_timer *timer, int events) {
    (void)loop;
    (void)events;
    bool *over = timer->data;
    *over = true;
}

typedef bool bed_question_fn(struct kit_bed *bed);

static bool until(struct kit_bed *bed, bed_question_fn *question, int64_t ms) {
    bool over = false;
    ev_timer timer;
    ev_timer_init(&timer, on_time, (double)ms / 1000, 0);
    timer.data = &over;
    ev_now_update(bed->loop);
    ev_timer_start(bed->loop, &timer);
    bool yes;
    while (!(yes = question(bed)) && !over) {
        ev_run(bed->loop, EVRUN_ONCE);
    }
    ev_timer_stop(bed->loop, &timer);
    return yes;
}

static bool is_up(struct kit_bed *bed) {
    return bed->died || channel_state(bed->channel) == CHANNEL_READY;
}

static bool is_down(struct kit_bed *bed) {
    return channel_state(bed->channel) == CHANNEL_STOPPED;
}

static bool all_ended(struct kit_bed *bed) {
    if (bed->put < bed->count && !bed->died) {
        kit__bed_send(bed, 0);
    }
    return bed->died || bed->ended == bed->count;
}

static bool never(struct kit_bed *bed) {
    (void)bed;
    return false;
}

bool kit__bed_wait(struct kit_bed *bed, int64_t ms) {
    (void)until(bed, all_ended, ms);
    return bed->ended == bed->count;
}

void kit__bed_pass(struct kit_bed *bed, int64_t ms) {
    (void)until(bed, never, ms);
}

/* --- life --- */

int kit__bed_open(
    const struct kit_case *kase, FILE *told, struct kit_bed *bed_out, struct base_err *err) {
    const char *tmp = getenv("TMPDIR");
    *bed_out = (struct kit_bed){.kase = kase, .log_fd = memfd_create("lantoa-kit", MFD_CLOEXEC)};
    base_buf_init(&bed_out->log, LOG_MOST);
    bed_out->data_dir = base_printf("%s/lantoa-kit.XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
    bed_out->loop = ev_loop_new(EVFLAG_AUTO);
    if (!mkdtemp(bed_out->data_dir) || bed_out->log_fd < 0) {
        return base_err_set(
            err, LANTOA_EIO, TR("cannot make a folder in %s"), tmp && tmp[0] ? tmp : "/tmp");
    }
    base_log_set(BASE_LOG_DEBUG, bed_out->log_fd);
    setenv("LANTOA_DEBUG", "1", 1);
    return kase->peer == KIT_PEER_NONE
               ? 0
               : kit__peer_open(bed_out->loop, kase, 0, told, &bed_out->peer, err);
}

static void remove_tree(const char *path) {
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            char *inside = base_path_join(path, entry->d_name);
            struct stat st;
            if (lstat(inside, &st) == 0 && S_ISDIR(st.st_mode)) {
                remove_tree(inside);
            } else {
                unlink(inside);
            }
            base_free(inside);
        }
    }
    if (dir) {
        closedir(dir);
    }
    rmdir(path);
}

void kit__bed_close(struct kit_bed *bed) {
    channel_free(&bed->channel);
    kit__peer_close(&bed->peer);
    base_log_set(BASE_LOG_INFO, STDERR_FILENO);
    if (bed->log_fd >= 0) {
        close(bed->log_fd);
    }
    remove_tree(bed->data_dir);
    base_free(bed->data_dir);
    base_buf_release(&bed->log);
    base_free(bed->messages);
    ev_loop_destroy(bed->loop);
}

static int read_spec(
    const struct kit_bed *bed, int port, struct channel_spec **spec_out, struct base_err *err) {
    struct base_json *doc = NULL;
    char *text = kit__channel_text(bed->kase, port);
    int rc = base_json_parse(str_from(text), "channel", &doc, err);
    rc = rc ? rc : channel_spec_parse(doc, bed->kase->manifest, spec_out, err);
    base_json_free(&doc);
    base_free(text);
    return rc;
}

static int copy_manifest(
    const struct kit_case *kase, struct channel_manifest **manifest_out, struct base_err *err) {
    char *json = NULL;
    int rc = channel_describe(kase->plugin, &json, err);
    rc = rc ? rc : channel_manifest_parse(json, manifest_out, err);
    base_free(json);
    return rc;
}

int kit__bed_start(struct kit_bed *bed, int port, struct base_err *err) {
    static const struct channel_callbacks callbacks = {
        on_results, on_events, on_recovered, on_changed, on_hook_done};
    struct channel_spec *spec = NULL;
    struct channel_manifest *manifest = NULL;
    channel_free(&bed->channel);
    bed->died = false;
    bed->why[0] = '\0';
    int rc = read_spec(bed, port ? port : bed->peer ? kit__peer_port(bed->peer) : 0, &spec, err);
    rc = rc ? rc : copy_manifest(bed->kase, &manifest, err);
    if (rc != 0) {
        channel_spec_free(&spec);
        return rc;
    }
    bed->channel = channel_new(bed->loop, bed->data_dir, spec, manifest, &callbacks, bed);
    rc = channel_step(
        bed->channel, STEP_REF, STR("kit"), STR("check"), STR("internal"), STR(""), NULL, 0, err);
    channel_start(bed->channel);
    (void)until(bed, is_up, READY_MS);
    if (rc == 0 && (bed->died || channel_state(bed->channel) != CHANNEL_READY)) {
        rc = base_err_set(err, LANTOA_ESTATE, "%s", bed->why[0] ? bed->why : TR("not ready"));
    }
    return rc;
}

bool kit__bed_stop(struct kit_bed *bed) {
    if (!bed->channel || bed->died) {
        return false;
    }
    (void)kit__bed_log(bed);
    channel_stop(bed->channel, STOP_GRACE_MS);
    bool down = until(bed, is_down, STOP_MS);
    /* What the supervisor says when the drain was not the end. */
    struct str said = kit__bed_log(bed);
    static const char late[] = "after its drain the process";
    bool bad = said.bytes > 0 && memmem(said.at, said.bytes, late, sizeof(late) - 1);
    if (bad || !down) {
        snprintf(bed->why, sizeof(bed->why), "%s", TR("the plugin did not end in time"));
    }
    return down && !bad;
}

void kit__bed_fresh(struct kit_bed *bed) {
    bed->count = bed->ended = bed->put = bed->foreign = 0;
    bed->events = 0;
    bed->values = NULL;
}

/* --- messages --- */

/* Ids begin anew with each set, keys never. */
static void make_key(char key[static 21], uint64_t number) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    memcpy(key, "kit", 3);
    for (int i = 19; i >= 3; i--) {
        key[i] = letters[number & 31];
        number >>= 5;
    }
    key[20] = '\0';
}

static void add_messages(struct kit_bed *bed, size_t count) {
    static uint64_t number = 1000000;
    if (bed->count + count > bed->room) {
        bed->room = (bed->count + count) * 2;
        bed->messages = base_realloc(bed->messages, bed->room * sizeof(*bed->messages));
    }
    for (size_t i = 0; i < count; i++) {
        struct kit_message *message = &bed->messages[bed->count++];
        *message = (struct kit_message){.id = bed->count};
        make_key(message->key, ++number);
    }
}

static int put_message(struct kit_bed *bed, const struct kit_message *message, struct str *fields) {
    const struct kit_case *kase = bed->kase;
    for (size_t i = 0; i < kase->manifest->content_count; i++) {
        fields[i] = str_from(bed->values ? bed->values[i] : kit__content(kase, i));
    }
    struct channel_message put = {.id = message->id,
        .step_ref = STEP_REF,
        .due_ms = DUE_MS,
        .key = str_from(message->key),
        .address = str_from(kase->address),
        .name = str_from(kase->name),
        .lang = str_from(kase->lang),
        .fields = fields};
    return channel_put(bed->channel, &put);
}

void kit__bed_send(struct kit_bed *bed, size_t count) {
    add_messages(bed, count);
    struct str *fields = base_alloc_array(bed->kase->manifest->content_count + 1, sizeof(*fields));
    while (bed->put < bed->count && put_message(bed, &bed->messages[bed->put], fields) == 0) {
        bed->put++;
    }
    base_free(fields);
    channel_flush(bed->channel);
}

size_t kit__bed_count(const struct kit_bed *bed, enum lantoa_outcome outcome) {
    size_t count = 0;
    for (size_t i = 0; i < bed->count; i++) {
        count += bed->messages[i].results > 0 && bed->messages[i].outcome == outcome;
    }
    return count;
}

struct str kit__bed_log(struct kit_bed *bed) {
    char piece[4096];
    size_t from = bed->log.bytes;
    ssize_t count;
    /* Its reading and its writing share one place in the file, so it is read by offset. */
    while ((count = pread(bed->log_fd, piece, sizeof(piece), (off_t)bed->log.bytes)) > 0) {
        base_buf_add(&bed->log, piece, (size_t)count);
        if (!base_buf_ok(&bed->log)) {
            break;
        }
    }
    return str_of(bed->log.at + from, bed->log.bytes - from);
}

pid_t kit__bed_host(void) {
    char path[64], text[128];
    snprintf(path, sizeof(path), "/proc/self/task/%ld/children", syscall(SYS_gettid));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    text[count > 0 ? count : 0] = '\0';
    return (pid_t)strtol(text, NULL, 10);
}

/* --- words --- */

const char *kit__outcome_word(enum lantoa_outcome outcome) {
    switch (outcome) {
    case LANTOA_SENT:
        return "SENT";
    case LANTOA_RETRY:
        return "RETRY";
    case LANTOA_REFUSED:
        return "REFUSED";
    case LANTOA_UNKNOWN:
        return "UNKNOWN";
    case LANTOA_NOT_SENT:
        return "NOT_SENT";
    }
    return "?";
}

const char *kit__reason_word(enum lantoa_reason reason) {
    static const char *const words[] = {
#define WORD(name, value, word) [value] = (word),
        LANTOA_REASONS(WORD)
#undef WORD
    };
    size_t count = sizeof(words) / sizeof(words[0]);
    return (size_t)reason < count && words[reason] ? words[reason] : "?";
}
