/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/storage.h"

#include "os/space.h"
#include "smtpd/answer.h"
#include "smtpd/log_lines.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

static bool refuse(struct session *session, uint64_t free_bytes, int64_t needed, bool is_below_minimum)
{
    static const struct str reply = { "452 4.3.1 Insufficient system storage", 37 };

    log_reject(session, "reject", reply, STR_EMPTY);
    log_not_enough_space(free_bytes, needed, is_below_minimum);
    answer_send(session, reply);
    return false;
}

bool storage_has_room(struct session *session)
{
    const struct shared_settings *shared = session->smtpd->shared;
    struct space space;
    struct failure why;
    uint64_t needed;

    /* The current directory is the queue's, in a jail and without. Where it cannot be told, cleanup will. */
    if (!space_look(".", &space, &why))
        return true;
    if (shared->queue_minfree > 0 && space.free_bytes < (uint64_t) shared->queue_minfree)
        return refuse(session, space.free_bytes, shared->queue_minfree, true);
    needed = (uint64_t) shared->message_size_limit;
    if (space.free_bytes < needed + needed / 2)
        return refuse(session, space.free_bytes, shared->message_size_limit, false);
    return true;
}
