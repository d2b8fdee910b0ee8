/* Drives the email plugin without the core, for tests against real mail servers.
 *
 * usage: email_rig [option=value]... [--count N] [--to PATTERN]... and the words of read_wishes()
 *
 * PATTERN may hold %d for the number of the message; several take turns. Prints one JSON object per
 * result, one per event, and a last one with the totals. */
#include "fake_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct wishes {
    const char *words[64], *to[64];
    size_t word_count, to_count, count, window;
    const char *live; /* an option that changes while the plugin runs */
    const char *subject, *text, *html, *name, *class, *lang;
    struct lantoa_part parts[8];
    size_t part_count;
    int64_t now_ms, serve_ms, commit_ms, cancel_ms, drain_ms, live_ms;
    bool quiet, totals_only;
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

static bool read_part(struct wishes *wishes, char *word) {
    char *mime = strchr(word, ':'), *cid = mime == NULL ? NULL : strchr(mime + 1, ':');
    static char content[8][1 << 21];
    if (mime == NULL || wishes->part_count == 8) {
        return false;
    }
    *mime++ = '\0';
    if (cid != NULL) {
        *cid++ = '\0';
    }
    FILE *file = fopen(word, "rb");
    if (file == NULL) {
        return false;
    }
    char *to = content[wishes->part_count];
    size_t bytes = fread(to, 1, sizeof(content[0]), file);
    fclose(file);
    const char *slash = strrchr(word, '/');
    wishes->parts[wishes->part_count++] =
        (struct lantoa_part){.name = fake_str(slash == NULL ? word : slash + 1),
            .mime = fake_str(mime),
            .content_id = fake_str(cid),
            .bytes = {to, bytes}};
    return true;
}

static bool read_wishes(struct wishes *wishes, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (word[0] != '-') {
            if (wishes->word_count == 64) {
                return false;
            }
            wishes->words[wishes->word_count++] = word;
            continue;
        }
        if (strcmp(word, "--quiet") == 0) {
            wishes->quiet = true;
            continue;
        }
        if (strcmp(word, "--totals") == 0) {
            wishes->totals_only = true;
            continue;
        }
        char *value = i + 1 < argc ? argv[++i] : NULL;
        if (value == NULL) {
            return false;
        }
        if (strcmp(word, "--count") == 0) {
            wishes->count = strtoul(value, NULL, 10);
        } else if (strcmp(word, "--window") == 0) {
            wishes->window = strtoul(value, NULL, 10);
        } else if (strcmp(word, "--to") == 0 && wishes->to_count < 64) {
            wishes->to[wishes->to_count++] = value;
        } else if (strcmp(word, "--subject") == 0) {
            wishes->subject = value;
        } else if (strcmp(word, "--text") == 0) {
            wishes->text = value;
        } else if (strcmp(word, "--html") == 0) {
            wishes->html = value;
        } else if (strcmp(word, "--name") == 0) {
            wishes->name = value;
        } else if (strcmp(word, "--lang") == 0) {
            wishes->lang = value;
        } else if (strcmp(word, "--class") == 0) {
            wishes->class = value;
        } else if (strcmp(word, "--now") == 0) {
            wishes->now_ms = strtoll(value, NULL, 10);
        } else if (strcmp(word, "--serve") == 0) {
            wishes->serve_ms = strtoll(value, NULL, 10);
        } else if (strcmp(word, "--cancel-after") == 0) {
            wishes->cancel_ms = strtoll(value, NULL, 10);
        } else if (strcmp(word, "--drain-after") == 0) {
            wishes->drain_ms = strtoll(value, NULL, 10);
        } else if (strcmp(word, "--live-after") == 0 && i + 1 < argc && wishes->word_count < 63) {
            wishes->live_ms = strtoll(value, NULL, 10);
            wishes->live = argv[++i];
        } else if (strcmp(word, "--commit") == 0) {
            wishes->commit_ms = strcmp(value, "never") == 0 ? -1 : strtoll(value, NULL, 10);
        } else if (strcmp(word, "--attach") == 0) {
            if (!read_part(wishes, value)) {
                return false;
            }
        } else {
            return false;
        }
    }
    return true;
}

static void print_results(const struct fake_host *host, size_t *printed) {
    for (; *printed < host->message_count && host->messages[*printed].done; (*printed)++) {
        const struct fake_message *message = &host->messages[*printed];
        printf("{\"id\":%zu,\"began\":%s", *printed + 1, message->began ? "true" : "false");
        print_text("key", message->key);
        print_text("to", message->address);
        print_text("outcome", fake_outcome_name(message->outcome));
        print_text("reason", fake_reason_name(message->reason));
        print_text("ref", message->ref);
        print_text("detail", message->detail);
        printf(",\"after_ms\":%lld}\n", (long long)message->after_ms);
    }
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
}

