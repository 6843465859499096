/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PIPE_MESSAGE_H
#define PIPE_MESSAGE_H

#include "base/failure.h"
#include "base/str.h"

/*
 * message - the message as a command reads it: the headers that flags= asks for before it, lines ended as eol= says,
 * lines that begin with a dot or with "From " marked.
 */
struct deliver_recipient;
struct deliver_request;
struct loop;
struct stream;

struct message_form {
    unsigned flags; /* enum command_flag */
    struct str eol;
    struct str sender;                         /* the null sender replaced */
    const struct deliver_recipient *recipient; /* of Delivered-To and X-Original-To */
};

/* False only if the message cannot be read: who stops reading out has read enough. */
MUST_USE bool message_write(struct stream *out, struct loop *loop, const struct deliver_request *request,
                            const struct message_form *form, struct failure *why);

#endif
