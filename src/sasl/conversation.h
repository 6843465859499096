/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SASL_CONVERSATION_H
#define SASL_CONVERSATION_H

#include "daemon/daemon.h"

struct offload;

/*
 * conversation - one connection of smtpd's: Dovecot's protocol from the server's side, one exchange at a time. smtpd
 * says first which application, service and realm it is about ("APPLICATION"), then its client number; then it hears
 * the mechanisms.
 */
struct sasl_service {
    struct offload *offload; /* where the library is called */
    struct str host;         /* ours */
    struct str application;  /* if the client names none */
};

void conversation_run(struct sasl_service *service, struct daemon_session *session);

#endif
