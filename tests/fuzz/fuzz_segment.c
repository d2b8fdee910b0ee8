/* The audience language: a text is refused with a column, or compiles to SQL that the database
 * takes and that agrees with the in-memory answer. */
#include "fuzz.h"

#include "audience/segment.h"
#include "store/schema.h"

static char folder[] = "/tmp/lantoa-fuzz-XXXXXX";

static void segment_tidy(void) {
    static const char *const names[] = {"/a.db", "/a.db-wal", "/a.db-shm", ""};
    char path[64];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", folder, names[i]);
        (void)!remove(path);
    }
}

static struct db *segment_db(void) {
    static struct db *db;
    char path[64];
    struct base_err err = {0};
    if (db) {
        return db;
    }
    FUZZ_HOLDS(mkdtemp(folder) != NULL);
    atexit(segment_tidy);
    snprintf(path, sizeof(path), "%s/a.db", folder);
    FUZZ_HOLDS(db_open(path, DB_OPEN_CREATE, &db, &err) == 0);
    FUZZ_HOLDS(schema_migrate(db, &err) == 0);
    int made = db_exec(db,
        "INSERT INTO place (code, name, name_key, short_key, level, valid_from) VALUES ('97', "
        "'Tỉnh Lam Giang', 'tinh lam giang', 'lam giang', 'province', '1997-01-01');"
        "INSERT INTO attribute (name, heading) VALUES ('occupation', 'Nghề nghiệp');"
        "INSERT INTO contact (ref, name, name_key, email, lang, birth_date, sex, place_id, attrs) "
        "VALUES "
        "('a', 'Nguyễn Thị Hoà', 'nguyen thi hoa', 'hoa@example.com', 'vi', '1980-05-01', 'f', 1, "
        "'{\"occupation\":\"farmer\"}')",
        &err);
    FUZZ_HOLDS(made == 0);
    return db;
}

/* The one contact of the database, asked both ways. */
static void segment_agree(struct db *db, struct segment *segment, int64_t counted, int64_t today) {
    struct base_err err = {0};
    struct db_stmt *stmt = NULL;
    FUZZ_HOLDS(db_prepare(db, "SELECT " CONTACT_COLUMNS " FROM contact c", &stmt, &err) == 0);
    FUZZ_HOLDS(db_step(stmt, &err) == 1);
    struct contact contact;
    contact_read(stmt, 0, &contact);
    bool match = false;
    if (segment_match(segment, db, &contact, today, &match, &err) == 0) {
        FUZZ_HOLDS(match == (counted == 1));
    }
    db_finish(&stmt);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    enum { TODAY = 20780 };
    struct db *db = segment_db();
    struct base_err err = {0};
    struct segment *segment = NULL;
    int column = -1;
    if (segment_parse(db, str_of((const char *)bytes, count), &segment, &column, &err) != 0) {
        FUZZ_HOLDS(err.text[0] != '\0');
        FUZZ_HOLDS(column >= 0 && (size_t)column <= count + 1);
        return 0;
    }
    int64_t counted = -1;
    if (segment_count(db, segment, TODAY, &counted, &err) == 0) {
        FUZZ_HOLDS(counted == 0 || counted == 1);
        segment_agree(db, segment, counted, TODAY);
    }
    segment_free(&segment);
    return 0;
}
