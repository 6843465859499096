/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth_digest.h"

#include "unit.h"

TEST(a_password_is_told_again_without_being_kept)
{
    char one[AUTH_DIGEST_SIZE], other[AUTH_DIGEST_SIZE];

    EXPECT(auth_digest_make(STR("secret"), one));
    EXPECT(auth_digest_make(STR("secret"), other));
    EXPECT(!str_equal(str_from_c(one), str_from_c(other)));
    EXPECT(auth_digest_fits(str_from_c(one), STR("secret")));
    EXPECT(auth_digest_fits(str_from_c(other), STR("secret")));
    EXPECT(!auth_digest_fits(str_from_c(one), STR("secre")));
    EXPECT(!auth_digest_fits(str_from_c(one), STR_EMPTY));
    one[AUTH_DIGEST_SIZE - 2] = one[AUTH_DIGEST_SIZE - 2] == '0' ? '1' : '0';
    EXPECT(!auth_digest_fits(str_from_c(one), STR("secret")));
    EXPECT(!auth_digest_fits(STR("short"), STR("secret")));
}
