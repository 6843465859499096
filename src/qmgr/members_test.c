/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/members.h"

#include "unit.h"

static struct active_result recipient_with_members(struct arena *arena, enum active_outcome outcome)
{
    static const struct deliver_result members[] = {
        { .status = DELIVER_SENT, .address = { "sent", 4 } },
        { .status = DELIVER_BOUNCED, .address = { "bounced", 7 } },
        { .status = DELIVER_DEFERRED, .address = { "deferred", 8 } },
        { .status = DELIVER_SENT, .address = { "list", 4 }, .action = { "expanded", 8 } },
    };
    struct active_result recipient = { .outcome = outcome };

    for (size_t i = 0; i < ARRAY_COUNT(members); i++)
        members_add(arena, &recipient, &members[i]);
    return recipient;
}

TEST(each_kind_of_report_lists_its_own_members)
{
    static const struct {
        enum active_outcome outcome;
        enum bounce_kind kind;
        const char *listed;
    } rows[] = {
        { ACTIVE_BOUNCED, BOUNCE_FAILED, "bounced,deferred," },
        { ACTIVE_DEFERRED, BOUNCE_DELAYED, "deferred," },
        { ACTIVE_BOUNCED, BOUNCE_SUCCESS, "list," },
        { ACTIVE_SENT, BOUNCE_SUCCESS, "" },
        { ACTIVE_SENT, BOUNCE_TRACE, "sent,bounced,deferred,list," },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena *arena = arena_create();
        struct active_result recipient = recipient_with_members(arena, rows[i].outcome);
        const struct member *member = members_listed(&recipient, recipient.members, rows[i].kind);
        struct strbuf listed;

        strbuf_init(&listed, STRBUF_UNLIMITED);
        for (; member != NULL; member = members_listed(&recipient, member->next, rows[i].kind))
            strbuf_printf(&listed, "%.*s,", STR_ARG(member->result.address));
        EXPECT_STR(strbuf_str(&listed), str_from_c(rows[i].listed));
        strbuf_done(&listed);
        arena_destroy(&arena);
    }
}
