/* Codes of short links, and the links of a step. */
#include "delivery/link.h"

#include "base/mem.h"
#include "base/tr.h"
#include "delivery/ledger.h"
#include "store/schema.h"

#define MAC_BITS 28
#define RAW_BYTES 12
/* Keeps these proofs apart from those of the ledger's keys, which the same secret makes. */
static const char purpose[] = "lantoa link";

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* --- codes --- */

static uint32_t proof(struct base_hmac *instance, int64_t id, int number) {
    uint8_t bytes[sizeof purpose + 9];
    uint8_t mac[BASE_SHA256_BYTES];
    memcpy(bytes, purpose, sizeof purpose);
    for (int i = 0; i < 8; i++) {
        bytes[sizeof purpose + (size_t)i] = (uint8_t)((uint64_t)id >> (56 - 8 * i));
    }
    bytes[sizeof purpose + 8] = (uint8_t)number;
    base_hmac_sign(instance, bytes, sizeof bytes, mac);
    return ((uint32_t)mac[0] << 24 | (uint32_t)mac[1] << 16 | (uint32_t)mac[2] << 8 | mac[3]) >>
           (32 - MAC_BITS);
}

/* raw: 63 bits id, 5 bits number, 28 bits proof, high bits first. */
static void encode(int64_t id, int number, uint32_t mac, char *out) {
    uint64_t head = (uint64_t)id << 1 | (uint64_t)number >> 4;
    uint32_t tail = ((uint32_t)number & 15) << MAC_BITS | mac;
    uint8_t raw[RAW_BYTES];
    for (int i = 0; i < 8; i++) {
        raw[i] = (uint8_t)(head >> (56 - 8 * i));
    }
    for (int i = 0; i < 4; i++) {
        raw[8 + i] = (uint8_t)(tail >> (24 - 8 * i));
    }
    for (int i = 0; i < RAW_BYTES / 3; i++) {
        uint32_t three =
            (uint32_t)raw[3 * i] << 16 | (uint32_t)raw[3 * i + 1] << 8 | raw[3 * i + 2];
        for (int k = 0; k < 4; k++) {
            out[4 * i + k] = alphabet[three >> (18 - 6 * k) & 63];
        }
    }
    out[LINK_CODE_BYTES] = '\0';
}

void link_code(
    struct base_hmac *instance, int64_t id, int number, char out[static LINK_CODE_BYTES + 1]) {
    encode(id, number, proof(instance, id, number), out);
}

static int digit(char c) {
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

int link_code_read(struct base_hmac *instance, struct str code, int64_t *id_out, int *number_out) {
    uint64_t high = 0; /* the first 8 characters: 48 bits each half */
    uint64_t low = 0;
    if (code.bytes != LINK_CODE_BYTES) {
        return LANTOA_EINVAL;
    }
    for (int i = 0; i < LINK_CODE_BYTES; i++) {
        int value = digit(code.at[i]);
        if (value < 0) {
            return LANTOA_EINVAL;
        }
        if (i < LINK_CODE_BYTES / 2) {
            high = high << 6 | (uint64_t)value;
        } else {
            low = low << 6 | (uint64_t)value;
        }
    }
    uint64_t head = high << 16 | low >> 32;
    int64_t id = (int64_t)(head >> 1);
    int number = (int)((head & 1) << 4 | (low >> MAC_BITS & 15));
    if (proof(instance, id, number) != (low & ((UINT32_C(1) << MAC_BITS) - 1))) {
        return LANTOA_EINVAL;
    }
    *id_out = id;
    *number_out = number;
    return 0;
}

/* --- the public address --- */

int link_public_url_check(struct str url, struct base_err *err) {
    size_t scheme = str_starts(url, STR("https://"))  ? strlen("https://")
                    : str_starts(url, STR("http://")) ? strlen("http://")
                                                      : 0;
    if (scheme == 0 || !url.at) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("public_url \"" STR_FMT "\": begins with https:// or http://"), STR_ARG(url));
    }
    struct str rest = str_of(url.at + scheme, url.bytes - scheme);
    bool plain = rest.bytes > 0 && !str_starts(rest, STR("/")) && !str_starts(rest, STR("."));
    for (size_t i = 0; plain && i < rest.bytes; i++) {
        char c = rest.at[i];
        plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                (c != '\0' && strchr("-._:/[]~", c));
    }
    if (!plain || str_ends(rest, STR("/"))) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("public_url \"" STR_FMT
               "\": a host, perhaps a port and a path, and no '/' at the end"),
            STR_ARG(url));
    }
    if (url.bytes > LINK_PUBLIC_URL_MAX) {
        return base_err_set(
            err, LANTOA_ELIMIT, TR("public_url: at most %d bytes"), LINK_PUBLIC_URL_MAX);
    }
    return 0;
}

