/* What messages would cost and look like, and whether options will do, asked of a plugin's pure
 * functions in a process of its own (lantoa-channel --quote), where no instance is opened and
 * nothing is sent. Synchronous, for the command line and reports; messages travel in batches, so
 * that a million take seconds. One thread. Knows no price list: see channel/price.h. */
#ifndef CHANNEL_QUOTE_H
#define CHANNEL_QUOTE_H

#include "base/err.h"
#include "base/str.h"
#include "channel/manifest.h"

struct channel_part; /* channel.h */
struct channel_quote;

enum channel_want { CHANNEL_WANT_NOTE = 2, CHANNEL_WANT_PREVIEW = 4 };

struct channel_quote_message {
    uint64_t tag; /* comes back with the answer; the plugin does not see it */
    uint64_t id;
    unsigned want; /* channel_want, or-ed; units and price always come */
    uint32_t step_ref;
    struct str key, address, name, lang;
    const struct str *fields; /* manifest->content_count values */
};

/* The answer to one message. Texts are BORROWED for the call back. */
struct channel_quoted {
    uint64_t tag, id;
    int code;      /* 0; LANTOA_E*: the plugin cannot make this message, units and minor may be 0 */
    int64_t units; /* parts; 1 for a plugin that has no price */
    int64_t minor; /* by the plugin's own options, without the channel's price list */
    struct str note, preview;
};
typedef int channel_quoted_fn(void *arg, const struct channel_quoted *quoted);

/* Longest silence of the plugin: where a person waits for the answer, and in the delivery loop,
 * where only messages of that channel wait for it. */
#define CHANNEL_QUOTE_PATIENT_MS 30000
#define CHANNEL_QUOTE_HURRIED_MS 2000

/* Starts the process. silence_ms: after so long without an answer it is killed and the asking
 * fails. spec and manifest are BORROWED until the close. Answers come to `answered`,
 * in the order of the questions, from inside _put and _finish; a negative value it returns ends the
 * asking with that code. */
int channel_quote_open(const struct channel_spec *spec, const struct channel_manifest *manifest,
    const char *data_dir, int64_t silence_ms, channel_quoted_fn *answered, void *arg,
    struct channel_quote **quote_out, struct base_err *err) LANTOA_MUST_CHECK;
/* The same without waiting for the process: nothing may be put before channel_quote_wait gives 0.
 */
int channel_quote_start(const struct channel_spec *spec, const struct channel_manifest *manifest,
    const char *data_dir, int64_t silence_ms, channel_quoted_fn *answered, void *arg,
    struct channel_quote **quote_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Takes the answers that have come, and waits at most so long for the rest, or for the process to
 * be ready. LANTOA_EAGAIN, without err: there is more to come, or it is not. */
int channel_quote_wait(
    struct channel_quote *quote, int64_t at_most_ms, struct base_err *err) LANTOA_MUST_CHECK;
/* Tells the plugin of a step before its first message. */
void channel_quote_step(struct channel_quote *quote, uint32_t step_ref, struct str campaign,
    struct str step, struct str message_class, struct str accents);
/* The same with the files of the step, for a plugin that looks at them. LANTOA_ELIMIT: they are
 * larger than a step may be. */
int channel_quote_step_parts(struct channel_quote *quote, uint32_t step_ref, struct str campaign,
    struct str step, struct str message_class, struct str accents, const struct channel_part *parts,
    size_t part_count, struct base_err *err) LANTOA_MUST_CHECK;
/* LANTOA_ELIMIT: larger than a frame may be; err is set and the asking may go on. Other errors
 * (the plugin crashed, hung, or lies) end it. */
int channel_quote_put(struct channel_quote *quote, const struct channel_quote_message *message,
    struct base_err *err) LANTOA_MUST_CHECK;
/* Asks whether the values of the options will do. LANTOA_EINVAL: not; err is the plugin's reason in
 * the language of this process, *option_out the option (caller owns; NULL: all of them). Other
 * errors as above. A plugin that has nothing to say of it finds them good. */
int channel_quote_check(
    struct channel_quote *quote, char **option_out, struct base_err *err) LANTOA_MUST_CHECK;
/* That alone: starts the process for it, and ends it. */
int channel_check(const struct channel_spec *spec, const struct channel_manifest *manifest,
    const char *data_dir, char **option_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Waits until every question is answered; more may be put after it. */
int channel_quote_finish(struct channel_quote *quote, struct base_err *err) LANTOA_MUST_CHECK;
void channel_quote_close(struct channel_quote **quote);

#endif
