/* Asks channels what messages cost, one at a time. */
#include "delivery/money.h"

#include "base/civil.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/tr.h"
#include "channel/quote.h"

struct priced_step {
    uint32_t ref; /* told to the quoting host */
    int64_t day;  /* of the tariff */
    struct channel_tariff *tariff;
};

#define LOOK_MS 20     /* so long one answer is waited for */
#define TURN_MS 100    /* so long those of one turn */
#define ORPHAN_MS 1000 /* so long an answer waits to be fetched */

/* The one question that is out to a plugin. */
struct question {
    uint64_t id;   /* message; 0: none is out */
    uint64_t hash; /* of what was asked */
    int64_t asked_ms;
    bool answered;
    struct channel_quoted answer; /* without its texts */
};

struct priced_channel {
    int64_t id, changed_at;
    struct channel_spec *spec;
    struct channel_manifest *manifest;
    struct channel_quote *quote; /* NULL: not started, or it broke */
    struct question *question;   /* by pointer: the channels move */
    int64_t waited_ms;           /* in this turn */
    bool ready;
    struct priced_step *steps;
    size_t step_count;
};

struct money {
    struct db *db;
    char *data_dir;
    enum money_haste haste;
    struct priced_channel *channels;
    size_t count;
};

struct money *money_new(struct db *db, const char *data_dir, enum money_haste haste) {
    struct money *m = base_alloc(sizeof *m);
    m->db = db;
    m->haste = haste;
    m->data_dir = data_dir ? base_strdup(data_dir) : NULL;
    return m;
}

static void release_channel(struct priced_channel *channel) {
    channel_quote_close(&channel->quote);
    for (size_t i = 0; i < channel->step_count; i++) {
        channel_tariff_free(&channel->steps[i].tariff);
    }
    base_free(channel->steps);
    base_free(channel->question);
    channel_spec_free(&channel->spec);
    channel_manifest_free(&channel->manifest);
}

void money_free(struct money **money) {
    struct money *m = *money;
    if (!m) {
        return;
    }
    for (size_t i = 0; i < m->count; i++) {
        release_channel(&m->channels[i]);
    }
    base_free(m->channels);
    base_free(m->data_dir);
    base_free(m);
    *money = NULL;
}

int money_reload(struct money *m, struct base_err *err) {
    struct db_stmt *stmt = NULL;
    int rc = m->count
                 ? db_prepare(m->db, "SELECT changed_at FROM channel WHERE id = ?1", &stmt, err)
                 : 0;
    for (size_t i = m->count; rc == 0 && i-- > 0;) {
        db_bind_i64(stmt, 1, m->channels[i].id);
        rc = db_step(stmt, err);
        bool same = rc == 1 && db_column_i64(stmt, 0) == m->channels[i].changed_at;
        db_reset(stmt);
        if (rc >= 0 && !same) {
            release_channel(&m->channels[i]);
            m->channels[i] = m->channels[--m->count];
        }
        rc = rc < 0 ? rc : 0;
    }
    db_finish(&stmt);
    return rc;
}

static int load_channel(
    struct money *m, int64_t id, struct priced_channel *channel, struct base_err *err) {
    struct channel_row row = {0};
    struct base_json *doc = NULL;
    channel->id = id;
    channel->question = base_alloc(sizeof *channel->question);
    int rc = channel_get_id(m->db, id, &row, err);
    if (rc == 0) {
        channel->changed_at = row.changed_at;
        rc = channel_manifest_parse(row.manifest_text, &channel->manifest, err);
    }
    if (rc == 0) {
        rc = base_json_parse(str_from(row.spec_text), row.name, &doc, err);
    }
    if (rc == 0) {
        rc = channel_spec_parse(doc, NULL, &channel->spec, err);
    }
    base_json_free(&doc);
    channel_row_release(&row);
    return rc;
}

static int find_channel(
    struct money *m, int64_t id, struct priced_channel **channel_out, struct base_err *err) {
    for (size_t i = 0; i < m->count; i++) {
        if (m->channels[i].id == id) {
            *channel_out = &m->channels[i];
            return 0;
        }
    }
    struct priced_channel made = {0};
    int rc = load_channel(m, id, &made, err);
    if (rc != 0) {
        release_channel(&made);
        return rc;
    }
    m->channels = base_realloc(m->channels, (m->count + 1) * sizeof *m->channels);
    m->channels[m->count] = made;
    *channel_out = &m->channels[m->count++];
    return 0;
}

