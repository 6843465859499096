/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_REWRITING_H
#define SMTPD_REWRITING_H

#include "base/str.h"

#include <stdbool.h>

struct rewriting_list;
struct session;
struct smtpd;

/*
 * rewriting - whose message headers are completed with our own domain: local_header_rewrite_clients. The list has
 * words of its own (permit_inet_interfaces, permit_mynetworks, permit_sasl_authenticated, permit_tls_clientcerts,
 * permit_tls_all_clientcerts, check_address_map) and tables, which are asked for the client's address whatever they
 * say of it. Any other word is told whenever it is reached, and passed over.
 */

/* Opens the tables. Before the jail. In smtpd's arena. */
const struct rewriting_list *rewriting_parse(struct smtpd *smtpd, struct str value);

/*
 * For MAIL. False: a table could not say, *reply_out is the refusal, already logged: mail must not lose its domain,
 * nor a stranger's gain ours, because of a table.
 */
bool rewriting_is_known(struct session *session, bool *is_local_out, struct str *reply_out);

#endif
