/* Texts and pictures as networks show them: a byte of choices, then a text that is also taken for a
 * picture. What is shown always fits its room and never ends inside the last letter's NUL. */
#include "fuzz_social.h"

static void look(const struct social_body *body, uint8_t choices, size_t room) {
    struct lantoa_str text = {body->text, body->bytes};
    const struct lantoa_part part = {.name = {"a.png", 5},
        .mime = {choices & 1 ? "image/png" : "text/plain", choices & 1 ? 9 : 10},
        .content_id = {"", 0},
        .bytes = text};
    const struct lantoa_step step = {.size = sizeof(step), .parts = &part, .part_count = 1};
    char *out = malloc(room + 1);
    FUZZ_HOLDS(out != NULL);
    memset(out, 'x', room + 1);
    look_show(&(struct social_look){.network = "Zalo",
                  .sender = "BHXH",
                  .title = choices & 2 ? text : social_str(""),
                  .text = text,
                  .link = choices & 4 ? text : social_str(""),
                  .button = social_str(""),
                  .step = &step,
                  .pictures_first = choices & 8,
                  .link_in_text = choices & 16,
                  .used = text_points(text),
                  .most = 100,
                  .vietnamese = choices & 32},
        out, room);
    FUZZ_HOLDS(room == 0 || memchr(out, '\0', room) != NULL);
    FUZZ_HOLDS(out[room] == 'x');
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    struct picture_size size = {0, 0};
    if (count == 0) {
        return 0;
    }
    struct social_body body = social_take(bytes + 1, count - 1);
    struct lantoa_str text = {body.text, body.bytes};
    FUZZ_HOLDS(text_points(text) <= text.bytes);
    FUZZ_HOLDS(text_units(text) >= text_points(text));
    FUZZ_HOLDS(text_words(text) <= text.bytes);
    (void)text_points_short_links(text);
    FUZZ_HOLDS(!text_has_accent(text) || text.bytes > 1);
    FUZZ_HOLDS(!text_has_phone(text) || text.bytes > 8);
    FUZZ_HOLDS(!text_has_link(text) || text.bytes > 4);
    if (picture_measure(text, &size)) {
        FUZZ_HOLDS(size.width > 0 && size.height > 0 && text.bytes >= 10);
    }
    look(&body, bytes[0], 4096);
    look(&body, bytes[0], bytes[0]);
    free(body.text);
    return 0;
}
