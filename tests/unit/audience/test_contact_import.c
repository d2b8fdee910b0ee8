/* Importing contacts: mapping, normal forms, who is the same person, what is refused and why. */
#include "audience/fixture.h"

#define PEOPLE "ref,name,email,phone,birth_date,occupation\n"

static void test_adds(void **state) {
    struct fixture *f = *state;
    import_ok(f, contact_import,
        "\xef\xbb\xbfMã số,Họ và tên,Thư điện tử,Số điện thoại,Ngày sinh,Giới tính,Nghề "
        "nghiệp,Tuổi\n"
        "A1,\"Nguyễn  Thị Hoà\",Hoa@Example.VN,0912 345 678,02/03/1985,Nữ,Nông dân,41\n"
        "A2,Trần Văn Bình,,84987654321,1960,nam,,66\n");
    assert_outcome(f, 2, 0, 0, 0);
    assert_true(f->outcome.batch_id > 0);
    assert_string_equal(text_of(f, "SELECT name FROM contact WHERE ref = 'A1'"), "Nguyễn Thị Hoà");
    assert_string_equal(
        text_of(f, "SELECT name_key FROM contact WHERE ref = 'A1'"), "nguyen thi hoa");
    assert_string_equal(text_of(f, "SELECT email FROM contact WHERE ref = 'A1'"), "Hoa@example.vn");
    assert_string_equal(text_of(f, "SELECT phone FROM contact WHERE ref = 'A1'"), "+84912345678");
    assert_string_equal(
        text_of(f, "SELECT birth_date FROM contact WHERE ref = 'A1'"), "1985-03-02");
    assert_string_equal(text_of(f, "SELECT birth_date FROM contact WHERE ref = 'A2'"), "1960");
    assert_string_equal(text_of(f, "SELECT sex FROM contact WHERE ref = 'A1'"), "f");
    assert_string_equal(text_of(f, "SELECT attrs FROM contact WHERE ref = 'A1'"),
        "{\"nghe_nghiep\":\"Nông dân\",\"tuoi\":\"41\"}");
    assert_string_equal(
        text_of(f, "SELECT attrs FROM contact WHERE ref = 'A2'"), "{\"tuoi\":\"66\"}");
    assert_string_equal(
        text_of(f, "SELECT heading FROM attribute WHERE name = 'nghe_nghiep'"), "Nghề nghiệp");
    assert_int_equal(number(f, "SELECT finished_at IS NOT NULL FROM import_batch"), 1);
    assert_int_equal(number(f, "SELECT rows_read * 10 + added FROM import_batch"), 22);
}

static void test_nfc_and_controls(void **state) {
    struct fixture *f = *state;
    import_ok(f, contact_import,
        "ref,name,note\n1,Nguye\xcc\x82\xcc\x83n,\"two\nlines \"\"quoted\"\" \\ back\"\n");
    assert_string_equal(text_of(f, "SELECT name FROM contact"), "Nguyễn");
    assert_string_equal(
        text_of(f, "SELECT attrs ->> 'note' FROM contact"), "two lines \"quoted\" \\ back");
}

static void test_again_is_unchanged(void **state) {
    struct fixture *f = *state;
    static const char text[] = PEOPLE "1,An,an@example.vn,0912345678,1980,farmer\n"
                                      ",Bé,be@example.vn,,,\n"
                                      ",Chi,,0987654321,1990-01-01,\n";
    import_ok(f, contact_import, text);
    assert_outcome(f, 3, 0, 0, 0);
    import_ok(f, contact_import, text);
    assert_outcome(f, 0, 0, 3, 0);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM contact"), 3);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM import_before"), 0);
}

