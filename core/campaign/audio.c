/* Runs ffmpeg and espeak-ng and reads what they say. */
#include "campaign/audio.h"

#include "base/mem.h"
#include "base/parse.h"
#include "base/program.h"
#include "base/tr.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { TIMEOUT_MS = 120000, WORDS_MOST = 2000, TOLD_MOST = 20, COMPLAINTS_MOST = 4 << 20 };
#define MEMORY_MOST (UINT64_C(3) << 30) /* of address space: threads and their stacks */
#define FORMATS "wav,w64,mp3,ogg,flac,mov,aac,amr,aiff,au,matroska,asf,caf"
#define MEASURE                                                                                    \
    "silencedetect=noise=-50dB:d=3,astats=measure_perchannel=none,"                                \
    "loudnorm=I=-23:TP=-1:LRA=11:print_format=json"
#define SILENT_LUFS (-60.0)
#define QUIET_LUFS (-38.0)
#define CLIPPED_DB (-0.1)

/* --- what ffmpeg says --- */

/* The number behind the last occurrence of a label, or fallback. */
static double number_after(const char *text, const char *label, double fallback) {
    const char *found = NULL;
    for (const char *at = text; (at = strstr(at, label)); at++) {
        found = at + strlen(label);
    }
    if (!found) {
        return fallback;
    }
    while (*found == ' ' || *found == '"' || *found == ':') {
        found++;
    }
    double value;
    size_t bytes = strspn(found, "-0123456789.");
    if (base_parse_f64(str_of(found, bytes), &value) != 0) {
        return strncmp(found, "-inf", 4) == 0 ? -(double)INFINITY : fallback;
    }
    return value;
}

/* "Duration: 00:01:02.34" of the header; -1: it does not say. */
static int64_t declared_ms(const char *text) {
    const char *at = strstr(text, "Duration: ");
    int64_t hours, minutes;
    double seconds;
    if (!at || strlen(at) < 21) {
        return -1;
    }
    at += 10;
    if (base_parse_i64(str_of(at, 2), &hours) != 0 ||
        base_parse_i64(str_of(at + 3, 2), &minutes) != 0 ||
        base_parse_f64(str_of(at + 6, 5), &seconds) != 0) {
        return -1;
    }
    return (hours * 60 + minutes) * 60000 + (int64_t)(seconds * 1000);
}

static bool has(struct str line, const char *word) {
    return line.bytes > 0 && memmem(line.at, line.bytes, word, strlen(word)) != NULL;
}

/* The last line that names a fault, for people; what is only about our command line is not. */
static int refuse(struct base_buf *complaints, struct base_err *err) {
    struct str rest = str_from(base_buf_text(complaints)), last = {0};
    while (rest.bytes > 0) {
        struct str line = str_trim(str_cut(&rest, '\n'));
        if (line.bytes < 200 && (has(line, "nvalid") || has(line, "rror") || has(line, "orrupt") ||
                                    has(line, "prematurely"))) {
            last = line;
        }
    }
    while (last.bytes && memchr(last.at, ']', last.bytes)) { /* who in ffmpeg says it */
        (void)str_cut(&last, ']');
    }
    last = str_trim(last);
    if (str_starts(last, STR("/dev/fd/0: "))) {
        (void)str_cut(&last, ' ');
    }
    return base_err_set(err, LANTOA_EINVAL,
        TR("not a sound file that can be played, or a damaged one (%.*s)"), (int)last.bytes,
        last.at ? last.at : "");
}

static int run(const char *const *argv, struct str input, struct base_buf *out,
    struct base_buf *complaints, int *status, struct base_err *err) {
    const struct base_program program = {.argv = argv,
        .input = input,
        .timeout_ms = TIMEOUT_MS,
        .memory_bytes = MEMORY_MOST,
        .output_bytes = 2 * (uint64_t)AUDIO_FILE_MOST * 4};
    return base_program_run(&program, out, complaints, status, err);
}

struct measured {
    struct audio_measure sound;
    double threshold, range, offset; /* of loudnorm */
    double peak_db, flat, silence_s; /* loudest sample; how flat the peaks are; longest silence */
    int64_t declared;                /* ms, -1 */
};

static double longest_silence(const char *text) {
    double longest = 0;
    for (const char *at = text; (at = strstr(at, "silence_duration: ")); at++) {
        double value = 0;
        const char *number = at + strlen("silence_duration: ");
        if (base_parse_f64(str_of(number, strspn(number, "0123456789.")), &value) == 0 &&
            value > longest) {
            longest = value;
        }
    }
    return longest;
}

