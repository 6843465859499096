/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_LIBRARY_H
#define TLS_LIBRARY_H

#include "base/arena.h"
#include "base/failure.h"
#include "tls/settings.h"

#include <openssl/ssl.h>

/*
 * library - OpenSSL itself: its configuration, its names for options, curves and ciphers, and what it says of errors.
 *
 * The queue of errors belongs to the thread, not to a connection: it is emptied before each call that may fail
 * (library_begin) and read right after it, without a wait between.
 */

/* Who hears what the library has to say; text is one line. */
struct tls_listener {
    void (*inform)(void *context, const char *text);
    void (*warn)(void *context, const char *text);
    void *context;
};

PRINTF_LIKE(2, 3) void tls_inform(const struct tls_listener *listener, const char *format, ...);
PRINTF_LIKE(2, 3) void tls_warn(const struct tls_listener *listener, const char *format, ...);

/* Reads OpenSSL's configuration as tls_config_file and tls_config_name say. Once a process, before all else. */
MUST_USE bool tls_library_open(const struct tls_settings *settings, struct failure *why);

/* Forgets errors that nobody asked for. */
void tls_library_begin(void);
/* "TLS library problem: error:...", a warning each, and empties the queue. */
void tls_library_warn_errors(const struct tls_listener *listener);

/* SSL_OP_* of tls_ssl_options, and SSL_OP_ALL without tls_disable_workarounds; unknown words are told of. */
uint64_t tls_library_options(const struct tls_settings *settings, const struct tls_listener *listener);

/* "TLSv1.2" and 303 (hexadecimal) are a version, else 0. */
int tls_library_version(struct str name);

/* What a *_tls_protocols parameter allows; 0: no bound. */
struct tls_protocols {
    int lowest;
    int highest;
    uint64_t excluded; /* SSL_OP_NO_* */
};

/* False: something in the list is no protocol. An empty list allows all. */
MUST_USE bool tls_protocols_parse(struct str list, struct tls_protocols *protocols_out);

/*
 * OpenSSL's words for a grade (high, medium, low, export, null) without what the lists of exclusions name. False: there
 * is no such grade.
 */
MUST_USE bool tls_ciphers_of_grade(const struct tls_settings *settings, struct str grade, const struct str *exclusions,
                                   size_t exclusion_count, struct arena *arena, struct str *list_out);

/*
 * tls_eecdh_auto_curves and tls_ffdhe_auto_groups, for SSL_CTX_set1_groups_list, without those that OpenSSL does not
 * have; such curves are told of. Empty: OpenSSL's own.
 */
struct str tls_groups(const struct tls_settings *settings, const struct tls_listener *listener, struct arena *arena);

#endif
