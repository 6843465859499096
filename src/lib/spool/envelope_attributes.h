/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOOL_ENVELOPE_ATTRIBUTES_H
#define SPOOL_ENVELOPE_ATTRIBUTES_H

#include "base/strlist.h"
#include "spool/envelope.h"

/*
 * envelope_attributes - where a message came from as a list of "name=value" with Postfix's names: what agents and
 * bounce are told, and what a message keeps when postsuper -r sends it round again. cleanup reads the same names.
 */
struct strlist envelope_attribute_list(const struct envelope *envelope, struct arena *arena);

#endif
