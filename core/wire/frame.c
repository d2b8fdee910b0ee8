/* The frame table as functions. Knows nothing of what the frames carry. */
#include "wire/frame.h"

struct row {
    const char *name;
    unsigned type, way;
    size_t longest;
};

#define ROW(name, type, way, longest) {#name, type, way, longest},
static const struct row rows[] = {WIRE_FRAMES(ROW)};
#undef ROW

static const struct row *find(unsigned type) {
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].type == type) {
            return &rows[i];
        }
    }
    return NULL;
}

const char *wire_frame_name(unsigned type) {
    const struct row *row = find(type);
    return row ? row->name : "?";
}

size_t wire_frame_longest(unsigned type, enum wire_way way) {
    const struct row *row = find(type);
    return row && (row->way & way) != 0 ? row->longest : 0;
}
