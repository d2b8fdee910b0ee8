/* The id table against a plain array. */
#include "base/hash.h"
#include "base/idmap.h"
#include "support.h"

#define MOST 500
#define IDS 2000

static void agrees_with_an_array(void **state) {
    (void)state;
    struct base_idmap *map = base_idmap_new(MOST);
    static uint32_t expected[IDS]; /* value + 1; 0: absent */
    size_t count = 0;
    for (int round = 0; round < 200000; round++) {
        uint32_t noise[2];
        base_random(noise, sizeof(noise));
        uint64_t id = noise[0] % IDS;
        uint32_t value = noise[1] % 1000, found = 0;
        /* Ids that differ in their high half only, too. */
        uint64_t key = id % 2 ? id : id << 40;
        if (noise[1] & 0x80000000u && count < MOST) {
            assert_int_equal(base_idmap_add(map, key, value), expected[id] == 0);
            count += expected[id] == 0;
            expected[id] = expected[id] ? expected[id] : value + 1;
        } else {
            assert_int_equal(base_idmap_remove(map, key), expected[id] != 0);
            count -= expected[id] != 0;
            expected[id] = 0;
        }
        uint64_t other = noise[1] % IDS;
        bool there = base_idmap_find(map, other % 2 ? other : other << 40, &found);
        assert_int_equal(there, expected[other] != 0);
        if (there) {
            assert_int_equal(found + 1, expected[other]);
        }
    }
    base_idmap_free(&map);
    assert_null(map);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_an_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
