/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SASL_LIBRARY_H
#define SASL_LIBRARY_H

#include "auth/auth_server.h"

/*
 * library - Cyrus SASL's server side. It blocks, and takes more stack than a fiber has: all calls but library_path are
 * for a thread of their own, one at a time in a process. Nothing is logged here: what the library wants to say is
 * gathered, for whoever called.
 */
enum { LIBRARY_WORDS_MAXIMUM = 4000 };

/* Gathers what the library says from now on: lines "failure: Password verification failed"; cleared by the caller. */
struct strbuf *library_words(void);

/* Before the first library_begin; directories with ':' between. */
MUST_USE bool library_set_path(const char *directories, struct failure *why);
/* Reads NAME.conf and loads what it wants; another name than before begins anew. The name is no path. */
MUST_USE bool library_begin(struct str application, struct failure *why);
void library_end(void);

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
