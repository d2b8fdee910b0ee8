/* A message of a step: its accents, and what staff see of it; see sms_text.h. */
#include "sms_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool says(const struct lantoa_step *step, const char *word) {
    return step->accents.bytes == strlen(word) && memcmp(step->accents.at, word, strlen(word)) == 0;
}

void sms_rules_of_step(struct sms_rules *rules, const struct lantoa_step *step) {
    size_t known = offsetof(struct lantoa_step, accents) + sizeof(step->accents);
    if (step == NULL || step->size < known || step->accents.bytes == 0) {
        return;
    }
    if (says(step, "keep")) {
        rules->accents = SMS_ACCENTS_KEEP;
    } else if (says(step, "strip")) {
        rules->accents = SMS_ACCENTS_STRIP;
    } else if (says(step, "strip_when_cheaper")) {
        rules->accents = SMS_ACCENTS_STRIP_IF_CHEAPER;
    }
}

/* What the same text would be without accents. */
static size_t add_bare(struct lantoa_str text, struct sms_rules rules, size_t parts,
    bool vietnamese, char *bare, size_t bare_room, char *to, size_t room) {
    struct sms_cost cost = {0};
    size_t bytes = 0;
    rules.accents = SMS_ACCENTS_STRIP;
    int status = sms_text_prepare(text.at, text.bytes, &rules, bare, bare_room, &bytes, &cost);
    if (status != LANTOA_OK || cost.parts >= parts) {
        return 0;
    }
    int used = snprintf(to, room,
        vietnamese ? "\n\nKhông dấu: %zu phần\n%.*s" : "\n\nWithout accents: %zu parts\n%.*s",
        cost.parts, (int)bytes, bare);
    return used < 0 ? room : (size_t)used;
}

int sms_text_preview(
    struct lantoa_str text, const struct sms_rules *rules, bool vietnamese, char *to, size_t room) {
    struct sms_cost cost = {0};
    char note[200];
    size_t bytes = 0, prepared_room = sms_text_room(text.bytes);
    char *prepared = malloc(prepared_room);
    if (prepared == NULL) {
        return LANTOA_ENOMEM;
    }
    int status =
        sms_text_prepare(text.at, text.bytes, rules, prepared, prepared_room, &bytes, &cost);
    sms_text_note(&cost, vietnamese, note, sizeof(note));
    int used = snprintf(to, room, "%.*s\n\n%s", (int)bytes, prepared, note);
    if (used < 0 || (size_t)used >= room) {
        status = LANTOA_ELIMIT;
    } else if (!cost.stripped &&
               add_bare(text, *rules, cost.parts, vietnamese, prepared, prepared_room, to + used,
                   room - (size_t)used) >= room - (size_t)used) {
        to[used] = '\0'; /* no room for it: the main thing is there */
    }
    free(prepared);
    return status;
}
