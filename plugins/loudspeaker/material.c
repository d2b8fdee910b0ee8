/* Makes the forms: decoder, resampler, encoder, file. */
#include "material.h"
#include <errno.h>
#include <fcntl.h>
#include <lame/lame.h>
#include <lantoa/errors.h>
#include <openssl/sha.h>
#include <opus.h>
#include <opusenc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE 4096
#define OPUS_BITRATE 64000
#define OPUS_COMPLEXITY 5 /* of 0 to 10: horns do not tell, and an emergency waits for it */
#define MP3_KILOBITS 64
#define MP3_QUALITY 7                                    /* of 0 to 9, the best is 0: as above */
#define MP3_BYTES_MOST(samples) ((samples)*5 / 4 + 7200) /* lame.h */
#define WAV_HEAD_BYTES 44

static const struct {
    const char *suffix;
    int rate;
    size_t samples; /* of one payload */
} forms[] = {
    [FORM_ORIGINAL] = {"", 0, 0},
    [FORM_STREAM] = {".stream", 48000, 960},
    [FORM_MP3] = {".mp3stream", 44100, 1152},
    [FORM_L16] = {".l16", 44100, 441},
    [FORM_PCMU] = {".pcmu", 8000, 160},
    [FORM_OPUS] = {".rtpopus", 48000, 960},
    [FORM_WAV] = {".wav44", 44100, 441},
};

void material_path(const char *dir, const char *name, enum material_form form,
    char out[static MATERIAL_PATH_BYTES]) {
    snprintf(out, MATERIAL_PATH_BYTES, "%s/%s%s", dir, name, forms[form].suffix);
}

/* Two threads may make forms of one recording. */
static void draft_name(const char *path, char out[static MATERIAL_PATH_BYTES + 32]) {
    snprintf(out, MATERIAL_PATH_BYTES + 32, "%s.%d.tmp", path, (int)gettid());
}

/* --- where samples go --- */

struct sink {
    enum material_form form;
    FILE *file;
    OpusEncoder *opus;
    OggOpusEnc *ogg;
    lame_global_flags *lame;
    float piece[960]; /* one payload, until it is full */
    size_t filled;
    uint64_t samples;
    bool failed;
};

static int ogg_write(void *arg, const unsigned char *at, opus_int32 bytes) {
    struct sink *sink = arg;
    return fwrite(at, 1, (size_t)bytes, sink->file) != (size_t)bytes;
}

static int ogg_close(void *arg) {
    (void)arg;
    return 0;
}

static bool mp3_open(struct sink *sink) {
    sink->lame = lame_init();
    return sink->lame && lame_set_in_samplerate(sink->lame, forms[FORM_MP3].rate) == 0 &&
           lame_set_out_samplerate(sink->lame, forms[FORM_MP3].rate) == 0 &&
           lame_set_num_channels(sink->lame, 1) == 0 && lame_set_mode(sink->lame, MONO) == 0 &&
           lame_set_brate(sink->lame, MP3_KILOBITS) == 0 &&
           lame_set_quality(sink->lame, MP3_QUALITY) == 0 &&
           lame_set_bWriteVbrTag(sink->lame, 0) == 0 && lame_init_params(sink->lame) == 0;
}

static void mp3_keep(struct sink *sink, const unsigned char *at, int bytes) {
    sink->failed |= bytes < 0 || fwrite(at, 1, (size_t)bytes, sink->file) != (size_t)bytes;
}

static void mp3_put(struct sink *sink, const float *samples, size_t count) {
    unsigned char out[MP3_BYTES_MOST(PIECE)];
    mp3_keep(sink, out,
        lame_encode_buffer_ieee_float(
            sink->lame, samples, samples, (int)count, out, (int)sizeof(out)));
}

static void mp3_end(struct sink *sink) {
    unsigned char out[MP3_BYTES_MOST(0)];
    mp3_keep(sink, out, lame_encode_flush(sink->lame, out, (int)sizeof(out)));
}

