/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SASL_CONVERSATION_H
#define SASL_CONVERSATION_H

#include "daemon/daemon.h"

struct offload;

/*
 * conversation - one connection of smtpd's: Dovecot's protocol from the server's side, one exchange at a time. smtpd
 * says first which application, service and realm it is about ("APPLICATION"), then its client number; then it hears
 * the mechanisms. A process has many of them; each call of the library has a thread while its fiber waits, and none
 * while a client thinks.
 */
enum {
    SASL_THREADS_MAXIMUM = 16, /* calls of the library at one time */
    SASL_HUNG_MAXIMUM = 8,     /* of them, those given up: with so many the process ends, for another one */
};

struct sasl_service {
    struct offload *offload; /* where the library is called */
    struct str host;         /* ours */
    struct str application;  /* whose file was read */
    struct str mechanisms;   /* lines of the handshake; empty until somebody has asked */
    int hung;                /* threads that nobody waits for */
};

void conversation_run(struct sasl_service *service, struct daemon_session *session);

#endif
