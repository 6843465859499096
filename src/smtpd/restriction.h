/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_RESTRICTION_H
#define SMTPD_RESTRICTION_H

#include "base/arena.h"
#include "base/compiler.h"
#include "config/restriction_names.h"
#include "table/table_list.h"

#include <stdbool.h>

struct address_answer;
struct destination;
struct policy_server;
struct session;
struct smtpd;

/*
 * restriction - the engine behind smtpd_*_restrictions. A list is parsed once into nodes; each node is a row of
 * the table of restrictions (one family a file), a restriction class, or a name nobody knows. A name that is
 * unknown or not built yet answers 451 4.3.5 and is logged whenever it is reached: it never passes in silence.
 */
enum verdict {
    VERDICT_DUNNO,  /* goes on */
    VERDICT_PERMIT, /* ends this list */
    VERDICT_REJECT, /* ends the command; check->reply says how */
};

/* What a list, or an access table, speaks about. */
enum restriction_topic {
    TOPIC_CLIENT,
    TOPIC_HELO,
    TOPIC_SENDER,
    TOPIC_RECIPIENT,
    TOPIC_DATA,
    TOPIC_END_OF_DATA,
    TOPIC_ETRN,
    TOPIC_REVERSE_CLIENT, /* the client's unconfirmed name; no list is about it */
    TOPIC_CERTIFICATE,    /* the same, of a client certificate's owner */
    TOPIC_LOGIN,          /* the same, of who is logged in */
};

/* A refusal kept for later: defer_if_permit and defer_if_reject. */
struct deferral {
    bool is_set;
    struct str reply;
};

enum { LISTS_MAXIMUM = 5 };

/* One command's walk through the lists. */
struct check {
    struct session *session;
    struct smtpd *smtpd;
    struct arena *arena; /* the command's */
    enum restriction_topic topic;
    struct str recipient;                  /* internal form; empty where none is concerned */
    struct str recipient_shown;            /* quoted, for the log */
    const struct destination *destination; /* of the recipient, looked up when first needed */
    struct str etrn_site;                  /* empty where none is concerned */
    bool only_warns;                       /* warn_if_reject stands before */
    unsigned depth;
    const struct restriction_list *coming[LISTS_MAXIMUM]; /* the lists of this command that are not yet walked */
    size_t coming_count;
    bool has_foreseen;
    struct deferral defer_if_permit;
    struct deferral defer_if_reject; /* of this list */
    struct str reply;                /* "554 5.7.1 <x>: ..." once refused */
};

struct restriction;
struct restriction_class;
struct restriction_list;

/* One of these is set; none: nobody knows the name. */
struct restriction_node {
    const struct restriction *restriction;
    const struct restriction_class *class;
    struct table_list *table;            /* of check_*_access, or by itself */
    struct policy_server *policy_server; /* of check_policy_service; NULL: what is named is none */
    struct str name;
    struct str argument; /* as written, without braces */
    uint64_t number;
    bool lacks_argument; /* or it is none of the kind */
    bool only_warns;
};

struct restriction_list {
    struct restriction_node *nodes;
    size_t count;
};

/* smtpd_restriction_classes: lists with names of their own, parsed once, for other lists and access tables. */
struct restriction_class {
    struct str name;
    const struct restriction_list *list; /* NULL: main.cf has no such parameter */
};

struct restriction_class_list {
    struct restriction_class *items;
    size_t count;
};

struct restriction {
    enum verdict (*run)(struct check *check, const struct restriction_node *node);
    /* Begins to ask what run will wait for (names_foresee), for a restriction further down the lists. NULL: nothing. */
    void (*foresee)(struct check *check, const struct restriction_node *node);
    enum restriction_topic topic; /* where several rows share a function: whom it looks at */
};

/* Parses a parameter's value; opens its tables. Before the jail. The classes come first. */
void restriction_parse_classes(struct smtpd *smtpd);
const struct restriction_list *restriction_parse(struct smtpd *smtpd, struct str value);
/* Whether something in it, or in its classes, keeps strangers from relaying. */
bool restriction_list_stops_relaying(const struct restriction_list *list);

enum { RESTRICTION_NESTING_MAXIMUM = 20 };

