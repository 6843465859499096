/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/storage.h"

#include "os/space.h"
#include "run/loop.h"
#include "smtpd/answer.h"
#include "smtpd/history.h"
#include "smtpd/log_lines.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

enum { LOOK_MILLISECONDS = 200 };

static bool refuse(struct session *session, uint64_t available, int64_t needed, bool is_below_minimum)
{
    static const struct str reply = { "452 4.3.1 Insufficient system storage", 37 };

    log_reject(session, "reject", reply, STR_EMPTY);
    log_not_enough_space(available, needed, is_below_minimum);
    history_next_is(session, NOTICE_RESOURCE);
    answer_send(session, reply);
    return false;
}

/* Looks at most once in a while: it is asked before every message. */
static uint64_t free_bytes(struct smtpd *smtpd)
{
    struct instant now = loop_now(smtpd->loop);
    struct space space;
    struct failure why;

    if (instant_is_before(now, smtpd->next_look_at_space))
        return smtpd->free_bytes;
    smtpd->next_look_at_space = instant_add(now, milliseconds(LOOK_MILLISECONDS));
    /* The current directory is the queue's, in a jail and without. Where it cannot be told, cleanup will. */
    smtpd->free_bytes = space_look(".", &space, &why) ? space.free_bytes : UINT64_MAX;
    return smtpd->free_bytes;
}

bool storage_has_room(struct session *session)
{
    const struct shared_settings *shared = session->smtpd->shared;
    /* In a user's hands the current directory is anywhere; postdrop will say. */
    uint64_t available = session->smtpd->is_standalone ? UINT64_MAX : free_bytes(session->smtpd);
    uint64_t needed = (uint64_t) shared->message_size_limit;
    /* A message that is held for a filter is there a second time when it comes back. */
    uint64_t held = session->smtpd->settings->proxy_options.count > 0 ? needed : 0;

    if (shared->queue_minfree > 0 && available < (uint64_t) shared->queue_minfree)
        return refuse(session, available, shared->queue_minfree, true);
    if (available < needed + needed / 2 + held)
        return refuse(session, available, shared->message_size_limit, false);
    return true;
}
