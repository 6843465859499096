/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SENDMAIL_OPTIONS_H
#define SENDMAIL_OPTIONS_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/strlist.h"

/*
 * options - the command line of sendmail as thirty years of programs write it: what is meant, what is ignored.
 *
 * "-oem", "-o em", "-f sender" and "-fsender" are all understood. Options of the old sendmail that mean nothing here
 * are taken in silence.
 */
enum sendmail_mode {
    SENDMAIL_DELIVER, /* -bm: submit the message on standard input */
    SENDMAIL_SMTP,    /* -bs */
    SENDMAIL_DAEMON,  /* -bd, -bl */
    SENDMAIL_LIST,    /* -bp, mailq */
    SENDMAIL_ALIASES, /* -bi, -I, newaliases */
    SENDMAIL_FLUSH,   /* -q */
    SENDMAIL_IGNORE,  /* -bh, -bH, -q with a time: nothing to do */
};

struct sendmail_options {
    enum sendmail_mode mode;
    bool has_interval;           /* -q30m */
    struct str config_directory; /* -C dir or -C dir/main.cf */
    struct str sender;           /* -f, -r, as given */
    bool has_sender;
    struct str full_name; /* -F */
    bool has_full_name;
    bool reads_dots;          /* -i, -oi: a line with one dot does not end the message */
    bool extracts_recipients; /* -t */
    bool is_relayed;          /* -G: gateway submission */
    unsigned verbosity;       /* -v: report on the delivery; more: debugging */
    bool wants_smtputf8;      /* -O smtputf8... */
    struct str encoding;      /* -B: 7bit or 8bit */
    struct str dsn_notify;
    struct str dsn_return;
    struct str envid;
    bool wants_verify_report;   /* -bv: deliver nothing, read no message, report on the recipients */
    bool wants_verp;            /* -XV */
    struct str verp_delimiters; /* -XVxy; empty: default_verp_delimiters */
    struct str flush_site;      /* -qRsite */
    struct str flush_id;        /* -qIid */
    struct str alias_database;  /* -oAdatabase; empty: the parameter's */
    struct strlist recipients;
    struct strlist warnings;
    struct str complaint; /* for standard error alone */
};

/* FAILURE_PROTOCOL: how it must not be written. program is the name it was called by. */
MUST_USE bool sendmail_options_parse(struct sendmail_options *options, struct arena *arena, struct str program,
                                     int argc, char **argv, struct failure *why);

#endif
