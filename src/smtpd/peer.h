/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_PEER_H
#define SMTPD_PEER_H

#include "base/arena.h"
#include "base/ip_address.h"

#include <stdbool.h>

struct proxy_header;
struct smtpd;

/* peer - who is at the other end: address, and the name that is confirmed in both directions. */
struct peer {
    struct ip_address ip;
    struct str name;         /* confirmed, else "unknown" */
    struct str reverse_name; /* of the address alone, else "unknown" */
    struct str address;      /* "192.0.2.1", "2001:db8::1"; "127.0.0.1" where there is no socket (sendmail -bs) */
    struct str port;
    struct str shown;             /* "name[address]", with ":port" if so configured */
    bool is_local;                /* there is no socket: its name is known */
    bool is_name_unknown;         /* a temporary failure, not the absence of a name */
    bool is_reverse_name_unknown; /* the same */
    struct str server_address;    /* what the client connected to */
    struct str server_port;
};

/* Who is connected, by addresses; its name is unknown yet. Memory from arena. */
void peer_open(struct peer *peer, const struct smtpd *smtpd, int fd, struct arena *arena);
/* A proxy says who it is, and whom it connected to. */
void peer_set_addresses(struct peer *peer, struct arena *arena, const struct proxy_header *header);
/* Looks up the name where wanted, which may wait; logs names that do not lead back. */
void peer_look_up(struct peer *peer, struct smtpd *smtpd, struct arena *arena);

/* Every text of it in arena, and shown anew. */
void peer_copy(struct peer *peer_out, const struct peer *peer, const struct smtpd *smtpd, struct arena *arena);

#endif
