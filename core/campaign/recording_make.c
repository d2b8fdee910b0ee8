/* Recordings come in: from a sound file or from text; people listen and approve. */
#include "campaign/recording.h"

#include "audience/person.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"
#include "campaign/audio.h"
#include "campaign/store.h"

#include <stdio.h>

enum { NAME_MOST = 64, TITLE_MOST = 200, WAV_MOST = 256 << 20 };

void recording_made_release(struct recording_made *made) {
    json_decref(made->findings);
    base_free(made->words);
    made->findings = NULL;
    made->words = NULL;
}

/* --- checks --- */

static bool name_fits(const char *name) {
    size_t bytes = strlen(name);
    return bytes > 0 && bytes <= NAME_MOST && name[0] != '-' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == bytes;
}

static int check_theme(struct db *db, const char *theme, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = theme ? db_prepare(db, "SELECT 1 FROM theme WHERE name = ?1", &stmt, err) : 0;
    if (rc || !theme) {
        return rc;
    }
    db_bind_text(stmt, 1, theme);
    rc = db_step(stmt, err);
    db_finish(&stmt);
    return rc == 0  ? base_err_set(err, LANTOA_ENOENT, TR("there is no theme '%s'"), theme)
           : rc < 0 ? rc
                    : 0;
}

static int check_draft(struct db *db, const struct recording_draft *draft, char lang[static 36],
    struct base_err *err) {
    if (!name_fits(draft->name)) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("material '%s': a name has small letters, digits and hyphens, at most %d"),
            draft->name, NAME_MOST);
    }
    if (draft->title &&
        (strlen(draft->title) > TITLE_MOST || !base_utf8_valid(str_from(draft->title)))) {
        return base_err_set(err, LANTOA_EINVAL, "%s", TR("the title is too long"));
    }
    int rc = audience__lang(str_from(draft->lang), lang, err);
    return rc ? rc : check_theme(db, draft->theme, err);
}

/* --- keeping --- */

static void hash_of(struct str bytes, char hex[static BASE_HEX_SHA256_MAX]) {
    uint8_t digest[BASE_SHA256_BYTES];
    base_sha256(bytes, digest);
    base_hex(digest, sizeof digest, hex);
}

static int keep_file(
    const char *data_dir, struct str sound, const char *sha256, struct base_err *err) {
    char *dir = base_path_join(data_dir, "materials");
    char *path = campaign_material_path(data_dir, sha256);
    int rc = base_dir_make(dir, 0750, err);
    if (rc == 0 && !base_file_exists(path)) {
        rc = base_file_write(path, sound, 0640, err);
    }
    base_free(path);
    base_free(dir);
    return rc;
}

struct fresh { /* what a new row says beyond the draft */
    const struct recording_draft *draft;
    const char *lang, *origin, *source, *source_sha256;
    int64_t bytes;
    struct audio_measure sound;
};

/* The one that stands now. *same_out: it came from the same bytes. */
static int find_standing(struct db *db, const struct fresh *f, int64_t *id_out, bool *same_out,
    struct recording_made *made, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    *id_out = 0;
    *same_out = false;
    int rc = db_prepare(db,
        "SELECT id, sha256 = ?3 AND source_sha256 = ?4 FROM recording WHERE name = ?1 AND lang = "
        "?2 AND state <> 'replaced'",
        &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, f->draft->name);
        db_bind_text(stmt, 2, f->lang);
        db_bind_text(stmt, 3, made->sha256);
        db_bind_text(stmt, 4, f->source_sha256);
        rc = db_step(stmt, err);
        if (rc == 1) {
            *id_out = db_column_i64(stmt, 0);
            *same_out = db_column_i64(stmt, 1) != 0;
            rc = 0;
        }
    }
    db_finish(&stmt);
    return rc;
}

