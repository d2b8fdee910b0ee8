/* Reading mail that comes back; see dsn.h. GMime takes the mail apart; the fields of the report are
 * read here, because every mail server has its dialect: Postfix gives Status and Diagnostic-Code,
 * Exim often "5.0.0" and leaves the reason to the text. */
#include "dsn.h"

#include <gmime/gmime.h>

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { PARSED_MOST = 1 << 18 };

/* What the report says of one recipient. */
struct report {
    char action[32], status[16];
    char diagnostic[1024];
};

void dsn_init(void) {
    static bool done;
    if (!done) {
        g_mime_init();
        done = true;
    }
}

/* Collapses white space and line ends, as far as the room goes. */
static void squeeze(char *to, size_t room, const char *at, size_t bytes) {
    size_t used = 0;
    bool gap = false;
    for (size_t i = 0; i < bytes && used + 2 < room; i++) {
        if (at[i] == ' ' || at[i] == '\t' || at[i] == '\r' || at[i] == '\n') {
            gap = used > 0;
            continue;
        }
        if (gap) {
            to[used++] = ' ';
            gap = false;
        }
        to[used++] = at[i];
    }
    to[used] = '\0';
}

static const char *find_word(const char *text, const char *word) {
    return strcasestr(text, word);
}

/* What servers say in words when codes are missing. First match wins. */
static const struct {
    const char *words;
    enum lantoa_reason reason;
} phrases[] = {
    {"mailbox full", LANTOA_REASON_MAILBOX_FULL},
    {"mailbox is full", LANTOA_REASON_MAILBOX_FULL},
    {"quota", LANTOA_REASON_MAILBOX_FULL},
    {"too large", LANTOA_REASON_TOO_LARGE},
    {"too big", LANTOA_REASON_TOO_LARGE},
    {"size limit", LANTOA_REASON_TOO_LARGE},
    {"unrouteable", LANTOA_REASON_ADDRESS},
    {"unroutable", LANTOA_REASON_ADDRESS},
    {"user unknown", LANTOA_REASON_ADDRESS},
    {"unknown user", LANTOA_REASON_ADDRESS},
    {"unknown local", LANTOA_REASON_ADDRESS},
    {"no such user", LANTOA_REASON_ADDRESS},
    {"no such recipient", LANTOA_REASON_ADDRESS},
    {"no mailbox", LANTOA_REASON_ADDRESS},
    {"does not exist", LANTOA_REASON_ADDRESS},
    {"doesn't exist", LANTOA_REASON_ADDRESS},
    {"invalid recipient", LANTOA_REASON_ADDRESS},
    {"recipient rejected", LANTOA_REASON_ADDRESS},
    {"mailbox unavailable", LANTOA_REASON_ADDRESS},
    {"spam", LANTOA_REASON_CONTENT},
    {"virus", LANTOA_REASON_CONTENT},
    {"retry timeout exceeded", LANTOA_REASON_UNREACHABLE},
    {"timed out", LANTOA_REASON_UNREACHABLE},
    {"connection refused", LANTOA_REASON_UNREACHABLE},
    {"non-existent host", LANTOA_REASON_UNREACHABLE},
    {"host not found", LANTOA_REASON_UNREACHABLE},
    {"host unknown", LANTOA_REASON_UNREACHABLE},
    {"domain not found", LANTOA_REASON_UNREACHABLE},
};

static enum lantoa_reason reason_by_words(const char *text) {
    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
        if (find_word(text, phrases[i].words) != NULL) {
            return phrases[i].reason;
        }
    }
    return LANTOA_REASON_OTHER;
}

static bool digit(char c) {
    return c >= '0' && c <= '9';
}

/* Reads a line such as "550 5.1.1 no such user" or "550-5.1.1 ..." as the reply it once was. */
static bool read_reply(const char *text, struct smtp_reply *reply_out) {
    char line[1100];
    if (!(text[0] >= '4' && text[0] <= '5') || !digit(text[1]) || !digit(text[2]) ||
        (text[3] != ' ' && text[3] != '-' && text[3] != '\0')) {
        return false;
    }
    int bytes =
        snprintf(line, sizeof(line), "%.3s %.1000s\r\n", text, text[3] == '\0' ? "" : text + 4);
    struct smtp_reply reply;
    if (bytes <= 0 || smtp_reply_parse(line, (size_t)bytes, &reply) <= 0) {
        return false;
    }
    reply.last = reply.lines =
        (struct lantoa_str){"", 0}; /* the words are looked at by the caller; `line` ends here */
    *reply_out = reply;
    return true;
}

