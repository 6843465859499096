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

TEST(every_word_has_a_name_of_its_own)
{
    for (enum restriction_word word = 0; word < RESTRICTION_WORDS; word++) {
        EXPECT(restriction_word_name(word).len > 0);
        EXPECT_INT(restriction_word_find(restriction_word_name(word)), word);
    }
}

TEST(what_postfix_gave_up_is_known_as_such)
{
    EXPECT(restriction_word_is_removed(restriction_word_find(STR("check_relay_domains"))));
    EXPECT(restriction_word_is_removed(restriction_word_find(STR("permit_naked_ip_address"))));
    EXPECT(restriction_word_is_removed(restriction_word_find(STR("reject_maps_rbl"))));
    EXPECT(!restriction_word_is_removed(RESTRICTION_PERMIT));
    EXPECT(!restriction_word_is_removed(RESTRICTION_WORDS));
}
