/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DELIVERY_COMMAND_ARGUMENTS_H
#define DELIVERY_COMMAND_ARGUMENTS_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/strlist.h"

/*
 * command_arguments - what argv= of master.cf makes of a delivery: $name, ${name} and $(name) are replaced, $$ is one
 * $.
 *
 * A word that names something of a recipient stands as often as there are recipients, one after another. No shell ever
 * sees a word: whatever an address holds stays in it.
 */
struct deliver_recipient;
struct deliver_request;

struct command_argument_source {
    const struct deliver_request *request;
    const struct deliver_recipient *recipients;
    size_t recipient_count;
    unsigned flags; /* enum command_flag */
    struct str null_sender;
    struct str delimiters; /* recipient_delimiter */
    bool is_owner_special; /* owner_request_special */
};

/* Ends with NULL; in arena. False if a word names what there is not: command_arguments_check tells beforehand. */
MUST_USE bool command_arguments_expand(const struct strlist *words, const struct command_argument_source *source,
                                       struct arena *arena, const char *const **argv_out, struct failure *why);

MUST_USE bool command_arguments_check(const struct strlist *words, struct failure *why);

#endif