static bool read_status(const char *status, int enhanced[3]) {
    char *end;
    for (int part = 0; part < 3; part++) {
        if (!digit(status[0])) {
            return false;
        }
        enhanced[part] = (int)strtol(status, &end, 10) % 1000;
        if (part < 2 && *end != '.') {
            return false;
        }
        status = end + 1;
    }
    return enhanced[0] == 2 || enhanced[0] == 4 || enhanced[0] == 5;
}

/* The reason behind status, diagnostic and the text for people, the exact ones first. */
static enum lantoa_reason find_reason(const struct report *report, const char *text) {
    struct smtp_reply reply = {.code = 550, .lines = {"", 0}, .last = {"", 0}};
    struct smtp_reply said;
    const char *diagnostic = strncasecmp(report->diagnostic, "smtp;", 5) == 0
                                 ? report->diagnostic + 5
                                 : report->diagnostic;
    diagnostic += strspn(diagnostic, " ");
    bool replied = read_reply(diagnostic, &said);
    reply.has_enhanced = read_status(report->status, reply.enhanced);
    bool vague = !reply.has_enhanced || reply.enhanced[1] == 0;
    if (vague && replied && said.has_enhanced && said.enhanced[1] != 0) {
        memcpy(reply.enhanced, said.enhanced, sizeof(reply.enhanced));
        reply.has_enhanced = true;
        vague = false;
    }
    if (!vague) {
        return smtp_reply_verdict(&reply, SMTP_AT_RCPT).reason;
    }
    enum lantoa_reason reason = reason_by_words(diagnostic[0] != '\0' ? diagnostic : text);
    if (reason == LANTOA_REASON_OTHER && replied) {
        said.has_enhanced = false;
        reason = smtp_reply_verdict(&said, SMTP_AT_RCPT).reason;
    }
    return reason == LANTOA_REASON_OTHER ? reason_by_words(text) : reason;
}

static void take_field(
    struct report *report, const char *name, size_t name_bytes, const char *value, size_t bytes) {
    if (name_bytes == 6 && strncasecmp(name, "Action", 6) == 0) {
        squeeze(report->action, sizeof(report->action), value, bytes);
    } else if (name_bytes == 6 && strncasecmp(name, "Status", 6) == 0) {
        squeeze(report->status, sizeof(report->status), value, bytes);
    } else if (name_bytes == 15 && strncasecmp(name, "Diagnostic-Code", 15) == 0) {
        squeeze(report->diagnostic, sizeof(report->diagnostic), value, bytes);
    }
}

/* Goes through the fields, over folded lines and groups. The group of a failed recipient is the one
 * that counts: mail of ours has one recipient, but an address that was expanded on the way may have
 * several. */
static struct report read_report(const char *at, size_t bytes) {
    const char *end = at + bytes;
    struct report best = {0}, group = {0};
    while (at < end) {
        const char *stop = at;
        do {
            stop = memchr(stop, '\n', (size_t)(end - stop));
            stop = stop == NULL ? end : stop + 1;
        } while (stop < end && (*stop == ' ' || *stop == '\t') && *at != '\n' && *at != '\r');
        const char *colon = memchr(at, ':', (size_t)(stop - at));
        if (colon != NULL) {
            take_field(&group, at, (size_t)(colon - at), colon + 1, (size_t)(stop - colon - 1));
        }
        bool blank = *at == '\n' || *at == '\r';
        if (blank || stop == end) {
            if (best.action[0] == '\0' || (strcasecmp(group.action, "failed") == 0 &&
                                              strcasecmp(best.action, "failed") != 0)) {
                best = group.action[0] != '\0' || group.status[0] != '\0' ? group : best;
            }
            group = (struct report){0};
        }
        at = stop;
    }
    return best;
}

