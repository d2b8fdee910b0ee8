/* Recordings decoded to one channel of floats, piece by piece: WAV, Ogg Opus, MP3. The bytes say
 * what they are; the MIME type is not asked. Any thread, one reader at a time. Knows no device. */
#ifndef LOUDSPEAKER_AUDIO_H
#define LOUDSPEAKER_AUDIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum audio_format { AUDIO_WAV, AUDIO_OGG_OPUS, AUDIO_MP3 };

#define AUDIO_WHY_BYTES 160

struct audio;

/* bytes are BORROWED until audio_close. NULL with words in `why` when they are no recording that
 * can be read. */
struct audio *audio_open(const void *bytes, size_t count, char why[static AUDIO_WHY_BYTES]);
void audio_close(struct audio *audio); /* NULL is fine */
enum audio_format audio_format(const struct audio *audio);
int audio_rate(const struct audio *audio); /* samples a second */
/* The next samples, -1..1: how many, 0 at the end, -1 with words when the recording is damaged. */
long audio_read(struct audio *audio, float *out, size_t room, char why[static AUDIO_WHY_BYTES]);

/* Another rate: windowed sinc, a bank of filters for the ratio of the two rates. */
struct resampler;
struct resampler *resampler_new(int from, int to); /* NULL: no memory or no sane ratio */
void resampler_free(struct resampler *resampler);
/* Gives `count` samples in; takes at most `room` out (call with count 0 until it gives none). To
 * end, put silence in. Returns how many came out. */
void resampler_put(struct resampler *resampler, const float *in, size_t count);
size_t resampler_take(struct resampler *resampler, float *out, size_t room);
/* No more comes: what is still inside can be taken. */
void resampler_end(struct resampler *resampler);

/* G.711 mu-law of a sample (ITU-T G.711, table 2a). */
uint8_t audio_ulaw(int16_t sample);
int16_t audio_to_s16(float sample); /* clipped */

#endif
