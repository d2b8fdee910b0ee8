/* Themes, channels and campaigns in the database: applying, reading back, exporting, refusing. */
#include "store_fixture.h"

#include "base/file.h"

#define STEP                                                                                       \
    "{\"name\":\"s\",\"channel\":\"mail\",\"when\":{\"at\":\"now\"},\"content\":{\"vi\":{"         \
    "\"subject\":\"s\",\"text\":\"t\"}}"

static void export_to(const char *kind, const char *name, const char *file_name) {
    char *text = NULL;
    assert_ok(campaign_export(db, kind, name, &text, &err), err);
    file(file_name, text);
    base_free(text);
}

static int apply(const char *path) {
    struct base_buf findings;
    base_buf_init(&findings, 1 << 20);
    err = (struct base_err){0};
    int code = campaign_apply(db, dir.path, path, "an", &changed, &findings, &err);
    base_buf_release(&findings);
    return code;
}

static void theme_round_trip(void **state) {
    (void)state;
    assert_int_equal(number("SELECT count(*) FROM audit WHERE object = 'theme t' AND verb = "
                            "'apply' AND who = 'an' AND detail = 'added'"),
        1);
    assert_ok(theme_apply(db, NULL, file("t.json", theme_text), "an", &changed, &err), err);
    assert_false(changed);
    export_to("theme", "t", "exported.json");
    assert_ok(
        theme_apply(db, NULL, support_path(&dir, "exported.json"), "an", &changed, &err), err);
    assert_false(changed);
    assert_int_equal(number("SELECT count(*) FROM audit WHERE object = 'theme t'"), 1);
    assert_ok(theme_apply(db, NULL, file("t.json", "{\"name\":\"t\",\"title\":{\"vi\":\"Khác\"}}"),
                  "binh", &changed, &err),
        err);
    assert_true(changed);
    assert_int_equal(
        number("SELECT count(*) FROM audit WHERE who = 'binh' AND detail = 'changed'"), 1);
    assert_int_equal(number("SELECT count(*) FROM theme"), 1);
}

static void broken_files_change_nothing(void **state) {
    (void)state;
    assert_fault_part(theme_apply(db, NULL, file("t.json", "{\"name\":\"t\",\n\"title\":3}"), "an",
                          &changed, &err),
        LANTOA_EINVAL, err, "t.json:2: field title: ");
    assert_false(changed);
    assert_fault_part(theme_apply(db, NULL, file("t.json", "{\"name\":\"t\",\n\"title\" 3}"), "an",
                          &changed, &err),
        LANTOA_EINVAL, err, "t.json:2: ");
    assert_fault_part(theme_apply(db, NULL, support_path(&dir, "none.json"), "an", &changed, &err),
        LANTOA_ENOENT, err, "none.json");
    assert_int_equal(number("SELECT count(*) FROM audit"), 3);
    assert_int_equal(number("SELECT count(*) FROM theme WHERE spec LIKE '%footer%'"), 1);
}

static void theme_in_use(void **state) {
    (void)state;
    assert_ok(apply(campaign_file("t", "all", STEP "}")), err);
    const char *other = "{\"name\":\"t\",\"title\":{\"vi\":\"Khác\"}}";
    for (int s = CAMPAIGN_DRAFT; s <= CAMPAIGN_STOPPED; s++) {
        char *sql = base_printf("UPDATE campaign SET state = %d", s);
        assert_ok(db_exec(db, sql, &err), err);
        base_free(sql);
        bool live = s >= CAMPAIGN_PLANNED && s <= CAMPAIGN_PAUSED;
        int code =
            theme_apply(db, NULL, file("t.json", live ? other : theme_text), "an", &changed, &err);
        assert_int_equal(code, live ? LANTOA_ESTATE : 0);
        assert_false(changed);
        /* the same text is never a change */
        assert_ok(theme_apply(db, NULL, file("t.json", theme_text), "an", &changed, &err), err);
    }
    assert_false(db_in_transaction(db));
}

