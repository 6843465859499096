/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_SCENE_H
#define LOCAL_SCENE_H

#include "local/attempt.h"
#include "local/template.h"

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
    unsigned depth;
    struct str address; /* user+ext@domain */
    struct str local_part;
    struct str domain;
    struct str user;                      /* in lower case, without extension */
    struct str extension;                 /* without delimiter */
    struct str delimiter;                 /* the one found, or empty */
    struct str sender;                    /* an alias with an owner changes it */
    bool has_owner;                       /* it did */
    struct str propagated;                /* "+ext" for the addresses that this is expanded to, or empty */
    struct str expanding;                 /* the alias, or the user whose .forward, this is inside of */
    const struct user_account *account;   /* of the user whose mail this is; NULL: of an alias */
    const struct user_account *forwarder; /* the user in whose .forward we are, also through aliases; or NULL */
    struct rights rights;                 /* for files and commands named here */
    bool has_rights;                      /* false: default_privs are wanted and not there */
};

/* A level of alias or .forward takes up to 3 kB of the fiber's 64 kB stack, and two scenes. */
enum { SCENE_DEPTH_MAX = 24 };

/* Takes address apart. */
void scene_init(struct scene *scene, struct attempt *attempt, struct str address);
/* A scene inside outer for another address. */
void scene_enter(struct scene *scene, const struct scene *outer, struct str address);

/* Whether we are inside of this alias, or this user's .forward, already. */
bool scene_is_inside(const struct scene *scene, enum scene_kind kind, struct str name);

/* The names that forward_path, luser_relay and command directories know; the array is in the attempt's arena. */
struct template_names scene_names(const struct scene *scene);

/* "alias", "forward" or "include", as allow_mail_to_commands and its kin call it. */
const char *scene_word(const struct scene *scene);

void scene_add(const struct scene *scene, const struct result *result);

#endif
