/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/settings.h"

#include "unit.h"

static const struct setting *find_member(const struct settings_table *table, const struct setting *row)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->rows[i].offset == row->offset && table->rows[i].type == row->type)
            return &table->rows[i];
    }
    return NULL;
}

static bool is_of_smtp_alone(const char *name)
{
    static const char *const names[] = { "smtp_always_send_ehlo", "smtp_never_send_ehlo" };

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

TEST(every_parameter_of_smtp_has_one_of_lmtp_for_the_same_member)
{
    unsigned count = 0;

    for (size_t i = 0; i < smtp_settings_table.count; i++) {
        const struct setting *row = &smtp_settings_table.rows[i];
        const struct setting *twin = find_member(&lmtp_settings_table, row);

        if (!str_starts_with(str_from_c(row->name), STR("smtp_")) || is_of_smtp_alone(row->name))
            continue;
        EXPECT(twin != NULL && str_starts_with(str_from_c(twin->name), STR("lmtp_")));
        EXPECT_INT(twin->minimum, row->minimum);
        EXPECT_INT(twin->maximum, row->maximum);
        count++;
    }
    EXPECT(count > 20);
}
