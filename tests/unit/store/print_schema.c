/* print_schema sqlite|postgresql: all migrations as that database gets them, each in a transaction.
 */
#include "store/fragment.h"
#include "store/schema.h"
#include "store/schema_private.h"

#include <stdio.h>

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: print_schema sqlite|postgresql\n");
        return 2;
    }
    struct base_buf text;
    struct base_err err = {0};
    base_buf_init(&text, 16 << 20);
    int result = 0;
    for (int number = 1; number <= schema_latest() && result == 0; number++) {
        base_buf_add_text(&text, "BEGIN;\n");
        result = db_expand(argv[1], schema__migration(number), &text, &err);
        base_buf_add_text(&text, "COMMIT;\n");
    }
    if (result == 0) {
        fputs(base_buf_text(&text), stdout);
    } else {
        fprintf(stderr, "%s\n", err.text);
    }
    base_buf_release(&text);
    return result != 0;
}