static void channel_round_trip(void **state) {
    (void)state;
    struct channel_row row;
    assert_ok(channel_get(db, "mail", &row, &err), err);
    assert_string_equal(row.plugin, "mail");
    assert_string_equal(row.state, "ready");
    assert_null(row.parked_reason);
    assert_non_null(strstr(row.manifest_text, "subject"));
    int64_t id = row.id;
    channel_row_release(&row);
    assert_ok(channel_get_id(db, id, &row, &err), err);
    assert_string_equal(row.name, "mail");
    channel_row_release(&row);
    export_to("channel", "mail", "exported.json");
    assert_ok(
        channel_apply(db, dir.path, support_path(&dir, "exported.json"), "an", &changed, &err),
        err);
    assert_false(changed);
    /* a new version of the plugin is a change too, and gives a parked channel a new chance */
    assert_ok(
        db_exec(db, "UPDATE channel SET state = 'parked', parked_reason = 'x' WHERE name = 'mail'",
            &err),
        err);
    char *newer = base_strdup(mail_manifest);
    *strchr(newer, '1') = '2';
    file("mail.so.json", newer);
    base_free(newer);
    assert_ok(
        channel_apply(db, dir.path, support_path(&dir, "exported.json"), "an", &changed, &err),
        err);
    assert_true(changed);
    assert_int_equal(
        number("SELECT count(*) FROM channel WHERE state = 'ready' AND parked_reason IS NULL"), 2);
    assert_ok(channel_apply(db, dir.path,
                  file("m.json", "{\"$schema\":\"x\",\"name\":\"mail\",\"plugin\":\"mail\","
                                 "\"options\":{\"host\":\"h\"}}"),
                  "an", &changed, &err),
        err);
    assert_false(changed);
}

static void channel_refusals(void **state) {
    (void)state;
    assert_fault_part(
        channel_apply(db, dir.path, file("m.json", "{\"name\":\"m\",\n\"plugin\":\"none\"}"), "an",
            &changed, &err),
        LANTOA_ENOENT, err, "m.json:2: field plugin: ");
    assert_fault_part(
        channel_apply(db, dir.path,
            file("m.json", "{\"name\":\"m\",\"plugin\":\"mail\",\n\"options\":{\"host\":3}}"), "an",
            &changed, &err),
        LANTOA_EINVAL, err, "m.json:2: field options.host: ");
    assert_fault_part(
        channel_apply(db, dir.path,
            file("m.json", "{\"name\":\"m\",\"plugin\":\"mail\",\n\"options\":{\"port\":3}}"), "an",
            &changed, &err),
        LANTOA_EINVAL, err, "m.json:2: field options.port: ");
    assert_fault_part(
        channel_apply(db, dir.path, file("m.json", "{\"name\":\"M\",\"plugin\":\"mail\"}"), "an",
            &changed, &err),
        LANTOA_EINVAL, err, "field name: ");
    file("mail.so.json", "{\"name\":\"mail\"}");
    assert_int_equal(
        channel_apply(db, dir.path, file("m.json", "{\"name\":\"m\",\"plugin\":\"mail\"}"), "an",
            &changed, &err),
        LANTOA_EINVAL);
    assert_int_equal(number("SELECT count(*) FROM channel"), 2);
    struct channel_row row;
    assert_fault_part(channel_get(db, "mial", &row, &err), LANTOA_ENOENT, err,
        "there is no channel 'mial' (did you mean 'mail'?)");
    assert_fault_part(channel_get_id(db, 77, &row, &err), LANTOA_ENOENT, err, "77");
}

static int count_channels(void *arg, const struct channel_row *row) {
    base_buf_printf(arg, "%s ", row->name);
    return strcmp(row->name, "stop") == 0 ? LANTOA_EAGAIN : 0;
}

static int count_campaigns(void *arg, const struct campaign_row *row) {
    base_buf_printf(arg, "%s ", row->name);
    return 0;
}

static void walks(void **state) {
    (void)state;
    struct base_buf out;
    base_buf_init(&out, 1000);
    assert_ok(channel_each(db, count_channels, &out, &err), err);
    assert_ok(campaign_each(db, count_campaigns, &out, &err), err);
    assert_ok(apply(campaign_file("t", "all", STEP "}")), err);
    assert_ok(campaign_each(db, count_campaigns, &out, &err), err);
    assert_string_equal(base_buf_text(&out), "mail sms c ");
    assert_ok(db_exec(db, "UPDATE channel SET name = 'stop' WHERE name = 'mail'", &err), err);
    assert_int_equal(channel_each(db, count_channels, &out, &err), LANTOA_EAGAIN);
    base_buf_release(&out);
}

