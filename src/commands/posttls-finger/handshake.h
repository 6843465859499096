/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTTLS_FINGER_HANDSHAKE_H
#define POSTTLS_FINGER_HANDSHAKE_H

#include "posttls-finger/conversation.h"
#include "posttls-finger/hosts.h"
#include "tls/settings.h"

/*
 * handshake - what is demanded of a server, its handshake, and what is printed of its certificates: with the same code
 * as the SMTP client's.
 */
struct handshakes;
struct tls_facts;

/* Reads files. NULL: there is no TLS, which has been said. options and settings live as long as it. */
struct handshakes *handshakes_create(const struct finger_options *options, const struct tls_settings *settings,
                                     struct arena *arena);
void handshakes_destroy(struct handshakes **handshakes);

/* What is demanded of one server. */
struct finger_demand {
    enum finger_level level; /* that counts in the end */
    struct tlsa_records tlsa;
    bool is_by_dane;
    bool is_host_unsure;
};

/*
 * Waits for the DNS. resolver NULL: none that validates. False: the server must not be used, and why.
 */
MUST_USE bool handshakes_demand(const struct handshakes *handshakes, struct resolver *resolver,
                                const struct finger_host *host, struct arena *arena, struct finger_demand *demand_out,
                                struct failure *why);

/* False: it failed, which has been said. From the second on the lines are those of a session that is used again. */
MUST_USE bool handshakes_run(struct handshakes *handshakes, struct conversation *conversation,
                             const struct finger_demand *demand, struct str nexthop, struct str host, bool is_first,
                             const struct tls_facts **facts_out);
/* Whether any server has given a session to keep. */
bool handshakes_have_sessions(const struct handshakes *handshakes);

#endif
