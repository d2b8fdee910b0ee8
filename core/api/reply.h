/* Answers. Each of these ends the request's handling; none is cached anywhere, none tells the next
 * site where the visitor came from. */
#ifndef API_REPLY_H
#define API_REPLY_H

#include "api/private.h"

enum reply_type { REPLY_TEXT, REPLY_HTML, REPLY_JSON, REPLY_GIF, REPLY_PROMETHEUS, REPLY_CALENDAR };

/* body BORROWED for the call. */
void reply_body(
    struct api_request *request, unsigned status, enum reply_type type, struct str body);
/* The same for a body of this program that never changes. */
void reply_constant(
    struct api_request *request, unsigned status, enum reply_type type, struct str body);
/* The answer that leads to url, made once and used for everybody; NULL when url cannot stand in a
 * header. The caller destroys it. */
struct MHD_Response *reply_redirect_new(const char *url, bool tls);
void reply_redirect(struct api_request *request, struct MHD_Response *redirect);
/* A short plain text for the status: 404, 405, 413, 429, 503, ... */
void reply_status(struct api_request *request, unsigned status);
/* The answer to a failed commit. */
void reply_fault(struct api_request *request, int rc);

#endif
