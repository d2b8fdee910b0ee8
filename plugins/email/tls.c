/* Plain or TLS stream; see tls.h. OpenSSL writes with write(2): whoever uses this has SIGPIPE
 * ignored (plugin.c does). */
#include "tls.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The newest OpenSSL error as text, for staff. */
static void take_error(char *text, size_t room, const char *what) {
    unsigned long code = ERR_peek_last_error();
    const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);
    if (reason != NULL) {
        snprintf(text, room, "%s: %s", what, reason);
    } else if (errno != 0) {
        char buffer[100];
        snprintf(text, room, "%s: %s", what, strerror_r(errno, buffer, sizeof(buffer)));
    } else {
        snprintf(text, room, "%s: the server closed the connection", what);
    }
    ERR_clear_error();
}

/* Names with underscores are used in inner networks; what is not ASCII is getaddrinfo's. */
int tls_host_check(const char *host, struct lantoa_fault *fault_out) {
    bool good = host[0] != '\0';
    for (const char *at = host; good && *at != '\0'; at++) {
        good = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
               (*at >= '0' && *at <= '9') || (unsigned char)*at >= 0x80 ||
               strchr(".-_:%", *at) != NULL;
    }
    return good ? LANTOA_OK
                : lantoa_fault_set(fault_out, "host",
                      "\"%.100s\" is not the name or address of a server",
                      "\"%.100s\" không phải là tên hoặc địa chỉ máy chủ", host);
}

SSL_CTX *tls_context_new(bool verify, const char *ca_file, struct lantoa_fault *fault) {
    char error[200];
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL) {
        take_error(error, sizeof(error), "TLS");
        lantoa_fault_set(fault, "", "%s", "%s", error);
        return NULL;
    }
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    if (!verify) {
        return context;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    bool own = ca_file != NULL && ca_file[0] != '\0';
    if (own ? SSL_CTX_load_verify_locations(context, ca_file, NULL) != 1
            : SSL_CTX_set_default_verify_paths(context) != 1) {
        take_error(error, sizeof(error), own ? ca_file : "OpenSSL");
        lantoa_fault_set(fault, own ? "tls_ca" : "tls_verify",
            own ? "holds no certificates that can be used: %s"
                : "the certificates of the system cannot be used: %s",
            own ? "không có chứng thư dùng được: %s" : "không dùng được chứng thư của hệ thống: %s",
            error);
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

/* The cast through a number: OpenSSL's macro takes the const away in a way that compilers warn of.
 */
int tls_link_secure(struct tls_link *link, SSL_CTX *context, const char *name) {
    unsigned char address[16];
    bool literal =
        inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
    link->ssl = SSL_new(context);
    if (link->ssl == NULL || SSL_set_fd(link->ssl, link->fd) != 1 ||
        (literal ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(link->ssl), name) != 1
                 : SSL_set1_host(link->ssl, name) != 1 ||
                       SSL_set_tlsext_host_name(link->ssl, (char *)(uintptr_t)name) != 1)) {
        take_error(link->error, sizeof(link->error), "TLS");
        return LANTOA_EIO;
    }
    SSL_set_connect_state(link->ssl);
    return LANTOA_OK;
}

/* What a call that moved nothing means: 0 at the end of the stream, TLS_AGAIN, or TLS_BROKEN with
 * link->error. */
static int explain(struct tls_link *link, int result, const char *what) {
    switch (SSL_get_error(link->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        link->wants = LANTOA_READ;
        return TLS_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        link->wants = LANTOA_WRITE;
        return TLS_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        take_error(link->error, sizeof(link->error), what);
        return TLS_BROKEN;
    }
}

int tls_link_handshake(struct tls_link *link, bool *certificate_out) {
    *certificate_out = false;
    ERR_clear_error();
    errno = 0;
    int result = SSL_do_handshake(link->ssl);
    if (result == 1) {
        return 0;
    }
    int status = explain(link, result, "TLS");
    if (status == TLS_AGAIN) {
        return status;
    }
    long verdict = SSL_get_verify_result(link->ssl);
    if (verdict != X509_V_OK) {
        *certificate_out = true;
        snprintf(link->error, sizeof(link->error), "TLS: the server's certificate: %s",
            X509_verify_cert_error_string(verdict));
    }
    return TLS_BROKEN;
}

static ssize_t plain_failed(struct tls_link *link, unsigned wants) {
    if (errno == EAGAIN || errno == EINTR) {
        link->wants = wants;
        return TLS_AGAIN;
    }
    char buffer[100];
    snprintf(link->error, sizeof(link->error), "%s", strerror_r(errno, buffer, sizeof(buffer)));
    return TLS_BROKEN;
}

ssize_t tls_link_read(struct tls_link *link, void *to, size_t room) {
    if (link->ssl == NULL) {
        ssize_t got = recv(link->fd, to, room, 0);
        return got >= 0 ? got : plain_failed(link, LANTOA_READ);
    }
    ERR_clear_error();
    errno = 0;
    int got = SSL_read(link->ssl, to, room > INT_MAX ? INT_MAX : (int)room);
    return got > 0 ? got : explain(link, got, "TLS read");
}

ssize_t tls_link_write(struct tls_link *link, const void *from, size_t bytes) {
    if (link->ssl == NULL) {
        ssize_t put = send(link->fd, from, bytes, MSG_NOSIGNAL);
        return put >= 0 ? put : plain_failed(link, LANTOA_WRITE);
    }
    ERR_clear_error();
    errno = 0;
    int put = SSL_write(link->ssl, from, bytes > INT_MAX ? INT_MAX : (int)bytes);
    if (put > 0) {
        return put;
    }
    int status = explain(link, put, "TLS write");
    return status == 0 ? TLS_BROKEN : status;
}

void tls_link_close(struct tls_link *link) {
    if (link->ssl != NULL) {
        if (SSL_is_init_finished(link->ssl)) {
            SSL_shutdown(link->ssl);
        }
        SSL_free(link->ssl);
        ERR_clear_error();
        link->ssl = NULL;
    }
    if (link->fd >= 0) {
        close(link->fd);
        link->fd = -1;
    }
}
