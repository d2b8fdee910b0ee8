/* The list of conformance: what every plugin must keep to, whatever it speaks. */
#include "base/clock.h"
#include "base/text.h"
#include "base/tr.h"
#include "channel/quote.h"
#include "kit/internal.h"
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#define BATCH 60
#define SOME 20
#define MEMORY_FIRST 300
#define MEMORY_MORE 1500
/* Under a sanitizer freed memory is kept for a while. */
#if defined(__SANITIZE_ADDRESS__)
#define MEMORY_MOST ((int64_t)400 << 20)
#else
#define MEMORY_MOST ((int64_t)4 << 20)
#endif
#define LONG_BYTES 20000
#define QUIET_MS 200
#define DEAD_MS 5000

void kit__say(const struct kit_report *report, enum kit_verdict verdict, const char *check,
    const char *fmt, ...) {
    struct base_buf text;
    va_list args;
    char line[1024];
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    base_buf_init(&text, sizeof(line) + 1);
    base_buf_add(&text, line, base_utf8_valid_bytes(str_from(line)));
    kit__hide(report->kase, &text);
    report->say(report->arg, verdict, check, base_buf_text(&text));
    base_buf_release(&text);
}

struct checking {
    struct kit_report *report;
    struct kit_bed bed;
    bool sends; /* one message was SENT in good conditions */
};

/* --- tables --- */

static bool looks_secret(const char *name) {
    static const char *const words[] = {"password", "secret", "token", "api_key"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strstr(name, words[i])) {
            return true;
        }
    }
    return false;
}

static void check_tables(struct checking *c) {
    const struct channel_manifest *m = c->report->kase->manifest;
    size_t mute = !m->help_en[0] || !m->help_vi[0];
    const char *open = NULL;
    for (size_t i = 0; i < m->option_count; i++) {
        mute += !m->options[i].help_en[0] || !m->options[i].help_vi[0];
        open = !(m->options[i].flags & LANTOA_SECRET) && looks_secret(m->options[i].name)
                   ? m->options[i].name
                   : open;
    }
    for (size_t i = 0; i < m->content_count; i++) {
        mute += !m->content[i].help_en[0] || !m->content[i].help_vi[0];
    }
    kit__say(c->report, KIT_PASS, "tables", TR("%s %s: %zu options, %zu content fields"), m->name,
        m->version, m->option_count, m->content_count);
    if (mute > 0) {
        kit__say(c->report, KIT_WARN, "help",
            TR("%zu of its help texts are missing in English or Vietnamese"), mute);
    } else {
        kit__say(c->report, KIT_PASS, "help", "%s", TR("every row explains itself"));
    }
    if (open) {
        kit__say(c->report, KIT_WARN, "secrets-marked",
            TR("option %s looks like a secret and is not marked LANTOA_SECRET"), open);
    } else {
        kit__say(c->report, KIT_PASS, "secrets-marked", "%s", TR("no option looks like one"));
    }
    if ((m->capabilities & LANTOA_CAN_RECEIPT) == 0 && m->hooks) {
        kit__say(c->report, KIT_WARN, "capabilities", "%s",
            TR("it takes call-backs, but does not say that it gives receipts"));
    }
}

/* --- a bed for one check --- */

static bool start(struct checking *c, const char *check, enum kit_mood mood) {
    struct base_err err = {0};
    kit__bed_fresh(&c->bed);
    if (c->bed.peer) {
        kit__peer_mood(c->bed.peer, mood);
    }
    if (kit__bed_start(&c->bed, 0, &err) != 0) {
        kit__say(c->report, KIT_FAIL, check, TR("it does not start: %s"), err.text);
        return false;
    }
    return true;
}

/* Says what is wrong with the ends of the messages, and whether nothing was. */
static bool ends_well(struct checking *c, const char *check, int64_t ms) {
    bool all = kit__bed_wait(&c->bed, ms);
    kit__bed_pass(&c->bed, KIT_AFTER_MS);
    if (c->bed.died) {
        kit__say(c->report, KIT_FAIL, check, TR("the host died: %s"), c->bed.why);
    } else if (!all) {
        kit__say(c->report, KIT_FAIL, check, TR("%zu of %zu messages have no result after %lld ms"),
            c->bed.count - c->bed.ended, c->bed.count, (long long)ms);
    }
    return all && !c->bed.died;
}

