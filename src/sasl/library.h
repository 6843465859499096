/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SASL_LIBRARY_H
#define SASL_LIBRARY_H

#include "auth/auth_server.h"

/*
 * library - Cyrus SASL's server side. It blocks, and takes more stack than a fiber has: what is of an exchange is for
 * threads, several at one time, each with an exchange of its own. Nothing is logged here: what the library wants to say
 * is gathered, for whoever called.
 */
enum { LIBRARY_WORDS_MAXIMUM = 4000 };

/* Appends what the library says in this thread from now on, lines "failure: Password verification failed"; NULL ends
 * it. */
void library_gather(struct strbuf *words);

/* Reads NAME.conf in directories, with ':' between, and loads what it wants; once in a process. The name is no path. */
MUST_USE bool library_begin(const char *directories, struct str application, struct failure *why);

struct library_exchange_options {
    struct str service;
    struct str host; /* ours */
    struct str realm;
};

/* "MECH\tPLAIN\tplaintext\n...": the mechanisms, with what each is. */
MUST_USE bool library_append_mechanisms(const struct library_exchange_options *options, struct strbuf *out,
                                        struct failure *why);

struct library_exchange;

MUST_USE bool library_exchange_create(const struct library_exchange_options *options,
                                      struct library_exchange **exchange_out, struct failure *why);
/* Leaves *exchange NULL; NULL is fine. */
void library_exchange_destroy(struct library_exchange **exchange);
/*
 * mechanism: empty for all but the first step. input: base64; has_input: there is some, maybe empty. The answer's texts
 * are in arena.
 */
void library_exchange_step(struct library_exchange *exchange, struct str mechanism, bool has_input, struct str input,
                           struct arena *arena, struct auth_answer *answer_out);

#endif