static int measure(struct str file, struct measured *m, struct base_err *err) {
    static const char filter[] = MEASURE;
    static const char *const argv[] = {"ffmpeg", "-hide_banner", "-nostdin", "-nostats", "-xerror",
        "-protocol_whitelist", "file", "-format_whitelist", FORMATS, "-i", "/dev/fd/0", "-map",
        "0:a:0", "-af", filter, "-progress", "pipe:1", "-f", "null", "-", NULL};
    struct base_buf out, said;
    int status = 0;
    base_buf_init(&out, COMPLAINTS_MOST);
    base_buf_init(&said, COMPLAINTS_MOST);
    int rc = run(argv, file, &out, &said, &status, err);
    if (rc == 0 && status != 0) {
        rc = refuse(&said, err);
    }
    if (rc == 0) {
        const char *text = base_buf_text(&said);
        m->sound.length_ms = (int64_t)(number_after(base_buf_text(&out), "out_time_us=", 0) / 1000);
        m->sound.lufs = number_after(text, "\"input_i\"", -(double)INFINITY);
        m->sound.peak_dbtp = number_after(text, "\"input_tp\"", -(double)INFINITY);
        m->range = number_after(text, "\"input_lra\"", 0);
        m->threshold = number_after(text, "\"input_thresh\"", -70);
        m->offset = number_after(text, "\"target_offset\"", 0);
        m->peak_db = number_after(text, "Peak level dB", -(double)INFINITY);
        m->flat = number_after(text, "Flat factor", 0);
        m->silence_s = longest_silence(text);
        m->declared = declared_ms(text);
    }
    base_buf_release(&out);
    base_buf_release(&said);
    return rc;
}

/* --- judging --- */

static int judge(const struct measured *m, json_t *findings, struct base_err *err) {
    const struct audio_measure *sound = &m->sound;
    char text[200];
    if (sound->length_ms < AUDIO_LEAST_MS || sound->length_ms > AUDIO_MOST_MS) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("the sound is %.1f s long: it must be from half a second to an hour"),
            (double)sound->length_ms / 1000);
    }
    if (m->declared > sound->length_ms + 1000 + sound->length_ms / 50) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("the file is cut off: it says %.1f s and holds %.1f s"), (double)m->declared / 1000,
            (double)sound->length_ms / 1000);
    }
    if (!(sound->lufs > SILENT_LUFS)) {
        return base_err_set(err, LANTOA_EINVAL, "%s", TR("there is nothing to hear in the file"));
    }
    if (sound->lufs < QUIET_LUFS) {
        (void)snprintf(text, sizeof text,
            TR("recorded very quietly (%.1f LUFS): the noise will be heard"), sound->lufs);
        json_array_append_new(findings, json_string(text));
    }
    if (sound->peak_dbtp > 0 || (m->peak_db > CLIPPED_DB && m->flat > 0)) {
        json_array_append_new(findings, json_string(TR("clipped: the recording was too loud")));
    }
    if (m->silence_s > 0) {
        (void)snprintf(text, sizeof text, TR("%.1f s of silence in one piece"), m->silence_s);
        json_array_append_new(findings, json_string(text));
    }
    return 0;
}

/* --- making --- */

static int encode(
    struct str file, const struct measured *m, struct base_buf *out, struct base_err *err) {
    char filter[300];
    (void)snprintf(filter, sizeof filter,
        "loudnorm=I=-23:TP=-1:LRA=11:measured_I=%.2f:measured_TP=%.2f:measured_LRA=%.2f:"
        "measured_thresh=%.2f:offset=%.2f:linear=true,aresample=48000",
        m->sound.lufs, m->sound.peak_dbtp, m->range, m->threshold, m->offset);
    const char *const argv[] = {"ffmpeg", "-hide_banner", "-nostdin", "-nostats", "-xerror", "-v",
        "error", "-protocol_whitelist", "file", "-format_whitelist", FORMATS, "-i", "/dev/fd/0",
        "-map", "0:a:0", "-map_metadata", "-1", "-af", filter, "-ac", "1", "-ar", "48000", "-c:a",
        "libopus", "-b:a", "64k", "-fflags", "+bitexact", "-flags:a", "+bitexact", "-f", "ogg",
        "pipe:1", NULL};
    struct base_buf said;
    int status = 0;
    base_buf_init(&said, COMPLAINTS_MOST);
    int rc = run(argv, file, out, &said, &status, err);
    if (rc == 0 && status != 0) {
        rc = refuse(&said, err);
    }
    if (rc == 0 && !base_buf_ok(out)) {
        rc = base_err_set(err, LANTOA_ELIMIT, "%s", TR("the sound is too large"));
    }
    base_buf_release(&said);
    return rc;
}

