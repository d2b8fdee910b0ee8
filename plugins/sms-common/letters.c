/* Letters and marks; see letters.h. */
#include "letters.h"

#include "sms_text.h"

#include <stddef.h>

struct composed {
    uint16_t letter, base, mark;
};

static const struct composed table[] = {
#define X(letter, base, mark) {letter, base, mark},
#include "letters.def"
#undef X
};
enum { TABLE_COUNT = sizeof(table) / sizeof(table[0]) };

/* Letters that Unicode does not take apart. */
static const struct {
    uint16_t letter;
    char bare;
} whole[] = {{0x00D8, 'O'}, {0x00F8, 'o'}, {0x0110, 'D'}, {0x0111, 'd'}, {0x0131, 'i'},
    {0x0141, 'L'}, {0x0142, 'l'}, {0x0166, 'T'}, {0x0167, 't'}, {0x20AB, 'd'}};

static const struct composed *find(uint32_t letter) {
    size_t low = 0, high = TABLE_COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (table[middle].letter < letter) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < TABLE_COUNT && table[low].letter == letter ? &table[low] : NULL;
}

uint32_t sms_letter_bare(uint32_t letter) {
    if (letter < 0xC0) {
        return letter;
    }
    for (const struct composed *found = find(letter); found != NULL; found = find(letter)) {
        letter = found->base;
    }
    for (size_t i = 0; letter >= 0xC0 && i < sizeof(whole) / sizeof(whole[0]); i++) {
        if (whole[i].letter == letter) {
            return (unsigned char)whole[i].bare;
        }
    }
    return letter;
}

bool sms_letter_is_mark(uint32_t letter) {
    return letter >= 0x300 && letter < 0x370;
}

static uint32_t put_together(uint32_t base, uint32_t mark) {
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (table[i].base == base && table[i].mark == mark) {
            return table[i].letter;
        }
    }
    return 0;
}

uint32_t sms_letter_with(uint32_t letter, uint32_t mark) {
    uint32_t found = put_together(letter, mark);
    if (found != 0) {
        return found;
    }
    /* Marks in an order of their own: circumflex, then the dot below. */
    const struct composed *parts = find(letter);
    uint32_t inner = parts == NULL ? 0 : put_together(parts->base, mark);
    return inner == 0 ? 0 : put_together(inner, parts->mark);
}

const char *sms_letter_plain(uint32_t letter) {
    if (letter >= 0x2000 && letter <= 0x200A) {
        return " ";
    }
    switch (letter) {
    case '\t':
    case 0x00A0:
    case 0x202F:
    case 0x205F:
    case 0x3000:
        return " ";
    case 0x00AD:
    case 0x200B:
    case 0x2060:
    case 0xFEFF:
        return "";
    case 0x2028:
    case 0x2029:
        return "\n";
    case '`':
    case 0x00B4:
    case 0x2018:
    case 0x2019:
    case 0x201A:
    case 0x201B:
    case 0x2032:
    case 0x2039:
    case 0x203A:
    case 0x02BC:
        return "'";
    case 0x00AB:
    case 0x00BB:
    case 0x201C:
    case 0x201D:
    case 0x201E:
    case 0x201F:
    case 0x2033:
        return "\"";
    case 0x2010:
    case 0x2011:
    case 0x2012:
    case 0x2013:
    case 0x2014:
    case 0x2015:
    case 0x2022:
    case 0x2023:
    case 0x2043:
    case 0x2212:
    case 0x25CF:
    case 0x25E6:
    case 0x25AA:
    case 0x00B7:
    case 0x2219:
        return "-";
    case 0x2026:
        return "...";
    case 0x2192:
        return "->";
    case 0x2044:
        return "/";
    case 0x00D7:
        return "x";
    case 0x00A9:
        return "(c)";
    case 0x00AE:
        return "(R)";
    case 0x2122:
        return "TM";
    case 0x2116:
        return "No";
    case 0x00BC:
        return "1/4";
    case 0x00BD:
        return "1/2";
    case 0x00BE:
        return "3/4";
    case 0x00B2:
        return "2";
    case 0x00B3:
        return "3";
    default:
        return NULL;
    }
}
