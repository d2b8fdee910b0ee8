/* A host for one plugin inside one process, on poll(): gives it loop, timers and clock, keeps what
 * it says, and stops the program when it breaks the contract of host.h (two results, began twice,
 * UNKNOWN without began, ...). */
#ifndef TEST_FAKE_HOST_H
#define TEST_FAKE_HOST_H

#include <lantoa/plugin.h>

enum { FAKE_EVENTS_MOST = 256 };

struct fake_message {
    struct lantoa_message message;
    struct lantoa_str fields[8];
    char key[21];
    char address[256];
    bool sent, began, done;
    enum lantoa_outcome outcome;
    enum lantoa_reason reason;
    int64_t after_ms;
    char ref[128], detail[512];
};

struct fake_event {
    uint64_t token;
    enum lantoa_event_kind kind;
    enum lantoa_reason reason;
    char key[32], ref[128], address[256], detail[512];
};

struct fake_host {
    struct lantoa_host api;
    const struct lantoa_plugin *plugin;
    void *config;
    void *self;
    char **texts; /* option values that the config points to */
    size_t text_count;
    struct fake_message *messages;
    size_t message_count, message_room, under_way, ended;
    struct fake_event events[FAKE_EVENTS_MOST];
    size_t event_count;
    int event_answer; /* what event() returns; 0 by default */
    bool draining, drained, failed, quiet;
    char fail_text[600];
    int64_t now_ms; /* 0: the real time */
    struct lantoa_watch *watches;
    struct lantoa_timer *timers;
    size_t begun;
};

/* Fills the config from "name=value" words and the defaults; false with a text on stderr when a
 * word is wrong. */
bool fake_host_init(struct fake_host *host, const struct lantoa_plugin *plugin,
    const char *const *words, size_t count, size_t message_room);
/* open and start; LANTOA_OK or the plugin's answer. */
int fake_host_open(struct fake_host *host);
/* One turn of the loop, waiting at most this long. */
void fake_host_turn(struct fake_host *host, int64_t most_ms);
/* Turns until all messages have results, the plugin has failed, or the time is over; true when all
 * have ended. */
bool fake_host_settle(struct fake_host *host, int64_t most_ms);
/* Makes a message; fields and step are BORROWED. */
struct fake_message *fake_host_add(struct fake_host *host, const char *address,
    const struct lantoa_str *fields, size_t field_count, const struct lantoa_step *step);
/* Hands messages from..from+count over. */
void fake_host_send(struct fake_host *host, size_t from, size_t count);
/* Gives the plugin new options: as at the beginning, with these words on top. */
bool fake_host_reconfigure(struct fake_host *host, const char *const *words, size_t count);
void fake_host_drain(struct fake_host *host);
/* drain (unless done), close, and freeing of everything. */
void fake_host_close(struct fake_host *host);
const char *fake_outcome_name(enum lantoa_outcome outcome);
const char *fake_reason_name(enum lantoa_reason reason);
struct lantoa_str fake_str(const char *text);

#endif
