/* Answers to people whom no contact stands for: the address stands with the text. */
#include "delivery/dispatch_private.h"

#include <jansson.h>
#include <string.h>

/* The account as the attributes of a contact would have it. */
static struct str account_attrs(
    const struct delivery_step *step, struct str account, struct dispatch_stranger *kept) {
    json_t *attrs = json_object();
    json_object_set_new(attrs, step->manifest->account, json_stringn(account.at, account.bytes));
    size_t bytes = json_dumpb(attrs, kept->attrs, sizeof kept->attrs, JSON_COMPACT);
    json_decref(attrs);
    return str_of(kept->attrs, bytes < sizeof kept->attrs ? bytes : 0);
}

int dispatch__stranger(struct dispatcher *d, const struct delivery_step *step, int64_t message_id,
    struct dispatch_stranger *kept, struct policy_person *person, struct base_err *err) {
    person->address = (struct str){0};
    if (ledger_recipient(message_id) < LEDGER_STRANGER_FIRST) {
        return 0;
    }
    db_bind_i64(d->stranger, 1, message_id);
    int rc = db_step(d->stranger, err);
    struct str address = rc == 1 ? db_column_str(d->stranger, 0) : (struct str){0};
    if (address.bytes && address.bytes < sizeof kept->address) {
        memcpy(kept->address, address.at, address.bytes);
        struct str copy = str_of(kept->address, address.bytes);
        person->contact.id = ledger_recipient(message_id);
        if (step->manifest->account) {
            person->contact.attrs = account_attrs(step, copy, kept);
        } else if (memchr(copy.at, '@', copy.bytes)) {
            person->contact.email = copy;
        } else {
            person->contact.phone = copy;
        }
    }
    db_reset(d->stranger);
    return rc < 0 ? rc : 0;
}
