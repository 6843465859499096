/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/record.h"

#include "base/cursor.h"

#include <inttypes.h>

struct str record_format(const struct record *record, struct arena *arena)
{
    return arena_printf(arena, "%d:%" PRId64 ":%" PRId64 ":%.*s", (int) record->status, instant_seconds(record->probed),
                        instant_seconds(record->updated), STR_ARG(str_part(record->reason, 0, RECORD_REASON_MAX)));
}

static bool take_number(struct cursor *cursor, uint64_t maximum, uint64_t *number_out)
{
    return cursor_take_uint64(cursor, number_out) && *number_out <= maximum && cursor_skip_char(cursor, ':');
}

bool record_parse(struct str text, struct record *record_out)
{
    struct cursor cursor = cursor_over(text);
    uint64_t status, probed, updated;

    if (!take_number(&cursor, VERIFY_UNDELIVERABLE, &status) || !take_number(&cursor, UINT32_MAX, &probed) ||
        !take_number(&cursor, UINT32_MAX, &updated))
        return false;
    *record_out = (struct record){
        .status = (enum verify_status) status,
        .probed = instant_from_seconds((int64_t) probed),
        .updated = instant_from_seconds((int64_t) updated),
        .reason = cursor.rest,
    };
    return true;
}

static bool is_older(const struct record *record, struct duration age, struct instant now)
{
    return instant_since(now, record->updated).us > age.us;
}

bool record_counts(const struct record *record, const struct verify_settings *settings, struct instant now)
{
    return !is_older(
        record, record->status == VERIFY_DELIVERABLE ? settings->positive_expire_time : settings->negative_expire_time,
        now);
}

bool record_is_stale(const struct record *record, const struct verify_settings *settings, struct instant now)
{
    return is_older(
        record,
        record->status == VERIFY_DELIVERABLE ? settings->positive_refresh_time : settings->negative_refresh_time, now);
}

bool record_is_replaced(const struct record *known, enum verify_status status, const struct verify_settings *settings,
                        struct instant now)
{
    return status == VERIFY_DELIVERABLE || known == NULL || known->status != VERIFY_DELIVERABLE ||
           !record_counts(known, settings, now);
}
