/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTSCREEN_CLIENT_H
#define POSTSCREEN_CLIENT_H

#include "base/arena.h"
#include "base/ip_address.h"
#include "base/list.h"
#include "base/time.h"
#include "postscreen/stamps.h"

struct daemon_session;
struct postscreen;
struct postscreen_settings;
struct stream;

/*
 * client - one connection, in a fiber of its own, from its beginning until smtpd has it or it is over: who it is, what
 * it has to be tested for, and what it has failed.
 */
struct client {
    struct list link; /* in postscreen->early */
    struct postscreen *postscreen;
    const struct postscreen_settings *settings; /* as they were when it came: with stress, or without */
    struct daemon_session *connection;
    struct arena *arena; /* the connection's */
    struct ip_address ip;
    struct str address, port;
    struct str server_address, server_port;
    bool is_proxied;

    struct stamps stamps;
    bool is_new;          /* one of the tests it has never passed */
    bool is_vetoed;       /* whatever it passes, it is not let through here */
    bool is_in_dialogue;  /* the greeting is over */
    unsigned todo;        /* TEST_BITs */
    unsigned passed;      /* of those */
    unsigned failed;      /* those where that has consequences */
    unsigned ignored;     /* those where it has none */
    bool is_in_good_list; /* that let it pass all it had to do: for as long as this counts */
    struct duration dnsbl_ttl;
    struct str refusal;         /* what recipients are refused with: the last failure's; empty: nothing was failed */
    struct instant stage_begun; /* in loop_now's time */

    /* The dialogue. */
    const char *where;               /* the last command's name, or UNIMPLEMENTED, or CONNECT */
    struct str helo_line, mail_line; /* as they came; empty: not yet */
    struct str helo, sender;
    struct str recipient; /* of the command that is executed */
    bool is_esmtp;
    bool is_rewritten; /* by postscreen_command_filter */
    bool has_mail;
    bool is_remembered;
    unsigned command_count;
    unsigned discarded_keywords;
    struct str tls; /* encoded tlsproxy_session; empty: in clear */
};

void client_run(struct postscreen *postscreen, struct daemon_session *connection);
/* The service stops: those that wait for their greeting are sent away. */
void client_interrupt_early(struct postscreen *postscreen);

/* ---- for the parts of it ---- */

/* greeting.c: the tests before the greeting. False: the client is gone, or was dropped. */
MUST_USE bool greeting_test(struct client *client);

/* dialogue.c: speaks SMTP with the client, until it goes, or has passed all and goes on with smtpd: then true. */
MUST_USE bool dialogue_run(struct client *client);

/* A test was failed. Which recipients are refused with: "550 5.5.1 Protocol error". False: the client was dropped. */
MUST_USE bool client_fail(struct client *client, enum test test, int action, struct str refusal, struct str drop_text);
/* The tests that are passed by now are remembered, unless something was failed; where they are all of them, that is
 * told. Once a client. */
void client_remember(struct client *client);
/* "421 4.3.2 HOST Service shutting down and closing the connection" */
void client_say_goodbye(struct client *client);
/* The client is told, with the footer where there is one, and nothing follows if it is gone. */
void client_answer(struct client *client, struct str text);
/* False: told to the log. recipient: of a session that goes on; empty: from the greeting. */
MUST_USE bool client_hand_over(struct client *client, struct str recipient);

#endif
