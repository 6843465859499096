/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include "base/arena.h"
#include "base/str.h"

/*
 * address - taking a mail address apart. Addresses here are in internal form: not quoted, without
 * angle brackets, "" for the null sender. All parts are views into what was given.
 *
 * The domain begins after the LAST @, since an internal local part may hold any byte.
 */

/* False without an @: then local is all and domain is empty. */
bool address_split(struct str address, struct str *local_out, struct str *domain_out);
/* Without the "@hop,@hop:" before it that mail once took its route by. Quotes do not save it from being one. */
struct str address_skip_route(struct str address);
/* What follows the last @, else empty. */
struct str address_domain(struct str address);
/* What precedes the last @, else all. */
struct str address_local(struct str address);

/*
 * Splits "user+ext" at the first byte that is one of delimiters (recipient_delimiter, a set). Never
 * split: an empty user part, postmaster, mailer-daemon, double-bounce, and, with is_owner_special
 * (owner_request_special) and a - among the delimiters, owner-name and name-request.
 */
bool address_split_extension(struct str local, struct str delimiters, bool is_owner_special, struct str *user_out,
                             struct str *extension_out);

/* "local@domain" in arena. */
struct str address_join(struct arena *arena, struct str local, struct str domain);

/* "user+ext@dom" with the extension removed, "user@dom"; false if there is none. Memory from arena. */
bool address_strip_extension(struct arena *arena, struct str address, struct str delimiters, bool is_owner_special,
                             struct str *stripped_out, struct str *extension_out);

/* A copy with the domain in lower case (ASCII). */
struct str address_fold_domain(struct arena *arena, struct str address);

#endif
