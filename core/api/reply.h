/* Answers. Each of these ends the request's handling; none is cached anywhere, none tells the next
 * site where the visitor came from. */
#ifndef API_REPLY_H
#define API_REPLY_H

#include "api/private.h"

enum reply_type { REPLY_TEXT, REPLY_HTML, REPLY_JSON, REPLY_GIF, REPLY_PROMETHEUS };

/* body BORROWED for the call. */
void reply_body(
    struct api_request *request, unsigned status, enum reply_type type, struct str body);
/* The same for a body of this program that never changes. */
void reply_constant(
    struct api_request *request, unsigned status, enum reply_type type, struct str body);
void reply_redirect(struct api_request *request, const char *url);
/* A short plain text for the status: 404, 405, 413, 429, 503, ... */
void reply_status(struct api_request *request, unsigned status);
/* The answer to a failed commit. */
void reply_fault(struct api_request *request, int rc);

#endif
