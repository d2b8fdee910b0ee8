/* The outbox channel: writes every message to a file of its own, OUTBOX/CAMPAIGN/STEP/KEY.txt,
 * instead of sending it. For trying a campaign out, for printing letters, and as an example of a
 * small plugin: one file, no network.
 *
 * A file appears whole (written under another name, then renamed) and is never replaced: the
 * idempotency key is its name, so a message that comes twice is written once. */
#include "folder.h"
#include "letter.h"
#include <errno.h>
#include <lantoa/plugin.h>
#include <stdlib.h>
#include <string.h>

struct config {
    const char *dir;
    int64_t delay_ms;
    bool fsync;
};

/* A message that waits for its delay to pass. */
struct waiting {
    struct waiting *next;
    const struct lantoa_message *message;
    int64_t due_ms;
};

struct outbox {
    const struct lantoa_host *host;
    const struct config *config;
    struct folders *folders;
    struct letter letter;
    struct waiting *head, **tail; /* all delays are equal: the first in is the first due */
    struct lantoa_timer *timer;
    double written;
};

static void answer(struct outbox *outbox, const struct lantoa_message *message, int failed) {
    const struct lantoa_host *host = outbox->host;
    if (failed == 0 || failed == EEXIST) {
        struct lantoa_str nothing = {"", 0};
        struct lantoa_str again = {"written before", 14};
        host->result(host, &LANTOA_RESULT(.id = message->id, .outcome = LANTOA_SENT,
                               .ref = message->key, .detail = failed ? again : nothing));
        host->metric(host, "written", ++outbox->written);
        return;
    }
    /* A full disk, a folder that may not be written: somebody can put that right. */
    const char *why = strerror(failed);
    host->result(host, &LANTOA_RESULT(.id = message->id, .outcome = LANTOA_RETRY,
                           .reason = LANTOA_REASON_TEMPORARY, .detail = {why, strlen(why)}));
}

static void write_one(struct outbox *outbox, const struct lantoa_message *message) {
    int failed = letter_compose(&outbox->letter, message);
    if (failed == 0) {
        outbox->host->began(outbox->host, message->id);
        failed = folders_write(outbox->folders, message->step->campaign, message->step->step,
            message->key, outbox->letter.at, outbox->letter.bytes, outbox->config->fsync);
    }
    answer(outbox, message, failed);
}

static void arm(struct outbox *outbox);

static void due(void *arg) {
    struct outbox *outbox = arg;
    outbox->timer = NULL;
    int64_t now = outbox->host->ticks(outbox->host);
    while (outbox->head && outbox->head->due_ms <= now) {
        struct waiting *waiting = outbox->head;
        outbox->head = waiting->next;
        if (!outbox->head) {
            outbox->tail = &outbox->head;
        }
        write_one(outbox, waiting->message);
        free(waiting);
    }
    arm(outbox);
}

static void arm(struct outbox *outbox) {
    if (outbox->head && !outbox->timer) {
        int64_t wait = outbox->head->due_ms - outbox->host->ticks(outbox->host);
        outbox->timer = outbox->host->timer(outbox->host, wait > 0 ? wait : 0, due, outbox);
    }
}

static void delay(struct outbox *outbox, const struct lantoa_message *message) {
    struct waiting *waiting = malloc(sizeof(*waiting));
    if (!waiting) {
        answer(outbox, message, ENOMEM);
        return;
    }
    waiting->next = NULL;
    waiting->message = message;
    waiting->due_ms = outbox->host->ticks(outbox->host) + outbox->config->delay_ms;
    *outbox->tail = waiting;
    outbox->tail = &waiting->next;
}

static void outbox_send(void *self, const struct lantoa_message *const *messages, size_t count) {
    struct outbox *outbox = self;
    for (size_t i = 0; i < count; i++) {
        if (outbox->config->delay_ms > 0) {
            delay(outbox, messages[i]);
        } else {
            write_one(outbox, messages[i]);
        }
    }
    arm(outbox);
}