static bool sink_open(struct sink *sink, enum material_form form, const char *path) {
    int error = 0;
    *sink = (struct sink){.form = form, .file = fopen(path, "wbe")};
    if (!sink->file) {
        return false;
    }
    if (form == FORM_OPUS) {
        sink->opus = opus_encoder_create(48000, 1, OPUS_APPLICATION_AUDIO, &error);
        if (!sink->opus) {
            return false;
        }
        opus_encoder_ctl(sink->opus, OPUS_SET_BITRATE(OPUS_BITRATE));
        opus_encoder_ctl(sink->opus, OPUS_SET_VBR(0));
        opus_encoder_ctl(sink->opus, OPUS_SET_COMPLEXITY(OPUS_COMPLEXITY));
    } else if (form == FORM_STREAM) {
        static const OpusEncCallbacks calls = {ogg_write, ogg_close};
        OggOpusComments *comments = ope_comments_create();
        sink->ogg = comments
                        ? ope_encoder_create_callbacks(&calls, sink, comments, 48000, 1, 0, &error)
                        : NULL;
        if (comments) {
            ope_comments_destroy(comments);
        }
        if (!sink->ogg) {
            return false;
        }
        ope_encoder_ctl(sink->ogg, OPUS_SET_BITRATE(OPUS_BITRATE));
        ope_encoder_ctl(sink->ogg, OPE_SET_MUXING_DELAY(48000 / 5)); /* pages of 0.2 s */
    } else if (form == FORM_MP3) {
        return mp3_open(sink);
    } else if (form == FORM_WAV) {
        static const char head[WAV_HEAD_BYTES] = {0};
        return fwrite(head, 1, sizeof(head), sink->file) == sizeof(head);
    }
    return true;
}

static void put_piece(struct sink *sink) {
    uint8_t out[1920];
    size_t bytes = 0, count = forms[sink->form].samples;
    for (size_t i = 0; i < count && sink->form != FORM_OPUS; i++) {
        int16_t sample = audio_to_s16(sink->piece[i]);
        if (sink->form == FORM_PCMU) {
            out[bytes++] = audio_ulaw(sample);
        } else {
            uint8_t high = (uint8_t)((uint16_t)sample >> 8), low = (uint8_t)sample;
            out[bytes++] = sink->form == FORM_L16 ? high : low;
            out[bytes++] = sink->form == FORM_L16 ? low : high;
        }
    }
    if (sink->form == FORM_OPUS) {
        int got = opus_encode_float(sink->opus, sink->piece, (int)count, out, MATERIAL_OPUS_BYTES);
        sink->failed |= got != MATERIAL_OPUS_BYTES;
        bytes = MATERIAL_OPUS_BYTES;
    }
    sink->failed |= fwrite(out, 1, bytes, sink->file) != bytes;
    sink->filled = 0;
}

static void sink_put(struct sink *sink, const float *samples, size_t count) {
    sink->samples += count;
    if (sink->ogg) {
        sink->failed |= ope_encoder_write_float(sink->ogg, samples, (int)count) != OPE_OK;
        return;
    }
    if (sink->lame) {
        mp3_put(sink, samples, count);
        return;
    }
    while (count > 0) {
        size_t room = forms[sink->form].samples - sink->filled;
        size_t some = count < room ? count : room;
        memcpy(sink->piece + sink->filled, samples, some * sizeof(float));
        sink->filled += some;
        samples += some;
        count -= some;
        if (sink->filled == forms[sink->form].samples) {
            put_piece(sink);
        }
    }
}

