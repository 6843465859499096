/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DELIVERY_COMMAND_ATTRIBUTES_H
#define DELIVERY_COMMAND_ATTRIBUTES_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/strlist.h"

/*
 * command_attributes - what a line of master.cf says of the command that pipe or spawn runs:
 *
 *   flags=DRhu user=vmail:mail size=1000000 argv=/usr/bin/maildrop -d ${recipient}
 *
 * argv= comes last and takes all words that follow. $name in argv is not expanded here.
 */
enum command_flag {
    COMMAND_BLANK_AT_END = 1 << 0,    /* B */
    COMMAND_DELIVERED_TO = 1 << 1,    /* D */
    COMMAND_FROM_LINE = 1 << 2,       /* F */
    COMMAND_ORIGINAL_TO = 1 << 3,     /* O */
    COMMAND_RETURN_PATH = 1 << 4,     /* R */
    COMMAND_IS_FINAL = 1 << 5,        /* X */
    COMMAND_FOLD_DOMAIN = 1 << 6,     /* h */
    COMMAND_QUOTE = 1 << 7,           /* q */
    COMMAND_FOLD_LOCAL_PART = 1 << 8, /* u */
    COMMAND_DOUBLE_DOTS = 1 << 9,     /* . */
    COMMAND_QUOTE_FROM = 1 << 10,     /* > */
};

struct command_attributes {
    unsigned flags;
    struct str user;
    struct str group; /* empty: the user's own */
    struct strlist argv;
    struct str eol;
    struct str null_sender;
    struct str root;      /* chroot=; empty: none */
    struct str directory; /* empty: where the service is */
    int64_t size_limit;   /* 0: none */
};

/* The words that a service gets after -o and its like. spawn's are user= and argv= alone. All in arena. */
MUST_USE bool command_attributes_parse(const struct strlist *words, bool is_spawn, struct arena *arena,
                                       struct command_attributes *attributes_out, struct failure *why);

#endif
