/* SPDX-License-Identifier: Apache-2.0 */
#include "config/restriction_names.h"

#include "unit.h"

TEST(words_are_found_without_regard_to_case)
{
    EXPECT_INT(restriction_word_find(STR("permit")), RESTRICTION_PERMIT);
    EXPECT_INT(restriction_word_find(STR("Reject_Unauth_Destination")), RESTRICTION_REJECT_UNAUTH_DESTINATION);
    EXPECT_INT(restriction_word_find(STR("check_recipient_maps")), RESTRICTION_CHECK_RECIPIENT_MAPS);
    EXPECT_INT(restriction_word_find(STR("reject_unauth_dest")), RESTRICTION_WORDS);
    EXPECT_INT(restriction_word_find(STR_EMPTY), RESTRICTION_WORDS);
}
