/* Reads compiled time zones (TZif, RFC 8536) from the system's zoneinfo. An own reader, because the
 * C library knows only the one zone of TZ and libical changes its zones while it uses them; what is
 * read here never changes and can be shared by all threads. */
#include "campaign/calendar_zone.h"
#include "campaign/calendar.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/tr.h"

#include <pthread.h>

enum { FILE_MOST = 1 << 20, HEAD_BYTES = 44, DAY_S = 86400 };

static const char zone_dir[] = "/usr/share/zoneinfo/";

/* --- the footer: a POSIX TZ text --- */

struct cursor {
    const char *at, *end;
};

static bool take(struct cursor *c, char want) {
    if (c->at == c->end || *c->at != want) {
        return false;
    }
    c->at++;
    return true;
}

static bool read_number(struct cursor *c, int most, int *value_out) {
    const char *first = c->at;
    int value = 0;
    while (c->at < c->end && *c->at >= '0' && *c->at <= '9' && value <= most) {
        value = value * 10 + (*c->at++ - '0');
    }
    *value_out = value;
    return c->at > first && value <= most;
}

/* An abbreviation: letters, or anything in <>. */
static bool skip_name(struct cursor *c) {
    if (take(c, '<')) {
        while (c->at < c->end && *c->at != '>') {
            c->at++;
        }
        return take(c, '>');
    }
    const char *first = c->at;
    while (c->at < c->end && ((*c->at | 0x20) >= 'a' && (*c->at | 0x20) <= 'z')) {
        c->at++;
    }
    return c->at > first;
}

/* [+-]hh[:mm[:ss]] in seconds */
static bool read_time(struct cursor *c, int64_t *seconds_out) {
    bool minus = take(c, '-');
    if (!minus) {
        (void)take(c, '+');
    }
    int hours, minutes = 0, seconds = 0;
    if (!read_number(c, 167, &hours) || (take(c, ':') && !read_number(c, 59, &minutes)) ||
        (take(c, ':') && !read_number(c, 59, &seconds))) {
        return false;
    }
    *seconds_out = (int64_t)hours * 3600 + minutes * 60 + seconds;
    if (minus) {
        *seconds_out = -*seconds_out;
    }
    return true;
}

static bool read_change(struct cursor *c, struct calendar__change *change_out) {
    bool ok;
    if (take(c, 'M')) {
        change_out->kind = CHANGE_WEEKDAY;
        ok = read_number(c, 12, &change_out->month) && take(c, '.') &&
             read_number(c, 5, &change_out->week) && take(c, '.') &&
             read_number(c, 6, &change_out->day) && change_out->month > 0 && change_out->week > 0;
    } else {
        change_out->kind = take(c, 'J') ? CHANGE_JULIAN : CHANGE_DAY;
        ok = read_number(c, 365, &change_out->day);
    }
    change_out->time_s = 7200;
    return ok && (!take(c, '/') || read_time(c, &change_out->time_s));
}

/* POSIX counts offsets west of Greenwich; we count east. */
static bool read_rule(struct cursor c, struct calendar__rule *rule_out) {
    int64_t west;
    if (!skip_name(&c) || !read_time(&c, &west)) {
        return false;
    }
    rule_out->standard_s = -west;
    if (c.at < c.end) {
        if (!skip_name(&c)) {
            return false;
        }
        rule_out->has_summer = true;
        rule_out->summer_s = rule_out->standard_s + 3600;
        if (c.at < c.end && *c.at != ',') {
            if (!read_time(&c, &west)) {
                return false;
            }
            rule_out->summer_s = -west;
        }
        if (!take(&c, ',') || !read_change(&c, &rule_out->start) || !take(&c, ',') ||
            !read_change(&c, &rule_out->end)) {
            return false;
        }
    }
    rule_out->known = true;
    return c.at == c.end;
}

