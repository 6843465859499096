/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/returning.h"

#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "os/fd.h"
#include "protocol/cleanup.h"
#include "qmgr/active_content.h"
#include "qmgr/members.h"
#include "qmgr/remembered.h"
#include "spool/envelope_attributes.h"

/* A notification is made by cleanup, so this is longer than one service's time. */
enum { MESSAGE_ID_LONGEST = 998 }; /* the longest line of a header */

static const struct duration patience = { 300 * 1000000LL };

static struct endpoint *service_for(struct keeper *keeper, enum bounce_kind kind, struct arena *arena)
{
    struct str name = keeper->shared->bounce_service_name;

    if (kind == BOUNCE_DELAYED)
        name = keeper->shared->defer_service_name;
    else if (kind != BOUNCE_FAILED)
        name = keeper->shared->trace_service_name;
    return daemon_endpoint(keeper->daemon, arena_c(arena, arena_printf(arena, "private/%.*s", STR_ARG(name))),
                           &bounce_protocol);
}

static const char *action_of(enum bounce_kind kind, struct str reported)
{
    if (kind == BOUNCE_FAILED)
        return "failed";
    if (kind == BOUNCE_DELAYED)
        return "delayed";
    if (str_equal(reported, STR("delegated")))
        return "relayed";
    return str_is_empty(reported) ? "delivered" : NULL;
}

static const char *trial_action(uint64_t status)
{
    return status == DELIVER_SENT ? "deliverable" : "undeliverable";
}

/* A trace tells of successes, failures and delays in one report. */
static enum deliver_status status_of(const struct active_result *result, enum bounce_kind kind)
{
    if (kind == BOUNCE_FAILED || (kind == BOUNCE_TRACE && result->outcome == ACTIVE_BOUNCED))
        return DELIVER_BOUNCED;
    if (kind == BOUNCE_DELAYED || (kind == BOUNCE_TRACE && result->outcome == ACTIVE_DEFERRED))
        return DELIVER_DEFERRED;
    return DELIVER_SENT;
}

/* The end of a delay that was warned of is told without having been asked for. */
static unsigned notify_of(const struct envelope_recipient *recipient, enum bounce_kind kind)
{
    return kind == BOUNCE_SUCCESS ? recipient->dsn_notify | DSN_NOTIFY_SUCCESS : recipient->dsn_notify;
}

static void fill_recipient(const struct active_message *active, size_t place, enum bounce_kind kind,
                           struct arena *arena, struct bounce_recipient *out)
{
    const struct envelope_recipient *recipient = &active->envelope->recipients[place];
    const struct active_result *result = &active->results[place];
    uint64_t status = status_of(result, kind);
    const char *action = active_is_trial(active) ? trial_action(status) : action_of(kind, result->action);
    char *dsn = arena_alloc(arena, DSN_STATUS_SIZE);

    *out = (struct bounce_recipient){ .address =
                                          str_is_empty(result->expanded_to) ? recipient->address : result->expanded_to,
                                      .original = recipient->original,
                                      .dsn_orcpt = recipient->dsn_original,
                                      .dsn_notify = notify_of(recipient, kind),
                                      .status = status,
                                      .dsn = result->dsn,
                                      .action = action != NULL ? str_from_c(action) : result->action,
                                      .reason = result->reason,
                                      .relay = result->relay,
                                      .remote_mta = result->remote_mta,
                                      .diagnostic_type = result->diagnostic_type,
                                      .diagnostic = result->diagnostic };
    /* Of an earlier activation: what the file remembers. */
    if (str_is_empty(out->dsn) && dsn_status_is_set(recipient->dsn))
        out->dsn = dsn_status_format(recipient->dsn, dsn);
    if (str_is_empty(out->reason))
        out->reason = recipient->reason;
    if (kind == BOUNCE_FAILED && str_is_empty(out->remote_mta) && str_is_empty(out->diagnostic))
        remembered_fill(out);
}

static uint64_t member_status(const struct member *member, enum bounce_kind kind)
{
    return kind == BOUNCE_FAILED ? (uint64_t) DELIVER_BOUNCED : member->result.status;
}

/* The recipient as the sender knows it, and what became of one that it was expanded to. */
static void fill_member(const struct active_message *active, size_t place, const struct member *member,
                        enum bounce_kind kind, struct arena *arena, struct bounce_recipient *out)
{
    const struct deliver_result *result = &member->result;
    const char *action = active_is_trial(active) ? trial_action(result->status) : action_of(kind, result->action);

    fill_recipient(active, place, kind, arena, out);
    out->address = str_is_empty(result->address) ? active->envelope->recipients[place].address : result->address;
    out->status = member_status(member, kind);
    out->dsn = result->dsn;
    out->action = action != NULL ? str_from_c(action) : result->action;
    out->reason = result->reason;
    out->relay = result->relay;
    out->remote_mta = result->remote_mta;
    out->diagnostic_type = result->diagnostic_type;
    out->diagnostic = result->diagnostic;
}

/* ---- aliases that cleanup expanded ---- */

/* A frame that could not be spilled has no mark: it is told by its having been deferred. */
bool returning_has_told_first(const struct active_message *active)
{
    const struct queued_message *message = active->origin;

    return (active->envelope->flags & ENVELOPE_FIRST_TOLD) != 0 || (active->was_deferred && message->segment != NULL);
}

/* They are told of together with what the first attempt brought, not with an outcome outside of any attempt. */
static bool tells_expansions(const struct active_message *active, enum bounce_kind kind)
{
    return (kind == BOUNCE_SUCCESS || kind == BOUNCE_TRACE) && active->whole == active && active->attempt > 0 &&
           !returning_has_told_first(active);
}

