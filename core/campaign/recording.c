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

int recording_choices(struct db *db, const char *name, struct recording_choice **choices_out,
    size_t *count_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    size_t room = 0;
    *choices_out = NULL;
    *count_out = 0;
    int rc = db_prepare(db,
        "SELECT id, length_ms, lang FROM recording WHERE name = ?1 AND state = 'approved' ORDER BY "
        "id DESC",
        &stmt, err);
    if (rc == 0) {
        db_bind_text(stmt, 1, name);
        while ((rc = db_step(stmt, err)) == 1) {
            if (*count_out == room) {
                room = room ? 2 * room : 8;
                *choices_out = base_realloc(*choices_out, room * sizeof **choices_out);
            }
            struct recording_choice *one = &(*choices_out)[(*count_out)++];
            *one = (struct recording_choice){db_column_i64(stmt, 0), db_column_i64(stmt, 1), ""};
            (void)snprintf(one->lang, sizeof one->lang, "%.*s", STR_ARG(db_column_str(stmt, 2)));
        }
    }
    db_finish(&stmt);
    return rc;
}

static const struct recording_choice *choice_in(
    const struct recording_choice *choices, size_t count, const char *lang) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(choices[i].lang, lang) == 0) {
            return &choices[i];
        }
    }
    return NULL;
}

const struct recording_choice *recording_choose(const struct recording_choice *choices,
    size_t count, const char *const *langs, size_t lang_count) {
    const struct recording_choice *found = NULL;
    for (size_t i = 0; !found && i < lang_count; i++) {
        found = choice_in(choices, count, langs[i]);
    }
    return found ? found : choice_in(choices, count, "vi");
}