/* Local seconds since 1970 at which the change happens in that year. */
static int64_t change_at(const struct calendar__change *change, int year) {
    int64_t day = base_days_from_date((struct base_date){year, 1, 1});
    if (change->kind == CHANGE_WEEKDAY) {
        int64_t first = base_days_from_date((struct base_date){year, change->month, 1});
        /* base counts weekdays from Monday, POSIX from Sunday */
        int weekday = (base_weekday(first) + 1) % 7;
        day = first + (change->day - weekday + 7) % 7 + (change->week - 1) * 7;
        struct base_date next = {year + change->month / 12, change->month % 12 + 1, 1};
        while (day >= base_days_from_date(next)) {
            day -= 7; /* week 5 means the last one */
        }
    } else if (change->kind == CHANGE_JULIAN) {
        bool leap = base_date_valid((struct base_date){year, 2, 29});
        day += change->day - 1 + (leap && change->day >= 60); /* 29 February is never counted */
    } else {
        day += change->day;
    }
    return day * DAY_S + change->time_s;
}

static int64_t rule_offset(const struct calendar__rule *rule, int64_t utc_s) {
    if (!rule->has_summer) {
        return rule->standard_s;
    }
    int year = base_civil_from_ms((utc_s + rule->standard_s) * 1000, 0).year;
    int64_t start = change_at(&rule->start, year) - rule->standard_s;
    int64_t end = change_at(&rule->end, year) - rule->summer_s;
    /* South of the equator summer runs over the new year. */
    bool summer = start < end ? utc_s >= start && utc_s < end : utc_s >= start || utc_s < end;
    return summer ? rule->summer_s : rule->standard_s;
}

int64_t calendar__offset(const struct calendar_zone *zone, int64_t utc_s) {
    if (zone->count == 0 || utc_s >= zone->at[zone->count - 1]) {
        if (zone->rule.known) {
            return rule_offset(&zone->rule, utc_s);
        }
        return zone->count ? zone->offset_s[zone->count - 1] : zone->before_s;
    }
    if (utc_s < zone->at[0]) {
        return zone->before_s;
    }
    size_t low = 0, high = zone->count - 1; /* at[low] <= utc_s < at[high] */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (zone->at[middle] <= utc_s) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return zone->offset_s[low];
}

/* --- the tables --- */

static int64_t big_endian(const char *at, size_t bytes) {
    uint64_t value = (*at & 0x80) ? UINT64_MAX : 0;
    for (size_t i = 0; i < bytes; i++) {
        value = value << 8 | (unsigned char)at[i];
    }
    return (int64_t)value;
}

struct head {
    char version;
    size_t utc, standard, leap, times, types, chars;
};

static bool head_read(struct str bytes, size_t pos, struct head *head_out) {
    if (bytes.bytes < pos + HEAD_BYTES || memcmp(bytes.at + pos, "TZif", 4) != 0) {
        return false;
    }
    const char *at = bytes.at + pos;
    *head_out = (struct head){.version = at[4],
        .utc = (size_t)(uint32_t)big_endian(at + 20, 4),
        .standard = (size_t)(uint32_t)big_endian(at + 24, 4),
        .leap = (size_t)(uint32_t)big_endian(at + 28, 4),
        .times = (size_t)(uint32_t)big_endian(at + 32, 4),
        .types = (size_t)(uint32_t)big_endian(at + 36, 4),
        .chars = (size_t)(uint32_t)big_endian(at + 40, 4)};
    return head_out->types > 0;
}

static size_t body_bytes(const struct head *head, size_t time_bytes) {
    return head->times * (time_bytes + 1) + head->types * 6 + head->chars +
           head->leap * (time_bytes + 4) + head->standard + head->utc;
}

