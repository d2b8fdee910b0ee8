/* The tables of speech: read, kept, put in force. */
#include "campaign/speech_private.h"

#include "base/text.h"
#include "base/tr.h"
#include "store/schema.h"

#include <stdlib.h>

#include "speech_default.inc"

#define META_KEY "speech"
enum { ENTRIES_MOST = 5000, ENTRY_MOST = 200 };

const char *speech_default(void) {
    return (const char *)speech_default_json;
}

bool speech_is(const struct base_json *doc) {
    return json_object_get(base_json_root(doc), META_KEY) != NULL;
}

/* --- reading --- */

struct reading {
    const struct base_json *doc;
    struct speech *speech;
    struct base_err *err;
};

static struct str keep(struct reading *r, const json_t *text) {
    size_t bytes = json_string_length(text);
    return str_of(base_arena_strndup(r->speech->arena, json_string_value(text), bytes), bytes);
}

static int by_length(const void *a, const void *b) {
    const struct speech__entry *left = a, *right = b;
    if (left->key.bytes != right->key.bytes) {
        return left->key.bytes > right->key.bytes ? -1 : 1;
    }
    return str_cmp(left->key, right->key);
}

static int read_table(struct reading *r, const char *field, struct speech__table *table) {
    json_t *object = json_object_get(base_json_root(r->doc), field), *value;
    const char *key;
    size_t count = json_object_size(object);
    if (!json_is_object(object) || count > ENTRIES_MOST) {
        return base_json_fault(
            r->doc, object, field, r->err, "%s", TR("must be an object of texts, not too large"));
    }
    table->at = base_arena_alloc(r->speech->arena, (count + 1) * sizeof *table->at);
    json_object_foreach(object, key, value) {
        char path[ENTRY_MOST + 40];
        (void)snprintf(path, sizeof path, "%s.%.*s", field, ENTRY_MOST, key);
        if (!json_is_string(value) || json_string_length(value) > ENTRY_MOST || !key[0] ||
            strlen(key) > ENTRY_MOST) {
            return base_json_fault(r->doc, value, path, r->err, "%s", TR("must be a short text"));
        }
        struct speech__entry *entry = &table->at[table->count++];
        size_t bytes = strlen(key);
        entry->key = str_of(base_arena_strndup(r->speech->arena, key, bytes), bytes);
        entry->words = keep(r, value);
    }
    qsort(table->at, table->count, sizeof *table->at, by_length);
    return 0;
}

static int read_per(struct reading *r) {
    json_t *list = json_object_get(base_json_root(r->doc), "per");
    struct speech__table *table = &r->speech->per;
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count > ENTRIES_MOST) {
        return base_json_fault(r->doc, list, "per", r->err, "%s", TR("must be a list"));
    }
    table->at = base_arena_alloc(r->speech->arena, (count + 1) * sizeof *table->at);
    for (size_t i = 0; i < count; i++) {
        json_t *item = json_array_get(list, i);
        char path[40];
        (void)snprintf(path, sizeof path, "per[%zu]", i);
        if (!json_is_string(item) || json_string_length(item) == 0 ||
            json_string_length(item) > ENTRY_MOST) {
            return base_json_fault(r->doc, item, path, r->err, "%s", TR("must be a short text"));
        }
        table->at[table->count].key = keep(r, item);
        table->at[table->count].words = table->at[table->count].key;
        table->count++;
    }
    qsort(table->at, table->count, sizeof *table->at, by_length);
    return 0;
}

static int read_whole(struct reading *r, json_t *object, const char *lang, const char *field,
    int most, int *value_out) {
    json_t *value = json_object_get(object, field);
    char path[100];
    (void)snprintf(path, sizeof path, "speech.%.30s.%s", lang, field);
    if (!json_is_integer(value) || json_integer_value(value) < 1 ||
        json_integer_value(value) > most) {
        return base_json_fault(
            r->doc, value, path, r->err, TR("must be a number from 1 to %d"), most);
    }
    *value_out = (int)json_integer_value(value);
    return 0;
}

/* A voice goes onto a command line: a plain word only. */
static bool plain_word(const char *text) {
    size_t bytes = text ? strlen(text) : 0;
    return bytes > 0 && bytes <= 40 && text[0] != '-' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-+_") ==
               bytes;
}