/* Hardly a mail server tells An@ from an@: one box, one person, in the spelling that came first. */
static void test_emails_in_any_case_are_one(void **state) {
    struct fixture *f = *state;
    import_ok(f, contact_import, "name,email\nAn,An.Nguyen@X.vn\nBe,be@x.vn\n");
    import_ok(f, contact_import, "name,email,job\nAn,an.nguyen@x.vn,farmer\nBe,BE@x.vn,farmer\n");
    assert_outcome(f, 0, 2, 0, 0);
    import_ok(
        f, contact_import, "name,email\nAn,AN.nguyen@x.vn\nBe,Be@x.vn\nChi,C@x.vn\nChi,c@x.vn\n");
    assert_outcome(f, 1, 0, 3, 0);
    assert_string_equal(text_of(f, "SELECT group_concat(email, ' ') FROM contact"),
        "An.Nguyen@x.vn be@x.vn C@x.vn");
    struct audience_import options = options_of(f);
    options.dry_run = true;
    assert_int_equal(contact_import(f->db, &options, &f->outcome, &f->err), 0);
    assert_outcome(f, 0, 0, 4, 0);
}

static void test_updates_by_each_key(void **state) {
    struct fixture *f = *state;
    import_ok(f, contact_import,
        "ref,cccd,si_code,name,email,phone,job\n"
        "1,024085000001,0123456789,An,an@example.vn,0912345678,farmer\n");
    static const char *const rows[] = {"ref,income\n1,1\n", "person_id,income\n024085000001,2\n",
        "person_id,income\n24085000001,3\n", "si_code,income\n123456789,4\n",
        "email,income\nan@EXAMPLE.vn,5\n", "phone,income\n+84 912 345 678,6\n",
        "name,phone,income\nÂn,0912345678,7\n"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        import_ok(f, contact_import, rows[i]);
        assert_outcome(f, 0, 1, 0, 0);
        assert_int_equal(
            number(f, "SELECT CAST(attrs ->> 'income' AS INTEGER) FROM contact"), i + 1);
        assert_string_equal(text_of(f, "SELECT attrs ->> 'job' FROM contact"), "farmer");
    }
    assert_int_equal(number(f, "SELECT COUNT(*) FROM contact"), 1);
    /* The same of some attributes only is no change. */
    import_ok(f, contact_import, "ref,income\n1,7\n");
    assert_outcome(f, 0, 0, 1, 0);
    /* Empty values leave what is there. */
    import_ok(f, contact_import, "ref,name,email,phone,job\n1,,,,\n");
    assert_outcome(f, 0, 0, 1, 0);
}

static void test_contradictions_are_other_people(void **state) {
    struct fixture *f = *state;
    import_ok(f, contact_import, PEOPLE "1,An,nha@example.vn,0912345678,1980-05-06,x\n");
    /* Another ref, another birth date, and by phone another name: households share addresses. */
    import_ok(f, contact_import,
        PEOPLE "2,An,nha@example.vn,0912345678,1980-05-06,\n"
               ",An,nha@example.vn,0912345678,2001,\n"
               ",Bình,,0912345678,,\n");
    assert_outcome(f, 3, 0, 0, 0);
    /* The same year as a full date is no contradiction; nor is another name beside the same e-mail.
     */
    import_ok(f, contact_import, "email,birth_date,occupation\nnha@example.vn,2001,y\n");
    assert_outcome(f, 0, 1, 0, 0);
    assert_string_equal(
        text_of(f, "SELECT attrs ->> 'occupation' FROM contact WHERE birth_date = '2001'"), "y");
    /* Nobody shares an e-mail: another name beside it is the same person, written otherwise. */
    import_ok(f, contact_import, "ref,email,name\n7,bay@example.vn,Bảy\n");
    import_ok(f, contact_import, "email,name\nbay@example.vn,Lê Văn Bảy\n");
    assert_outcome(f, 0, 1, 0, 0);
    assert_string_equal(text_of(f, "SELECT name FROM contact WHERE ref = '7'"), "Lê Văn Bảy");
    /* Now several fit alike. */
    import_ok(f, contact_import, "phone,occupation\n0912345678,z\n");
    assert_outcome(f, 0, 0, 0, 1);
    assert_has(rejects_of(f), "several people have this phone");
    import_ok(f, contact_import, "email,occupation\nnha@example.vn,z\n");
    assert_outcome(f, 0, 0, 0, 1);
    assert_has(rejects_of(f), "several people have this e-mail");
}

