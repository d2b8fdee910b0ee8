/* Writes iCalendar. Lines end in CR LF and are folded after 75 octets, never within a letter
 * (RFC 5545, 3.1). */
#include "report/airing_feed.h"

#include "audience/place.h"
#include "base/civil.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/tr.h"
#include "delivery/airing.h"

#define LINE_OCTETS 75
#define PROOF_BYTES 10
#define TEXT_BYTES_MAX 4000

struct feed {
    struct base_buf *out;
    struct base_hmac *instance;
    int64_t now_ms, events;
};

/* --- lines --- */

static void put_line(struct base_buf *out, const char *name, struct str value) {
    size_t at = strlen(name);
    base_buf_add_text(out, name);
    for (size_t i = 0; i < value.bytes;) {
        size_t letter = 1;
        while (i + letter < value.bytes && ((unsigned char)value.at[i + letter] & 0xC0) == 0x80) {
            letter++;
        }
        if (at + letter > LINE_OCTETS) {
            base_buf_add_text(out, "\r\n ");
            at = 1;
        }
        base_buf_add(out, value.at + i, letter);
        at += letter;
        i += letter;
    }
    base_buf_add_text(out, "\r\n");
}

/* RFC 5545, 3.3.11: backslash, comma, semicolon and line breaks are escaped. */
static void escape(struct base_buf *text, struct str value) {
    for (size_t i = 0; i < value.bytes; i++) {
        char c = value.at[i];
        if (c == '\n') {
            base_buf_add_text(text, "\\n");
        } else if (c == '\\' || c == ',' || c == ';') {
            base_buf_add_char(text, '\\');
            base_buf_add_char(text, c);
        } else if ((unsigned char)c >= ' ') {
            base_buf_add_char(text, c);
        }
    }
}

static void put_text(struct base_buf *out, const char *name, struct str value) {
    struct base_buf text;
    base_buf_init(&text, (size_t)2 * TEXT_BYTES_MAX);
    escape(&text, value);
    put_line(out, name, base_buf_str(&text));
    base_buf_release(&text);
}

static void put_time(struct base_buf *out, const char *name, int64_t ms) {
    char text[32];
    struct base_civil at = base_civil_from_ms(ms, 0);
    snprintf(text, sizeof text, "%04d%02d%02dT%02d%02d%02dZ", at.year, at.month, at.day, at.hour,
        at.minute, at.second);
    put_line(out, name, str_from(text));
}

/* --- events --- */

static void describe(struct base_buf *text, const struct airing *a) {
    base_buf_printf(text, TR("Loudspeaker: %.*s %.*s\nLength: %lld s\nCampaign: %.*s\n"),
        STR_ARG(a->outlet), STR_ARG(a->outlet_name), (long long)a->seconds, STR_ARG(a->campaign));
    if (a->code.bytes > 0) {
        base_buf_printf(text, TR("Confirmation code: %.*s\n"), STR_ARG(a->code));
    }
    if (a->state == AIRING_OFFERED) {
        base_buf_add_text(text, TR("The commune has not decided on it.\n"));
    }
    if (a->confirmed_by.bytes > 0) {
        base_buf_printf(text, TR("Played, as %.*s says.\n"), STR_ARG(a->confirmed_by));
    } else if (a->message_state == MESSAGE_DELIVERED) {
        base_buf_add_text(text, TR("Played.\n"));
    } else if (a->message_state == MESSAGE_FAILED) {
        base_buf_add_text(text, TR("Not played, or not in full.\n"));
    }
}

