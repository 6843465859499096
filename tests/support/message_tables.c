/* SPDX-License-Identifier: Apache-2.0 */
/* message_tables - prints every message between processes, one field a line, from the tables that encode them. */

#include "ipc/channel.h"
#include "ipc/message.h"
#include "protocol/anvil.h"
#include "protocol/bounce.h"
#include "protocol/cleanup.h"
#include "protocol/deliver.h"
#include "protocol/dnsblog.h"
#include "protocol/flush.h"
#include "protocol/proxymap.h"
#include "protocol/queue.h"
#include "protocol/rewrite.h"
#include "protocol/spill.h"
#include "protocol/submission.h"
#include "protocol/tlsmgr.h"
#include "protocol/tlsproxy.h"
#include "protocol/verify.h"

#include <stdio.h>

static const struct protocol *const protocols[] = {
    &anvil_protocol,    &bounce_protocol,   &cleanup_protocol, &deliver_protocol, &flush_protocol,
    &proxymap_protocol, &queue_protocol,    &rewrite_protocol, &spill_protocol,   &tlsmgr_protocol,
    &verify_protocol,   &tlsproxy_protocol, &dnsblog_protocol,
};

static const char *const kinds[] = {
    [FIELD_BOOL] = "yes or no", [FIELD_UINT] = "number",  [FIELD_INT] = "signed number",
    [FIELD_TIME] = "time",      [FIELD_STR] = "text",     [FIELD_SECRET] = "secret",
    [FIELD_STRLIST] = "list",   [FIELD_RECORDS] = "rows", [FIELD_FD] = "descriptor",
};

static bool has_maximum(const struct message_field *field)
{
    return field->type != FIELD_BOOL && field->type != FIELD_TIME && field->type != FIELD_FD &&
           field->maximum < INT64_MAX;
}

/* protocol, its version, message, its number ("-": rows of another), field, kind, maximum, meaning */
static void print_message(const char *protocol, unsigned version, const char *number, const struct message_type *type)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct message_field *field = &type->fields[i];
        char maximum[32] = "";

        if (has_maximum(field))
            snprintf(maximum, sizeof maximum, "%llu", (unsigned long long) field->maximum);
        printf("%s\t%u\t%s\t%s\t%s\t%s%s%s\t%s\t%s\n", protocol, version, type->name, number, field->name,
               kinds[field->type], field->record != NULL ? " of " : "",
               field->record != NULL ? field->record->name : "", maximum, field->meaning);
    }
    if (type->field_count == 0)
        printf("%s\t%u\t%s\t%s\t\t\t\t\n", protocol, version, type->name, number);
}

static void print_records(const char *protocol, unsigned version, const struct message_type *type)
{
    for (size_t i = 0; i < type->field_count; i++) {
        if (type->fields[i].type != FIELD_RECORDS)
            continue;
        print_message(protocol, version, "-", type->fields[i].record);
        print_records(protocol, version, type->fields[i].record);
    }
}

int main(void)
{
    for (size_t i = 0; i < ARRAY_COUNT(protocols); i++) {
        const struct protocol *protocol = protocols[i];

        for (size_t number = 0; protocol->messages[number] != NULL; number++) {
            char text[32];

            snprintf(text, sizeof text, "%zu", number);
            print_message(protocol->name, protocol->version, text, protocol->messages[number]);
            print_records(protocol->name, protocol->version, protocol->messages[number]);
        }
    }
    print_message("maildrop", 1, "0", &submission_message);
    return 0;
}
