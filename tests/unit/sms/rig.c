/* Drives the SMPP plugin without the core, for tests against real SMSCs:
 *
 *   sms_rig STATE_DIR [option=value]... [--count N] [--to PATTERN]... [--window N] [--text T]
 *           [--serve MS] [--commit MS|never] [--totals] [--no-drain]
 *           [--till-eof]
 *
 * PATTERN may hold %d for the number of the message; several take turns. Prints one JSON object per
 * result, one per event, and a last one with the totals. With --serve it ends after that time
 * only; with --till-eof at the end of stdin. */
#include "fake_host.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct wishes {
    const char *words[64], *to[64];
    size_t word_count, to_count, count, window;
    const char *text, *lang;
    int64_t serve_ms, commit_ms;
    bool totals_only, no_drain, till_eof;
};

static double seconds(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void print_text(const char *name, const char *text) {
    printf(",\"%s\":\"", name);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            putchar('\\');
        }
        putchar(*text);
    }
    putchar('"');
}

static bool read_wishes(struct wishes *wishes, int argc, char **argv) {
    for (int i = 2; i < argc; i++) {
        const char *word = argv[i];
        if (strncmp(word, "--", 2) != 0) {
            if (wishes->word_count == 64) {
                return false;
            }
            wishes->words[wishes->word_count++] = word;
        } else if (strcmp(word, "--totals") == 0) {
            wishes->totals_only = true;
        } else if (strcmp(word, "--no-drain") == 0) {
            wishes->no_drain = true;
        } else if (strcmp(word, "--till-eof") == 0) {
            wishes->till_eof = true;
        } else if (i + 1 == argc) {
            return false;
        } else if (strcmp(word, "--count") == 0) {
            wishes->count = strtoul(argv[++i], NULL, 10);
        } else if (strcmp(word, "--window") == 0) {
            wishes->window = strtoul(argv[++i], NULL, 10);
        } else if (strcmp(word, "--to") == 0 && wishes->to_count < 64) {
            wishes->to[wishes->to_count++] = argv[++i];
        } else if (strcmp(word, "--text") == 0) {
            wishes->text = argv[++i];
        } else if (strcmp(word, "--lang") == 0) {
            wishes->lang = argv[++i];
        } else if (strcmp(word, "--serve") == 0) {
            wishes->serve_ms = strtoll(argv[++i], NULL, 10);
        } else if (strcmp(word, "--commit") == 0) {
            const char *value = argv[++i];
            wishes->commit_ms = strcmp(value, "never") == 0 ? -1 : strtoll(value, NULL, 10);
        } else {
            return false;
        }
    }
    return true;
}

static void print_result(const struct fake_message *message, size_t number) {
    printf("{\"id\":%zu,\"began\":%s", number, message->began ? "true" : "false");
    print_text("key", message->key);
    print_text("to", message->address);
    print_text("outcome", fake_outcome_name(message->outcome));
    print_text("reason", fake_reason_name(message->reason));
    print_text("ref", message->ref);
    print_text("detail", message->detail);
    printf(",\"after_ms\":%lld}\n", (long long)message->after_ms);
}

static void print_results(const struct fake_host *host, bool *printed) {
    for (size_t i = 0; i < host->message_count; i++) {
        if (host->messages[i].done && !printed[i]) {
            printed[i] = true;
            print_result(&host->messages[i], i + 1);
        }
    }
    fflush(stdout);
}

static void print_totals(const struct fake_host *host, double took) {
    size_t outcomes[6] = {0};
    for (size_t i = 0; i < host->message_count; i++) {
        outcomes[host->messages[i].done ? host->messages[i].outcome : 0]++;
    }
    printf("{\"total\":%zu,\"seconds\":%.3f,\"begun\":%zu,\"open\":%zu", host->message_count, took,
        host->begun, outcomes[0]);
    for (int i = 1; i < 6; i++) {
        printf(",\"%s\":%zu", fake_outcome_name((enum lantoa_outcome)i), outcomes[i]);
    }
    print_text("failed", host->failed ? host->fail_text : "");
    printf("}\n");
    fflush(stdout);
}

