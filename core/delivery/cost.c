/* The cost of a campaign, counted: what the channels answer for each message, by step, language and
 * operator. */
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/tr.h"
#include "campaign/store.h"
#include "delivery/cost_private.h"

/* A message on its way to the plugin and back is known by its tag: which row it counts for, what a
 * unit costs, how long it is. */
#define BUCKET_BITS 20
#define PRICE_BITS 16
#define PRICES_MOST ((size_t)1 << PRICE_BITS)
#define BYTES_MOST (((uint64_t)1 << (64 - BUCKET_BITS - PRICE_BITS)) - 1)
#define PRICE_OF_PLUGIN 0 /* its own figure counts */
#define PRICE_A_MESSAGE 1 /* the channel's price of a message counts, whatever its units */
#define PRICE_FIRST 2     /* + index in c->prices: of a unit */

static uint64_t tag_of(size_t bucket, size_t price, uint64_t bytes) {
    uint64_t length = bytes < BYTES_MOST ? bytes : BYTES_MOST;
    return (uint64_t)bucket | (uint64_t)price << BUCKET_BITS | length << (BUCKET_BITS + PRICE_BITS);
}

static size_t tag_bucket(uint64_t tag) {
    return (size_t)(tag & (((uint64_t)1 << BUCKET_BITS) - 1));
}

static size_t tag_price(uint64_t tag) {
    return (size_t)(tag >> BUCKET_BITS & (((uint64_t)1 << PRICE_BITS) - 1));
}

static int64_t tag_bytes(uint64_t tag) {
    return (int64_t)(tag >> (BUCKET_BITS + PRICE_BITS));
}

static const struct cost__step *step_of(const struct costing *c, int64_t message_id) {
    for (size_t i = 0; i < c->campaign->step_count; i++) {
        if (c->campaign->steps[i].id == ledger_step(message_id)) {
            return &c->steps[i];
        }
    }
    return NULL;
}

/* --- the answers --- */

static int64_t minor_of(
    const struct costing *c, const struct cost__step *step, const struct channel_quoted *quoted) {
    size_t price = tag_price(quoted->tag);
    switch (price) {
    case PRICE_OF_PLUGIN:
        return quoted->minor;
    case PRICE_A_MESSAGE:
        return step->channel->spec->price_minor;
    default:
        return quoted->units * c->prices[price - PRICE_FIRST];
    }
}

static bool is_longer(const struct cost_longest *a, const struct cost_longest *b) {
    return a->units != b->units ? a->units > b->units : a->bytes > b->bytes;
}

static void note_longest(struct costing *c, const struct cost_longest *found) {
    struct cost *cost = c->cost;
    if (c->longest_most == 0 || (cost->longest_count == c->longest_most &&
                                    !is_longer(found, &cost->longest[cost->longest_count - 1]))) {
        return;
    }
    size_t at =
        cost->longest_count < c->longest_most ? cost->longest_count++ : cost->longest_count - 1;
    for (; at > 0 && is_longer(found, &cost->longest[at - 1]); at--) {
        cost->longest[at] = cost->longest[at - 1];
    }
    cost->longest[at] = *found;
}

static void add(struct costing *c, size_t bucket, int64_t messages, int64_t units, int64_t minor) {
    struct cost_row *row = &c->cost->rows[bucket];
    row->messages += messages;
    row->units += units;
    row->minor += minor;
    c->cost->messages += messages;
    c->cost->units += units;
    c->cost->minor += minor;
    c->cost->at_most = c->cost->at_most || row->at_most;
}

int cost__answered(void *costing, const struct channel_quoted *quoted) {
    struct costing *c = costing;
    if (c->preview) {
        cost__previewed(c, quoted);
        return 0;
    }
    const struct cost__step *step = step_of(c, (int64_t)quoted->id);
    size_t bucket = tag_bucket(quoted->tag);
    if (!step || bucket >= c->cost->row_count ||
        tag_price(quoted->tag) >= c->price_count + PRICE_FIRST) {
        return LANTOA_EPROTO;
    }
    if (quoted->code != 0) {
        c->cost->refused++;
        return 0;
    }
    add(c, bucket, 1, quoted->units, minor_of(c, step, quoted));
    note_longest(c, &(struct cost_longest){ledger_recipient((int64_t)quoted->id), quoted->units,
                        tag_bytes(quoted->tag)});
    return 0;
}

/* --- the questions --- */

