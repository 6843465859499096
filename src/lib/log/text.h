/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_TEXT_H
#define LOG_TEXT_H

#include "base/str.h"
#include "base/strbuf.h"

/* text - making outside text fit for a log: the one function that neuters. */

/*
 * Appends text with '?' for each byte that is neither printable ASCII nor, where UTF-8 may be, part of a well-formed
 * character of it; at most max bytes, never half a character.
 */
void log_text_neuter(struct strbuf *line, struct str text, size_t max, bool may_be_utf8);

#endif
