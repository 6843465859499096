/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_CASEFOLD_H
#define MAIL_CASEFOLD_H

#include "base/arena.h"
#include "base/str.h"

/*
 * casefold - text in the form in which it is compared without regard to case (Unicode's full case folding), as keys of
 * tables and names in lists are: "GRÜSSE" and "Grüße" are "grüsse".
 *
 * Bytes that are no UTF-8 stay as they are; then only ASCII is folded.
 */
struct str casefold(struct arena *arena, struct str text);

#endif