/* Whether the plugin has to be asked about this step's messages. */
static bool asks(
    const struct money *m, const struct priced_channel *channel, const struct delivery_step *step) {
    return m->data_dir && channel->spec->price_minor == 0 &&
           (channel->spec->prices || step->campaign->spec->budget_minor >= 0);
}

int money_fixed(
    struct money *m, const struct delivery_step *step, int64_t *minor_out, struct base_err *err) {
    struct priced_channel *channel;
    *minor_out = -1;
    int rc = find_channel(m, step->channel_id, &channel, err);
    if (rc == 0 && !asks(m, channel, step)) {
        *minor_out = channel->spec->price_minor;
    }
    return rc;
}

static int take_answer(void *arg, const struct channel_quoted *quoted) {
    struct question *question = arg;
    question->answered = true;
    question->answer = (struct channel_quoted){
        .id = quoted->id, .code = quoted->code, .units = quoted->units, .minor = quoted->minor};
    return 0;
}

/* It broke: the next message starts it again. */
static int broken(struct priced_channel *channel, int rc) {
    channel_quote_close(&channel->quote);
    *channel->question = (struct question){0};
    return rc;
}

/* Lets the plugin go on; LANTOA_EAGAIN when it has not come to its end within a moment. */
static int wait(struct money *m, struct priced_channel *channel, struct base_err *err) {
    int64_t before = base_clock_real_ms();
    bool fresh = before - channel->question->asked_ms < LOOK_MS;
    int64_t most = m->haste == MONEY_PATIENT               ? CHANNEL_QUOTE_PATIENT_MS
                   : fresh && channel->waited_ms < TURN_MS ? LOOK_MS
                                                           : 0;
    int rc = channel_quote_wait(channel->quote, most, err);
    channel->waited_ms += base_clock_real_ms() - before;
    return rc == 0 || rc == LANTOA_EAGAIN ? rc : broken(channel, rc);
}

/* Starts the quoting host; 0 once it can be asked. */
static int make_ready(struct money *m, struct priced_channel *channel, struct base_err *err) {
    if (!channel->quote) {
        int rc = channel_quote_start(channel->spec, channel->manifest, m->data_dir,
            m->haste == MONEY_HURRIED ? CHANNEL_QUOTE_HURRIED_MS : CHANNEL_QUOTE_PATIENT_MS,
            take_answer, channel->question, &channel->quote, err);
        if (rc != 0) {
            return rc;
        }
        for (size_t i = 0; i < channel->step_count; i++) {
            channel_tariff_free(&channel->steps[i].tariff);
        }
        channel->step_count = 0;
        *channel->question = (struct question){.asked_ms = base_clock_real_ms()};
        channel->ready = false;
    }
    int rc = channel->ready ? 0 : wait(m, channel, err);
    channel->ready = rc == 0;
    return rc;
}

/* The step as the quoting host knows it, with the prices of today. */
static int find_step(struct money *m, struct priced_channel *channel,
    const struct delivery_step *step, int64_t day, struct priced_step **out, struct base_err *err) {
    const char *class = campaign_class_word(step->campaign->spec->class);
    int rc = make_ready(m, channel, err);
    if (rc != 0) {
        return rc;
    }
    size_t i = 0;
    while (i < channel->step_count && channel->steps[i].ref != step->ref) {
        i++;
    }
    if (i == channel->step_count) {
        channel->steps = base_realloc(channel->steps, (i + 1) * sizeof *channel->steps);
        channel->steps[channel->step_count++] = (struct priced_step){.ref = step->ref};
        channel_quote_step(channel->quote, step->ref, str_from(step->campaign->spec->name),
            str_from(step->spec->name), str_from(class),
            str_from(step->spec->accents ? step->spec->accents : ""));
    }
    struct priced_step *found = &channel->steps[i];
    if (channel->spec->prices && (!found->tariff || found->day != day)) {
        channel_tariff_free(&found->tariff);
        found->tariff = channel_tariff_new(channel->spec->prices, class, day);
        found->day = day;
    }
    *out = found;
    return 0;
}

