/* Private to the lmtp_* files: a connection of the listener.
 *
 * - lmtp.c: listener, time-outs, commits
 * - lmtp_dialog.c: commands and bytes of one connection
 * - lmtp_mail.c: what a mail means, and its answer */
#ifndef EMAIL_LMTP_DIALOG_H
#define EMAIL_LMTP_DIALOG_H

#include "address.h"
#include "lmtp.h"

enum {
    LMTP_CONNECTIONS_MOST = 20,
    LMTP_RECIPIENTS_MOST = 50,
    LMTP_LINE_MOST = 2048,
    LMTP_MAIL_MOST = 10 << 20,
    LMTP_OUT_MOST = 1 << 16,
    LMTP_IDLE_MS = 5 * 60 * 1000,
    LMTP_COMMIT_MS = 60 * 1000,
    LMTP_TICK_MS = 1000,
};

enum lmtp_target_kind { TARGET_NONE, TARGET_BOUNCE, TARGET_UNSUBSCRIBE, TARGET_MAILBOX };

struct lmtp_recipient {
    char address[ADDRESS_MOST + 1];
    uint64_t token;    /* of the event that waits for its commit; 0: answered */
    const char *reply; /* how the mail ends for this recipient; NULL while waiting */
};

struct lmtp_connection {
    struct lmtp *lmtp;
    int fd; /* -1: free */
    struct lantoa_watch *watch;
    struct bytes in, out;
    size_t out_at;
    bool greeted, sender_given, null_sender, in_data, too_large, waiting, quitting;
    struct lmtp_recipient recipients[LMTP_RECIPIENTS_MOST];
    size_t recipient_count;
    size_t scanned; /* bytes of `in` in which no end of data was found */
    int64_t deadline;
};

struct lmtp {
    const struct lantoa_host *host;
    const struct mime_addresses *addresses; /* BORROWED */
    int fd;
    struct lantoa_watch *watch;
    struct lantoa_timer *tick;
    uint64_t next_token;
    struct lmtp_connection connections[LMTP_CONNECTIONS_MOST];
    void (*drained)(void *arg);
    void *drained_arg;
};

/* lmtp_dialog.c */
void lmtp_ready(void *arg, unsigned events);
/* Takes commands and mails from the input, until one waits for its commit. */
void lmtp_process(struct lmtp_connection *connection);
void lmtp_say(struct lmtp_connection *connection, const char *line);
void lmtp_flush(struct lmtp_connection *connection);
void lmtp_reset(struct lmtp_connection *connection);
void lmtp_patience(struct lmtp_connection *connection, int64_t ms);
void lmtp_close(struct lmtp_connection *connection);

/* lmtp_mail.c */
enum lmtp_target_kind lmtp_target(
    const struct lmtp *lmtp, const char *address, char key[ADDRESS_KEY_BYTES + 1]);
/* A whole mail has come: hands it to the core once per recipient. The bytes are changed. */
void lmtp_mail(struct lmtp_connection *connection, char *mail, size_t bytes);
/* Answers the mail once every recipient's event is settled. */
void lmtp_answer(struct lmtp_connection *connection);

#endif
