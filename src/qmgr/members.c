/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/members.h"

void members_add(struct arena *arena, struct active_result *recipient, const struct deliver_result *member)
{
    struct member *added = arena_new(arena, struct member);
    struct member **end = &recipient->members;

    while (*end != NULL)
        end = &(*end)->next;
    *end = added;
    added->result = (struct deliver_result){
        .index = member->index,
        .status = member->status,
        .address = arena_str(arena, member->address),
        .dsn = arena_str(arena, member->dsn),
        .action = arena_str(arena, member->action),
        .reason = arena_str(arena, member->reason),
        .relay = arena_str(arena, member->relay),
        .remote_mta = arena_str(arena, member->remote_mta),
        .diagnostic_type = arena_str(arena, member->diagnostic_type),
        .diagnostic = arena_str(arena, member->diagnostic),
    };
}

static bool is_listed(const struct active_result *recipient, const struct deliver_result *member, enum bounce_kind kind)
{
    switch (kind) {
    case BOUNCE_FAILED: /* what is deferred fails, too, when its time is over */
        return member->status != DELIVER_SENT;
    case BOUNCE_DELAYED:
        return member->status == DELIVER_DEFERRED;
    case BOUNCE_SUCCESS: /* of a recipient that was reached its own result tells */
        return recipient->outcome != ACTIVE_SENT && member->status == DELIVER_SENT && !str_is_empty(member->action);
    case BOUNCE_TRACE:
        break;
    }
    return true;
}

const struct member *members_listed(const struct active_result *recipient, const struct member *member,
                                    enum bounce_kind kind)
{
    while (member != NULL && !is_listed(recipient, &member->result, kind))
        member = member->next;
    return member;
}
