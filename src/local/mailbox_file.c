/* SPDX-License-Identifier: Apache-2.0 */
#include "local/mailbox_file.h"

#include "local/message_copy.h"
#include "local/open_mailbox.h"

#include <errno.h>

static unsigned form_of(const struct scene *scene, const struct mailbox_file *file)
{
    unsigned form = MESSAGE_FROM_LINE | MESSAGE_QUOTED_FROM | MESSAGE_BLANK_AT_END;

    if (!file->is_user_named || local_list_has(&scene->attempt->local->settings->prepend_delivered_header, "file"))
        form |= MESSAGE_DELIVERED_TO;
    return form;
}

static bool write_at(const struct scene *scene, const struct mailbox_file *file, struct open_mailbox *mailbox, int fd,
                     uint64_t size, struct failure *why)
{
    int64_t limit = scene->attempt->local->settings->mailbox_size_limit;
    unsigned form = form_of(scene, file);
    struct str head = message_head(scene, form);
    struct message_file copy = { .rights = open_mailbox_rights(mailbox),
                                 .name = arena_c(scene->attempt->arena, file->path),
                                 .fd = fd };

    if (limit > 0 && size + message_copy_size(scene, head, form) > (uint64_t) limit)
        return failure_set(why, FAILURE_PERMANENT, EFBIG, "error writing message");
    return message_copy(scene, &copy, head, form, why);
}

static bool append(const struct scene *scene, const struct mailbox_file *file, struct open_mailbox *mailbox,
                   struct failure *why)
{
    bool is_written;
    uint64_t size;
    int fd;

    if (!open_mailbox_begin(mailbox, &fd, &size, why))
        return false;
    is_written = write_at(scene, file, mailbox, fd, size, why);
    return open_mailbox_end(mailbox, is_written, why) && open_mailbox_sync(mailbox, why);
}

static struct result failed(const struct scene *scene, const struct mailbox_file *file, const struct failure *why)
{
    bool is_full = why->error == EFBIG || why->error == EDQUOT;
    bool is_final = why->kind == FAILURE_PERMANENT;
    struct dsn_status dsn = is_full ? DSN_STATUS(5, 2, 2) : is_final ? DSN_STATUS(5, 2, 0) : DSN_STATUS(4, 2, 0);

    if (file->is_user_named)
        return result_make(scene->attempt, dsn, "cannot append message to file %.*s: %s", STR_ARG(file->path),
                           why->text);
    return result_make(scene->attempt, dsn, "cannot update mailbox %.*s for user %.*s. %s", STR_ARG(file->path),
                       STR_ARG(scene->account->name), why->text);
}

struct result mailbox_file_deliver(const struct scene *scene, const struct mailbox_file *file)
{
    struct mailbox_wish wish = { file->path, scene->rights, file->is_in_spool, file->is_user_named };
    struct open_mailbox *mailbox;
    struct failure why;
    bool is_done;

    if (!open_mailbox_enter(scene->attempt->local, &wish, &mailbox, &why))
        return failed(scene, file, &why);
    is_done = append(scene, file, mailbox, &why);
    open_mailbox_leave(&mailbox);
    if (!is_done)
        return failed(scene, file, &why);
    if (file->is_user_named)
        return result_make(scene->attempt, DSN_STATUS(2, 0, 0), "delivered to file: %.*s", STR_ARG(file->path));
    return result_make(scene->attempt, DSN_STATUS(2, 0, 0), "delivered to mailbox");
}
