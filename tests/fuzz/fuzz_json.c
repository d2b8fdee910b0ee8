/* The files that staff write: campaign, theme and channel. The first byte chooses which; the rest
 * is the file. */
#include "fuzz.h"

#include "base/json.h"
#include "campaign/spec.h"
#include "channel/manifest.h"

static const char manifest_json[] =
    "{\"name\":\"email\",\"version\":\"1\",\"kind\":\"email\",\"address\":\"email\","
    "\"capabilities\":1,\"max_batch\":0,\"options\":[],\"content\":[]}";

static void json_channel(const struct base_json *doc) {
    struct base_err err = {0};
    struct channel_spec *spec = NULL;
    if (channel_spec_parse(doc, NULL, &spec, &err) == 0) {
        FUZZ_HOLDS(spec->window >= 1 && spec->window <= 10000);
        channel_spec_free(&spec);
    } else {
        FUZZ_HOLDS(err.text[0] != '\0');
    }
    struct channel_manifest *manifest = NULL;
    if (channel_manifest_parse(manifest_json, &manifest, &err) == 0) {
        if (channel_spec_parse(doc, manifest, &spec, &err) == 0) {
            channel_spec_free(&spec);
        }
        channel_manifest_free(&manifest);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    if (count == 0) {
        return 0;
    }
    struct base_err err = {0};
    struct base_json *doc = NULL;
    if (base_json_parse(str_of((const char *)bytes + 1, count - 1), "fuzz.json", &doc, &err) != 0) {
        FUZZ_HOLDS(err.text[0] != '\0');
        return 0;
    }
    struct campaign_spec *campaign = NULL;
    struct theme_spec *theme = NULL;
    if (bytes[0] == 'c') {
        if (campaign_spec_parse(doc, &campaign, &err) == 0) {
            FUZZ_HOLDS(campaign->name && campaign->step_count > 0);
            campaign_spec_free(&campaign);
        } else {
            FUZZ_HOLDS(err.text[0] != '\0');
        }
    } else if (bytes[0] == 't') {
        if (theme_spec_parse(doc, &theme, &err) == 0) {
            FUZZ_HOLDS(theme->name && theme->root);
            theme_spec_free(&theme);
        } else {
            FUZZ_HOLDS(err.text[0] != '\0');
        }
    } else {
        json_channel(doc);
    }
    base_json_free(&doc);
    return 0;
}
