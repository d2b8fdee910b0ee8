/* The dated tree: import, codes, names, kin over time. The province of the tests is made up; the
 * real one is read too where the shared data are at hand (LANTOA_SHARED_DATA, or ../shared/data
 * beside the project). */
#include "audience/fixture.h"

#define LIST "code,name,level,parent,valid_from,valid_to\n"

static int64_t day(int year, int month, int day_of_month) {
    return base_days_from_date((struct base_date){year, month, day_of_month});
}

/* Two districts, five communes; on 2025-07-01 districts go and communes merge, one code being used
 * again. */
static void merged_province(struct fixture *f) {
    import_ok(f, place_import,
        LIST "07,Xã Bắc Lý,commune,D1,2020-01-01,\n" /* before its parent */
             "P,Tỉnh Cũ,province,,2020-01-01,\n"
             "D1,Huyện Hạ,district,P,2020-01-01,2025-07-01\n"
             "D2,Huyện Thượng,district,P,2020-01-01,2025-07-01\n"
             "08,Xã Đồng Tiến,commune,D1,2020-01-01,\n"
             "09,Xã Đồng Tiến,commune,D2,2020-01-01,\n"
             "10,Xã Suối,commune,D2,2020-01-01,\n"
             "V1,Thôn Một,village,10,2020-01-01,\n");
    assert_outcome(f, 8, 0, 0, 0);
    import_ok(f, place_import,
        LIST "P,Tỉnh Mới,province,,2025-07-01,\n07,Phường Đồng Tâm,commune,P,2025-07-01,\n"
             "10,Xã Suối,commune,P,2025-07-01,\n");
    assert_outcome(f, 3, 0, 0, 0);
    import_ok(f, place_import_successors,
        "old_code,new_code,since\n07,07,2025-07-01\n08,07,2025-07-01\n09,10,2025-07-01\n"
        "10,10,2025-07-01\nP,P,2025-07-01\n99,10,2025-07-01\n");
    assert_outcome(f, 4, 0, 1, 1); /* 10 was linked already, for it bears the same name */
}

static const char *name_on(struct fixture *f, const char *code, int64_t on) {
    static char name[4096];
    int64_t id = 0;
    if (place_by_code(f->db, str_from(code), NULL, on, &id, &f->err)) {
        return f->err.text;
    }
    char sql[128];
    (void)snprintf(sql, sizeof(sql), "SELECT name FROM place WHERE id = %lld", (long long)id);
    (void)snprintf(name, sizeof(name), "%s", text_of(f, sql));
    return name;
}

static void test_code_and_day(void **state) {
    struct fixture *f = *state;
    merged_province(f);
    assert_string_equal(name_on(f, "07", day(2025, 6, 30)), "Xã Bắc Lý");
    assert_string_equal(name_on(f, "07", day(2025, 7, 1)), "Phường Đồng Tâm");
    assert_string_equal(name_on(f, "P", day(2022, 1, 1)), "Tỉnh Cũ");
    assert_string_equal(name_on(f, "P", day(2026, 1, 1)), "Tỉnh Mới");
    assert_has(name_on(f, "08", day(2025, 7, 1)), "no place has the code \"08\" on 2025-07-01");
    assert_has(name_on(f, "P", day(2019, 1, 1)), "no place");
    int64_t id = 0;
    assert_int_equal(
        place_by_code(f->db, STR("07"), "district", day(2022, 1, 1), &id, &f->err), LANTOA_ENOENT);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM place a JOIN place b ON a.code = b.code AND "
                               "a.level = b.level AND a.id < b.id AND a.valid_from < "
                               "COALESCE(b.valid_to, '9') AND b.valid_from < COALESCE(a.valid_to, "
                               "'9')"),
        0);
}

static void test_import_again(void **state) {
    struct fixture *f = *state;
    merged_province(f);
    import_ok(f, place_import,
        LIST "D1,Huyện Hạ,district,P,2020-01-01,2025-07-01\n"
             "07,Phường Đồng Tâm,commune,P,2025-07-01,\n"
             "10,Xã Suối Lạnh,commune,P,2025-07-01,\n");
    assert_outcome(f, 0, 1, 2, 0);
    /* A later list saying the same of a place: it still stands, and stays one place. */
    import_ok(f, place_import,
        LIST "P,Tỉnh Mới,province,,2026-01-01,\n"
             "07,Phường Đồng Tâm,commune,P,2026-01-01,\n");
    assert_outcome(f, 0, 0, 2, 0);
    /* An older list after a newer one: the new places end where the known ones begin. */
    import_ok(f, place_import, LIST "P,Tỉnh Xưa,province,,2010-01-01,\n");
    assert_outcome(f, 1, 0, 0, 0);
    assert_string_equal(
        text_of(f, "SELECT valid_to FROM place WHERE name = 'Tỉnh Xưa'"), "2020-01-01");
    import_ok(f, place_import, LIST "V1,Thôn Một,village,,2010-01-01,\n");
    assert_int_equal(
        number(f, "SELECT COUNT(*) FROM place_successor s JOIN place o ON o.id = "
                  "s.place_id JOIN place n ON n.id = s.successor_id WHERE o.valid_from "
                  "= '2010-01-01' AND n.code = 'V1' AND s.since = '2020-01-01'"),
        1);
}

