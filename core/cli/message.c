/* The ledger, read. */
#include "base/mem.h"
#include "base/parse.h"
#include "base/tr.h"
#include "cli/cli.h"
#include "delivery/control.h"
#include "delivery/message_query.h"
#include "store/schema.h"
#include <inttypes.h>

/* A million rows must not be held in memory to be printed: each is written as it comes. */
struct lister {
    const struct cli *cli;
    struct base_hmac *instance;
    int64_t count;
    bool of_all; /* campaigns, so each row names its own */
};

static json_t *message_json(struct lister *l, const struct message_row *m) {
    char key[LEDGER_KEY_BYTES + 1];
    ledger_key(l->instance, m->id, key);
    bool left = m->tries > 0;
    return json_pack(
        "{s:I,s:s,s:o,s:o,s:i,s:o,s:I,s:o,s:o,s:o,s:s,s:s,s:s,s:i,s:i,s:o,s:o,s:o,s:o,s:o,s:o}",
        "id", (json_int_t)m->id, "key", key, "campaign", cli_str(m->campaign), "step",
        cli_str(m->step), "occurrence", m->occurrence, "channel", cli_str(m->channel), "contact",
        (json_int_t)m->contact_id, "contact_ref", cli_str(m->ref_of_contact), "name",
        cli_str(m->name), "address", cli_str(m->address), "state", message_state_word(m->state),
        "reason", message_reason_word(m->reason), "reason_text",
        m->reason ? message_reason_label(m->reason) : "", "tries", m->tries, "generation",
        m->generation, "at", cli_time(m->at), "sent_at", cli_time(left ? m->at : 0), "settled_at",
        cli_time(m->settled_at), "due_at", cli_time(m->due_at), "ref", cli_str(m->ref), "detail",
        cli_str(m->detail));
}

static int print_json_row(void *arg, const struct message_row *m) {
    struct lister *l = arg;
    json_t *json = message_json(l, m);
    char *text = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);
    printf("%s\n  %s", l->count++ ? "," : "", text);
    base_free(text);
    json_decref(json);
    return 0;
}

static int print_text_row(void *arg, const struct message_row *m) {
    struct lister *l = arg;
    json_t *at = cli_time(m->due_at ? m->due_at : m->at);
    printf("%" PRId64 "  ", m->id);
    if (l->of_all) {
        printf(STR_FMT "  ", STR_ARG(m->campaign));
    }
    printf(STR_FMT "  %-10s %-14s %s  " STR_FMT " <" STR_FMT ">  " STR_FMT "%s" STR_FMT "\n",
        STR_ARG(m->step), message_state_label(m->state), message_reason_label(m->reason),
        json_string_value(at), STR_ARG(m->name), STR_ARG(m->address), STR_ARG(m->ref),
        m->ref.bytes && m->detail.bytes ? "  " : "", STR_ARG(m->detail));
    json_decref(at);
    l->count++;
    return 0;
}

static int read_filter(struct cli *cli, struct message_filter *filter) {
    const char *state = cli_option(cli, "state");
    const char *reason = cli_option(cli, "reason");
    enum message_state number;
    *filter = (struct message_filter){.campaign = cli_option(cli, "campaign"),
        .step = cli_option(cli, "step"),
        .state = -1,
        .reason = -1};
    if (state) {
        if (!message_state_from_word(str_from(state), &number)) {
            return base_err_set(&cli->err, LANTOA_EINVAL, TR("--state %s: no such state"), state);
        }
        filter->state = (int)number;
    }
    if (reason && !message_reason_from_word(str_from(reason), &filter->reason)) {
        return base_err_set(&cli->err, LANTOA_EINVAL, TR("--reason %s: no such reason"), reason);
    }
    int rc = cli_option_i64(cli, "contact", 0, &filter->contact_id);
    if (rc == 0) {
        rc = cli_option_i64(cli, "limit", 0, &filter->limit);
    }
    return rc == 0 ? cli_option_i64(cli, "after", 0, &filter->after_id) : rc;
}

static int message_list(struct cli *cli) {
    struct message_filter filter;
    struct lister lister = {.cli = cli};
    int rc = read_filter(cli, &filter);
    lister.of_all = !filter.campaign;
    if (rc == 0) {
        rc = ledger_instance(cli->db, &lister.instance, &cli->err);
    }
    if (rc == 0 && cli->json) {
        bool opened = false;
        /* An unknown campaign must not leave half a document behind. */
        if (filter.campaign) {
            struct campaign_row row = {0};
            rc = campaign_get(cli->db, filter.campaign, &row, &cli->err);
            campaign_row_release(&row);
        }
        if (rc == 0) {
            printf("{\"rows\": [");
            opened = true;
            rc = message_each(cli->db, &filter, print_json_row, &lister, &cli->err);
        }
        if (opened) {
            printf("\n]}\n");
        }
    } else if (rc == 0) {
        rc = message_each(cli->db, &filter, print_text_row, &lister, &cli->err);
        if (rc == 0) {
            printf(TR("%lld messages\n"), (long long)lister.count);
        }
    }
    base_hmac_free(&lister.instance);
    return rc;
}