static void check_open(struct checking *c) {
    if (!start(c, "open", KIT_GOOD)) {
        return;
    }
    kit__bed_pass(&c->bed, QUIET_MS);
    if (c->bed.died) {
        kit__say(c->report, KIT_FAIL, "open", TR("the host died: %s"), c->bed.why);
        return;
    }
    kit__say(c->report, KIT_PASS, "open", "%s", TR("opens and stays"));
    bool ended = kit__bed_stop(&c->bed);
    kit__say(c->report, ended ? KIT_PASS : KIT_FAIL, "close", "%s",
        ended ? TR("ends when it is asked to") : c->bed.why);
}

static void check_one(struct checking *c) {
    if (!start(c, "one", KIT_GOOD)) {
        return;
    }
    kit__bed_send(&c->bed, 1);
    if (!ends_well(c, "one", c->report->kase->patience_ms)) {
        c->bed.died = true; /* without one message there is nothing more to see */
        return;
    }
    const struct kit_message *message = &c->bed.messages[0];
    c->sends = message->outcome == LANTOA_SENT;
    bool must = c->report->kase->peer != KIT_PEER_NONE;
    kit__say(c->report, c->sends || !must ? KIT_PASS : KIT_FAIL, "one",
        TR("one message: %s%s%s%s%s"), kit__outcome_word(message->outcome),
        message->ref[0] ? ", ref " : "", message->ref, message->detail[0] ? ": " : "",
        message->detail);
}

static void check_batch(struct checking *c) {
    if (!start(c, "batch", KIT_GOOD)) {
        return;
    }
    kit__bed_send(&c->bed, BATCH);
    if (!ends_well(c, "batch", c->report->kase->patience_ms + DEAD_MS)) {
        return;
    }
    size_t sent = kit__bed_count(&c->bed, LANTOA_SENT);
    bool well = !c->sends || sent == BATCH;
    kit__say(c->report, well ? KIT_PASS : KIT_FAIL, "batch",
        TR("%d messages: one result each, %zu SENT"), BATCH, sent);
}

/* --- content --- */

struct odd {
    const char *name;
    const char *text;
    unsigned not_with; /* lantoa_content_flags that forbid it */
};

static const struct odd odds[] = {
    {"letters", "Tiếng Việt có dấu: Đặng Thị Huệ, ơ\xcc\x83 😀 \xe2\x80\x8b", 0},
    {"signs", "\"quotes\" 'and' \\back\\slashes %s %n {{name}} <b>&amp;</b> $HOME `id` ;", 0},
    {"lines", "a\r\nX-Injected: yes\r\n\r\nGET / HTTP/1.1\r\n.\r\nQUIT\r\n",
        LANTOA_CONTENT_SINGLE_LINE},
    {"empty", "", LANTOA_CONTENT_REQUIRED},
};

/* Sends the case's message with one row changed. */
static bool send_odd(struct checking *c, const char **values, size_t row, const char *text) {
    values[row] = text;
    c->bed.values = values;
    kit__bed_send(&c->bed, 1);
    bool well = ends_well(c, "content", c->report->kase->patience_ms);
    values[row] = kit__content(c->report->kase, row);
    return well;
}

static bool send_odds(struct checking *c, const char **values, size_t row) {
    const struct channel_content *content = &c->report->kase->manifest->content[row];
    size_t most = content->most_bytes ? content->most_bytes : LONG_BYTES;
    most = most < ((size_t)1 << 20) ? most : (size_t)1 << 20;
    bool well = true;
    for (size_t i = 0; well && i < sizeof(odds) / sizeof(odds[0]); i++) {
        bool fits = strlen(odds[i].text) <= most && (content->flags & odds[i].not_with) == 0;
        well = !fits || send_odd(c, values, row, odds[i].text);
    }
    char *longest = base_alloc(most + 1);
    memset(longest, 'x', most);
    well = well && send_odd(c, values, row, longest);
    base_free(longest);
    return well;
}

