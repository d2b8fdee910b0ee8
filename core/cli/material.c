/* Materials of outlets: recorded or spoken, listened to, approved. */
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"
#include "campaign/recording.h"
#include "campaign/speech.h"
#include "campaign/store.h"
#include "cli/cli.h"

#include <stdio.h>

static int add_missing(void *arg, struct str lang, int64_t outlets) {
    json_array_append_new(arg,
        json_pack("{s:s#,s:I}", "lang", lang.at, (int)lang.bytes, "outlets", (json_int_t)outlets));
    return 0;
}

static void print_missing(const struct cli *cli, const json_t *missing) {
    for (size_t i = 0; !cli->json && i < json_array_size(missing); i++) {
        const json_t *item = json_array_get(missing, i);
        printf(TR("not recorded in %s, which %lld outlets prefer\n"),
            json_string_value(json_object_get(item, "lang")),
            (long long)json_integer_value(json_object_get(item, "outlets")));
    }
}

static int say_made(struct cli *cli, const char *name, const struct recording_made *made) {
    json_t *missing = json_array();
    int rc = recording_missing_each(cli->db, name, add_missing, missing, &cli->err);
    for (size_t i = 0; !cli->json && i < json_array_size(made->findings); i++) {
        printf("%s\n", json_string_value(json_array_get(made->findings, i)));
    }
    print_missing(cli, missing);
    if (rc) {
        json_decref(missing);
        return rc;
    }
    cli_say(cli,
        json_pack("{s:I,s:s,s:f,s:f,s:f,s:f,s:s,s:O,s:s?,s:o,s:b,s:I}", "id", (json_int_t)made->id,
            "material", name, "seconds", (double)made->length_ms / 1000, "lufs_before",
            made->lufs_before, "lufs", made->lufs, "peak_dbtp", made->peak_dbtp, "sha256",
            made->sha256, "findings", made->findings, "words", made->words, "missing", missing,
            "unchanged", made->unchanged, "replaced", (json_int_t)made->replaced),
        made->unchanged ? TR("recording %lld is there already: %.1f s, %.1f LUFS")
                        : TR("recording %lld: %.1f s, %.1f LUFS; a draft until somebody has "
                             "listened"),
        (long long)made->id, (double)made->length_ms / 1000, made->lufs);
    return 0;
}

static int draft_from(struct cli *cli, struct recording_draft *draft) {
    *draft = (struct recording_draft){.name = cli->args[0],
        .lang = cli_option(cli, cli_option(cli, "for") ? "for" : "lang"),
        .title = cli_option(cli, "title"),
        .theme = cli_option(cli, "theme"),
        .file = cli_option(cli, "file"),
        .who = cli->who};
    return draft->lang ? 0
                       : base_err_set(&cli->err, LANTOA_EINVAL, "%s",
                             TR("--for LANG says which language it is in (vi, nut, ...)"));
}

static int add_verb(struct cli *cli) {
    struct recording_draft draft;
    struct recording_made made = {0};
    int rc = draft_from(cli, &draft);
    if (rc == 0 && !draft.file) {
        rc = base_err_set(&cli->err, LANTOA_EINVAL, "%s", TR("--file F names the sound file"));
    }
    rc = rc ? rc : recording_add(cli->db, cli->data_dir, &draft, &made, &cli->err);
    rc = rc ? rc : say_made(cli, draft.name, &made);
    recording_made_release(&made);
    return rc;
}

static int speak_verb(struct cli *cli) {
    struct recording_draft draft;
    struct recording_made made = {0};
    struct base_buf text;
    base_buf_init(&text, SPEECH_TEXT_MOST + 1);
    int rc = draft_from(cli, &draft);
    const char *given = cli_option(cli, "text");
    if (rc == 0 && (given == NULL) == (draft.file == NULL)) {
        rc = base_err_set(&cli->err, LANTOA_EINVAL, "%s",
            TR("--text TEXT or --file F says what is to be said, one of them"));
    }
    if (rc == 0 && given) {
        draft.script = str_from(given);
    } else if (rc == 0) {
        rc = base_file_read(draft.file, SPEECH_TEXT_MOST, &text, &cli->err);
        draft.script = base_buf_str(&text);
    }
    rc = rc ? rc : recording_speak(cli->db, cli->data_dir, &draft, &made, &cli->err);
    if (rc == 0 && !cli->json) {
        printf("%s\n", made.words);
    }
    rc = rc ? rc : say_made(cli, draft.name, &made);
    recording_made_release(&made);
    base_buf_release(&text);
    return rc;
}