static void take_events(struct fake_host *host, const struct wishes *wishes, size_t *seen,
    size_t *done, double *arrived) {
    static const char *const kinds[] = {
        "?", "delivered", "failed", "delayed", "inbound", "opt_out", "complaint"};
    for (; *seen < host->event_count; (*seen)++) {
        const struct fake_event *event = &host->events[*seen];
        printf("{\"event\":\"%s\"", kinds[event->kind]);
        print_text("key", event->key);
        print_text("address", event->address);
        print_text("reason", fake_reason_name(event->reason));
        print_text("detail", event->detail);
        printf("}\n");
        fflush(stdout);
        arrived[*seen] = seconds();
    }
    while (wishes->commit_ms >= 0 && *done < *seen &&
           seconds() - arrived[*done] >= (double)wishes->commit_ms / 1000) {
        host->plugin->ops.event_done(host->self, host->events[(*done)++].token);
    }
}

static void cancel_all(struct fake_host *host, size_t given) {
    uint64_t ids[512];
    size_t count = 0;
    for (size_t i = 0; i < given && count < 512; i++) {
        if (!host->messages[i].done) {
            ids[count++] = i + 1;
        }
    }
    host->plugin->ops.cancel(host->self, ids, count);
}

int main(int argc, char **argv) {
    static struct fake_host host;
    static double arrived[FAKE_EVENTS_MOST];
    struct wishes wishes = {.count = 0,
        .window = 200,
        .subject = "Xin chào",
        .text = "Kính gửi ông bà,\n\nTin thử.\n",
        .html = "",
        .name = "",
        .lang = "vi",
        .class = "state_information"};
    if (!read_wishes(&wishes, argc, argv)) {
        fprintf(stderr, "email_rig: wrong arguments\n");
        return 2;
    }
    if (!fake_host_init(&host, &lantoa_plugin_v1, wishes.words, wishes.word_count, wishes.count)) {
        return 2;
    }
    host.quiet = wishes.quiet;
    host.now_ms = wishes.now_ms;
    struct lantoa_step step = {.size = sizeof(step),
        .campaign = fake_str("test"),
        .step = fake_str("one"),
        .message_class = fake_str(wishes.class),
        .parts = wishes.parts,
        .part_count = wishes.part_count};
    struct lantoa_str fields[3] = {
        fake_str(wishes.subject), fake_str(wishes.text), fake_str(wishes.html)};
    if (fake_host_open(&host) != LANTOA_OK) {
        print_totals(&host, 0);
        fake_host_close(&host);
        return 1;
    }
    for (size_t i = 0; i < wishes.count; i++) {
        char address[256];
        const char *pattern =
            wishes.to_count == 0 ? "user%d@example.test" : wishes.to[i % wishes.to_count];
        const char *mark = strstr(pattern, "%d");
        if (mark == NULL) {
            snprintf(address, sizeof(address), "%s", pattern);
        } else {
            snprintf(address, sizeof(address), "%.*s%zu%s", (int)(mark - pattern), pattern, i + 1,
                mark + 2);
        }
        struct fake_message *message = fake_host_add(&host, address, fields, 3, &step);
        message->message.name = fake_str(wishes.name);
        message->message.lang = fake_str(wishes.lang);
    }
    double start = seconds(), end = start;
    size_t given = 0, printed = 0, seen = 0, committed = 0;
    bool cancelled = false, changed = false;
    while (!host.failed &&
           (host.ended < wishes.count || seconds() - start < (double)wishes.serve_ms / 1000)) {
        size_t room = wishes.window - host.under_way;
        if (given < wishes.count && !cancelled && room >= (wishes.window + 1) / 2) {
            size_t take = room < wishes.count - given ? room : wishes.count - given;
            fake_host_send(&host, given, take);
            given += take;
            continue; /* results may have come at once */
        }
        if (wishes.cancel_ms > 0 && !cancelled &&
            seconds() - start > (double)wishes.cancel_ms / 1000) {
            cancelled = true;
            cancel_all(&host, given);
            wishes.count = given;
            host.message_count = given;
        }
        if (wishes.drain_ms > 0 && !host.draining &&
            seconds() - start > (double)wishes.drain_ms / 1000) {
            fake_host_drain(&host);
        }
        if (wishes.live_ms > 0 && !changed && seconds() - start > (double)wishes.live_ms / 1000) {
            changed = true;
            wishes.words[wishes.word_count] = wishes.live;
            fake_host_reconfigure(&host, wishes.words, wishes.word_count + 1);
        }
        fake_host_turn(&host, 20);
        if (!wishes.totals_only) {
            print_results(&host, &printed);
        }
        take_events(&host, &wishes, &seen, &committed, arrived);
        if (host.ended < wishes.count) {
            end = seconds();
        }
    }
    if (!wishes.totals_only) {
        print_results(&host, &printed);
    }
    print_totals(&host, end - start);
    int status = host.failed ? 1 : 0;
    fake_host_close(&host);
    return status;
}