static void check_content(struct checking *c) {
    const struct channel_manifest *m = c->report->kase->manifest;
    if (m->content_count == 0 || !start(c, "content", KIT_GOOD)) {
        return;
    }
    const char **values = base_alloc_array(m->content_count, sizeof(*values));
    bool well = true;
    for (size_t row = 0; row < m->content_count; row++) {
        values[row] = kit__content(c->report->kase, row);
    }
    for (size_t row = 0; well && row < m->content_count; row++) {
        well = send_odds(c, values, row);
    }
    size_t malformed =
        c->report->kase->peer == KIT_PEER_HTTP ? kit__peer_malformed(c->bed.peer) : 0;
    if (malformed > 0) {
        kit__say(c->report, KIT_FAIL, "content",
            TR("%zu requests were no HTTP: content went where it does not belong"), malformed);
    } else if (well) {
        kit__say(c->report, KIT_PASS, "content",
            TR("%zu odd texts: long, empty, letters, signs, line ends"), c->bed.count);
    }
    c->bed.values = NULL;
    base_free(values);
}

/* --- ends that are not the usual ones --- */

static void check_cancel(struct checking *c) {
    if (!start(c, "cancel", KIT_LATE)) {
        return;
    }
    kit__bed_send(&c->bed, BATCH);
    kit__bed_pass(&c->bed, 20);
    channel_cancel(c->bed.channel, 0);
    if (ends_well(c, "cancel", c->report->kase->patience_ms + DEAD_MS)) {
        kit__say(c->report, KIT_PASS, "cancel", TR("%zu came back, %zu went on to their end"),
            kit__bed_count(&c->bed, LANTOA_NOT_SENT),
            c->bed.count - kit__bed_count(&c->bed, LANTOA_NOT_SENT));
    }
}

static void check_drain(struct checking *c) {
    if (!start(c, "drain", KIT_LATE)) {
        return;
    }
    kit__bed_send(&c->bed, SOME);
    kit__bed_pass(&c->bed, 20);
    if (!kit__bed_stop(&c->bed)) {
        kit__say(c->report, KIT_FAIL, "drain", "%s", c->bed.why);
    } else if (c->bed.ended != c->bed.count) {
        kit__say(c->report, KIT_FAIL, "drain", TR("%zu of %zu messages have no result"),
            c->bed.count - c->bed.ended, c->bed.count);
    } else {
        kit__say(c->report, KIT_PASS, "drain", TR("what had begun ended: %zu SENT, %zu given back"),
            kit__bed_count(&c->bed, LANTOA_SENT), kit__bed_count(&c->bed, LANTOA_NOT_SENT));
    }
}

/* The process dies in the middle; the next one must come up with what it left behind. */
static void check_killed(struct checking *c) {
    if (!start(c, "killed", KIT_LATE)) {
        return;
    }
    kit__bed_send(&c->bed, SOME);
    kit__bed_pass(&c->bed, 100);
    pid_t host = kit__bed_host();
    if (host > 0) {
        kill(host, SIGKILL);
    }
    (void)kit__bed_wait(&c->bed, DEAD_MS);
    size_t ended = c->bed.ended, unknown = kit__bed_count(&c->bed, LANTOA_UNKNOWN);
    if (!start(c, "killed", KIT_GOOD)) {
        return;
    }
    kit__bed_send(&c->bed, 1);
    if (ends_well(c, "killed", c->report->kase->patience_ms)) {
        bool well = ended == SOME && (!c->sends || c->bed.messages[0].outcome == LANTOA_SENT);
        kit__say(c->report, well ? KIT_PASS : KIT_FAIL, "killed",
            TR("killed with %d messages: %zu uncertain, and it starts again"), SOME, unknown);
    }
}

static int reread(struct checking *c, struct base_err *err) {
    const struct channel_manifest *old = c->report->kase->manifest;
    struct channel_manifest *manifest = NULL;
    struct channel_spec *spec = NULL;
    struct base_json *doc = NULL;
    char *json = NULL;
    char *text = kit__channel_text(c->report->kase, c->bed.peer ? kit__peer_port(c->bed.peer) : 0);
    int rc = channel_describe(old->name, &json, err);
    rc = rc ? rc : channel_manifest_parse(json, &manifest, err);
    rc = rc ? rc : base_json_parse(str_from(text), "channel", &doc, err);
    rc = rc ? rc : channel_spec_parse(doc, manifest, &spec, err);
    if (rc == 0) {
        /* A window of its own is news, though no option changes: the plugin gets its new struct. */
        spec->window = spec->window > 1 ? spec->window - 1 : 1;
        channel_reconfigure(c->bed.channel, spec, manifest);
    } else {
        channel_manifest_free(&manifest);
    }
    base_json_free(&doc);
    base_free(json);
    base_free(text);
    return rc;
}

