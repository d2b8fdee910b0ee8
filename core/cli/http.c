/* Settings; and what belongs to the HTTP door: its public address, links, QR codes. */
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/text.h"
#include "base/tr.h"
#include "campaign/store.h"
#include "cli/report.h"
#include "delivery/ledger.h"
#include "delivery/link.h"
#include "store/schema.h"
#include "tracking/hook.h"
#include "tracking/qr.h"

#define IMAGE_BYTES_MAX (size_t)(16 << 20)

/* --- settings --- */

/* What stands on reports; settings that are texts of one line. */
static const struct {
    const char *name, *what;
} heading_settings[] = {
#define SETTING(field, setting, what) {setting, what},
    REPORT_HEADINGS(SETTING)
#undef SETTING
};
#define HEADING_SETTINGS (sizeof heading_settings / sizeof heading_settings[0])

static bool is_heading(const char *name) {
    for (size_t i = 0; i < HEADING_SETTINGS; i++) {
        if (strcmp(heading_settings[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static int unknown_setting(struct cli *cli) {
    struct base_buf names;
    base_buf_init(&names, 4096);
    base_buf_add_text(&names, ", " HOOK_KEEP_SETTING);
    for (size_t i = 0; i < HEADING_SETTINGS; i++) {
        base_buf_printf(&names, ", %s", heading_settings[i].name);
    }
    int rc = base_err_set(&cli->err, LANTOA_ENOENT,
        TR("there is no setting \"%s\"; there are: public_url%s"), cli->args[0],
        base_buf_text(&names));
    base_buf_release(&names);
    return rc;
}

static int check_setting(struct cli *cli) {
    struct str value = str_from(cli->args[1]);
    if (strcmp(cli->args[0], HOOK_KEEP_SETTING) == 0) {
        int64_t days;
        return base_parse_i64(value, &days) == 0 && days >= 1 && days <= HOOK_KEEP_DAYS_MAX
                   ? 0
                   : base_err_set(&cli->err, LANTOA_EINVAL,
                         TR("%s: must be a whole number of days from 1 to %d"), cli->args[0],
                         HOOK_KEEP_DAYS_MAX);
    }
    if (strcmp(cli->args[0], "public_url") == 0) {
        return link_public_url_check(value, &cli->err);
    }
    if (!is_heading(cli->args[0])) {
        return unknown_setting(cli);
    }
    if (!base_utf8_valid(value) || base_text_has_control(value) ||
        memchr(value.at, '\n', value.bytes) || memchr(value.at, '\t', value.bytes)) {
        return base_err_set(
            &cli->err, LANTOA_EINVAL, TR("%s: must be one line of text"), cli->args[0]);
    }
    if (base_utf8_count(value) > REPORT_HEADING_CHARS_MAX) {
        return base_err_set(&cli->err, LANTOA_ELIMIT, TR("%s: longer than %d characters"),
            cli->args[0], REPORT_HEADING_CHARS_MAX);
    }
    return 0;
}

static int settings_set(struct cli *cli) {
    int rc = check_setting(cli);
    if (rc == 0) {
        rc = db_begin(cli->db, &cli->err);
    }
    if (rc != 0) {
        return rc;
    }
    rc = schema_meta_set(cli->db, cli->args[0], cli->args[1], &cli->err);
    if (rc == 0) {
        rc = audit_add(cli->db, cli->who, "settings", cli->args[0], cli->args[1], &cli->err);
    }
    if (rc != 0) {
        db_rollback(cli->db);
        return rc;
    }
    rc = db_commit(cli->db, &cli->err);
    if (rc == 0 && strcmp(cli->args[0], "public_url") != 0) {
        cli_say(cli, json_pack("{s:s}", cli->args[0], cli->args[1]), TR("%s is \"%s\""),
            cli->args[0], cli->args[1]);
    } else if (rc == 0) {
        cli_say(cli, json_pack("{s:s}", "public_url", cli->args[1]),
            TR("public_url is %s; campaigns planned from now on use it"), cli->args[1]);
    }
    return rc;
}

/* NULL when it is not set. */
static int read_setting(struct cli *cli, const char *name, char **value_out) {
    int rc = schema_meta_get(cli->db, name, value_out, &cli->err);
    if (rc == LANTOA_ENOENT) {
        cli->err.text[0] = '\0';
        rc = 0;
    }
    return rc;
}

static int settings_show(struct cli *cli) {
    char *value = NULL;
    json_t *json = json_object();
    struct base_buf text;
    base_buf_init(&text, 1 << 16);
    int rc = read_setting(cli, "public_url", &value);
    json_object_set_new(json, "public_url", value ? json_string(value) : json_null());
    base_buf_printf(
        &text, "public_url %s", value ? value : TR("is not set: links are not shortened"));
    base_free(value);
    int64_t days = HOOK_KEEP_DAYS;
    rc = rc ? rc : hook_keep_days(cli->db, &days, &cli->err);
    json_object_set_new(json, HOOK_KEEP_SETTING, json_integer((json_int_t)days));
    base_buf_printf(&text, "\n" HOOK_KEEP_SETTING " %lld", (long long)days);
    for (size_t i = 0; rc == 0 && i < HEADING_SETTINGS; i++) {
        const char *name = heading_settings[i].name;
        value = NULL;
        rc = read_setting(cli, name, &value);
        if (value) {
            json_object_set_new(json, name, json_string(value));
        }
        base_buf_printf(
            &text, "\n%s %s (%s)", name, value ? value : "-", TR(heading_settings[i].what));
        base_free(value);
    }
    if (rc == 0) {
        cli_say(cli, json_incref(json), "%s", base_buf_text(&text));
    }
    json_decref(json);
    base_buf_release(&text);
    return rc;
}

/* --- links --- */

static int link_list(struct cli *cli) {
    const char *campaign = cli_option(cli, "campaign");
    const struct report_option by = {"by", "link"};
    if (!campaign) {
        return base_err_set(&cli->err, LANTOA_EINVAL, "%s", TR("--campaign NAME is needed"));
    }
    return cli_report(cli, "campaign", campaign, &by, 1);
}

/* The step's id, and that it has this link. */
static int find_link(
    struct cli *cli, const char *campaign, const char *step, int64_t number, int64_t *step_id_out) {
    struct campaign_row row = {0};
    struct db_stmt *stmt = NULL;
    int rc = campaign_get(cli->db, campaign, &row, &cli->err);
    if (rc == 0) {
        rc = db_prepare(cli->db,
            "SELECT s.id FROM step s JOIN link l ON l.step_id = s.id WHERE s.campaign_id = ?1 AND "
            "s.name = ?2 AND l.number = ?3 ORDER BY s.occurrence",
            &stmt, &cli->err);
    }
    if (rc == 0) {
        db_bind_i64(stmt, 1, row.id);
        db_bind_text(stmt, 2, step);
        db_bind_i64(stmt, 3, number);
        rc = db_step(stmt, &cli->err);
    }
    if (rc == 1) {
        *step_id_out = db_column_i64(stmt, 0);
        rc = 0;
    } else if (rc == 0) {
        rc = base_err_set(&cli->err, LANTOA_ENOENT,
            TR("campaign %s has no step \"%s\" with a link %lld; plan it with public_url set, then "
               "see: lantoa link list --campaign %s"),
            campaign, step, (long long)number, campaign);
    }
    db_finish(&stmt);
    campaign_row_release(&row);
    return rc;
}

/* A print has no receiver: recipient 0 of the step, so that its clicks are counted for the step. */
static int printed_url(struct cli *cli, char **url_out) {
    const char *campaign = cli_option(cli, "campaign");
    const char *step = cli_option(cli, "step");
    struct base_hmac *instance = NULL;
    char *public_url = NULL;
    char code[LINK_CODE_BYTES + 1];
    int64_t number;
    int64_t step_id = 0;
    if (!campaign || !step) {
        return base_err_set(
            &cli->err, LANTOA_EINVAL, "%s", TR("a URL, or --campaign NAME and --step NAME"));
    }
    int rc = cli_option_i64(cli, "link", 0, &number);
    if (rc == 0) {
        rc = find_link(cli, campaign, step, number, &step_id);
    }
    if (rc == 0) {
        rc = schema_meta_get(cli->db, "public_url", &public_url, &cli->err);
    }
    if (rc == 0) {
        rc = ledger_instance(cli->db, &instance, &cli->err);
    }
    if (rc == 0) {
        link_code(instance, ledger_id(step_id, 0, 0), (int)number, code);
        *url_out = base_printf("%s/t/%s", public_url, code);
    }
    base_hmac_free(&instance);
    base_free(public_url);
    return rc;
}

/* Readers guess at the coding of bytes beyond ASCII, and guess differently. */
static char *ascii_url(const char *text) {
    struct base_buf out;
    base_buf_init(&out, 3 * strlen(text) + 1);
    for (const char *at = text; *at; at++) {
        if ((unsigned char)*at < 0x80) {
            base_buf_add_char(&out, *at);
        } else {
            base_buf_printf(&out, "%%%02X", (unsigned)(unsigned char)*at);
        }
    }
    return base_buf_take(&out);
}

static int link_qr(struct cli *cli) {
    const char *file = cli->args[cli->arg_count - 1];
    struct base_buf image;
    char *url = NULL;
    bool png = str_ends(str_from(file), STR(".png"));
    if (!png && !str_ends(str_from(file), STR(".svg"))) {
        return base_err_set(&cli->err, LANTOA_EINVAL, TR("%s: the file is .png or .svg"), file);
    }
    base_buf_init(&image, IMAGE_BYTES_MAX);
    int rc = 0;
    if (cli->arg_count == 2) {
        url = ascii_url(cli->args[0]);
    } else {
        rc = printed_url(cli, &url);
    }
    if (rc == 0) {
        rc = qr_make(str_from(url), png ? QR_PNG : QR_SVG, &image, &cli->err);
    }
    if (rc == 0) {
        rc = base_file_write(file, base_buf_str(&image), 0644, &cli->err);
    }
    if (rc == 0) {
        cli_say(
            cli, json_pack("{s:s,s:s}", "file", file, "url", url), TR("%s shows %s"), file, url);
    }
    base_buf_release(&image);
    base_free(url);
    return rc;
}

const struct cli_command cli_http_commands[] = {
    {"settings", "set", "", 2, 2, "public_url URL | report_authority TEXT | ...",
        "the address under which people reach this installation; what stands on reports",
        CLI_NEEDS_DATABASE, settings_set},
    {"settings", "show", "", 0, 0, "", "print the settings", CLI_NEEDS_DATABASE, settings_show},
    {"link", "list", "campaign= csv", 0, 0, "--campaign NAME",
        "the links of a campaign, with clicks by people and machines", CLI_NEEDS_DATABASE,
        link_list},
    {"link", "qr", "campaign= step= link=", 1, 2,
        "URL FILE.png|svg | --campaign NAME --step NAME [--link N] FILE.png|svg",
        "a QR code for print", CLI_NEEDS_DATABASE, link_qr},
    {0},
};
