/* The calendar of a commune's loudspeakers: as a file, or the address to subscribe to. */
#include "audience/place.h"
#include "base/civil.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/tr.h"
#include "cli/cli.h"
#include "delivery/ledger.h"
#include "delivery/link.h"
#include "report/airing_feed.h"
#include "store/schema.h"

#define LOCAL_OFFSET_MIN (7 * 60)
#define DAY_MS (INT64_C(86400) * 1000)
#define CALENDAR_BYTES_MAX ((size_t)16 << 20)

static int read_day(struct cli *cli, const char *name, int64_t add_ms, int64_t *ms_out) {
    const char *text = cli_option(cli, name);
    struct base_date day;
    if (!text) {
        return 0;
    }
    if (base_parse_date(str_from(text), &day) != 0) {
        return base_err_set(
            &cli->err, LANTOA_EINVAL, TR("--%s %s: no date like 2026-12-01"), name, text);
    }
    *ms_out =
        add_ms + base_ms_from_civil((struct base_civil){day.year, day.month, day.day, 0, 0, 0, 0},
                     LOCAL_OFFSET_MIN);
    return 0;
}

/* The place standing today that the words mean; its kin of earlier days comes with it. */
static int read_place(struct cli *cli, int64_t *id_out) {
    const char *text = cli_option(cli, "place");
    int64_t *ids = NULL;
    size_t count = 0;
    size_t standing = 0;
    if (!text) {
        return base_err_set(&cli->err, LANTOA_EINVAL, "%s", TR("--place P is needed"));
    }
    int rc = place_find(cli->db, str_from(text), &ids, &count, &cli->err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct db_stmt *stmt = NULL;
        rc = db_prepare(
            cli->db, "SELECT valid_to IS NULL FROM place WHERE id = ?1", &stmt, &cli->err);
        if (rc == 0) {
            db_bind_i64(stmt, 1, ids[i]);
            rc = db_step(stmt, &cli->err);
            if (rc == 1 && (db_column_i64(stmt, 0) != 0 || count == 1)) {
                *id_out = ids[i];
                standing++;
            }
            rc = rc < 0 ? rc : 0;
        }
        db_finish(&stmt);
    }
    base_free(ids);
    if (rc == 0 && standing != 1) {
        rc = base_err_set(&cli->err, LANTOA_EINVAL,
            TR("--place %s: may be several places; name the one above it too, or give its code and "
               "a day (24001@2026-12-01)"),
            text);
    }
    return rc;
}

static int tell_address(struct cli *cli, struct base_hmac *instance, int64_t place_id) {
    char token[AIRING_FEED_TOKEN_BYTES + 1];
    char *base = NULL;
    int rc = schema_meta_get(cli->db, "public_url", &base, &cli->err);
    if (rc == LANTOA_ENOENT) {
        return base_err_set(&cli->err, LANTOA_ESTATE, "%s",
            TR("public_url is not set: lantoa settings set public_url https://..."));
    }
    if (rc == 0) {
        airing_feed_token(instance, place_id, token);
        char *url = base_printf("%s" AIRING_FEED_PATH "%s.ics", base, token);
        cli_say(cli, json_pack("{s:s}", "url", url), "%s\n", url);
        base_free(url);
    }
    base_free(base);
    return rc;
}

static int write_calendar(struct cli *cli, struct base_hmac *instance, int64_t place_id) {
    const char *path = cli_option(cli, "output");
    struct base_buf out;
    int64_t events = 0;
    int64_t now_ms = base_clock_now_ms();
    int64_t from_ms = now_ms - AIRING_FEED_DAYS_BACK * DAY_MS;
    int64_t to_ms = now_ms + AIRING_FEED_DAYS_AHEAD * DAY_MS;
    int rc = read_day(cli, "from", 0, &from_ms);
    rc = rc ? rc : read_day(cli, "to", DAY_MS, &to_ms);
    if (rc != 0) {
        return rc;
    }
    base_buf_init(&out, CALENDAR_BYTES_MAX);
    rc = airing_feed_write(
        cli->db, instance, place_id, from_ms, to_ms, now_ms, &out, &events, &cli->err);
    if (rc == 0 && path) {
        rc = base_file_write(path, base_buf_str(&out), 0640, &cli->err);
        if (rc == 0) {
            cli_say(cli, json_pack("{s:I,s:s}", "events", (json_int_t)events, "file", path),
                TR("%s: %lld airings\n"), path, (long long)events);
        }
    } else if (rc == 0 && cli->json) {
        rc = base_err_set(&cli->err, LANTOA_EINVAL, "%s", TR("--json needs --output or --url"));
    } else if (rc == 0) {
        fwrite(out.at, 1, out.bytes, stdout);
    }
    base_buf_release(&out);
    return rc;
}

static int airing_calendar(struct cli *cli) {
    struct base_hmac *instance = NULL;
    int64_t place_id = 0;
    int rc = read_place(cli, &place_id);
    rc = rc ? rc : ledger_instance(cli->db, &instance, &cli->err);
    if (rc == 0) {
        rc = cli_switch(cli, "url") ? tell_address(cli, instance, place_id)
                                    : write_calendar(cli, instance, place_id);
    }
    base_hmac_free(&instance);
    return rc;
}

const struct cli_command cli_calendar_commands[] = {
    {"airing", "calendar", "place= from= to= output= url", 0, 0,
        "--place P [--from D] [--to D] [--output FILE.ics] | --place P --url",
        "the airings of a place as iCalendar, with confirmation codes; --url: the address to "
        "subscribe to",
        CLI_NEEDS_DATABASE, airing_calendar},
    {0}};