static void check_live(struct checking *c) {
    struct base_err err = {0};
    if (!c->report->kase->manifest->reconfigures) {
        kit__say(c->report, KIT_SKIP, "reconfigure", "%s", TR("it has no live options"));
        return;
    }
    if (!start(c, "reconfigure", KIT_LATE)) {
        return;
    }
    kit__bed_send(&c->bed, SOME);
    kit__bed_pass(&c->bed, 20);
    if (reread(c, &err) != 0) {
        kit__say(c->report, KIT_FAIL, "reconfigure", "%s", err.text);
        return;
    }
    kit__bed_pass(&c->bed, 20);
    kit__bed_send(&c->bed, SOME);
    if (ends_well(c, "reconfigure", c->report->kase->patience_ms + DEAD_MS)) {
        kit__say(c->report, KIT_PASS, "reconfigure", "%s", TR("takes new options while it works"));
    }
}

/* --- call-backs and look-ups --- */

static bool hook_answered(struct checking *c, const char *headers, struct str body) {
    struct channel_hook hook = {.token = 1,
        .at_ms = base_clock_now_ms(),
        .query = STR("a=%zz&b"),
        .headers = str_from(headers),
        .body = body};
    c->bed.hook_answered = false;
    if (channel_hook(c->bed.channel, &hook) != 0) {
        return false;
    }
    for (int64_t waited = 0; !c->bed.hook_answered && !c->bed.died && waited < DEAD_MS;
         waited += 20) {
        kit__bed_pass(&c->bed, 20);
    }
    return c->bed.hook_answered && !c->bed.died;
}

static void check_hook(struct checking *c) {
    static const char *const bodies[] = {"", "{", "[[[[[[[[", "{\"a\":null}", "a=b&=&%", "<xml",
        "\xff\xfe\x01", "{\"status\":\"delivered\",\"id\":123}"};
    static const char headers[] = "{\":method\":\"POST\",\"content-type\":\"application/json\"}";
    if (!c->report->kase->manifest->hooks) {
        kit__say(c->report, KIT_SKIP, "call-backs", "%s", TR("it takes none"));
        return;
    }
    if (!start(c, "call-backs", KIT_GOOD)) {
        return;
    }
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        if (!hook_answered(c, headers, str_from(bodies[i]))) {
            kit__say(c->report, KIT_FAIL, "call-backs", TR("no answer to the call-back \"%s\"%s%s"),
                bodies[i], c->bed.died ? ": " : "", c->bed.why);
            return;
        }
    }
    kit__say(c->report, KIT_PASS, "call-backs", "%s", TR("nonsense from a stranger does no harm"));
}

static void check_lookup(struct checking *c) {
    if ((c->report->kase->manifest->capabilities & LANTOA_CAN_LOOKUP) == 0) {
        kit__say(c->report, KIT_SKIP, "look-up", "%s", TR("it says that it has none"));
        return;
    }
    if (!start(c, "look-up", KIT_GOOD)) {
        return;
    }
    channel_lookup(c->bed.channel, STR("kitaaaaaaaaaaaaaaaaa"), STR("nobody-knows-this"));
    kit__bed_pass(&c->bed, QUIET_MS);
    kit__say(c->report, c->bed.died ? KIT_FAIL : KIT_PASS, "look-up", "%s",
        c->bed.died ? c->bed.why : TR("a message it does not know does no harm"));
}

/* --- price and preview --- */

struct quotes {
    int64_t units[2], minor[2];
    size_t count;
    bool wrong;
};

static int take_quote(void *arg, const struct channel_quoted *quoted) {
    struct quotes *quotes = arg;
    if (quotes->count < 2) {
        quotes->units[quotes->count] = quoted->units;
        quotes->minor[quotes->count] = quoted->minor;
    }
    quotes->count++;
    quotes->wrong |= quoted->units < 0 || quoted->minor < 0;
    return 0;
}

static void check_price(struct checking *c) {
    struct base_err err = {0};
    struct quotes quotes = {.count = 0};
    if (!start(c, "price", KIT_GOOD)) {
        return;
    }
    if (kit__ask_quotes(&c->bed, 2, take_quote, &quotes, &err) != 0) {
        kit__say(c->report, KIT_FAIL, "price", "%s", err.text);
    } else if (quotes.wrong || quotes.units[0] != quotes.units[1] ||
               quotes.minor[0] != quotes.minor[1]) {
        kit__say(c->report, KIT_FAIL, "price", "%s",
            TR("the same message costs something else the second time"));
    } else {
        kit__say(c->report, KIT_PASS, "price", TR("%lld units, %lld by its own options"),
            (long long)quotes.units[0], (long long)quotes.minor[0]);
    }
}