/* --- listening --- */

struct listening {
    struct cli *cli;
    const char *out;
    json_t *files;
    int64_t count;
};

static int listen_one(void *arg, const struct recording *recording) {
    struct listening *l = arg;
    char sha256[65];
    (void)snprintf(sha256, sizeof sha256, "%.*s", STR_ARG(recording->sha256));
    char *path = campaign_material_path(l->cli->data_dir, sha256);
    int rc = 0;
    if (l->out && ++l->count > 1) {
        rc = base_err_set(&l->cli->err, LANTOA_EINVAL, "%s",
            TR("there are several languages: say --for LANG with --out"));
    } else if (l->out) {
        struct base_buf sound;
        base_buf_init(&sound, 1 << 28);
        rc = base_file_read(path, 1 << 28, &sound, &l->cli->err);
        rc = rc ? rc : base_file_write(l->out, base_buf_str(&sound), 0644, &l->cli->err);
        base_buf_release(&sound);
    }
    const char *shown = l->out ? l->out : path;
    if (rc == 0 && !l->cli->json) {
        printf("%.*s  %s\n", STR_ARG(recording->lang), shown);
    }
    json_array_append_new(l->files, json_pack("{s:s#,s:s}", "lang", recording->lang.at,
                                        (int)recording->lang.bytes, "file", shown));
    base_free(path);
    return rc;
}

static int listen_verb(struct cli *cli) {
    struct listening l = {.cli = cli, .out = cli_option(cli, "out"), .files = json_array()};
    const char *lang = cli_option(cli, "for");
    const struct recording_filter filter = {.name = cli->args[0], .lang = lang};
    int64_t marked = 0;
    int rc = recording_each(cli->db, &filter, listen_one, &l, &cli->err);
    rc = rc ? rc : recording_listened(cli->db, cli->args[0], lang, cli->who, &marked, &cli->err);
    if (rc == 0) {
        cli_say(cli,
            json_pack(
                "{s:O,s:I,s:s}", "files", l.files, "marked", (json_int_t)marked, "by", cli->who),
            TR("%lld recordings marked as listened to by %s"), (long long)marked, cli->who);
    }
    json_decref(l.files);
    return rc;
}

static int approve_verb(struct cli *cli) {
    int64_t count = 0;
    json_t *missing = json_array();
    int rc = recording_missing_each(cli->db, cli->args[0], add_missing, missing, &cli->err);
    if (rc == 0) {
        print_missing(cli, missing);
        rc = recording_approve(
            cli->db, cli->args[0], cli_option(cli, "for"), cli->who, &count, &cli->err);
    }
    if (rc == 0) {
        cli_say(cli, json_pack("{s:I,s:O}", "approved", (json_int_t)count, "missing", missing),
            TR("%lld recordings approved"), (long long)count);
    }
    json_decref(missing);
    return rc;
}

/* --- list, reading time --- */

static int add_recording(void *arg, const struct recording *r) {
    json_t *values[] = {json_integer(r->id), cli_str(r->name), cli_str(r->lang), cli_str(r->title),
        cli_str(r->theme), json_string(recording_state_word(r->state)),
        json_string(recording_origin_word(r->origin)), json_real((double)r->length_ms / 1000),
        json_real(r->loudness_lufs), cli_str(r->source), cli_str(r->findings), cli_time(r->made_at),
        cli_str(r->made_by), cli_str(r->listened_by), cli_str(r->approved_by), cli_str(r->sha256)};
    report_table_add(arg, values);
    return 0;
}