static void test_refused_rows(void **state) {
    struct fixture *f = *state;
    import_ok(f, place_import,
        LIST "A,Tỉnh A,province,,2020-01-01,\n"
             ",x,commune,A,2020-01-01,\n"
             "B,,commune,A,2020-01-01,\n"
             "B,Xã B,planet,A,2020-01-01,\n"
             "B,Xã B,commune,Z,2020-01-01,\n"
             "B,Xã B,commune,A,2020-13-01,\n"
             "B,Xã B,commune,A,,\n"
             "B,Xã B,commune,A,2020-01-01,2020-01-01\n"
             "B,Xã B,commune,A,2019-01-01,\n"
             "X,Xã X,commune,Y,2020-01-01,\nY,Xã Y,commune,X,2020-01-01,\n"
             "B,Xã B,commune,A\n");
    assert_outcome(f, 1, 0, 0, 11);
    const char *rejects = rejects_of(f);
    assert_has(rejects, "3,\"code\",\"\",\"a code is needed");
    assert_has(rejects, "5,\"level\",\"planet\"");
    assert_has(rejects, "6,\"parent\",\"Z\",\"no place of a higher level");
    assert_has(rejects, "8,\"valid_from\"");
    assert_has(rejects, "9,\"valid_to\",\"2020-01-01\",\"valid_to must be after");
    assert_has(rejects, "11,\"parent\",\"Y\"");
    assert_has(rejects, "13,");
    assert_int_equal(import_text(f, place_import, "code,name\nA,B\n"), LANTOA_EINVAL);
    assert_has(f->err.text, "the column level is missing");
}

static void test_dry_run_and_set(void **state) {
    struct fixture *f = *state;
    static const char text[] = "code,name,level,parent_code\nA,Tỉnh A,tỉnh,\nB,Xã B,xã,A\n";
    write_bytes(f->csv, text, strlen(text));
    struct audience_import options = options_of(f);
    static const char *const set[] = {"valid_from=01/01/2020"};
    options.set = set;
    options.set_count = 1;
    options.dry_run = true;
    assert_int_equal(place_import(f->db, &options, &f->outcome, &f->err), 0);
    assert_outcome(f, 2, 0, 0, 0);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM place"), 0);
    options.dry_run = false;
    assert_int_equal(place_import(f->db, &options, &f->outcome, &f->err), 0);
    assert_string_equal(text_of(f, "SELECT valid_from FROM place WHERE code = 'B'"), "2020-01-01");
    assert_string_equal(text_of(f, "SELECT level FROM place WHERE code = 'B'"), "commune");
}

/* ---- names ---- */

static int64_t found(struct fixture *f, const char *name) {
    int64_t *ids = NULL;
    size_t count = 0;
    f->err = (struct base_err){0};
    int rc = place_find(f->db, str_from(name), &ids, &count, &f->err);
    base_free(ids);
    return rc ? rc : (int64_t)count;
}

static void test_find(void **state) {
    struct fixture *f = *state;
    merged_province(f);
    assert_int_equal(found(f, "Đồng Tiến"), 2);
    assert_int_equal(found(f, "  dong   tien "), 2);
    assert_int_equal(found(f, "XÃ ĐỒNG TIẾN"), 2);
    assert_int_equal(found(f, "Đồng Tiến, Hạ"), 1);
    assert_int_equal(found(f, "đồng tiến, huyện hạ, tỉnh cũ"), 1);
    assert_int_equal(found(f, "đồng tiến, tỉnh mới"), LANTOA_ENOENT);
    assert_int_equal(found(f, "huyện Đồng Tiến"), LANTOA_ENOENT);
    assert_int_equal(found(f, "Suối"), 2); /* before and after 2025 */
    assert_int_equal(found(f, "P@2022-01-01"), 1);
    assert_int_equal(found(f, "P@2010-01-01"), LANTOA_ENOENT);
    assert_int_equal(found(f, "P@x"), LANTOA_EINVAL);
    assert_int_equal(found(f, ""), LANTOA_EINVAL);
    assert_int_equal(found(f, "Đong Tienn"), LANTOA_ENOENT);
    assert_has(f->err.text, "did you mean \"Xã Đồng Tiến\"?");
    assert_int_equal(found(f, "P"), LANTOA_ENOENT); /* a code alone names nothing */
}

