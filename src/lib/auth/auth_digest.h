/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_AUTH_DIGEST_H
#define AUTH_AUTH_DIGEST_H

#include "base/str.h"

#include <stdbool.h>

/*
 * auth_digest - tells a password again without keeping it: salt and SHA-256 of salt and password, in hexadecimal
 * digits. For passwords that a server has refused: it is no store to log in by.
 */
enum { AUTH_DIGEST_SIZE = 16 * 2 + 32 * 2 + 1 };

/* With a new salt. False: no memory for it now. */
bool auth_digest_make(struct str password, char text[AUTH_DIGEST_SIZE]);
bool auth_digest_fits(struct str digest, struct str password);

#endif