static void put32(uint8_t *at, uint32_t value) {
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static bool write_wav_head(struct sink *sink) {
    uint8_t head[WAV_HEAD_BYTES] = "RIFF....WAVEfmt ";
    long end = ftell(sink->file);
    if (end < WAV_HEAD_BYTES || end > INT32_MAX) {
        return false;
    }
    put32(head + 4, (uint32_t)end - 8);
    put32(head + 16, 16);
    put32(head + 20, 1 | 1 << 16); /* PCM, one channel */
    put32(head + 24, 44100);
    put32(head + 28, 88200);
    put32(head + 32, 2 | 16 << 16);
    put32(head + 36, 0x61746164); /* "data" */
    put32(head + 40, (uint32_t)end - WAV_HEAD_BYTES);
    return fseek(sink->file, 0, SEEK_SET) == 0 &&
           fwrite(head, 1, sizeof(head), sink->file) == sizeof(head);
}

/* True: all is written and on the disk. */
static bool sink_close(struct sink *sink, bool keep) {
    bool good = keep && sink->file && !sink->failed;
    if (good && sink->filled > 0) {
        memset(sink->piece + sink->filled, 0,
            (forms[sink->form].samples - sink->filled) * sizeof(float));
        put_piece(sink);
    }
    if (good && sink->ogg) {
        good = ope_encoder_drain(sink->ogg) == OPE_OK;
    }
    if (good && sink->lame) {
        mp3_end(sink);
    }
    if (good && sink->form == FORM_WAV) {
        good = write_wav_head(sink);
    }
    if (sink->ogg) {
        ope_encoder_destroy(sink->ogg);
    }
    if (sink->opus) {
        opus_encoder_destroy(sink->opus);
    }
    if (sink->lame) {
        lame_close(sink->lame);
    }
    if (sink->file) {
        good = good && fflush(sink->file) == 0 && !sink->failed && fsync(fileno(sink->file)) == 0;
        fclose(sink->file);
    }
    return good;
}

/* --- from the decoder into it --- */

static bool pour_through(struct audio *audio, struct resampler *resampler, struct sink *sink,
    uint64_t *samples_out, char *why) {
    float in[PIECE], out[PIECE];
    long count;
    size_t some;
    while ((count = audio_read(audio, in, PIECE, why)) > 0) {
        *samples_out += (uint64_t)count;
        if (!sink) {
            continue;
        }
        if (!resampler) {
            sink_put(sink, in, (size_t)count);
            continue;
        }
        resampler_put(resampler, in, (size_t)count);
        while ((some = resampler_take(resampler, out, PIECE)) > 0) {
            sink_put(sink, out, some);
        }
    }
    if (count == 0 && resampler) {
        resampler_end(resampler);
        while ((some = resampler_take(resampler, out, PIECE)) > 0) {
            sink_put(sink, out, some);
        }
    }
    return count == 0;
}

/* Decodes all of it; with a path, into that form. */
static int pour(struct audio *audio, enum material_form form, const char *path,
    int64_t *length_ms_out, char *why) {
    struct resampler *resampler = NULL;
    struct sink sink = {0};
    uint64_t samples = 0;
    char draft[MATERIAL_PATH_BYTES + 32];
    if (!path) {
        bool whole = pour_through(audio, NULL, NULL, &samples, why);
        *length_ms_out = (int64_t)(samples * 1000 / (uint64_t)audio_rate(audio));
        return whole ? 0 : LANTOA_EINVAL;
    }
    draft_name(path, draft);
    if (audio_rate(audio) != forms[form].rate) {
        resampler = resampler_new(audio_rate(audio), forms[form].rate);
        if (!resampler) {
            snprintf(why, AUDIO_WHY_BYTES, "%d samples a second cannot be made into %d",
                audio_rate(audio), forms[form].rate);
            return LANTOA_EINVAL;
        }
    }
    bool open = sink_open(&sink, form, draft);
    bool whole = open && pour_through(audio, resampler, &sink, &samples, why);
    resampler_free(resampler);
    bool kept = sink_close(&sink, whole) && rename(draft, path) == 0;
    if (!kept) {
        unlink(draft);
        if (open && !whole) {
            return LANTOA_EINVAL;
        }
        snprintf(why, AUDIO_WHY_BYTES, "cannot be written: %s", strerror(errno));
        return LANTOA_EIO;
    }
    *length_ms_out = (int64_t)(samples * 1000 / (uint64_t)audio_rate(audio));
    return 0;
}

int material_write(const char *path, const void *bytes, size_t count) {
    char draft[MATERIAL_PATH_BYTES + 32];
    const char *at = bytes;
    draft_name(path, draft);
    int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        return errno;
    }
    int failed = 0;
    while (count > 0 && !failed) {
        ssize_t done = write(fd, at, count);
        if (done < 0 && errno != EINTR) {
            failed = errno;
        } else if (done > 0) {
            at += done;
            count -= (size_t)done;
        }
    }
    if (!failed && fsync(fd) != 0) {
        failed = errno;
    }
    close(fd);
    if (!failed && rename(draft, path) != 0) {
        failed = errno;
    }
    if (failed) {
        unlink(draft);
    }
    return failed;
}

