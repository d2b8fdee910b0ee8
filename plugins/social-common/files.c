/* The files of a step: what a network takes of them, and how large a picture is. */
#include "social.h"

#include <stdio.h>

bool part_is_picture(const struct lantoa_part *part) {
    return part->mime.bytes > 6 && memcmp(part->mime.at, "image/", 6) == 0;
}

size_t step_files(const struct lantoa_step *step) {
    return step == NULL ? 0 : step->part_count;
}

/* --- what is taken --- */

/* A word of a blank-separated list. */
static bool word_in(struct lantoa_str word, const char *words) {
    while (*words != '\0') {
        size_t bytes = strcspn(words, " ");
        if (bytes == word.bytes && memcmp(words, word.at, bytes) == 0) {
            return true;
        }
        words += bytes + (words[bytes] == ' ');
    }
    return false;
}

static bool file_check(
    const struct lantoa_part *part, const struct files_rule *rule, struct social_words *why) {
    bool picture = part_is_picture(part);
    size_t most = picture ? rule->picture_bytes : rule->other_bytes;
    if (!picture && rule->other_bytes == 0) {
        words_set(why, "%.*s: %s takes pictures only", "%.*s: %s chỉ nhận ảnh",
            (int)part->name.bytes, part->name.at, rule->network);
        return false;
    }
    if (picture && rule->mimes != NULL && !word_in(part->mime, rule->mimes)) {
        words_set(why, "%.*s: %s takes no pictures of this kind, only %s",
            "%.*s: %s không nhận ảnh loại này, chỉ nhận %s", (int)part->name.bytes, part->name.at,
            rule->network, rule->mimes);
        return false;
    }
    if (most > 0 && part->bytes.bytes > most) {
        words_set(why, "%.*s: %s takes files of at most %zu MB",
            "%.*s: %s chỉ nhận tệp tối đa %zu MB", (int)part->name.bytes, part->name.at,
            rule->network, most >> 20);
        return false;
    }
    return true;
}

bool files_check(
    const struct lantoa_step *step, const struct files_rule *rule, struct social_words *why) {
    if (step_files(step) > rule->most) {
        words_set(why, "%s takes at most %zu files in a message",
            "%s chỉ nhận tối đa %zu tệp một tin", rule->network, rule->most);
        return false;
    }
    for (size_t i = 0; i < step_files(step); i++) {
        if (!file_check(&step->parts[i], rule, why)) {
            return false;
        }
    }
    return true;
}

/* --- how large a picture is --- */

struct bits {
    const unsigned char *at;
    size_t bytes;
};

static uint32_t big(struct bits bits, size_t at, size_t count) {
    uint32_t value = 0;
    for (size_t i = 0; i < count; i++) {
        value = value << 8 | (at + i < bits.bytes ? bits.at[at + i] : 0U);
    }
    return value;
}

static uint32_t little(struct bits bits, size_t at, size_t count) {
    uint32_t value = 0;
    for (size_t i = count; i > 0; i--) {
        value = value << 8 | (at + i - 1 < bits.bytes ? bits.at[at + i - 1] : 0U);
    }
    return value;
}

static bool begins(struct bits bits, size_t at, const char *word, size_t bytes) {
    return bits.bytes >= at + bytes && memcmp(bits.at + at, word, bytes) == 0;
}

/* ITU-T T.81, annex B: segments until the frame header (SOF). */
static bool jpeg_size(struct bits bits, struct picture_size *out) {
    size_t at = 2;
    while (at + 9 < bits.bytes && bits.at[at] == 0xFF) {
        unsigned marker = bits.at[at + 1];
        if (marker == 0xFF) { /* filling */
            at++;
            continue;
        }
        if (marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 &&
            marker != 0xCC) {
            *out = (struct picture_size){big(bits, at + 7, 2), big(bits, at + 5, 2)};
            return true;
        }
        size_t length = big(bits, at + 2, 2);
        if (length < 2 || marker == 0xDA || marker == 0xD9) {
            return false;
        }
        at += 2 + length;
    }
    return false;
}

/* RFC 9649: VP8 (lossy), VP8L, VP8X. */
static bool webp_size(struct bits bits, struct picture_size *out) {
    if (bits.bytes < 30) {
        return false;
    }
    if (begins(bits, 12, "VP8X", 4)) {
        *out = (struct picture_size){little(bits, 24, 3) + 1, little(bits, 27, 3) + 1};
    } else if (begins(bits, 12, "VP8L", 4)) {
        uint32_t both = little(bits, 21, 4);
        *out = (struct picture_size){(both & 0x3FFF) + 1, (both >> 14 & 0x3FFF) + 1};
    } else if (begins(bits, 12, "VP8 ", 4)) {
        *out = (struct picture_size){little(bits, 26, 2) & 0x3FFF, little(bits, 28, 2) & 0x3FFF};
    } else {
        return false;
    }
    return true;
}

bool picture_measure(struct lantoa_str bytes, struct picture_size *out) {
    struct bits bits = {(const unsigned char *)bytes.at, bytes.bytes};
    if (begins(bits, 0, "\x89PNG\r\n\x1a\n", 8) && begins(bits, 12, "IHDR", 4) &&
        bits.bytes >= 24) {
        *out = (struct picture_size){big(bits, 16, 4), big(bits, 20, 4)};
    } else if (begins(bits, 0, "GIF8", 4) && bits.bytes >= 10) {
        *out = (struct picture_size){little(bits, 6, 2), little(bits, 8, 2)};
    } else if (begins(bits, 0, "RIFF", 4) && begins(bits, 8, "WEBP", 4)) {
        if (!webp_size(bits, out)) {
            return false;
        }
    } else if (!begins(bits, 0, "\xff\xd8", 2) || !jpeg_size(bits, out)) {
        return false;
    }
    return out->width > 0 && out->height > 0;
}
