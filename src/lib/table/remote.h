/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_REMOTE_H
#define TABLE_REMOTE_H

#include "base/failure.h"
#include "base/str.h"
#include "base/time.h"

struct stream;
struct table;

/*
 * remote - the server behind a socketmap: or tcp: table, and our connections to it.
 *
 * A connection has one question at a time; as many are open as there are questions at one time, at most 20, and then
 * the next one waits. A few are kept for a while. In a fiber nobody else waits; without a loop the call blocks.
 * A question has 100 seconds, for everything. One that a kept or fresh connection loses is asked once more on a new
 * one. Host names are looked up for each connection, in a thread (see dns/native_lookup.h: not in a chroot).
 */
struct remote;

/* Addresses to connect to: a path, or a host (name, or address with or without []) and port (number or name). */
struct remote_place {
    struct str path; /* empty: a host */
    struct str host;
    struct str port;
};

/* Takes "host:port" apart; a port alone is one of this host. */
MUST_USE bool remote_place_parse(struct str text, struct remote_place *place_out);

/* Lives until remote_close; nothing is connected yet. */
struct remote *remote_open(struct table *table, const struct remote_place *place);

/* Where it is not 100 seconds, and twice at most: timeout for each try, with a pause before each but the first. */
struct remote_patience {
    struct duration timeout;
    unsigned tries;
    struct duration pause;
};
void remote_set_patience(struct remote *remote, const struct remote_patience *patience);

/* Nobody may be waiting. Leaves *remote NULL; a NULL remote is fine. */
void remote_close(struct remote **remote);

/*
 * Sends request, and calls read for the reply, in a fiber. read fails as the stream did, which is tried once more, or
 * with FAILURE_PERMANENT for what makes no sense, which remote_ask returns as it is; either ends the connection. It
 * must leave nothing unread.
 */
struct remote_question {
    struct str request;
    bool (*read)(struct remote_question *question, struct stream *stream, struct failure *why);
    void *context;
};
MUST_USE bool remote_ask(struct remote *remote, struct remote_question *question, struct failure *why);

#endif
