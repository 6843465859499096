/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_CLIENT_ATTRIBUTES_H
#define SMTPD_CLIENT_ATTRIBUTES_H

#include "base/arena.h"
#include "base/ip_address.h"
#include "base/str.h"

#include <stdbool.h>

/*
 * client_attributes - what XCLIENT and XFORWARD say of a client: "NAME=host.example ADDR=192.0.2.1 ...", values in
 * xtext. Pure, and fuzzed. A value that is no xtext is taken as it stands.
 */
enum client_attribute {
    CLIENT_NAME,
    CLIENT_REVERSE_NAME,
    CLIENT_ADDR,
    CLIENT_PORT,
    CLIENT_PROTO,
    CLIENT_HELO,
    CLIENT_LOGIN,
    CLIENT_DESTADDR,
    CLIENT_DESTPORT,
    CLIENT_IDENT,
    CLIENT_SOURCE,
    CLIENT_ATTRIBUTE_COUNT,
};

enum { CLIENT_ATTRIBUTE_MAXIMUM = 255 };

/* Two commands that share a form and differ in what they allow. */
enum client_command {
    CLIENT_XCLIENT,
    CLIENT_XFORWARD,
};

struct client_attributes {
    unsigned given;                            /* bits 1 << enum client_attribute */
    struct str values[CLIENT_ATTRIBUTE_COUNT]; /* empty: [UNAVAILABLE], or not given */
    bool is_name_temporary;                    /* [TEMPUNAVAIL] */
    bool is_reverse_name_temporary;
};

static inline bool client_attributes_has(const struct client_attributes *attributes, enum client_attribute which)
{
    return (attributes->given >> which & 1) != 0;
}

/*
 * Adds what argument says; of two values for one attribute the later counts, and a name in XCLIENT's NAME is a
 * REVERSE_NAME too. Addresses are in their canonical spelling, SOURCE is "LOCAL" or "REMOTE". Memory from arena. False
 * with the reply when something is wrong; attributes are then of no use.
 */
MUST_USE bool client_attributes_take(struct client_attributes *attributes, enum client_command command,
                                     struct str argument, struct arena *arena, struct str *reply_out);

#endif
