/* A recording in the forms in which devices take it, as files beside the original:
 * DIR/NAME, DIR/NAME.l16, ... A form that is there is whole. Any thread; knows no device and no
 * schedule. */
#ifndef LOUDSPEAKER_MATERIAL_H
#define LOUDSPEAKER_MATERIAL_H

#include "audio.h"

enum material_form {
    FORM_ORIGINAL,
    FORM_STREAM, /* for Icecast: Ogg Opus, or the MP3 as it came */
    FORM_MP3,    /* for Icecast where only MP3 is understood: 44,100 Hz, 64 kbit/s, one channel */
    FORM_L16,    /* payloads of 10 ms: 441 samples of 44,100 Hz, big-endian (RFC 3551, 4.5.11) */
    FORM_PCMU,   /* payloads of 20 ms: 160 bytes of mu-law at 8,000 Hz */
    FORM_OPUS,   /* payloads of 20 ms: 160 bytes of Opus, constant rate (RFC 7587) */
    FORM_WAV,    /* for a stick: 44,100 Hz, 16 bits, one channel */
};

#define MATERIAL_L16_BYTES 882
#define MATERIAL_PCMU_BYTES 160
#define MATERIAL_OPUS_BYTES 160
#define MATERIAL_PATH_BYTES 512

/* Where a form lies. */
void material_path(const char *dir, const char *name, enum material_form form,
    char out[static MATERIAL_PATH_BYTES]);

struct material {
    enum audio_format format;
    int64_t length_ms;
    char sha256[65];
    uint64_t bytes;
};

/* Keeps the recording and makes the form, unless they are there; safely on the disk when it
 * returns. Every sample is decoded, so what is damaged is found here. A name that begins with a
 * SHA-256 must be that of the bytes. 0, LANTOA_EINVAL (`why`: the recording is no good) or
 * LANTOA_EIO (`why`). */
int material_make(const char *dir, const char *name, const void *bytes, size_t count,
    enum material_form form, struct material *out, char why[static AUDIO_WHY_BYTES]);
/* Makes a form of a recording that is kept already. LANTOA_ENOENT: it is not. */
int material_form_make(
    const char *dir, const char *name, enum material_form form, char why[static AUDIO_WHY_BYTES]);

/* Writes a whole file under another name first, then renames; synced. errno or 0. */
int material_write(const char *path, const void *bytes, size_t count);

#endif
