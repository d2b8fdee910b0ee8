/* Places of contact rows, with a memory of what was asked before. */
#include "audience/contact_place.h"

#include "audience/place.h"
#include "base/civil.h"
#include "base/hash.h"
#include "base/tr.h"

#include <stdio.h>

enum { SLOTS = 4096, QUESTION_MOST = 512 };

struct answer {
    char *question; /* code, a NUL, name; NULL: free */
    size_t bytes;
    int64_t id;
    char *fault;
};

struct audience__placer {
    struct db *db;
    int64_t today_days;
    char today[BASE_DATE_MAX];
    struct db_stmt *standing;
    struct answer slots[SLOTS]; /* a newer question takes the slot of an older one */
};

struct audience__placer *audience__placer_new(struct db *db, int64_t today_days) {
    struct audience__placer *placer = base_alloc(sizeof(*placer));
    placer->db = db;
    placer->today_days = today_days;
    base_format_date(base_date_from_days(today_days), placer->today);
    return placer;
}

void audience__placer_free(struct audience__placer **placer) {
    if (!*placer) {
        return;
    }
    for (size_t i = 0; i < SLOTS; i++) {
        base_free((*placer)->slots[i].question);
        base_free((*placer)->slots[i].fault);
    }
    db_finish(&(*placer)->standing);
    base_free(*placer);
    *placer = NULL;
}

/* Of the places a name can mean, those that stand today; if none does, those that stood last:
 * people write the commune of before a merger for years, and whoever asks for a place gets its
 * predecessors too. *count_out of them, *id_out the last. */
static int count_newest(struct audience__placer *placer, const int64_t *ids, size_t count,
    int64_t *id_out, size_t *count_out, struct base_err *err) {
    char newest[BASE_DATE_MAX] = "";
    int rc = 0;
    if (!placer->standing) {
        rc = db_prepare(placer->db,
            "SELECT CASE WHEN valid_to IS NULL OR valid_to > ?2 THEN '9999-12-31' ELSE valid_to "
            "END FROM place WHERE id = ?1 AND valid_from <= ?2",
            &placer->standing, err);
    }
    *count_out = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        db_bind_i64(placer->standing, 1, ids[i]);
        db_bind_text(placer->standing, 2, placer->today);
        rc = db_step(placer->standing, err);
        if (rc != 1) {
            continue; /* it begins later */
        }
        struct str until = db_column_str(placer->standing, 0);
        int order = str_cmp(until, str_from(newest));
        if (order > 0) {
            (void)snprintf(newest, sizeof(newest), "%.*s", STR_ARG(until));
            *count_out = 0;
        }
        if (order >= 0) {
            *id_out = ids[i];
            ++*count_out;
        }
        db_reset(placer->standing);
        rc = 0;
    }
    return rc;
}

/* Files often have the code under the heading "place". */
static bool may_be_code(struct str text) {
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.at[i] >= '0' && text.at[i] <= '9') {
            return memchr(text.at, '@', text.bytes) == NULL;
        }
    }
    return false;
}

static int ask_name(
    struct audience__placer *placer, struct str name, struct answer *answer, struct base_err *err) {
    int64_t *ids = NULL;
    size_t count = 0;
    struct base_err why = {0};
    int rc = place_find(placer->db, name, &ids, &count, &why);
    if (rc == LANTOA_ENOENT && may_be_code(name)) {
        struct base_err ignored = {0};
        rc = place_by_code(placer->db, name, NULL, placer->today_days, &answer->id, &ignored);
        if (rc != LANTOA_ENOENT) {
            return rc ? base_err_set(err, rc, "%s", ignored.text) : 0;
        }
    }
    if (rc == LANTOA_ENOENT || rc == LANTOA_EINVAL) {
        answer->fault = base_strdup(why.text);
        return 0;
    }
    if (rc) {
        return base_err_set(err, rc, "%s", why.text);
    }
    size_t fitting = 0;
    rc = count_newest(placer, ids, count, &answer->id, &fitting, err);
    base_free(ids);
    if (rc == 0 && fitting != 1) {
        answer->id = 0;
        answer->fault = fitting == 0
                            ? base_printf(TR("no such place stands on %s"), placer->today)
                            : base_printf(TR("%zu places have this name: add the higher place "
                                             "(\"Đồng Tiến, Yên Thế\") or use its code"),
                                  fitting);
    }
    return rc;
}

static int ask(struct audience__placer *placer, struct str code, struct str name,
    struct answer *answer, struct base_err *err) {
    if (code.bytes == 0 ||
        memchr(code.at, '@', code.bytes)) { /* code@day is a name to place_find */
        return ask_name(placer, code.bytes ? code : name, answer, err);
    }
    struct base_err why = {0};
    int rc = place_by_code(placer->db, code, NULL, placer->today_days, &answer->id, &why);
    if (rc == LANTOA_ENOENT && name.bytes > 0) {
        return ask_name(placer, name, answer, err);
    }
    if (rc == LANTOA_ENOENT) {
        answer->fault = base_strdup(why.text);
        return 0;
    }
    return rc ? base_err_set(err, rc, "%s", why.text) : 0;
}

int audience__placer_find(struct audience__placer *placer, struct str code, struct str name,
    int64_t *id_out, const char **fault_out, struct base_err *err) {
    char question[QUESTION_MOST];
    size_t bytes = code.bytes + 1 + name.bytes;
    if (bytes > sizeof(question)) {
        *id_out = 0;
        *fault_out = TR("not the name of a place");
        return 0;
    }
    memset(question, 0, sizeof(question));
    memcpy(question, code.at ? code.at : "", code.bytes);
    memcpy(question + code.bytes + 1, name.at ? name.at : "", name.bytes);
    struct answer *answer = &placer->slots[base_hash64(question, bytes) % SLOTS];
    if (!answer->question || answer->bytes != bytes ||
        memcmp(answer->question, question, bytes) != 0) {
        base_free(answer->question);
        base_free(answer->fault);
        *answer = (struct answer){0};
        int rc = ask(placer, code, name, answer, err);
        if (rc) {
            return rc;
        }
        answer->question = base_alloc(bytes);
        memcpy(answer->question, question, bytes);
        answer->bytes = bytes;
    }
    *id_out = answer->id;
    *fault_out = answer->fault;
    return 0;
}
