/* The airtime planner on a country of 2,193 stations: three campaigns ask for four airings a day
 * over thirty days on every station, in windows of 25 minutes morning and evening. usage: airtime
 * STATIONS; prints {"n": airings, "secs": ...} of the planning alone. */
#include "delivery/airtime.h"
#include "base/mem.h"
#include "base/parse.h"
#include <stdio.h>
#include <time.h>

enum { DAYS = 30, CAMPAIGNS = 3 };
static const int per_day[CAMPAIGNS] = {2, 1, 1};

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int measure(size_t count) {
    static const struct airtime_span windows[] = {
        {300, 325, AIRTIME_ALL_DAYS}, {1020, 1045, AIRTIME_ALL_DAYS}};
    static const struct airtime_span quiet[] = {{22 * 60, 5 * 60, AIRTIME_ALL_DAYS}};
    struct airtime_station *stations = base_alloc_array(count, sizeof *stations);
    size_t *all = base_alloc_array(count, sizeof *all);
    struct airtime_material *materials = base_alloc_array(2 * count, sizeof *materials);
    struct airtime_request requests[CAMPAIGNS];
    struct airtime_plan plan;
    struct base_err err = {0};
    for (size_t i = 0; i < count; i++) {
        stations[i] = (struct airtime_station){(int64_t)i + 1, windows, quiet, 2, 1, 45 * 60};
        all[i] = i;
        materials[2 * i] = (struct airtime_material){1, 60 + (int64_t)(i % 60)};
        materials[2 * i + 1] = (struct airtime_material){2, 90};
    }
    for (size_t i = 0; i < CAMPAIGNS; i++) {
        requests[i] = (struct airtime_request){.id = (int64_t)i + 1,
            .campaign = (int64_t)i + 1,
            .priority = AIRTIME_NORMAL,
            .first_day = 20789,
            .last_day = 20789 + DAYS - 1,
            .per_day = per_day[i],
            .gap_s = 7200,
            .rotation = AIRTIME_IN_TURN,
            .material_count = 2,
            .stations = all,
            .station_count = count,
            .materials = materials};
    }
    const struct airtime_input in = {stations, count, requests, CAMPAIGNS, NULL, 0};
    double start = now_s();
    int rc = airtime_plan(&in, &plan, &err);
    double secs = now_s() - start;
    if (rc != 0 || plan.airing_count != count * DAYS * 4) {
        fprintf(stderr, "airtime: %zu airings, %s\n", plan.airing_count, err.text);
        return 1;
    }
    printf("{\"n\": %zu, \"secs\": %.4f}\n", plan.airing_count, secs);
    airtime_plan_release(&plan);
    base_free(stations);
    base_free(all);
    base_free(materials);
    return 0;
}

int main(int argc, char **argv) {
    int64_t count;
    if (argc != 2 || base_parse_i64(str_from(argv[1]), &count) != 0 || count < 1 ||
        count > 1000000) {
        fprintf(stderr, "usage: airtime STATIONS\n");
        return 2;
    }
    return measure((size_t)count);
}
