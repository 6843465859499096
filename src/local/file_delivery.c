/* SPDX-License-Identifier: Apache-2.0 */
#include "local/file_delivery.h"

#include "local/log_lines.h"
#include "local/new_mail.h"
#include "mailbox/mailbox_file.h"
#include "mailbox/maildir.h"

#include <errno.h>

static bool wants_delivered_to(const struct scene *scene)
{
    return local_list_has(&scene->attempt->local->settings->prepend_delivered_header, "file");
}

static struct result deliver_to_maildir(const struct scene *scene, const struct mailbox_place *place)
{
    struct message_envelope envelope = scene_envelope(scene);
    struct failure why;

    if (maildir_deliver(&scene->attempt->local->mailboxes, &envelope, place, wants_delivered_to(scene), &why))
        return result_make(scene->attempt, DSN_STATUS(2, 0, 0), "delivered to maildir");
    if (why.error == EACCES)
        log_maildir_access(&place->owner, why.text);
    return result_make(scene->attempt, mailbox_status_of_failure(&why), "maildir delivery failed: %s", why.text);
}

/* A message that does not fit is reported as one whose writing failed (EX_IOERR). */
static struct str diagnostic_of(const struct result *result)
{
    return result->dsn.class == 5 && result->dsn.detail == 2 ? STR("input/output error") : STR_EMPTY;
}

static struct result deliver_to_mailbox(const struct scene *scene, const struct mailbox_place *place)
{
    struct message_envelope envelope = scene_envelope(scene);
    struct result result;
    struct failure why;
    uint64_t start;

    if (mailbox_file_deliver(&scene->attempt->local->mailboxes, &envelope, place, wants_delivered_to(scene), &start,
                             &why)) {
        if (scene->attempt->local->settings->has_biff)
            new_mail_tell(scene->account->name, start);
        return result_make(scene->attempt, DSN_STATUS(2, 0, 0), "delivered to mailbox");
    }
    result =
        result_make(scene->attempt, mailbox_status_of_failure(&why), "cannot update mailbox %.*s for user %.*s. %s",
                    STR_ARG(place->path), STR_ARG(scene->account->name), why.text);
    result.diagnostic = diagnostic_of(&result);
    return result;
}

static struct result deliver_to_named_file(const struct scene *scene, const struct mailbox_place *place)
{
    struct local *local = scene->attempt->local;
    struct message_envelope envelope = scene_envelope(scene);
    struct result result;
    struct failure why;
    uint64_t start;

    if (mailbox_file_deliver(&local->mailboxes, &envelope, place, wants_delivered_to(scene), &start, &why))
        return result_make(scene->attempt, DSN_STATUS(2, 0, 0), "delivered to file: %.*s", STR_ARG(place->path));
    result = result_make(scene->attempt, mailbox_status_of_failure(&why), "cannot append message to file %.*s: %s",
                         STR_ARG(place->path), why.text);
    result.diagnostic = diagnostic_of(&result);
    return result;
}

static struct result try_place(const struct scene *scene, const struct mailbox_place *place)
{
    if (str_ends_with(place->path, STR("/")))
        return result_make(scene->attempt, DSN_STATUS(2, 0, 0), "delivers to maildir");
    if (place->is_user_named)
        return result_make(scene->attempt, DSN_STATUS(2, 0, 0), "delivers to file: %.*s", STR_ARG(place->path));
    return result_make(scene->attempt, DSN_STATUS(2, 0, 0), "delivers to mailbox");
}

struct result file_deliver(const struct scene *scene, const struct mailbox_place *place)
{
    if (attempt_is_trial(scene->attempt))
        return try_place(scene, place);
    if (str_ends_with(place->path, STR("/")))
        return deliver_to_maildir(scene, place);
    return place->is_user_named ? deliver_to_named_file(scene, place) : deliver_to_mailbox(scene, place);
}
