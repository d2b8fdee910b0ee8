/* The plugin in its real host: the frames, the limits on memory, the journal; a recording goes in
 * as a part of its step and out as RTP packets, and the host ends in order. */
#include "../channel/rig.h"
#include <arpa/inet.h>
#include <math.h>
#include <sys/socket.h>
#include <time.h>

struct heard {
    size_t sent, delivered;
    char detail[600];
};

static void on_results(
    void *arg, struct channel *channel, const struct channel_result *results, size_t count) {
    struct heard *heard = arg;
    for (size_t i = 0; i < count; i++) {
        heard->sent += results[i].outcome == LANTOA_SENT;
        snprintf(heard->detail, sizeof heard->detail, STR_FMT, STR_ARG(results[i].detail));
        channel_ack(channel, &results[i].id, 1);
    }
}

static void on_events(
    void *arg, struct channel *channel, const struct channel_event *events, size_t count) {
    struct heard *heard = arg;
    for (size_t i = 0; i < count; i++) {
        heard->delivered += events[i].kind == LANTOA_EVENT_DELIVERED;
        snprintf(heard->detail, sizeof heard->detail, STR_FMT, STR_ARG(events[i].detail));
        channel_event_done(channel, events[i].token);
    }
}

static void on_recovered(void *arg, struct channel *channel, bool trusted) {
    (void)arg;
    (void)channel;
    (void)trusted;
}

static void on_changed(void *arg, struct channel *channel) {
    (void)arg;
    (void)channel;
}

/* Half a second of a tone at 8,000 Hz. */
static struct str make_wav(uint8_t *out) {
    static const uint8_t head[44] =
        "RIFF\x64\x1f\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0"
        "data\x40\x1f\0";
    memcpy(out, head, sizeof head);
    for (int i = 0; i < 4000; i++) {
        int16_t sample = (int16_t)(8000 * sin(i * 0.785398));
        memcpy(out + sizeof head + 2 * i, &sample, 2);
    }
    return str_of((const char *)out, sizeof head + 8000);
}

static int listen_udp(char *url, size_t room) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof at;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 &&
                getsockname(fd, (struct sockaddr *)&at, &bytes) == 0);
    snprintf(url, room, "rtp://127.0.0.1:%d?codec=pcmu", ntohs(at.sin_port));
    return fd;
}

static void put(struct channel *channel, const char *url) {
    char now[40];
    time_t seconds = time(NULL);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", &tm);
    struct str fields[] = {STR("loa-1"), STR("Bài thử"), STR("a.wav"), STR("1"), str_from(now),
        STR(""), STR("emergency"), STR(""), STR(""), STR("")};
    struct channel_message message = {.id = 1,
        .step_ref = 1,
        .key = STR("aaaaaaaaaaaaaaaaaaab"),
        .address = str_from(url),
        .name = STR("Loa 1"),
        .lang = STR("vi"),
        .fields = fields};
    assert_int_equal(channel_put(channel, &message), 0);
    channel_flush(channel);
}

static void test_a_recording_through_the_host(void **state) {
    static const struct channel_callbacks calls = {
        on_results, on_events, on_recovered, on_changed, NULL};
    static uint8_t wav[9000];
    struct rig rig = {0};
    struct heard heard = {0};
    struct channel_spec *spec = NULL;
    struct channel_manifest *manifest = NULL;
    struct base_err err = {0};
    char url[100], packet[2000];
    (void)state;
    rig_open(&rig);
    rig_plugins("../plugins");
    rig_spec("{\"name\":\"loa\",\"plugin\":\"loudspeaker\",\"options\":{}}", &spec, &manifest);
    struct channel *channel = channel_new(rig.loop, rig.dir.path, spec, manifest, &calls, &heard);
    int fd = listen_udp(url, sizeof url);
    channel_start(channel);
    RIG_UNTIL(&rig, channel_state(channel) == CHANNEL_READY);
    struct channel_part part = {STR("a.wav"), STR("audio/wav"), STR(""), make_wav(wav)};
    assert_ok(channel_step(channel, 1, STR("c"), STR("s"), STR("state_information"), STR(""), &part,
                  1, &err),
        err);
    put(channel, url);
    RIG_UNTIL(&rig, heard.delivered == 1);
    assert_int_equal(heard.sent, 1);
    assert_non_null(strstr(heard.detail, "\"played_ms\":500"));
    size_t packets = 0;
    while (recv(fd, packet, sizeof packet, 0) == 12 + 160) {
        packets++;
    }
    assert_int_equal(packets, 25);
    channel_stop(channel, 5000);
    RIG_UNTIL(&rig, channel_state(channel) == CHANNEL_STOPPED);
    channel_free(&channel);
    close(fd);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_recording_through_the_host)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
