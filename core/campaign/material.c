/* Files that go out with messages. A campaign keeps copies by content hash, so that what was
 * approved is what is sent, whatever becomes of the file. */
#include "campaign/store_private.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/tr.h"

char *campaign_material_path(const char *data_dir, const char *sha256) {
    return base_printf("%s/materials/%s", data_dir, sha256);
}

static void hash_of(struct str bytes, char hex[static BASE_HEX_SHA256_MAX]) {
    uint8_t digest[BASE_SHA256_BYTES];
    base_sha256(bytes, digest);
    base_hex(digest, sizeof(digest), hex);
}

int material__read(const struct campaign_attachment *attachment, const char *base_dir,
    const char *data_dir, struct base_buf *out, struct base_err *err) {
    char *path = base_path_join(base_dir, attachment->file);
    char *copy = attachment->sha256 && data_dir
                     ? campaign_material_path(data_dir, attachment->sha256)
                     : NULL;
    int code = 0;
    if (copy && !base_file_exists(path)) {
        code = base_file_read(copy, STORE__MATERIAL_MOST, out, err);
    } else {
        code = base_file_read(path, STORE__MATERIAL_MOST, out, err);
    }
    if (code == 0 && attachment->sha256) {
        char hex[BASE_HEX_SHA256_MAX];
        hash_of(base_buf_str(out), hex);
        if (strcmp(hex, attachment->sha256) != 0) {
            code = base_err_set(err, LANTOA_EINVAL,
                TR("%s: the file is not the one whose sha256 is given; leave out sha256 to take "
                   "it as it is now"),
                path);
        }
    }
    base_free(copy);
    base_free(path);
    return code;
}

/* Copies one attachment and notes its hash in the JSON that will be kept. */
static int copy_one(const struct campaign_attachment *attachment, json_t *json,
    const char *base_dir, const char *data_dir, struct base_err *err) {
    struct base_buf bytes;
    base_buf_init(&bytes, STORE__MATERIAL_MOST);
    char hex[BASE_HEX_SHA256_MAX];
    int code = material__read(attachment, base_dir, data_dir, &bytes, err);
    if (code == 0) {
        hash_of(base_buf_str(&bytes), hex);
        char *path = campaign_material_path(data_dir, hex);
        if (!base_file_exists(path)) {
            code = base_file_write(path, base_buf_str(&bytes), 0640, err);
        }
        base_free(path);
    }
    if (code == 0) {
        json_object_set_new(json, "sha256", json_string(hex));
    }
    base_buf_release(&bytes);
    return code;
}

int material__copy(const struct campaign_spec *spec, json_t *root, const char *base_dir,
    const char *data_dir, struct base_err *err) {
    json_t *steps = json_object_get(root, "steps");
    char *dir = base_path_join(data_dir, "materials");
    bool made = false;
    int code = 0;
    for (size_t i = 0; i < spec->step_count && code == 0; i++) {
        const struct campaign_step *step = &spec->steps[i];
        json_t *list = json_object_get(json_array_get(steps, i), "attachments");
        for (size_t k = 0; k < step->attachment_count && code == 0; k++) {
            if (!made) {
                code = base_dir_make(dir, 0750, err);
                made = true;
            }
            if (code == 0) {
                code = copy_one(
                    &step->attachments[k], json_array_get(list, k), base_dir, data_dir, err);
            }
        }
    }
    base_free(dir);
    return code;
}

int material__copy_theme(
    const struct base_json *doc, const char *base_dir, const char *data_dir, struct base_err *err) {
    json_t *list = json_object_get(base_json_root(doc), "materials");
    char *dir = base_path_join(data_dir, "materials");
    int code = json_array_size(list) > 0 ? base_dir_make(dir, 0750, err) : 0;
    for (size_t i = 0; i < json_array_size(list) && code == 0; i++) {
        json_t *item = json_array_get(list, i);
        struct base_err why = {0};
        struct campaign_attachment material = {
            .file = base_strdup(json_string_value(json_object_get(item, "file")))};
        const char *hash = json_string_value(json_object_get(item, "sha256"));
        material.sha256 = hash ? base_strdup(hash) : NULL;
        code = copy_one(&material, item, base_dir, data_dir, &why);
        if (code) {
            char path[60];
            snprintf(path, sizeof(path), "materials[%zu].file", i);
            code = base_json_fault(doc, json_object_get(item, "file"), path, err, "%s", why.text);
        }
        base_free(material.file);
        base_free(material.sha256);
    }
    base_free(dir);
    return code;
}
