/* Sound: measured, and brought to the one form that outlets play. ffmpeg and espeak-ng do it, as
 * programs of their own. Knows no database. */
#ifndef CAMPAIGN_AUDIO_H
#define CAMPAIGN_AUDIO_H

#include "base/buf.h"
#include "base/json.h"
#include "campaign/speech.h"

#define AUDIO_FILE_MOST (64 << 20) /* bytes of an upload */
#define AUDIO_LEAST_MS 500
#define AUDIO_MOST_MS (60 * 60 * 1000)
/* EBU R 128 (2020): programme loudness -23 LUFS, true peak at most -1 dBTP. */
#define AUDIO_LUFS (-23.0)
#define AUDIO_PEAK_DBTP (-1.0)
#define AUDIO_FORMAT "ogg/opus 48000 mono"

struct audio_measure {
    int64_t length_ms;
    double lufs, peak_dbtp;
};

/* Checks a sound file of any usual format (WAV, MP3, Ogg, FLAC, M4A, AMR ...) and appends it as
 * Ogg/Opus, 48 kHz, mono, at AUDIO_LUFS. before: as it came; after: as it will be played. findings:
 * texts are appended to this list (clipping, long silence, very quiet). The same bytes give the
 * same result. LANTOA_EINVAL: it is no sound, cut off, too short or long, or silent; LANTOA_ENOENT:
 * a program is missing. */
int audio_make(struct str file, struct base_buf *out, struct audio_measure *before_out,
    struct audio_measure *after_out, json_t *findings, struct base_err *err) LANTOA_MUST_CHECK;

/* Speaks text (as speech_expand made it) with the language's voice: appends a WAV file. Words that
 * the voice does not take for the language are told in findings. */
int audio_speak(const struct speech_language *language, struct str words, struct base_buf *wav_out,
    json_t *findings, struct base_err *err) LANTOA_MUST_CHECK;

#endif
