/* Texts as SMS: for any bytes and rules the parts cover the text, no part is over its room, the
 * count is what the cutting gives, and a text once prepared stays as it is. Any octets that come in
 * become UTF-8 that fits. */
#include "fuzz.h"

#include "sms_text.h"
#include <string.h>

static char text[1 << 16], again[1 << 17];
static unsigned char octets[1 << 17];

static void cut_all(const struct sms_cost *cost, size_t bytes) {
    size_t parts = 0;
    for (size_t at = 0, cut; at < bytes; at += cut, parts++) {
        cut = sms_text_cut(cost, text + at, bytes - at);
        FUZZ_HOLDS(cut > 0 && cut <= bytes - at);
        FUZZ_HOLDS(at + cut == bytes || ((unsigned char)text[at + cut] & 0xC0) != 0x80);
        size_t count =
            sms_text_encode(cost->coding, SMS_ALPHABET_GSM, text + at, cut, octets, sizeof(octets));
        FUZZ_HOLDS(count == 0 || count <= cost->part_units * (cost->coding == SMS_UCS2 ? 2 : 1));
        if (cost->coding == SMS_UCS2 && count >= 2) { /* no part ends in half a pair */
            FUZZ_HOLDS((octets[count - 2] & 0xFC) != 0xD8);
        }
    }
    FUZZ_HOLDS(parts == cost->parts || (bytes == 0 && cost->parts == 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    if (count < 2 || count > 20000) {
        return 0;
    }
    const struct sms_rules rules = {.accents = (enum sms_accents)(bytes[0] % 3),
        .coding = bytes[0] & 0x10 ? SMS_CODING_UCS2 : SMS_CODING_AUTO,
        .header_bytes = bytes[0] & 0x20 ? SMS_HEADER_16 : SMS_HEADER_8,
        .most_parts = SMS_PARTS_MOST};
    struct sms_cost cost, second;
    size_t used = 0, used_again = 0;
    int status = sms_text_prepare(
        (const char *)bytes + 1, count - 1, &rules, text, sizeof(text), &used, &cost);
    FUZZ_HOLDS(status == LANTOA_OK || (status == LANTOA_ELIMIT && cost.parts > SMS_PARTS_MOST));
    FUZZ_HOLDS(used < sms_text_room(count - 1) && text[used] == '\0');
    cut_all(&cost, used);
    status = sms_text_prepare(text, used, &rules, again, sizeof(again), &used_again, &second);
    FUZZ_HOLDS(used_again == used && memcmp(text, again, used) == 0);
    FUZZ_HOLDS(second.replaced == 0 && second.parts == cost.parts && second.units == cost.units);
    char note[200];
    sms_text_note(&cost, bytes[0] & 1, note, sizeof(note));
    FUZZ_HOLDS(strlen(note) < sizeof(note));
    size_t room = (count - 1) * 3 + 1;
    size_t got = sms_text_decode(bytes[0] & 0x40 ? SMS_UCS2 : SMS_GSM7,
        bytes[0] & 0x80 ? SMS_ALPHABET_LATIN1 : SMS_ALPHABET_GSM, bytes + 1, count - 1, again,
        room);
    FUZZ_HOLDS(got < room && again[got] == '\0');
    return 0;
}
