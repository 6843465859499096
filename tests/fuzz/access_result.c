/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What access tables and policy servers answer (access(5)); the first byte says about what, and whether there is a
 * message. Whatever it is, a refusal is a reply of one line, and what a message gets is fit for its queue file.
 */

#include "judged_session.h"
#include "table/address_lookup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Restrictions by name that would ask other services, or wait. */
static bool would_wait(struct arena *arena, struct str value)
{
    static const char *const parts[] = { "unknown", "unlisted", "unverified", "bl_",   "wl_",
                                         "_access", "backup",   "policy",     "sleep", "login" };
    struct str lower = arena_lower(arena, value);
    bool found = false;

    for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
        found = found || str_find(lower, str_from_c(parts[i])) != STR_NOT_FOUND;
    return found;
}

/* Nor is there anything in it that would end the line. */
static void check_tame_refusal(struct str reply)
{
    check_refusal(reply);
    for (size_t i = 0; i < reply.len; i++)
        CHECK((unsigned char) reply.data[i] >= ' ' && reply.data[i] != 127);
}

static void look_at_orders(const struct orders *orders)
{
    const struct cleanup_orders *given = &orders->for_cleanup;

    CHECK(given->content_filter.len == 0 || str_contains_char(given->content_filter, ':'));
    CHECK(given->redirect.len == 0 || str_contains_char(given->redirect, '@'));
    CHECK((given->flags & ~(uint64_t) (CLEANUP_FLAG_HOLD | CLEANUP_FLAG_DISCARD)) == 0);
    for (size_t i = 0; i < orders->headers.count; i++)
        CHECK(str_contains_char(orders->headers.items[i], ':'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct address_answer answer = { .table = STR("inline:x"), .key = STR("k") };
    struct str input = str_make((const char *) data, size);
    struct judged_session judged;
    enum verdict verdict;

    if (size == 0)
        return 0;
    answer.value = str_from(input, 1);
    judged_session_begin(&judged, (enum restriction_topic)(data[0] % (TOPIC_REVERSE_CLIENT + 1)));
    if (data[0] & 0x80)
        judged.session.transaction.arena = NULL;
    judged.check.only_warns = (data[0] & 0x40) != 0;
    if (!would_wait(judged.arena, answer.value)) {
        verdict = restriction_act(&judged.check, judged.check.topic, &answer);
        CHECK((verdict == VERDICT_REJECT) == (judged.check.reply.len > 0));
        if (verdict == VERDICT_REJECT)
            check_tame_refusal(judged.check.reply);
        if (judged.check.defer_if_permit.is_set)
            check_tame_refusal(judged.check.defer_if_permit.reply);
        if (judged.check.defer_if_reject.is_set)
            check_tame_refusal(judged.check.defer_if_reject.reply);
        look_at_orders(&judged.session.transaction.orders);
    }
    judged_session_end(&judged);
    return 0;
}
