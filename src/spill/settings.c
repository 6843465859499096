/* SPDX-License-Identifier: Apache-2.0 */
#include "spill/settings.h"

static const struct setting rows[] = {
    SETTING_BOOLEAN(struct spill_settings, use_syncfs, "spool_spill_syncfs", "yes",
                    "Make a batch of queue files durable with one syncfs where that is known to work."),
};

const struct settings_table spill_settings_table = SETTINGS_TABLE("spill", struct spill_settings, rows);