/* Walks the parts: the first text for people, the first report. */
struct walk {
    GMimeObject *text, *report;
};

static void visit(GMimeObject *parent, GMimeObject *part, gpointer user) {
    struct walk *walk = user;
    GMimeContentType *type = g_mime_object_get_content_type(part);
    (void)parent;
    if (type == NULL) {
        return;
    }
    if (walk->report == NULL && g_mime_content_type_is_type(type, "message", "*") &&
        (g_mime_content_type_is_type(type, "message", "delivery-status") ||
            g_mime_content_type_is_type(type, "message", "global-delivery-status"))) {
        walk->report = part;
    } else if (walk->text == NULL && GMIME_IS_TEXT_PART(part) &&
               g_mime_content_type_is_type(type, "text", "plain")) {
        walk->text = part;
    }
}

/* The decoded bytes of a leaf; free with g_byte_array_unref. NULL when there are none. */
static GByteArray *part_bytes(GMimeObject *part) {
    GMimeDataWrapper *content =
        part != NULL && GMIME_IS_PART(part) ? g_mime_part_get_content(GMIME_PART(part)) : NULL;
    if (content == NULL) {
        return NULL;
    }
    GMimeStream *stream = g_mime_stream_mem_new();
    g_mime_data_wrapper_write_to_stream(content, stream);
    GByteArray *bytes =
        g_byte_array_ref(g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream)));
    g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(stream), FALSE);
    g_object_unref(stream);
    return bytes;
}

static void read_text(GMimeObject *part, char *text, size_t room) {
    char *utf8 = part == NULL ? NULL : g_mime_text_part_get_text(GMIME_TEXT_PART(part));
    text[0] = '\0';
    if (utf8 != NULL) {
        squeeze(text, room, utf8, strlen(utf8));
        g_free(utf8);
    }
}

static void read_from(GMimeMessage *message, struct dsn *dsn) {
    InternetAddressList *list = g_mime_message_get_from(message);
    InternetAddress *first = list != NULL && internet_address_list_length(list) > 0
                                 ? internet_address_list_get_address(list, 0)
                                 : NULL;
    const char *address = first != NULL && INTERNET_ADDRESS_IS_MAILBOX(first)
                              ? internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(first))
                              : NULL;
    if (address != NULL && strlen(address) <= ADDRESS_MOST &&
        address_valid((struct lantoa_str){address, strlen(address)})) {
        snprintf(dsn->from, sizeof(dsn->from), "%s", address);
    }
}

/* "<key@our-domain>" anywhere in the mail: the returned headers, In-Reply-To, References. */
static void find_key(const char *mail, size_t bytes, struct lantoa_str domain, struct dsn *dsn) {
    const char *end = mail + bytes;
    for (const char *at = mail; (at = memchr(at, '<', (size_t)(end - at))) != NULL; at++) {
        struct lantoa_str key = {at + 1, ADDRESS_KEY_BYTES};
        if ((size_t)(end - at) < ADDRESS_KEY_BYTES + domain.bytes + 3) {
            return;
        }
        if (at[ADDRESS_KEY_BYTES + 1] == '@' && at[ADDRESS_KEY_BYTES + 2 + domain.bytes] == '>' &&
            strncasecmp(at + ADDRESS_KEY_BYTES + 2, domain.at, domain.bytes) == 0 &&
            address_key_valid(key)) {
            memcpy(dsn->key, key.at, key.bytes);
            dsn->key[key.bytes] = '\0';
            return;
        }
    }
}

static bool header_is(GMimeMessage *message, const char *name, const char *value) {
    const char *found = g_mime_object_get_header(GMIME_OBJECT(message), name);
    return found != NULL && find_word(found, value) != NULL;
}

static bool from_a_server(const struct dsn *dsn) {
    return strncasecmp(dsn->from, "mailer-daemon@", 14) == 0 ||
           strncasecmp(dsn->from, "postmaster@", 11) == 0;
}

