/* Mail addresses: syntax, mailboxes with a name, and keys behind a "+". Knows no SMTP and no host.
 */
#include "address.h"

#include <strings.h>

static bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_atext(char c) {
    return is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool dot_atom_valid(const char *at, size_t bytes) {
    bool dot = true; /* a dot may not come first, last, or twice */
    for (size_t i = 0; i < bytes; i++) {
        if (at[i] == '.' ? dot : !is_atext(at[i])) {
            return false;
        }
        dot = at[i] == '.';
    }
    return !dot;
}

static bool quoted_valid(const char *at, size_t bytes) {
    if (bytes < 3 || at[0] != '"' || at[bytes - 1] != '"') {
        return false;
    }
    for (size_t i = 1; i + 1 < bytes; i++) {
        if (at[i] == '\\') {
            if (++i + 1 >= bytes) {
                return false;
            }
        } else if (at[i] == '"') {
            return false;
        }
        if (at[i] < ' ' || at[i] > '~') {
            return false;
        }
    }
    return true;
}

static bool literal_valid(struct lantoa_str domain) {
    if (domain.bytes < 4 || domain.at[domain.bytes - 1] != ']') {
        return false;
    }
    for (size_t i = 1; i + 1 < domain.bytes; i++) {
        if (!is_alnum(domain.at[i]) && domain.at[i] != '.' && domain.at[i] != ':') {
            return false;
        }
    }
    return true;
}

bool address_domain_valid(struct lantoa_str domain) {
    size_t label = 0;
    if (domain.bytes == 0 || domain.bytes > 253) {
        return false;
    }
    for (size_t i = 0; i <= domain.bytes; i++) {
        if (i == domain.bytes || domain.at[i] == '.') {
            if (label == 0 || label > 63 || domain.at[i - 1] == '-') {
                return false;
            }
            label = 0;
        } else if (is_alnum(domain.at[i]) || (domain.at[i] == '-' && label > 0)) {
            label++;
        } else {
            return false;
        }
    }
    return true;
}

struct lantoa_str address_domain(struct lantoa_str spec) {
    for (size_t i = spec.bytes; i > 0; i--) {
        if (spec.at[i - 1] == '@') {
            return (struct lantoa_str){spec.at + i, spec.bytes - i};
        }
    }
    return (struct lantoa_str){"", 0};
}

bool address_valid(struct lantoa_str spec) {
    struct lantoa_str domain = address_domain(spec);
    if (spec.bytes > ADDRESS_MOST || domain.bytes == 0 || spec.bytes < domain.bytes + 2) {
        return false;
    }
    size_t local = spec.bytes - domain.bytes - 1;
    if (local > 64 || !(dot_atom_valid(spec.at, local) || quoted_valid(spec.at, local))) {
        return false;
    }
    return domain.at[0] == '[' ? literal_valid(domain) : address_domain_valid(domain);
}

static struct lantoa_str trimmed(const char *from, const char *to) {
    while (from < to && (*from == ' ' || *from == '\t')) {
        from++;
    }
    while (to > from && (to[-1] == ' ' || to[-1] == '\t')) {
        to--;
    }
    return (struct lantoa_str){from, (size_t)(to - from)};
}

int address_mailbox_parse(const char *text, struct address_mailbox *mailbox_out) {
    size_t bytes = strlen(text);
    const char *end = text + bytes;
    for (size_t i = 0; i < bytes; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) {
            return LANTOA_EINVAL;
        }
    }
    *mailbox_out = (struct address_mailbox){.name = {"", 0}, .spec = trimmed(text, end)};
    struct lantoa_str all = mailbox_out->spec;
    const char *open = memchr(all.at, '<', all.bytes);
    if (open != NULL) {
        if (all.at[all.bytes - 1] != '>') {
            return LANTOA_EINVAL;
        }
        struct lantoa_str name = trimmed(all.at, open);
        if (name.bytes >= 2 && name.at[0] == '"' && name.at[name.bytes - 1] == '"') {
            name = (struct lantoa_str){name.at + 1, name.bytes - 2};
        }
        mailbox_out->name = name;
        mailbox_out->spec = trimmed(open + 1, all.at + all.bytes - 1);
    }
    return address_valid(mailbox_out->spec) ? LANTOA_OK : LANTOA_EINVAL;
}

void address_put_tagged(struct bytes *out, struct lantoa_str base, struct lantoa_str key) {
    struct lantoa_str domain = address_domain(base);
    bytes_put(out, base.at, base.bytes - domain.bytes - 1);
    bytes_put_char(out, '+');
    bytes_put_str(out, key);
    bytes_put_char(out, '@');
    bytes_put_str(out, domain);
}

bool address_key_valid(struct lantoa_str key) {
    if (key.bytes != ADDRESS_KEY_BYTES) {
        return false;
    }
    for (size_t i = 0; i < key.bytes; i++) {
        if (!(key.at[i] >= 'a' && key.at[i] <= 'z') && !(key.at[i] >= '2' && key.at[i] <= '7')) {
            return false;
        }
    }
    return true;
}

bool address_match_tagged(
    struct lantoa_str spec, struct lantoa_str base, char key_out[ADDRESS_KEY_BYTES + 1]) {
    struct lantoa_str domain = address_domain(spec), base_domain = address_domain(base);
    key_out[0] = '\0';
    if (domain.bytes == 0 || domain.bytes != base_domain.bytes ||
        strncasecmp(domain.at, base_domain.at, domain.bytes) != 0) {
        return false;
    }
    size_t local = spec.bytes - domain.bytes - 1, base_local = base.bytes - domain.bytes - 1;
    if (local < base_local || strncasecmp(spec.at, base.at, base_local) != 0) {
        return false;
    }
    if (local == base_local) {
        return true;
    }
    if (spec.at[base_local] != '+' || local - base_local - 1 != ADDRESS_KEY_BYTES) {
        return false;
    }
    for (size_t i = 0; i < ADDRESS_KEY_BYTES; i++) {
        char c = spec.at[base_local + 1 + i];
        key_out[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
    }
    key_out[ADDRESS_KEY_BYTES] = '\0';
    if (!address_key_valid((struct lantoa_str){key_out, ADDRESS_KEY_BYTES})) {
        key_out[0] = '\0';
        return false;
    }
    return true;
}
