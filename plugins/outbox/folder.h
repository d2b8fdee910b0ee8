/* Folders of the outbox, kept open, and files that appear whole or not at all. Errors are errno
 * values. */
#ifndef OUTBOX_FOLDER_H
#define OUTBOX_FOLDER_H

#include <lantoa/message.h>
#include <stdbool.h>

struct folders;

/* Makes the folder `dir` (inside data_dir if relative). */
int folders_open(const char *data_dir, const char *dir, struct folders **folders_out);
void folders_close(struct folders *folders);
/* Writes CAMPAIGN/STEP/KEY.txt. EEXIST: it is there already, and stays as it was. */
int folders_write(struct folders *folders, struct lantoa_str campaign, struct lantoa_str step,
    struct lantoa_str key, const char *bytes, size_t count, bool safely);

#endif
