/* What a campaign file's airings will play; see airing_check.h. */
#include "delivery/airing_check.h"

#include "audience/outlet.h"
#include "base/mem.h"
#include "base/tr.h"
#include "campaign/recording.h"
#include "campaign/speech.h"

enum { LACKING_MOST = 64 };

struct telling {
    const struct base_json *doc;
    const struct speech *speech;
    struct base_buf *notices;
    struct base_err *err;
    size_t step, material;            /* index */
    int64_t recordings;               /* of the material, seen so far */
    struct recording_choice *choices; /* what may be played of it */
    size_t choice_count;
    struct outlet_set *outlets;
};

static const json_t *material_node(const struct telling *t, char *path, size_t room) {
    const json_t *steps = json_object_get(base_json_root(t->doc), "steps");
    const json_t *airings = json_object_get(json_array_get(steps, t->step), "airings");
    snprintf(path, room, "steps[%zu].airings.materials[%zu]", t->step, t->material);
    return json_array_get(json_object_get(airings, "materials"), t->material);
}

static void tell(const struct telling *t, const char *text) {
    struct base_err line = {0};
    char path[100];
    const json_t *node = material_node(t, path, sizeof path);
    (void)base_json_fault(t->doc, node, path, &line, "%s", text);
    base_buf_add_text(t->notices, line.text);
    base_buf_add_char(t->notices, '\n');
}

static const char *state_words(enum recording_state state) {
    switch (state) {
    case RECORDING_DRAFT:
        return TR("not listened to yet, so it is not planned");
    case RECORDING_LISTENED:
        return TR("not approved yet, so it is not planned");
    case RECORDING_APPROVED:
        return TR("approved");
    case RECORDING_REPLACED:
        break;
    }
    return "";
}

static int tell_recording(void *arg, const struct recording *recording) {
    struct telling *t = arg;
    struct speech_reading reading = {0};
    char text[300], lang[16];
    t->recordings++;
    snprintf(lang, sizeof lang, STR_FMT, STR_ARG(recording->lang));
    if (recording->script.bytes) {
        int rc = speech_reading(t->speech, lang, recording->script, &reading, t->err);
        if (rc != 0) {
            return rc;
        }
    }
    double seconds = (double)recording->length_ms / 1000;
    if (reading.words) {
        snprintf(text, sizeof text,
            TR("lasts %.0f s in %s (%s); its %lld words take a person about %.0f s to read aloud"),
            seconds, lang, state_words(recording->state), (long long)reading.words,
            (double)reading.ms / 1000);
    } else {
        snprintf(text, sizeof text, TR("lasts %.0f s in %s (%s)"), seconds, lang,
            state_words(recording->state));
    }
    tell(t, text);
    return 0;
}

/* A language that outlets would rather hear than any the material has. */
struct lacking {
    const char *lang; /* BORROWED from the outlets */
    int64_t outlets, silent;
};

static void count_outlet(
    const struct telling *t, const struct outlet *outlet, struct lacking *list, size_t *count) {
    const struct recording_choice *heard =
        recording_choose(t->choices, t->choice_count, outlet->languages, outlet->language_count);
    size_t i = 0;
    if (outlet->language_count == 0 || (heard && strcmp(heard->lang, outlet->languages[0]) == 0)) {
        return;
    }
    while (i < *count && strcmp(list[i].lang, outlet->languages[0]) != 0) {
        i++;
    }
    if (i == *count && i < LACKING_MOST) {
        list[(*count)++] = (struct lacking){.lang = outlet->languages[0]};
    }
    if (i < *count) {
        list[i].outlets++;
        list[i].silent += !heard;
    }
}

static void tell_lacking(const struct telling *t) {
    struct lacking list[LACKING_MOST];
    size_t count = 0;
    char text[300];
    for (size_t i = 0; i < outlet_set_count(t->outlets); i++) {
        count_outlet(t, outlet_set_at(t->outlets, i), list, &count);
    }
    for (size_t i = 0; i < count; i++) {
        snprintf(text, sizeof text,
            TR("has no approved recording in %s, which %lld outlets prefer: %lld of them play "
               "nothing, the others another of their languages or Vietnamese"),
            list[i].lang, (long long)list[i].outlets, (long long)list[i].silent);
        tell(t, text);
    }
}

static int tell_material(struct db *db, struct telling *t, const char *name) {
    const struct recording_filter standing = {.name = name};
    t->recordings = 0;
    int rc = recording_choices(db, name, &t->choices, &t->choice_count, t->err);
    rc = rc == 0 ? recording_each(db, &standing, tell_recording, t, t->err) : rc;
    if (rc == 0 && t->recordings > 0) {
        tell_lacking(t);
    }
    base_free(t->choices);
    t->choices = NULL;
    return rc;
}

static int tell_step(struct db *db, struct telling *t, const struct campaign_step *step) {
    struct outlet_filter filter = {.channel = step->channel};
    if (step->outlets) {
        filter.where = str_from(step->outlets);
    }
    int rc = outlet_query(db, &filter, &t->outlets, NULL, t->err);
    for (t->material = 0; rc == 0 && t->material < step->airings.material_count; t->material++) {
        rc = tell_material(db, t, step->airings.materials[t->material]);
    }
    outlet_set_free(&t->outlets);
    return rc;
}

int airing_check(struct db *db, const struct base_json *doc, const struct campaign_spec *spec,
    struct base_buf *notices, struct base_err *err) {
    struct telling t = {.doc = doc, .notices = notices, .err = err};
    struct speech *speech = NULL;
    int rc = speech_load(db, &speech, err);
    t.speech = speech;
    for (t.step = 0; rc == 0 && t.step < spec->step_count; t.step++) {
        if (spec->steps[t.step].airings.on) {
            rc = tell_step(db, &t, &spec->steps[t.step]);
        }
    }
    speech_free(&speech);
    return rc;
}