static bool is_expansion(const struct envelope_attribute *attribute)
{
    return str_equal(attribute->name, STR(ENVELOPE_EXPANDED));
}

/* The value of attribute i if it has the name. */
static struct str value_at(const struct envelope *envelope, size_t i, struct str name)
{
    return i < envelope->attribute_count && str_equal(envelope->attributes[i].name, name)
               ? envelope->attributes[i].value
               : STR_EMPTY;
}

static void fill_expansion(const struct envelope *envelope, size_t i, struct bounce_recipient *out)
{
    *out = (struct bounce_recipient){
        .address = envelope->attributes[i].value,
        .original = value_at(envelope, i + 2, STR(ENVELOPE_EXPANDED_FROM)),
        .dsn_orcpt = value_at(envelope, i + 1, STR(ENVELOPE_EXPANDED_ORIGINAL)),
        .dsn_notify = DSN_NOTIFY_SUCCESS,
        .status = DELIVER_SENT,
        .dsn = STR("2.0.0"),
        .action = STR("expanded"),
        .reason = STR("alias expanded"),
    };
}

static size_t fill_expansions(const struct envelope *envelope, struct bounce_recipient *items)
{
    size_t count = 0;

    for (size_t i = 0; i < envelope->attribute_count; i++) {
        if (is_expansion(&envelope->attributes[i]))
            fill_expansion(envelope, i, &items[count++]);
    }
    return count;
}

bool returning_has_expansions(const struct active_message *active)
{
    for (size_t i = 0; i < active->envelope->attribute_count; i++) {
        if (is_expansion(&active->envelope->attributes[i]))
            return true;
    }
    return false;
}

/* ---- the request ---- */

static size_t count_members(const struct active_message *active, enum bounce_kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < active->envelope->recipient_count; i++) {
        for (const struct member *member = members_listed(&active->results[i], active->results[i].members, kind);
             member != NULL; member = members_listed(&active->results[i], member->next, kind))
            count++;
    }
    return count;
}

static struct records fill_recipients(const struct active_message *active, enum bounce_kind kind,
                                      returning_wanted *wanted, struct arena *arena)
{
    const struct envelope *envelope = active->envelope;
    size_t room = envelope->recipient_count + envelope->attribute_count + count_members(active, kind);
    struct bounce_recipient *items = arena_new_array(arena, room, struct bounce_recipient);
    size_t count = tells_expansions(active, kind) ? fill_expansions(envelope, items) : 0;

    for (size_t i = 0; i < envelope->recipient_count; i++) {
        const struct active_result *result = &active->results[i];
        const struct member *member = members_listed(result, result->members, kind);

        if (!wanted(active, i))
            continue;
        if (member == NULL)
            fill_recipient(active, i, kind, arena, &items[count++]);
        for (; member != NULL; member = members_listed(result, member->next, kind))
            fill_member(active, i, member, kind, arena, &items[count++]);
    }
    return (struct records){ items, count };
}

static uint64_t encoding_of(const struct envelope *envelope)
{
    return (envelope->flags & ENVELOPE_BODY_8BIT) != 0 ? BODY_ENCODING_8BIT : BODY_ENCODING_UNKNOWN;
}

static bool ask(struct keeper *keeper, struct bounce_request *request, struct arena *arena, struct failure *why)
{
    const struct bounce_reply *reply;

    if (!bounce_ask(service_for(keeper, (enum bounce_kind) request->kind, arena), request, arena, patience, &reply,
                    why))
        return false;
    return reply->is_done || failure_set(why, FAILURE_RETRY, 0, "%.*s", STR_ARG(reply->reason));
}

static bool is_anyone_wanted(const struct active_message *active, enum bounce_kind kind, returning_wanted *wanted)
{
    if (tells_expansions(active, kind) && returning_has_expansions(active))
        return true;
    for (size_t i = 0; i < active->envelope->recipient_count; i++) {
        if (wanted(active, i))
            return true;
    }
    return false;
}

static bool tell(struct keeper *keeper, struct active_message *active, enum bounce_kind kind, returning_wanted *wanted,
                 struct failure *why)
{
    const struct envelope *envelope = active->envelope;
    struct arena *arena = arena_create();
    struct bounce_request request = { .kind = kind,
                                      .queue_id = active->id_text,
                                      .sender = envelope->sender,
                                      .envid = envelope->dsn_envid,
                                      .dsn_return = (uint64_t) envelope->dsn_return,
                                      .encoding = encoding_of(envelope),
                                      .is_smtputf8 = (envelope->flags & ENVELOPE_SMTPUTF8) != 0,
                                      .arrival = envelope->arrival,
                                      .size = envelope->content_size,
                                      .attributes = dispatch_attributes(envelope, arena),
                                      .message_id = envelope->message_id.len <= MESSAGE_ID_LONGEST
                                                        ? envelope->message_id
                                                        : STR_EMPTY,
                                      .recipients = fill_recipients(active, kind, wanted, arena),
                                      .content_fd = -1 };
    bool is_told = active_content_get(keeper, active, arena, &request.content, &request.content_fd,
                                      &request.content_offset, why) &&
                   ask(keeper, &request, arena, why);

    fd_close(&request.content_fd);
    arena_destroy(&arena);
    return is_told;
}

bool returning_tell(struct keeper *keeper, struct active_message *active, enum bounce_kind kind,
                    returning_wanted *wanted, struct failure *why)
{
    return !is_anyone_wanted(active, kind, wanted) || tell(keeper, active, kind, wanted, why);
}
