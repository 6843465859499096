/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy server says, in lines and in pieces of lines: one action, which was said, or none. */

#include "smtpd/policy_answer.h"
#include "base/arena.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As stream_read_line gives it: a longer one in pieces without LF. */
static struct str next_line(struct str *rest)
{
    size_t end = str_find_char(*rest, '\n');
    size_t len = end == STR_NOT_FOUND ? rest->len : end + 1;
    struct str line;

    if (len > POLICY_ANSWER_LINE_MAXIMUM)
        len = POLICY_ANSWER_LINE_MAXIMUM;
    line = str_part(*rest, 0, len);
    *rest = str_from(*rest, len);
    return line;
}

static void look_at(const struct policy_answer *answer, enum policy_answer_state state, struct str said)
{
    CHECK(answer->lines <= POLICY_ANSWER_LINES_MAXIMUM);
    CHECK(answer->has_action || answer->action.len == 0);
    CHECK(!str_contains_char(answer->action, '\n') && answer->action.len < POLICY_ANSWER_LINE_MAXIMUM);
    if (state == POLICY_ANSWER_COMPLETE || state == POLICY_ANSWER_ENDLESS)
        CHECK(answer->has_action && str_find(said, STR("action=")) != STR_NOT_FOUND);
    if (state == POLICY_ANSWER_COMPLETE)
        CHECK(str_find(said, STR("\n\n")) != STR_NOT_FOUND);
    if (state == POLICY_ANSWER_EMPTY)
        CHECK(!answer->has_action);
    if (answer->has_action)
        CHECK(str_find(said, answer->action) != STR_NOT_FOUND);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str said = str_make((const char *) data, size), rest = said;
    enum policy_answer_state state = POLICY_ANSWER_OPEN;
    struct policy_answer answer = { 0 };
    struct arena *arena = arena_create();

    while (state == POLICY_ANSWER_OPEN && rest.len > 0)
        state = policy_answer_take(&answer, next_line(&rest), arena);
    look_at(&answer, state, said);
    arena_destroy(&arena);
    return 0;
}
