/* What a message costs on a channel: its dated price list, and which operator a number belongs to.
 * Prices are per unit (a part of an SMS), in minor units of the currency (VND: dong).
 *
 * "prices" of a channel file:
 *   [{"from": "2026-01-01", "class": "advertising", "operator": "viettel", "minor": 700},
 *    {"from": "2026-01-01", "class": "*", "prefix": ["+8496", "+8497"], "minor": 650}, ...]
 * class, a word of the campaign file, and prefix may be "*" or absent: any. "operator" stands for
 * all prefixes of an operator in config/rules/operators.json. For a message, a row for its own
 * class goes before one for any class; then the longest prefix; then the newest row that is not
 * after the message's day. The same class, prefix and day twice is an error. */
#ifndef CHANNEL_PRICE_H
#define CHANNEL_PRICE_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#define CHANNEL_OPERATORS_MOST 32
#define CHANNEL_PREFIX_MOST 16 /* '+' and 15 digits: a whole number of E.164 */

/* --- operators --- */

struct channel_operators;
/* The table built into the program. LANTOA_EINVAL: it is damaged. */
int channel_operators_load(
    struct channel_operators **operators_out, struct base_err *err) LANTOA_MUST_CHECK;
void channel_operators_free(struct channel_operators **operators);
/* Whose number this is on that day, as an index for channel_operator_name; -1: nobody's. */
int channel_operator_of(const struct channel_operators *operators, struct str address, int64_t day);
const char *channel_operator_name(const struct channel_operators *operators, int index);

/* --- prices --- */

struct channel_prices;
/* Reads the list; errors name file, line and field ("prices[2].minor"). */
int channel_prices_parse(const struct base_json *doc, json_t *list,
    struct channel_prices **prices_out, struct base_err *err) LANTOA_MUST_CHECK;
void channel_prices_free(struct channel_prices **prices);

/* What counts for one message class on one day (days since 1970). */
struct channel_tariff;
struct channel_tariff *channel_tariff_new(
    const struct channel_prices *prices, const char *message_class, int64_t day);
void channel_tariff_free(struct channel_tariff **tariff);
/* Price of a unit to this address. false: the list has none. */
bool channel_tariff_find(
    const struct channel_tariff *tariff, struct str address, int64_t *minor_out);

#endif
