/* The pure parts: packets, mu-law, resampling, Ogg pages, addresses, times, keys, reports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "asrun.h"
#include "audio.h"
#include "device.h"
#include "keys.h"
#include "pages.h"
#include "paper.h"
#include "plan.h"
#include "rtp.h"
#include "when.h"
#include <math.h>
#include <string.h>

static struct lantoa_str str(const char *text) {
    return (struct lantoa_str){text, strlen(text)};
}

static void test_rtp_head(void **state) {
    uint8_t out[RTP_HEAD_BYTES];
    (void)state;
    rtp_head_write(&(struct rtp_head){11, true, 0x1234, 0x89ABCDEF, 0x4C4F4131}, out);
    assert_memory_equal(out, "\x80\x8B\x12\x34\x89\xAB\xCD\xEF\x4C\x4F\x41\x31", RTP_HEAD_BYTES);
    rtp_head_write(&(struct rtp_head){0, false, 65535, 0, 1}, out);
    assert_memory_equal(out, "\x80\x00\xFF\xFF\x00\x00\x00\x00\x00\x00\x00\x01", RTP_HEAD_BYTES);
}

/* The corners of G.711, table 2a. */
static void test_ulaw(void **state) {
    (void)state;
    assert_int_equal(audio_ulaw(0), 0xFF);
    assert_int_equal(audio_ulaw(-1), 0x7F);
    assert_int_equal(audio_ulaw(32767), 0x80);
    assert_int_equal(audio_ulaw(-32768), 0x00);
    assert_int_equal(audio_ulaw(1000), 0xCE);
}

static void check_rate(int from, int to, double hertz, double wanted) {
    struct resampler *resampler = resampler_new(from, to);
    static float in[48000], out[48000];
    double power = 0;
    assert_non_null(resampler);
    for (int i = 0; i < from; i++) {
        in[i] = (float)sin(2 * 3.14159265358979 * hertz * i / from);
    }
    resampler_put(resampler, in, (size_t)from);
    resampler_end(resampler);
    size_t count = resampler_take(resampler, out, 48000);
    assert_in_range(count, to - 2, to + 2);
    for (size_t i = 1000; i < count - 1000; i++) {
        power += (double)out[i] * (double)out[i];
        if (wanted > 0) {
            double ideal = sin(2 * 3.14159265358979 * hertz * (double)i / to);
            assert_true(fabs((double)out[i] - ideal) < 0.01);
        }
    }
    power = sqrt(2 * power / (double)(count - 2000));
    assert_true(fabs(power - wanted) < 0.01);
    resampler_free(resampler);
}

static void test_resampling_keeps_tones_and_bars_what_would_fold(void **state) {
    (void)state;
    check_rate(48000, 44100, 1000, 1);
    check_rate(22050, 48000, 3000, 1);
    check_rate(44100, 8000, 1000, 1);
    check_rate(48000, 8000, 3000, 1);
    check_rate(48000, 8000, 5000, 0);
    assert_null(resampler_new(0, 8000));
    assert_null(resampler_new(44101, 48000));
}

static void test_addresses(void **state) {
    struct device_url url;
    char why[200];
    (void)state;
    assert_true(device_url_read(str("icecast://nguon@loa.vn:8000/xa/loa.ogg"), &url, why, 200));
    assert_string_equal(url.user, "nguon");
    assert_string_equal(url.mount, "/xa/loa.ogg");
    assert_true(device_url_read(str("icecasts://loa.vn:8000/x"), &url, why, 200) && url.tls);
    assert_string_equal(url.user, "source");
    assert_true(device_url_read(str("rtp://239.1.2.3:5004"), &url, why, 200));
    assert_true(url.codec == CODEC_L16 && url.payload_type == 11);
    assert_true(device_url_read(str("rtp://[ff02::1]:5004?codec=opus&ttl=2"), &url, why, 200));
    assert_true(url.payload_type == 96 && url.ttl == 2);
    assert_string_equal(url.host, "ff02::1");
    assert_true(device_url_read(str("paper:XA-1"), &url, why, 200) && url.kind == DEVICE_PAPER);
    static const char *const bad[] = {"", "rtp://", "rtp://a", "rtp://a:0", "rtp://a:65536",
        "rtp://a:1?codec", "rtp://a:1?x=1", "rtp://u@a:1", "rtp://a:1?pt=128",
        "device:", "device:../x", "paper:.x", "paper:a/b", "icecast://a:1", "icecast://a:1/",
        "icecast://a:1/b c",
        "device:0123456789012345678901234567890123456789012345678901234567890123"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(device_url_read(str(bad[i]), &url, why, sizeof(why)));
    }
}

static void test_times(void **state) {
    int64_t ms;
    int zone;
    char text[WHEN_BYTES];
    (void)state;
    assert_true(when_read(str("2026-12-01T05:00:00+07:00"), &ms, &zone));
    assert_true(ms == INT64_C(1796076000000) && zone == 420);
    when_print(ms + 250, zone, text);
    assert_string_equal(text, "2026-12-01T05:00:00.250+07:00");
    when_print_clock(ms, zone, text);
    assert_string_equal(text, "05:00");
    assert_true(when_read(str("2026-12-01T05:00Z"), &ms, &zone) && zone == 0);
    static const char *const bad[] = {"", "2026-12-01", "2026-02-30T05:00:00Z",
        "2026-12-01T24:00:00Z", "2026-12-01T05:00:00", "2026-12-01T05:00:00+7",
        "2026-12-01T05:00:00.Z", "2026-12-01 05:00:00Z", "2026-12-01T05:00:00Zx"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(when_read(str(bad[i]), &ms, NULL));
    }
}

