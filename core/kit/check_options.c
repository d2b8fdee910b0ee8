/* A plugin's check of its options (ops->check): it takes those of the case, answers to odd ones,
 * and says what is wrong with them in both languages. */
#include "base/tr.h"
#include "kit/internal.h"

static const char *const odds[] = {
    "", " ", "%s%n", "a\tb\n\rc", "Đặng Thị Huệ <a@b", "../../etc/passwd", "http://[::1", "0"};
#define ODDS (sizeof(odds) / sizeof(odds[0]))
#define LONG_BYTES 5000

/* As channel_check, of the case with one option changed (name NULL: none). LANTOA_ENOENT: the core
 * itself refuses this value, so the plugin is never asked. */
static int ask(const struct kit_bed *bed, const char *name, const char *value, char **option_out,
    struct base_err *err) {
    const struct kit_case *kase = bed->kase;
    struct base_json *doc = NULL;
    struct channel_spec *spec = NULL;
    struct base_err ignored = {0};
    char *text = kit__channel_text(kase, bed->peer ? kit__peer_port(bed->peer) : 0);
    int rc = base_json_parse(str_from(text), "channel", &doc, err);
    if (rc == 0 && name) {
        json_t *options = json_object_get(base_json_root(doc), "options");
        json_object_set_new(options, name, json_string(value));
    }
    if (rc == 0 && channel_spec_parse(doc, kase->manifest, &spec, name ? &ignored : err) != 0) {
        rc = name ? LANTOA_ENOENT : LANTOA_EINVAL;
    }
    rc = rc ? rc : channel_check(spec, kase->manifest, bed->data_dir, option_out, err);
    channel_spec_free(&spec);
    base_json_free(&doc);
    base_free(text);
    return rc;
}

struct tally {
    size_t refused, mute; /* mute: says the same in both languages */
    const char *mute_option;
};

/* False: said what is wrong. */
static bool ask_odd(const struct kit_report *report, const struct kit_bed *bed, const char *name,
    const char *value, struct tally *tally) {
    struct base_err en = {0}, vi = {0};
    char *option = NULL, *again = NULL;
    enum base_lang lang = base_tr_get();
    base_tr_set(BASE_LANG_EN);
    int rc = ask(bed, name, value, &option, &en);
    base_tr_set(BASE_LANG_VI);
    int second = rc == LANTOA_EINVAL ? ask(bed, name, value, &again, &vi) : rc;
    base_tr_set(lang);
    bool answered = rc == 0 || rc == LANTOA_ENOENT || (option && again) || rc == second;
    bool well = answered && (rc == 0 || rc == LANTOA_ENOENT || rc == LANTOA_EINVAL);
    if (well && rc == LANTOA_EINVAL) {
        tally->refused++;
        if (strcmp(en.text, vi.text) == 0) {
            tally->mute++;
            tally->mute_option = name;
        }
    }
    if (!well) {
        kit__say(report, KIT_FAIL, "options", TR("option \"%s\": %s"), name, en.text);
    }
    base_free(option);
    base_free(again);
    return well;
}

static bool ask_odds(const struct kit_report *report, const struct kit_bed *bed, const char *name,
    struct tally *tally) {
    bool well = true;
    for (size_t i = 0; well && i < ODDS; i++) {
        well = ask_odd(report, bed, name, odds[i], tally);
    }
    char *longest = base_alloc(LONG_BYTES + 1);
    memset(longest, 'x', LONG_BYTES);
    well = well && ask_odd(report, bed, name, longest, tally);
    base_free(longest);
    return well;
}

void kit__check_options(const struct kit_report *report, const struct kit_bed *bed) {
    const struct channel_manifest *m = report->kase->manifest;
    struct base_err err = {0};
    struct tally tally = {0};
    char *option = NULL;
    if (!m->checks) {
        kit__say(report, KIT_SKIP, "options", "%s", TR("it has no check of its own"));
        return;
    }
    bool well = ask(bed, NULL, NULL, &option, &err) == 0;
    if (!well) {
        kit__say(report, KIT_FAIL, "options", TR("it refuses those of the case: %s%s%s"),
            option ? option : "", option ? ": " : "", err.text);
    }
    base_free(option);
    for (size_t i = 0; well && i < m->option_count; i++) {
        const struct channel_option *row = &m->options[i];
        if (row->type == LANTOA_TYPE_TEXT || row->type == LANTOA_TYPE_FILE) {
            well = ask_odds(report, bed, row->name, &tally);
        }
    }
    if (well && tally.mute > 0) {
        kit__say(report, KIT_WARN, "options",
            TR("what it says of option %s is the same in English and Vietnamese"),
            tally.mute_option);
    } else if (well) {
        kit__say(report, KIT_PASS, "options",
            TR("takes those of the case, refuses %zu odd values with a reason"), tally.refused);
    }
}
