/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/expansion.h"

#include "spool/envelope_attributes.h"

void expansion_note(struct message *message, struct pending_recipient *recipient)
{
    struct envelope *envelope = &message->envelope;

    if ((recipient->dsn_notify & DSN_NOTIFY_SUCCESS) == 0 || envelope->attribute_count >= EXPANSION_ATTRIBUTES_MAXIMUM)
        return;
    envelope_add_attribute(envelope, message->arena, STR(ENVELOPE_EXPANDED), recipient->address);
    envelope_add_attribute(envelope, message->arena, STR(ENVELOPE_EXPANDED_ORIGINAL), recipient->dsn_orcpt);
    if (!str_equal_nocase(recipient->original, recipient->address))
        envelope_add_attribute(envelope, message->arena, STR(ENVELOPE_EXPANDED_FROM), recipient->original);
    recipient->dsn_notify &= ~(unsigned) DSN_NOTIFY_SUCCESS;
    if (recipient->dsn_notify == 0)
        recipient->dsn_notify = DSN_NOTIFY_NEVER;
}
