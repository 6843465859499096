/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/policy_answer.h"

#include "base/arena.h"

static void take_attribute(struct policy_answer *answer, struct str line, struct arena *arena)
{
    struct str name, value;

    if (answer->has_action || !str_cut(line, '=', &name, &value) || !str_equal(name, STR("action")))
        return;
    answer->action = arena_str(arena, value);
    answer->has_action = true;
}

enum policy_answer_state policy_answer_take(struct policy_answer *answer, struct str line, struct arena *arena)
{
    if (!str_ends_with(line, STR("\n")))
        return POLICY_ANSWER_CUT_OFF;
    line = str_part(line, 0, line.len - 1);
    if (line.len == 0)
        return answer->has_action ? POLICY_ANSWER_COMPLETE : POLICY_ANSWER_EMPTY;
    take_attribute(answer, line, arena);
    if (++answer->lines < POLICY_ANSWER_LINES_MAXIMUM)
        return POLICY_ANSWER_OPEN;
    return answer->has_action ? POLICY_ANSWER_ENDLESS : POLICY_ANSWER_EMPTY;
}
