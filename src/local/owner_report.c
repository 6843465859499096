/* SPDX-License-Identifier: Apache-2.0 */
#include "local/owner_report.h"

#include "protocol/bounce.h"
#include "protocol/cleanup.h"

enum { TIMEOUT_SECONDS = 300 };

static void fill(const struct attempt *attempt, const struct owner_failure *failure, struct bounce_recipient *out)
{
    char *dsn = arena_alloc(attempt->arena, DSN_STATUS_SIZE);
    bool has_diagnostic = !str_is_empty(failure->result.diagnostic);

    *out = (struct bounce_recipient){
        .address = failure->address,
        .original = failure->address,
        .dsn_notify = attempt->delivery->recipients[attempt->recipient].dsn_notify,
        .status = DELIVER_BOUNCED,
        .dsn = dsn_status_format(failure->result.dsn, dsn),
        .action = STR("failed"),
        .reason = failure->result.text,
        .relay = STR("local"),
        .diagnostic_type = has_diagnostic ? STR("x-unix") : STR_EMPTY,
        .diagnostic = failure->result.diagnostic,
    };
}

static struct records failures_of(const struct attempt *attempt, struct str owner)
{
    struct bounce_recipient *items =
        arena_new_array(attempt->arena, attempt->owner_failure_count, struct bounce_recipient);
    size_t count = 0;

    for (size_t i = 0; i < attempt->owner_failure_count; i++) {
        if (str_equal(attempt->owner_failures[i].owner, owner))
            fill(attempt, &attempt->owner_failures[i], &items[count++]);
    }
    return (struct records){ items, count };
}

static bool tell(const struct attempt *attempt, struct str owner, struct failure *why)
{
    const struct deliver_request *asked = attempt->delivery->request;
    /* What the writer asked for is not the owner's: no envelope id, and all of the message. */
    const struct bounce_request request = {
        .kind = BOUNCE_FAILED,
        .queue_id = asked->queue_id,
        .sender = asked->sender,
        .owner = owner,
        .encoding = asked->encoding == BODY_ENCODING_8BIT ? BODY_ENCODING_8BIT : BODY_ENCODING_UNKNOWN,
        .is_smtputf8 = (asked->flags & DELIVER_FLAG_SMTPUTF8) != 0,
        .arrival = asked->arrival,
        .size = asked->size,
        .attributes = asked->attributes,
        .recipients = failures_of(attempt, owner),
        .content = asked->content,
        .content_fd = asked->content_fd,
        .content_offset = asked->content_offset,
    };
    const struct bounce_reply *reply;

    return bounce_ask(attempt->local->bounce, &request, attempt->arena, seconds(TIMEOUT_SECONDS), &reply, why) &&
           (reply->is_done || failure_set(why, FAILURE_RETRY, 0, "%.*s", STR_ARG(reply->reason)));
}

static bool is_first_of_owner(const struct attempt *attempt, size_t place)
{
    for (size_t i = 0; i < place; i++) {
        if (str_equal(attempt->owner_failures[i].owner, attempt->owner_failures[place].owner))
            return false;
    }
    return true;
}

void owner_report_all(struct attempt *attempt)
{
    for (size_t i = 0; i < attempt->owner_failure_count && !attempt_is_deferred(attempt); i++) {
        struct str owner = attempt->owner_failures[i].owner;
        struct result result;
        struct failure why;

        if (!is_first_of_owner(attempt, i) || tell(attempt, owner, &why))
            continue;
        result =
            result_make(attempt, DSN_STATUS(4, 3, 0), "cannot tell <%.*s> of a failure: %s", STR_ARG(owner), why.text);
        attempt_add(attempt, attempt->delivered_to, STR_EMPTY, &result);
    }
}
