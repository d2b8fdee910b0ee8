/* Themes, channels and campaigns in the database: apply, read back, list, export. Applying the same
 * file twice changes nothing. Every change is audited. */
#ifndef CAMPAIGN_STORE_H
#define CAMPAIGN_STORE_H

#include "campaign/spec.h"

/* Campaigns of the program itself: answers to what a person said (tracking/reply.h). Files may not
 * use a name that begins so. A refusal does not hold its own confirmation, nor the answer somebody
 * asked for (delivery/policy.c). */
#define CAMPAIGN_SYSTEM_PREFIX "lantoa-system-"

enum campaign_state {
    CAMPAIGN_DRAFT = 0,
    CAMPAIGN_PLANNED,
    CAMPAIGN_APPROVED,
    CAMPAIGN_RUNNING,
    CAMPAIGN_PAUSED,
    CAMPAIGN_DONE,
    CAMPAIGN_STOPPED
};
const char *campaign_state_word(enum campaign_state state);
enum step_state { STEP_WAITING = 0, STEP_RUNNING, STEP_MISSED, STEP_DONE, STEP_STOPPED };
const char *step_state_word(enum step_state state);

/* Each reads FILE, checks it and stores it in one transaction. *changed_out: false when the same
 * text was there already. */

/* LANTOA_ESTATE when a campaign that is planned, approved, running or paused uses the theme. Its
 * materials (paths relative to the file) are copied into DATA/materials by content hash, which the
 * stored text notes; data_dir NULL: they are not. */
int theme_apply(struct db *db, const char *data_dir, const char *path, const char *who,
    bool *changed_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Describes the plugin (a process of its own), checks the options, and has the plugin check their
 * values; paths among them start at data_dir. */
int channel_apply(struct db *db, const char *data_dir, const char *path, const char *who,
    bool *changed_out, struct base_err *err) LANTOA_MUST_CHECK;
/* LANTOA_ESTATE once the campaign is planned or later (a planned one goes back to draft only by
 * campaign_unplan of delivery/). findings as in campaign_check. Attachments are copied into
 * DATA/materials by content hash, so that later changes of the file do not matter. */
int campaign_apply(struct db *db, const char *data_dir, const char *path, const char *who,
    bool *changed_out, struct base_buf *findings, struct base_err *err) LANTOA_MUST_CHECK;

struct campaign_row { /* caller frees with campaign_row_release */
    int64_t id, theme_id;
    char *name;
    enum campaign_state state;
    char *wait_reason, *spec_text, *assignment_hash, *approved_by;
    uint8_t experiment_key[32];
    int64_t changed_at, planned_at, approved_at, started_at, ended_at;
};
/* LANTOA_ENOENT with the nearest name */
int campaign_get(struct db *db, const char *name, struct campaign_row *row_out,
    struct base_err *err) LANTOA_MUST_CHECK;
int campaign_get_id(struct db *db, int64_t id, struct campaign_row *row_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void campaign_row_release(struct campaign_row *row);
int campaign_row_spec(const struct campaign_row *row, struct campaign_spec **spec_out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* The JSON as applied, pretty-printed; apply of the export changes nothing. kind: theme, channel
 * (secrets as they were given), campaign. Caller owns. */
int campaign_export(struct db *db, const char *kind, const char *name, char **json_out,
    struct base_err *err) LANTOA_MUST_CHECK;

struct channel_row { /* caller frees with channel_row_release */
    int64_t id;
    char *name, *plugin, *spec_text, *manifest_text, *state, *parked_reason;
    int64_t changed_at;
};
int channel_get(struct db *db, const char *name, struct channel_row *row_out,
    struct base_err *err) LANTOA_MUST_CHECK;
int channel_get_id(
    struct db *db, int64_t id, struct channel_row *row_out, struct base_err *err) LANTOA_MUST_CHECK;
void channel_row_release(struct channel_row *row);
/* In name order; a callback that returns non-zero ends the walk with that code. */
int channel_each(struct db *db, int (*row)(void *arg, const struct channel_row *row), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;
int campaign_each(struct db *db, int (*row)(void *arg, const struct campaign_row *row), void *arg,
    struct base_err *err) LANTOA_MUST_CHECK;
/* Where the copy of an attachment lies. Caller owns. */
char *campaign_material_path(const char *data_dir, const char *sha256);
/* Deletes files of DATA/materials that are older than a day and named by no campaign, theme or
 * recording. For the daemon's start, with its lock held. */
int campaign_material_sweep(struct db *db, const char *data_dir, int64_t *swept_out,
    struct base_err *err) LANTOA_MUST_CHECK;

/* LANTOA_ESTATE names a campaign that was planned and is not over, of which a step's only_if asks
 * the saved segment. expression: what it is to become; .at NULL: it is to go. The one it has is
 * none. */
int campaign_segment_may_change(
    struct db *db, struct str name, struct str expression, struct base_err *err) LANTOA_MUST_CHECK;

/* Everybody's acts. who: the system user unless --by says otherwise. Inside the caller's
 * transaction. */
int audit_add(struct db *db, const char *who, const char *verb, const char *object,
    const char *detail, struct base_err *err) LANTOA_MUST_CHECK;

#endif
