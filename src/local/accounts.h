/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_ACCOUNTS_H
#define LOCAL_ACCOUNTS_H

#include "base/time.h"
#include "os/user.h"

/*
 * accounts - the users that mail has come for, remembered for a moment.
 *
 * A user that was found is not looked up again for five seconds, unless the file of users changes meanwhile: so a
 * change there counts at once, one that comes over the network after that time. Nobody's absence is remembered, nor a
 * lookup that failed.
 */
struct accounts;

typedef enum user_answer accounts_look_up(struct arena *arena, struct str name, struct user_account *account_out,
                                          struct failure *why);

/* file: /etc/passwd, and user_by_name, but for tests. file is not copied. */
struct accounts *accounts_create(const char *file, accounts_look_up *look_up);
/* Leaves *accounts NULL. */
void accounts_destroy(struct accounts **accounts);

/* As user_by_name; now is of the monotonic clock. */
MUST_USE enum user_answer accounts_find(struct accounts *accounts, struct instant now, struct arena *arena,
                                        struct str name, struct user_account *account_out, struct failure *why);

#endif