static int read_languages(struct reading *r) {
    json_t *object = json_object_get(base_json_root(r->doc), META_KEY), *value;
    const char *lang;
    if (!json_is_object(object) || json_object_size(object) > SPEECH__LANGS_MOST) {
        return base_json_fault(
            r->doc, object, META_KEY, r->err, "%s", TR("must be an object of languages"));
    }
    json_object_foreach(object, lang, value) {
        struct speech_language *l = &r->speech->languages[r->speech->language_count++];
        json_t *voice = json_object_get(value, "voice"), *expand = json_object_get(value, "expand");
        char path[100];
        (void)snprintf(path, sizeof path, "speech.%.30s.voice", lang);
        if (!plain_word(json_string_value(voice)) || !plain_word(lang)) {
            return base_json_fault(r->doc, voice, path, r->err, "%s",
                TR("must be the name of a voice: letters, digits, hyphens"));
        }
        l->lang = base_arena_strndup(r->speech->arena, lang, strlen(lang));
        l->voice = keep(r, voice).at;
        l->expand = json_is_true(expand);
        int rc = read_whole(r, value, lang, "rate", 500, &l->rate);
        rc = rc ? rc : read_whole(r, value, lang, "words_per_minute", 500, &l->words_per_minute);
        rc = rc ? rc : read_whole(r, value, lang, "comma_ms", 10000, &l->comma_ms);
        rc = rc ? rc : read_whole(r, value, lang, "stop_ms", 10000, &l->stop_ms);
        if (rc) {
            return rc;
        }
    }
    return 0;
}

static int check_keys(const struct base_json *doc, struct base_err *err) {
    static const char *const known[] = {
        "note", "source", "speech", "abbreviations", "words", "units", "per", "signs", "letters"};
    json_t *root = base_json_root(doc), *value;
    const char *key;
    if (!json_is_object(root)) {
        return base_json_fault(doc, root, "", err, "%s", TR("must be an object"));
    }
    json_object_foreach(root, key, value) {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
            found = found || strcmp(key, known[i]) == 0;
        }
        if (!found) {
            return base_json_fault(doc, value, key, err, "%s", TR("unknown field"));
        }
    }
    return 0;
}

int speech_parse(const struct base_json *doc, struct speech **speech_out, struct base_err *err) {
    int rc = check_keys(doc, err);
    if (rc) {
        return rc;
    }
    struct speech *speech = base_alloc(sizeof *speech);
    speech->arena = base_arena_new();
    struct reading r = {doc, speech, err};
    rc = read_languages(&r);
    rc = rc ? rc : read_table(&r, "abbreviations", &speech->abbreviations);
    rc = rc ? rc : read_table(&r, "words", &speech->words);
    rc = rc ? rc : read_table(&r, "units", &speech->units);
    rc = rc ? rc : read_table(&r, "signs", &speech->signs);
    rc = rc ? rc : read_table(&r, "letters", &speech->letters);
    rc = rc ? rc : read_per(&r);
    if (rc) {
        speech_free(&speech);
        return rc;
    }
    *speech_out = speech;
    return 0;
}

void speech_free(struct speech **speech) {
    if (*speech) {
        base_arena_free(&(*speech)->arena);
        base_free(*speech);
        *speech = NULL;
    }
}

const struct speech_language *speech_language(const struct speech *speech, const char *lang) {
    for (size_t i = 0; i < speech->language_count; i++) {
        const char *known = speech->languages[i].lang;
        size_t bytes = strlen(known);
        if (strncmp(lang, known, bytes) == 0 && (lang[bytes] == '\0' || lang[bytes] == '-')) {
            return &speech->languages[i];
        }
    }
    return NULL;
}

/* --- the database --- */

int speech_text(struct db *db, char **text_out, struct base_err *err) {
    struct base_err missing = {0};
    int rc = schema_meta_get(db, META_KEY, text_out, &missing);
    if (rc == LANTOA_ENOENT) {
        *text_out = base_strdup(speech_default());
        rc = 0;
    }
    return rc ? base_err_set(err, rc, "%s", missing.text) : 0;
}

int speech_load(struct db *db, struct speech **speech_out, struct base_err *err) {
    char *text = NULL;
    struct base_json *doc = NULL;
    int rc = speech_text(db, &text, err);
    rc = rc ? rc : base_json_parse(str_from(text), META_KEY, &doc, err);
    rc = rc ? rc : speech_parse(doc, speech_out, err);
    base_json_free(&doc);
    base_free(text);
    return rc;
}

int speech_apply(struct db *db, const char *path, struct base_err *err) {
    struct base_json *doc = NULL;
    struct speech *speech = NULL;
    int rc = base_json_load(path, &doc, err);
    rc = rc ? rc : speech_parse(doc, &speech, err);
    if (rc == 0) {
        char *text = json_dumps(base_json_root(doc), JSON_COMPACT);
        rc = schema_meta_set(db, META_KEY, text, err);
        base_free(text);
    }
    speech_free(&speech);
    base_json_free(&doc);
    return rc;
}