/* The row of a word; one without a function is not built. */
const struct restriction *restriction_by_word(enum restriction_word word);
enum restriction_argument restriction_argument_of(const struct restriction *restriction);
/* What an access table answered is a list with a table or a service in it, which it cannot be. */
bool restriction_names_table(const struct smtpd *smtpd, struct str names);
/* A list from an access table, for one command: arena is its memory. */
const struct restriction_list *restriction_parse_names(struct smtpd *smtpd, struct arena *arena, struct str names);

/* Walks a list. */
enum verdict restriction_run(struct check *check, const struct restriction_list *list);

/* The value of an access table that is no action of its own: names of restrictions and classes, without tables. */
enum verdict restriction_run_names(struct check *check, struct str names, struct str table);

/*
 * Refuses: "code status <name>: Topic rejected: text", logged; or only logs under warn_if_reject; or gives the
 * kept deferral instead. The status's class follows the code.
 */
enum verdict restriction_reject(struct check *check, enum restriction_topic topic, int code, const char *status,
                                struct str text);
/* The same with the whole text after the status, "Server configuration error" for one. */
enum verdict restriction_reject_plain(struct check *check, int code, const char *status, struct str text);
/* The same with the whole reply. */
enum verdict restriction_reject_reply(struct check *check, struct str reply);
/* "451 4.3.5 Server configuration error" */
enum verdict restriction_misconfigured(struct check *check);
/* A table or a service could not answer: logs why and defers, "451 4.3.0 <a@b.example>: Temporary lookup failure". */
enum verdict restriction_unanswered(struct check *check, enum restriction_topic topic, struct str title,
                                    const struct failure *why);

/*
 * Keeps the reply for the end of the lists, unless one is kept already. warn_if_reject makes a line of what would defer
 * a PERMIT.
 */
void restriction_keep(struct check *check, struct deferral *deferral, enum restriction_topic topic, int code,
                      const char *status, struct str text);

/* The same with the whole reply. */
void restriction_keep_reply(struct check *check, struct deferral *deferral, struct str reply);

/* PERMIT, logged where smtpd_log_access_permit_actions says so. table: empty where none has said it. */
enum verdict restriction_permitted(struct check *check, enum restriction_topic topic, struct str action,
                                   struct str table);

/* Does what an access table or a policy server answers: an action of access(5), or names of restrictions. */
enum verdict restriction_act(struct check *check, enum restriction_topic topic, const struct address_answer *answer);

/* "Sender address" */
const char *restriction_topic_name(enum restriction_topic topic);
/* "<a@b.example>: Sender address", in the command's arena. */
struct str restriction_topic_shown(const struct check *check, enum restriction_topic topic);

/* The families; the rows of all stand in restriction_list.c. */
enum verdict restriction_permit(struct check *check, const struct restriction_node *node);
enum verdict restriction_reject_all(struct check *check, const struct restriction_node *node);
enum verdict restriction_defer_all(struct check *check, const struct restriction_node *node);
enum verdict restriction_defer_if_permit(struct check *check, const struct restriction_node *node);
enum verdict restriction_defer_if_reject(struct check *check, const struct restriction_node *node);

enum verdict restriction_sleep(struct check *check, const struct restriction_node *node);

/* permit_mynetworks would say PERMIT. */
bool restriction_client_is_ours(struct check *check);
enum verdict restriction_permit_mynetworks(struct check *check, const struct restriction_node *node);
enum verdict restriction_permit_inet_interfaces(struct check *check, const struct restriction_node *node);
enum verdict restriction_permit_authenticated(struct check *check, const struct restriction_node *node);

enum verdict restriction_reject_unauth_destination(struct check *check, const struct restriction_node *node);
enum verdict restriction_defer_unauth_destination(struct check *check, const struct restriction_node *node);
enum verdict restriction_permit_auth_destination(struct check *check, const struct restriction_node *node);

/* The recipient is ours, or of a domain that we relay for. */
bool restriction_destination_is_ours(struct check *check);

void restriction_foresee_listed_address(struct check *check, const struct restriction_node *node);
void restriction_foresee_listed_name(struct check *check, const struct restriction_node *node);
enum verdict restriction_reject_listed_address(struct check *check, const struct restriction_node *node);
enum verdict restriction_reject_listed_name(struct check *check, const struct restriction_node *node);
enum verdict restriction_permit_listed_address(struct check *check, const struct restriction_node *node);
enum verdict restriction_permit_listed_name(struct check *check, const struct restriction_node *node);

