/* Outlets: what an import takes and refuses, its undoing, expressions, reach. */
#include "audience/fixture.h"
#include "audience/outlet.h"

#define HEAD                                                                                       \
    "code,name,kind,owner,place_code,coverage,households,windows,minutes_per_day,device,channel"
#define HEAD_MORE HEAD ",quiet,languages,state\n"

static int setup(void **state) {
    assert_int_equal(fixture_setup(state), 0);
    struct fixture *f = *state;
    import_ok(f, place_import,
        "code,name,level,parent,valid_from\n"
        "24,Tỉnh Bắc Ninh,province,,2025-07-01\n"
        "07450,Xã Lục Ngạn,commune,24,2025-07-01\n"
        "07500,Xã Yên Thế,commune,24,2025-07-01\n"
        "0745001,Thôn Một,village,07450,2025-07-01\n"
        "0745002,Thôn Hai,village,07450,2025-07-01\n");
    run_sql(f, "INSERT INTO channel (name, plugin, spec, manifest, kind, address, state, "
               "changed_at) VALUES ('loa', 'loudspeaker', '{}', '{}', 'loudspeaker', 4, 'ready', "
               "0), ('mail', 'email', '{}', '{}', 'email', 2, 'ready', 0)");
    return 0;
}

static void stations(struct fixture *f) {
    import_ok(f, outlet_import,
        HEAD_MORE
        "LN-1,Trạm Lục Ngạn,station,commune,07450,,1200,mo-su 05:00-05:30; mo-fr 17:00-17:30,45,"
        "icecast://a/1,loa,,vi; nut,\n"
        "LN-2,Cụm Thôn Một,cụm,thôn,0745001,0745001:320; 0745002:150,,t2-t6 17h-17h30,15,"
        "device:2,loa,21:00-05:30,nut,\n"
        "YT-1,Trạm Yên Thế,trạm,xã,07500,07500;0745002,901,\"sa,su 06:00-07:00\",,,loa,,,\n");
    assert_outcome(f, 3, 0, 0, 0);
}

static struct outlet_set *query(struct fixture *f, const char *where) {
    struct outlet_set *set = NULL;
    struct outlet_filter filter = {.where = str_from(where)};
    if (outlet_query(f->db, &filter, &set, NULL, &f->err)) {
        fail_msg("%s: %s", where, f->err.text);
    }
    return set;
}

/* --- import --- */

static void test_takes(void **state) {
    struct fixture *f = *state;
    stations(f);
    struct outlet_set *set = query(f, "all");
    assert_int_equal(outlet_set_count(set), 3);
    const struct outlet *first = outlet_set_at(set, 0), *second = outlet_set_at(set, 1);
    assert_string_equal(first->code, "LN-1");
    assert_int_equal(first->kind, OUTLET_STATION);
    assert_int_equal(first->window_count, 2);
    assert_int_equal(first->windows[0].days, OUTLET_ALL_DAYS);
    assert_int_equal(first->windows[1].days, 0x1f);
    assert_int_equal(first->windows[1].from_min, 17 * 60);
    assert_int_equal(first->quiet_count, 2); /* 22:00-24:00 and 00:00-05:00 of the rules */
    assert_int_equal(first->quiet[1].to_min, 5 * 60);
    assert_int_equal(first->language_count, 2);
    assert_string_equal(first->languages[1], "nut");
    assert_string_equal(first->place, "Xã Lục Ngạn");
    assert_int_equal(second->kind, OUTLET_CLUSTER);
    assert_int_equal(second->owner, OUTLET_VILLAGE);
    assert_int_equal(second->households, 470);
    assert_int_equal(second->quiet[1].to_min, 5 * 60 + 30);
    assert_int_equal(outlet_set_at(set, 2)->minutes_per_day, 45); /* of the rules */
    assert_string_equal(outlet_set_at(set, 2)->languages[0], "vi");
    assert_null(outlet_set_at(set, 2)->device);
    assert_ptr_equal(outlet_set_find(set, second->id), second);
    assert_null(outlet_set_find(set, 99));
    outlet_set_free(&set);
    assert_int_equal(
        number(f, "SELECT households FROM outlet_coverage WHERE outlet_id = 3 AND share = 1 ORDER "
                  "BY place_id LIMIT 1"),
        451);
}

