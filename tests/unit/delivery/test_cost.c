/* The cost of a campaign against a plugin whose prices are known: a draft and its plan, what is
 * left out, the longest, the budget, and a plugin that breaks while it is asked. */
#include "support.h"

#include "base/file.h"
#include "base/mem.h"
#include "campaign/store.h"
#include "delivery/cost.h"
#include "delivery/plan.h"
#include "store/schema.h"

static struct support_dir dir;
static struct db *db;
static struct base_err err;

static const char *file(const char *name, const char *text) {
    const char *path = support_path(&dir, name);
    support_file_write(path, text, strlen(text));
    return path;
}

static void add_contact(int id, const char *name, const char *phone) {
    char sql[300];
    snprintf(sql, sizeof sql,
        "INSERT INTO contact (id, name, phone, lang) VALUES (%d, '%s', '%s', 'vi')", id, name,
        phone);
    assert_ok(db_exec(db, sql, &err), err);
}

/* A channel whose plugin takes 5 for each ten bytes begun, and a campaign that sends the name. */
static int set_up(void **state) {
    (void)state;
    bool changed;
    struct base_buf findings;
    char *programs = base_program_dir();
    char *program = base_printf("%s/../bin/lantoa-channel", programs);
    char *plugins = base_printf("%s/plugins", programs);
    setenv("LANTOA_CHANNEL_PROGRAM", program, 1);
    setenv("LANTOA_PLUGINS", plugins, 1);
    base_free(plugins);
    base_free(program);
    base_free(programs);
    memset(&err, 0, sizeof err);
    support_dir_make(&dir);
    assert_ok(db_open(support_path(&dir, "lantoa.db"), DB_OPEN_CREATE, &db, &err), err);
    assert_ok(schema_migrate(db, &err), err);
    base_buf_init(&findings, 1 << 16);
    const char *theme = file("t.json", "{\"name\":\"t\",\"title\":{\"vi\":\"x\"}}");
    assert_ok(theme_apply(db, NULL, theme, "me", &changed, &err), err);
    const char *channel = file("k.json", "{\"name\":\"k\",\"plugin\":\"priced\",\"options\":{}}");
    assert_ok(channel_apply(db, dir.path, channel, "me", &changed, &err), err);
    const char *campaign = file("c.json",
        "{\"name\":\"c\",\"theme\":\"t\",\"class\":\"internal\",\"legal_basis\":\"thử\","
        "\"window\":{\"from\":\"2126-12-01\",\"to\":\"2126-12-31\"},\"audience\":\"all\","
        "\"budget\":{\"amount\":30,\"currency\":\"VND\"},"
        "\"steps\":[{\"name\":\"s\",\"channel\":\"k\",\"when\":{\"at\":\"2126-12-02T08:00\"},"
        "\"content\":{\"vi\":{\"text\":\"{{name}}\"}}}]}");
    int rc = campaign_apply(db, dir.path, campaign, "me", &changed, &findings, &err);
    if (rc != 0) {
        fail_msg("%s %s", err.text, base_buf_text(&findings));
    }
    base_buf_release(&findings);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    db_close(&db);
    support_dir_remove(&dir);
    return 0;
}

static void run(size_t longest, struct cost *cost_out) {
    struct costing *costing = NULL;
    assert_ok(costing_open(db, dir.path, "c", &costing, &err), err);
    assert_ok(costing_run(costing, NULL, longest, cost_out, &err), err);
    costing_close(&costing);
}

static void a_draft_and_its_plan_cost_the_same(void **state) {
    (void)state;
    struct cost draft, planned;
    struct plan_outcome outcome;
    add_contact(1, "0123456789", "+84961000001");
    add_contact(2, "0123456789a", "+84901000002");
    add_contact(3, "0123456789012345678901", "+84961000003");
    add_contact(4, "ba", "+84961000003"); /* the same number */
    run(2, &draft);
    assert_int_equal(draft.audience, 4);
    assert_int_equal(draft.messages, 3);
    assert_int_equal(draft.units, 1 + 2 + 3);
    assert_int_equal(draft.minor, 30);
    assert_int_equal(draft.suppressed[SUPPRESSED_DUPLICATE], 1);
    assert_true(cost_within_budget(&draft));
    assert_ok(cost_complete(&draft, &err), err);
    assert_int_equal(draft.longest_count, 2);
    assert_int_equal(draft.longest[0].contact_id, 3);
    assert_int_equal(draft.longest[1].contact_id, 2);
    assert_int_equal(draft.row_count, 2);
    assert_string_equal(draft.rows[0].carrier, "viettel");
    assert_int_equal(draft.rows[0].units, 4);
    assert_string_equal(draft.rows[1].carrier, "mobifone");
    int64_t steps = -1;
    assert_ok(db_get_i64(db, "SELECT count(*) FROM step", &steps, &err), err);
    assert_int_equal(steps, 0);
    assert_ok(campaign_plan(db, "c", "me", NULL, &outcome, &err), err);
    run(2, &planned);
    assert_int_equal(planned.minor, draft.minor);
    assert_memory_equal(planned.suppressed, draft.suppressed, sizeof draft.suppressed);
    assert_memory_equal(planned.longest, draft.longest, sizeof draft.longest);
    cost_release(&draft);
    cost_release(&planned);
}