enum verdict restriction_policy_service(struct check *check, const struct restriction_node *node);

enum verdict restriction_client_access(struct check *check, const struct restriction_node *node);
enum verdict restriction_helo_access(struct check *check, const struct restriction_node *node);
enum verdict restriction_sender_access(struct check *check, const struct restriction_node *node);
enum verdict restriction_etrn_access(struct check *check, const struct restriction_node *node);
enum verdict restriction_recipient_access(struct check *check, const struct restriction_node *node);

enum verdict restriction_reject_unlisted_sender(struct check *check, const struct restriction_node *node);
enum verdict restriction_reject_unlisted_recipient(struct check *check, const struct restriction_node *node);

enum verdict restriction_reject_unverified_sender(struct check *check, const struct restriction_node *node);
enum verdict restriction_reject_unverified_recipient(struct check *check, const struct restriction_node *node);

enum verdict restriction_reject_invalid_helo_hostname(struct check *check, const struct restriction_node *node);
enum verdict restriction_reject_non_fqdn_helo_hostname(struct check *check, const struct restriction_node *node);
enum verdict restriction_reject_unknown_helo_hostname(struct check *check, const struct restriction_node *node);
enum verdict restriction_reject_unknown_client_hostname(struct check *check, const struct restriction_node *node);
enum verdict restriction_reject_unknown_reverse_client_hostname(struct check *check,
                                                                const struct restriction_node *node);
enum verdict restriction_reject_non_fqdn_sender(struct check *check, const struct restriction_node *node);
enum verdict restriction_reject_non_fqdn_recipient(struct check *check, const struct restriction_node *node);
enum verdict restriction_reject_unknown_sender_domain(struct check *check, const struct restriction_node *node);
enum verdict restriction_reject_unknown_recipient_domain(struct check *check, const struct restriction_node *node);

enum verdict restriction_address_access(struct check *check, const struct restriction_node *node);
enum verdict restriction_exchanger_access(struct check *check, const struct restriction_node *node);
enum verdict restriction_server_access(struct check *check, const struct restriction_node *node);
enum verdict restriction_reverse_client_hostname_access(struct check *check, const struct restriction_node *node);

enum verdict restriction_reject_multi_recipient_bounce(struct check *check, const struct restriction_node *node);
enum verdict restriction_reject_unauth_pipelining(struct check *check, const struct restriction_node *node);
enum verdict restriction_reject_plaintext_session(struct check *check, const struct restriction_node *node);
enum verdict restriction_removed_word(struct check *check, const struct restriction_node *node);

enum verdict restriction_permit_mx_backup(struct check *check, const struct restriction_node *node);
enum verdict restriction_sasl_access(struct check *check, const struct restriction_node *node);
/* Whether the client's certificate is in relay_clientcerts. */
enum table_result restriction_is_certificate_known(struct session *session, struct arena *arena, struct failure *why);
enum verdict restriction_permit_known_certificate(struct check *check, const struct restriction_node *node);
enum verdict restriction_permit_trusted_certificate(struct check *check, const struct restriction_node *node);
enum verdict restriction_ccert_access(struct check *check, const struct restriction_node *node);
enum verdict restriction_sender_login_mismatch(struct check *check, const struct restriction_node *node);
enum verdict restriction_authenticated_sender_login_mismatch(struct check *check, const struct restriction_node *node);
enum verdict restriction_unauthenticated_sender_login_mismatch(struct check *check,
                                                               const struct restriction_node *node);
enum verdict restriction_known_sender_login_mismatch(struct check *check, const struct restriction_node *node);

void restriction_foresee_helo_hostname(struct check *check, const struct restriction_node *node);
void restriction_foresee_sender_domain(struct check *check, const struct restriction_node *node);
void restriction_foresee_recipient_domain(struct check *check, const struct restriction_node *node);
void restriction_foresee_addresses(struct check *check, const struct restriction_node *node);
void restriction_foresee_exchangers(struct check *check, const struct restriction_node *node);
void restriction_foresee_servers(struct check *check, const struct restriction_node *node);
void restriction_foresee_mx_backup(struct check *check, const struct restriction_node *node);

#endif