static void test_two_keys_two_people(void **state) {
    struct fixture *f = *state;
    import_ok(
        f, contact_import, "ref,email,phone\n1,an@example.vn,\n2,,0987654321\n3,c@example.vn,\n");
    import_ok(f, contact_import, "ref,email,person_id\n1,,024085000001\n");
    assert_outcome(f, 0, 1, 0, 0);
    import_ok(f, contact_import, "email,phone\nan@example.vn,0987654321\n");
    assert_outcome(f, 0, 0, 0, 1);
    assert_has(rejects_of(f), "two keys of this row belong to two different people");
    import_ok(f, contact_import, "ref,person_id\n2,024085000001\n");
    assert_outcome(f, 0, 0, 0, 1);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM contact"), 3);
}

/* So few rows beside so many contacts that the filter is left out. */
static void test_few_rows_among_many(void **state) {
    struct fixture *f = *state;
    struct base_buf text;
    base_buf_init(&text, 1 << 16);
    base_buf_add_text(&text, "ref,email\n");
    for (int i = 0; i < 100; i++) {
        base_buf_printf(&text, "%d,u%d@example.vn\n", i, i);
    }
    import_ok(f, contact_import, base_buf_text(&text));
    import_ok(f, contact_import, "ref,x\n50,1\n500,1\n");
    assert_outcome(f, 1, 1, 0, 0);
    import_ok(
        f, contact_import, "email,x\nu60@example.vn,1\nu600@example.vn,1\nu600@example.vn,1\n");
    assert_outcome(f, 1, 1, 1, 0);
    base_buf_release(&text);
}

static void test_duplicates_inside_the_file(void **state) {
    struct fixture *f = *state;
    struct base_buf text;
    base_buf_init(&text, 1 << 20);
    base_buf_add_text(&text, "ref,phone,n\n");
    for (int i = 0; i < 5000; i++) {
        base_buf_printf(&text, "%d,+849%08d,%d\n", i % 2500, i % 2500, i);
    }
    import_ok(f, contact_import, base_buf_text(&text));
    assert_outcome(f, 2500, 2500, 0, 0);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM contact"), 2500);
    assert_int_equal(number(f, "SELECT MIN(CAST(attrs ->> 'n' AS INTEGER)) FROM contact"), 2500);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM import_before"), 0);
    base_buf_release(&text);
}

static void test_bad_values(void **state) {
    struct fixture *f = *state;
    import_ok(f, contact_import,
        "ref,name,email,phone,birth_date,sex,lang,enrolled,cccd,place\n"
        "1,An,an@nowhere,0169 1234567,31/02/1980,x,klingon!,maybe,123,Nowhere\n"
        ",Bé,be@,,,,,,,\n"
        "2,Chi\n"
        "3,=cmd(),chi@example.vn,=+84912345678,,,,,,\n"
        "4,Dũng,,,1990,nữ,,,024090000001,\n");
    assert_outcome(f, 3, 0, 0, 2);
    assert_int_equal(f->outcome.kept_with_faults, 3);
    assert_string_equal(text_of(f, "SELECT attrs FROM contact WHERE ref = '1'"),
        "{\"email_invalid\":\"an@nowhere\",\"phone_invalid\":\"0169 1234567\"}");
    assert_int_equal(number(f, "SELECT COUNT(*) FROM contact WHERE email IS NULL AND phone IS NULL "
                               "AND birth_date IS NULL AND sex IS NULL AND lang IS NULL AND "
                               "enrolled_on IS NULL AND person_id IS NULL AND place_id IS NULL"),
        1);
    const char *rejects = rejects_of(f);
    assert_has(rejects, "\xef\xbb\xbfline,field,value,reason,row\r\n");
    assert_has(rejects, "2,\"email\",\"an@nowhere\",\"the domain has no dot\",kept\r\n");
    assert_has(rejects, "since 2018 it is 0391234567\",kept\r\n");
    assert_has(rejects, "2,\"place\",\"Nowhere\",\"unknown place");
    assert_has(rejects, "3,\"email\",\"be@\",\"nothing after the @\",refused\r\n");
    assert_has(rejects, "3,\"\",\"\",\"no identifier, no e-mail and no phone");
    assert_has(rejects, "4,\"\",\"2\",\"the row has 2 fields, the header has 10\",refused\r\n");
    assert_has(rejects, "5,\"phone\",\"'=+84912345678\",");
    assert_has(rejects, "6,\"cccd\",\"024090000001\",\"the personal ID says the other sex\",kept");
    assert_null(strstr(rejects, "cmd"));
}

