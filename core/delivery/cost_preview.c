/* What one person would get: rendered, and as the channel's plugin would show and price it. */
#include "base/mem.h"
#include "base/str.h"
#include "base/tr.h"
#include "delivery/cost_private.h"

static char *copy_of(struct str text) {
    return base_strndup(text.at ? text.at : "", text.bytes);
}

void cost__previewed(struct costing *c, const struct channel_quoted *quoted) {
    struct cost_preview *preview = c->preview;
    preview->refused = quoted->code != 0;
    preview->units = quoted->units;
    if (preview->priced && preview->minor >= 0) {
        preview->minor *= quoted->units; /* it was the price of a unit */
    } else if (preview->priced) {
        preview->minor = quoted->minor;
    }
    base_free(preview->note);
    preview->note = copy_of(quoted->note);
    if (quoted->preview.bytes > 0) {
        base_free(preview->text);
        preview->text = copy_of(quoted->preview);
    }
}

/* The content as it stands, for plugins that have no preview of their own. */
static char *plain(const struct cost__step *step, const struct str *fields) {
    struct base_buf text;
    base_buf_init(&text, 4 << 20);
    for (size_t i = 0; i < step->step->manifest->content_count; i++) {
        if (fields[i].bytes > 0) {
            base_buf_printf(&text, "%s%s:\n" STR_FMT "\n", text.bytes ? "\n" : "",
                step->step->manifest->content[i].name, STR_ARG(fields[i]));
        }
    }
    char *out = base_strdup(text.bytes ? base_buf_text(&text) : "");
    base_buf_release(&text);
    return out;
}

static bool is_in(const struct cost__step *step, const struct str *fields, struct str text) {
    for (size_t i = 0; i < step->step->manifest->content_count; i++) {
        if (fields[i].bytes >= text.bytes &&
            memmem(fields[i].at, fields[i].bytes, text.at, text.bytes)) {
            return true;
        }
    }
    return false;
}

/* Which of the step's short links stand in the message. */
static void list_links(
    struct cost_preview *preview, const struct cost__step *step, const struct str *fields) {
    for (int i = 0; i < LINK_NUMBERS; i++) {
        char room[LINK_URL_MAX];
        struct str target = delivery_link_target(step->step->links, i);
        struct str shown = delivery_link_url(step->step->links, i, COST__KEY, room);
        if (target.bytes && shown.bytes && is_in(step, fields, shown)) {
            preview->links[preview->link_count++] =
                (struct cost_preview_link){copy_of(shown), copy_of(target)};
        }
    }
}

static int show(struct costing *c, const struct cost__step *step, struct cost__message *message,
    struct base_err *err) {
    struct cost_preview *preview = c->preview;
    struct str fields[DELIVERY_FIELDS_MAX];
    struct base_err fault = {0};
    size_t lang = 0;
    int rc = cost__reason(c, step, message, &preview->reason, err);
    if (rc != 0) {
        return rc;
    }
    if (message->state == MESSAGE_SUPPRESSED) {
        (void)policy_check(step->step, &message->person); /* for the address, if there is one */
    }
    struct str address = message->person.address;
    preview->address = copy_of(address);
    preview->name = copy_of(delivery_step_to_page(step->step) ? str_from(step->step->spec->channel)
                                                              : message->person.contact.name);
    if (cost__render(c, step, message, &lang, fields, &fault) != 0) {
        preview->reason = preview->reason ? preview->reason : SUPPRESSED_TEMPLATE_ERROR;
        preview->note = base_strdup(fault.text);
        preview->text = base_strdup("");
        return 1;
    }
    preview->text = plain(step, fields);
    list_links(preview, step, fields);
    snprintf(preview->lang, sizeof preview->lang, "%s", step->step->langs[lang]);
    snprintf(preview->carrier, sizeof preview->carrier, "%s",
        channel_operator_name(c->operators, channel_operator_of(c->operators, address, step->day)));
    int64_t unit = -1; /* -1: the plugin's own figure */
    preview->priced = !step->tariff || channel_tariff_find(step->tariff, address, &unit);
    preview->minor = unit;
    struct channel_quote_message question = {.id = (uint64_t)message->id,
        .want = CHANNEL_WANT_NOTE | CHANNEL_WANT_PREVIEW,
        .step_ref = step->step->ref,
        .key = STR(COST__KEY),
        .address = address.at ? address : STR(""),
        .name = message->person.contact.name,
        .lang = str_from(step->step->langs[lang]),
        .fields = fields};
    rc = channel_quote_put(step->channel->quote, &question, err);
    rc = rc == 0 ? channel_quote_finish(step->channel->quote, err) : rc;
    if (rc == 0 && !step->tariff && step->channel->spec->price_minor > 0) {
        preview->minor = step->channel->spec->price_minor;
    }
    return rc == 0 ? 1 : rc;
}

int costing_preview(struct costing *c, const char *step_name, int64_t contact_id,
    struct cost_preview *preview_out, struct base_err *err) {
    *preview_out = (struct cost_preview){0};
    size_t i = 0;
    while (
        i < c->campaign->step_count && strcmp(c->campaign->steps[i].spec->name, step_name) != 0) {
        i++;
    }
    if (i == c->campaign->step_count) {
        return base_err_set(err, LANTOA_ENOENT, TR("campaign %s has no step %s"),
            c->campaign->spec->name, step_name);
    }
    bool page = delivery_step_to_page(c->steps[i].step);
    if (!page && contact_id == 0) {
        return base_err_set(err, LANTOA_EINVAL,
            TR("step %s writes to people: needs --contact ID or --longest N"), step_name);
    }
    int64_t id = page ? ledger_page_id(c->steps[i].step->id, 0)
                      : ledger_id(c->steps[i].step->id, contact_id, 0);
    c->preview = preview_out;
    int rc = cost__each(c, &c->steps[i], id, id, show, err);
    c->preview = NULL;
    if (rc == 0) {
        rc = base_err_set(err, LANTOA_ENOENT, TR("contact %lld is not in the audience of %s"),
            (long long)contact_id, c->campaign->spec->name);
    }
    if (rc < 0) {
        cost_preview_release(preview_out);
        return rc;
    }
    return 0;
}

void cost_preview_release(struct cost_preview *preview) {
    base_free(preview->address);
    base_free(preview->name);
    base_free(preview->text);
    base_free(preview->note);
    for (size_t i = 0; i < preview->link_count; i++) {
        base_free(preview->links[i].shown);
        base_free(preview->links[i].leads_to);
    }
    *preview = (struct cost_preview){0};
}
