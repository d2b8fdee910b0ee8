/* Names and levels of places as people write them. Private to core/audience. */
#ifndef AUDIENCE_PLACE_NAME_H
#define AUDIENCE_PLACE_NAME_H

#include "base/buf.h"
#include "base/str.h"

/* 0 province, 1 district, 2 commune, 3 village; -1: no level. Also takes Vietnamese words. */
int audience__place_rank(struct str level);
const char *audience__place_level(int rank);
/* A search key without the word for the kind of place: "xa dong tien" -> "dong tien". The key
 * itself when nothing would be left. */
struct str audience__place_short(struct str key);
/* The same for a name with accents: "Xã Đồng Tiến" -> "Đồng Tiến". */
struct str audience__place_bare(struct str name);

#endif