static void test_good_address_replaces_bad(void **state) {
    struct fixture *f = *state;
    import_ok(f, contact_import, "ref,phone,job\n1,0169 1234567,x\n");
    import_ok(f, contact_import, "ref,phone\n1,0391234567\n");
    assert_outcome(f, 0, 1, 0, 0);
    assert_string_equal(text_of(f, "SELECT attrs FROM contact"), "{\"job\":\"x\"}");
    assert_string_equal(text_of(f, "SELECT phone FROM contact"), "+84391234567");
}

static void test_enrolled_and_consent(void **state) {
    struct fixture *f = *state;
    import_ok(
        f, contact_import, "ref,enrolled,consent\n1,2026-01-02,yes\n2,có,không\n3,no,\n4,,\n");
    assert_outcome(f, 4, 0, 0, 0);
    assert_string_equal(
        text_of(f, "SELECT enrolled_on FROM contact WHERE ref = '1'"), "2026-01-02");
    assert_string_equal(
        text_of(f, "SELECT enrolled_on FROM contact WHERE ref = '2'"), "2026-11-23");
    assert_int_equal(number(f, "SELECT COUNT(*) FROM contact WHERE enrolled_on IS NULL AND "
                               "enrolled_at IS NULL"),
        2);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM consent"), 2);
    assert_int_equal(number(f, "SELECT action FROM consent WHERE contact_id = 1"), 1);
    assert_int_equal(number(f, "SELECT action FROM consent WHERE contact_id = 2"), 0);
    /* "yes" about somebody whose date is known says nothing new, and the ledger is not added to. */
    import_ok(f, contact_import, "ref,enrolled,consent\n1,yes,yes\n2,yes,no\n");
    assert_outcome(f, 0, 0, 2, 0);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM consent"), 2);
    import_ok(f, contact_import, "ref,enrolled,consent\n1,no,no\n");
    assert_outcome(f, 0, 1, 0, 0);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM consent WHERE contact_id = 1"), 2);
    assert_string_equal(text_of(f, "SELECT enrolled_on FROM contact WHERE ref = '1'"), "(null)");
}

static void test_places(void **state) {
    struct fixture *f = *state;
    import_ok(f, place_import,
        "code,name,level,parent,valid_from\n"
        "P,Tỉnh Một,province,,2020-01-01\nD1,Huyện Hai,district,P,2020-01-01\n"
        "D2,Huyện Ba,district,P,2020-01-01\nC1,Xã Đồng Tiến,commune,D1,2020-01-01\n"
        "C2,Xã Đồng Tiến,commune,D2,2020-01-01\nC3,Xã Bốn,commune,D2,2020-01-01\n");
    import_ok(f, contact_import,
        "ref,place,place_code\n1,xã bốn,\n2,Đồng Tiến,\n3,\"Đồng Tiến, Ba\",\n4,,C1\n5,Bốn,C9\n"
        "6,,C9\n");
    assert_outcome(f, 6, 0, 0, 0);
    assert_int_equal(f->outcome.kept_with_faults, 2);
    assert_string_equal(text_of(f, "SELECT group_concat(COALESCE(p.code, '-'), ' ') FROM (SELECT * "
                                   "FROM contact ORDER BY id) c LEFT JOIN place p ON p.id = "
                                   "c.place_id"),
        "C3 - C2 C1 C3 -");
    assert_has(rejects_of(f), "2 places have this name");
    assert_has(rejects_of(f), "no place has the code");
    import_ok(f, contact_import, "ref,Xã,Huyện\n1,Đồng Tiến,Huyện Hai\n2,,Ba\n3,Bốn,Hai\n");
    assert_outcome(f, 0, 2, 1, 0);
    assert_string_equal(text_of(f, "SELECT group_concat(p.code, ' ') FROM (SELECT * FROM contact "
                                   "WHERE ref < '4' ORDER BY id) c JOIN place p ON p.id = "
                                   "c.place_id"),
        "C1 D2 C2");
}

