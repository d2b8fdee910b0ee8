/* M3U, XSPF and iCalendar of a month. */
#include "paper.h"
#include "when.h"
#include <libical/ical.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void paper_code(const char *key, char out[static PAPER_CODE_BYTES]) {
    size_t bytes = strlen(key), at = 0;
    const char *from = bytes > 8 ? key + bytes - 8 : key;
    for (int i = 0; from[i] && at + 1 < PAPER_CODE_BYTES; i++) {
        if (i == 4) {
            out[at++] = '-';
        }
        out[at++] = (char)(from[i] >= 'a' && from[i] <= 'z' ? from[i] - 'a' + 'A' : from[i]);
    }
    out[at] = '\0';
}

void paper_file_name(
    const char *title, const char *audio, const char *suffix, char out[static PAPER_FILE_BYTES]) {
    char name[PAPER_FILE_BYTES / 2];
    size_t at = 0;
    for (; *title && at + 8 < sizeof(name); title++) {
        unsigned char c = (unsigned char)*title;
        bool good =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80;
        if (good || (at > 0 && name[at - 1] != '-')) {
            name[at++] = (char)(good ? c : '-');
        }
    }
    while (at > 0 && (name[at - 1] == '-' || (*title && (name[at - 1] & 0x80)))) {
        at--; /* no dash at the end, no letter cut in two */
    }
    name[at] = '\0';
    snprintf(out, PAPER_FILE_BYTES, "%s%s%.8s%s", name, at > 0 ? "-" : "", audio, suffix);
}

static bool is_of(const struct paper_line *line, const char *month, const char *day) {
    return !line->withdrawn && strcmp(line->month, month) == 0 &&
           (!day || strcmp(line->day, day) == 0);
}

/* A line break in a title would begin another entry. */
static void put_one_line(struct bytes *out, const char *text) {
    for (; *text; text++) {
        bytes_put_char(out, (unsigned char)*text < ' ' ? ' ' : *text);
    }
}

void paper_put_m3u(struct bytes *out, const struct paper_line *lines, size_t count,
    const char *month, const char *day) {
    char clock[WHEN_BYTES];
    bytes_put_text(out, "#EXTM3U\n");
    for (size_t i = 0; i < count; i++) {
        const struct paper_line *line = &lines[i];
        if (is_of(line, month, day)) {
            when_print_clock(line->start_ms, line->zone, clock);
            bytes_put_format(out, "#EXTINF:%lld,%s %s ",
                (long long)((line->length_ms + 500) / 1000), line->day, clock);
            put_one_line(out, line->title);
            bytes_put_format(out, " [%s]\n%saudio/%s\n", line->code, day ? "../" : "", line->file);
        }
    }
}

static void put_xml(struct bytes *out, const char *text) {
    for (; *text; text++) {
        switch (*text) {
        case '&':
            bytes_put_text(out, "&amp;");
            break;
        case '<':
            bytes_put_text(out, "&lt;");
            break;
        case '>':
            bytes_put_text(out, "&gt;");
            break;
        default:
            bytes_put_char(out, (unsigned char)*text < ' ' ? ' ' : *text);
        }
    }
}

/* A path as a URI: all but plain letters in percent (RFC 3986, 2.1). */
static void put_uri(struct bytes *out, const char *path) {
    for (; *path; path++) {
        unsigned char c = (unsigned char)*path;
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            strchr("-._/", c)) {
            bytes_put_char(out, (char)c);
        } else {
            bytes_put_format(out, "%%%02X", c);
        }
    }
}

void paper_put_xspf(
    struct bytes *out, const struct paper_line *lines, size_t count, const char *month) {
    char clock[WHEN_BYTES];
    bytes_put_format(out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<playlist version=\"1\" "
        "xmlns=\"http://xspf.org/ns/0/\">\n<title>%s</title>\n<trackList>\n",
        month);
    for (size_t i = 0; i < count; i++) {
        const struct paper_line *line = &lines[i];
        if (is_of(line, month, NULL)) {
            when_print_clock(line->start_ms, line->zone, clock);
            bytes_put_text(out, "<track><location>audio/");
            put_uri(out, line->file);
            bytes_put_text(out, "</location><title>");
            put_xml(out, line->title);
            bytes_put_format(out,
                "</title><annotation>%s %s %s</annotation><duration>%lld</duration></track>\n",
                line->day, clock, line->code, (long long)line->length_ms);
        }
    }
    bytes_put_text(out, "</trackList>\n</playlist>\n");
}

static struct icaltimetype ical_time(int64_t ms) {
    return icaltime_from_timet_with_zone((time_t)(ms / 1000), 0, icaltimezone_get_utc_timezone());
}

static icalcomponent *event_of(const struct paper_line *line) {
    struct bytes text = {0};
    char uid[64];
    bytes_put_format(&text, "%s\n%s\n", line->code, line->outlet);
    bytes_put_text(&text, line->script);
    snprintf(uid, sizeof(uid), "%s@lantoa", line->key);
    icalcomponent *event = icalcomponent_vanew(ICAL_VEVENT_COMPONENT, icalproperty_new_uid(uid),
        icalproperty_new_dtstamp(ical_time(line->version)),
        icalproperty_new_dtstart(ical_time(line->start_ms)),
        icalproperty_new_dtend(ical_time(line->start_ms + line->length_ms + 999)),
        icalproperty_new_summary(line->title[0] ? line->title : line->outlet),
        icalproperty_new_description(text.at ? text.at : ""),
        icalproperty_new_priority(line->emergency ? 1 : 5),
        icalproperty_new_status(line->withdrawn ? ICAL_STATUS_CANCELLED : ICAL_STATUS_CONFIRMED),
        (void *)NULL);
    if (event && line->place[0]) {
        icalcomponent_add_property(event, icalproperty_new_location(line->place));
    }
    bytes_release(&text);
    return event;
}

void paper_put_calendar(
    struct bytes *out, const struct paper_line *lines, size_t count, const char *month) {
    icalcomponent *calendar = icalcomponent_vanew(ICAL_VCALENDAR_COMPONENT,
        icalproperty_new_version("2.0"), icalproperty_new_prodid("-//Lantoa//loudspeaker//VI"),
        icalproperty_new_method(ICAL_METHOD_PUBLISH), (void *)NULL);
    for (size_t i = 0; calendar && i < count; i++) {
        if (strcmp(lines[i].month, month) == 0) {
            icalcomponent_add_component(calendar, event_of(&lines[i]));
        }
    }
    char *text = calendar ? icalcomponent_as_ical_string_r(calendar) : NULL;
    if (text) {
        bytes_put_text(out, text);
        icalmemory_free_buffer(text);
    } else {
        out->failed = true;
    }
    if (calendar) {
        icalcomponent_free(calendar);
    }
}
