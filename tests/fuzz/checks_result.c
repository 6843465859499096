/* SPDX-License-Identifier: Apache-2.0 */
/* What a table of header or body checks answers; the first byte says which class and which actions. A verdict is one
 * that may be obeyed: allowed, with the argument it needs, and a status that refuses. */
#include "base/check.h"
#include "checks/checks.h"
#include "mail/header.h"

static void judge_verdict(const struct checks_verdict *verdict, enum checks_class class, unsigned actions)
{
    bool has_line = verdict->action == CHECKS_PREPEND || verdict->action == CHECKS_REPLACE;
    bool has_address = verdict->action == CHECKS_BCC || verdict->action == CHECKS_REDIRECT;

    CHECK(verdict->action == CHECKS_NONE || (actions & 1U << (unsigned) verdict->action) != 0);
    CHECK(!has_line || verdict->text.len > 0);
    CHECK(!has_line || class == CHECKS_BODY || header_name_length(verdict->text) > 0);
    CHECK(!has_address || str_contains_char(verdict->text, '@'));
    CHECK(verdict->action != CHECKS_FILTER || str_contains_char(verdict->text, ':'));
    CHECK(verdict->action != CHECKS_REJECT || (verdict->dsn.len >= 5 && strchr("45", verdict->dsn.data[0]) != NULL));
    CHECK(verdict->complaint.len == 0 || verdict->action == CHECKS_NONE || verdict->action == CHECKS_REJECT);
    CHECK(checks_action_word(verdict->action) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned families[] = { CHECKS_ACTIONS_ALL, CHECKS_ACTIONS_DELIVERY, CHECKS_ACTIONS_MILTER };
    struct arena *arena;
    enum checks_class class;
    unsigned actions;
    struct checks_verdict verdict;

    if (size == 0)
        return 0;
    arena = arena_create();
    class = data[0] % CHECKS_CLASS_COUNT;
    actions = families[data[0] / CHECKS_CLASS_COUNT % ARRAY_COUNT(families)];
    verdict = checks_judge(STR("x_checks"), str_make((const char *) data + 1, size - 1), class, actions, arena);
    judge_verdict(&verdict, class, actions);
    arena_destroy(&arena);
    return 0;
}