/* The place in cost->rows of what belongs together. */
static int find_bucket(struct costing *c, const struct cost__step *step, size_t lang, int owner,
    size_t *bucket_out, struct base_err *err) {
    size_t index = (size_t)(step - c->steps);
    size_t place =
        (index * DELIVERY_LANGS_MAX + lang) * (CHANNEL_OPERATORS_MOST + 1) + (size_t)(owner + 1);
    if (c->buckets[place] == 0) {
        struct cost *cost = c->cost;
        if (cost->row_count + 1 >= (size_t)1 << BUCKET_BITS) {
            return base_err_set(err, LANTOA_ELIMIT, "%s", TR("too many steps"));
        }
        if (cost->row_count == c->row_room) {
            c->row_room = c->row_room ? 2 * c->row_room : 32;
            cost->rows = base_realloc(cost->rows, c->row_room * sizeof *cost->rows);
        }
        struct cost_row *row = &cost->rows[cost->row_count++];
        *row = (struct cost_row){.occurrence = step->step->occurrence,
            .at_most = step->step->spec->when.fallback_count > 0};
        snprintf(row->step, sizeof row->step, "%s", step->step->spec->name);
        snprintf(row->lang, sizeof row->lang, "%s", step->step->langs[lang]);
        snprintf(
            row->carrier, sizeof row->carrier, "%s", channel_operator_name(c->operators, owner));
        c->buckets[place] = cost->row_count;
    }
    *bucket_out = c->buckets[place] - 1;
    return 0;
}

static void note_missing(struct costing *c, const struct cost__step *step, struct str address) {
    struct cost *cost = c->cost;
    const char *channel = step->channel->spec->name;
    char prefix[8] = "*";
    if (address.bytes > 5 && address.at[0] == '+') {
        snprintf(prefix, sizeof prefix, "%.5s", address.at);
    }
    cost->missing_messages++;
    for (size_t i = 0; i < cost->missing_count; i++) {
        if (strcmp(cost->missing[i].prefix, prefix) == 0 &&
            strcmp(cost->missing[i].channel, channel) == 0) {
            cost->missing[i].messages++;
            return;
        }
    }
    if (cost->missing_count < COST_MISSING_MOST) {
        struct cost_missing *missing = &cost->missing[cost->missing_count++];
        *missing = (struct cost_missing){.messages = 1};
        snprintf(missing->channel, sizeof missing->channel, "%s", channel);
        memcpy(missing->prefix, prefix, sizeof missing->prefix);
    }
}

/* false: the list has no price for this address. */
static bool find_price(
    struct costing *c, const struct cost__step *step, struct str address, size_t *price_out) {
    int64_t minor;
    *price_out = step->channel->spec->price_minor > 0 ? PRICE_A_MESSAGE : PRICE_OF_PLUGIN;
    if (!step->tariff) {
        return true;
    }
    if (!channel_tariff_find(step->tariff, address, &minor)) {
        return false;
    }
    size_t i = 0;
    while (i < c->price_count && c->prices[i] != minor) {
        i++;
    }
    if (i == c->price_count) {
        c->prices = base_realloc(c->prices, (c->price_count + 1) * sizeof *c->prices);
        c->prices[c->price_count++] = minor;
    }
    *price_out = PRICE_FIRST + i;
    return i + PRICE_FIRST < PRICES_MOST;
}

/* What has left costs what was booked then, whatever its person and the prices are today. */
static int count_booked(struct costing *c, const struct cost__step *step,
    struct cost__message *message, int64_t messages, struct base_err *err) {
    size_t bucket = 0;
    (void)policy_check(step->step, &message->person); /* for the address */
    int rc = find_bucket(c, step, delivery_lang(step->step, &message->person.contact),
        channel_operator_of(c->operators, message->person.address, step->day), &bucket, err);
    if (rc == 0) {
        add(c, bucket, messages, message->units > 0 ? message->units : 0, message->minor);
    }
    return rc;
}

static int ask(struct costing *c, const struct cost__step *step, struct cost__message *message,
    struct base_err *err) {
    struct str fields[DELIVERY_FIELDS_MAX];
    struct base_err fault = {0};
    const struct policy_person *person = &message->person;
    size_t lang = 0, price = 0, bucket = 0;
    int reason;
    c->cost->audience++;
    if (message->state == MESSAGE_FAILED) {
        c->cost->failed++;
        return message->minor > 0 ? count_booked(c, step, message, 0, err) : 0;
    }
    if (message->minor >= 0 && message->units >= 0 && c->longest_most == 0) {
        return count_booked(c, step, message, 1, err);
    }
    int rc = cost__reason(c, step, message, &reason, err);
    if (rc == 0 && reason == 0 && cost__render(c, step, message, &lang, fields, &fault) != 0) {
        reason = SUPPRESSED_TEMPLATE_ERROR;
    }
    if (rc != 0 || reason != 0) {
        c->cost->suppressed[reason < COST_REASONS ? reason : 0] += rc == 0;
        return rc;
    }
    if (!find_price(c, step, person->address, &price)) {
        note_missing(c, step, person->address);
        return 0;
    }
    rc = find_bucket(
        c, step, lang, channel_operator_of(c->operators, person->address, step->day), &bucket, err);
    if (rc != 0) {
        return rc;
    }
    uint64_t bytes = 0;
    for (size_t i = 0; i < step->step->manifest->content_count; i++) {
        bytes += fields[i].bytes;
    }
    struct channel_quote_message question = {.tag = tag_of(bucket, price, bytes),
        .id = (uint64_t)message->id,
        .step_ref = step->step->ref,
        .key = STR(COST__KEY),
        .address = person->address,
        .name = person->contact.name,
        .lang = str_from(step->step->langs[lang]),
        .fields = fields};
    rc = channel_quote_put(step->channel->quote, &question, err);
    if (rc == LANTOA_ELIMIT) {
        c->cost->refused++;
        rc = 0;
    }
    return rc;
}

