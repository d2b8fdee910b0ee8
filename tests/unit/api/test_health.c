/* /healthz of a running door: it tells when the delivery loop stands still. */
#include "support.h"

#include "api/server.h"
#include "base/hash.h"
#include "base/mem.h"
#include "store/schema.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

static char folder[64], database[80];

static int set_up(void **state) {
    struct base_err err = {0};
    struct db *db = NULL;
    char key[2 * BASE_SHA256_BYTES + 1];
    (void)state;
    memset(key, 'a', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    snprintf(folder, sizeof folder, "/tmp/lantoa-test-health-%d", (int)getpid());
    snprintf(database, sizeof database, "%s/lantoa.db", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_ok(db_open(database, DB_OPEN_CREATE, &db, &err), err);
    assert_ok(schema_migrate(db, &err), err);
    assert_ok(schema_meta_set(db, "instance_key", key, &err), err);
    db_close(&db);
    return 0;
}

static int tear_down(void **state) {
    static const char *const ends[] = {"", "-wal", "-shm"};
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char *file = base_printf("%s%s", database, ends[i]);
        unlink(file);
        base_free(file);
    }
    return rmdir(folder);
}

static void get_health(int port, char *out, size_t room) {
    static const char ask[] = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    size_t used = 0;
    ssize_t got;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(write(fd, ask, sizeof ask - 1), sizeof ask - 1);
    while (used < room - 1 && (got = read(fd, out + used, room - 1 - used)) > 0) {
        used += (size_t)got;
    }
    out[used] = '\0';
    close(fd);
}

static void wait_until_stuck(int port, char *out, size_t room) {
    for (int i = 0; i < 50000; i++) {
        get_health(port, out, room);
        if (strstr(out, " 503 ")) {
            return;
        }
    }
    fail_msg("never stuck: %s", out);
}

static void test_a_loop_that_stands_still(void **state) {
    struct base_err err = {0};
    struct api_server *server = NULL;
    char said[2048];
    const struct api_options patient = {
        .data_dir = folder, .listen = "127.0.0.1:0", .threads = 2, .stuck_ms = 600000};
    const struct api_options hasty = {
        .data_dir = folder, .listen = "127.0.0.1:0", .threads = 2, .stuck_ms = 20};
    (void)state;
    assert_ok(api_start(&patient, &server, &err), err);
    get_health(api_port(server), said, sizeof said);
    assert_non_null(strstr(said, " 200 "));
    assert_non_null(strstr(said, "\"delivery\":\"ok\""));
    api_stop(&server);
    assert_ok(api_start(&hasty, &server, &err), err);
    wait_until_stuck(api_port(server), said, sizeof said);
    assert_non_null(strstr(said, "\"reason\":\"the delivery loop has not moved for "));
    assert_non_null(strstr(said, "\"delivery\":\"stuck\""));
    api_stop(&server);
    assert_null(server);
}

static void test_a_beat_is_seen(void **state) {
    struct base_err err = {0};
    struct api_server *server = NULL;
    char said[2048];
    bool well = false;
    const struct api_options options = {
        .data_dir = folder, .listen = "127.0.0.1:0", .threads = 1, .stuck_ms = 300};
    (void)state;
    assert_ok(api_start(&options, &server, &err), err);
    wait_until_stuck(api_port(server), said, sizeof said);
    /* Tried several times, for the machine may take its time between the two. */
    for (int i = 0; i < 100 && !well; i++) {
        api_beat(server);
        get_health(api_port(server), said, sizeof said);
        well = strstr(said, " 200 ") != NULL;
    }
    assert_true(well);
    api_stop(&server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_loop_that_stands_still, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_beat_is_seen, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
