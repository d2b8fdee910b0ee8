/* The declaration of a gateway: read, and every field and template of it checked, so that a typing
 * error is found when the channel starts and not in the middle of a campaign. */
#include "sms_http.h"

#include <stdio.h>
#include <stdlib.h>

struct check {
    const char *file;
    struct lantoa_fault *fault;
};

static bool fault(const struct check *check, const char *field, const char *en, const char *vi) {
    struct lantoa_fault *out = check->fault;
    snprintf(out->why_en, sizeof(out->why_en), "%s: field %s: %s", check->file, field, en);
    snprintf(out->why_vi, sizeof(out->why_vi), "%s: trường %s: %s", check->file, field, vi);
    return false;
}

/* words: each with a blank before and behind it. */
static bool is_one_of(const char *text, const char *words) {
    char word[40];
    int used = text == NULL ? -1 : snprintf(word, sizeof(word), " %s ", text);
    return used > 0 && (size_t)used < sizeof(word) && strstr(words, word) != NULL;
}

static bool check_keys(
    const struct check *check, const json_t *object, const char *path, const char *known) {
    if (object != NULL && !json_is_object(object)) {
        return fault(check, path, "must be an object", "phải là một đối tượng");
    }
    void *at = json_object_iter((json_t *)(uintptr_t)object);
    for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)object, at)) {
        char word[64], field[200];
        snprintf(word, sizeof(word), " %s ", json_object_iter_key(at));
        if (strstr(known, word) == NULL) {
            snprintf(field, sizeof(field), "%s%s%s", path, path[0] == '\0' ? "" : ".",
                json_object_iter_key(at));
            return fault(check, field, "there is no such field in a declaration",
                "tệp khai báo không có trường này");
        }
    }
    return true;
}

/* Every text below `value`, which may be a text, a list or an object. */
static bool check_templates(
    const struct check *check, const json_t *value, const char *path, unsigned scopes) {
    if (json_is_string(value)) {
        const struct both what = template_fault(json_string_value(value), scopes);
        return what.en == NULL || fault(check, path, what.en, what.vi);
    }
    for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++) {
        if (!check_templates(check, json_array_get(value, i), path, scopes)) {
            return false;
        }
    }
    void *at = json_object_iter((json_t *)(uintptr_t)value);
    for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)value, at)) {
        char field[200];
        snprintf(field, sizeof(field), "%s.%s", path, json_object_iter_key(at));
        if (!check_templates(check, json_object_iter_value(at), field, scopes)) {
            return false;
        }
    }
    return true;
}

/* query, form and headers are flat: names and texts. */
static bool check_pairs(
    const struct check *check, const json_t *request, const char *path, const char *name) {
    const json_t *pairs = json_object_get(request, name);
    char field[100];
    snprintf(field, sizeof(field), "%s.%s", path, name);
    if (pairs != NULL && !json_is_object(pairs)) {
        return fault(check, field, "must be an object", "phải là một đối tượng");
    }
    void *at = json_object_iter((json_t *)(uintptr_t)pairs);
    for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)pairs, at)) {
        if (!json_is_string(json_object_iter_value(at))) {
            return fault(check, field, "its values must be texts", "các giá trị phải là chữ");
        }
    }
    return true;
}

static bool check_request(
    const struct check *check, const json_t *request, const char *path, unsigned scopes) {
    if (!json_is_object(request)) {
        return fault(check, path, "must be an object", "phải là một đối tượng");
    }
    if (!json_is_string(json_object_get(request, "url"))) {
        return fault(check, path, "needs a url", "phải có url");
    }
    const json_t *basic = json_object_get(json_object_get(request, "auth"), "basic");
    if (basic != NULL &&
        (json_array_size(basic) != 2 || !json_is_string(json_array_get(basic, 0)) ||
            !json_is_string(json_array_get(basic, 1)))) {
        return fault(check, path, "auth.basic must be a list of two texts: name and password",
            "auth.basic phải là danh sách hai chuỗi: tên và mật khẩu");
    }
    return check_keys(check, request, path,
               " method url query headers auth json form body max_batch timeout_s ") &&
           check_keys(check, json_object_get(request, "auth"), path, " basic bearer ") &&
           check_pairs(check, request, path, "query") &&
           check_pairs(check, request, path, "form") &&
           check_pairs(check, request, path, "headers") &&
           check_templates(check, request, path, scopes);
}