static void test_accents_decide_when_they_must(void **state) {
    struct fixture *f = *state;
    import_ok(f, place_import,
        LIST "A,Tỉnh A,province,,2020-01-01,\n"
             "B,Xã Đông Tiến,commune,A,2020-01-01,\n"
             "C,Xã Đồng Tiến,commune,A,2020-01-01,\n");
    assert_int_equal(found(f, "Đồng Tiến"), 1);
    assert_int_equal(found(f, "Xã Đông Tiến"), 1);
    assert_int_equal(found(f, "dong tien"), 2);
}

/* ---- kin ---- */

static const char *under(struct fixture *f, const char *name) {
    static char codes[1024];
    int64_t *ids = NULL, *all = NULL;
    size_t count = 0, all_count = 0;
    assert_int_equal(place_find(f->db, str_from(name), &ids, &count, &f->err), 0);
    assert_int_equal(place_under(f->db, ids, count, &all, &all_count, &f->err), 0);
    codes[0] = '\0';
    size_t at = 0;
    for (size_t i = 0; i < all_count; i++) {
        char sql[128];
        (void)snprintf(sql, sizeof(sql),
            "SELECT code || '/' || substr(valid_from, 3, 2) FROM place WHERE id = %lld",
            (long long)all[i]);
        at +=
            (size_t)snprintf(codes + at, sizeof(codes) - at, "%s%s", i ? " " : "", text_of(f, sql));
    }
    base_free(ids);
    base_free(all);
    return codes;
}

static void test_under(void **state) {
    struct fixture *f = *state;
    merged_province(f);
    /* ids follow the levels of each import: P D1 D2 07 08 09 10 V1 | P 07 10 */
    assert_string_equal(under(f, "Thôn Một"), "V1/20");
    assert_string_equal(under(f, "Suối"), "09/20 10/20 V1/20 10/25");
    assert_string_equal(under(f, "Huyện Hạ"), "D1/20 07/20 08/20 07/25");
    assert_string_equal(under(f, "Huyện Thượng"), "D2/20 09/20 10/20 V1/20 10/25");
    assert_string_equal(under(f, "Phường Đồng Tâm"), "07/20 08/20 07/25");
    assert_string_equal(
        under(f, "Tỉnh Mới"), "P/20 D1/20 D2/20 07/20 08/20 09/20 10/20 V1/20 P/25 07/25 10/25");
    assert_string_equal(
        under(f, "Tỉnh Cũ"), "P/20 D1/20 D2/20 07/20 08/20 09/20 10/20 V1/20 P/25 07/25 10/25");
}

/* Two provinces become one: the people of the old one are not all of the new one. */
static void test_under_of_a_merged_province(void **state) {
    struct fixture *f = *state;
    import_ok(f, place_import,
        LIST "24,Tỉnh Giang,province,,2020-01-01,\n"
             "27,Tỉnh Ninh,province,,2020-01-01,\n"
             "1,Xã Một,commune,24,2020-01-01,\n"
             "2,Xã Hai,commune,27,2020-01-01,\n");
    import_ok(f, place_import,
        LIST "24,Tỉnh Ninh,province,,2025-07-01,\n"
             "3,Xã Ba,commune,24,2025-07-01,\n"
             "4,Xã Bốn,commune,24,2025-07-01,\n");
    import_ok(f, place_import_successors,
        "old_code,new_code,since,share\n24,24,2025-07-01,1\n27,24,2025-07-01,1\n"
        "1,3,2025-07-01,1\n2,4,2025-07-01,0.5\n2,3,2025-07-01,0.5\n2,3,2025-07-01,7\n");
    assert_outcome(f, 5, 0, 0, 1);
    assert_string_equal(under(f, "Tỉnh Giang"), "24/20 1/20 24/25 3/25");
    assert_string_equal(under(f, "24@2026-01-01"), "24/20 27/20 1/20 2/20 24/25 3/25 4/25");
    assert_string_equal(under(f, "Xã Ba"), "1/20 2/20 3/25");
    assert_string_equal(under(f, "Xã Hai"), "2/20 3/25 4/25");
}

