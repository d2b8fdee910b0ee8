/* Recordings: what outlets play. A material has a name and one recording for each language; each is
 * checked, brought to one loudness and one format, kept by its content hash, listened to by a
 * person and approved. */
#ifndef CAMPAIGN_RECORDING_H
#define CAMPAIGN_RECORDING_H

#include "base/buf.h"
#include "base/json.h"
#include "store/db.h"

enum recording_state {
    RECORDING_DRAFT,    /* nobody has listened to it yet */
    RECORDING_LISTENED, /* somebody has */
    RECORDING_APPROVED,
    RECORDING_REPLACED /* there is a newer one; airings that were approved with it still play it */
};
enum recording_origin { RECORDING_RECORDED, RECORDING_SPEECH };
const char *recording_state_word(enum recording_state state);
const char *recording_origin_word(enum recording_origin origin);

struct recording { /* texts BORROWED for the call of a walk; recording_get: of the caller */
    int64_t id;
    struct str theme, name, lang, title; /* .at NULL: none; title falls back to the name */
    struct str sha256, format, source, script;
    int64_t bytes, length_ms;
    double loudness_lufs, peak_dbtp;
    enum recording_origin origin;
    enum recording_state state;
    struct str findings;                       /* JSON list of texts */
    int64_t made_at, listened_at, approved_at; /* ms; 0: not */
    struct str made_by, listened_by, approved_by;
};

struct recording_filter { /* zeroed: all that are not replaced */
    const char *name, *lang, *theme;
    int64_t id; /* this one, replaced or not */
    bool with_replaced;
};
/* In order of name, language, age. row returns 0 to go on; another value ends the walk and is
 * returned. */
int recording_each(struct db *db, const struct recording_filter *filter,
    int (*row)(void *arg, const struct recording *recording), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;

/* What may be played of a material: its approved recordings, one for each language, newest first.
 * *choices_out: base_free, also on error. */
struct recording_choice {
    int64_t id, length_ms;
    char lang[36];
};
int recording_choices(struct db *db, const char *name, struct recording_choice **choices_out,
    size_t *count_out, struct base_err *err) LANTOA_MUST_CHECK;
/* What an outlet plays of them, the one rule there is: the first of its languages that has one,
 * else Vietnamese, else NULL: nothing. langs: the preferred one first. */
const struct recording_choice *recording_choose(const struct recording_choice *choices,
    size_t count, const char *const *langs, size_t lang_count);

/* --- making --- */

struct recording_draft { /* texts BORROWED; NULL where not said */
    const char *name;    /* [a-z0-9][a-z0-9-]*, at most 64 */
    const char *lang;
    const char *title, *theme; /* theme: one that is known */
    const char *who;
    const char *file;  /* recording_add: the sound */
    struct str script; /* speech: what is said; recording_add: may say what is said */
};
struct recording_made {              /* caller releases */
    int64_t id, length_ms, replaced; /* replaced: id of the recording this one takes the place of */
    double lufs_before, lufs, peak_dbtp;
    char sha256[65];
    json_t *findings; /* list of texts */
    char *words;      /* speech: as it was spoken */
    bool unchanged;   /* the same was there already */
};
void recording_made_release(struct recording_made *made);

/* Takes a sound file: checked, normalised and kept under DATA/materials (audio.h). The recording of
 * the same material and language is replaced. Nothing is kept when it fails. LANTOA_EINVAL names
 * file and fault. */
int recording_add(struct db *db, const char *data_dir, const struct recording_draft *draft,
    struct recording_made *made_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Makes one from text, a draft until somebody has listened. LANTOA_EINVAL: there is no voice for
 * the language. */
int recording_speak(struct db *db, const char *data_dir, const struct recording_draft *draft,
    struct recording_made *made_out, struct base_err *err) LANTOA_MUST_CHECK;

/* Somebody has listened to the recordings of a material (lang NULL: to all that wait for it), or
 * approves them. Approving what nobody has listened to is LANTOA_ESTATE. *count_out: how many
 * changed. */
int recording_listened(struct db *db, const char *name, const char *lang, const char *who,
    int64_t *count_out, struct base_err *err) LANTOA_MUST_CHECK;
int recording_approve(struct db *db, const char *name, const char *lang, const char *who,
    int64_t *count_out, struct base_err *err) LANTOA_MUST_CHECK;

/* The languages that outlets prefer and the material is not recorded in; their outlets hear the
 * next language of theirs, or Vietnamese. */
int recording_missing_each(struct db *db, const char *name,
    int (*row)(void *arg, struct str lang, int64_t outlets), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
