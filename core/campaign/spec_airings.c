/* Reads what a step asks of outlets: how often, how long, which materials; and checks it against
 * what is known of outlets and materials. */
#include "campaign/spec_private.h"

#include "audience/outlet.h"
#include "base/mem.h"
#include "base/tr.h"
#include "campaign/check_private.h"
#include "campaign/recording.h"

enum { PER_DAY_MOST = 48, DAYS_MOST = 366, MATERIALS_MOST = 32 };

void spec__airings_release(struct campaign_airings *airings) {
    for (size_t i = 0; i < airings->material_count; i++) {
        base_free(airings->materials[i]);
    }
    base_free(airings->materials);
    base_free(airings->reason);
}

static void read_materials(
    struct spec__reader *r, const struct spec__node *node, struct campaign_airings *airings) {
    if (!spec__list(r, node, 1, MATERIALS_MOST)) {
        return;
    }
    airings->materials = base_alloc_array(json_array_size(node->json), sizeof(char *));
    for (size_t i = 0; i < json_array_size(node->json) && r->code == 0; i++) {
        struct spec__node item = spec__item(node, i);
        char *name = spec__text(r, &item, SPEC__REQUIRED);
        if (!name) {
            return;
        }
        airings->materials[airings->material_count++] = name;
        for (size_t k = 0; k < i; k++) {
            if (strcmp(airings->materials[k], name) == 0) {
                spec__fault(r, &item, TR("'%s' is used twice"), name);
            }
        }
    }
}

/* An emergency goes out once, at once: how often and when is not asked. */
static void check_emergency(struct spec__reader *r, const struct spec__node *node,
    const struct campaign_spec *spec, const struct campaign_airings *airings) {
    static const char *const others[] = {"per_day", "days", "gap", "rotation"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct spec__node other = spec__child(node, others[i]);
        if (other.json) {
            spec__fault(r, &other, TR("an emergency is played once and at once: leave it out"));
        }
    }
    struct spec__node priority = spec__child(node, "priority"),
                      reason = spec__child(node, "reason");
    if (!airings->reason) {
        spec__fault(r, &reason, TR("an emergency needs a reason"));
    } else if (spec->class != CLASS_EMERGENCY) {
        spec__fault(
            r, &priority, TR("only a campaign of the class emergency may interrupt others"));
    }
}

static void check_when(struct spec__reader *r, const struct spec__node *step_node,
    const struct campaign_spec *spec, const struct campaign_step *step) {
    struct spec__node when = spec__child(step_node, "when");
    struct spec__node node = spec__child(step_node, "airings");
    bool emergency = step->airings.priority == CAMPAIGN_AIRING_EMERGENCY;
    bool dated = step->when.kind == WHEN_AT || step->when.kind == WHEN_RRULE;
    if (!dated && step->when.kind != WHEN_NOW) {
        spec__fault(
            r, &when, TR("airings need a day of their own: {\"at\"} or {\"rrule\", \"at\"}"));
    } else if (step->when.kind == WHEN_AT && !emergency) {
        struct base_civil at = step->when.at;
        int64_t first = base_days_from_date((struct base_date){at.year, at.month, at.day});
        if (first + step->airings.days - 1 > base_days_from_date(spec->to)) {
            struct spec__node days = spec__child(&node, "days");
            spec__fault(r, &days, TR("the last airings would come after the end of the window"));
        }
    }
}

