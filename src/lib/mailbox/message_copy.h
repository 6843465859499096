/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAILBOX_MESSAGE_COPY_H
#define MAILBOX_MESSAGE_COPY_H

#include "base/arena.h"
#include "delivery/rights.h"

/*
 * message_copy - the message as it is delivered: header lines of ours, then what the queue has.
 */
struct deliver_request;
struct loop;

struct message_envelope {
    struct loop *loop;
    struct arena *arena;
    const struct deliver_request *request; /* whose content it is */
    struct str sender;
    struct str original;     /* for X-Original-To; empty: no such line */
    struct str delivered_to; /* for Delivered-To */
};

enum message_form {
    MESSAGE_FROM_LINE = 1 << 0,    /* begins with "From sender  date", as mailboxes and commands want */
    MESSAGE_QUOTED_FROM = 1 << 1,  /* lines that begin with "From " get a > before them */
    MESSAGE_BLANK_AT_END = 1 << 2, /* an empty line after it */
    MESSAGE_DELIVERED_TO = 1 << 3,
};

/* From_ line, Return-Path, X-Original-To, Delivered-To; in the envelope's arena. */
struct str message_head(const struct message_envelope *envelope, unsigned form);

/* Bytes of the whole copy, without the > of quoted lines. */
uint64_t message_copy_size(const struct message_envelope *envelope, struct str head, unsigned form);

/* Where the copy goes. */
struct message_file {
    const struct rights *rights;
    const char *name;
    int fd;
    /* With fd -1: sets it, called with the rights when the first piece is there. */
    bool (*open)(struct message_file *file, struct failure *why);
};

/* Writes the copy with the file's rights, which are taken for each piece. */
MUST_USE bool message_copy(const struct message_envelope *envelope, struct message_file *file, struct str head,
                           unsigned form, struct failure *why);

#endif
