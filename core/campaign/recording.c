/* Recordings in the database: read, chosen for an outlet. recording_make.c makes them. */
#include "campaign/recording.h"

#include "base/mem.h"
#include "base/tr.h"

static const char *const state_words[] = {"draft", "listened", "approved", "replaced"};
static const char *const origin_words[] = {"recorded", "speech"};

const char *recording_state_word(enum recording_state state) {
    return state_words[state];
}

const char *recording_origin_word(enum recording_origin origin) {
    return origin_words[origin];
}

static enum recording_state state_of(struct str word) {
    for (int i = RECORDING_DRAFT; i < RECORDING_REPLACED; i++) {
        if (str_is(word, state_words[i])) {
            return (enum recording_state)i;
        }
    }
    return RECORDING_REPLACED;
}

static void read_row(struct db_stmt *s, struct recording *r) {
    *r = (struct recording){.id = db_column_i64(s, 0),
        .theme = db_column_str(s, 1),
        .name = db_column_str(s, 2),
        .lang = db_column_str(s, 3),
        .title = db_column_str(s, 4),
        .sha256 = db_column_str(s, 5),
        .bytes = db_column_i64(s, 6),
        .length_ms = db_column_i64(s, 7),
        .loudness_lufs = db_column_f64(s, 8),
        .peak_dbtp = db_column_f64(s, 9),
        .format = db_column_str(s, 10),
        .origin = str_is(db_column_str(s, 11), "speech") ? RECORDING_SPEECH : RECORDING_RECORDED,
        .source = db_column_str(s, 12),
        .findings = db_column_str(s, 13),
        .script = db_column_str(s, 14),
        .state = state_of(db_column_str(s, 15)),
        .made_at = db_column_i64(s, 16),
        .made_by = db_column_str(s, 17),
        .listened_at = db_column_i64(s, 18),
        .listened_by = db_column_str(s, 19),
        .approved_at = db_column_i64(s, 20),
        .approved_by = db_column_str(s, 21)};
    if (!r->title.at) {
        r->title = r->name;
    }
}

int recording_each(struct db *db, const struct recording_filter *filter,
    int (*row)(void *arg, const struct recording *recording), void *arg, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = db_prepare(db,
        "SELECT id, theme, name, lang, title, sha256, bytes, length_ms, loudness_lufs, peak_dbtp, "
        "format, origin, source, findings, script, state, made_at, made_by, listened_at, "
        "listened_by, approved_at, approved_by FROM recording WHERE (?1 = 0 OR id = ?1) AND (?2 = "
        "'' OR name = ?2) AND (?3 = '' OR lang = ?3) AND (?4 = '' OR theme = ?4) AND (?5 = 1 OR "
        "?1 <> 0 OR state <> 'replaced') ORDER BY name, lang, id",
        &stmt, err);
    if (rc) {
        return rc;
    }
    db_bind_i64(stmt, 1, filter->id);
    db_bind_text(stmt, 2, filter->name ? filter->name : "");
    db_bind_text(stmt, 3, filter->lang ? filter->lang : "");
    db_bind_text(stmt, 4, filter->theme ? filter->theme : "");
    db_bind_i64(stmt, 5, filter->with_replaced);
    while ((rc = db_step(stmt, err)) == 1) {
        struct recording recording;
        read_row(stmt, &recording);
        rc = row(arg, &recording);
        if (rc) {
            break;
        }
    }
    db_finish(&stmt);
    return rc;
}

/* --- choosing --- */

static int choose_one(
    struct db_stmt *stmt, const char *lang, struct recording_choice *out, struct base_err *err) {
    db_bind_text(stmt, 2, lang);
    int rc = db_step(stmt, err);
    if (rc == 1) {
        out->id = db_column_i64(stmt, 0);
        out->length_ms = db_column_i64(stmt, 1);
        (void)snprintf(out->lang, sizeof out->lang, "%s", lang);
        (void)snprintf(out->sha256, sizeof out->sha256, "%.*s", STR_ARG(db_column_str(stmt, 2)));
        db_reset(stmt);
    }
    return rc;
}

static int none_fits(
    const char *name, const char *const *langs, size_t lang_count, struct base_err *err) {
    struct base_buf list;
    bool has_vi = false;
    base_buf_init(&list, 1024);
    for (size_t i = 0; i < lang_count; i++) {
        base_buf_printf(&list, "%s%s", i ? ", " : "", langs[i]);
        has_vi = has_vi || strcmp(langs[i], "vi") == 0;
    }
    base_buf_add_text(&list, has_vi ? "" : lang_count ? ", vi" : "vi");
    int rc = base_err_set(err, LANTOA_ENOENT,
        TR("material '%s' has no approved recording in any of the languages %s"), name,
        base_buf_text(&list));
    base_buf_release(&list);
    return rc;
}

int recording_choose(struct db *db, const char *name, const char *const *langs, size_t lang_count,
    struct recording_choice *choice_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    *choice_out = (struct recording_choice){0};
    int rc = db_prepare(db,
        "SELECT id, length_ms, sha256 FROM recording WHERE name = ?1 AND lang = ?2 AND state = "
        "'approved'",
        &stmt, err);
    if (rc) {
        return rc;
    }
    db_bind_text(stmt, 1, name);
    for (size_t i = 0; rc == 0 && i < lang_count; i++) {
        rc = choose_one(stmt, langs[i], choice_out, err);
    }
    if (rc == 0) { /* everybody's list ends with it */
        rc = choose_one(stmt, "vi", choice_out, err);
    }
    db_finish(&stmt);
    return rc == 1 ? 0 : rc ? rc : none_fits(name, langs, lang_count, err);
}