void spec__airings(struct spec__reader *r, const struct spec__node *step_node,
    const struct campaign_spec *spec, struct campaign_step *step) {
    struct spec__node node = spec__child(step_node, "airings");
    struct spec__node outlets = spec__child(step_node, "outlets");
    struct campaign_airings *airings = &step->airings;
    if (!node.json) {
        if (outlets.json) {
            spec__fault(r, &outlets, TR("goes with \"airings\" only"));
        }
        return;
    }
    if (!spec__object(r, &node, "per_day days gap materials rotation priority reason")) {
        return;
    }
    struct spec__node per_day = spec__child(&node, "per_day"), days = spec__child(&node, "days");
    struct spec__node gap = spec__child(&node, "gap"), rotation = spec__child(&node, "rotation");
    struct spec__node materials = spec__child(&node, "materials");
    struct spec__node priority = spec__child(&node, "priority"),
                      reason = spec__child(&node, "reason");
    airings->on = true;
    airings->per_day = airings->days = 1;
    airings->gap = (struct base_duration){0};
    step->outlets = spec__text(r, &outlets, SPEC__OPTIONAL);
    read_materials(r, &materials, airings);
    int word = spec__choice(r, &priority, SPEC__OPTIONAL, "normal priority emergency");
    airings->priority = word < 0 ? CAMPAIGN_AIRING_NORMAL : word + 1;
    airings->reason = spec__text(r, &reason, SPEC__OPTIONAL);
    if (airings->priority == CAMPAIGN_AIRING_EMERGENCY) {
        check_emergency(r, &node, spec, airings);
    } else {
        spec__integer(r, &per_day, SPEC__REQUIRED, 1, PER_DAY_MOST, &airings->per_day);
        spec__integer(r, &days, SPEC__REQUIRED, 1, DAYS_MOST, &airings->days);
        if (gap.json) {
            spec__duration(r, &gap, &airings->gap);
        }
        airings->by_day = spec__choice(r, &rotation, SPEC__OPTIONAL, "in_turn by_day") == 1;
    }
    static const char *const people[] = {"only_if", "attachments", "accents"};
    for (size_t i = 0; i < sizeof people / sizeof people[0]; i++) {
        struct spec__node other = spec__child(step_node, people[i]);
        if (other.json) {
            spec__fault(r, &other, TR("goes with \"airings\" nowhere"));
        }
    }
    if (r->code == 0) {
        check_when(r, step_node, spec, step);
    }
}

/* --- against the database --- */

struct known {
    struct base_buf names; /* blank-separated */
    const char *wanted;
    bool found;
};

static int note_name(void *arg, const struct recording *recording) {
    struct known *known = arg;
    if (!spec__word_in(recording->name, base_buf_str(&known->names))) {
        base_buf_add_str(&known->names, recording->name);
        base_buf_add_char(&known->names, ' ');
    }
    known->found |= str_is(recording->name, known->wanted);
    return 0;
}

static int check_materials(struct spec__check *c, const struct spec__node *airings_node,
    const struct campaign_airings *airings) {
    struct spec__node list = spec__child(airings_node, "materials");
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < airings->material_count; i++) {
        struct spec__node item = spec__item(&list, i);
        struct known known = {.wanted = airings->materials[i]};
        const struct recording_filter all = {0};
        base_buf_init(&known.names, 1 << 20);
        rc = recording_each(c->db, &all, note_name, &known, c->err);
        struct str near =
            spec__nearest(str_from(airings->materials[i]), base_buf_str(&known.names));
        if (rc == 0 && !known.found && near.bytes) {
            spec__finding(c, &item, TR("there is no material '%s' (did you mean '%.*s'?)"),
                airings->materials[i], STR_ARG(near));
        } else if (rc == 0 && !known.found) {
            spec__finding(c, &item, TR("there is no material '%s'"), airings->materials[i]);
        }
        base_buf_release(&known.names);
    }
    return rc;
}

int spec__check_airings(struct spec__check *c, const struct spec__node *step_node,
    const struct campaign_step *step, const struct channel_manifest *manifest) {
    struct spec__node node = spec__child(step_node, "airings");
    struct spec__node outlets = spec__child(step_node, "outlets");
    bool speaks = manifest && manifest->address == LANTOA_ADDRESS_OUTLET;
    if (manifest && speaks != step->airings.on) {
        spec__finding(c, &node,
            speaks ? TR("channel '%s' speaks to places: the step needs \"airings\"")
                   : TR("channel '%s' writes to people: it has no airings"),
            step->channel);
    }
    if (!step->airings.on) {
        return 0;
    }
    if (step->outlets) {
        struct base_err why = {0};
        int rc = outlet_where_check(c->db, str_from(step->outlets), NULL, &why);
        if (rc != 0 && !spec__is_finding(rc)) {
            return base_err_set(c->err, rc, "%s", why.text);
        }
        if (rc != 0) {
            spec__finding(c, &outlets, "%s", why.text);
        }
    }
    return check_materials(c, &node, &step->airings);
}
