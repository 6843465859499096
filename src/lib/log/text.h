/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_TEXT_H
#define LOG_TEXT_H

#include "base/str.h"
#include "base/strbuf.h"

/* text - making outside text fit for a log: the one function that neuters. */

/*
 * Appends text with '?' for each byte that is neither printable ASCII nor part of a well-formed UTF-8
 * character; at most max bytes, never half a character.
 */
void log_text_neuter(struct strbuf *line, struct str text, size_t max);

#endif
