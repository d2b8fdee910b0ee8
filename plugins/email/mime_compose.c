/* Headers and structure of a mail; see mime_compose.h. Knows no connection and no host. */
#include "mime_encode.h"
#include "mime_sender.h"

#include <time.h>

enum { SCRATCH_KEEP = 1 << 18 };

/* The parts nest as mixed(related(alternative(text, html), pictures), files); levels with one
 * member are left out. Each level's boundary is
 * "=_" (which no encoding we use can make), the level and the key. */
enum level { LEVEL_MIXED = 'm', LEVEL_RELATED = 'r', LEVEL_ALTERNATIVE = 'a' };

static void put_boundary(struct bytes *out, enum level level, struct lantoa_str key) {
    bytes_put_text(out, "=_");
    bytes_put_char(out, (char)level);
    bytes_put_char(out, '_');
    bytes_put_str(out, key);
}

static void put_delimiter(
    struct bytes *out, enum level level, struct lantoa_str key, const char *after) {
    bytes_put(out, "--", 2);
    put_boundary(out, level, key);
    bytes_put_text(out, after);
}

static void put_multipart(
    struct bytes *out, const char *type, enum level level, struct lantoa_str key) {
    bytes_put_text(out, "Content-Type: multipart/");
    bytes_put_text(out, type);
    bytes_put_text(out, ";\r\n boundary=\"");
    put_boundary(out, level, key);
    bytes_put_text(out, "\"\r\n");
}

/* Headers of a text part into head, its encoded text into body (they are the same buffer inside a
 * multipart). */
static void put_text_part(
    struct bytes *head, struct bytes *body, const char *type, struct lantoa_str text) {
    enum mime_encoding encoding = mime_encoding_choose(text.at, text.bytes);
    bytes_put_text(head, "Content-Type: text/");
    bytes_put_text(head, type);
    bytes_put_text(head, "; charset=UTF-8\r\nContent-Transfer-Encoding: ");
    bytes_put_text(head, mime_encoding_name(encoding));
    bytes_put(head, "\r\n", 2);
    if (head == body) {
        bytes_put(head, "\r\n", 2);
    }
    mime_put_text(body, text.at, text.bytes, encoding);
}

static void put_files(struct bytes *out, const struct mime_step *step, bool pictures,
    enum level level, struct lantoa_str key) {
    for (size_t i = 0; i < step->file_count; i++) {
        if (step->files[i].picture == pictures) {
            put_delimiter(out, level, key, "\r\n");
            bytes_put_all(out, &step->files[i].encoded);
        }
    }
    put_delimiter(out, level, key, "--\r\n");
}

/* head gets the Content-* fields of the whole, body everything behind the empty line. */
static void put_structure(struct bytes *head, struct bytes *body,
    const struct lantoa_message *message, const struct mime_step *step) {
    struct lantoa_str text = message->fields[EMAIL_TEXT], html = message->fields[EMAIL_HTML];
    struct lantoa_str key = message->key;
    bool related = step != NULL && step->pictures > 0;
    bool mixed = step != NULL && step->file_count > step->pictures;
    struct bytes *at = head; /* where the Content-Type of the next level inwards goes */
    if (mixed) {
        put_multipart(at, "mixed", LEVEL_MIXED, key);
        put_delimiter(body, LEVEL_MIXED, key, "\r\n");
        at = body;
    }
    if (related) {
        put_multipart(at, "related", LEVEL_RELATED, key);
        bytes_put_text(body, at == body ? "\r\n" : "");
        put_delimiter(body, LEVEL_RELATED, key, "\r\n");
        at = body;
    }
    if (html.bytes > 0) {
        put_multipart(at, "alternative", LEVEL_ALTERNATIVE, key);
        bytes_put_text(body, at == body ? "\r\n" : "");
        put_delimiter(body, LEVEL_ALTERNATIVE, key, "\r\n");
        put_text_part(body, body, "plain", text);
        put_delimiter(body, LEVEL_ALTERNATIVE, key, "\r\n");
        put_text_part(body, body, "html", html);
        put_delimiter(body, LEVEL_ALTERNATIVE, key, "--\r\n");
    } else {
        put_text_part(at, body, "plain", text);
    }
    if (related) {
        put_files(body, step, true, LEVEL_RELATED, key);
    }
    if (mixed) {
        put_files(body, step, false, LEVEL_MIXED, key);
    }
}

static void put_date(struct mime_sender *sender, int64_t now_ms, struct bytes *out) {
    if (now_ms / 1000 != sender->date_second || sender->date[0] == '\0') {
        struct bytes date = {0};
        mime_put_date(&date, now_ms);
        if (!date.failed && date.used < sizeof(sender->date)) {
            memcpy(sender->date, date.at, date.used + 1);
        }
        sender->date_second = now_ms / 1000;
        bytes_release(&date);
    }
    bytes_put_text(out, sender->date);
}