static int insert(
    struct db *db, const struct fresh *f, struct recording_made *made, struct base_err *err) {
    const struct recording_draft *d = f->draft;
    struct db_stmt *s = NULL;
    char *findings = json_dumps(made->findings, JSON_COMPACT);
    int rc = db_prepare(db,
        "INSERT INTO recording (theme, name, lang, title, sha256, bytes, length_ms, loudness_lufs, "
        "peak_dbtp, format, origin, source, source_sha256, findings, script, state, made_at, "
        "made_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, "
        "'draft', ?16, ?17) RETURNING id",
        &s, err);
    if (rc == 0) {
        db_bind_text(s, 1, d->theme);
        db_bind_text(s, 2, d->name);
        db_bind_text(s, 3, f->lang);
        db_bind_text(s, 4, d->title);
        db_bind_text(s, 5, made->sha256);
        db_bind_i64(s, 6, f->bytes);
        db_bind_i64(s, 7, f->sound.length_ms);
        db_bind_f64(s, 8, f->sound.lufs);
        db_bind_f64(s, 9, f->sound.peak_dbtp);
        db_bind_text(s, 10, AUDIO_FORMAT);
        db_bind_text(s, 11, f->origin);
        db_bind_text(s, 12, f->source);
        db_bind_text(s, 13, f->source_sha256);
        db_bind_text(s, 14, findings);
        db_bind_str(s, 15, d->script);
        db_bind_i64(s, 16, base_clock_now_ms());
        db_bind_text(s, 17, d->who);
        rc = db_step(s, err);
        if (rc == 1) {
            made->id = db_column_i64(s, 0);
            db_reset(s);
            rc = 0;
        }
    }
    db_finish(&s);
    base_free(findings);
    return rc;
}

static int replace(struct db *db, int64_t id, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db, "UPDATE recording SET state = 'replaced' WHERE id = ?1", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, id);
        rc = db_run(stmt, err);
    }
    db_finish(&stmt);
    return rc;
}

static int keep_row(
    struct db *db, const struct fresh *f, struct recording_made *made, struct base_err *err) {
    int64_t standing = 0;
    char object[NAME_MOST + 60];
    int rc = db_begin(db, err);
    if (rc) {
        return rc;
    }
    rc = find_standing(db, f, &standing, &made->unchanged, made, err);
    if (rc == 0 && made->unchanged) {
        made->id = standing;
        db_rollback(db);
        return 0;
    }
    rc = rc || !standing ? rc : replace(db, standing, err);
    rc = rc ? rc : insert(db, f, made, err);
    (void)snprintf(object, sizeof object, "material %s %s", f->draft->name, f->lang);
    rc = rc ? rc : audit_add(db, f->draft->who, "record", object, made->sha256, err);
    if (rc == 0) {
        made->replaced = standing;
        return db_commit(db, err);
    }
    db_rollback(db);
    return rc;
}

/* From bytes in any format to a row. The file goes first: a row without its sound is worse than a
 * sound without its row. */
static int make(struct db *db, const char *data_dir, struct fresh *f, struct str bytes,
    struct recording_made *made, struct base_err *err) {
    struct base_buf sound;
    struct audio_measure before = {0};
    base_buf_init(&sound, AUDIO_FILE_MOST);
    int rc = audio_make(bytes, &sound, &before, &f->sound, made->findings, err);
    if (rc == 0) {
        hash_of(base_buf_str(&sound), made->sha256);
        f->bytes = (int64_t)sound.bytes;
        made->length_ms = f->sound.length_ms;
        made->lufs_before = before.lufs;
        made->lufs = f->sound.lufs;
        made->peak_dbtp = f->sound.peak_dbtp;
        rc = keep_file(data_dir, base_buf_str(&sound), made->sha256, err);
    }
    rc = rc ? rc : keep_row(db, f, made, err);
    base_buf_release(&sound);
    return rc;
}

