/* SPDX-License-Identifier: Apache-2.0 */
#include "local/local.h"

bool local_list_has(const struct strlist *list, const char *word)
{
    return strlist_contains_nocase(list, str_from_c(word));
}
