/* A non-blocking stream over a socket, plain or TLS. Knows no protocol above it. */
#ifndef EMAIL_TLS_H
#define EMAIL_TLS_H

#include <lantoa/plugin.h>

#include <openssl/ssl.h>
#include <sys/types.h>

enum { TLS_AGAIN = -1, TLS_BROKEN = -2 };

struct tls_link {
    int fd;
    SSL *ssl; /* NULL: plain */
    unsigned
        wants; /* LANTOA_READ / LANTOA_WRITE: what the last call that said TLS_AGAIN waits for */
    char error[200]; /* after TLS_BROKEN */
};

/* As ops->check, of the option "host": the name or address of a server. */
int tls_host_check(const char *host, struct lantoa_fault *fault_out) LANTOA_MUST_CHECK;
/* A client context: TLS 1.2 at least; certificates checked against ca_file (NULL: the system's)
 * when verify. NULL on failure, which the fault explains. */
SSL_CTX *tls_context_new(bool verify, const char *ca_file, struct lantoa_fault *fault);
/* Puts TLS on top of the connected socket, for this server name or address. LANTOA_EIO with
 * link->error on failure. */
int tls_link_secure(struct tls_link *link, SSL_CTX *context, const char *name) LANTOA_MUST_CHECK;
/* 0 when done, TLS_AGAIN or TLS_BROKEN. *certificate_out says whether the peer's certificate was
 * the trouble. */
int tls_link_handshake(struct tls_link *link, bool *certificate_out);
/* Bytes moved; read: 0 at the end of the stream; TLS_AGAIN or TLS_BROKEN. */
ssize_t tls_link_read(struct tls_link *link, void *to, size_t room);
ssize_t tls_link_write(struct tls_link *link, const void *from, size_t bytes);
/* Closes the socket; a bye is sent when that does not block. */
void tls_link_close(struct tls_link *link);

#endif
