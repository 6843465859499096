/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_ENCODED_WORD_H
#define MAIL_ENCODED_WORD_H

#include "base/strbuf.h"

/*
 * encoded_word - text beyond ASCII in headers (RFC 2047): "=?utf-8?Q?J=C3=BCrgen?=", for a phrase or a comment. Each
 * word is at most 75 bytes long and holds whole characters; a blank parts them. The shorter of Q and B is used.
 */

/* As struct strbuf's appends. charset names what the text is in; UTF-8 is seen by itself. */
bool encoded_words_append(struct strbuf *out, struct str charset, struct str text);

#endif