/* --- what it leaves behind --- */

static int64_t resident(pid_t pid) {
    char path[40], text[64];
    snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    text[count > 0 ? count : 0] = '\0';
    const char *second = strchr(text, ' ');
    return second ? strtoll(second + 1, NULL, 10) * sysconf(_SC_PAGESIZE) : 0;
}

static void check_memory(struct checking *c) {
    if (!c->sends) {
        kit__say(c->report, KIT_SKIP, "memory", "%s", TR("nothing is sent without a peer"));
        return;
    }
    if (!start(c, "memory", KIT_GOOD)) {
        return;
    }
    kit__bed_send(&c->bed, MEMORY_FIRST);
    bool well = ends_well(c, "memory", 6 * DEAD_MS);
    int64_t before = resident(kit__bed_host());
    kit__bed_send(&c->bed, MEMORY_MORE);
    well = well && ends_well(c, "memory", 12 * DEAD_MS);
    int64_t grown = resident(kit__bed_host()) - before;
    if (well) {
        kit__say(c->report, grown > MEMORY_MOST ? KIT_FAIL : KIT_PASS, "memory",
            TR("%lld KiB more after %d messages"), (long long)(grown > 0 ? grown / 1024 : 0),
            MEMORY_MORE);
    }
}

/* Everything that was logged in all checks. */
static void check_log(struct checking *c) {
    const struct kit_case *kase = c->report->kase;
    (void)kit__bed_log(&c->bed);
    struct str log = base_buf_str(&c->bed.log);
    if (kit__secret_in(kase, log)) {
        kit__say(c->report, KIT_FAIL, "log", "%s", TR("a secret stands in the log"));
    } else if (log.bytes && strlen(kase->address) > 4 &&
               memmem(log.at, log.bytes, kase->address, strlen(kase->address))) {
        kit__say(c->report, KIT_FAIL, "log", "%s",
            TR("the address of a message stands in the log; name it by its id"));
    } else {
        kit__say(c->report, KIT_PASS, "log", "%s", TR("no secret and no address in the log"));
    }
}

static void check_values(struct checking *c) {
    kit__check_options(c->report, &c->bed);
}

static const struct {
    const char *name;
    void (*run)(struct checking *c);
} checks[] = {{"tables", check_tables}, {"options", check_values}, {"open", check_open},
    {"one", check_one}, {"batch", check_batch}, {"content", check_content},
    {"cancel", check_cancel}, {"drain", check_drain}, {"killed", check_killed},
    {"reconfigure", check_live}, {"call-backs", check_hook}, {"look-up", check_lookup},
    {"price", check_price}, {"memory", check_memory}};
#define CHECKS (sizeof(checks) / sizeof(checks[0]))

static bool known(const char *only) {
    bool found = strcmp(only, "log") == 0;
    for (size_t i = 0; i < CHECKS; i++) {
        found |= strcmp(only, checks[i].name) == 0;
    }
    return found;
}

/* False: not even one message comes through, so everything else would only repeat that. */
static bool run_checks(struct checking *c, const char *only) {
    for (size_t i = 0; i < CHECKS; i++) {
        bool base = strcmp(checks[i].name, "one") == 0;
        if (only && !base && strcmp(only, checks[i].name) != 0) {
            continue;
        }
        checks[i].run(c);
        if ((base || checks[i].run == check_open) && (!c->bed.channel || c->bed.died)) {
            return false;
        }
    }
    return true;
}

int kit_check(
    struct kit_case *kase, const char *only, kit_say_fn *say, void *arg, struct base_err *err) {
    struct kit_report report = {kase, say, arg};
    struct checking c = {.report = &report};
    int rc = kit__bed_open(kase, NULL, &c.bed, err);
    if (rc == 0 && run_checks(&c, only) && (!only || !known(only)) &&
        !kit__check_peer(&report, &c.bed, only)) {
        rc = base_err_set(err, LANTOA_ENOENT, TR("there is no check \"%s\""), only);
    }
    if (rc == 0) {
        check_log(&c);
    }
    kit__bed_close(&c.bed);
    return rc;
}
