/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/pix.h"

#include "unit.h"

TEST(a_greeting_of_asterisks_is_known)
{
    static const struct {
        const char *text;
        bool is_pix;
    } rows[] = {
        { "******************************0*2*0", true },
        { "**** *** 2**0", true },
        { "sink.example ESMTP", false },
        { "*** ESMTP ***", false },
        { "220", false },
        { "", false },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        EXPECT_INT(pix_is_greeting(str_from_c(rows[i].text)), rows[i].is_pix);
}

TEST(the_dot_is_late_for_old_messages_only)
{
    const unsigned both = PIX_DISABLE_ESMTP | PIX_DELAY_DOTCRLF;

    EXPECT_UINT(pix_for_message(both, seconds(500), seconds(500)), both);
    EXPECT_UINT(pix_for_message(both, seconds(499), seconds(500)), PIX_DISABLE_ESMTP);
    EXPECT_UINT(pix_for_message(both, seconds(0), seconds(0)), both);
}

TEST(workarounds_are_read_and_written)
{
    struct arena *arena = arena_create();
    struct strlist words = strlist_split(arena, STR("Delay_DotCRLF, disable_esmtp"), ", ");
    struct failure why = { .kind = FAILURE_NONE };
    unsigned found = 0;

    EXPECT(pix_parse(&words, &found, &why));
    EXPECT_UINT(found, PIX_DISABLE_ESMTP | PIX_DELAY_DOTCRLF);
    EXPECT_STR(pix_format(found, arena), STR("disable_esmtp delay_dotcrlf"));
    words = strlist_split(arena, STR("delay_dotcrlf nonsense"), " ");
    EXPECT_FALSE(pix_parse(&words, &found, &why));
    EXPECT(str_find(str_from_c(why.text), STR("nonsense")) != STR_NOT_FOUND);
    words = (struct strlist){ 0 };
    EXPECT(pix_parse(&words, &found, &why));
    EXPECT_UINT(found, 0);
    arena_destroy(&arena);
}