/* --- the links of a step --- */

struct delivery_links {
    struct base_hmac *instance;
    char *public_url; /* NULL: nothing is a link */
    struct delivery_utm *utm;
    enum links_use use;
    char *urls[LINK_NUMBERS]; /* NULL: no such number */
    int count;                /* one more than the highest number */
};

void delivery_links_free(struct delivery_links **links) {
    struct delivery_links *l = *links;
    if (!l) {
        return;
    }
    for (int i = 0; i < LINK_NUMBERS; i++) {
        base_free(l->urls[i]);
    }
    base_hmac_free(&l->instance);
    delivery_utm_free(&l->utm);
    base_free(l->public_url);
    base_free(l);
    *links = NULL;
}

static int load_urls(
    struct db *db, int64_t step_id, struct delivery_links *l, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, "SELECT number, url FROM link WHERE step_id = ?1", &stmt, err);
    if (rc != 0) {
        return rc;
    }
    db_bind_i64(stmt, 1, step_id);
    while ((rc = db_step(stmt, err)) == 1) {
        int64_t number = db_column_i64(stmt, 0);
        struct str url = db_column_str(stmt, 1);
        if (number >= 0 && number < LINK_NUMBERS && !l->urls[number]) {
            l->urls[number] = base_strndup(url.at, url.bytes);
            l->count = l->count > (int)number ? l->count : (int)number + 1;
        }
    }
    db_finish(&stmt);
    return rc;
}

int delivery_links_load(struct db *db, int64_t step_id, enum links_use use,
    struct delivery_utm *utm, struct delivery_links **links_out, struct base_err *err) {
    struct delivery_links *l = base_alloc(sizeof *l);
    struct base_err absent = {0};
    l->use = use;
    l->utm = utm;
    *links_out = NULL;
    int rc = schema_meta_get(db, "public_url", &l->public_url, &absent);
    if (rc == LANTOA_ENOENT) {
        if (utm) {
            *links_out = l;
        } else {
            delivery_links_free(&l);
        }
        return 0;
    }
    rc = rc == 0 ? 0 : base_err_set(err, rc, "%s", absent.text);
    if (rc == 0) {
        rc = link_public_url_check(str_from(l->public_url), err);
    }
    if (rc == 0) {
        rc = ledger_instance(db, &l->instance, err);
    }
    if (rc == 0 && use == LINKS_AS_PLANNED) {
        rc = load_urls(db, step_id, l, err);
    }
    if (rc != 0) {
        delivery_links_free(&l);
        return rc;
    }
    *links_out = l;
    return 0;
}

/* Number of an address; -1 when it is no link of this step. */
static int number_of(
    struct delivery_links *l, struct str url, int *number_out, struct base_err *err) {
    *number_out = -1;
    if (!l->public_url) {
        return 0;
    }
    for (int i = 0; i < l->count; i++) {
        if (l->urls[i] && str_is(url, l->urls[i])) {
            *number_out = i;
            return 0;
        }
    }
    if (l->use == LINKS_PLANNING) {
        if (l->count == LINK_NUMBERS) {
            return base_err_set(
                err, LANTOA_ELIMIT, TR("more than %d different links in one step"), LINK_NUMBERS);
        }
        l->urls[l->count] = base_strndup(url.at, url.bytes);
        *number_out = l->count++;
    }
    return 0;
}

/* --- rewriting --- */

struct rewriting {
    struct delivery_links *links;
    struct str text;
    size_t at; /* everything before it is in out */
    struct base_buf *out;
    struct base_err *err;
};

static bool here(const struct rewriting *r, size_t at, const char *word) {
    size_t bytes = strlen(word);
    return r->text.bytes - at >= bytes && memcmp(r->text.at + at, word, bytes) == 0;
}

/* Behind the tag that starts at `at`; the end of the text when it is not closed. *stop_out: the tag
 * changes the delimiters, and what follows cannot be read here. */
