/* SPDX-License-Identifier: Apache-2.0 */
#include "mailbox/mailbox_file.h"

#include "mailbox/open_mailbox.h"

#include <errno.h>

/* One message on its way into one file. */
struct append {
    struct open_mailbox *mailbox;
    const struct message_envelope *envelope;
    const char *name;
    unsigned form;
    int64_t limit;
};

static bool write_at(const struct append *append, int fd, uint64_t size, struct failure *why)
{
    struct str head = message_head(append->envelope, append->form);
    struct message_file copy = { .rights = open_mailbox_rights(append->mailbox), .name = append->name, .fd = fd };

    if (append->limit > 0 && size + message_copy_size(append->envelope, head, append->form) > (uint64_t) append->limit)
        return failure_set(why, FAILURE_PERMANENT, EFBIG, "error writing message");
    return message_copy(append->envelope, &copy, head, append->form, why);
}

static bool append_message(const struct append *append, uint64_t *start_out, struct failure *why)
{
    bool is_written;
    int fd;

    if (!open_mailbox_begin(append->mailbox, &fd, start_out, why))
        return false;
    is_written = write_at(append, fd, *start_out, why);
    return open_mailbox_end(append->mailbox, is_written, why) && open_mailbox_sync(append->mailbox, why);
}

bool mailbox_file_deliver(struct mailboxes *mailboxes, const struct message_envelope *envelope,
                          const struct mailbox_place *place, bool has_delivered_to, uint64_t *start_out,
                          struct failure *why)
{
    struct append append = {
        .envelope = envelope,
        .name = arena_c(envelope->arena, place->path),
        .form = MESSAGE_FROM_LINE | MESSAGE_QUOTED_FROM | MESSAGE_BLANK_AT_END |
                (has_delivered_to ? MESSAGE_DELIVERED_TO : 0),
        .limit = mailboxes->rules.size_limit,
    };
    bool is_done;

    if (!open_mailbox_enter(mailboxes, place, &append.mailbox, why))
        return false;
    is_done = append_message(&append, start_out, why);
    open_mailbox_leave(&append.mailbox);
    return is_done;
}
