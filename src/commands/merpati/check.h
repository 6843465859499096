/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MERPATI_CHECK_H
#define MERPATI_CHECK_H

#include "config/layout.h"
#include "config/master_cf.h"
#include "merpati/instance.h"

/*
 * check - looks at main.cf, master.cf, users, owners and modes, and tells what is wrong, what is not acted on,
 * and what would help. Changes nothing. The exit status: 0, or 1 when the system would not start.
 */
int check_instance(const struct instance *instance);

/*
 * The part about the values and names in main.cf, in its own file: postconf knows every program's parameters, and what
 * it says goes where our own words go. False when a program would refuse a value.
 */
bool check_parameters(const struct instance *instance);

/*
 * Tells of each socket of others that smtpd or, for non_smtpd_milters, proxymap is to speak to (Dovecot's auth,
 * milters, policy services) why it could not: it tries, with the rights that they have. Stops nothing: they may come
 * later.
 */
void check_backends(const struct instance *instance, const struct layout_identity *identity);

/*
 * Tells of TLS that will not come about: keys and certificates that are missing, do not fit, have expired or can be
 * read by others, levels that lack what they need. Stops nothing: the services go on with what they have.
 */
void check_tls(const struct instance *instance);

/* Tells of files of tables in databases that map_owner cannot read; as root, who alone can try. */
void check_tables(const struct instance *instance, const struct layout_identity *identity);

/* Whether what inet_interfaces and proxy_interfaces name is known; logs what is not, and what this host does not have.
 */
bool check_addresses(const struct instance *instance);

/* As master_service_disable says. */
bool check_is_disabled(const struct instance *instance, const struct master_service *service);

/* main.cf with what "-o" says in the service's line. False: main.cf has a mistake, which others tell of. */
bool check_load_for(const struct instance *instance, const struct master_service *service, struct main_cf **cf_out);

/* Tells of words in lists of TLS protocols, grades of ciphers and EHLO keywords that mean nothing. */
void check_words(const struct instance *instance, const struct master_cf *file);

/* Tells of settings that are nothing without another, or without a program on this host. */
void check_values(const struct instance *instance, const struct master_cf *file);

/*
 * Tells of services of pipe, spawn, smtp and lmtp whose lines they cannot act on. Those whose user is not there, and
 * that main.cf does not name, are told together: most systems have some, of programs that they do not use.
 */
void check_commands(const struct instance *instance, const struct master_cf *file);

/* Tells of services that postscreen asks, and that are not there, with the line to add. */
void check_companions(const struct instance *instance, const struct master_cf *file);

/* Whether the lines of master.cf can be acted on, and no two want to listen on one place; logs what is wrong. */
bool check_lines(const struct instance *instance, const struct master_cf *file);

#endif
