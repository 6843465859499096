/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CHECKS_CHECKS_H
#define CHECKS_CHECKS_H

#include "base/arena.h"
#include "base/str.h"

/*
 * checks - header and body checks (header_checks(5)): which table is asked about a field or a line of the body, and
 * what its answer orders. cleanup, smtp and milter_header_checks share it.
 *
 * It asks and judges; it neither changes the message nor logs: what an order does to the message, and the line that
 * tells of it, is the caller's. Tables belong to the caller's table_set; a lookup may wait (proxy:), so it is made in a
 * fiber. All text is borrowed from the arena of the call.
 */
struct checks;
struct table_set;

enum checks_class {
    CHECKS_HEADER,        /* the message's own header, but MIME's fields */
    CHECKS_MIME_HEADER,   /* Content-*, MIME-Version: of the message, of its parts and of what is attached */
    CHECKS_NESTED_HEADER, /* of attached messages (message/rfc822 and kin), but MIME's fields */
    CHECKS_BODY,          /* all other lines, boundaries among them */
    CHECKS_CLASS_COUNT,
};

enum checks_action {
    CHECKS_NONE, /* no rule, DUNNO, OK, a class without tables, an empty line, body beyond the size limit */
    CHECKS_BCC,
    CHECKS_DISCARD,
    CHECKS_FILTER,
    CHECKS_HOLD,
    CHECKS_IGNORE,
    CHECKS_INFO,
    CHECKS_PASS,
    CHECKS_PREPEND,
    CHECKS_REDIRECT,
    CHECKS_REJECT,
    CHECKS_REPLACE,
    CHECKS_STRIP,
    CHECKS_WARN,
    CHECKS_UNKNOWN, /* a table could not answer: complaint says why; mail waits for a better time */
};

/* Bits 1 << action: what the tables of smtp and milter_header_checks may order; cleanup takes all. */
enum {
    CHECKS_ACTIONS_ALL = (1 << CHECKS_UNKNOWN) - 1,
    /* smtp_header_checks and its kin: one line is changed or told of, the message goes on. */
    CHECKS_ACTIONS_DELIVERY = 1 << CHECKS_IGNORE | 1 << CHECKS_INFO | 1 << CHECKS_PREPEND | 1 << CHECKS_REPLACE |
                              1 << CHECKS_STRIP | 1 << CHECKS_WARN,
    CHECKS_ACTIONS_MILTER = CHECKS_ACTIONS_ALL & ~(1 << CHECKS_PREPEND),
};

struct checks_verdict {
    enum checks_action action;
    /* What follows the action's name, without the blanks between: the argument, the new line, the words for the log or
     * the peer; empty where none was given. Of REJECT without its enhanced status code. */
    struct str text;
    struct str dsn; /* of REJECT: as the rule says, else "5.7.1" */
    struct str
        complaint; /* for a warning, in Postfix's words; empty: none. A rule that cannot be obeyed does nothing */
};

/* Per class: its parameter's name, for messages, and its value; an empty value asks nothing. */
struct checks_tables {
    struct str title;
    struct str value;
};

struct checks_options {
    struct checks_tables tables[CHECKS_CLASS_COUNT];
    unsigned actions;         /* bits as above */
    uint64_t body_size_limit; /* bytes of each part of the body that are looked at (body_checks_size_limit); 0: all */
};

/* Opens the tables, before the jail; one that cannot be opened answers UNKNOWN ever after. In arena. Never NULL. */
struct checks *checks_open(struct table_set *set, const struct checks_options *options, struct arena *arena);

/* Whether the class has tables: a caller without any need not look for fields or lines at all. */
bool checks_has(const struct checks *checks, enum checks_class class);
bool checks_has_any(const struct checks *checks);
/* The name of the class's parameter; empty if it has no tables. */
struct str checks_title(const struct checks *checks, enum checks_class class);

/* A whole field, with its folds, without the last LF. */
struct checks_verdict checks_header(const struct checks *checks, enum checks_class class, struct str field,
                                    struct arena *arena);
/* A line of the body without its LF, or a piece of a long one. offset: bytes of the same part before it. */
struct checks_verdict checks_body(const struct checks *checks, struct str line, uint64_t offset, struct arena *arena);

/* What a table's answer orders. title: the parameter's name, for the complaint. */
struct checks_verdict checks_judge(struct str title, struct str value, enum checks_class class, unsigned actions,
                                   struct arena *arena);

/* "reject", "discard", "warning" ...: the word of the action in the log. */
const char *checks_action_word(enum checks_action action);
/* "header" or "body": the word before the text in the log. */
const char *checks_class_word(enum checks_class class);

#endif