/* Nothing of a message that still waits has been written: all of those asked for go back. */
static void outbox_cancel(void *self, const uint64_t *ids, size_t count) {
    struct outbox *outbox = self;
    for (size_t i = 0; i < count; i++) {
        struct waiting **at = &outbox->head;
        while (*at && (*at)->message->id != ids[i]) {
            at = &(*at)->next;
        }
        struct waiting *waiting = *at;
        if (!waiting) {
            continue;
        }
        *at = waiting->next;
        if (!*at) {
            outbox->tail = at;
        }
        outbox->host->result(
            outbox->host, &LANTOA_RESULT(.id = ids[i], .outcome = LANTOA_NOT_SENT));
        free(waiting);
    }
}

static int outbox_reconfigure(void *self, const void *config) {
    struct outbox *outbox = self;
    outbox->config = config;
    return 0;
}

static int outbox_open(const struct lantoa_host *host, const void *config, void **self_out) {
    struct outbox *outbox = calloc(1, sizeof(*outbox));
    if (!outbox) {
        return LANTOA_ENOMEM;
    }
    outbox->host = host;
    outbox->config = config;
    outbox->tail = &outbox->head;
    int failed = folders_open(host->data_dir, outbox->config->dir, &outbox->folders);
    if (failed) {
        host->fail(host, "folder %s: %s", outbox->config->dir, strerror(failed));
        free(outbox);
        return LANTOA_EIO;
    }
    *self_out = outbox;
    return 0;
}

static void outbox_close(void *self) {
    struct outbox *outbox = self;
    outbox->host->timer_stop(outbox->host, outbox->timer);
    while (outbox->head) {
        struct waiting *waiting = outbox->head;
        outbox->head = waiting->next;
        free(waiting);
    }
    folders_close(outbox->folders);
    free(outbox->letter.at);
    free(outbox);
}

static const struct lantoa_option options[] = {
    LANTOA_OPTION_TEXT(struct config, dir, "outbox", 0,
        "Folder for the files; a relative path starts at the data folder",
        "Thư mục chứa tệp; đường dẫn tương đối tính từ thư mục dữ liệu"),
    LANTOA_OPTION_INT(struct config, delay_ms, "0", 0, 3600000, LANTOA_LIVE | LANTOA_PACE,
        "Milliseconds that each message takes, to try out a slow channel",
        "Số mili giây cho mỗi tin, để thử một kênh chậm"),
    LANTOA_OPTION_BOOL(struct config, fsync, "no", LANTOA_LIVE | LANTOA_PACE,
        "Wait until each file is safely on the disk (slow)",
        "Chờ từng tệp được ghi chắc chắn xuống đĩa (chậm)"),
};

static const struct lantoa_content content[] = {
    {"subject", LANTOA_CONTENT_SINGLE_LINE, 0, "Subject", "Tiêu đề"},
    {"text", LANTOA_CONTENT_REQUIRED, 0, "Text", "Nội dung"},
    {"html", LANTOA_CONTENT_HTML, 0, "HTML version", "Bản HTML"},
};
_Static_assert(sizeof(content) / sizeof(content[0]) == LETTER_FIELDS, "letter.h knows the rows");

LANTOA_EXPORT const struct lantoa_plugin lantoa_plugin_v1 = {
    LANTOA_PLUGIN_HEAD,
    .name = "outbox",
    .version = "1.0",
    .kind = "outbox",
    .help_en = "Writes each message to a file instead of sending it",
    .help_vi = "Ghi mỗi tin ra một tệp thay vì gửi đi",
    .address = LANTOA_ADDRESS_ANY,
    .capabilities = LANTOA_CAN_IDEMPOTENT,
    .config_size = sizeof(struct config),
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .content = content,
    .content_count = sizeof(content) / sizeof(content[0]),
    .ops =
        {
            .size = sizeof(struct lantoa_ops),
            .open = outbox_open,
            .send = outbox_send,
            .cancel = outbox_cancel,
            .reconfigure = outbox_reconfigure,
            .close = outbox_close,
        },
};