static void test_again_changes_nothing(void **state) {
    struct fixture *f = *state;
    stations(f);
    struct audience_import options = options_of(f);
    assert_int_equal(outlet_import(f->db, &options, &f->outcome, &f->err), 0);
    assert_outcome(f, 0, 0, 3, 0);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM outlet_before"), 0);
}

static void test_refuses(void **state) {
    struct fixture *f = *state;
    stations(f);
    static const struct {
        const char *row, *field, *reason;
    } cases[] = {
        {"A,A,station,commune,07450,,10,,45,,loa,,,", "windows", "a broadcast window is needed"},
        {"A,A,station,commune,07450,,10,mo-su 04:30-05:00,45,,loa,,,", "windows",
            "mo-su 04:30-05:00 lies in the quiet hours"},
        {"A,A,station,commune,07450,,10,mo-su 05:30-06:00,45,,loa,\"20:00-05:45\",,", "windows",
            "quiet hours"},
        {"A,A,station,commune,07450,,10,mo-su 06:00-05:00,45,,loa,,,", "windows",
            "ends before it begins"},
        {"A,A,station,commune,07450,,10,mo-xx 06:00-07:00,45,,loa,,,", "windows", "not days"},
        {"A,A,station,commune,07450,,10,06:00-07:00; fr 06:30-08:00,45,,loa,,,", "windows",
            "lies over another window"},
        {"A,A,station,commune,07450,,10,25:00-26:00,45,,loa,,,", "windows", "not a time"},
        {"A,A,station,commune,07450,,10,06:00-07:00,0,,loa,,,", "minutes_per_day", "no minutes"},
        {"A,A,station,commune,07450,,10,06:00-07:00,-3,,loa,,,", "minutes_per_day", "from 0 to"},
        {"A,A,station,commune,99999,,10,06:00-07:00,45,,loa,,,", "place_code", "99999"},
        {"A,A,station,commune,07450,07450;88888,10,06:00-07:00,45,,loa,,,", "coverage", "88888"},
        {"A,A,station,commune,07450,07450;07450,10,06:00-07:00,45,,loa,,,", "coverage", "twice"},
        {"A,A,station,commune,07450,07450:x,10,06:00-07:00,45,,loa,,,", "coverage", "households"},
        {"A,A,station,commune,07450,07450:5;07500,10,06:00-07:00,45,,loa,,,", "coverage",
            "all or none"},
        {"A,A,station,commune,07450,07450:5,10,06:00-07:00,45,,loa,,,", "households",
            "adds up to 5"},
        {"A,A,station,commune,07450,,10,06:00-07:00,45,icecast://a/1,loa,,,", "device",
            "outlet LN-1 has this device"},
        {"A,A,station,commune,07450,,10,06:00-07:00,45,,loo,,,", "channel", "did you mean 'loa'"},
        {"A,A,station,commune,07450,,10,06:00-07:00,45,,mail,,,", "channel", "speaks to people"},
        {"A,A,horn,commune,07450,,10,06:00-07:00,45,,loa,,,", "kind", "station or cluster"},
        {"A,A,station,me,07450,,10,06:00-07:00,45,,loa,,,", "owner", "commune or village"},
        {"A,A,station,commune,07450,,10,06:00-07:00,45,,loa,,klingon-,", "languages", "language"},
        {",A,station,commune,07450,,10,06:00-07:00,45,,loa,,,", "code", "a code is needed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1000];
        (void)snprintf(text, sizeof text, HEAD_MORE "%s\n", cases[i].row);
        import_ok(f, outlet_import, text);
        assert_outcome(f, 0, 0, 0, 1);
        assert_has(rejects_of(f), cases[i].reason);
        char field[64];
        (void)snprintf(field, sizeof field, "2,\"%s\",", cases[i].field);
        assert_has(rejects_of(f), field);
    }
    assert_int_equal(number(f, "SELECT COUNT(*) FROM outlet"), 3);
}

static void test_two_in_one_file(void **state) {
    struct fixture *f = *state;
    import_ok(f, outlet_import,
        HEAD "\nA,A,station,commune,07450,,10,06:00-07:00,45,d,loa\n"
             "B,B,station,commune,07450,,10,06:00-07:00,45,d,loa\n"
             "A,A,station,commune,07450,,11,06:00-07:00,45,,loa\n");
    assert_outcome(f, 1, 0, 0, 2);
    assert_has(rejects_of(f), "3,\"device\",\"d\",\"outlet A has this device");
    assert_has(rejects_of(f), "4,\"code\",\"A\",\"the same code stands in line 2");
}

static void test_dry_run(void **state) {
    struct fixture *f = *state;
    stations(f);
    write_bytes(f->csv, HEAD "\nLN-1,X,station,commune,07450,,9,06:00-07:00,45,,loa\n",
        strlen(HEAD "\nLN-1,X,station,commune,07450,,9,06:00-07:00,45,,loa\n"));
    struct audience_import options = options_of(f);
    options.dry_run = true;
    assert_int_equal(outlet_import(f->db, &options, &f->outcome, &f->err), 0);
    assert_outcome(f, 0, 1, 0, 0);
    assert_string_equal(text_of(f, "SELECT name FROM outlet WHERE code = 'LN-1'"), "Trạm Lục Ngạn");
}

/* --- undo --- */

static void test_undo(void **state) {
    struct fixture *f = *state;
    stations(f);
    int64_t first = f->outcome.batch_id;
    struct outlet_undo_outcome undone;
    char before[4096];
    (void)snprintf(before, sizeof before, "%s",
        text_of(f, "SELECT name || windows || households || device FROM outlet WHERE id = 2"));
    import_ok(f, outlet_import,
        HEAD "\nLN-2,New,station,commune,07500,,9,06:00-07:00,45,,loa\n"
             "N,N,station,commune,07450,,9,06:00-07:00,45,,loa\n");
    assert_outcome(f, 1, 1, 0, 0);
    int64_t second = f->outcome.batch_id;

    assert_int_equal(outlet_undo(f->db, second, &undone, &f->err), 0);
    assert_int_equal(undone.deleted, 1);
    assert_int_equal(undone.restored, 1);
    assert_string_equal(
        text_of(f, "SELECT name || windows || households || device FROM outlet WHERE id = 2"),
        before);
    assert_int_equal(
        number(f, "SELECT COUNT(*) FROM outlet_coverage WHERE outlet_id = 2 AND households = 320"),
        1);
    assert_int_equal(outlet_undo(f->db, second, &undone, &f->err), LANTOA_ESTATE);
    assert_int_equal(outlet_undo(f->db, first, &undone, &f->err), 0);
    assert_int_equal(undone.deleted, 3);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM outlet_coverage"), 0);
    assert_int_equal(outlet_undo(f->db, 999, &undone, &f->err), LANTOA_ENOENT);
}

static void test_undo_keeps_what_came_later(void **state) {
    struct fixture *f = *state;
    stations(f);
    int64_t first = f->outcome.batch_id;
    struct outlet_undo_outcome undone;
    import_ok(f, outlet_import, HEAD "\nLN-2,New,station,commune,07500,,9,06:00-07:00,45,,loa\n");
    assert_int_equal(outlet_undo(f->db, first, &undone, &f->err), 0);
    assert_int_equal(undone.deleted, 2);
    assert_int_equal(undone.kept, 1);
    assert_string_equal(text_of(f, "SELECT name FROM outlet"), "New");
}

static void test_undo_gives_devices_back(void **state) {
    struct fixture *f = *state;
    stations(f);
    struct outlet_undo_outcome undone;
    import_ok(f, outlet_import, HEAD "\nLN-2,Two,cluster,village,0745001,,9,17:00-17:30,9,,loa\n");
    import_ok(f, outlet_import,
        HEAD "\nLN-1,One,station,commune,07450,,9,06:00-07:00,45,device:2,loa\n"
             "LN-2,Two,cluster,village,0745001,,9,17:00-17:30,9,icecast://a/1,loa\n");
    assert_outcome(f, 0, 2, 0, 0);
    assert_int_equal(outlet_undo(f->db, f->outcome.batch_id, &undone, &f->err), 0);
    assert_string_equal(text_of(f, "SELECT device FROM outlet WHERE id = 1"), "icecast://a/1");
    assert_string_equal(text_of(f, "SELECT device FROM outlet WHERE id = 2"), "(null)");
}

/* --- expressions --- */

static void test_where(void **state) {
    struct fixture *f = *state;
    stations(f);
    static const struct {
        const char *where, *codes;
    } cases[] = {{"all", "LN-1 LN-2 YT-1 "}, {"kind = 'station'", "LN-1 YT-1 "},
        {"kind != 'trạm'", "LN-2 "}, {"kind in ('station', 'cluster')", "LN-1 LN-2 YT-1 "},
        {"owner = 'village'", "LN-2 "}, {"place under 'Lục Ngạn'", "LN-1 LN-2 "},
        {"place under 'Lục Ngạn' and kind = 'station'", "LN-1 "}, {"place = 'Yên Thế'", "YT-1 "},
        {"covers under 'Lục Ngạn'", "LN-1 LN-2 YT-1 "}, {"not covers under 'Lục Ngạn'", ""},
        {"covers = 'Thôn Hai'", "LN-2 YT-1 "}, {"households >= 901", "LN-1 YT-1 "},
        {"households between 400 and 500", "LN-2 "}, {"households in (470, 1200)", "LN-1 LN-2 "},
        {"not households > 900", "LN-2 "}, {"minutes_per_day < 20", "LN-2 "},
        {"language = 'nut'", "LN-1 LN-2 "}, {"language = 'tiếng Việt'", "LN-1 YT-1 "},
        {"language != 'vi'", "LN-2 "}, {"language in ('en', 'nut')", "LN-1 LN-2 "},
        {"name ~ 'TRAM luc ngan'", "LN-1 "}, {"name starts with 'Trạm'", "LN-1 YT-1 "},
        {"device is empty", "YT-1 "},
        {"code in ('LN-1', 'YT-1') or code = 'LN-2'", "LN-1 LN-2 YT-1 "},
        {"channel = 'loa' and not (code > 'M')", "LN-1 LN-2 "}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct outlet_set *set = query(f, cases[i].where);
        char codes[100] = "";
        for (size_t k = 0; k < outlet_set_count(set); k++) {
            size_t at = strlen(codes);
            (void)snprintf(codes + at, sizeof codes - at, "%s ", outlet_set_at(set, k)->code);
        }
        outlet_set_free(&set);
        if (strcmp(codes, cases[i].codes) != 0) {
            fail_msg("%s: %s, not %s", cases[i].where, codes, cases[i].codes);
        }
    }
}

static void test_where_faults(void **state) {
    struct fixture *f = *state;
    stations(f);
    static const struct {
        const char *where;
        int column;
        const char *part;
    } cases[] = {{"all and onwer = 'village'", 9, "did you mean 'owner'"},
        {"kind = 'horn'", 8, "'station' or 'cluster'"}, {"kind < 'station'", 6, "makes no sense"},
        {"households = '5'", 14, "number"}, {"households starts with '5'", 12, "makes no sense"},
        {"language ~ 'vi'", 10, "makes no sense"}, {"place under 'Nowhere'", 13, "Nowhere"},
        {"enrolled", 1, "unknown field"}, {"age > 5", 1, "unknown field"},
        {"segment 'x'", 1, "unknown field"}, {"owner = 'commune' and", 22, "ends here"},
        {"code > 5", 8, "text in quotes"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int column = 0;
        f->err = (struct base_err){0};
        if (outlet_where_check(f->db, str_from(cases[i].where), &column, &f->err) == 0) {
            fail_msg("%s was taken", cases[i].where);
        }
        assert_has(f->err.text, cases[i].part);
        if (column != cases[i].column) {
            fail_msg("%s: column %d: %s", cases[i].where, column, f->err.text);
        }
    }
}

static void test_filter(void **state) {
    struct fixture *f = *state;
    stations(f);
    run_sql(f, "UPDATE outlet SET state = 'retired' WHERE code = 'YT-1'");
    struct outlet_set *set = NULL;
    int64_t village = number(f, "SELECT id FROM place WHERE code = '0745002'");
    struct outlet_filter filter = {.place_ids = &village, .place_count = 1};
    assert_int_equal(outlet_query(f->db, &filter, &set, NULL, &f->err), 0);
    assert_int_equal(outlet_set_count(set), 1);
    outlet_set_free(&set);
    filter.with_retired = true;
    assert_int_equal(outlet_query(f->db, &filter, &set, NULL, &f->err), 0);
    assert_int_equal(outlet_set_count(set), 2);
    outlet_set_free(&set);
    filter = (struct outlet_filter){.id = 3};
    assert_int_equal(outlet_query(f->db, &filter, &set, NULL, &f->err), 0);
    assert_true(outlet_set_at(set, 0)->retired);
    outlet_set_free(&set);
    filter = (struct outlet_filter){.channel = "mail"};
    assert_int_equal(outlet_query(f->db, &filter, &set, NULL, &f->err), 0);
    assert_int_equal(outlet_set_count(set), 0);
    outlet_set_free(&set);
}

/* --- reach --- */

/* LN-1 covers the commune: 1200. LN-2 covers two of its villages, 320 and 150; YT-1 its own
 * commune, 451, and one of those villages, 450. */
static void test_reach(void **state) {
    struct fixture *f = *state;
    stations(f);
    static const struct {
        int64_t ids[3];
        size_t count;
        int64_t households;
    } cases[] = {{{1}, 1, 1200}, {{2}, 1, 470}, {{1, 2}, 2, 1200}, {{2, 3}, 2, 320 + 450 + 451},
        {{3}, 1, 901}, {{1, 2, 3}, 3, 1200 + 451}, {{0}, 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t households = -1;
        assert_int_equal(
            outlet_reach(f->db, cases[i].ids, cases[i].count, &households, &f->err), 0);
        assert_int_equal(households, cases[i].households);
    }
}

/* --- windows and rules --- */

static void test_windows(void **state) {
    (void)state;
    static const struct {
        const char *text, *again; /* again NULL: refused */
        enum outlet_wrap wraps;
    } cases[] = {{"mo-su 05:00-05:30", "mo-su 05:00-05:30", OUTLET_NO_WRAP},
        {" 5h-5h30 ;; T2-T6 17:00 - 17:30;", "mo-su 05:00-05:30; mo-fr 17:00-17:30",
            OUTLET_NO_WRAP},
        {"cn,t7 6:00\xe2\x80\x93"
         "7h",
            "sa,su 06:00-07:00", OUTLET_NO_WRAP},
        {"sa-mo 06:00-24:00", "mo,sa,su 06:00-24:00", OUTLET_NO_WRAP},
        {"mo,we-fr 06:00-07:00", "mo,we-fr 06:00-07:00", OUTLET_NO_WRAP},
        {"22:00-05:00", "mo-su 22:00-24:00; mo-su 00:00-05:00", OUTLET_WRAP},
        {"fr 22:00-24:00", "fr 22:00-24:00", OUTLET_WRAP},
        {"su 22:00-05:00", "su 22:00-24:00; mo 00:00-05:00", OUTLET_WRAP},
        {"22:00-05:00", NULL, OUTLET_NO_WRAP}, {"05:00", NULL, OUTLET_NO_WRAP},
        {"05:00-05:60", NULL, OUTLET_NO_WRAP}, {"24:00-24:00", NULL, OUTLET_WRAP},
        {"mo- 05:00-06:00", "mo 05:00-06:00", OUTLET_NO_WRAP},
        {"-mo 05:00-06:00", NULL, OUTLET_NO_WRAP}, {"5:0-6:00", NULL, OUTLET_NO_WRAP},
        {"05:00-06:00 x", NULL, OUTLET_NO_WRAP}, {"", "", OUTLET_NO_WRAP},
        {"mo mo 05:00-06:00", NULL, OUTLET_NO_WRAP}, {"99999999999:00-06:00", NULL, OUTLET_WRAP}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct outlet_window windows[OUTLET_WINDOWS_MAX];
        size_t count = 0;
        struct base_err err = {0};
        int rc =
            outlet_windows_parse(str_from(cases[i].text), cases[i].wraps, windows, &count, &err);
        struct base_buf text;
        base_buf_init(&text, 4096);
        outlet_windows_text(windows, rc ? 0 : count, &text);
        if ((rc == 0) != (cases[i].again != NULL) ||
            (rc == 0 && strcmp(base_buf_text(&text), cases[i].again) != 0)) {
            fail_msg("%s: %d %s", cases[i].text, rc, rc ? err.text : base_buf_text(&text));
        }
        base_buf_release(&text);
    }
}

static void test_windows_touch(void **state) {
    (void)state;
    const struct outlet_window quiet[] = {{OUTLET_ALL_DAYS, 0, 300}, {1, 600, 660}};
    assert_true(outlet_windows_touch(quiet, 2, 6, 270, 275));
    assert_true(outlet_windows_touch(quiet, 2, 6, 299, 310));
    assert_false(outlet_windows_touch(quiet, 2, 6, 300, 310));
    assert_true(outlet_windows_touch(quiet, 2, 0, 590, 700));
    assert_false(outlet_windows_touch(quiet, 2, 1, 590, 700));
}

static void test_rules(void **state) {
    struct fixture *f = *state;
    stations(f);
    struct outlet_rules rules;
    assert_int_equal(outlet_rules_load(f->db, &rules, &f->err), 0);
    assert_int_equal(rules.minutes_per_day, 45);
    static const struct {
        const char *json, *part; /* part NULL: taken */
    } cases[] = {{"{\"source\": \"x\",\n\"quiet\": \"21:00-05:15\", \"minutes_per_day\": 30}",
                     "LN-1 has the window mo-su 05:00-05:30"},
        {"{\"source\": \"x\",\n\"quiet\": \"25:00\", \"minutes_per_day\": 30}", ":2: field quiet"},
        {"{\"source\": \"x\",\n\"quiet\": \"21:00-05:00\", \"minutes_per_day\": 0}",
            "field minutes_per_day"},
        {"{\"quiet\": \"21:00-05:00\", \"minutes_per_day\": 9}", "field source"},
        {"{\"source\": \"x\",\n\"qiet\": \"21:00-05:00\"}", ":2: field qiet: unknown"},
        {"{\"source\": \"x\",\n\"quiet\": \"21:00-05:00\", \"minutes_per_day\": 30}", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_bytes(f->csv, cases[i].json, strlen(cases[i].json));
        f->err = (struct base_err){0};
        int rc = outlet_rules_apply(f->db, f->csv, &f->err);
        assert_int_equal(rc == 0, cases[i].part == NULL);
        assert_has(f->err.text, cases[i].part ? cases[i].part : "");
    }
    struct outlet_set *set = query(f, "code = 'LN-1'");
    assert_int_equal(outlet_set_at(set, 0)->quiet[0].from_min, 21 * 60);
    outlet_set_free(&set);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(test_takes), TEST(test_again_changes_nothing),
        TEST(test_refuses), TEST(test_two_in_one_file), TEST(test_dry_run), TEST(test_undo),
        TEST(test_undo_keeps_what_came_later), TEST(test_undo_gives_devices_back), TEST(test_where),
        TEST(test_where_faults), TEST(test_filter), TEST(test_reach),
        cmocka_unit_test(test_windows), cmocka_unit_test(test_windows_touch), TEST(test_rules)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
