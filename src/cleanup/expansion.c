/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/expansion.h"

#include "spool/envelope_attributes.h"

void expansion_note(struct message *message, struct str address, struct pending_recipient *recipient)
{
    struct envelope *envelope = &message->envelope;

    if ((recipient->dsn_notify & DSN_NOTIFY_SUCCESS) == 0 || envelope->attribute_count >= EXPANSION_ATTRIBUTES_MAXIMUM)
        return;
    envelope_add_attribute(envelope, message->arena, STR(ENVELOPE_EXPANDED), address);
    envelope_add_attribute(envelope, message->arena, STR(ENVELOPE_EXPANDED_ORIGINAL), recipient->dsn_orcpt);
    recipient->dsn_notify &= ~(unsigned) DSN_NOTIFY_SUCCESS;
    if (recipient->dsn_notify == 0)
        recipient->dsn_notify = DSN_NOTIFY_NEVER;
}
