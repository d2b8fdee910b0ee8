/* Reads a device's address. */
#include "device.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAYLOAD_TYPE_L16_MONO 11 /* RFC 3551, table 4: L16, 44,100 Hz, one channel */
#define PAYLOAD_TYPE_PCMU 0
#define PAYLOAD_TYPE_DYNAMIC 96
#define TTL_DEFAULT 8

static bool plain(const char *text, const char *also) {
    for (; *text; text++) {
        bool letter = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
                      (*text >= '0' && *text <= '9');
        if (!letter && !strchr(also, *text)) {
            return false;
        }
    }
    return true;
}

static bool take(char *to, size_t room, const char *from, const char *end) {
    size_t bytes = (size_t)(end - from);
    if (bytes == 0 || bytes >= room) {
        return false;
    }
    memcpy(to, from, bytes);
    to[bytes] = '\0';
    return true;
}

static bool read_number(const char *text, long least, long most, int *out) {
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end || value < least || value > most) {
        return false;
    }
    *out = (int)value;
    return true;
}

/* [USER@]HOST:PORT up to `end`. */
static bool read_authority(struct device_url *url, const char *at, const char *end) {
    const char *sign = memchr(at, '@', (size_t)(end - at));
    if (sign) {
        if (!take(url->user, sizeof(url->user), at, sign)) {
            return false;
        }
        at = sign + 1;
    }
    const char *colon = end;
    while (colon > at && *colon != ':') {
        colon--;
    }
    bool six = colon > at + 2 && *at == '[' && colon[-1] == ']';
    int port;
    return *colon == ':' && take(url->port, sizeof(url->port), colon + 1, end) &&
           read_number(url->port, 1, 65535, &port) &&
           take(url->host, sizeof(url->host), six ? at + 1 : at, six ? colon - 1 : colon) &&
           plain(url->host, six ? ":." : "-._") && plain(url->user, "-._");
}

static const char *const codec_names[] = {"l16", "pcmu", "opus"};

static bool read_query(struct device_url *url, const char *query) {
    char text[128];
    char *rest = text, *word;
    if (strlen(query) >= sizeof(text)) {
        return false;
    }
    snprintf(text, sizeof(text), "%s", query);
    while ((word = strsep(&rest, "&"))) {
        char *value = strchr(word, '=');
        bool good = value != NULL;
        if (value) {
            *value++ = '\0';
        }
        if (good && strcmp(word, "codec") == 0) {
            good = false;
            for (int i = 0; i < 3; i++) {
                if (strcmp(value, codec_names[i]) == 0) {
                    url->codec = (enum device_codec)i;
                    good = true;
                }
            }
        } else if (good && strcmp(word, "pt") == 0) {
            good = read_number(value, 0, 127, &url->payload_type);
        } else if (good && strcmp(word, "ttl") == 0) {
            good = read_number(value, 1, 255, &url->ttl);
        } else {
            good = false;
        }
        if (!good) {
            return false;
        }
    }
    return true;
}

static bool read_rtp(struct device_url *url, const char *rest) {
    const char *query = strchr(rest, '?');
    url->kind = DEVICE_RTP;
    url->payload_type = -1;
    url->ttl = TTL_DEFAULT;
    if (!read_authority(url, rest, query ? query : rest + strlen(rest)) || url->user[0] ||
        (query && !read_query(url, query + 1))) {
        return false;
    }
    if (url->payload_type < 0) {
        url->payload_type = url->codec == CODEC_L16    ? PAYLOAD_TYPE_L16_MONO
                            : url->codec == CODEC_PCMU ? PAYLOAD_TYPE_PCMU
                                                       : PAYLOAD_TYPE_DYNAMIC;
    }
    return true;
}

static bool read_icecast(struct device_url *url, const char *rest, bool tls) {
    const char *slash = strchr(rest, '/');
    url->kind = DEVICE_ICECAST;
    url->tls = tls;
    if (!slash || !read_authority(url, rest, slash) || slash[1] == '\0' ||
        !take(url->mount, sizeof(url->mount), slash, slash + strlen(slash)) ||
        !plain(url->mount, "/-._")) {
        return false;
    }
    if (!url->user[0]) {
        snprintf(url->user, sizeof(url->user), "source");
    }
    size_t bytes = strlen(url->mount);
    url->mp3 = bytes > 5 && strcmp(url->mount + bytes - 4, ".mp3") == 0;
    return true;
}

static bool read_id(struct device_url *url, enum device_kind kind, const char *rest) {
    url->kind = kind;
    return take(url->id, sizeof(url->id), rest, rest + strlen(rest)) && plain(url->id, "-._") &&
           url->id[0] != '.';
}

bool device_url_read(
    struct lantoa_str text, struct device_url *url_out, char *why, size_t why_bytes) {
    struct device_url url = {0};
    char copy[400];
    bool good = text.bytes > 0 && text.bytes < sizeof(copy) && !memchr(text.at, 0, text.bytes);
    if (good) {
        memcpy(copy, text.at, text.bytes);
        copy[text.bytes] = '\0';
        if (strncmp(copy, "icecast://", 10) == 0) {
            good = read_icecast(&url, copy + 10, false);
        } else if (strncmp(copy, "icecasts://", 11) == 0) {
            good = read_icecast(&url, copy + 11, true);
        } else if (strncmp(copy, "rtp://", 6) == 0) {
            good = read_rtp(&url, copy + 6);
        } else if (strncmp(copy, "device:", 7) == 0) {
            good = read_id(&url, DEVICE_PULL, copy + 7);
        } else if (strncmp(copy, "paper:", 6) == 0) {
            good = read_id(&url, DEVICE_PAPER, copy + 6);
        } else {
            good = false;
        }
    }
    if (!good) {
        snprintf(why, why_bytes,
            "not a device: icecast://USER@HOST:PORT/MOUNT, rtp://HOST:PORT?codec=l16|pcmu|opus, "
            "device:ID or paper:CODE");
        return false;
    }
    *url_out = url;
    return true;
}