/* Files give the communes of before a merger for years. */
static void test_places_of_before(void **state) {
    struct fixture *f = *state;
    import_ok(f, place_import,
        "code,name,level,valid_from,valid_to\nA,Xã Cũ,commune,2000-01-01,2010-01-01\n"
        "B,Xã Cũ,commune,2010-01-01,2025-07-01\nC,Xã Mới,commune,2025-07-01,\n"
        "D,Xã Mới,commune,2001-01-01,2025-07-01\nE,Xã Sau,commune,2027-01-01,\n");
    import_ok(f, contact_import,
        "ref,place,place_code\n1,xã cũ,\n2,xã mới,\n3,,B@2024-01-01\n"
        "4,Sau,\n");
    assert_string_equal(text_of(f, "SELECT group_concat(COALESCE(p.code, '-'), ' ') FROM (SELECT * "
                                   "FROM contact ORDER BY id) c LEFT JOIN place p ON p.id = "
                                   "c.place_id"),
        "B C B -");
    assert_has(rejects_of(f), "5,\"place\",\"Sau\",\"no such place stands on 2026-11-23\",kept");
}

static void with_options(struct fixture *f, const char *text, const char *const *map,
    size_t map_count, const char *const *set, size_t set_count, int rc, const char *part) {
    write_bytes(f->csv, text, strlen(text));
    struct audience_import options = options_of(f);
    options.map = map;
    options.map_count = map_count;
    options.set = set;
    options.set_count = set_count;
    f->err = (struct base_err){0};
    assert_int_equal(contact_import(f->db, &options, &f->outcome, &f->err), rc);
    if (part) {
        assert_has(f->err.text, part);
    }
}

static void test_map_and_set(void **state) {
    struct fixture *f = *state;
    static const char text[] = "id,a,phone,x\n1,Ân,255700000001,7\n";
    static const char *const map[] = {"a=name", "phone=", "x=score"};
    static const char *const set[] = {"source=fair", "lang=vi"};
    with_options(f, text, map, 3, set, 2, 0, NULL);
    assert_outcome(f, 1, 0, 0, 0);
    assert_string_equal(text_of(f, "SELECT name FROM contact"), "Ân");
    assert_string_equal(text_of(f, "SELECT lang FROM contact"), "vi");
    assert_string_equal(
        text_of(f, "SELECT attrs FROM contact"), "{\"score\":\"7\",\"source\":\"fair\"}");
    static const struct {
        const char *map, *set, *part;
    } bad[] = {{"b=name", NULL, "the file has no column \"b\""},
        {"phon=name", NULL, "did you mean \"phone\"?"}, {"a=Name", NULL, "did you mean \"name\"?"},
        {"a", NULL, "heading=field"}, {"a=x y z", NULL, "cannot be the name"},
        {"a=phone", NULL, "both mean \"phone\""}, {"a=age", NULL, "cannot be the name"},
        {NULL, "ref=1", "the file has this field too"},
        {NULL, "x=1", "the file has this field too"}, {NULL, "=1", "field=value"}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        with_options(f, text, &bad[i].map, bad[i].map != NULL, &bad[i].set, bad[i].set != NULL,
            LANTOA_EINVAL, bad[i].part);
    }
    with_options(f, "name,phone,phone\n", NULL, 0, NULL, 0, LANTOA_EINVAL,
        "columns 2 and 3 have the same heading");
    with_options(f, "phone,sđt\n", NULL, 0, NULL, 0, LANTOA_EINVAL, "both mean \"phone\"");
    with_options(f, "name,city\n", NULL, 0, NULL, 0, LANTOA_EINVAL, "one of ref, person_id");
    assert_int_equal(number(f, "SELECT COUNT(*) FROM contact"), 1);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM import_batch"), 1);
}