static void put_list_unsubscribe(
    struct mime_sender *sender, struct lantoa_str key, struct bytes *out) {
    bool url = sender->url_head.used > 0, mail = sender->addresses.unsubscribe.bytes > 0;
    if (!url && !mail) {
        return;
    }
    bytes_put_text(out, "List-Unsubscribe: ");
    if (url) {
        bytes_put_char(out, '<');
        bytes_put_all(out, &sender->url_head);
        bytes_put_str(out, key);
        bytes_put_all(out, &sender->url_tail);
        bytes_put_char(out, '>');
    }
    if (mail) {
        bytes_put_text(out, url ? ",\r\n <mailto:" : "<mailto:");
        address_put_tagged(out, sender->addresses.unsubscribe, key);
        bytes_put_text(out, "?subject=unsubscribe>");
    }
    bytes_put(out, "\r\n", 2);
    if (url) {
        bytes_put_text(out, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
    }
}

/* Sent to many at once: asks mail programs not to answer by themselves. Not for what concerns one
 * person or is urgent. */
static bool is_bulk(const struct lantoa_step *step) {
    static const char *const bulk[] = {"advertising", "state_information"};
    for (size_t i = 0; step != NULL && i < sizeof(bulk) / sizeof(bulk[0]); i++) {
        if (step->message_class.bytes == strlen(bulk[i]) &&
            memcmp(step->message_class.at, bulk[i], step->message_class.bytes) == 0) {
            return true;
        }
    }
    return false;
}

static void put_headers(struct mime_sender *sender, const struct lantoa_message *message,
    int64_t now_ms, struct bytes *out) {
    bytes_put_all(out, &sender->from_field);
    bytes_put(out, "To: ", 4);
    size_t column = 4;
    if (message->name.bytes > 0) {
        column = mime_put_phrase(out, message->name, column);
        bytes_put_text(out, column + message->address.bytes + 3 > 76 ? "\r\n " : " ");
    }
    bytes_put_char(out, '<');
    bytes_put_str(out, message->address);
    bytes_put_text(out, ">\r\nSubject: ");
    mime_put_header_text(out, message->fields[EMAIL_SUBJECT], 9);
    bytes_put_text(out, "\r\nDate: ");
    put_date(sender, now_ms, out);
    bytes_put_text(out, "\r\nMessage-ID: <");
    bytes_put_str(out, message->key);
    bytes_put_char(out, '@');
    bytes_put_str(out, sender->addresses.message_id_domain);
    bytes_put_text(out, ">\r\n");
    bytes_put_all(out, &sender->reply_field);
    put_list_unsubscribe(sender, message->key, out);
    if (is_bulk(message->step)) {
        bytes_put_text(out, "Precedence: bulk\r\n");
    }
    if (message->lang.bytes > 0) {
        bytes_put_text(out, "Content-Language: ");
        bytes_put_str(out, message->lang);
        bytes_put(out, "\r\n", 2);
    }
    bytes_put_text(out, "MIME-Version: 1.0\r\n");
}

static bool is_language_tag(struct lantoa_str lang) {
    for (size_t i = 0; i < lang.bytes; i++) {
        char c = lang.at[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '-') {
            return false;
        }
    }
    return lang.bytes <= 35;
}

/* What the message brings that no mail can carry; NULL when it is fine. Whatever gets into a header
 * is checked here. */
static const char *find_fault(const struct lantoa_message *message) {
    if (message->fields == NULL || message->fields[EMAIL_SUBJECT].bytes == 0) {
        return "the subject is empty";
    }
    if (mime_has_control(message->fields[EMAIL_SUBJECT])) {
        return "the subject has a line break or control character";
    }
    if (message->fields[EMAIL_TEXT].bytes == 0) {
        return "the text is empty";
    }
    if (mime_has_control(message->name)) {
        return "the recipient's name has a line break or control character";
    }
    if (!address_valid(message->address)) {
        return "the address is not valid";
    }
    if (!is_language_tag(message->lang)) {
        return "the language is no language tag";
    }
    if (!address_key_valid(message->key)) {
        return "the message key is not 20 characters of a-z2-7";
    }
    return NULL;
}

int mime_compose(struct mime_sender *sender, const struct lantoa_message *message,
    struct mime_step *step, int64_t now_ms, struct bytes *out, const char **why_out) {
    struct bytes *head = &sender->head, *body = &sender->body;
    size_t before = out->used;
    int status = LANTOA_EINVAL;
    *why_out = find_fault(message);
    if (*why_out == NULL && step != NULL) {
        *why_out = step->broken;
    }
    if (*why_out != NULL) {
        return LANTOA_EINVAL;
    }
    bytes_clear(head, SCRATCH_KEEP);
    bytes_clear(body, SCRATCH_KEEP);
    put_headers(sender, message, now_ms, head);
    put_structure(head, body, message, step);
    status = head->failed || body->failed ? LANTOA_ENOMEM : LANTOA_OK;
    if (status == LANTOA_OK && sender->dkim != NULL) {
        /* The real time, also when the program's clock runs ahead: a verifier compares t= with its
         * own clock and refuses a signature from the future. */
        status = dkim_sign(sender->dkim, head->at, head->used, body->at, body->used,
            (int64_t)time(NULL) * 1000, out);
    }
    bytes_put_all(out, head);
    bytes_put(out, "\r\n", 2);
    bytes_put_all(out, body);
    if (status == LANTOA_OK && out->failed) {
        status = LANTOA_ENOMEM;
    }
    if (status != LANTOA_OK) {
        *why_out = status == LANTOA_ENOMEM ? "out of memory" : "the message could not be signed";
        out->used = before;
    }
    return status;
}