/* Events go out at once and are committed after the wished time; the list is emptied then. */
static void take_events(
    struct fake_host *host, const struct wishes *wishes, size_t *seen, double *arrived) {
    static const char *const kinds[] = {
        "?", "delivered", "failed", "delayed", "inbound", "opt_out", "complaint"};
    for (; *seen < host->event_count; (*seen)++) {
        const struct fake_event *event = &host->events[*seen];
        if (!wishes->totals_only) {
            printf("{\"event\":\"%s\"", kinds[event->kind]);
            print_text("key", event->key);
            print_text("ref", event->ref);
            print_text("address", event->address);
            print_text("reason", fake_reason_name(event->reason));
            print_text("detail", event->detail);
            printf("}\n");
            fflush(stdout);
        }
        *arrived = seconds();
    }
    if (*seen > 0 && wishes->commit_ms >= 0 &&
        seconds() - *arrived >= (double)wishes->commit_ms / 1000) {
        size_t count = *seen;
        host->event_count = *seen = 0;
        for (size_t i = 0; i < count; i++) {
            host->plugin->ops.event_done(host->self, host->events[i].token);
        }
    }
}

static void add_messages(
    struct fake_host *host, const struct wishes *wishes, const struct lantoa_step *step) {
    struct lantoa_str fields[1] = {fake_str(wishes->text)};
    for (size_t i = 0; i < wishes->count; i++) {
        char address[256];
        const char *pattern =
            wishes->to_count == 0 ? "+8490%07d" : wishes->to[i % wishes->to_count];
        const char *mark = strstr(pattern, "%d");
        if (wishes->to_count == 0) {
            snprintf(address, sizeof(address), "+8490%07zu0", (i + 1) % 1000000);
        } else if (mark == NULL) {
            snprintf(address, sizeof(address), "%s", pattern);
        } else {
            snprintf(address, sizeof(address), "%.*s%zu%s", (int)(mark - pattern), pattern, i + 1,
                mark + 2);
        }
        struct fake_message *message = fake_host_add(host, address, fields, 1, step);
        message->message.lang = fake_str(wishes->lang);
    }
}

/* True once whoever started the rig has closed its stdin. */
static bool told_to_end(void) {
    struct pollfd fd = {.fd = 0, .events = POLLIN};
    char byte;
    return poll(&fd, 1, 0) > 0 && fread(&byte, 1, 1, stdin) == 0;
}

int main(int argc, char **argv) {
    static struct fake_host host;
    double arrived = 0;
    struct wishes wishes = {.window = 500, .text = "Xin chao", .lang = "vi"};
    if (argc < 2 || !read_wishes(&wishes, argc, argv) ||
        !fake_host_init(&host, &lantoa_plugin_v1, wishes.words, wishes.word_count, wishes.count)) {
        fprintf(stderr, "sms_rig: wrong arguments\n");
        return 2;
    }
    host.api.state_dir = argv[1];
    struct lantoa_step step = {.size = sizeof(step),
        .campaign = fake_str("test"),
        .step = fake_str("one"),
        .message_class = fake_str("state_information")};
    if (fake_host_open(&host) != LANTOA_OK) {
        print_totals(&host, 0);
        fake_host_close(&host);
        return 1;
    }
    bool *printed = calloc(wishes.count + 1, sizeof(*printed));
    add_messages(&host, &wishes, &step);
    double start = seconds(), end = start;
    size_t given = 0, seen = 0;
    while (!host.failed &&
           (host.ended < wishes.count || (seconds() - start < (double)wishes.serve_ms / 1000 &&
                                             !(wishes.till_eof && told_to_end())))) {
        size_t room = wishes.window - host.under_way;
        if (given < wishes.count && room >= (wishes.window + 1) / 2) {
            size_t take = room < wishes.count - given ? room : wishes.count - given;
            fake_host_send(&host, given, take);
            given += take;
            continue;
        }
        fake_host_turn(&host, 20);
        if (!wishes.totals_only) {
            print_results(&host, printed);
        }
        take_events(&host, &wishes, &seen, &arrived);
        end = host.ended < wishes.count ? seconds() : end;
    }
    if (!wishes.totals_only) {
        print_results(&host, printed);
    }
    print_totals(&host, end - start);
    int status = host.failed ? 1 : 0;
    free(printed);
    if (wishes.no_drain) {
        _Exit(status);
    }
    fake_host_close(&host);
    return status;
}