/* The form that a device gets of this recording: Ogg Opus and MP3 go to Icecast as they are, unless
 * it is to be MP3. */
static bool is_original(enum audio_format format, enum material_form form) {
    return form == FORM_ORIGINAL || (form == FORM_STREAM && format != AUDIO_WAV) ||
           (form == FORM_MP3 && format == AUDIO_MP3);
}

static int make_form(const char *dir, const char *name, const void *bytes, size_t count,
    enum material_form form, int64_t *length_ms_out, char *why) {
    char path[MATERIAL_PATH_BYTES], original[MATERIAL_PATH_BYTES];
    struct audio *audio = audio_open(bytes, count, why);
    if (!audio) {
        return LANTOA_EINVAL;
    }
    material_path(dir, name, form, path);
    bool same = is_original(audio_format(audio), form);
    bool there = form != FORM_ORIGINAL && access(path, F_OK) == 0;
    int code = pour(audio, form, same || there ? NULL : path, length_ms_out, why);
    if (code == 0 && same && form != FORM_ORIGINAL && !there) {
        material_path(dir, name, FORM_ORIGINAL, original);
        if (link(original, path) != 0 && errno != EEXIST) {
            snprintf(why, AUDIO_WHY_BYTES, "cannot be written: %s", strerror(errno));
            code = LANTOA_EIO;
        }
    }
    audio_close(audio);
    return code;
}

int material_make(const char *dir, const char *name, const void *bytes, size_t count,
    enum material_form form, struct material *out, char why[static AUDIO_WHY_BYTES]) {
    uint8_t hash[SHA256_DIGEST_LENGTH];
    char path[MATERIAL_PATH_BYTES];
    struct stat found;
    why[0] = '\0';
    SHA256(bytes, count, hash);
    for (int i = 0; i < SHA256_DIGEST_LENGTH; i++) {
        snprintf(out->sha256 + 2 * i, 3, "%02x", hash[i]);
    }
    size_t hex = strspn(name, "0123456789abcdef");
    if (hex == 64 && strncmp(name, out->sha256, 64) != 0) {
        snprintf(why, AUDIO_WHY_BYTES, "the bytes are not those of %.16s...", name);
        return LANTOA_EINVAL;
    }
    out->bytes = count;
    struct audio *audio = audio_open(bytes, count, why);
    if (!audio) {
        return LANTOA_EINVAL;
    }
    out->format = audio_format(audio);
    audio_close(audio);
    material_path(dir, name, FORM_ORIGINAL, path);
    bool there = stat(path, &found) == 0 && (uint64_t)found.st_size == count;
    int failed = there ? 0 : material_write(path, bytes, count);
    if (failed) {
        snprintf(why, AUDIO_WHY_BYTES, "cannot be kept: %s", strerror(failed));
        return LANTOA_EIO;
    }
    int code = make_form(dir, name, bytes, count, form, &out->length_ms, why);
    if (code == LANTOA_EINVAL) {
        unlink(path);
    }
    return code;
}

int material_form_make(
    const char *dir, const char *name, enum material_form form, char why[static AUDIO_WHY_BYTES]) {
    char path[MATERIAL_PATH_BYTES];
    struct stat found;
    int64_t length_ms;
    material_path(dir, name, form, path);
    if (access(path, F_OK) == 0) {
        return 0;
    }
    material_path(dir, name, FORM_ORIGINAL, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &found) != 0 || found.st_size == 0) {
        if (fd >= 0) {
            close(fd);
        }
        return LANTOA_ENOENT;
    }
    void *map = mmap(NULL, (size_t)found.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (map == MAP_FAILED) {
        snprintf(why, AUDIO_WHY_BYTES, "cannot be read: %s", strerror(errno));
        return LANTOA_EIO;
    }
    int code = make_form(dir, name, map, (size_t)found.st_size, form, &length_ms, why);
    munmap(map, (size_t)found.st_size);
    return code;
}
