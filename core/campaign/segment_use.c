/* Whether a saved segment may change: not while a campaign that was planned asks it of people. Its
 * audience is frozen then, but an only_if is asked at the last moment. */
#include "audience/segment.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/tr.h"
#include "campaign/store_private.h"

static bool asks(struct db *db, const struct campaign_spec *spec, struct str name) {
    bool used = false;
    for (size_t i = 0; i < spec->step_count && !used; i++) {
        struct segment *segment = NULL;
        struct base_err unread = {0};
        if (spec->steps[i].only_if && segment_parse_own(db, str_from(spec->steps[i].only_if),
                                          str_from(spec->name), &segment, NULL, &unread) == 0) {
            used = segment_uses(segment, name);
        }
        segment_free(&segment);
    }
    return used;
}

enum { NAME_MOST = 4096 };

static int same(
    struct db *db, struct str name, struct str expression, bool *same_out, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc =
        db_prepare(db, "SELECT 1 FROM segment WHERE name = ?1 AND expression = ?2", &stmt, err);
    if (rc == 0) {
        db_bind_str(stmt, 1, name);
        db_bind_str(stmt, 2, expression);
        rc = db_step(stmt, err);
    }
    *same_out = rc == 1;
    db_finish(&stmt);
    return rc < 0 ? rc : 0;
}

static int look(
    struct db *db, const struct campaign_row *row, struct str name, struct base_err *err) {
    struct base_json *doc = NULL;
    struct campaign_spec *spec = NULL;
    struct base_err unread = {0};
    int rc = base_json_parse(str_from(row->spec_text), row->name, &doc, &unread);
    rc = rc ? rc : campaign_spec_parse(doc, &spec, &unread);
    bool used = rc == 0 && asks(db, spec, name);
    campaign_spec_free(&spec);
    base_json_free(&doc);
    return used ? base_err_set(err, LANTOA_ESTATE,
                      TR("segment '%.*s' is asked by campaign '%s', which is %s; it can change "
                         "once that campaign is a draft again or over"),
                      STR_ARG(name), row->name, TR(campaign_state_word(row->state)))
                : 0;
}

int campaign_segment_may_change(
    struct db *db, struct str name, struct str expression, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    struct base_buf nfc; /* as the name is kept */
    bool unchanged = false;
    base_buf_init(&nfc, NAME_MOST);
    if (base_text_nfc(&nfc, name) == 0) {
        name = base_buf_str(&nfc);
    }
    int rc = expression.at ? same(db, name, expression, &unchanged, err) : 0;
    if (rc != 0 || unchanged) {
        base_buf_release(&nfc);
        return rc;
    }
    rc = db_prepare(
        db, "SELECT name FROM campaign WHERE state IN (?1, ?2, ?3, ?4) ORDER BY name", &stmt, err);
    if (rc == 0) {
        db_bind_i64(stmt, 1, CAMPAIGN_PLANNED);
        db_bind_i64(stmt, 2, CAMPAIGN_APPROVED);
        db_bind_i64(stmt, 3, CAMPAIGN_RUNNING);
        db_bind_i64(stmt, 4, CAMPAIGN_PAUSED);
        while ((rc = db_step(stmt, err)) == 1) {
            struct campaign_row row = {0};
            char *campaign = store__column(stmt, 0);
            rc = campaign_get(db, campaign, &row, err);
            rc = rc ? rc : look(db, &row, name, err);
            campaign_row_release(&row);
            base_free(campaign);
            if (rc != 0) {
                break;
            }
        }
    }
    db_finish(&stmt);
    base_buf_release(&nfc);
    return rc;
}
