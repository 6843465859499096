/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_MESSAGE_COPY_H
#define LOCAL_MESSAGE_COPY_H

#include "local/scene.h"

/*
 * message_copy - the message as it is delivered: header lines of ours, then what the queue has.
 */
enum message_form {
    MESSAGE_FROM_LINE = 1 << 0,    /* begins with "From sender  date", as mailboxes and commands want */
    MESSAGE_QUOTED_FROM = 1 << 1,  /* lines that begin with "From " get a > before them */
    MESSAGE_BLANK_AT_END = 1 << 2, /* an empty line after it */
    MESSAGE_DELIVERED_TO = 1 << 3,
};

/* From_ line, Return-Path, X-Original-To, Delivered-To; in the attempt's arena. */
struct str message_head(const struct scene *scene, unsigned form);

/* Bytes of the whole copy, without the > of quoted lines. */
uint64_t message_copy_size(const struct scene *scene, struct str head, unsigned form);

/* Where the copy goes. */
struct message_file {
    const struct rights *rights;
    const char *name;
    int fd;
    /* With fd -1: sets it, called with the rights when the first piece is there. */
    bool (*open)(struct message_file *file, struct failure *why);
};

/* Writes the copy with the file's rights, which are taken for each piece. */
MUST_USE bool message_copy(const struct scene *scene, struct message_file *file, struct str head, unsigned form,
                           struct failure *why);

#endif