static void campaign_round_trip(void **state) {
    (void)state;
    struct campaign_row row, again;
    struct campaign_spec *spec = NULL;
    assert_ok(apply(campaign_file("t", "all", STEP "}")), err);
    assert_true(changed);
    assert_ok(campaign_get(db, "c", &row, &err), err);
    assert_int_equal(row.state, CAMPAIGN_DRAFT);
    assert_string_equal(campaign_state_word(row.state), "draft");
    assert_ok(campaign_row_spec(&row, &spec, &err), err);
    assert_string_equal(spec->steps[0].name, "s");
    campaign_spec_free(&spec);
    export_to("campaign", "c", "exported.json");
    assert_ok(apply(support_path(&dir, "exported.json")), err);
    assert_false(changed);
    assert_ok(apply(campaign_file("t", "has email", STEP "}")), err);
    assert_true(changed);
    assert_ok(campaign_get_id(db, row.id, &again, &err), err);
    assert_memory_equal(row.experiment_key, again.experiment_key, 32);
    static const uint8_t zeros[32];
    assert_memory_not_equal(row.experiment_key, zeros, 32);
    campaign_row_release(&row);
    campaign_row_release(&again);
    assert_int_equal(number("SELECT count(*) FROM audit WHERE object = 'campaign c'"), 2);
    assert_fault_part(campaign_get(db, "d", &row, &err), LANTOA_ENOENT, err,
        "there is no campaign 'd' (did you mean 'c'?)");
    assert_fault_part(campaign_get_id(db, 99, &row, &err), LANTOA_ENOENT, err, "99");
    char *text;
    assert_fault_part(
        campaign_export(db, "campaign", "no-such", &text, &err), LANTOA_ENOENT, err, "no-such");
    assert_fault_part(
        campaign_export(db, "contact", "x", &text, &err), LANTOA_EINVAL, err, "contact");
}

static void only_drafts_change(void **state) {
    (void)state;
    assert_ok(apply(campaign_file("t", "all", STEP "}")), err);
    assert_ok(db_exec(db, "UPDATE campaign SET state = 3", &err), err);
    assert_ok(apply(campaign_file("t", "all", STEP "}")), err);
    assert_false(changed);
    assert_int_equal(apply(campaign_file("t", "has email", STEP "}")), LANTOA_ESTATE);
    assert_non_null(strstr(err.text, "campaign 'c' is running; only a draft can be changed"));
    assert_int_equal(apply(campaign_file("t", "nonsense", STEP "}")), LANTOA_EINVAL);
    assert_int_equal(number("SELECT count(*) FROM campaign WHERE spec LIKE '%\"all\"%'"), 1);
    assert_false(db_in_transaction(db));
}

static void attachments_are_kept_by_content(void **state) {
    (void)state;
    static const char hello[] = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    file("a.pdf", "hello");
    const char *steps = STEP ",\"attachments\":[{\"file\":\"a.pdf\",\"name\":\"Tờ gấp.pdf\"}]}";
    assert_ok(apply(campaign_file("t", "all", steps)), err);
    char *kept = campaign_material_path(dir.path, hello);
    assert_true(base_file_exists(kept));
    struct campaign_row row;
    struct campaign_spec *spec = NULL;
    assert_ok(campaign_get(db, "c", &row, &err), err);
    assert_ok(campaign_row_spec(&row, &spec, &err), err);
    assert_string_equal(spec->steps[0].attachments[0].sha256, hello);
    campaign_spec_free(&spec);
    campaign_row_release(&row);
    assert_ok(apply(campaign_file("t", "all", steps)), err);
    assert_false(changed);
    /* the export stands by itself: the file may be gone */
    export_to("campaign", "c", "exported.json");
    assert_int_equal(unlink(support_path(&dir, "a.pdf")), 0);
    assert_ok(apply(support_path(&dir, "exported.json")), err);
    assert_false(changed);
    /* but not be another one */
    file("a.pdf", "other");
    assert_int_equal(apply(support_path(&dir, "exported.json")), LANTOA_EINVAL);
    assert_ok(apply(campaign_file("t", "all", steps)), err);
    assert_true(changed);
    assert_true(base_file_exists(kept));
    base_free(kept);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        with_store(theme_round_trip),
        with_store(broken_files_change_nothing),
        with_store(theme_in_use),
        with_store(channel_round_trip),
        with_store(channel_refusals),
        with_store(walks),
        with_store(campaign_round_trip),
        with_store(only_drafts_change),
        with_store(attachments_are_kept_by_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