int recording_add(struct db *db, const char *data_dir, const struct recording_draft *draft,
    struct recording_made *made_out, struct base_err *err) {
    char lang[36], sha256[BASE_HEX_SHA256_MAX];
    struct base_buf file;
    *made_out = (struct recording_made){.findings = json_array()};
    base_buf_init(&file, AUDIO_FILE_MOST + 1);
    int rc = check_draft(db, draft, lang, err);
    rc = rc ? rc : base_file_read(draft->file, AUDIO_FILE_MOST, &file, err);
    if (rc == 0) {
        const char *slash = strrchr(draft->file, '/');
        struct base_err why = {0};
        hash_of(base_buf_str(&file), sha256);
        struct fresh f = {.draft = draft,
            .lang = lang,
            .origin = "recorded",
            .source = slash ? slash + 1 : draft->file,
            .source_sha256 = sha256};
        rc = make(db, data_dir, &f, base_buf_str(&file), made_out, &why);
        rc = rc ? base_err_set(err, rc, "%s: %s", draft->file, why.text) : 0;
    }
    base_buf_release(&file);
    if (rc) {
        recording_made_release(made_out);
    }
    return rc;
}

static int speak(struct db *db, const char *data_dir, const struct recording_draft *draft,
    const struct speech *speech, const char *lang, struct recording_made *made,
    struct base_err *err) {
    const struct speech_language *language = speech_language(speech, lang);
    char sha256[BASE_HEX_SHA256_MAX], source[80];
    struct base_buf words, wav;
    if (!language) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("there is no voice for the language '%s': record a person (material add)"), lang);
    }
    base_buf_init(&words, SPEECH_OUT_MOST);
    base_buf_init(&wav, WAV_MOST);
    int rc = speech_expand(speech, lang, draft->script, &words, err);
    if (rc == 0 && str_trim(base_buf_str(&words)).bytes == 0) {
        rc = base_err_set(err, LANTOA_EINVAL, "%s", TR("there is nothing to say in the text"));
    }
    rc = rc ? rc : audio_speak(language, base_buf_str(&words), &wav, made->findings, err);
    if (rc == 0) {
        (void)snprintf(source, sizeof source, "espeak-ng %s, %d", language->voice, language->rate);
        hash_of(base_buf_str(&words), sha256);
        struct fresh f = {.draft = draft,
            .lang = lang,
            .origin = "speech",
            .source = source,
            .source_sha256 = sha256};
        rc = make(db, data_dir, &f, base_buf_str(&wav), made, err);
        made->words = base_strdup(base_buf_text(&words));
    }
    base_buf_release(&words);
    base_buf_release(&wav);
    return rc;
}

int recording_speak(struct db *db, const char *data_dir, const struct recording_draft *draft,
    struct recording_made *made_out, struct base_err *err) {
    struct speech *speech = NULL;
    char lang[36];
    *made_out = (struct recording_made){.findings = json_array()};
    int rc = check_draft(db, draft, lang, err);
    rc = rc ? rc : speech_load(db, &speech, err);
    rc = rc ? rc : speak(db, data_dir, draft, speech, lang, made_out, err);
    speech_free(&speech);
    if (rc) {
        recording_made_release(made_out);
    }
    return rc;
}

/* --- people --- */

static int count_where(struct db *db, const char *name, const char *lang, const char *state,
    int64_t *count_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT COUNT(*) FROM recording WHERE name = ?1 AND (?2 = '' OR lang = ?2) AND state <> "
        "'replaced' AND (?3 = '' OR state = ?3)",
        &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, name);
        db_bind_text(stmt, 2, lang ? lang : "");
        db_bind_text(stmt, 3, state);
        rc = db_step(stmt, err);
        *count_out = rc == 1 ? db_column_i64(stmt, 0) : 0;
        rc = rc == 1 ? 0 : rc;
    }
    db_finish(&stmt);
    return rc;
}

static int check_known(struct db *db, const char *name, const char *lang, struct base_err *err) {
    int64_t count = 0;
    int rc = count_where(db, name, lang, "", &count, err);
    if (rc == 0 && count == 0) {
        rc = lang ? base_err_set(err, LANTOA_ENOENT,
                        TR("material '%s' has no recording in the language '%s'"), name, lang)
                  : base_err_set(err, LANTOA_ENOENT, TR("there is no material '%s'"), name);
    }
    return rc;
}

