/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/policy_answer.h"

#include "base/arena.h"
#include "unit.h"

/* What becomes of an answer that comes in these lines. */
static enum policy_answer_state take_all(struct policy_answer *answer, struct str said, struct arena *arena)
{
    enum policy_answer_state state = POLICY_ANSWER_OPEN;

    *answer = (struct policy_answer){ 0 };
    while (state == POLICY_ANSWER_OPEN && said.len > 0) {
        size_t end = str_find_char(said, '\n');
        size_t len = end == STR_NOT_FOUND ? said.len : end + 1;

        state = policy_answer_take(answer, str_part(said, 0, len), arena);
        said = str_from(said, len);
    }
    return state;
}

TEST(the_first_action_counts)
{
    static const struct {
        const char *said;
        enum policy_answer_state state;
        const char *action;
    } rows[] = {
        { "action=DUNNO\n\n", POLICY_ANSWER_COMPLETE, "DUNNO" },
        { "action=REJECT a=b \n\n", POLICY_ANSWER_COMPLETE, "REJECT a=b " },
        { "x=y\nno attribute\naction=OK\naction=REJECT\n\n", POLICY_ANSWER_COMPLETE, "OK" },
        { "action=\n\n", POLICY_ANSWER_COMPLETE, "" },
        { "action=OK\n\naction=REJECT\n\n", POLICY_ANSWER_COMPLETE, "OK" },
        { "\n", POLICY_ANSWER_EMPTY, "" },
        { "Action=OK\naction =OK\n\n", POLICY_ANSWER_EMPTY, "" },
        { "action\n\n", POLICY_ANSWER_EMPTY, "" },
        { "action=OK\n", POLICY_ANSWER_OPEN, "OK" },
        { "action=O", POLICY_ANSWER_CUT_OFF, "" },
        { "action=OK\nx", POLICY_ANSWER_CUT_OFF, "OK" },
    };
    struct arena *arena = arena_create();
    struct policy_answer answer;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        EXPECT_INT(take_all(&answer, str_from_c(rows[i].said), arena), rows[i].state);
        EXPECT_STR(answer.action, str_from_c(rows[i].action));
    }
    arena_destroy(&arena);
}

TEST(an_answer_without_end_is_none)
{
    struct arena *arena = arena_create();
    struct policy_answer answer = { 0 }, silent = { 0 };

    EXPECT_INT(policy_answer_take(&answer, STR("action=OK\n"), arena), POLICY_ANSWER_OPEN);
    for (unsigned i = 0; i + 2 < POLICY_ANSWER_LINES_MAXIMUM; i++) {
        EXPECT_INT(policy_answer_take(&answer, STR("a=b\n"), arena), POLICY_ANSWER_OPEN);
        EXPECT_INT(policy_answer_take(&silent, STR("a=b\n"), arena), POLICY_ANSWER_OPEN);
    }
    EXPECT_INT(policy_answer_take(&answer, STR("a=b\n"), arena), POLICY_ANSWER_ENDLESS);
    EXPECT_INT(policy_answer_take(&silent, STR("a=b\n"), arena), POLICY_ANSWER_OPEN);
    EXPECT_INT(policy_answer_take(&silent, STR("a=b\n"), arena), POLICY_ANSWER_EMPTY);
    arena_destroy(&arena);
}