static void one_dong_more_is_over_the_budget(void **state) {
    (void)state;
    struct cost cost = {.minor = 30, .budget_minor = 30};
    assert_true(cost_within_budget(&cost));
    cost.minor = 31;
    assert_false(cost_within_budget(&cost));
    cost.budget_minor = -1;
    assert_true(cost_within_budget(&cost));
}

static void approval_needs_a_budget_that_is_enough(void **state) {
    (void)state;
    struct cost cost;
    add_contact(1, "01234567890123456789012345678901234567890123456789xxxxxxxxxx", "+84961000001");
    assert_ok(cost_for_approval(db, dir.path, "c", &cost, &err), err);
    assert_int_equal(cost.minor, 30);
    cost_release(&cost);
    add_contact(2, "a", "+84961000002");
    assert_fault_part(cost_for_approval(db, dir.path, "c", &cost, &err), LANTOA_ELIMIT, err,
        "campaign c costs 35 VND, 5 more than its budget of 30");
}

static void what_the_plugin_refuses_costs_nothing(void **state) {
    (void)state;
    struct cost cost;
    add_contact(1, "refuse", "+84961000001");
    add_contact(2, "Lan", "+84961000002");
    run(0, &cost);
    assert_int_equal(cost.refused, 1);
    assert_int_equal(cost.messages, 1);
    assert_int_equal(cost.minor, 5);
    cost_release(&cost);
}

static void a_plugin_that_breaks_gives_no_cost(void **state) {
    (void)state;
    struct costing *costing = NULL;
    struct cost cost;
    add_contact(1, "Lan", "+84961000001");
    add_contact(2, "lie", "+84961000002");
    assert_ok(costing_open(db, dir.path, "c", &costing, &err), err);
    assert_fault_part(costing_run(costing, NULL, 0, &cost, &err), LANTOA_EINVAL, err,
        "channel k: the plugin's price makes no sense");
    costing_close(&costing);
}

static void a_preview_has_the_plugins_text_and_note(void **state) {
    (void)state;
    struct costing *costing = NULL;
    struct cost_preview preview;
    add_contact(1, "Lan", "+84961000001");
    assert_ok(costing_open(db, dir.path, "c", &costing, &err), err);
    assert_ok(costing_preview(costing, "s", 1, &preview, &err), err);
    assert_string_equal(preview.text, "[c/s] Lan");
    assert_string_equal(preview.note, "3 bytes");
    assert_string_equal(preview.address, "+84961000001");
    assert_int_equal(preview.units, 1);
    assert_int_equal(preview.minor, 5);
    assert_true(preview.priced);
    cost_preview_release(&preview);
    assert_fault_part(costing_preview(costing, "s", 9, &preview, &err), LANTOA_ENOENT, err,
        "contact 9 is not in the audience");
    assert_fault_part(
        costing_preview(costing, "x", 1, &preview, &err), LANTOA_ENOENT, err, "has no step x");
    costing_close(&costing);
}

static void what_has_no_price_is_named(void **state) {
    (void)state;
    struct cost cost = {
        .missing_messages = 3, .missing_count = 2, .missing = {{"k", "+8455", 2}, {"k", "*", 1}}};
    assert_fault_part(cost_complete(&cost, &err), LANTOA_EINVAL, err, "k +8455 (2), k * (1)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_draft_and_its_plan_cost_the_same, set_up, tear_down),
        cmocka_unit_test(one_dong_more_is_over_the_budget),
        cmocka_unit_test_setup_teardown(approval_needs_a_budget_that_is_enough, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_plugin_refuses_costs_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_plugin_that_breaks_gives_no_cost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_preview_has_the_plugins_text_and_note, set_up, tear_down),
        cmocka_unit_test(what_has_no_price_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