static int count_places(void *arg, const struct place_row *place) {
    (void)place;
    ++*(int *)arg;
    return 0;
}

static void test_list_and_path(void **state) {
    struct fixture *f = *state;
    merged_province(f);
    int count = 0;
    assert_int_equal(place_each(f->db, day(2024, 1, 1), count_places, &count, &f->err), 0);
    assert_int_equal(count, 8);
    count = 0;
    assert_int_equal(place_each(f->db, -1, count_places, &count, &f->err), 0);
    assert_int_equal(count, 11);
    struct base_buf path;
    base_buf_init(&path, 1000);
    int64_t id = 0;
    assert_int_equal(place_by_code(f->db, STR("V1"), NULL, day(2024, 1, 1), &id, &f->err), 0);
    assert_int_equal(place_path(f->db, id, &path, &f->err), 0);
    assert_string_equal(base_buf_text(&path), "Thôn Một, Xã Suối, Huyện Thượng, Tỉnh Cũ");
    assert_int_equal(place_path(f->db, 999, &path, &f->err), LANTOA_ENOENT);
    base_buf_release(&path);
}

/* ---- the real province ---- */

static char *shared_file(const char *name) {
    const char *dir = getenv("LANTOA_SHARED_DATA");
    char *path = base_path_join(dir ? dir : TEST_DATA "/../../../../../shared/data", name);
    if (!base_file_exists(path)) {
        base_free(path);
        return NULL;
    }
    return path;
}

static bool import_shared(struct fixture *f, import_function *import, const char *name,
    const char *const *set, size_t set_count) {
    char *path = shared_file(name);
    if (!path) {
        return false;
    }
    struct audience_import options = options_of(f);
    options.path = path;
    options.set = set;
    options.set_count = set_count;
    if (import(f->db, &options, &f->outcome, &f->err)) {
        fail_msg("%s", f->err.text);
    }
    base_free(path);
    return true;
}

static void test_the_real_province(void **state) {
    struct fixture *f = *state;
    static const char *const of_2022[] = {"valid_from=2022-01-01"};
    static const char *const of_2025h1[] = {"valid_from=2025-01-01"};
    static const char *const of_2025h2[] = {"valid_from=2025-07-01"};
    static const char *const since[] = {"since=2025-07-01"};
    if (!import_shared(f, place_import, "places-2022-bac-giang.csv", of_2022, 1)) {
        skip();
    }
    assert_outcome(f, 220, 0, 0, 0);
    assert_true(
        import_shared(f, place_import, "places-2025h1-bac-giang-bac-ninh.csv", of_2025h1, 1));
    assert_int_equal(f->outcome.rejected, 0);
    assert_true(import_shared(f, place_import, "places-2025h2-bac-ninh.csv", of_2025h2, 1));
    assert_outcome(f, 100, 0, 0, 0);
    assert_true(
        import_shared(f, place_import_successors, "places-succession-2025-07-01.csv", since, 1));
    assert_int_equal(f->outcome.rejected, 0);
    assert_int_equal(f->outcome.rows, 313);
    assert_string_equal(name_on(f, "24", day(2022, 6, 1)), "Tỉnh Bắc Giang");
    assert_string_equal(name_on(f, "24", day(2026, 6, 1)), "Tỉnh Bắc Ninh");
    assert_string_equal(name_on(f, "07210", day(2025, 6, 30)), "Phường Hoàng Văn Thụ");
    assert_string_equal(name_on(f, "07210", day(2025, 7, 1)), "Phường Bắc Giang");
    /* Somebody recorded in the old district is under it, and so is who moved in after the merger.
     */
    int64_t id = 0, *ids = NULL, *all = NULL;
    size_t count = 0, all_count = 0;
    assert_int_equal(place_find(f->db, STR("huyện Lục Ngạn"), &ids, &count, &f->err), 0);
    assert_int_equal(place_under(f->db, ids, count, &all, &all_count, &f->err), 0);
    assert_int_equal(place_by_code(f->db, STR("07534"), NULL, day(2026, 1, 1), &id, &f->err), 0);
    bool holds = false;
    for (size_t i = 0; i < all_count; i++) {
        holds = holds || all[i] == id;
    }
    assert_true(holds);
    assert_true(all_count > 30 && all_count < 120);
    base_free(ids);
    base_free(all);
}

int main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {T(test_code_and_day), T(test_import_again),
        T(test_refused_rows), T(test_dry_run_and_set), T(test_find),
        T(test_accents_decide_when_they_must), T(test_under), T(test_under_of_a_merged_province),
        T(test_list_and_path), T(test_the_real_province)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
