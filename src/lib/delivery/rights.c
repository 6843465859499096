/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/rights.h"

#include "base/check.h"
#include "os/privilege.h"

#include <unistd.h>

struct rights rights_of(const struct user_account *account)
{
    return (struct rights){ account->uid, account->gid };
}

bool rights_are_roots(const struct rights *rights)
{
    return rights->uid == 0;
}

bool rights_check(const struct rights *rights, struct failure *why)
{
    uid_t own = geteuid();

    return own == 0 || own == rights->uid ||
           failure_set(why, FAILURE_CONFIGURATION, 0,
                       "this mail system runs as user %u and cannot deliver as user %u; start it as root for that",
                       (unsigned) own, (unsigned) rights->uid);
}

void rights_return(const struct rights *rights)
{
    struct failure why;

    if (rights_are_roots(rights) || getuid() != 0)
        return;
    CHECK(privilege_restore(&why));
}

bool rights_take(const struct rights *rights, struct failure *why)
{
    if (!rights_check(rights, why))
        return false;
    if (rights_are_roots(rights) || getuid() != 0)
        return true;
    if (privilege_borrow(rights->uid, rights->gid, why))
        return true;
    rights_return(rights);
    return false;
}
