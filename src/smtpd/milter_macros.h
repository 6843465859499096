/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_MILTER_MACROS_H
#define SMTPD_MILTER_MACROS_H

#include "base/str.h"

#include <stdbool.h>

struct strbuf;

/*
 * milter_macros - what the macros of the milter protocol are worth in a session (docs/content.md has the list).
 *
 * context: struct session_milters. Where an address leads is asked for when a milter wants to know it: waits.
 */
bool milter_macros_find(void *context, struct str name, struct strbuf *value);

#endif
