/* Whole files and folders. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"
#include <stdint.h>

/* Appends the whole file to out, which the caller has initialised; LANTOA_ELIMIT when it is larger
 * than most_bytes. */
int base_file_read(const char *path, size_t most_bytes, struct base_buf *out,
    struct base_err *err) LANTOA_MUST_CHECK;
/* Writes to path.tmp, fsyncs, renames, fsyncs the folder: the file is the old or the new one, never
 * half. */
int base_file_write(
    const char *path, struct str bytes, int mode, struct base_err *err) LANTOA_MUST_CHECK;
/* Makes an empty file that must not be there yet (LANTOA_EEXIST), whatever the umask. */
int base_file_make(const char *path, int mode, struct base_err *err) LANTOA_MUST_CHECK;
/* Moves from to to, which must not be there yet (LANTOA_EEXIST), and fsyncs the folder. Both on one
 * file system. */
int base_file_place(const char *from, const char *to, struct base_err *err) LANTOA_MUST_CHECK;
/* Makes the folder with its parents; fine if it is there. */
int base_dir_make(const char *path, int mode, struct base_err *err) LANTOA_MUST_CHECK;
/* dir/name, or name itself if it is absolute; caller owns. */
char *base_path_join(const char *dir, const char *name);
int base_file_exists(const char *path); /* 1 or 0 */
int base_disk_free(const char *path, uint64_t *bytes_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Holds that much room on the disk of a file until *fd_out is closed (or we die); LANTOA_EFULL when
 * it is not there. */
int base_disk_reserve(
    const char *path, int64_t bytes, int *fd_out, struct base_err *err) LANTOA_MUST_CHECK;
/* Takes an exclusive lock, not waiting: the descriptor (keep it open), or LANTOA_EBUSY. Writes our
 * pid into the file. */
int base_lock_take(const char *path, int *fd_out, struct base_err *err) LANTOA_MUST_CHECK;
char *base_program_dir(void); /* folder of the running program, from /proc/self/exe; caller owns */
/* A file that comes with the program ("rules/approval.json"): ../share/lantoa beside it
 * (installed), else config/ of the sources whose build folder it runs from. NULL when there is
 * none; caller owns. */
char *base_share_path(const char *name);

#endif