int audio_make(struct str file, struct base_buf *out, struct audio_measure *before_out,
    struct audio_measure *after_out, json_t *findings, struct base_err *err) {
    struct measured before = {0}, after = {0};
    size_t from = out->bytes;
    int rc = measure(file, &before, err);
    rc = rc ? rc : judge(&before, findings, err);
    rc = rc ? rc : encode(file, &before, out, err);
    rc = rc ? rc : measure(str_of(out->at + from, out->bytes - from), &after, err);
    *before_out = before.sound;
    *after_out = after.sound;
    return rc;
}

/* --- speech --- */

/* Each word by itself on a line, so that the n-th line of phonemes is that of the n-th word. */
static size_t list_words(struct str words, struct str *list, struct base_buf *lines) {
    size_t count = 0, at = 0;
    while (at < words.bytes && count < WORDS_MOST) {
        while (at < words.bytes && strchr(" \n\t\r.,;:?!", words.at[at])) {
            at++;
        }
        size_t from = at;
        while (at < words.bytes && !strchr(" \n\t\r.,;:?!", words.at[at])) {
            at++;
        }
        bool known = at == from;
        for (size_t i = 0; i < count && !known; i++) {
            known = str_eq(list[i], str_of(words.at + from, at - from));
        }
        if (!known) {
            list[count++] = str_of(words.at + from, at - from);
            base_buf_add(lines, words.at + from, at - from);
            base_buf_add_char(lines, '\n');
        }
    }
    return count;
}

static int find_foreign(const struct speech_language *language, struct str words, json_t *findings,
    struct base_err *err) {
    const char *const argv[] = {"espeak-ng", "-v", language->voice, "-q", "--ipa", NULL};
    struct str *list = base_alloc_array(WORDS_MOST, sizeof *list);
    struct base_buf lines, out, said;
    int status = 0;
    base_buf_init(&lines, SPEECH_OUT_MOST);
    base_buf_init(&out, COMPLAINTS_MOST);
    base_buf_init(&said, COMPLAINTS_MOST);
    size_t count = list_words(words, list, &lines), told = 0;
    int rc = run(argv, base_buf_str(&lines), &out, &said, &status, err);
    struct str rest = base_buf_str(&out);
    for (size_t i = 0; rc == 0 && status == 0 && i < count && told < TOLD_MOST; i++) {
        struct str line = str_cut(&rest, '\n');
        const char *at = line.bytes ? memchr(line.at, '(', line.bytes) : NULL;
        if (at && line.bytes - (size_t)(at - line.at) >= 4 && memcmp(at, "(en)", 4) == 0) {
            char text[200];
            (void)snprintf(text, sizeof text,
                TR("\"%.*s\" is read as a foreign word: write it as it is spoken"),
                (int)(list[i].bytes < 60 ? list[i].bytes : 60), list[i].at);
            json_array_append_new(findings, json_string(text));
            told++;
        }
    }
    base_buf_release(&lines);
    base_buf_release(&out);
    base_buf_release(&said);
    base_free(list);
    return rc;
}

int audio_speak(const struct speech_language *language, struct str words, struct base_buf *wav_out,
    json_t *findings, struct base_err *err) {
    char rate[12];
    (void)snprintf(rate, sizeof rate, "%d", language->rate);
    const char *const argv[] = {"espeak-ng", "-v", language->voice, "-s", rate, "-a", "60", "-b",
        "1", "--stdin", "-w", "/dev/fd/1", NULL};
    struct base_buf said;
    int status = 0;
    base_buf_init(&said, COMPLAINTS_MOST);
    int rc = language->expand ? find_foreign(language, words, findings, err) : 0;
    rc = rc ? rc : run(argv, words, wav_out, &said, &status, err);
    if (rc == 0 && (status != 0 || wav_out->bytes < 100)) {
        rc = base_err_set(err, LANTOA_EIO, TR("espeak-ng could not speak it (status %d): %s"),
            status, base_buf_text(&said));
    }
    base_buf_release(&said);
    return rc;
}