static bool check_rules(const struct check *check, const json_t *rules, const char *path) {
    if (!json_is_array(rules) || json_array_size(rules) == 0) {
        return fault(check, path, "must be a list of rules", "phải là một danh sách quy tắc");
    }
    for (size_t i = 0; i < json_array_size(rules); i++) {
        char field[100];
        const json_t *rule = json_array_get(rules, i);
        snprintf(field, sizeof(field), "%s[%zu]", path, i);
        if (!check_keys(check, rule, field,
                " status json prefix regex outcome reason after_s ref detail source ")) {
            return false;
        }
        const struct both what = answer_fault(rule);
        if (what.en != NULL) {
            return fault(check, field, what.en, what.vi);
        }
    }
    return true;
}

static bool check_token(const struct check *check, const json_t *token) {
    if (token == NULL) {
        return true;
    }
    return check_keys(check, token, "token", " request token expires ttl_s ") &&
           (json_is_string(json_object_get(token, "token")) ||
               fault(check, "token.token", "must say where the token stands, such as /access_token",
                   "phải nêu chỗ của mã truy cập, như /access_token")) &&
           check_request(check, json_object_get(token, "request"), "token.request", 0);
}

static bool check_map(const struct check *check, const json_t *rule, const char *field) {
    void *at = json_object_iter(json_object_get(rule, "map"));
    for (; at != NULL; at = json_object_iter_next(json_object_get(rule, "map"), at)) {
        const char *text = json_string_value(json_object_iter_value(at));
        if (!is_one_of(text, " delivered failed delayed ignore ")) {
            return fault(check, field, "map: must be one of delivered, failed, delayed, ignore",
                "map: phải là một trong delivered, failed, delayed, ignore");
        }
    }
    at = json_object_iter(json_object_get(rule, "reasons"));
    for (; at != NULL; at = json_object_iter_next(json_object_get(rule, "reasons"), at)) {
        enum lantoa_reason reason;
        const char *text = json_string_value(json_object_iter_value(at));
        if (text == NULL || !reason_by_word(text, &reason)) {
            return fault(check, field, "reasons: none of the known words",
                "reasons: không phải là từ nào đã biết");
        }
    }
    return true;
}

static bool check_callbacks(const struct check *check, const json_t *callbacks) {
    const json_t *kinds = json_object_get(callbacks, "kinds");
    const json_t *signature = json_object_get(callbacks, "signature");
    const char *type = json_string_value(json_object_get(signature, "type"));
    if (callbacks == NULL) {
        return true;
    }
    if (!check_keys(check, callbacks, "callbacks", " signature kinds ") ||
        !check_keys(check, signature, "callbacks.signature",
            " type given prefix encoding text secret timestamp within_s ") ||
        !check_templates(check, signature, "callbacks.signature", SCOPE_HOOK)) {
        return false;
    }
    if (signature != NULL && (!is_one_of(type, " hmac-sha256 hmac-sha1 sha256 equal ") ||
                                 !json_is_string(json_object_get(signature, "given")))) {
        return fault(check, "callbacks.signature",
            "needs type (hmac-sha256, hmac-sha1, sha256 or equal) and given",
            "phải có type (hmac-sha256, hmac-sha1, sha256 hoặc equal) và given");
    }
    for (size_t i = 0; i < json_array_size(kinds); i++) {
        const json_t *rule = json_array_get(kinds, i);
        char field[60];
        snprintf(field, sizeof(field), "callbacks.kinds[%zu]", i);
        const char *kind = json_string_value(json_object_get(rule, "kind"));
        if (!check_keys(check, rule, field,
                " kind has items key ref address status map reasons detail text charset ") ||
            !check_templates(check, rule, field, SCOPE_HOOK) || !check_map(check, rule, field)) {
            return false;
        }
        if (kind == NULL || (strcmp(kind, "receipt") != 0 && strcmp(kind, "inbound") != 0)) {
            return fault(check, field, "kind must be receipt or inbound",
                "kind phải là receipt hoặc inbound");
        }
    }
    return json_array_size(kinds) > 0 || fault(check, "callbacks.kinds", "must be a list of rules",
                                             "phải là một danh sách quy tắc");
}

static bool can(const json_t *root, const char *word) {
    const json_t *list = json_object_get(root, "can");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *one = json_string_value(json_array_get(list, i));
        if (one != NULL && strcmp(one, word) == 0) {
            return true;
        }
    }
    return false;
}

