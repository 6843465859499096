/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_TICKET_KEYS_H
#define TLS_TICKET_KEYS_H

#include "base/arena.h"
#include "base/time.h"
#include "protocol/tlsmgr.h"

/*
 * ticket_keys - the keys of one service's tickets: the one that makes them now, and those that still read what they
 * made. A key makes tickets for one lifetime and reads them for one more; then it is wiped, and what was recorded under
 * it stays closed whoever gets hold of this process later. The caller brings the (wall clock's) time.
 */
struct tls_ticket_key {
    unsigned char name[TLSMGR_TICKET_NAME_SIZE];
    unsigned char cipher[TLSMGR_TICKET_SECRET_SIZE];
    unsigned char digest[TLSMGR_TICKET_SECRET_SIZE];
    struct instant made;
};

/* All zero: there are none. */
struct tls_ticket_keys {
    struct tls_ticket_key keys[TLSMGR_TICKET_KEYS_MAXIMUM]; /* that which makes tickets first */
    size_t count;
};

/* No key makes tickets at this time: a new one is to be had. Wipes those whose time is over. */
bool tls_ticket_keys_is_due(struct tls_ticket_keys *keys, struct duration lifetime, struct instant now);
/* The key to make tickets with, a new random one if that is due. */
const struct tls_ticket_key *tls_ticket_keys_current(struct tls_ticket_keys *keys, struct duration lifetime,
                                                     struct instant now);
/* The key of this name, if its time is not over; NULL: unknown. */
const struct tls_ticket_key *tls_ticket_keys_find(struct tls_ticket_keys *keys, const unsigned char *name,
                                                  struct duration lifetime, struct instant now);

/*
 * Keys of another process (struct tlsmgr_ticket_key). In front, its first makes tickets from now on; else they only
 * read them, unless there are none here. What is no key is passed over; beyond the maximum those behind are forgotten.
 */
void tls_ticket_keys_take(struct tls_ticket_keys *keys, const struct records *from, bool in_front);
/* For another process; in arena, and views of keys. */
struct records tls_ticket_keys_give(const struct tls_ticket_keys *keys, struct arena *arena);
void tls_ticket_keys_wipe(struct tls_ticket_keys *keys);

#endif