/* A contact may have changed since the question: then the answer is to another message. */
static uint64_t hash_of(
    const struct priced_channel *channel, const struct channel_message *message) {
    uint64_t hash = base_hash64(message->address.at, message->address.bytes) ^ message->step_ref;
    for (size_t i = 0; i < channel->manifest->content_count; i++) {
        hash = hash * UINT64_C(0x9E3779B97F4A7C15) +
               base_hash64(message->fields[i].at, message->fields[i].bytes);
    }
    return hash;
}

static int put(struct priced_channel *channel, const struct delivery_step *step,
    const struct channel_message *message, struct base_err *err) {
    const struct channel_quote_message asked = {.id = message->id,
        .step_ref = step->ref,
        .key = message->key,
        .address = message->address,
        .name = message->name,
        .lang = message->lang,
        .fields = message->fields};
    *channel->question = (struct question){
        .id = message->id, .hash = hash_of(channel, message), .asked_ms = base_clock_real_ms()};
    int rc = channel_quote_put(channel->quote, &asked, err);
    if (rc == LANTOA_ELIMIT) { /* larger than a frame: it will not leave either */
        channel->question->answered = true;
        channel->question->answer = (struct channel_quoted){.code = rc};
        return 0;
    }
    return rc == 0 ? 0 : broken(channel, rc);
}

/* The answer to this message. One question at a time: who comes while another's is out waits. */
static int ask(struct money *m, struct priced_channel *channel, const struct delivery_step *step,
    const struct channel_message *message, struct channel_quoted *answer_out,
    struct base_err *err) {
    struct question *question = channel->question;
    int rc = question->id && !question->answered ? wait(m, channel, err) : 0;
    bool mine = rc == 0 && question->id == message->id;
    if (rc == 0 && question->id && !mine && base_clock_real_ms() - question->asked_ms < ORPHAN_MS) {
        return LANTOA_EAGAIN;
    }
    if (rc == 0 && (!mine || question->hash != hash_of(channel, message))) {
        rc = put(channel, step, message, err);
        rc = rc == 0 && !question->answered ? wait(m, channel, err) : rc;
    }
    if (rc == 0) {
        *answer_out = question->answer;
        *question = (struct question){0};
    }
    return rc;
}

void money_turn(struct money *m) {
    for (size_t i = 0; i < m->count; i++) {
        m->channels[i].waited_ms = 0;
    }
}

int money_of(struct money *m, const struct delivery_step *step,
    const struct channel_message *message, int64_t now_ms, struct money_amount *amount_out,
    struct base_err *err) {
    struct priced_channel *channel;
    struct priced_step *priced;
    struct channel_quoted answer;
    int64_t unit = 0;
    *amount_out = (struct money_amount){-1, -1};
    int rc = find_channel(m, step->channel_id, &channel, err);
    if (rc != 0) {
        return rc;
    }
    if (!asks(m, channel, step)) {
        amount_out->minor = channel->spec->price_minor > 0 ? channel->spec->price_minor : -1;
        return 0;
    }
    struct base_civil local =
        base_civil_from_ms(now_ms, calendar_offset_min(step->campaign->zone, now_ms));
    int64_t day = base_days_from_date((struct base_date){local.year, local.month, local.day});
    rc = find_step(m, channel, step, day, &priced, err);
    if (rc == 0 && priced->tariff &&
        !channel_tariff_find(priced->tariff, message->address, &unit)) {
        return base_err_set(err, LANTOA_ENOENT, TR("no price for numbers that begin with %.5s"),
            message->address.bytes ? message->address.at : "?");
    }
    rc = rc == 0 ? ask(m, channel, step, message, &answer, err) : rc;
    if (rc == 0) {
        /* What the plugin refuses costs nothing; it will say so itself when it is sent. */
        bool refused = answer.code != 0;
        amount_out->units = refused ? 0 : answer.units;
        amount_out->minor = refused ? 0 : priced->tariff ? answer.units * unit : answer.minor;
    }
    return rc;
}