static enum dsn_kind kind_by_report(const struct report *report) {
    if (strcasecmp(report->action, "failed") == 0) {
        return DSN_FAILED;
    }
    if (strcasecmp(report->action, "delayed") == 0 || strcasecmp(report->action, "relayed") == 0) {
        return DSN_DELAYED;
    }
    if (strcasecmp(report->action, "delivered") == 0 ||
        strcasecmp(report->action, "expanded") == 0) {
        return DSN_DELIVERED;
    }
    switch (report->status[0]) {
    case '2':
        return DSN_DELIVERED;
    case '4':
        return DSN_DELAYED;
    case '5':
        return DSN_FAILED;
    default:
        return DSN_AUTOMATIC;
    }
}

/* Exim's text without its polite beginning: what stands behind the failed address. */
static const char *gist(const char *text) {
    static const char lead[] = "address(es) failed: ";
    const char *at = strstr(text, lead);
    if (at == NULL) {
        return text;
    }
    at += sizeof(lead) - 1;
    const char *blank = strchr(at, ' ');
    const char *sign = strchr(at, '@');
    return blank != NULL && sign != NULL && sign < blank ? blank + 1 : at;
}

static void take_report(GMimeObject *part, const char *text, struct dsn *dsn) {
    GByteArray *bytes = part_bytes(part);
    struct report report = bytes == NULL || bytes->len == 0
                               ? (struct report){0}
                               : read_report((const char *)bytes->data, bytes->len);
    if (bytes != NULL) {
        g_byte_array_unref(bytes);
    }
    dsn->kind = kind_by_report(&report);
    text = gist(text);
    char detail[1100];
    snprintf(detail, sizeof(detail), "%s%s%.1000s", report.status,
        report.status[0] == '\0' ? "" : " ",
        report.diagnostic[0] != '\0' ? report.diagnostic : text);
    smtp_text_clean(dsn->detail, sizeof(dsn->detail), detail, strlen(detail));
    if (dsn->kind == DSN_FAILED || dsn->kind == DSN_DELAYED) {
        dsn->reason = find_reason(&report, text);
    }
}

static void classify(GMimeMessage *message, bool null_sender, struct dsn *dsn) {
    struct walk walk = {0};
    char text[1500];
    g_mime_message_foreach(message, visit, &walk);
    read_text(walk.text, text, sizeof(text));
    read_from(message, dsn);
    smtp_text_clean(dsn->detail, sizeof(dsn->detail), text, strlen(text));
    GMimeObject *root = g_mime_message_get_mime_part(message);
    GMimeContentType *type = root == NULL ? NULL : g_mime_object_get_content_type(root);
    const char *report =
        type == NULL ? NULL : g_mime_content_type_get_parameter(type, "report-type");
    if (report != NULL && strcasecmp(report, "feedback-report") == 0) {
        dsn->kind = DSN_COMPLAINT;
    } else if (walk.report != NULL && type != NULL &&
               g_mime_content_type_is_type(type, "multipart", "*")) {
        take_report(walk.report, text, dsn);
    } else if (header_is(message, "Auto-Submitted", "auto-") ||
               header_is(message, "X-Autoreply", "") || header_is(message, "X-Autorespond", "") ||
               report != NULL) {
        dsn->kind = DSN_AUTOMATIC;
    } else if (from_a_server(dsn) && reason_by_words(text) != LANTOA_REASON_OTHER) {
        dsn->kind = DSN_FAILED; /* a bounce in words only */
        dsn->reason = reason_by_words(text);
    } else if (null_sender || from_a_server(dsn)) {
        dsn->kind = DSN_AUTOMATIC;
    }
}

void dsn_parse(const char *mail, size_t bytes, bool null_sender,
    struct lantoa_str message_id_domain, struct dsn *dsn_out) {
    *dsn_out = (struct dsn){.kind = null_sender ? DSN_AUTOMATIC : DSN_PERSON};
    find_key(mail, bytes, message_id_domain, dsn_out);
    /* The report and the text come first; behind them only the returned mail can be long, and a
     * mail made to take long to parse must not hold up the sending. */
    GMimeStream *stream =
        g_mime_stream_mem_new_with_buffer(mail, bytes < PARSED_MOST ? bytes : PARSED_MOST);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
    if (message != NULL) {
        classify(message, null_sender, dsn_out);
        g_object_unref(message);
    }
    g_object_unref(parser);
    g_object_unref(stream);
}