static void test_dry_run(void **state) {
    struct fixture *f = *state;
    static const char text[] =
        PEOPLE "1,An,,,,farmer\n1,An,,,,smith\n2,Bé,x,,,\n,,,,,\n1,An,,,,smith\n";
    write_bytes(f->csv, text, strlen(text));
    struct audience_import options = options_of(f);
    options.dry_run = true;
    struct audience_import_outcome dry;
    assert_int_equal(contact_import(f->db, &options, &dry, &f->err), 0);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM contact"), 0);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM import_batch"), 0);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM attribute"), 0);
    assert_has(rejects_of(f), "no @ in the address");
    import_ok(f, contact_import, text);
    assert_int_equal(dry.batch_id, 0);
    dry.batch_id = f->outcome.batch_id;
    assert_memory_equal(&dry, &f->outcome, sizeof(dry));
    assert_outcome(f, 2, 1, 1, 1);
}

/* A large dry run keeps no other writer waiting, and says what the real run then does. */
static void write_meanwhile(void *arg, int64_t rows, int64_t bytes, int64_t total_bytes) {
    struct fixture *f = arg;
    struct db *other = NULL;
    struct base_err err = {0};
    (void)bytes;
    (void)total_bytes;
    if (rows == 20000) {
        assert_int_equal(db_open(f->db_path, 0, &other, &err), 0);
        assert_int_equal(
            db_exec(other, "INSERT INTO meta (key, value) VALUES ('t', 'x')", &err), 0);
        db_close(&other);
    }
}

static void test_large_dry_run(void **state) {
    struct fixture *f = *state;
    import_ok(f, contact_import, "ref,x\n5,0\n6,6\n");
    struct base_buf text;
    base_buf_init(&text, 1 << 20);
    base_buf_add_text(&text, "ref,x\n");
    for (int i = 0; i < 30000; i++) {
        base_buf_printf(&text, "%d,%d\n", i % 25000, i % 25000);
    }
    write_bytes(f->csv, text.at, text.bytes);
    struct audience_import options = options_of(f);
    options.dry_run = true;
    options.progress = write_meanwhile;
    options.progress_arg = f;
    struct audience_import_outcome dry;
    if (contact_import(f->db, &options, &dry, &f->err)) {
        fail_msg("%s", f->err.text);
    }
    assert_int_equal(number(f, "SELECT COUNT(*) FROM contact"), 2);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM meta WHERE key = 't'"), 1);
    options.dry_run = false;
    options.progress = NULL;
    assert_int_equal(contact_import(f->db, &options, &f->outcome, &f->err), 0);
    assert_outcome(f, 24998, 1, 5001, 0);
    assert_int_equal(dry.added, 24998);
    assert_int_equal(dry.updated, 1);
    assert_int_equal(dry.unchanged, 5001);
    options.dry_run = true;
    assert_int_equal(contact_import(f->db, &options, &dry, &f->err), 0);
    assert_int_equal(dry.unchanged, 30000);
    base_buf_release(&text);
}

