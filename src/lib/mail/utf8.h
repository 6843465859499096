/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_UTF8_H
#define MAIL_UTF8_H

#include "base/strbuf.h"

#include <stdint.h>

/* utf8 - characters as numbers. Whether bytes are UTF-8 at all, domain_is_utf8 says. */

enum { UTF8_LAST = 0x10ffff };

/* The first character of well-formed UTF-8 that is not empty; text becomes the rest. */
uint32_t utf8_take(struct str *text);
/* Whether the number is that of a character: at most UTF8_LAST, and no half of a surrogate pair. */
bool utf8_is_character(uint32_t code);
/* As struct strbuf's appends; code is a character's. */
void utf8_append(struct strbuf *out, uint32_t code);

#endif