static size_t skip_tag(const struct rewriting *r, size_t at, bool *stop_out) {
    const char *close = here(r, at, "{{{") ? "}}}" : "}}";
    *stop_out = here(r, at, "{{=");
    for (size_t i = at + 2; i < r->text.bytes; i++) {
        if (here(r, i, close)) {
            return i + strlen(close);
        }
    }
    return r->text.bytes;
}

static bool ends_url(char c, bool html) {
    return (unsigned char)c <= ' ' || c == '"' || c == '<' || c == '>' || c == '\\' || c == '^' ||
           c == '`' || c == '|' || (html && c == '\'');
}

static size_t count_in(struct str text, char c) {
    size_t count = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        count += text.at[i] == c;
    }
    return count;
}

/* A full stop behind an address belongs to the sentence, a bracket to whoever opened it. */
static struct str trim_url(struct str url) {
    while (url.bytes > 0) {
        char last = url.at[url.bytes - 1];
        bool bracket = last == ')' && count_in(url, ')') > count_in(url, '(');
        if (!bracket && !strchr(".,;:!?'*", last)) {
            break;
        }
        url.bytes--;
    }
    return url;
}

/* The address that begins at `at`; false when it is none that can be a link. *end_out: behind it.
 */
static bool take_url(
    const struct rewriting *r, size_t at, bool html, struct str *url_out, size_t *end_out) {
    size_t scheme = here(r, at, "https://") ? 8 : 7;
    size_t end = at;
    while (end < r->text.bytes && !ends_url(r->text.at[end], html) && !here(r, end, "{{")) {
        end++;
    }
    *end_out = end;
    if (end < r->text.bytes && here(r, end, "{{")) {
        return false; /* made of values: differs from person to person */
    }
    struct str url = str_of(r->text.at + at, end - at);
    *url_out = html ? url : trim_url(url);
    *end_out = at + url_out->bytes;
    return url_out->bytes > scheme;
}

/* href values are HTML: "&amp;" is "&" in the address itself. */
static void unescape(struct str url, struct base_buf *out) {
    for (size_t i = 0; i < url.bytes; i++) {
        base_buf_add_char(out, url.at[i]);
        if (url.at[i] == '&' && url.bytes - i >= 5 && memcmp(url.at + i, "&amp;", 5) == 0) {
            i += 4;
        }
    }
}

/* An address that is made of values, with its tags. */
static struct str take_made_url(const struct rewriting *r, size_t from, bool html) {
    bool stop;
    size_t at = from;
    while (at < r->text.bytes && !here(r, at, "{{=")) {
        if (here(r, at, "{{")) {
            at = skip_tag(r, at, &stop);
        } else if (ends_url(r->text.at[at], html)) {
            break;
        } else {
            at++;
        }
    }
    struct str url = str_of(r->text.at + from, at - from);
    return html ? url : trim_url(url);
}

/* An address of our own tells nobody anything. */
static const struct delivery_utm *utm_of(const struct delivery_links *l, struct str url) {
    size_t bytes = l->public_url ? strlen(l->public_url) : 0;
    bool own = bytes > 0 && str_starts(url, str_from(l->public_url)) &&
               (url.bytes == bytes || strchr("/?#", url.at[bytes]));
    return own ? NULL : l->utm;
}

/* *number_out: the link that the address is, -1: none. full gets it with its utm. */
static int number_full(
    const struct rewriting *r, struct str url, bool html, struct base_buf *full, int *number_out) {
    delivery_utm_put(utm_of(r->links, url), url, html, full);
    if (!html) {
        return number_of(r->links, base_buf_str(full), number_out, r->err);
    }
    struct base_buf plain;
    base_buf_init(&plain, full->bytes + 1);
    unescape(base_buf_str(full), &plain);
    int rc = number_of(r->links, base_buf_str(&plain), number_out, r->err);
    base_buf_release(&plain);
    return rc;
}

