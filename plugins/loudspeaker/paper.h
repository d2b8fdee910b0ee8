/* The texts of a commune's month on paper: playlists and calendar. Pure; paper.c writes the files.
 */
#ifndef LOUDSPEAKER_PAPER_H
#define LOUDSPEAKER_PAPER_H

#include "bytes.h"
#include <stdbool.h>
#include <stdint.h>

#define PAPER_CODE_BYTES 12
#define PAPER_FILE_BYTES 200

/* One airing as the sheet has it. */
struct paper_line {
    char key[24];
    char code[PAPER_CODE_BYTES]; /* what the person says back: "K7QX-2MAD" */
    char *title, *script, *place, *outlet;
    char audio[124], file[PAPER_FILE_BYTES]; /* the recording; as it is called on the stick */
    char month[8], day[12]; /* "2026-12", "2026-12-01", on the clock of the place */
    int64_t start_ms, length_ms, version;
    int zone;
    bool emergency, withdrawn;
};

/* From the key's end, which cannot be guessed. */
void paper_code(const char *key, char out[static PAPER_CODE_BYTES]);
/* "gia-đình-0a1b2c3d.wav": readable, safe on any stick. */
void paper_file_name(
    const char *title, const char *audio, const char *suffix, char out[static PAPER_FILE_BYTES]);
/* Extended M3U in UTF-8; day NULL: the whole month. Paths are relative to the month's folder, or to
 * its folder "days" for a day. */
void paper_put_m3u(struct bytes *out, const struct paper_line *lines, size_t count,
    const char *month, const char *day);
/* XSPF version 1. */
void paper_put_xspf(
    struct bytes *out, const struct paper_line *lines, size_t count, const char *month);
/* iCalendar (RFC 5545), one event per airing, cancelled when withdrawn. */
void paper_put_calendar(
    struct bytes *out, const struct paper_line *lines, size_t count, const char *month);

#endif