static int tables_read(struct calendar_zone *zone, const struct head *head, const char *at) {
    const char *indexes = at + head->times * 8;
    const char *types = indexes + head->times;
    zone->count = head->times;
    zone->at = base_alloc_array(head->times + 1, sizeof(int64_t));
    zone->offset_s = base_alloc_array(head->times + 1, sizeof(int64_t));
    zone->before_s = big_endian(types, 4);
    for (size_t i = 0; i < head->times; i++) {
        size_t type = (unsigned char)indexes[i];
        if (type >= head->types) {
            return LANTOA_ECORRUPT;
        }
        zone->at[i] = big_endian(at + i * 8, 8);
        zone->offset_s[i] = big_endian(types + type * 6, 4);
        if (i > 0 && zone->at[i] <= zone->at[i - 1]) {
            return LANTOA_ECORRUPT;
        }
    }
    return 0;
}

int calendar__zone_read(struct calendar_zone *zone, struct str bytes) {
    struct head head;
    if (!head_read(bytes, 0, &head) || head.version < '2') {
        return LANTOA_ECORRUPT;
    }
    /* The first body has 32-bit times and is there for old readers. */
    size_t pos = HEAD_BYTES + body_bytes(&head, 4);
    if (!head_read(bytes, pos, &head)) {
        return LANTOA_ECORRUPT;
    }
    pos += HEAD_BYTES;
    size_t body = body_bytes(&head, 8);
    if (bytes.bytes - pos < body) {
        return LANTOA_ECORRUPT;
    }
    int code = tables_read(zone, &head, bytes.at + pos);
    if (code) {
        return code;
    }
    pos += body;
    struct cursor footer = {bytes.at + pos, bytes.at + bytes.bytes};
    if (!take(&footer, '\n') || footer.at == footer.end || footer.end[-1] != '\n') {
        return LANTOA_ECORRUPT;
    }
    footer.end--;
    if (footer.at == footer.end) {
        return 0; /* no rule: the last transition holds for ever */
    }
    return read_rule(footer, &zone->rule) ? 0 : LANTOA_ECORRUPT;
}

/* --- finding one --- */

static pthread_mutex_t zones_lock = PTHREAD_MUTEX_INITIALIZER;
static const struct calendar_zone *zones; /* all read so far; never freed */

/* "Asia/Ho_Chi_Minh": words of letters, digits, '_', '-', '+', joined by '/'. Nothing that leaves
 * the folder. */
static bool name_plain(const char *name) {
    bool word = false;
    for (; *name; name++) {
        char c = *name;
        bool plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                     c == '_' || c == '-' || c == '+';
        if (!plain && (c != '/' || !word)) {
            return false;
        }
        word = plain;
    }
    return word;
}

static void zone_free(struct calendar_zone *zone) {
    base_free(zone->at);
    base_free(zone->offset_s);
    base_free(zone->name);
    base_free(zone);
}

static int zone_load(const char *name, const struct calendar_zone **zone_out) {
    struct base_buf bytes;
    base_buf_init(&bytes, FILE_MOST);
    char *path = base_printf("%s%s", zone_dir, name);
    struct base_err ignored;
    int code = base_file_read(path, FILE_MOST, &bytes, &ignored);
    base_free(path);
    if (code == 0) {
        struct calendar_zone *zone = base_alloc(sizeof(*zone));
        zone->name = base_strdup(name);
        code = calendar__zone_read(zone, base_buf_str(&bytes));
        if (code) {
            zone_free(zone);
        } else {
            zone->next = zones;
            zones = *zone_out = zone;
        }
    }
    base_buf_release(&bytes);
    return code;
}

int calendar_zone_find(
    const char *name, const struct calendar_zone **zone_out, struct base_err *err) {
    int code = LANTOA_ENOENT;
    *zone_out = NULL;
    if (name_plain(name)) {
        pthread_mutex_lock(&zones_lock);
        const struct calendar_zone *zone = zones;
        while (zone && strcmp(zone->name, name) != 0) {
            zone = zone->next;
        }
        *zone_out = zone;
        code = zone ? 0 : zone_load(name, zone_out);
        pthread_mutex_unlock(&zones_lock);
    }
    if (code) {
        return base_err_set(err, LANTOA_ENOENT,
            TR("unknown time zone '%s'; they are called like Asia/Ho_Chi_Minh"), name);
    }
    return 0;
}
