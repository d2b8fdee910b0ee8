/* What host->http keeps: one multi handle of libcurl, and the requests under way. Private to
 * http.c.
 */
#ifndef HOST_HTTP_H
#define HOST_HTTP_H

#include "base/buf.h"
#include "host/internal.h"
#include <curl/curl.h>

struct lantoa_http {
    struct lantoa_http *next;
    struct host_http *http;
    CURL *easy;
    struct curl_slist *lines; /* headers of the request */
    void (*answered)(void *arg, const struct lantoa_http_answer *answer);
    void (*leaving)(void *arg);
    void *arg;
    unsigned flags;
    size_t most_bytes;
    struct base_buf body, headers; /* of the answer */
    size_t header_count;
    bool left, too_large;
    bool headed; /* the empty line behind the head of the answer has come: curl calls less than that
                    an answer too */
    char text[CURL_ERROR_SIZE];
};

struct host_http {
    struct host *host;
    CURLM *multi;
    ev_timer timer;
    struct lantoa_http *first, *answering;
    size_t count;
    size_t body_bytes;       /* of all answers under way */
    struct base_buf servers; /* that may be reached, each followed by a line end */
};

#endif
