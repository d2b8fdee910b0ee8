/* Credits that are known path by path, and the sums of the chain for Markov. */
#include "stats/credit_private.h"

#include "base/mem.h"
#include "base/tr.h"
#include <math.h>
#include <string.h>

static const char *const names[STATS_CREDIT_MODELS] = {
    "first", "last", "any", "linear", "position", "decay", "markov", "shapley"};

const char *stats_credit_name(enum stats_credit_model model) {
    return names[model];
}

int stats_credit_model_parse(
    const char *name, enum stats_credit_model *model_out, struct base_err *err) {
    for (int m = 0; m < STATS_CREDIT_MODELS; m++) {
        if (strcmp(names[m], name) == 0) {
            *model_out = (enum stats_credit_model)m;
            return 0;
        }
    }
    return base_err_set(err, LANTOA_EINVAL,
        TR("model \"%s\": there is first, last, any, linear, position, decay, markov, shapley"),
        name);
}

bool stats_credit_adds_up(enum stats_credit_model model) {
    return model != STATS_CREDIT_ANY;
}

int stats_credit_new(size_t channels, unsigned models, double half_life_days,
    struct stats_credit **credit_out, struct base_err *err) {
    if (channels > STATS_CHANNELS_MAX) {
        return base_err_set(err, LANTOA_ELIMIT, TR("more than %d channels"), STATS_CHANNELS_MAX);
    }
    if (!(half_life_days > 0 && isfinite(half_life_days))) {
        return base_err_set(
            err, LANTOA_EINVAL, "%s", TR("the half-life must be a number of days above 0"));
    }
    struct stats_credit *credit = base_alloc(sizeof *credit);
    credit->channels = channels;
    credit->models = models;
    credit->half_life = half_life_days;
    credit->conversions =
        base_alloc_array(STATS_CREDIT_MODELS * (channels + 1), sizeof *credit->conversions);
    credit->value = base_alloc_array(STATS_CREDIT_MODELS * (channels + 1), sizeof *credit->value);
    credit->seen = base_alloc_array(channels + 1, sizeof *credit->seen);
    if (models & 1U << STATS_CREDIT_MARKOV) {
        credit->chain = base_alloc_array(stats__chain_size(channels), sizeof *credit->chain);
    }
    *credit_out = credit;
    return 0;
}

void stats_credit_free(struct stats_credit **credit) {
    if (*credit) {
        base_free((*credit)->conversions);
        base_free((*credit)->value);
        base_free((*credit)->seen);
        base_free((*credit)->chain);
        base_free(*credit);
        *credit = NULL;
    }
}

/* Neumaier's sum: what rounding loses is kept beside it, so that a million shares still add up. */
static void sum_add(struct stats__sum *sum, double value) {
    double next = sum->sum + value;
    sum->lost +=
        fabs(sum->sum) >= fabs(value) ? (sum->sum - next) + value : (value - next) + sum->sum;
    sum->sum = next;
}

static double sum_get(struct stats__sum sum) {
    return sum.sum + sum.lost;
}

static void give(struct stats_credit *c, enum stats_credit_model model, uint32_t channel,
    double share, const struct stats_path *path) {
    size_t at = (size_t)model * (c->channels + 1) + channel;
    sum_add(&c->conversions[at], share * path->conversions);
    sum_add(&c->value[at], share * path->value);
}

/* The share of touch i of n under 40/20/40. */
static double position_share(size_t i, size_t n) {
    if (n <= 2) {
        return 1.0 / (double)n;
    }
    return i == 0 || i + 1 == n ? 0.4 : 0.2 / (double)(n - 2);
}

static void give_decay(struct stats_credit *c, const struct stats_path *path) {
    double all = 0;
    double last = path->touches[path->count - 1].day;
    for (size_t i = 0; i < path->count; i++) {
        all += exp2((path->touches[i].day - last) / c->half_life);
    }
    for (size_t i = 0; i < path->count; i++) {
        double weight = exp2((path->touches[i].day - last) / c->half_life);
        give(c, STATS_CREDIT_DECAY, path->touches[i].channel, weight / all, path);
    }
}

/* Each channel of the path once. */
static void give_distinct(struct stats_credit *c, const struct stats_path *path) {
    size_t distinct = 0;
    c->stamp++;
    for (size_t i = 0; i < path->count; i++) {
        uint64_t *seen = &c->seen[path->touches[i].channel];
        distinct += *seen != c->stamp;
        *seen = c->stamp;
    }
    c->stamp++;
    for (size_t i = 0; i < path->count; i++) {
        uint32_t channel = path->touches[i].channel;
        if (c->seen[channel] != c->stamp) {
            c->seen[channel] = c->stamp;
            give(c, STATS_CREDIT_ANY, channel, 1, path);
            give(c, STATS_CREDIT_SHAPLEY, channel, 1.0 / (double)distinct, path);
        }
    }
}

static void add_chain(struct stats_credit *c, const struct stats_path *path) {
    double weight = path->conversions + path->nulls;
    size_t from = c->channels; /* the start */
    for (size_t i = 0; i < path->count; i++) {
        *stats__chain_at(c, from, path->touches[i].channel) += weight;
        from = path->touches[i].channel;
    }
    *stats__chain_at(c, from, STATS__TO_CONVERSION(c)) += path->conversions;
    *stats__chain_at(c, from, STATS__TO_NULL(c)) += path->nulls;
}

static bool amount(double value) {
    return value >= 0 && isfinite(value);
}

