/* Asks channels what messages cost, one at a time. */
#include "delivery/money.h"

#include "base/civil.h"
#include "base/mem.h"
#include "base/tr.h"
#include "channel/quote.h"

struct priced_step {
    uint32_t ref; /* told to the quoting host */
    int64_t day;  /* of the tariff */
    struct channel_tariff *tariff;
};

struct priced_channel {
    int64_t id, changed_at;
    struct channel_spec *spec;
    struct channel_manifest *manifest;
    struct channel_quote *quote; /* NULL: not started, or it broke */
    struct priced_step *steps;
    size_t step_count;
};

struct money {
    struct db *db;
    char *data_dir;
    struct priced_channel *channels;
    size_t count;
    struct channel_quoted answer; /* without its texts */
};

struct money *money_new(struct db *db, const char *data_dir) {
    struct money *m = base_alloc(sizeof *m);
    m->db = db;
    m->data_dir = data_dir ? base_strdup(data_dir) : NULL;
    return m;
}

static void release_channel(struct priced_channel *channel) {
    channel_quote_close(&channel->quote);
    for (size_t i = 0; i < channel->step_count; i++) {
        channel_tariff_free(&channel->steps[i].tariff);
    }
    base_free(channel->steps);
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
    struct money *m = arg;
    m->answer = (struct channel_quoted){
        .id = quoted->id, .code = quoted->code, .units = quoted->units, .minor = quoted->minor};
    return 0;
}

/* The step as the quoting host knows it, with the prices of today. */
static int find_step(struct money *m, struct priced_channel *channel,
    const struct delivery_step *step, int64_t day, struct priced_step **out, struct base_err *err) {
    const char *class = campaign_class_word(step->campaign->spec->class);
    if (!channel->quote) {
        int rc = channel_quote_open(channel->spec, channel->manifest, m->data_dir,
            CHANNEL_QUOTE_HURRIED_MS, take_answer, m, &channel->quote, err);
        if (rc != 0) {
            return rc;
        }
        for (size_t i = 0; i < channel->step_count; i++) {
            channel_tariff_free(&channel->steps[i].tariff);
        }
        channel->step_count = 0;
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

static int ask(struct money *m, struct priced_channel *channel, const struct delivery_step *step,
    const struct channel_message *message, struct base_err *err) {
    const struct channel_quote_message question = {.id = message->id,
        .step_ref = step->ref,
        .key = message->key,
        .address = message->address,
        .name = message->name,
        .lang = message->lang,
        .fields = message->fields};
    int rc = channel_quote_put(channel->quote, &question, err);
    if (rc == LANTOA_ELIMIT) { /* larger than a frame: it will not leave either */
        m->answer = (struct channel_quoted){.code = rc};
        return 0;
    }
    if (rc == 0) {
        rc = channel_quote_finish(channel->quote, err);
    }
    if (rc != 0) {
        channel_quote_close(&channel->quote); /* the next one starts it again */
    }
    return rc;
}

int money_of(struct money *m, const struct delivery_step *step,
    const struct channel_message *message, int64_t now_ms, struct money_amount *amount_out,
    struct base_err *err) {
    struct priced_channel *channel;
    struct priced_step *priced;
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
    rc = rc == 0 ? ask(m, channel, step, message, err) : rc;
    if (rc == 0) {
        /* What the plugin refuses costs nothing; it will say so itself when it is sent. */
        bool refused = m->answer.code != 0;
        amount_out->units = refused ? 0 : m->answer.units;
        amount_out->minor = refused ? 0 : priced->tariff ? m->answer.units * unit : m->answer.minor;
    }
    return rc;
}