/* RFC 4231, case 2, and what a device must compute. */
static void test_signing(void **state) {
    char mac[KEYS_MAC_BYTES], other[KEYS_MAC_BYTES];
    (void)state;
    keys_sign("Jefe", "what do ya want for nothing?", 28, mac);
    assert_string_equal(mac, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    plan_sign("khoa-bi-mat", "nonce-01", "{}", mac);
    keys_sign("khoa-bi-mat", "nonce-01\n{}", 11, other);
    assert_string_equal(mac, other);
    assert_true(plan_sign_request("khoa-bi-mat", "GET", "/device/a/plan", "nonce-01", "", 0, mac));
    const char *text = "GET\n/device/a/plan\nnonce-01\n"
                       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    keys_sign("khoa-bi-mat", text, strlen(text), other);
    assert_true(keys_equal(mac, other));
    other[5] ^= 1;
    assert_false(keys_equal(mac, other));
    assert_false(keys_equal(mac, "5bdc"));
}

static void test_key_list(void **state) {
    struct lantoa_fault why;
    (void)state;
    struct keys *keys = keys_new("# loa\nloa-7  khoa-loa-7\r\n\n host:8000/x mat-khau-x\n", &why);
    assert_non_null(keys);
    assert_string_equal(keys_find(keys, "loa-7"), "khoa-loa-7");
    assert_string_equal(keys_find(keys, "host:8000/x"), "mat-khau-x");
    assert_null(keys_find(keys, "loa"));
    keys_free(keys);
    assert_null(keys_new("a khoa-loa-7\nb short\n", &why));
    assert_non_null(strstr(why.why_en, "line 2"));
    assert_null(keys_new("a khoa-loa-7\na khoa-loa-8\n", &why));
    assert_non_null(strstr(why.why_en, "line 2: this name has a key already"));
}

static void test_reports_are_corrected(void **state) {
    struct asrun asrun;
    char why[200];
    struct item item = {.length_ms = 30000, .zone = 420};
    const char *body =
        "{\"clock\":\"2026-12-01T08:10:00+07:00\",\"records\":[{\"key\":\"abc\","
        "\"result\":\"cut\",\"start\":\"2026-12-01T08:00:00+07:00\",\"end\":"
        "\"2026-12-01T08:00:20+07:00\",\"played_ms\":20000,\"reason\":\"mất\\nđiện\"}]}";
    int64_t now;
    (void)state;
    assert_true(when_read(str("2026-12-01T05:10:00+07:00"), &now, NULL));
    item.entry.start_ms = now - 600000;
    assert_true(asrun_read(body, strlen(body), &asrun, why, sizeof(why)));
    assert_int_equal(asrun.count, 1);
    asrun_apply(&asrun.records[0], asrun.clock_ms - now, now, &item);
    assert_true(item.began_ms == now - 600000 && item.ended_ms == now - 580000);
    assert_true(item.clock_offset_ms == 3 * 3600000 && item.by_device);
    assert_string_equal(item.words, "cut: mất điện at 05:00, 20 of 30 s played");
    asrun_release(&asrun);
}

/* A page as libogg would write it, checked against its own sum (RFC 3533: 0x04c11db7). */
static void test_ogg_pages(void **state) {
    uint8_t page[28 + 19] = "OggS";
    struct pages pages;
    (void)state;
    page[5] = 2;
    page[26] = 1;
    page[27] = 19;
    memcpy(page + 28, "OpusHead\1\1\x38\1", 12);
    pages_renumber(page, sizeof(page), 7, 3);
    assert_true(page[14] == 7 && page[18] == 3);
    uint8_t again[sizeof(page)];
    memcpy(again, page, sizeof(page));
    pages_renumber(again, sizeof(again), 7, 3);
    assert_memory_equal(again, page, sizeof(page));
    assert_false(pages_read(&pages, page, sizeof(page))); /* nothing to hear */
    assert_false(pages_read(&pages, (const uint8_t *)"text", 4));
}

static void test_names_on_a_stick(void **state) {
    char name[PAPER_FILE_BYTES], code[PAPER_CODE_BYTES];
    (void)state;
    paper_file_name("Gia đình: 20 %/tháng", "0a1b2c3dffff.ogg", ".wav", name);
    assert_string_equal(name, "Gia-đình-20-tháng-0a1b2c3d.wav");
    paper_file_name("../..", "0a1b2c3d", ".wav", name);
    assert_string_equal(name, "0a1b2c3d.wav");
    paper_code("q2kf7n5m3a6x4c2b7d5e", code);
    assert_string_equal(code, "4C2B-7D5E");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rtp_head),
        cmocka_unit_test(test_ulaw),
        cmocka_unit_test(test_resampling_keeps_tones_and_bars_what_would_fold),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_signing),
        cmocka_unit_test(test_key_list),
        cmocka_unit_test(test_reports_are_corrected),
        cmocka_unit_test(test_ogg_pages),
        cmocka_unit_test(test_names_on_a_stick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
