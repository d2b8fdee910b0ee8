/* The good case: messages through a real host to the outbox and back. */
#include "rig.h"

#define OUTBOX "{\"name\": \"thu\", \"plugin\": \"outbox\", \"options\": {\"dir\": \"out\"}}"

static void sends_and_tells(void **state) {
    (void)state;
    struct rig rig;
    rig_open(&rig);
    struct rig_channel *ch = rig_start(&rig, OUTBOX);
    rig_send(ch, 3000);
    RIG_UNTIL(&rig, ch->ended == 3000);
    rig_check_once(ch);
    assert_int_equal(ch->by_outcome[LANTOA_SENT], 3000);
    assert_int_equal(rig_files(&rig, "out/chien-dich/thu-1"), 3000);
    assert_int_equal(ch->recovered, 1);
    assert_false(ch->trusted);
    RIG_UNTIL(&rig, channel_room(ch->channel) == 1050);
    rig_stop(ch);
    rig_free(&ch);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_and_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
