/* The address of a loudspeaker, as it stands in a message:
 *
 *   icecast://USER@HOST:PORT/MOUNT            icecasts:// with TLS; MOUNT.mp3: MP3
 *   rtp://HOST:PORT?codec=l16|pcmu|opus&pt=N&ttl=N     HOST may be a multicast group
 *   device:ID                                 fetches its plan itself
 *   paper:CODE                                a person plays it from a stick
 *
 * Pure functions. */
#ifndef LOUDSPEAKER_DEVICE_H
#define LOUDSPEAKER_DEVICE_H

#include <lantoa/message.h>
#include <stdbool.h>

enum device_kind { DEVICE_ICECAST, DEVICE_RTP, DEVICE_PULL, DEVICE_PAPER };
enum device_codec { CODEC_L16, CODEC_PCMU, CODEC_OPUS };

#define DEVICE_ID_BYTES 64

struct device_url {
    enum device_kind kind;
    char host[128]; /* name or address, IPv6 without brackets */
    char port[8];
    char user[64];
    char mount[128];          /* with its '/' */
    char id[DEVICE_ID_BYTES]; /* of device: and paper: */
    enum device_codec codec;
    int payload_type, ttl;
    bool tls, mp3;
};

/* False with words (English, one line) when it is no such address. */
bool device_url_read(
    struct lantoa_str text, struct device_url *url_out, char *why, size_t why_bytes);

#endif
