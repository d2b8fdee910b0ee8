/* Rational resampling: for each of `up` phases a Kaiser-windowed sinc (Oppenheim and Schafer,
 * Discrete-Time Signal Processing, 7.6), cut off at 0.92 of the lower of the two half rates. */
#include "audio.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LANES 8      /* products that are summed side by side: the compiler makes vectors of them */
#define HALF_TAPS 16 /* zero crossings on each side */
#define KAISER_BETA 8.0
#define PHASES_MOST 2000
#define CUTOFF 0.92

struct resampler {
    int up, down; /* out rate : in rate, without common factors */
    int taps;     /* of one phase */
    float *bank;  /* [up][taps] */
    float *kept;  /* samples not used up yet */
    size_t used, room;
    size_t position; /* in `kept`, of the first tap */
    int phase;
    bool failed;
};

static int common(int a, int b) {
    while (b) {
        int rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* The modified Bessel function of order 0, by its series. */
static double bessel(double x) {
    double sum = 1, term = 1;
    for (int k = 1; k < 40; k++) {
        term *= (x / (2 * k)) * (x / (2 * k));
        sum += term;
    }
    return sum;
}

static double tap(double distance, double width, double cutoff) {
    const double pi = 3.14159265358979323846;
    double inside = 1 - (distance / width) * (distance / width);
    if (inside <= 0) {
        return 0;
    }
    double x = pi * cutoff * distance;
    double sinc = fabs(x) < 1e-9 ? 1 : sin(x) / x;
    return cutoff * sinc * bessel(KAISER_BETA * sqrt(inside)) / bessel(KAISER_BETA);
}

static void fill_bank(struct resampler *resampler, double width, double cutoff) {
    int middle = resampler->taps / 2 - 1;
    for (int phase = 0; phase < resampler->up; phase++) {
        float *row = resampler->bank + (size_t)phase * (size_t)resampler->taps;
        double sum = 0, offset = (double)phase / resampler->up;
        for (int i = 0; i < resampler->taps; i++) {
            double value = tap(i - middle - offset, width, cutoff);
            row[i] = (float)value;
            sum += value;
        }
        for (int i = 0; i < resampler->taps; i++) {
            row[i] = (float)((double)row[i] / sum); /* a level tone keeps its level in each phase */
        }
    }
}

struct resampler *resampler_new(int from, int to) {
    int shared = from > 0 && to > 0 ? common(from, to) : 0;
    if (shared == 0 || to / shared > PHASES_MOST || from / to > 64) {
        return NULL;
    }
    struct resampler *resampler = calloc(1, sizeof(*resampler));
    if (!resampler) {
        return NULL;
    }
    double ratio = to < from ? (double)to / from : 1;
    double width = HALF_TAPS / ratio;
    resampler->up = to / shared;
    resampler->down = from / shared;
    resampler->taps = (2 * (int)ceil(width) + LANES - 1) / LANES * LANES;
    resampler->bank = calloc((size_t)resampler->up * (size_t)resampler->taps, sizeof(float));
    if (!resampler->bank) {
        free(resampler);
        return NULL;
    }
    fill_bank(resampler, width, CUTOFF * ratio);
    /* The first output lies on the first input: half the taps look at silence before it. */
    float silence[2048] = {0};
    size_t before = (size_t)(resampler->taps / 2 - 1);
    while (before > 0) {
        size_t some = before < 2048 ? before : 2048;
        resampler_put(resampler, silence, some);
        before -= some;
    }
    return resampler;
}

void resampler_free(struct resampler *resampler) {
    if (resampler) {
        free(resampler->bank);
        free(resampler->kept);
        free(resampler);
    }
}

void resampler_put(struct resampler *resampler, const float *in, size_t count) {
    if (resampler->position > 0) {
        size_t left =
            resampler->position < resampler->used ? resampler->used - resampler->position : 0;
        memmove(resampler->kept, resampler->kept + resampler->position, left * sizeof(float));
        resampler->position -= resampler->used - left;
        resampler->used = left;
    }
    if (resampler->used + count > resampler->room) {
        size_t room = 2 * (resampler->used + count);
        float *more = realloc(resampler->kept, room * sizeof(float));
        if (!more) {
            resampler->failed = true;
            return;
        }
        resampler->kept = more;
        resampler->room = room;
    }
    memcpy(resampler->kept + resampler->used, in, count * sizeof(float));
    resampler->used += count;
}

void resampler_end(struct resampler *resampler) {
    float silence[64] = {0};
    for (int left = resampler->taps / 2; left > 0; left -= 64) {
        resampler_put(resampler, silence, (size_t)(left < 64 ? left : 64));
    }
}

size_t resampler_take(struct resampler *resampler, float *out, size_t room) {
    size_t count = 0;
    while (count < room && resampler->position + (size_t)resampler->taps <= resampler->used) {
        const float *row = resampler->bank + (size_t)resampler->phase * (size_t)resampler->taps;
        const float *in = resampler->kept + resampler->position;
        float sums[LANES] = {0};
        for (int i = 0; i < resampler->taps; i += LANES) {
            for (int lane = 0; lane < LANES; lane++) {
                sums[lane] += row[i + lane] * in[i + lane];
            }
        }
        out[count++] = ((sums[0] + sums[1]) + (sums[2] + sums[3])) +
                       ((sums[4] + sums[5]) + (sums[6] + sums[7]));
        resampler->phase += resampler->down;
        resampler->position += (size_t)(resampler->phase / resampler->up);
        resampler->phase %= resampler->up;
    }
    return count;
}
