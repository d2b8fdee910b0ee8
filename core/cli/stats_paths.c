/* `lantoa stats paths` and `lantoa stats shapley`: attribution. */
#include "cli/stats_verbs.h"

#include "base/tr.h"

static int read_models(struct cli *cli, unsigned *models_out) {
    const char **names = NULL;
    size_t count = cli_option_all(cli, "model", &names);
    int rc = 0;
    *models_out = count == 0 ? (1U << STATS_CREDIT_MODELS) - 1 : 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        enum stats_credit_model model;
        rc = stats_credit_model_parse(names[i], &model, &cli->err);
        if (rc == 0) {
            *models_out |= 1U << model;
        }
    }
    base_free(names);
    return rc;
}

/* name NULL: nobody's. */
static json_t *say_credit(struct stats_say *say, enum stats_credit_model model, const char *name,
    double credit, double value, double all) {
    char *label = base_printf("%s: %s", stats_credit_name(model), name ? name : TR("nobody's"));
    json_t *row = stats_say_figure(say, label, STATS_SAY_NUMBER, credit);
    json_object_set_new(row, "name", json_string(stats_credit_name(model)));
    json_object_set_new(row, "channel", name ? json_string(name) : json_null());
    json_object_set_new(row, "value", stats_say_json(value));
    json_object_set_new(row, "share", all > 0 ? json_real(credit / all) : json_null());
    base_free(label);
    return row;
}

static int say_model(struct cli *cli, struct stats_say *say, enum stats_credit_model model,
    const struct stats_paths_file *file) {
    size_t channels = file->channels.count;
    double *credit = base_alloc_array(3 * channels + 1, sizeof *credit);
    double *value = credit + channels;
    double *removal = credit + 2 * channels;
    double probability = 0;
    struct stats_credit_sum total;
    stats_credit_total(file->credit, &total);
    int rc = stats_credit_result(file->credit, model, credit, value, &cli->err);
    if (rc == 0 && model == STATS_CREDIT_MARKOV) {
        rc = stats_credit_removal(file->credit, &probability, removal, &cli->err);
    }
    for (size_t i = 0; rc == 0 && i < channels; i++) {
        json_t *row =
            say_credit(say, model, file->channels.name[i], credit[i], value[i], total.conversions);
        if (model == STATS_CREDIT_MARKOV) {
            json_object_set_new(row, "removal", stats_say_json(removal[i]));
        }
    }
    if (rc == 0) {
        say_credit(
            say, model, NULL, total.nobody_conversions, total.nobody_value, total.conversions);
    }
    if (rc == 0 && model == STATS_CREDIT_MARKOV) {
        stats_say_figure(say, "markov_probability", STATS_SAY_NUMBER, probability);
    }
    base_free(credit);
    return rc;
}

int stats_paths_verb(struct cli *cli) {
    struct stats_paths_options options = {0};
    struct stats_source source = {.path = cli->args[0]};
    struct stats_paths_file file = {0};
    const char **map = NULL;
    const char **windows = NULL;
    source.map_count = cli_option_all(cli, "map", &map);
    source.map = map;
    options.window_count = cli_option_all(cli, "window", &windows);
    options.windows = windows;
    int rc = read_models(cli, &options.models);
    rc = rc ? rc : stats_option(cli, "half-life", STATS_HALF_LIFE_DAYS, &options.half_life);
    rc = rc ? rc : audience_csv_open(cli->args[0], &source.csv, &cli->err);
    rc = rc ? rc : stats_read_paths(&source, &options, &file, &cli->err);
    if (rc == 0) {
        struct stats_say say;
        struct stats_credit_sum total;
        stats_say_init(cli, STATS_LEVEL, &say);
        stats_credit_total(file.credit, &total);
        stats_say_figure(&say, "conversions", STATS_SAY_NUMBER, total.conversions);
        for (unsigned m = 0; rc == 0 && m < STATS_CREDIT_MODELS; m++) {
            if (options.models & 1U << m) {
                rc = say_model(cli, &say, (enum stats_credit_model)m, &file);
            }
        }
        if (options.models & 1U << STATS_CREDIT_ANY) {
            stats_say_words(&say, "%s",
                TR("The model \"any\" gives each channel the whole conversion: its rows do not add "
                   "up, those of the others do."));
        }
        rc = stats_say_end(&say, rc);
    }
    stats_paths_file_release(&file);
    base_free(map);
    base_free(windows);
    return rc;
}

int stats_shapley_verb(struct cli *cli) {
    struct stats_source source = {.path = cli->args[0]};
    struct stats_game_file file = {0};
    const char **map = NULL;
    double shares[STATS_SHAPLEY_MAX];
    source.map_count = cli_option_all(cli, "map", &map);
    source.map = map;
    int rc = audience_csv_open(cli->args[0], &source.csv, &cli->err);
    rc = rc ? rc : stats_read_game(&source, &file, &cli->err);
    rc = rc ? rc : stats_shapley(file.values, file.channels.count, shares, &cli->err);
    if (rc == 0) {
        struct stats_say say;
        stats_say_init(cli, STATS_LEVEL, &say);
        for (size_t i = 0; i < file.channels.count; i++) {
            json_t *row =
                stats_say_figure(&say, file.channels.name[i], STATS_SAY_NUMBER, shares[i]);
            json_object_set_new(row, "name", json_string("shapley"));
            json_object_set_new(row, "channel", json_string(file.channels.name[i]));
        }
        rc = stats_say_end(&say, 0);
    }
    stats_game_file_release(&file);
    base_free(map);
    return rc;
}
