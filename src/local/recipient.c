/* SPDX-License-Identifier: Apache-2.0 */
#include "local/recipient.h"

#include "local/accounts.h"
#include "local/alias.h"
#include "local/expansion.h"
#include "local/forward_file.h"
#include "local/pass.h"
#include "local/user_mailbox.h"
#include "log/log.h"

#define LUSER_MARK "luser_relay"

/* Every mail system has these (RFC 5321 section 4.5.1). Without alias and mailbox nobody reads them, and notifications
 * end. */
static bool is_required(struct str user)
{
    return str_equal(user, STR("postmaster")) || str_equal(user, STR("mailer-daemon"));
}

static struct result result_unknown(const struct scene *scene)
{
    if (!is_required(scene->user))
        return result_make(scene->attempt, DSN_STATUS(5, 1, 1), "unknown user: \"%.*s\"", STR_ARG(scene->user));
    log_warning("required alias not found: %.*s", STR_ARG(scene->user));
    return result_make(scene->attempt, DSN_STATUS(2, 0, 0), "discarded");
}

static void deliver_unknown(const struct scene *scene)
{
    struct attempt *attempt = scene->attempt;
    struct template_names names = scene_names(scene);
    struct destination_list list = { 0 };
    struct scene *inner;
    struct result result;
    struct str relay;

    if (pass_mailbox(scene) || pass_unknown(scene))
        return;
    if (str_is_empty(attempt->local->settings->luser_relay) || scene_is_of_alias(scene, STR(LUSER_MARK))) {
        result = result_unknown(scene);
        scene_add(scene, &result);
        return;
    }
    if (template_expand(attempt->local->settings->luser_relay, &names, STR_EMPTY, attempt->arena, &relay) ==
        TEMPLATE_BAD) {
        result =
            result_make(attempt, DSN_STATUS(4, 3, 5), "mail system configuration error: luser_relay has bad syntax");
        scene_add(scene, &result);
        return;
    }
    inner = scene_enter(scene, scene->address);
    inner->kind = SCENE_ALIAS;
    inner->expanding = STR(LUSER_MARK);
    inner->account = NULL;
    scene_take_default_rights(inner);
    /* One address, whatever it looks like: a stranger chose parts of it. */
    destination_add_address(&list, attempt->arena, relay);
    expansion_add(inner, &list);
}

/*
 * The members of a list, which has an owner or is in a file, and whom a user's .forward names beside that user: each
 * has a fate of its own then, and one that must wait does not bring the others a second copy.
 */
static bool goes_as_new_message(const struct scene *scene, const struct user_account *account)
{
    if (scene->has_owner || scene->is_included)
        return true;
    return scene->forwarder != NULL && (account == NULL || scene->forwarder->uid != account->uid);
}

static void deliver_user(struct scene *scene, const struct user_account *account, bool is_bare)
{
    struct result result;
    struct failure why;

    scene->account = account;
    scene->owner = account;
    scene->rights = rights_of(account);
    scene->has_rights = true;
    scene->is_somebodys = !rights_are_roots(&scene->rights);
    if (!rights_check(&scene->rights, &why)) {
        result = result_make(scene->attempt, DSN_STATUS(4, 3, 0), "%s", why.text);
        scene_add(scene, &result);
        return;
    }
    if (is_bare || !forward_file_deliver(scene))
        user_mailbox_deliver(scene);
}

/* NULL without a user of that name; then *has_failed_out says whether that is known. */
static const struct user_account *find_user(const struct scene *scene, bool *has_failed_out)
{
    struct attempt *attempt = scene->attempt;
    struct user_account *account = arena_new(attempt->arena, struct user_account);
    struct result result;
    struct failure why;

    *has_failed_out = false;
    switch (accounts_find(attempt->local->accounts, clock_monotonic(), attempt->arena, scene->user, account, &why)) {
    case USER_FOUND:
        return account;
    case USER_ABSENT:
        return NULL;
    case USER_UNKNOWN:
        break;
    }
    result = result_make(attempt, DSN_STATUS(4, 3, 0), "user lookup error: %s", why.text);
    scene_add(scene, &result);
    *has_failed_out = true;
    return NULL;
}

static void deliver_found(struct scene *scene, bool is_bare)
{
    const struct user_account *account;
    bool has_failed;

    account = find_user(scene, &has_failed);
    if (has_failed)
        return;
    if (!is_bare && goes_as_new_message(scene, account))
        scene_resubmit(scene, scene->address, STR_EMPTY);
    else if (account != NULL)
        deliver_user(scene, account, is_bare);
    else
        deliver_unknown(scene);
}

void recipient_deliver(struct scene *scene)
{
    if (str_starts_with(scene->local_part, STR("\\")))
        deliver_found(scene_enter(scene, str_from(scene->address, 1)), true);
    else if (!scene_is_loop(scene) && !alias_deliver(scene))
        deliver_found(scene, false);
}
