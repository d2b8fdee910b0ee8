/* One face for three decoders. */
#include "audio.h"
#include <mpg123.h>
#include <opusfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE_LEAST 8000
#define RATE_MOST 192000
#define CHANNELS_MOST 8

struct wav {
    const uint8_t *at, *end;
    int channels, bytes_each; /* of one sample: 1, 2, 3 or 4 */
    bool floats;
};

struct audio {
    enum audio_format format;
    int rate;
    struct wav wav;
    OggOpusFile *opus;
    mpg123_handle *mp3;
    const uint8_t *bytes;
    size_t count;
    uint64_t samples; /* read so far */
};

static uint32_t le32(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static int le16(const uint8_t *at) {
    return at[0] | at[1] << 8;
}

static bool say(char *why, const char *text) {
    snprintf(why, AUDIO_WHY_BYTES, "%s", text);
    return false;
}

static bool read_wav_format(struct audio *audio, const uint8_t *at, uint32_t bytes, char *why) {
    struct wav *wav = &audio->wav;
    if (bytes < 16) {
        return say(why, "WAV: the format chunk is too short");
    }
    int code = le16(at);
    if (code == 0xFFFE && bytes >= 26) {
        code = le16(at + 24); /* WAVE_FORMAT_EXTENSIBLE: the first bytes of the sub-format */
    }
    wav->channels = le16(at + 2);
    audio->rate = (int)le32(at + 4);
    int bits = le16(at + 14);
    wav->bytes_each = bits / 8;
    wav->floats = code == 3;
    bool known = (code == 1 && (bits == 8 || bits == 16 || bits == 24 || bits == 32)) ||
                 (code == 3 && bits == 32);
    if (!known) {
        snprintf(
            why, AUDIO_WHY_BYTES, "WAV: format %d with %d bits is not known, only PCM", code, bits);
        return false;
    }
    if (wav->channels < 1 || wav->channels > CHANNELS_MOST || audio->rate < RATE_LEAST ||
        audio->rate > RATE_MOST) {
        snprintf(why, AUDIO_WHY_BYTES, "WAV: %d channels at %d Hz are not sensible", wav->channels,
            audio->rate);
        return false;
    }
    return true;
}

static bool open_wav(struct audio *audio, char *why) {
    const uint8_t *at = audio->bytes + 12, *end = audio->bytes + audio->count;
    audio->format = AUDIO_WAV;
    while (end - at >= 8) {
        uint32_t bytes = le32(at + 4);
        const uint8_t *body = at + 8;
        size_t there = (size_t)(end - body);
        if (memcmp(at, "data", 4) == 0) {
            if (audio->rate == 0) {
                return say(why, "WAV: no format before the data");
            }
            if (bytes > there) {
                return say(why, "WAV: the file ends before its data do");
            }
            audio->wav.at = body;
            audio->wav.end = body + bytes;
            return true;
        }
        if (bytes > there) {
            break;
        }
        if (memcmp(at, "fmt ", 4) == 0 && !read_wav_format(audio, body, bytes, why)) {
            return false;
        }
        at = body + bytes + (bytes & 1 && bytes < there ? 1 : 0);
    }
    return say(why, "WAV: no data in it");
}

static bool open_opus(struct audio *audio, char *why) {
    int error = 0;
    audio->format = AUDIO_OGG_OPUS;
    audio->rate = 48000;
    audio->opus = op_open_memory(audio->bytes, audio->count, &error);
    if (!audio->opus) {
        return say(why, error == OP_ENOTFORMAT ? "Ogg: the codec is not Opus"
                                               : "Ogg Opus: the file is damaged");
    }
    return true;
}

static bool open_mp3(struct audio *audio, char *why) {
    int error = MPG123_OK, channels, encoding;
    long rate;
    audio->format = AUDIO_MP3;
    mpg123_init();
    audio->mp3 = mpg123_new(NULL, &error);
    if (!audio->mp3) {
        return say(why, "MP3: no memory");
    }
    mpg123_param(
        audio->mp3, MPG123_ADD_FLAGS, MPG123_FORCE_MONO | MPG123_FORCE_FLOAT | MPG123_QUIET, 0);
    if (mpg123_open_feed(audio->mp3) != MPG123_OK ||
        mpg123_feed(audio->mp3, audio->bytes, audio->count) != MPG123_OK ||
        mpg123_getformat(audio->mp3, &rate, &channels, &encoding) != MPG123_OK) {
        return say(why, "not a recording: neither WAV nor Ogg Opus nor MP3");
    }
    audio->rate = (int)rate;
    return true;
}

struct audio *audio_open(const void *bytes, size_t count, char why[static AUDIO_WHY_BYTES]) {
    struct audio *audio = calloc(1, sizeof(*audio));
    why[0] = '\0';
    if (!audio) {
        say(why, "no memory");
        return NULL;
    }
    audio->bytes = bytes;
    audio->count = count;
    bool good;
    if (count >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(audio->bytes + 8, "WAVE", 4) == 0) {
        good = open_wav(audio, why);
    } else if (count >= 4 && memcmp(bytes, "OggS", 4) == 0) {
        good = open_opus(audio, why);
    } else if (count == 0) {
        good = say(why, "the file is empty");
    } else {
        good = open_mp3(audio, why);
    }
    if (!good) {
        audio_close(audio);
        return NULL;
    }
    return audio;
}

void audio_close(struct audio *audio) {
    if (audio) {
        if (audio->opus) {
            op_free(audio->opus);
        }
        if (audio->mp3) {
            mpg123_delete(audio->mp3);
        }
        free(audio);
    }
}

enum audio_format audio_format(const struct audio *audio) {
    return audio->format;
}

int audio_rate(const struct audio *audio) {
    return audio->rate;
}

static float wav_sample(const struct wav *wav, const uint8_t *at) {
    if (wav->floats) {
        uint32_t bits = le32(at);
        float value;
        memcpy(&value, &bits, sizeof(value));
        return value >= -8 && value <= 8 ? value : 0;
    }
    switch (wav->bytes_each) {
    case 1:
        return (float)(at[0] - 128) / 128;
    case 2:
        return (float)(int16_t)le16(at) / 32768;
    case 3:
        return (float)(int32_t)((uint32_t)at[0] << 8 | (uint32_t)at[1] << 16 |
                                (uint32_t)at[2] << 24) /
               2147483648.0F;
    default:
        return (float)(int32_t)le32(at) / 2147483648.0F;
    }
}

static long read_wav(struct wav *wav, float *out, size_t room) {
    size_t frame = (size_t)wav->channels * (size_t)wav->bytes_each, count = 0;
    while (count < room && (size_t)(wav->end - wav->at) >= frame) {
        float sum = 0;
        for (int i = 0; i < wav->channels; i++) {
            sum += wav_sample(wav, wav->at + i * wav->bytes_each);
        }
        out[count++] = sum / (float)wav->channels;
        wav->at += frame;
    }
    return (long)count;
}

static long read_opus(struct audio *audio, float *out, size_t room, char *why) {
    float stereo[2 * 1920];
    size_t most = room < 1920 ? room : 1920;
    int count = op_read_float_stereo(audio->opus, stereo, (int)(2 * most));
    if (count < 0) {
        snprintf(
            why, AUDIO_WHY_BYTES, "Ogg Opus: damaged after %.1f s", (double)audio->samples / 48000);
        return -1;
    }
    for (int i = 0; i < count; i++) {
        out[i] = (stereo[2 * i] + stereo[2 * i + 1]) / 2;
    }
    return count;
}

static long read_mp3(struct audio *audio, float *out, size_t room, char *why) {
    size_t done = 0;
    int code = mpg123_read(audio->mp3, (unsigned char *)out, room * sizeof(float), &done);
    if (code == MPG123_NEW_FORMAT && done == 0) {
        code = mpg123_read(audio->mp3, (unsigned char *)out, room * sizeof(float), &done);
    }
    if (done == 0 && code != MPG123_NEED_MORE && code != MPG123_DONE && code != MPG123_OK) {
        snprintf(why, AUDIO_WHY_BYTES, "MP3: damaged after %.1f s",
            (double)audio->samples / audio->rate);
        return -1;
    }
    return (long)(done / sizeof(float));
}

long audio_read(struct audio *audio, float *out, size_t room, char why[static AUDIO_WHY_BYTES]) {
    long count = 0;
    switch (audio->format) {
    case AUDIO_WAV:
        count = read_wav(&audio->wav, out, room);
        break;
    case AUDIO_OGG_OPUS:
        count = read_opus(audio, out, room, why);
        break;
    case AUDIO_MP3:
        count = read_mp3(audio, out, room, why);
        break;
    }
    if (count > 0) {
        audio->samples += (uint64_t)count;
    } else if (count == 0 && audio->samples == 0) {
        say(why, "the recording is empty");
        return -1;
    }
    return count;
}

int16_t audio_to_s16(float sample) {
    float scaled = sample * 32767;
    return (int16_t)(scaled > 32767 ? 32767 : scaled < -32768 ? -32768 : scaled);
}

uint8_t audio_ulaw(int16_t sample) {
    int sign = sample < 0 ? 0x80 : 0;
    int value = (sample < 0 ? -(int)sample : sample) + 132;
    int segment = 7;
    if (value > 32767) {
        value = 32767;
    }
    for (int mask = 0x4000; segment > 0 && !(value & mask); mask >>= 1) {
        segment--;
    }
    return (uint8_t) ~(sign | segment << 4 | ((value >> (segment + 3)) & 15));
}
