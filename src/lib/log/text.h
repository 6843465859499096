/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_TEXT_H
#define LOG_TEXT_H

#include "base/str.h"
#include "base/strbuf.h"

/* text - making outside text fit for a log: the one function that neuters, and the one that escapes. */

/*
 * Appends text with '?' for each byte that is neither printable ASCII nor, where UTF-8 may be, part of a well-formed
 * character of it; at most max bytes, never half a character.
 */
void log_text_neuter(struct strbuf *line, struct str text, size_t max, bool may_be_utf8);

/* Appends text as C has it in strings: "\\r", "\\n", "\\033"; nothing is lost. */
void log_text_escape(struct strbuf *line, struct str text);

#endif
