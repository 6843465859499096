/* SPDX-License-Identifier: Apache-2.0 */
#include "local/scene.h"

#include "config/shared_settings.h"
#include "log/log.h"
#include "mail/address.h"
#include "mail/casefold.h"

static void take_apart(struct scene *scene, struct str address)
{
    struct attempt *attempt = scene->attempt;
    struct str delimiters = attempt->local->shared->recipient_delimiter;
    struct str user;
    struct str extension;

    scene->address = arena_str(attempt->arena, address);
    scene->local_part = casefold(attempt->arena, address_local(scene->address));
    scene->domain = casefold(attempt->arena, address_domain(scene->address));
    scene->user = scene->local_part;
    scene->extension = STR_EMPTY;
    scene->delimiter = STR_EMPTY;
    if (address_split_extension(scene->local_part, delimiters, attempt->local->settings->owner_request_special, &user,
                                &extension)) {
        scene->delimiter = str_part(scene->local_part, user.len, 1);
        scene->extension = extension;
        scene->user = user;
    }
}

void scene_init(struct scene *scene, struct attempt *attempt, struct str address)
{
    *scene = (struct scene){ .attempt = attempt, .kind = SCENE_RECIPIENT };
    scene->sender = attempt->delivery->request->sender;
    take_apart(scene, address);
}

struct scene *scene_enter(const struct scene *outer, struct str address)
{
    struct scene *scene = arena_new(outer->attempt->arena, struct scene);

    *scene = *outer;
    scene->outer = outer;
    scene->propagated = STR_EMPTY;
    take_apart(scene, address);
    return scene;
}

bool scene_is_inside(const struct scene *scene, enum scene_kind kind, struct str name)
{
    for (; scene != NULL; scene = scene->outer) {
        if (scene->kind == kind && str_equal_nocase(scene->expanding, name))
            return true;
    }
    return false;
}

bool scene_is_of_alias(const struct scene *scene, struct str name)
{
    while (scene != NULL && scene->kind != SCENE_ALIAS)
        scene = scene->outer;
    return scene != NULL && str_equal_nocase(scene->expanding, name);
}

bool scene_is_loop(const struct scene *scene)
{
    struct attempt *attempt = scene->attempt;
    bool is_round = attempt->has_loop && scene_is_inside(scene, SCENE_ALIAS, scene->local_part) &&
                    !scene_is_of_alias(scene, scene->local_part);
    struct result result;

    if (scene->depth < SCENE_DEPTH_MAX && attempt->expansions < EXPANSIONS_MAX && !is_round)
        return false;
    attempt->has_loop = true;
    result = result_make(attempt, DSN_STATUS(5, 4, 6), "alias database loop for %.*s",
                         STR_ARG(arena_lower(attempt->arena, scene->local_part)));
    log_warning("%.*s", STR_ARG(result.text));
    scene_add(scene, &result);
    return true;
}

bool scene_take_owner(struct scene *scene, uid_t uid, struct failure *why)
{
    struct user_account *owner = arena_new(scene->attempt->arena, struct user_account);

    switch (user_by_uid(scene->attempt->arena, uid, owner, why)) {
    case USER_UNKNOWN:
        return false;
    case USER_ABSENT:
        return failure_set(why, FAILURE_CONFIGURATION, 0, "cannot find username for uid %u", (unsigned) uid);
    case USER_FOUND:
        break;
    }
    scene->owner = owner;
    scene->rights = rights_of(owner);
    scene->has_rights = true;
    scene->is_somebodys = true;
    return true;
}

void scene_take_default_rights(struct scene *scene)
{
    scene->owner = NULL;
    scene->rights = scene->attempt->local->default_rights;
    scene->has_rights = scene->attempt->local->has_default_rights;
    scene->is_somebodys = false;
}

static struct str defined(struct str value)
{
    return str_is_empty(value) ? str_make(NULL, 0) : value;
}

struct template_names scene_names(const struct scene *scene)
{
    enum { NAMES = 8 };
    struct template_name *names = arena_new_array(scene->attempt->arena, NAMES, struct template_name);
    const struct user_account *account = scene->account;
    const struct user_account *owner = scene->owner;
    struct str single = scene->attempt->local->shared->recipient_delimiter;

    names[0] = (struct template_name){ "user", account != NULL ? account->name : scene->user };
    names[1] = (struct template_name){ "home", owner != NULL ? defined(owner->home) : str_make(NULL, 0) };
    names[2] = (struct template_name){ "shell", owner != NULL ? defined(owner->shell) : str_make(NULL, 0) };
    names[3] = (struct template_name){ "recipient", scene->address };
    names[4] = (struct template_name){ "extension", defined(scene->extension) };
    names[5] = (struct template_name){ "domain", defined(scene->domain) };
    names[6] = (struct template_name){ "local", scene->local_part };
    names[7] =
        (struct template_name){ "recipient_delimiter",
                                defined(str_is_empty(scene->delimiter) ? str_part(single, 0, 1) : scene->delimiter) };
    return (struct template_names){ names, NAMES };
}

struct str scene_delivered_to(const struct scene *scene)
{
    return scene->attempt->local->settings->is_delivered_to_frozen ? scene->attempt->delivered_to : scene->address;
}

struct message_envelope scene_envelope(const struct scene *scene)
{
    const struct attempt *attempt = scene->attempt;

    return (struct message_envelope){
        .loop = attempt->local->loop,
        .arena = attempt->arena,
        .request = attempt->delivery->request,
        .sender = scene->sender,
        .original =
            attempt->local->settings->enable_original_recipient && !scene->is_sent_anew ? attempt->original : STR_EMPTY,
        .delivered_to = scene_delivered_to(scene),
    };
}

const char *scene_word(const struct scene *scene)
{
    switch (scene->kind) {
    case SCENE_FORWARD:
        return "forward";
    case SCENE_INCLUDE:
        return "include";
    default:
        return "alias";
    }
}

void scene_add(const struct scene *scene, const struct result *result)
{
    /* What an owner sends on is that one's message, and its recipient the first. */
    attempt_add(scene->attempt, scene->address, scene->is_sent_anew ? scene->address : STR_EMPTY, result);
}

void scene_add_delivery(const struct scene *scene, const struct result *result)
{
    if (scene->is_sent_anew)
        attempt_add_of_owner(scene->attempt, scene->address, scene->sender, result);
    else
        scene_add(scene, result);
}

void scene_resubmit(const struct scene *scene, struct str address, struct str transport)
{
    struct attempt *attempt = scene->attempt;
    const char *kind = str_is_empty(transport) ? "address" : "transport";
    /* Where a user is a new message's recipient, who named that user is whose address was delivered to. */
    const struct scene *lister = scene->outer != NULL && str_equal(address, scene->address) ? scene->outer : scene;
    struct resubmission resubmission = { .sender = scene->sender,
                                         .address = address,
                                         .delivered_to = scene_delivered_to(lister),
                                         .is_sent_anew = scene->is_sent_anew,
                                         .transport = transport };

    if (attempt_is_new(attempt, kind, 0, arena_lower(attempt->arena, address)))
        attempt_add_resubmission(attempt, &resubmission);
}