static int list_verb(struct cli *cli) {
    const struct report_column columns[] = {{"id", "id", REPORT_NUMBER},
        {"material", TR("material"), REPORT_TEXT}, {"lang", TR("language"), REPORT_TEXT},
        {"title", TR("title"), REPORT_TEXT}, {"theme", TR("theme"), REPORT_TEXT},
        {"state", TR("state"), REPORT_WORD}, {"origin", TR("made from"), REPORT_WORD},
        {"seconds", TR("seconds"), REPORT_DECIMAL | REPORT_DIGITS(1)},
        {"lufs", "LUFS", REPORT_DECIMAL | REPORT_DIGITS(1)}, {"source", TR("source"), REPORT_TEXT},
        {"findings", TR("findings"), REPORT_TEXT}, {"made_at", TR("made"), REPORT_TEXT},
        {"made_by", TR("made by"), REPORT_TEXT}, {"listened_by", TR("listened to by"), REPORT_TEXT},
        {"approved_by", TR("approved by"), REPORT_TEXT}, {"sha256", "sha256", REPORT_TEXT}};
    const struct recording_filter filter = {.theme = cli_option(cli, "theme"),
        .name = cli->arg_count ? cli->args[0] : NULL,
        .with_replaced = cli_switch(cli, "all")};
    struct report_table table;
    report_table_init(&table, columns, sizeof columns / sizeof columns[0]);
    int rc = recording_each(cli->db, &filter, add_recording, &table, &cli->err);
    if (rc) {
        report_table_release(&table);
        return rc;
    }
    cli_table(cli, &table);
    return 0;
}

static int words_verb(struct cli *cli) {
    const char *lang = cli_option(cli, "for");
    struct speech *speech = NULL;
    struct speech_reading reading = {0};
    struct base_buf words;
    base_buf_init(&words, SPEECH_OUT_MOST);
    lang = lang ? lang : "vi";
    int rc = speech_load(cli->db, &speech, &cli->err);
    rc = rc ? rc : speech_expand(speech, lang, str_from(cli->args[0]), &words, &cli->err);
    rc = rc ? rc : speech_reading(speech, lang, str_from(cli->args[0]), &reading, &cli->err);
    if (rc == 0) {
        cli_say(cli,
            json_pack("{s:s,s:I,s:f}", "words", base_buf_text(&words), "count",
                (json_int_t)reading.words, "seconds", (double)reading.ms / 1000),
            TR("%s\n%lld words, about %.0f s read aloud"), base_buf_text(&words),
            (long long)reading.words, (double)reading.ms / 1000);
    }
    speech_free(&speech);
    base_buf_release(&words);
    return rc;
}

const struct cli_command cli_material_commands[] = {
    {"material", "add", "for= file= title= theme=", 1, 1,
        "NAME --for LANG --file F [--title TEXT] [--theme NAME]",
        "a recording for loudspeakers: checked, brought to one loudness, kept", CLI_NEEDS_DATABASE,
        add_verb},
    {"material", "speak", "for= file= text= title= theme=", 1, 1,
        "NAME --for LANG --text TEXT | --file F [--title TEXT] [--theme NAME]",
        "text to speech, a draft until somebody has listened", CLI_NEEDS_DATABASE, speak_verb},
    {"material", "listen", "for= out=", 1, 1, "NAME [--for LANG] [--out F]",
        "where the sound lies; marks that you have listened", CLI_NEEDS_DATABASE, listen_verb},
    {"material", "approve", "for=", 1, 1, "NAME [--for LANG]",
        "approve what somebody has listened to; tells which languages are missing",
        CLI_NEEDS_DATABASE, approve_verb},
    {"material", "list", "csv theme= all", 0, 1, "[NAME] [--theme NAME] [--all] [--csv]",
        "the recordings, and who listened and approved", CLI_NEEDS_DATABASE, list_verb},
    {"material", "words", "for=", 1, 1, "TEXT [--for LANG]",
        "a text in the words that are spoken, and how long it takes to read", CLI_NEEDS_DATABASE,
        words_verb},
    {0},
};
