/* Addresses that get utm parameters: a byte that says whether it stands in HTML, then what stands
 * behind "https://". Nothing is ever added twice, nothing of the address is lost, and it grows by
 * no more than the parameters. */
#include "fuzz.h"

#include "base/mem.h"
#include "delivery/utm.h"

static struct delivery_utm *made(void) {
    static struct delivery_utm *utm;
    static char source[] = "{{channel}}", medium[] = "Zalo & tin", none[] = "", step[] = "{{step}}";
    const struct campaign_utm spec = {.on = true, .texts = {source, medium, none, step, none}};
    const struct delivery_utm_facts facts = {"zalo", "zalo", "zalo-oa", "c", "t", "mot"};
    struct base_err err = {0};
    if (!utm) {
        FUZZ_HOLDS(delivery_utm_new(&spec, &facts, &utm, &err) == 0);
    }
    return utm;
}

static void put(struct str url, bool html, struct base_buf *out) {
    base_buf_init(out, url.bytes + UTM_BYTES_MAX);
    delivery_utm_put(made(), url, html, out);
    FUZZ_HOLDS(base_buf_ok(out));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    struct base_buf once, twice;
    if (count == 0) {
        return 0;
    }
    bool html = bytes[0] & 1;
    char *url = base_alloc(count + 8);
    memcpy(url, "https://", 8);
    memcpy(url + 8, bytes + 1, count - 1);
    put(str_of(url, count + 7), html, &once);
    put(base_buf_str(&once), html, &twice);
    FUZZ_HOLDS(str_eq(base_buf_str(&once), base_buf_str(&twice)));
    FUZZ_HOLDS(once.bytes >= count + 7);
    base_buf_release(&once);
    base_buf_release(&twice);
    base_free(url);
    return 0;
}