static int change(struct db *db, const char *name, const char *lang, const char *who,
    const char *sql, const char *verb, int64_t *count_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    char object[NAME_MOST + 60];
    int rc = db_prepare(db, sql, &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, name);
        db_bind_text(stmt, 2, lang ? lang : "");
        db_bind_text(stmt, 3, who);
        db_bind_i64(stmt, 4, base_clock_now_ms());
        rc = db_run(stmt, err);
        *count_out = db_changes(db);
    }
    db_finish(&stmt);
    (void)snprintf(object, sizeof object, "material %.*s %s", NAME_MOST, name, lang ? lang : "*");
    return rc || *count_out == 0 ? rc : audit_add(db, who, verb, object, NULL, err);
}

int recording_listened(struct db *db, const char *name, const char *lang, const char *who,
    int64_t *count_out, struct base_err *err) {
    *count_out = 0;
    int rc = db_begin(db, err);
    if (rc) {
        return rc;
    }
    rc = check_known(db, name, lang, err);
    rc = rc ? rc
            : change(db, name, lang, who,
                  "UPDATE recording SET state = 'listened', listened_by = ?3, listened_at = ?4 "
                  "WHERE name = ?1 AND (?2 = '' OR lang = ?2) AND state = 'draft'",
                  "listen", count_out, err);
    if (rc == 0) {
        return db_commit(db, err);
    }
    db_rollback(db);
    return rc;
}

int recording_approve(struct db *db, const char *name, const char *lang, const char *who,
    int64_t *count_out, struct base_err *err) {
    int64_t drafts = 0;
    *count_out = 0;
    int rc = db_begin(db, err);
    if (rc) {
        return rc;
    }
    rc = check_known(db, name, lang, err);
    rc = rc ? rc : count_where(db, name, lang, "draft", &drafts, err);
    if (rc == 0 && drafts > 0) {
        rc = base_err_set(err, LANTOA_ESTATE,
            TR("nobody has listened to %lld recordings of '%s' yet: lantoa material listen %s"),
            (long long)drafts, name, name);
    }
    rc = rc ? rc
            : change(db, name, lang, who,
                  "UPDATE recording SET state = 'approved', approved_by = ?3, approved_at = ?4 "
                  "WHERE name = ?1 AND (?2 = '' OR lang = ?2) AND state = 'listened'",
                  "approve", count_out, err);
    if (rc == 0) {
        return db_commit(db, err);
    }
    db_rollback(db);
    return rc;
}

struct missing {
    char lang[36];
    int64_t outlets;
};
enum { MISSING_MOST = 200 };

static int has_recording(
    struct db *db, const char *name, const char *lang, bool *has_out, struct base_err *err) {
    int64_t count = 0;
    int rc = count_where(db, name, lang, "", &count, err);
    *has_out = count > 0;
    return rc;
}

/* How many outlets that are in use prefer each language. */
static int count_preferred(
    struct db *db, struct missing *list, size_t *count_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT languages, COUNT(*) FROM outlet WHERE state <> 'retired' GROUP BY languages ORDER "
        "BY languages",
        &stmt, err);
    while (rc == 0 && (rc = db_step(stmt, err)) == 1) {
        struct str rest = db_column_str(stmt, 0), lang = str_cut(&rest, ' ');
        size_t i = 0;
        while (i < *count_out && !str_is(lang, list[i].lang)) {
            i++;
        }
        if (i == *count_out && i < MISSING_MOST) {
            (void)snprintf(list[i].lang, sizeof list[i].lang, "%.*s", STR_ARG(lang));
            ++*count_out;
        }
        if (i < *count_out) {
            list[i].outlets += db_column_i64(stmt, 1);
        }
        rc = 0;
    }
    db_finish(&stmt);
    return rc;
}

int recording_missing_each(struct db *db, const char *name,
    int (*row)(void *arg, struct str lang, int64_t outlets), void *arg, struct base_err *err) {
    struct missing *list = base_alloc_array(MISSING_MOST, sizeof *list);
    size_t count = 0;
    int rc = count_preferred(db, list, &count, err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        bool has = false;
        rc = has_recording(db, name, list[i].lang, &has, err);
        if (rc == 0 && !has) {
            rc = row(arg, str_from(list[i].lang), list[i].outlets);
        }
    }
    base_free(list);
    return rc;
}
