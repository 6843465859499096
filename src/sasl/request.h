/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SASL_REQUEST_H
#define SASL_REQUEST_H

#include "auth/auth_line.h"

/*
 * request - what smtpd may say in which state of a connection: Dovecot's protocol from the server's side, one exchange
 * at a time, and in front of it "APPLICATION TAB name TAB service TAB realm". Pure.
 */
enum { REQUEST_NAME_MAXIMUM = 255 };

enum request_kind {
    REQUEST_IS_NOTHING,  /* a line of no concern */
    REQUEST_APPLICATION, /* before the rest: what this is about */
    REQUEST_HELLO,       /* wants the mechanisms */
    REQUEST_START,
    REQUEST_CONTINUE,
    REQUEST_CANCEL,
};

/* As far as it got. */
struct request_state {
    bool has_met;
    bool is_challenged; /* an exchange waits for an answer */
    uint32_t id;        /* of the last exchange */
};

struct request {
    enum request_kind kind;
    struct str application, service, realm; /* APPLICATION; START: service, empty if it says none */
    uint32_t id;
    struct str mechanism; /* START: never empty */
    bool has_input;
    struct str input; /* base64, or what claims to be */
};

/* Texts are the line's. False: the protocol is broken; what_out says which verb. Changes nothing in state. */
MUST_USE bool request_parse(const struct auth_line *line, const struct request_state *state,
                            struct request *request_out, const char **what_out);

#endif
