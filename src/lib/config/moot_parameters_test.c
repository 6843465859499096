/* SPDX-License-Identifier: Apache-2.0 */
#include "config/moot_parameters.h"

#include "config/known_parameters.h"
#include "unit.h"

TEST(every_moot_parameter_is_known_found_and_has_a_reason)
{
    for (size_t i = 0; i < moot_parameter_count(); i++) {
        const struct moot_parameter *parameter = moot_parameter_at(i);
        struct str name = str_from_c(parameter->name);

        EXPECT(known_parameter_find(name) != NULL);
        EXPECT(moot_parameter_find(name) == parameter);
        EXPECT(parameter->reason[0] != '\0');
        EXPECT(i == 0 || str_compare(str_from_c(moot_parameter_at(i - 1)->name), name) < 0);
    }
}

TEST(others_are_not_moot)
{
    EXPECT(moot_parameter_find(STR("myhostname")) == NULL);
    EXPECT(moot_parameter_find(STR("ipc_timeout")) == NULL);
    EXPECT(moot_parameter_find(STR("")) == NULL);
    EXPECT(moot_parameter_find(STR("ipc_idl")) == NULL);
}
