/* Templates: Mustache as its public specification says (interpolation, sections, inverted sections,
 * comments, partials, set delimiters; spec 1.4.x without lambdas, inheritance or dynamic names),
 * compiled once per step and rendered many times, plus
 *   filters    {{amount | money}} {{name | first | upper}}: see TEMPLATE_FILTERS
 *   fallback   {{name | or "bạn"}}: the text when the value is missing or empty
 *
 * A value that is missing or empty and has no fallback makes the message unrenderable
 * (LANTOA_ENOENT, text names the field): people are never sent half a text. `or ""` says that
 * nothing may stand there. In sections and inverted sections a missing value is simply false, as
 * are the empty text, "false", JSON false and null and the empty list; everything else, 0 too, is
 * true. With flat values a true section renders once, and {{.}} in it is its value. (The
 * specification's own cases run in lenient mode, where missing is empty.)
 *
 * {{#contribution}} ... {{/contribution}} says what this person pays, {{contribution.pay}} is one
 * field of it; inside the section the fields go by their short names (campaign/contribution.h).
 *
 * Knows no SQL: values come from a call back. Thread: a compiled template is read-only and may be
 * shared; a rendering belongs to one thread. */
#ifndef CAMPAIGN_TEMPLATE_H
#define CAMPAIGN_TEMPLATE_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>

struct template;

enum template_mode {
    TEMPLATE_TEXT,        /* no escaping */
    TEMPLATE_HTML,        /* {{x}} escapes & < > " ' ; {{{x}}} and {{&x}} do not */
    TEMPLATE_LENIENT = 4, /* or-ed: missing values render as nothing */
};

/*            Vietnamese          in an English step ("en")
 *   number   1.234.567,5         1,234,567.5
 *   money    1.234.567 đ         VND 1,234,567
 *   percent  3,66 %              3.66%              of 3.66, not of 0.0366
 *   date     23/11/2026          23 Nov 2026        a year alone stays as it is
 *   datetime 23/11/2026 08:00    23 Nov 2026 08:00
 *   upper, lower                 case
 *   strip                        without accents
 *   phone    0912 345 678
 *   first                        the given name: the last word of a Vietnamese name
 *   url                          percent-encoded
 * A value that a filter cannot read (money of "abc") makes the message unrenderable; so does one
 * that may be read in two ways ("1.500": 1500 or one and a half?). Filters run from left to right;
 * a missing value passes them by until `or` catches it. */
#define TEMPLATE_FILTERS(X)                                                                        \
    X(number)                                                                                      \
    X(money) X(date) X(datetime) X(percent) X(upper) X(lower) X(strip) X(phone) X(first) X(url)

/* Looks a partial up by name: 0 and the text, or LANTOA_ENOENT (renders as nothing in lenient mode,
 * else a compile error naming it). Text BORROWED during compile. */
typedef int template_partial_fn(void *arg, struct str name, struct str *text_out);

/* lang: "vi" or "en" for the filters. Errors name line and column in the text: "line 3, column 7:
 * section 'x' is not closed". */
int template_compile(struct str text, enum template_mode mode, const char *lang,
    template_partial_fn *partial, void *partial_arg, struct template **template_out,
    struct base_err *err) LANTOA_MUST_CHECK;
void template_free(struct template **template);
/* Calls back once for each different name the template uses (a dotted name whole). optional: every
 * use has a fallback, is a section, or stands inside a section of the same name. Line and column
 * are those of the first use that is not optional (else of the first use), in the text itself or in
 * the partial named. */
struct template_use {
    struct str name, partial; /* partial: empty in the text itself. BORROWED from the template */
    bool optional;
    int line, column;
};
void template_each_name(const struct template *template,
    void (*name)(void *arg, const struct template_use *use), void *arg);

/* Rendering against flat values: get fills value_out and returns true, or false when absent. Names
 * are interned at compile time: get is called with the template's own index for the name too, so
 * that a caller can cache look-ups per template (template_name_count, template_name). value
 * BORROWED until the next call of get or the end of the rendering. */
struct template_source {
    bool (*get)(void *arg, int index, struct str name, struct str *value_out);
    void *arg;
};
int template_name_count(const struct template *template);
struct str template_name(const struct template *template, int index);
/* Appends to out. LANTOA_ENOENT missing value, LANTOA_EINVAL unreadable value, LANTOA_ELIMIT over
 * out's ceiling; err says which name. On error out holds rubbish behind its old end. */
int template_render(const struct template *template, const struct template_source *source,
    struct base_buf *out, struct base_err *err) LANTOA_MUST_CHECK;

/* The full Mustache data model (nested objects, lists) over jansson: for the specification's cases,
 * previews, and lists in later content. */
int template_render_json(const struct template *template, json_t *context, struct base_buf *out,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