static void test_faults_of_the_file_change_nothing(void **state) {
    struct fixture *f = *state;
    struct base_buf text;
    base_buf_init(&text, 20 << 20);
    base_buf_add_text(&text, "ref,name\n");
    for (int i = 0; i < 30000; i++) {
        base_buf_printf(&text, "%d,x\n", i);
    }
    size_t good = text.bytes;
    static const struct {
        const char *tail, *part;
    } cases[] = {{"1,\"open\n", "line 30002: field 2: the quote that opens here is never closed"},
        {"1,\"a\"b\n", "line 30002: field 2: text follows the closing quote"},
        {"1,Nguy\xean\n", "line 30002: byte 0xea is not UTF-8"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text.bytes = good;
        base_buf_add_text(&text, cases[i].tail);
        assert_int_equal(import_text(f, contact_import, base_buf_text(&text)), LANTOA_EINVAL);
        assert_has(f->err.text, cases[i].part);
    }
    text.bytes = good;
    for (int i = 0; i < 1000000; i++) {
        base_buf_add_text(&text, "0123456789");
    }
    assert_int_equal(import_text(f, contact_import, base_buf_text(&text)), LANTOA_ELIMIT);
    assert_has(f->err.text, "line 30002: field 1 is longer than 64 KiB");
    assert_int_equal(number(f, "SELECT COUNT(*) FROM contact"), 0);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM import_batch"), 0);
    base_buf_release(&text);
}

static void test_rejects_never_overwrite_the_input(void **state) {
    struct fixture *f = *state;
    write_bytes(f->csv, "ref\n1\n", 6);
    struct audience_import options = options_of(f);
    options.rejects_path = f->csv;
    assert_int_equal(contact_import(f->db, &options, &f->outcome, &f->err), LANTOA_EINVAL);
    char *nowhere = base_printf("%s.d/rejects.csv", f->csv); /* a folder that is not there */
    options.rejects_path = nowhere;
    assert_int_equal(contact_import(f->db, &options, &f->outcome, &f->err), LANTOA_EIO);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM contact"), 0);
    base_free(nowhere);
}

/* More than one transaction, and progress that ends at the end. */
struct progress {
    int64_t rows, bytes, total;
    int calls;
};
static void on_progress(void *arg, int64_t rows, int64_t bytes, int64_t total_bytes) {
    struct progress *progress = arg;
    assert_true(rows >= progress->rows && bytes >= progress->bytes && bytes <= total_bytes);
    *progress = (struct progress){rows, bytes, total_bytes, progress->calls + 1};
}

static void test_several_transactions(void **state) {
    struct fixture *f = *state;
    struct base_buf text;
    base_buf_init(&text, 1 << 20);
    base_buf_add_text(&text, "ref\n");
    for (int i = 0; i < 25000; i++) {
        base_buf_printf(&text, "%d\n", i);
    }
    struct progress progress = {0};
    write_bytes(f->csv, text.at, text.bytes);
    struct audience_import options = options_of(f);
    options.progress = on_progress;
    options.progress_arg = &progress;
    assert_int_equal(contact_import(f->db, &options, &f->outcome, &f->err), 0);
    assert_outcome(f, 25000, 0, 0, 0);
    assert_int_equal(progress.calls, 2);
    assert_int_equal(progress.rows, 25000);
    assert_int_equal(progress.bytes, progress.total);
    base_buf_release(&text);
}

/* Somebody else adds a person between two of our transactions, who stands in our file too: one
 * person. */
static void add_another(void *arg, int64_t rows, int64_t bytes, int64_t total_bytes) {
    struct fixture *f = arg;
    struct db *other = NULL;
    struct base_err err = {0};
    (void)bytes;
    (void)total_bytes;
    if (rows != 20000) {
        return;
    }
    assert_int_equal(db_open(f->db_path, 0, &other, &err), 0);
    assert_int_equal(
        db_exec(other, "INSERT INTO contact (ref, phone) VALUES ('20001', '+84900020001')", &err),
        0);
    assert_int_equal(
        db_exec(other, "INSERT INTO contact (ref, phone) VALUES ('44444', '+84900044444')", &err),
        0);
    db_close(&other);
}

static void test_others_add_meanwhile(void **state) {
    struct fixture *f = *state;
    struct base_buf text;
    base_buf_init(&text, 4 << 20);
    base_buf_add_text(&text, "ref,phone\n");
    for (int i = 0; i < 45000; i++) {
        base_buf_printf(&text, "%d,+849%08d\n", i, i);
    }
    write_bytes(f->csv, text.at, text.bytes);
    struct audience_import options = options_of(f);
    options.progress = add_another;
    options.progress_arg = f;
    assert_int_equal(contact_import(f->db, &options, &f->outcome, &f->err), 0);
    assert_outcome(f, 44998, 0, 2, 0);
    assert_int_equal(number(f, "SELECT COUNT(*) FROM contact"), 45000);
    base_buf_release(&text);
}

int main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {T(test_adds), T(test_nfc_and_controls),
        T(test_again_is_unchanged), T(test_updates_by_each_key), T(test_emails_in_any_case_are_one),
        T(test_contradictions_are_other_people), T(test_two_keys_two_people),
        T(test_few_rows_among_many), T(test_duplicates_inside_the_file), T(test_bad_values),
        T(test_good_address_replaces_bad), T(test_enrolled_and_consent), T(test_places),
        T(test_map_and_set), T(test_dry_run), T(test_faults_of_the_file_change_nothing),
        T(test_rejects_never_overwrite_the_input), T(test_several_transactions),
        T(test_others_add_meanwhile), T(test_large_dry_run), T(test_places_of_before)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
