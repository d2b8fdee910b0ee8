/* The kit for plugin authors: runs a plugin in a channel host of its own, against a peer of ours
 * that can misbehave, and says what is wrong with it. Uses channel/ as the delivery does, so what
 * passes here meets the same host in production. Knows no database and no campaign. One thread;
 * every call blocks until it is done. */
#ifndef KIT_KIT_H
#define KIT_KIT_H

#include "base/err.h"
#include "base/json.h"
#include "channel/manifest.h"
#include <stdio.h>

/* A case file: how to set the plugin up, what to send, and which peer it speaks to.
 * { "channel": {"options": {"url": "http://{{peer}}/send"}, "window": 20},  as in a channel file,
 *                                       without name and plugin; FILE options start at this file
 *   "address": "+84912345678", "name": "Nguyễn Thị Lan", "lang": "vi",
 *   "content": {"text": "Xin chào"},
 *   "peer": {"http": {"good": {"status": 200, "headers": {..}, "body": "{\"id\": \"{{n}}\"}"},
 *                     "throttled": {"status": 429, ..}, "broken": {"status": 500, ..}},
 *            "tcp": "HOST:PORT",          instead of http: a server that works; the kit stands in
 *                                         between
 *            "patience_ms": 5000} }       after so long a message to a silent peer must have ended
 * In texts of the options "{{peer}}" is HOST:PORT of the kit's peer; "{{peer_host}}" and
 * "{{peer_port}}" (as a number when it is the whole text) stand for its parts. "{{n}}" is a number
 * that is new with each answer, and the plugin's ref may hold it; "{{key}}" the message's key when
 * the request carried it. */
struct kit_case;

/* plugin_path: FILE.so or a declared channel's FILE.json. case_path NULL: no case file, then what
 * needs one is left out. Sets LANTOA_PLUGINS for this process, so that the plugin is found. */
int kit_case_load(const char *plugin_path, const char *case_path, struct kit_case **case_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void kit_case_free(struct kit_case **kase);
const struct channel_manifest *kit_case_manifest(const struct kit_case *kase); /* BORROWED */

enum kit_verdict { KIT_PASS, KIT_FAIL, KIT_WARN, KIT_SKIP };

/* One line of the report. check: a word such as "began-once"; text: what was seen, translated. */
typedef void kit_say_fn(void *arg, enum kit_verdict verdict, const char *check, const char *text);

/* Goes through the list of conformance; only: that check alone (and "one", on which others rest),
 * NULL: all. It ends early when not even one message comes through. An error means that the kit
 * itself could not work; what it found is told through `say`. LANTOA_ENOENT: no check `only`. */
int kit_check(struct kit_case *kase, const char *only, kit_say_fn *say, void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;

/* Sends one message and prints all that happened to out, secrets as "***". LANTOA_ESTATE: it was
 * not sent. Without a peer in the case the message really goes out. */
int kit_run(struct kit_case *kase, FILE *out, struct base_err *err) LANTOA_MUST_CHECK;

struct kit_bench {
    int64_t messages, sent, ms;
    int64_t host_cpu_us;    /* of the channel host, for all messages */
    int64_t resident_bytes; /* of the channel host, at the end */
};
int kit_bench(struct kit_case *kase, int64_t messages, struct kit_bench *bench_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* The kit's peer in its good mood, alone, until a signal ends the process: for trying a channel out
 * by hand. Prints what it gets. listen: "127.0.0.1:PORT". */
int kit_peer(
    struct kit_case *kase, const char *listen, FILE *out, struct base_err *err) LANTOA_MUST_CHECK;

#endif
