/* SPDX-License-Identifier: Apache-2.0 */
#include "postconf/advice.h"

#include "base/compiler.h"
#include "unit.h"

static const char *const texts[] = { "myhostname", "mydomain", "smtpd_recipient_restrictions",
                                     "smtpd_relay_restrictions", "biff" };

static const char *nearest(const char *name)
{
    struct str names[ARRAY_COUNT(texts)];
    const struct str *found;

    for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
        names[i] = str_from_c(texts[i]);
    found = advice_nearest(str_from_c(name), names, ARRAY_COUNT(names));

    return found == NULL ? "" : found->data;
}

TEST(a_name_with_a_slip_of_the_pen_is_recognised)
{
    EXPECT_STR(str_from_c(nearest("myhostnmae")), STR("myhostname"));
    EXPECT_STR(str_from_c(nearest("my_hostname")), STR("myhostname"));
    EXPECT_STR(str_from_c(nearest("smtpd_reciepient_restrictons")), STR("smtpd_recipient_restrictions"));
    EXPECT_STR(str_from_c(nearest("smtpd_relay_restriction")), STR("smtpd_relay_restrictions"));
    EXPECT_STR(str_from_c(nearest("bif")), STR("biff"));
}

TEST(a_name_of_ones_own_is_left_alone)
{
    EXPECT_STR(str_from_c(nearest("my_networks_list")), STR(""));
    EXPECT_STR(str_from_c(nearest("x")), STR(""));
    EXPECT_STR(str_from_c(nearest("")), STR(""));
    EXPECT_STR(
        str_from_c(nearest("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")),
        STR(""));
}
