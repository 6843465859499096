/* SPDX-License-Identifier: Apache-2.0 */
#include "config/receive_override.h"

static const char *const names[] = {
    "no_unknown_recipient_checks",
    "no_address_mappings",
    "no_header_body_checks",
    "no_milters",
};

bool receive_override_parse(const struct strlist *words, unsigned *overrides_out, struct failure *why)
{
    unsigned overrides = 0;

    for (size_t i = 0; i < words->count; i++) {
        size_t k = 0;

        while (k < ARRAY_COUNT(names) && !str_equal_nocase(words->items[i], str_from_c(names[k])))
            k++;
        if (k == ARRAY_COUNT(names))
            return failure_set(why, FAILURE_CONFIGURATION, 0,
                               "receive_override_options: \"%.*s\" is unknown; write no_unknown_recipient_checks, "
                               "no_address_mappings, no_header_body_checks or no_milters",
                               STR_ARG(words->items[i]));
        overrides |= 1u << k;
    }
    *overrides_out = overrides;
    return true;
}
