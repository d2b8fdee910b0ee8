/* From a row of text to a draft of a contact. No database here, so that it runs beside the thread
 * that writes. */
#include "audience/contact_draft.h"

#include "audience/contact.h"
#include "audience/person.h"
#include "base/hash.h"
#include "base/parse.h"
#include "base/text.h"
#include "base/tr.h"

enum {
    SCRATCH_MOST = 8 * 1024 * 1024, /* a row of 1 MiB, escaped */
    EMAIL_BYTES_MOST = 254          /* contact_email lets no longer one through */
};

static const struct audience__field fields[CONTACT_FIELDS] = {
    [CONTACT_REF] = {"ref", "id|ma|ma so|ma khach hang|contact id|external id"},
    [CONTACT_PERSON_ID] = {"person_id",
        "cccd|so cccd|can cuoc|so can cuoc|can cuoc cong dan|so can cuoc cong dan|so dinh danh|"
        "so dinh danh ca nhan|ma dinh danh|ma dinh danh ca nhan|personal id|national id"},
    [CONTACT_SI_CODE] = {"si_code",
        "ma bhxh|so bhxh|ma so bhxh|so so bhxh|ma so bao hiem xa hoi|so bao hiem xa hoi|"
        "social insurance code"},
    [CONTACT_NAME] = {"name", "ho ten|ho va ten|ten|ten day du|full name|fullname|contact name"},
    [CONTACT_EMAIL] = {"email",
        "e mail|mail|thu dien tu|dia chi email|dia chi thu dien tu|email address|dia chi mail"},
    [CONTACT_PHONE] = {"phone",
        "so dien thoai|dien thoai|sdt|so dt|dt|dtdd|di dong|so di dong|dien thoai di dong|"
        "phone number|mobile|mobile phone|mobile number|telephone|tel|cell"},
    [CONTACT_LANG] = {"lang", "language|ngon ngu|tieng noi"},
    [CONTACT_BIRTH_DATE] = {"birth_date",
        "ngay sinh|ngay thang nam sinh|nam sinh|birthdate|birthday|date of birth|dob|birth year|"
        "year of birth"},
    [CONTACT_SEX] = {"sex", "gender|gioi tinh|phai"},
    [CONTACT_HOUSEHOLD] = {"household",
        "ho gia dinh|ma ho|so ho|ma ho gia dinh|so ho khau|household id|household code"},
    [CONTACT_PLACE] = {"place",
        "dia ban|noi o|xa|phuong|xa phuong|phuong xa|xa phuong thi tran|thon|commune|village"},
    [CONTACT_PLACE_IN] = {"place_in",
        "huyen|quan huyen|huyen quan|huyen thi xa|huyen thanh pho|thuoc huyen|district"},
    [CONTACT_PLACE_CODE] = {"place_code",
        "ma dia ban|ma xa|ma phuong|ma xa phuong|ma phuong xa|ma don vi hanh chinh|commune code|"
        "village code"},
    [CONTACT_ENROLLED] = {"enrolled",
        "enrolled_on|da tham gia|tham gia|tham gia bhxh|tham gia bhxh tu nguyen|da tham gia bhxh|"
        "da tham gia bhxh tu nguyen|ngay tham gia"},
    [CONTACT_CONSENT] = {"consent", "dong y|dong y nhan tin|opt in"},
};

const struct audience__column_spec audience__contact_spec = {
    .fields = fields, .field_count = CONTACT_FIELDS, .custom = true};

struct audience__drafter {
    const struct audience_csv *csv;
    const struct audience__columns *columns;
    int64_t today_days;
    struct base_buf scratch, json;
    struct str *prefixes; /* per custom attribute: "name": with its quotes */
    /* Of the row in work: */
    const struct audience_csv_row *row;
    struct base_arena *arena;
    struct audience__draft *draft;
    struct audience__fault **fault_end;
};