static int run_steps(struct costing *c, const char *name, struct base_err *err) {
    bool found = name == NULL;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < c->campaign->step_count; i++) {
        const struct cost__step *step = &c->steps[i];
        if (name && strcmp(step->step->spec->name, name) != 0) {
            continue;
        }
        found = true;
        if (step->step->spec->airings.on) {
            continue; /* airtime has no price of a message */
        }
        rc = cost__each(
            c, step, ledger_first(step->step->id), ledger_last(step->step->id), ask, err);
        if (rc == 0) {
            rc = channel_quote_finish(step->channel->quote, err);
        }
    }
    if (rc == 0 && !found) {
        rc = base_err_set(
            err, LANTOA_ENOENT, TR("campaign %s has no step %s"), c->campaign->spec->name, name);
    }
    return rc;
}

int costing_run(struct costing *c, const char *step, size_t longest, struct cost *cost_out,
    struct base_err *err) {
    const struct campaign_spec *spec = c->campaign->spec;
    size_t places = c->campaign->step_count * DELIVERY_LANGS_MAX * (CHANNEL_OPERATORS_MOST + 1) + 1;
    *cost_out = (struct cost){.budget_minor = spec->budget_minor};
    snprintf(cost_out->currency, sizeof cost_out->currency, "%s",
        spec->budget_currency ? spec->budget_currency : "VND");
    base_free(c->buckets);
    c->buckets = base_alloc_array(places, sizeof *c->buckets);
    c->row_room = 0;
    c->cost = cost_out;
    c->longest_most = longest < COST_LONGEST_MOST ? longest : COST_LONGEST_MOST;
    int rc = run_steps(c, step, err);
    c->cost = NULL;
    if (rc != 0) {
        cost_release(cost_out);
    }
    return rc;
}

void cost_release(struct cost *cost) {
    base_free(cost->rows);
    cost->rows = NULL;
    cost->row_count = 0;
}

int cost_complete(const struct cost *cost, struct base_err *err) {
    if (cost->missing_count == 0) {
        return 0;
    }
    struct base_buf list;
    base_buf_init(&list, 4096);
    for (size_t i = 0; i < cost->missing_count; i++) {
        const struct cost_missing *m = &cost->missing[i];
        base_buf_printf(
            &list, "%s%s %s (%lld)", i ? ", " : "", m->channel, m->prefix, (long long)m->messages);
    }
    int rc = base_err_set(err, LANTOA_EINVAL,
        TR("no price for %lld messages; channel, beginning of the number, messages: %s"),
        (long long)cost->missing_messages, base_buf_text(&list));
    base_buf_release(&list);
    return rc;
}

bool cost_within_budget(const struct cost *cost) {
    return cost->budget_minor < 0 || cost->minor <= cost->budget_minor;
}

int cost_for_approval(struct db *db, const char *data_dir, const char *campaign,
    struct cost *cost_out, struct base_err *err) {
    struct costing *costing = NULL;
    int rc = costing_open(db, data_dir, campaign, &costing, err);
    if (rc == 0) {
        rc = costing_run(costing, NULL, 0, cost_out, err);
    }
    costing_close(&costing);
    if (rc != 0) {
        return rc;
    }
    rc = cost_complete(cost_out, err);
    if (rc == 0 && !cost_within_budget(cost_out)) {
        rc = base_err_set(err, LANTOA_ELIMIT,
            TR("campaign %s costs %lld %s, %lld more than its budget of %lld"), campaign,
            (long long)cost_out->minor, cost_out->currency,
            (long long)(cost_out->minor - cost_out->budget_minor),
            (long long)cost_out->budget_minor);
    }
    if (rc != 0) {
        cost_release(cost_out);
    }
    return rc;
}

static int has_budget(struct db *db, const char *campaign, bool *has_out, struct base_err *err) {
    struct campaign_row row = {0};
    struct base_json *doc = NULL;
    int rc = campaign_get(db, campaign, &row, err);
    rc = rc ? rc : base_json_parse(str_from(row.spec_text), campaign, &doc, err);
    *has_out = rc == 0 && json_object_get(base_json_root(doc), "budget");
    base_json_free(&doc);
    campaign_row_release(&row);
    return rc;
}

int cost_warn(struct db *db, const char *data_dir, const char *campaign, struct base_buf *lines,
    struct base_err *err) {
    bool has = false;
    int rc = has_budget(db, campaign, &has, err);
    if (rc != 0 || !has) {
        return rc;
    }
    struct cost cost;
    struct base_err why = {0};
    rc = cost_for_approval(db, data_dir, campaign, &cost, &why);
    if (rc == 0) {
        cost_release(&cost);
    } else if (rc == LANTOA_EINVAL || rc == LANTOA_ELIMIT) {
        base_buf_printf(lines, "%s\n", why.text);
        rc = 0;
    } else {
        rc = base_err_set(err, rc, "%s", why.text);
    }
    return rc;
}
