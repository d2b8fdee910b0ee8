/* QR codes for posters and leaflets, as files that a print shop takes. Pure: writes no file. */
#ifndef TRACKING_QR_H
#define TRACKING_QR_H

#include "base/buf.h"
#include "base/err.h"

enum qr_form { QR_PNG, QR_SVG };

/* Appends the file's bytes: error correction M (15 %), a quiet zone of 4 modules, 16 dots a module
 * in PNG (one bit a dot). LANTOA_EINVAL: text with a NUL or empty; LANTOA_ELIMIT: too long for a
 * code. */
int qr_make(struct str text, enum qr_form form, struct base_buf *out,
    struct base_err *err) LANTOA_MUST_CHECK;

#endif
