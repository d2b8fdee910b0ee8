/* Reads a step's files, by what was approved (their hashes), not by where they came from. */
#include "delivery/step_parts.h"

#include "base/file.h"
#include "base/mem.h"

int step_parts_load(const char *data_dir, const struct delivery_step *step,
    struct step_parts *parts_out, struct base_err *err) {
    size_t count = step->spec->attachment_count;
    *parts_out = (struct step_parts){.at = base_alloc_array(count + 1, sizeof *parts_out->at),
        .bytes = base_alloc_array(count + 1, sizeof *parts_out->bytes),
        .count = count};
    for (size_t i = 0; i < count; i++) {
        base_buf_init(&parts_out->bytes[i], STEP_PART_BYTES_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        const struct campaign_attachment *a = &step->spec->attachments[i];
        char *path = campaign_material_path(data_dir, a->sha256);
        int rc = base_file_read(path, STEP_PART_BYTES_MAX, &parts_out->bytes[i], err);
        base_free(path);
        if (rc != 0) {
            return rc;
        }
        parts_out->at[i] = (struct channel_part){str_from(a->name), str_from(a->mime),
            str_from(a->content_id), base_buf_str(&parts_out->bytes[i])};
    }
    return 0;
}

void step_parts_release(struct step_parts *parts) {
    for (size_t i = 0; i < parts->count; i++) {
        base_buf_release(&parts->bytes[i]);
    }
    base_free(parts->bytes);
    base_free(parts->at);
    *parts = (struct step_parts){0};
}