/* What only declared channels have: the text, the price, the preview. */
static bool check_declared(const struct check *check, struct declaration *out) {
    const struct lantoa_declared *declared = out->declared;
    const json_t *sms = json_object_get(out->root, "sms");
    const char *field = json_string_value(json_object_get(sms, "field"));
    out->plain = sms == NULL;
    out->price = json_string_value(json_object_get(out->root, "price"));
    out->preview = json_string_value(json_object_get(out->root, "preview"));
    if (sms != NULL) {
        while (field != NULL && out->text_row < declared->content_count &&
               strcmp(declared->content_names[out->text_row], field) != 0) {
            out->text_row++;
        }
        if (field == NULL || out->text_row == declared->content_count) {
            return fault(check, "sms.field", "must name a row of content",
                "phải là tên một dòng của content");
        }
    }
    return check_keys(check, sms, "sms", " field ") &&
           check_templates(check, json_object_get(out->root, "price"), "price", 0) &&
           check_templates(check, json_object_get(out->root, "preview"), "preview", SCOPE_MESSAGE);
}

static bool check_all(const struct check *check, struct declaration *out) {
    json_t *root = out->root;
    const json_t *items = json_object_get(root, "items");
    const char *known =
        out->declared == NULL
            ? " title source request token answer items no_match idempotent "
              "callbacks "
            : " title source request token answer items no_match callbacks declares "
              "name version kind address account help can options content sms price "
              "preview ";
    if (out->declared != NULL && !check_declared(check, out)) {
        return false;
    }
    if (!check_keys(check, root, "", known) || !check_keys(check, items, "items", " at answer ")) {
        return false;
    }
    const char *no_match = json_string_value(json_object_get(root, "no_match"));
    if (no_match != NULL && strcmp(no_match, "retry") != 0 && strcmp(no_match, "unknown") != 0) {
        return fault(check, "no_match", "must be retry or unknown", "phải là retry hoặc unknown");
    }
    out->request = json_object_get(root, "request");
    out->answer = json_object_get(root, "answer");
    out->token = json_object_get(root, "token");
    out->callbacks = json_object_get(root, "callbacks");
    out->items = json_string_value(json_object_get(items, "at"));
    out->item_answer = json_object_get(items, "answer");
    json_int_t batch = json_integer_value(json_object_get(out->request, "max_batch"));
    out->max_batch = batch > 1 && batch <= 1000 ? (size_t)batch : 1;
    out->idempotent = out->declared == NULL ? json_is_true(json_object_get(root, "idempotent"))
                                            : can(root, "idempotent");
    out->no_match_retry = no_match != NULL && strcmp(no_match, "retry") == 0;
    unsigned scopes = SCOPE_MESSAGE | (out->token != NULL ? SCOPE_TOKEN : 0);
    return check_request(check, out->request, "request", scopes) &&
           check_rules(check, out->answer, "answer") &&
           (items == NULL ||
               (out->items != NULL || fault(check, "items.at", "must be given", "phải có"))) &&
           (items == NULL || check_rules(check, out->item_answer, "items.answer")) &&
           check_token(check, out->token) && check_callbacks(check, out->callbacks);
}

bool declare_load(const char *path, struct declaration *out, struct lantoa_fault *fault_out) {
    json_error_t error;
    const char *slash = strrchr(path, '/');
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    *out = (struct declaration){0};
    if (root == NULL) {
        lantoa_fault_set(fault_out, "declaration", "%s:%d: %s", "%s:%d: không đọc được: %s", path,
            error.line, error.text);
        return false;
    }
    snprintf(fault_out->option, sizeof(fault_out->option), "declaration");
    return declare_take(slash == NULL ? path : slash + 1, root, out, fault_out);
}

bool declare_own(const struct lantoa_declared *declared, struct declaration *out,
    struct lantoa_fault *fault_out) {
    json_error_t error;
    json_t *root =
        json_loadb(declared->json.at, declared->json.bytes, JSON_REJECT_DUPLICATES, &error);
    template_know(declared);
    if (root == NULL) {
        lantoa_fault_set(fault_out, "", "%s.json:%d: %s", "%s.json:%d: không đọc được: %s",
            declared->name, error.line, error.text);
        *out = (struct declaration){0};
        return false;
    }
    const struct check check = {declared->name, fault_out};
    *out = (struct declaration){.root = root, .declared = declared};
    if (check_all(&check, out)) {
        return true;
    }
    declare_release(out);
    return false;
}

bool declare_take(
    const char *name, json_t *root, struct declaration *out, struct lantoa_fault *fault_out) {
    const struct check check = {name, fault_out};
    *out = (struct declaration){.root = root};
    if (!json_is_object(out->root)) {
        fault(&check, "(all)", "must be an object", "phải là một đối tượng");
    } else if (check_all(&check, out)) {
        return true;
    }
    declare_release(out);
    return false;
}

void declare_release(struct declaration *declaration) {
    json_decref(declaration->root);
    *declaration = (struct declaration){0};
}
