/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/strbuf.h"

/* json - texts as JSON strings (RFC 8259 section 7). What is no ASCII passes as it is: it is taken for UTF-8. */

/* Appends text in quotes. False when out is full. */
bool json_append_string(struct strbuf *out, struct str text);

#endif