static int check(
    const struct stats_credit *c, const struct stats_path *path, struct base_err *err) {
    if (!amount(path->conversions) || !amount(path->nulls) || !amount(path->value)) {
        return base_err_set(err, LANTOA_EINVAL, "%s",
            TR("conversions, nulls and value must be numbers not below 0"));
    }
    for (size_t i = 0; i < path->count; i++) {
        if (path->touches[i].channel >= c->channels || !isfinite(path->touches[i].day)) {
            return base_err_set(
                err, LANTOA_EINVAL, TR("touch %zu: no such channel, or no day"), i + 1);
        }
        if (i > 0 && path->touches[i].day < path->touches[i - 1].day) {
            return base_err_set(
                err, LANTOA_EINVAL, TR("touch %zu is earlier than the one before it"), i + 1);
        }
    }
    return 0;
}

static bool wants(const struct stats_credit *c, enum stats_credit_model model) {
    return (c->models & 1U << model) != 0;
}

int stats_credit_add(struct stats_credit *c, const struct stats_path *path, struct base_err *err) {
    int rc = check(c, path, err);
    if (rc != 0) {
        return rc;
    }
    sum_add(&c->all, path->conversions);
    sum_add(&c->all_value, path->value);
    size_t n = path->count;
    if (n == 0) {
        sum_add(&c->nobody, path->conversions);
        sum_add(&c->nobody_value, path->value);
        return 0;
    }
    if (wants(c, STATS_CREDIT_MARKOV)) {
        add_chain(c, path);
    }
    if (path->conversions == 0 && path->value == 0) {
        return 0;
    }
    give(c, STATS_CREDIT_FIRST, path->touches[0].channel, 1, path);
    give(c, STATS_CREDIT_LAST, path->touches[n - 1].channel, 1, path);
    for (size_t i = 0; wants(c, STATS_CREDIT_LINEAR) && i < n; i++) {
        give(c, STATS_CREDIT_LINEAR, path->touches[i].channel, 1.0 / (double)n, path);
    }
    for (size_t i = 0; wants(c, STATS_CREDIT_POSITION) && i < n; i++) {
        give(c, STATS_CREDIT_POSITION, path->touches[i].channel, position_share(i, n), path);
    }
    if (wants(c, STATS_CREDIT_DECAY)) {
        give_decay(c, path);
    }
    if (wants(c, STATS_CREDIT_ANY) || wants(c, STATS_CREDIT_SHAPLEY)) {
        give_distinct(c, path);
    }
    return 0;
}

int stats_credit_merge(
    struct stats_credit *into, const struct stats_credit *from, struct base_err *err) {
    if (into->channels != from->channels || into->models != from->models ||
        into->half_life != from->half_life) {
        return base_err_set(
            err, LANTOA_EINVAL, "%s", TR("credits of different settings cannot be added up"));
    }
    for (size_t i = 0; i < STATS_CREDIT_MODELS * (into->channels + 1); i++) {
        sum_add(&into->conversions[i], sum_get(from->conversions[i]));
        sum_add(&into->value[i], sum_get(from->value[i]));
    }
    for (size_t i = 0; into->chain && i < stats__chain_size(into->channels); i++) {
        into->chain[i] += from->chain[i];
    }
    sum_add(&into->all, sum_get(from->all));
    sum_add(&into->all_value, sum_get(from->all_value));
    sum_add(&into->nobody, sum_get(from->nobody));
    sum_add(&into->nobody_value, sum_get(from->nobody_value));
    return 0;
}

void stats_credit_total(const struct stats_credit *credit, struct stats_credit_sum *out) {
    *out = (struct stats_credit_sum){sum_get(credit->all), sum_get(credit->all_value),
        sum_get(credit->nobody), sum_get(credit->nobody_value)};
}

static int markov(const struct stats_credit *c, double *conversions_out, double *value_out,
    struct base_err *err) {
    double probability;
    double *removal = base_alloc_array(c->channels + 1, sizeof *removal);
    int rc = stats_credit_removal(c, &probability, removal, err);
    double sum = 0;
    for (size_t i = 0; i < c->channels; i++) {
        sum += removal[i];
    }
    struct stats_credit_sum total;
    stats_credit_total(c, &total);
    for (size_t i = 0; rc == 0 && i < c->channels; i++) {
        double share = sum > 0 ? removal[i] / sum : 0;
        conversions_out[i] = share * (total.conversions - total.nobody_conversions);
        if (value_out) {
            value_out[i] = share * (total.value - total.nobody_value);
        }
    }
    base_free(removal);
    return rc;
}

int stats_credit_result(const struct stats_credit *c, enum stats_credit_model model,
    double *conversions_out, double *value_out, struct base_err *err) {
    if (!wants(c, model)) {
        return base_err_set(
            err, LANTOA_EINVAL, TR("the model %s was not computed"), stats_credit_name(model));
    }
    if (model == STATS_CREDIT_MARKOV) {
        return markov(c, conversions_out, value_out, err);
    }
    for (size_t i = 0; i < c->channels; i++) {
        size_t at = (size_t)model * (c->channels + 1) + i;
        conversions_out[i] = sum_get(c->conversions[at]);
        if (value_out) {
            value_out[i] = sum_get(c->value[at]);
        }
    }
    return 0;
}

size_t stats_credit_window(struct stats_touch *touches, size_t count, double day,
    const double *window_days, size_t channels) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct stats_touch touch = touches[i];
        double window = touch.channel < channels ? window_days[touch.channel] : -1;
        if (touch.day <= day && (window < 0 || day - touch.day <= window)) {
            touches[kept++] = touch;
        }
    }
    return kept;
}
