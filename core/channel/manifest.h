/* What a plugin says of itself, as the core knows it: read from `lantoa-channel --describe
 * PLUGIN.so` (JSON), so that no plugin code ever runs in the core; and the channel file that staff
 * write. Knows nothing of campaigns or the ledger. */
#ifndef CHANNEL_MANIFEST_H
#define CHANNEL_MANIFEST_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "channel/price.h"
#include <lantoa/plugin.h>

struct channel_content {
    char *name;
    unsigned flags; /* lantoa_content_flags */
    size_t most_bytes;
    char *help_en, *help_vi;
};

struct channel_option {
    char *name;
    enum lantoa_option_type type;
    unsigned flags;
    char *fallback, *allowed, *help_en, *help_vi;
    int64_t least, most;
};

struct channel_manifest {
    char *name, *version, *kind, *help_en, *help_vi;
    enum lantoa_address_kind address;
    unsigned capabilities;
    size_t max_batch;
    struct channel_option *options;
    size_t option_count;
    struct channel_content *content;
    size_t content_count;
    bool reconfigures; /* takes new values of LIVE options without a restart */
    bool hooks;        /* takes call-backs of the operator */
    bool checks;       /* can say whether the values of its options will do */
    char *account;     /* with LANTOA_ADDRESS_ACCOUNT: the attribute that holds it; else NULL */
};

/* Runs lantoa-channel --describe (a process of its own, 10 s at most) on the plugin of that name
 * (wire/place.h says where it is looked for) and returns its JSON text; caller owns. LANTOA_ENOENT
 * no such plugin; LANTOA_EVERSION wrong ABI; LANTOA_EINVAL not a plugin: the text says which and
 * why. */
int channel_describe(const char *plugin, char **json_out, struct base_err *err) LANTOA_MUST_CHECK;
int channel_manifest_parse(const char *json, struct channel_manifest **manifest_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void channel_manifest_free(struct channel_manifest **manifest);
/* The channel file:
 * { "name": "email", "plugin": "email", "options": {...},
 *   "rate": {"per_second": 500, "per_minute": .., "per_hour": .., "burst": ..},   each optional
 *   "window": 100,       messages the plugin may have under way; default 50, 1..10000
 *   "retry": {"tries": 5, "first": "PT5M", "longest": "PT4H"},   doubles from first to longest
 *   "uncertain": "hold" | "resend",   what becomes of messages nobody can tell the end of;
 *                        default hold: a person settles them
 *   "memory_mb": 256, "watchdog_s": 10,
 *   "timeout_s": 600,    a message the plugin has had this long without a result: its host is
 *                        ended; if the message had begun, it is UNKNOWN
 *   "hosts": ["sms.example.vn"],   servers that a plugin may reach through host->http; default:
 *                        those of the URLs among the options
 *   "refusal_to": "8088",   where people refuse what this channel sends: {{refusal_to}} of the
 * rules "user": "lantoa-sms",   the system user its host runs as, when the program runs as root
 *   "price": 0,          minor units a message; or
 *   "prices": [...] }    a dated list, see channel/price.h */
struct channel_spec {
    char *name, *plugin;
    char *options_json; /* as written, for the host */
    double per_second;  /* all rates folded into the tightest; 0: no limit */
    int64_t burst;      /* messages that may leave at once, at least 1 */
    size_t window;
    int retry_tries;
    int64_t retry_first_ms, retry_longest_ms;
    bool resend_uncertain;
    size_t memory_mb;
    int watchdog_s;
    int64_t price_minor;
    struct channel_prices *prices; /* NULL: none */
    int timeout_s;
    char *hosts;      /* each followed by a line end; "": not given */
    char *refusal_to; /* NULL: not given */
    char *user;       /* NULL: not given */
};

/* Reads a channel file. With manifest NULL only the general part is checked; with one, the options
 * too, each error naming file, line and field (unknown option, missing one, wrong type, out of
 * range, not one of). A secret given as {"file":..} or {"env":..} must be readable. */
int channel_spec_parse(const struct base_json *doc, const struct channel_manifest *manifest,
    struct channel_spec **spec_out, struct base_err *err) LANTOA_MUST_CHECK;
void channel_spec_free(struct channel_spec **spec);

#endif