struct shower {
    json_t *message, *history;
    struct lister lister;
};

static int take_message(void *arg, const struct message_row *m) {
    struct shower *s = arg;
    s->message = message_json(&s->lister, m);
    return 1;
}

static int take_act(void *arg, const struct message_act *act) {
    struct shower *s = arg;
    json_array_append_new(
        s->history, json_pack("{s:o,s:s,s:s,s:o}", "at", cli_time(act->at), "state",
                        message_state_word(act->state), "reason", message_reason_word(act->reason),
                        "detail", cli_str(act->detail)));
    return 0;
}

static int read_id(struct cli *cli, int64_t *id_out) {
    if (base_parse_i64(str_from(cli->args[0]), id_out) != 0 || *id_out <= 0) {
        return base_err_set(
            &cli->err, LANTOA_EINVAL, TR("%s: not the number of a message"), cli->args[0]);
    }
    return 0;
}

static int message_show(struct cli *cli) {
    int64_t id;
    struct shower s = {.history = json_array(), .lister = {.cli = cli}};
    int rc = read_id(cli, &id);
    if (rc == 0) {
        rc = ledger_instance(cli->db, &s.lister.instance, &cli->err);
    }
    if (rc == 0) {
        const struct message_filter filter = {
            .state = -1, .reason = -1, .after_id = id - 1, .limit = 1};
        rc = message_each(cli->db, &filter, take_message, &s, &cli->err);
        rc = rc > 0 ? 0 : rc;
    }
    if (rc == 0 && (!s.message || json_integer_value(json_object_get(s.message, "id")) != id)) {
        rc = base_err_set(&cli->err, LANTOA_ENOENT, TR("no message %lld"), (long long)id);
    }
    if (rc == 0) {
        rc = message_history(cli->db, id, take_act, &s, &cli->err);
    }
    if (rc == 0) {
        json_object_set(s.message, "history", s.history);
        char *text = json_dumps(s.message, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
        printf("%s\n", text);
        base_free(text);
    }
    json_decref(s.message);
    json_decref(s.history);
    base_hmac_free(&s.lister.instance);
    return rc;
}

static int message_settle(struct cli *cli) {
    int64_t id;
    enum message_state state;
    int rc = read_id(cli, &id);
    if (rc == 0 &&
        (!message_state_from_word(str_from(cli->args[1]), &state) ||
            (state != MESSAGE_ACCEPTED && state != MESSAGE_DELIVERED && state != MESSAGE_FAILED))) {
        rc = base_err_set(&cli->err, LANTOA_EINVAL, TR("%s: must be accepted, delivered or failed"),
            cli->args[1]);
    }
    if (rc == 0) {
        rc = control_settle(cli->db, id, state, cli->who, cli_option(cli, "note"), &cli->err);
    }
    if (rc == 0) {
        cli_say(cli,
            json_pack("{s:I,s:s}", "id", (json_int_t)id, "state", message_state_word((int)state)),
            TR("message %lld is %s"), (long long)id, message_state_label((int)state));
    }
    return rc;
}

static int message_resend(struct cli *cli) {
    int64_t id;
    int64_t again;
    int rc = read_id(cli, &id);
    if (rc == 0) {
        rc = control_resend(cli->db, id, cli->who, &again, &cli->err);
    }
    if (rc == 0) {
        cli_say(cli, json_pack("{s:I,s:I}", "id", (json_int_t)id, "again", (json_int_t)again),
            TR("message %lld goes out again as %lld"), (long long)id, (long long)again);
    }
    return rc;
}

const struct cli_command cli_message_commands[] = {
    {"message", "list", "campaign= step= state= reason= contact= after= limit=", 0, 0,
        "[--campaign NAME] [--step S] [--state S] [--reason R] [--contact ID] [--after ID] "
        "[--limit N]",
        "who, when, what happened, why not", CLI_NEEDS_DATABASE, message_list},
    {"message", "show", "", 1, 1, "ID", "one message and all that happened to it",
        CLI_NEEDS_DATABASE, message_show},
    {"message", "settle", "note=", 2, 2, "ID accepted|delivered|failed [--note TEXT]",
        "say what became of an uncertain message", CLI_NEEDS_DATABASE, message_settle},
    {"message", "resend", "", 1, 1, "ID", "send again as a new message; audited",
        CLI_NEEDS_DATABASE, message_resend},
    {0},
};