static int put_event(void *arg, const struct airing *a) {
    struct feed *feed = arg;
    struct base_buf *out = feed->out, text;
    char uid[64];
    char key[LEDGER_KEY_BYTES + 1];
    if (a->state >= AIRING_DECLINED || a->message_state == MESSAGE_SUPPRESSED || a->start_ms == 0) {
        return 0;
    }
    if (a->message_id > 0) {
        ledger_key(feed->instance, a->message_id, key);
        snprintf(uid, sizeof uid, "%s@lantoa", key);
    } else {
        snprintf(uid, sizeof uid, "airing-%lld@lantoa", (long long)a->id);
    }
    put_line(out, "BEGIN:VEVENT", str_of("", 0));
    put_line(out, "UID:", str_from(uid));
    put_time(out, "DTSTAMP:", a->decided_at ? a->decided_at : feed->now_ms);
    put_time(out, "DTSTART:", a->start_ms);
    put_time(out, "DTEND:", a->start_ms + a->seconds * 1000);
    put_text(out, "SUMMARY:", a->title);
    put_text(out, "LOCATION:", a->place);
    base_buf_init(&text, TEXT_BYTES_MAX);
    describe(&text, a);
    put_text(out, "DESCRIPTION:", base_buf_str(&text));
    base_buf_release(&text);
    put_line(out, "STATUS:", str_from(a->state == AIRING_OFFERED ? "TENTATIVE" : "CONFIRMED"));
    put_line(out, "END:VEVENT", str_of("", 0));
    feed->events++;
    return base_buf_ok(out) ? 0 : LANTOA_ELIMIT;
}

static void put_head(struct base_buf *out, struct str place) {
    struct base_buf name;
    base_buf_init(&name, TEXT_BYTES_MAX);
    base_buf_printf(&name, TR("Loudspeakers, %.*s"), STR_ARG(place));
    base_buf_add_text(out, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Lantoa//airings//VI\r\n"
                           "METHOD:PUBLISH\r\nREFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n"
                           "X-PUBLISHED-TTL:PT1H\r\n");
    put_text(out, "X-WR-CALNAME:", base_buf_str(&name));
    base_buf_release(&name);
}

int airing_feed_write(struct db *db, struct base_hmac *instance, int64_t place_id, int64_t from_ms,
    int64_t to_ms, int64_t now_ms, struct base_buf *out, int64_t *events_out,
    struct base_err *err) {
    struct feed feed = {.out = out, .instance = instance, .now_ms = now_ms};
    struct airing_filter filter = {.from_ms = from_ms, .to_ms = to_ms};
    struct base_buf name;
    int64_t *places = NULL;
    base_buf_init(&name, TEXT_BYTES_MAX);
    int rc = place_path(db, place_id, &name, err);
    rc = rc == 0 ? place_under(db, &place_id, 1, &places, &filter.place_count, err) : rc;
    if (rc == 0) {
        filter.place_ids = places;
        put_head(out, base_buf_str(&name));
        rc = airing_each(db, &filter, put_event, &feed, err);
        base_buf_add_text(out, "END:VCALENDAR\r\n");
        if (rc == LANTOA_ELIMIT || (rc == 0 && !base_buf_ok(out))) {
            rc = base_err_set(err, LANTOA_ELIMIT, "%s",
                TR("the calendar is too large: take fewer places or days"));
        }
    }
    *events_out = feed.events;
    base_free(places);
    base_buf_release(&name);
    return rc;
}

/* --- the address --- */

void airing_feed_token(
    struct base_hmac *instance, int64_t place_id, char out[static AIRING_FEED_TOKEN_BYTES + 1]) {
    char text[48];
    char hex[2 * PROOF_BYTES + 1];
    uint8_t mac[BASE_SHA256_BYTES];
    int bytes = snprintf(text, sizeof text, "airings of place %lld", (long long)place_id);
    base_hmac_sign(instance, text, (size_t)bytes, mac);
    base_hex(mac, PROOF_BYTES, hex);
    snprintf(out, AIRING_FEED_TOKEN_BYTES + 1, "%lld-%s", (long long)(place_id & INT64_MAX), hex);
}

int airing_feed_token_read(struct base_hmac *instance, struct str token, int64_t *place_id_out) {
    char right[AIRING_FEED_TOKEN_BYTES + 1];
    const char *dash = token.bytes ? memchr(token.at, '-', token.bytes) : NULL;
    if (!dash || base_parse_i64(str_of(token.at, (size_t)(dash - token.at)), place_id_out) != 0 ||
        *place_id_out < 1) {
        return LANTOA_EINVAL;
    }
    airing_feed_token(instance, *place_id_out, right);
    if (strlen(right) != token.bytes) {
        return LANTOA_EINVAL;
    }
    unsigned differs = 0; /* all of it is compared: the time taken tells nothing */
    for (size_t i = 0; i < token.bytes; i++) {
        differs |= (unsigned)(right[i] ^ token.at[i]);
    }
    return differs ? LANTOA_EINVAL : 0;
}
