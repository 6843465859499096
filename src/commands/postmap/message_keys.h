/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTMAP_MESSAGE_KEYS_H
#define POSTMAP_MESSAGE_KEYS_H

#include "base/failure.h"
#include "base/str.h"

/*
 * message_keys - the keys that header and body checks would look up for a message (postmap -h, -b, -m): each header
 * with its folded lines, each line of the body.
 *
 * Without MIME all headers are those of the message and all that follows is body. With it, headers of attachments and
 * of attached messages (message/rfc822) are headers too.
 */
typedef bool message_key_told(void *context, bool is_header, struct str key, struct failure *why);

/* False when told() has said so. Keys are views that end with the call. */
MUST_USE bool message_keys_walk(struct str message, bool parses_mime, message_key_told *told, void *context,
                                struct failure *why);

#endif
