/* How many times a second our templates render: compiled once, values escaped. Its peer is
 * peers/render.js, with the same template and values. usage: render TEMPLATE N */
#include "base/clock.h"
#include "base/file.h"
#include "base/parse.h"
#include "campaign/template.h"
#include <stdio.h>
#include <time.h>

enum { NAMES = 8, PEOPLE = 16, NAMES_MOST = 64 };
#define TEMPLATE_BYTES_MOST (size_t)65536

static const char *const names[NAMES] = {
    "first", "last", "plan", "amount", "due", "city", "token", "email"};

struct values {
    char texts[PEOPLE][NAMES][40];
    int place[NAMES_MOST]; /* of the template's n-th name in `names` */
    int person;
};

static bool get(void *arg, int index, struct str name, struct str *value_out) {
    struct values *values = arg;
    (void)name;
    *value_out = str_from(values->texts[values->person][values->place[index]]);
    return true;
}

static int resolve(const struct template *template, struct values *values) {
    for (int i = 0; i < template_name_count(template); i++) {
        int place = 0;
        while (place < NAMES && !str_is(template_name(template, i), names[place])) {
            place++;
        }
        if (place == NAMES || i == NAMES_MOST) {
            return -1;
        }
        values->place[i] = place;
    }
    return 0;
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    static struct values values;
    struct base_err err = {0};
    struct base_buf text, out;
    struct template *template = NULL;
    int64_t count;
    uint64_t bytes = 0;
    base_buf_init(&text, TEMPLATE_BYTES_MOST);
    base_buf_init(&out, TEMPLATE_BYTES_MOST);
    if (argc != 3 || base_parse_i64(str_from(argv[2]), &count) != 0) {
        fprintf(stderr, "usage: render TEMPLATE N\n");
        return 2;
    }
    if (base_file_read(argv[1], TEMPLATE_BYTES_MOST, &text, &err) != 0 ||
        template_compile(base_buf_str(&text), TEMPLATE_HTML, "en", NULL, NULL, &template, &err) !=
            0 ||
        resolve(template, &values) != 0) {
        fprintf(stderr, "render: %s\n", err.text);
        return 1;
    }
    for (int i = 0; i < PEOPLE; i++) {
        for (int k = 0; k < NAMES; k++) {
            snprintf(values.texts[i][k], sizeof values.texts[i][k], "value %d & <%d>", k, i);
        }
    }
    struct template_source source = {get, &values};
    double start = seconds();
    for (int64_t i = 0; i < count; i++) {
        values.person = (int)(i % PEOPLE);
        base_buf_clear(&out);
        if (template_render(template, &source, &out, &err) != 0) {
            fprintf(stderr, "render: %s\n", err.text);
            return 1;
        }
        bytes += out.bytes;
    }
    printf("{\"n\": %lld, \"secs\": %.6f, \"bytes\": %llu}\n", (long long)count, seconds() - start,
        (unsigned long long)bytes);
    template_free(&template);
    base_buf_release(&text);
    base_buf_release(&out);
    return 0;
}
