/* Plugins that misbehave: each costs its own host only. What is told of every message is exactly
 * what is known, and another channel on the same loop goes on. */
#include "rig.h"

#define OUTBOX                                                                                     \
    "{\"name\": \"good\", \"plugin\": \"outbox\", \"options\": {\"dir\": \"good\", \"delay_ms\": " \
    "2}, \"window\": 20}"
#define BAD(plugin, options, more)                                                                 \
    "{\"name\": \"bad\", \"plugin\": \"" plugin "\", \"options\": {" options                       \
    "}, \"window\": 10" more "}"
#define HANDED 200

struct fault {
    const char *spec;
    const char *reason; /* a part of what staff read */
    size_t sent;
    size_t unknown_least, unknown_most;
};

static const struct fault faults[] = {
    {BAD("crash-send", "\"after\": 25", ""), "signal 6", 25, 1, 1},
    {BAD("hang", "\"after\": 5", ", \"watchdog_s\": 1"), "not answered for 1 s", 5, 1, 1},
    {BAD("garbage-frame", "\"after\": 25", ""), "no frame", 0, 0, 10},
    {BAD("partial-frame", "\"after\": 25, \"how\": \"exit\"", ""), "middle of a frame", 25, 0, 0},
    {BAD("partial-frame", "\"after\": 25, \"how\": \"stay\"", ""), "RESULTS", 0, 0, 10},
    {BAD("double-result", "\"after\": 25", ""), "second result for message 26", 26, 0, 0},
    {BAD("no-result", "\"after\": 5", ", \"timeout_s\": 1"), "no result for message", 5, 10, 10},
    {BAD("no-result", "\"after\": 5, \"how\": \"silent\"", ", \"timeout_s\": 1"),
        "no result for message", 5, 0, 0},
    {BAD("leak", "\"after\": 5", ", \"memory_mb\": 16"), "", 5, 1, 10},
    {BAD("lies", "\"after\": 25, \"how\": \"unsent\"", ""), "never began", 25, 0, 0},
    {BAD("lies", "\"after\": 25, \"how\": \"unknown\"", ""), "not given", 25, 0, 0},
    {BAD("lies", "\"after\": 25, \"how\": \"foreign\"", ""), "not given", 25, 0, 0},
    {BAD("lies", "\"after\": 25, \"how\": \"twice\"", ""), "message 26 twice", 25, 1, 1},
    {BAD("lies", "\"after\": 25, \"how\": \"outcome\"", ""), "does not exist", 25, 0, 0},
    {BAD("gives-up", "\"after\": 25", ""), "account is closed", 25, 0, 0},
};

static void check_fault(const struct fault *fault) {
    struct rig rig;
    rig_open(&rig);
    struct rig_channel *good = rig_start(&rig, OUTBOX);
    struct rig_channel *bad = rig_start(&rig, fault->spec);
    rig_send(good, 500);
    rig_send(bad, HANDED);
    RIG_UNTIL(&rig, bad->ended == HANDED && bad->backoffs >= 1);
    rig_check_once(bad);
    if (!strstr(bad->reason, fault->reason)) {
        fail_msg("%s: \"%s\" is not in \"%s\"", fault->spec, fault->reason, bad->reason);
    }
    assert_in_range(bad->by_outcome[LANTOA_UNKNOWN], fault->unknown_least, fault->unknown_most);
    if (fault->sent > 0) {
        assert_int_equal(bad->by_outcome[LANTOA_SENT], fault->sent);
    }
    assert_int_equal(bad->by_outcome[LANTOA_REFUSED], 0);
    /* It is started again, and takes messages again. */
    size_t ready = bad->ready;
    RIG_UNTIL(&rig, bad->ready > ready || channel_state(bad->channel) == CHANNEL_READY);
    rig_send(bad, 5);
    RIG_UNTIL(&rig, bad->ended == HANDED + 5);
    rig_check_once(bad);
    /* Meanwhile nothing has happened to the other. */
    RIG_UNTIL(&rig, good->ended == 500);
    rig_check_once(good);
    assert_int_equal(good->by_outcome[LANTOA_SENT], 500);
    assert_int_equal(good->backoffs, 0);
    assert_int_equal(rig_files(&rig, "good/chien-dich/thu-1"), 500);
    rig_stop(bad);
    rig_stop(good);
    rig_free(&bad);
    rig_free(&good);
    rig_close(&rig);
}

static void each_fault_costs_its_own_host_only(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        check_fault(&faults[i]);
    }
}

static void a_crash_at_the_start_parks_the_channel(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct rig_channel *bad = rig_start(&rig, BAD("crash-start", "", ""));
    rig_send(bad, 10);
    RIG_UNTIL(&rig, channel_state(bad->channel) == CHANNEL_PARKED);
    assert_int_equal(bad->backoffs, 7);
    assert_non_null(strstr(channel_parked_reason(bad->channel), "signal 6"));
    assert_int_equal(bad->ended, 0);
    assert_int_equal(channel_room(bad->channel), 0);
    /* Staff may start it again. */
    channel_start(bad->channel);
    assert_int_equal(channel_state(bad->channel), CHANNEL_STARTING);
    RIG_UNTIL(&rig, bad->backoffs > 7);
    rig_stop(bad);
    rig_free(&bad);
    rig_close(&rig);
}

static void a_plugin_that_gives_up_is_parked_at_the_third(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct rig_channel *bad = rig_start(&rig, BAD("gives-up", "\"after\": 0", ""));
    RIG_UNTIL(&rig, channel_state(bad->channel) == CHANNEL_PARKED);
    assert_int_equal(bad->backoffs, 2);
    assert_string_equal(channel_parked_reason(bad->channel), "wrong password for the gateway");
    /* New settings are tried at once. */
    struct channel_spec *spec = NULL;
    struct channel_manifest *manifest = NULL;
    rig_spec(BAD("gives-up", "\"after\": 100", ""), &spec, &manifest);
    channel_reconfigure(bad->channel, spec, manifest);
    RIG_UNTIL(&rig, channel_state(bad->channel) == CHANNEL_READY);
    assert_null(channel_parked_reason(bad->channel));
    rig_stop(bad);
    rig_free(&bad);
    rig_close(&rig);
}

static void eight_deaths_without_a_message_park_and_one_message_resets(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct rig_channel *bad = rig_start(&rig, BAD("crash-send", "\"after\": 1", ""));
    /* Each life sends one message and dies of the next: that never parks it. */
    for (size_t round = 0; round < 12; round++) {
        RIG_UNTIL(&rig, channel_state(bad->channel) == CHANNEL_READY);
        size_t ended = bad->ended;
        rig_send(bad, 2);
        RIG_UNTIL(&rig, bad->ended == ended + 2);
        RIG_UNTIL(&rig, bad->backoffs == round + 1);
    }
    assert_int_equal(bad->parked, 0);
    assert_int_equal(bad->by_outcome[LANTOA_SENT], 12);
    assert_int_equal(bad->by_outcome[LANTOA_UNKNOWN], 12);
    rig_check_once(bad);
    rig_stop(bad);
    rig_free(&bad);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_costs_its_own_host_only),
        cmocka_unit_test(a_crash_at_the_start_parks_the_channel),
        cmocka_unit_test(a_plugin_that_gives_up_is_parked_at_the_third),
        cmocka_unit_test(eight_deaths_without_a_message_park_and_one_message_resets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