static int replace(struct rewriting *r, size_t at, bool html) {
    struct str url;
    size_t end;
    int number = -1;
    int rc = 0;
    struct base_buf full;
    base_buf_init(&full, r->text.bytes + UTM_BYTES_MAX);
    if (take_url(r, at, html, &url, &end)) {
        rc = number_full(r, url, html, &full, &number);
    } else if (end < r->text.bytes && here(r, end, "{{")) {
        url = take_made_url(r, at, html);
        delivery_utm_put(utm_of(r->links, url), url, html, &full);
        end = at + url.bytes;
    } else {
        base_buf_add(&full, r->text.at + at, end - at);
    }
    base_buf_add(r->out, r->text.at + r->at, at - r->at);
    if (number >= 0) {
        base_buf_printf(r->out, "{{{link.%d}}}", number);
    } else {
        base_buf_add_str(r->out, base_buf_str(&full));
    }
    r->at = end;
    base_buf_release(&full);
    return rc;
}

/* In HTML only what stands in an href is a link: an address that is read must stay readable. */
static bool in_href(const struct rewriting *r, size_t at) {
    size_t i = at;
    if (i == 0 || (r->text.at[i - 1] != '"' && r->text.at[i - 1] != '\'')) {
        return false;
    }
    i--;
    while (i > 0 && strchr(" \t\r\n", r->text.at[i - 1])) {
        i--;
    }
    if (i == 0 || r->text.at[--i] != '=') {
        return false;
    }
    while (i > 0 && strchr(" \t\r\n", r->text.at[i - 1])) {
        i--;
    }
    return i > 4 && str_case_eq(str_of(r->text.at + i - 4, 4), STR("href")) &&
           strchr(" \t\r\n", r->text.at[i - 5]);
}

int delivery_links_rewrite(struct delivery_links *links, struct str text, bool html,
    struct base_buf *out, struct base_err *err) {
    struct rewriting r = {links, text, 0, out, err};
    size_t at = 0;
    bool stop = false;
    int rc = 0;
    while (rc == 0 && at < text.bytes && !stop) {
        if (here(&r, at, "{{")) {
            at = skip_tag(&r, at, &stop);
        } else if ((here(&r, at, "http://") || here(&r, at, "https://")) &&
                   (!html || in_href(&r, at))) {
            rc = replace(&r, at, html);
            at = r.at;
        } else {
            at++;
        }
    }
    base_buf_add(out, text.at + r.at, text.bytes - r.at);
    return rc;
}

int delivery_links_save(
    struct db *db, int64_t step_id, const struct delivery_links *links, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, "DELETE FROM link WHERE step_id = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, step_id);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    if (rc != 0 || !links) {
        return rc;
    }
    rc = db_prepare(db, "INSERT INTO link (step_id, number, url) VALUES (?1, ?2, ?3)", &stmt, err);
    for (int i = 0; rc == 0 && i < links->count; i++) {
        db_bind_i64(stmt, 1, step_id);
        db_bind_i64(stmt, 2, i);
        db_bind_text(stmt, 3, links->urls[i]);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

/* --- addresses of one message --- */

int delivery_link_name(struct str name) {
    if (str_is(name, "unsubscribe_url")) {
        return LINK_UNSUBSCRIBE;
    }
    if (str_is(name, "preferences_url")) {
        return LINK_PREFERENCES;
    }
    if (!str_starts(name, STR("link.")) || name.bytes < 6 || name.bytes > 7) {
        return -1;
    }
    int number = 0;
    for (size_t i = 5; i < name.bytes; i++) {
        if (name.at[i] < '0' || name.at[i] > '9') {
            return -1;
        }
        number = 10 * number + (name.at[i] - '0');
    }
    return number < LINK_NUMBERS ? number : -1;
}

struct str delivery_link_target(const struct delivery_links *links, int number) {
    bool known = links && number >= 0 && number < links->count && links->urls[number];
    return known ? str_from(links->urls[number]) : (struct str){0};
}

struct str delivery_link_url(
    struct delivery_links *links, int number, const char *key, char out[static LINK_URL_MAX]) {
    char code[LINK_CODE_BYTES + 1];
    int64_t id;
    if (!links || !links->public_url) {
        return (struct str){0};
    }
    if (number >= LINK_NUMBERS) {
        snprintf(out, LINK_URL_MAX, "%s/%c/%.*s", links->public_url,
            number == LINK_UNSUBSCRIBE ? 'u' : 'p', LEDGER_KEY_BYTES, key);
        return str_from(out);
    }
    if (ledger_key_id(str_from(key), &id) == 0) {
        link_code(links->instance, id, number, code);
    } else {
        encode(0, number, 0, code);
    }
    snprintf(out, LINK_URL_MAX, "%s/t/%s", links->public_url, code);
    return str_from(out);
}
