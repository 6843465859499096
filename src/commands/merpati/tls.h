/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MERPATI_TLS_H
#define MERPATI_TLS_H

#include "merpati/instance.h"
#include "merpati/keys.h"

/*
 * tls - "merpati tls": keys, certificates, requests and TLSA records, and settings that switch TLS on; the words are
 * those of "postfix tls". main.cf is changed by "postconf -e" only, and a key in force is never overwritten.
 */
int tls_run(const struct instance *instance, int argc, char **argv);

/* What was typed behind the subcommand. */
struct tls_request {
    const struct instance *instance;
    const char *random_source; /* -r; NULL: not given */
    enum key_algorithm algorithm;
    struct str size;      /* -b; empty: the usual one */
    struct str host;      /* -h, else $myhostname */
    struct str key_file;  /* -k; empty: not given */
    struct strlist words; /* the rest */
};

/* ---- subcommands: each returns the exit status (tls_files.c, tls_settings.c) ---- */

int tls_all_default_client(const struct tls_request *request);
int tls_all_default_server(const struct tls_request *request);
int tls_enable_client(const struct tls_request *request);
int tls_enable_server(const struct tls_request *request);
int tls_deploy_certificate(const struct tls_request *request);
int tls_new_key(const struct tls_request *request);
int tls_new_certificate(const struct tls_request *request);
int tls_output_request(const struct tls_request *request);
int tls_output_tlsa(const struct tls_request *request);

/* ---- what they share ---- */

/* The files of a new key and its certificate. */
struct tls_pair {
    const char *certificate_path;
    const char *key_path;
};

/* In the configuration's directory; without key a new one is made. Certificate and names as the request has them. */
MUST_USE bool tls_make_pair(const struct tls_request *request, EVP_PKEY *key, struct tls_pair *pair_out,
                            struct failure *why);
/* Puts them in force with the next reload, if they fit each other. */
MUST_USE bool tls_deploy_pair(const struct instance *instance, const struct tls_pair *pair, struct failure *why);
/* A file named by its path, or one relative to the configuration's directory. */
const char *tls_path(const struct instance *instance, struct str name);
/* The server's key of that algorithm, as main.cf has it; empty: none. */
struct str tls_server_key(const struct instance *instance, enum key_algorithm algorithm);
/* What is said of a request, and of TLSA records, once there is a key. */
void tls_tell_next(const struct tls_pair *pair, bool is_deployed);

#endif
