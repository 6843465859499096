/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_SCENE_H
#define LOCAL_SCENE_H

#include "local/attempt.h"
#include "local/template.h"
#include "mailbox/message_copy.h"

/*
 * scene - one place in the expansion of a recipient: who is looked at, on whose behalf, and what led there. An inner
 * scene points to the outer one; none is changed once something inside it is delivered.
 */
enum scene_kind {
    SCENE_RECIPIENT, /* as the queue manager gave it */
    SCENE_ALIAS,     /* inside an alias */
    SCENE_FORWARD,   /* inside a user's .forward */
    SCENE_INCLUDE,   /* inside an :include: file */
};

struct scene {
    struct attempt *attempt;
    const struct scene *outer; /* NULL for SCENE_RECIPIENT */
    enum scene_kind kind;
    unsigned depth;        /* addresses and :include: files on the way here */
    struct str address;    /* user+ext@domain, as it was written */
    struct str local_part; /* this and what follows in lower case */
    struct str domain;
    struct str user;                      /* without extension */
    struct str extension;                 /* without delimiter */
    struct str delimiter;                 /* the one found, or empty */
    struct str sender;                    /* an alias with an owner changes it */
    bool has_owner;                       /* it did, and no alias inside has forgotten that */
    bool is_sent_anew;                    /* it did */
    bool is_included;                     /* through an :include: file, however far out */
    struct str propagated;                /* "+ext" for the addresses that this is expanded to, or empty */
    struct str expanding;                 /* the alias, or the path of the .forward or :include:, this is inside of */
    const struct user_account *account;   /* of the user whose mail this is; NULL: of an alias */
    const struct user_account *forwarder; /* the user in whose .forward we are, also through aliases; or NULL */
    const struct user_account *owner;     /* whose list this is: account, or of the file; NULL: root's */
    struct rights rights;                 /* for files and commands named here */
    bool has_rights;                      /* false: default_privs are wanted and not there */
    bool is_somebodys;                    /* these are a user's own, not those of default_privs */
};

enum { SCENE_DEPTH_MAX = 25, EXPANSIONS_MAX = 100000 };

/* Takes address apart. */
void scene_init(struct scene *scene, struct attempt *attempt, struct str address);
/* A scene inside outer for another address; in the attempt's arena. */
struct scene *scene_enter(const struct scene *outer, struct str address);

/* Whether we are inside of this alias, .forward or :include: file already. */
bool scene_is_inside(const struct scene *scene, enum scene_kind kind, struct str name);
/* Whether this alias is the innermost that we are inside of: then its name means the user. */
bool scene_is_of_alias(const struct scene *scene, struct str name);
/*
 * Whether the expansion has to end here: deeper than any alias has reason to go, more of them than anybody has, or
 * once more round a loop that is known. Then the log says so, and it is the scene's result.
 */
bool scene_is_loop(const struct scene *scene);

/*
 * What is named from here on is run and written as the user who owns the list, by uid; false: nobody is known by that
 * number. For the root's lists: as default_privs.
 */
MUST_USE bool scene_take_owner(struct scene *scene, uid_t uid, struct failure *why);
void scene_take_default_rights(struct scene *scene);

/* The names that forward_path, luser_relay and command directories know; the array is in the attempt's arena. */
struct template_names scene_names(const struct scene *scene);

/* For the Delivered-To header. */
struct str scene_delivered_to(const struct scene *scene);

/* For copies of the message; sender and recipient as they are here. */
struct message_envelope scene_envelope(const struct scene *scene);

/* "alias", "forward" or "include", as allow_mail_to_commands and its kin call it. */
const char *scene_word(const struct scene *scene);

void scene_add(const struct scene *scene, const struct result *result);
/* Of a mailbox, file or command that was tried: if it failed for good, the owner of its list is told instead. */
void scene_add_delivery(const struct scene *scene, const struct result *result);

/* The message goes there as a new one once all else has ended, if it does not already; transport may be empty. */
void scene_resubmit(const struct scene *scene, struct str address, struct str transport);

#endif
