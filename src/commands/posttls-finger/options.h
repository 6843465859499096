/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTTLS_FINGER_OPTIONS_H
#define POSTTLS_FINGER_OPTIONS_H

#include "base/arena.h"
#include "base/ip_address.h"
#include "base/strlist.h"
#include "base/time.h"

/*
 * options - what posttls-finger was told to do, by the words of Postfix's manual page. Words live in argv, or in the
 * arena.
 */
enum finger_level {
    FINGER_DEFAULT, /* dane where DNSSEC can be validated, else secure */
    FINGER_NONE,
    FINGER_MAY,
    FINGER_ENCRYPT,
    FINGER_FINGERPRINT,
    FINGER_DANE,
    FINGER_DANE_ONLY,
    FINGER_VERIFY,
    FINGER_SECURE,
};

/* What is told of TLS (-L). */
enum finger_log {
    FINGER_LOG_SUMMARY = 1 << 0,
    FINGER_LOG_MATCH = 1 << 1,
    FINGER_LOG_PEER = 1 << 2,
    FINGER_LOG_DETAILS = 1 << 3, /* what the library does, and why */
    FINGER_LOG_CACHE = 1 << 4,
};

/* Whom mail to a domain is for when DNSSEC did not prove its MX records (-M). */
enum finger_insecure_mx {
    FINGER_INSECURE_DANE,
    FINGER_INSECURE_ENCRYPT,
    FINGER_INSECURE_MAY,
};

struct finger_options {
    bool is_quiet;     /* -c: the dialogue is not printed */
    bool prints_chain; /* -C */
    bool is_lmtp;      /* -S */
    bool is_wrapped;   /* -w */
    bool forces_tlsa;  /* -f */
    bool prefers_ipv4; /* -a; when neither, the names' order decides */
    bool prefers_ipv6;
    unsigned verbosity; /* -v */
    enum finger_level level;
    enum finger_insecure_mx insecure_mx;
    unsigned log; /* enum finger_log */
    struct str digest;
    struct str grade;
    struct str protocols;
    struct str host_lookup;
    struct str server_name;
    struct str authorities_file;
    struct str authorities_directory;
    struct strlist anchor_files;
    struct str chain_files;
    struct str certificate_file;
    struct str key_file;
    struct strlist overrides; /* -o */
    struct duration connect_timeout;
    struct duration command_timeout;
    struct duration delay; /* -r; 0: no second connection */
    unsigned reconnects;   /* -m */
    struct str destination;
    struct strlist matches;
};

/* False: what is wrong has been said. */
MUST_USE bool finger_options_parse(int argc, char **argv, struct arena *arena, struct finger_options *options_out);

/* "dane"; of FINGER_DEFAULT "default" */
const char *finger_level_name(enum finger_level level);

#endif