struct audience__drafter *audience__drafter_new(
    const struct audience_csv *csv, const struct audience__columns *columns, int64_t today_days) {
    struct audience__drafter *drafter = base_alloc(sizeof(*drafter));
    drafter->csv = csv;
    drafter->columns = columns;
    drafter->today_days = today_days;
    base_buf_init(&drafter->scratch, SCRATCH_MOST);
    base_buf_init(&drafter->json, SCRATCH_MOST);
    drafter->prefixes = base_alloc_array(columns->custom_count + 1, sizeof(*drafter->prefixes));
    for (size_t i = 0; i < columns->custom_count; i++) {
        drafter->prefixes[i] =
            str_from(base_printf("\"" STR_FMT "\":", STR_ARG(columns->customs[i].name)));
    }
    return drafter;
}

void audience__drafter_free(struct audience__drafter **drafter) {
    struct audience__drafter *own = *drafter;
    if (!own) {
        return;
    }
    for (size_t i = 0; i < own->columns->custom_count; i++) {
        base_free((void *)(uintptr_t)own->prefixes[i].at);
    }
    base_free(own->prefixes);
    base_buf_release(&own->scratch);
    base_buf_release(&own->json);
    base_free(own);
    *drafter = NULL;
}

uint64_t audience__key_hash(enum audience__contact_key key, struct str value) {
    char small[EMAIL_BYTES_MOST];
    if (key == KEY_EMAIL && value.bytes <= sizeof small) {
        for (size_t i = 0; i < value.bytes; i++) {
            char c = value.at[i];
            small[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
        }
        value = str_of(small, value.bytes);
    }
    return base_hash64(value.at, value.bytes) + (uint64_t)(key + 1) * 0x9e3779b97f4a7c15u;
}

/* ---- texts ---- */

static struct str keep(struct audience__drafter *drafter, struct str text) {
    return str_of(base_arena_strndup(drafter->arena, text.at, text.bytes), text.bytes);
}

static struct str keep_text(struct audience__drafter *drafter, const char *text) {
    return keep(drafter, str_from(text));
}

static void add_fault(
    struct audience__drafter *drafter, struct str field, struct str value, const char *reason) {
    struct audience__fault *fault = base_arena_alloc(drafter->arena, sizeof(*fault));
    /* What of the value goes into the rejects file is short anyway. */
    value.bytes = base_utf8_cut(value, 1024);
    fault->field = field; /* lives as long as the reader's header */
    fault->value = keep(drafter, value);
    fault->reason = keep_text(drafter, reason).at;
    *drafter->fault_end = fault;
    drafter->fault_end = &fault->next;
}

static void field_fault(struct audience__drafter *drafter, enum audience__contact_field field,
    struct str value, const char *reason) {
    struct str heading = audience__columns_heading(
        drafter->columns, drafter->csv, &audience__contact_spec, (size_t)field);
    add_fault(drafter, heading, value, reason);
}

/* NFC, and a blank for each control character: a line break inside a name would end up in the
 * header of a mail. */
static struct str clean(struct audience__drafter *drafter, struct str value) {
    struct base_buf *scratch = &drafter->scratch;
    base_buf_clear(scratch);
    if (base_text_nfc(scratch, value)) {
        return (struct str){NULL, 0};
    }
    for (size_t i = 0; i < scratch->bytes; i++) {
        unsigned char c = (unsigned char)scratch->at[i];
        if (c < 0x20 || c == 0x7f) {
            scratch->at[i] = ' ';
        }
    }
    return str_trim(base_buf_str(scratch));
}

static struct str value_of(struct audience__drafter *drafter, enum audience__contact_field field) {
    return audience__columns_value(drafter->columns, drafter->row, (size_t)field);
}

static struct str keep_clean(
    struct audience__drafter *drafter, enum audience__contact_field field) {
    struct str value = value_of(drafter, field);
    return value.bytes ? keep(drafter, clean(drafter, value)) : (struct str){NULL, 0};
}

static void take_name(struct audience__drafter *drafter) {
    struct str value = value_of(drafter, CONTACT_NAME);
    if (value.bytes == 0) {
        return;
    }
    struct str name = clean(drafter, value);
    char *at = base_arena_strndup(drafter->arena, name.at, name.bytes);
    size_t bytes = 0;
    for (size_t i = 0; i < name.bytes; i++) {
        if (at[i] != ' ' || at[bytes - 1] != ' ') { /* never blank at 0: it is trimmed */
            at[bytes++] = at[i];
        }
    }
    drafter->draft->name = str_of(at, bytes);
    base_buf_clear(&drafter->scratch);
    if (base_text_key(&drafter->scratch, drafter->draft->name) == 0) {
        drafter->draft->name_key = keep(drafter, base_buf_str(&drafter->scratch));
    }
}

/* ---- keys and addresses ---- */

static void take_ids(struct audience__drafter *drafter) {
    struct audience__draft *draft = drafter->draft;
    struct base_err err = {0};
    char id[13], code[11];
    struct str value = value_of(drafter, CONTACT_PERSON_ID);
    if (value.bytes > 0) {
        if (audience__person_id(value, id, &err) == 0) {
            draft->keys[KEY_PERSON_ID] = keep_text(drafter, id);
        } else {
            field_fault(drafter, CONTACT_PERSON_ID, value, err.text);
        }
    }
    value = value_of(drafter, CONTACT_SI_CODE);
    if (value.bytes > 0) {
        int rc = audience__si_code(value, code, &err);
        if (rc == 0) {
            draft->keys[KEY_SI_CODE] = keep_text(drafter, code);
        } else if (rc == LANTOA_EEXIST) {
            /* Since August 2025 the personal ID stands where the code stood. */
            if (draft->keys[KEY_PERSON_ID].bytes == 0 &&
                audience__person_id(value, id, &err) == 0) {
                draft->keys[KEY_PERSON_ID] = keep_text(drafter, id);
            }
        } else {
            field_fault(drafter, CONTACT_SI_CODE, value, err.text);
        }
    }
    draft->keys[KEY_REF] = keep_clean(drafter, CONTACT_REF);
}

static void json_member(struct audience__drafter *drafter, struct str prefix, struct str value) {
    base_buf_add_char(&drafter->json, drafter->json.bytes ? ',' : '{');
    base_buf_add_str(&drafter->json, prefix);
    base_text_json(&drafter->json, value);
}

static void take_addresses(struct audience__drafter *drafter) {
    struct audience__draft *draft = drafter->draft;
    struct base_err err = {0};
    struct str value = value_of(drafter, CONTACT_EMAIL);
    if (value.bytes > 0) {
        base_buf_clear(&drafter->scratch);
        if (contact_email(value, &drafter->scratch, &err) == 0) {
            draft->keys[KEY_EMAIL] = keep(drafter, base_buf_str(&drafter->scratch));
        } else {
            field_fault(drafter, CONTACT_EMAIL, value, err.text);
            json_member(drafter, STR("\"email_invalid\":"), clean(drafter, value));
        }
    }
    value = value_of(drafter, CONTACT_PHONE);
    if (value.bytes > 0) {
        char phone[20];
        if (contact_phone(value, phone, &err) == 0) {
            draft->keys[KEY_PHONE] = keep_text(drafter, phone);
        } else {
            field_fault(drafter, CONTACT_PHONE, value, err.text);
            json_member(drafter, STR("\"phone_invalid\":"), clean(drafter, value));
        }
    }
}

/* ---- the rest ---- */

static void take_facts(struct audience__drafter *drafter) {
    struct audience__draft *draft = drafter->draft;
    struct base_err err = {0};
    char date[BASE_DATE_MAX], lang[36];
    struct str value = value_of(drafter, CONTACT_BIRTH_DATE);
    if (value.bytes > 0) {
        if (audience__birth_date(value, drafter->today_days, date, &err) == 0) {
            draft->birth_date = keep_text(drafter, date);
        } else {
            field_fault(drafter, CONTACT_BIRTH_DATE, value, err.text);
        }
    }
    value = value_of(drafter, CONTACT_SEX);
    if (value.bytes > 0) {
        draft->sex = str_from(audience__sex(value));
        if (draft->sex.bytes == 0) {
            field_fault(drafter, CONTACT_SEX, value, TR("neither female nor male"));
        }
    }
    value = value_of(drafter, CONTACT_LANG);
    if (value.bytes > 0) {
        if (audience__lang(value, lang, &err) == 0) {
            draft->lang = keep_text(drafter, lang);
        } else {
            field_fault(drafter, CONTACT_LANG, value, err.text);
        }
    }
    const char *contradiction =
        audience__person_id_contradicts(draft->keys[KEY_PERSON_ID], draft->birth_date, draft->sex);
    if (contradiction) {
        field_fault(drafter, CONTACT_PERSON_ID, draft->keys[KEY_PERSON_ID], contradiction);
    }
}

static void take_answers(struct audience__drafter *drafter) {
    struct audience__draft *draft = drafter->draft;
    struct base_err err = {0};
    char date[BASE_DATE_MAX];
    bool yes = false;
    struct str value = value_of(drafter, CONTACT_ENROLLED);
    if (value.bytes > 0) {
        if (base_parse_bool(value, &yes) == 0) {
            draft->enrolled = yes ? GIVEN_YES : GIVEN_NO;
        } else if (audience__past_date(value, drafter->today_days, date, &err) == 0) {
            draft->enrolled = GIVEN_YES;
            draft->enrolled_on = keep_text(drafter, date);
        } else {
            field_fault(drafter, CONTACT_ENROLLED, value, TR("neither yes, no nor a date"));
        }
    }
    value = value_of(drafter, CONTACT_CONSENT);
    if (value.bytes > 0) {
        if (base_parse_bool(value, &yes) == 0) {
            draft->consent = yes ? GIVEN_YES : GIVEN_NO;
        } else {
            field_fault(drafter, CONTACT_CONSENT, value, TR("neither yes nor no"));
        }
    }
}

/* "Đồng Tiến" of one column and "Yên Thế" of the next become "Đồng Tiến, Yên Thế". */
static void take_place(struct audience__drafter *drafter) {
    struct audience__draft *draft = drafter->draft;
    draft->place = keep_clean(drafter, CONTACT_PLACE);
    struct str above = value_of(drafter, CONTACT_PLACE_IN);
    if (above.bytes == 0) {
        return;
    }
    above = keep(drafter, clean(drafter, above));
    if (draft->place.bytes == 0) {
        draft->place = above;
        return;
    }
    base_buf_clear(&drafter->scratch);
    base_buf_add_str(&drafter->scratch, draft->place);
    base_buf_add_text(&drafter->scratch, ", ");
    base_buf_add_str(&drafter->scratch, above);
    draft->place = keep(drafter, base_buf_str(&drafter->scratch));
}

static void take_attributes(struct audience__drafter *drafter) {
    const struct audience__columns *columns = drafter->columns;
    for (size_t i = 0; i < columns->custom_count; i++) {
        const struct audience__custom *custom = &columns->customs[i];
        struct str value =
            custom->column >= 0 ? drafter->row->fields[custom->column] : custom->constant;
        if (value.bytes > 0) {
            json_member(drafter, drafter->prefixes[i], clean(drafter, value));
        }
    }
    if (drafter->json.bytes > 0) {
        base_buf_add_char(&drafter->json, '}');
        drafter->draft->attrs = keep(drafter, base_buf_str(&drafter->json));
    }
}

void audience__draft_make(struct audience__drafter *drafter, const struct audience_csv_row *row,
    struct base_arena *arena, struct audience__draft *draft_out) {
    *draft_out =
        (struct audience__draft){.line = row->line, .enrolled = GIVEN_NOT, .consent = GIVEN_NOT};
    drafter->row = row;
    drafter->arena = arena;
    drafter->draft = draft_out;
    drafter->fault_end = &draft_out->faults;
    base_buf_clear(&drafter->json);
    if (row->fault) {
        draft_out->refused = true;
        add_fault(drafter, (struct str){NULL, 0}, row->fields[0], row->fault);
        return;
    }
    take_ids(drafter);
    take_addresses(drafter);
    bool known = false;
    for (int key = 0; key < CONTACT_KEYS; key++) {
        if (draft_out->keys[key].bytes > 0) {
            known = true;
            draft_out->hashes[key] =
                audience__key_hash((enum audience__contact_key)key, draft_out->keys[key]);
        }
    }
    if (!known) {
        draft_out->refused = true;
        add_fault(drafter, (struct str){NULL, 0}, row->fields[0],
            TR("no identifier, no e-mail and no phone: nothing to know the person by"));
        return;
    }
    take_name(drafter);
    take_facts(drafter);
    take_answers(drafter);
    draft_out->household = keep_clean(drafter, CONTACT_HOUSEHOLD);
    take_place(drafter);
    draft_out->place_code = keep_clean(drafter, CONTACT_PLACE_CODE);
    take_attributes(drafter);
}
