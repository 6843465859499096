/* SPDX-License-Identifier: Apache-2.0 */
#include "merpati/settings.h"

static const struct setting rows[] = {
    SETTING_STRING(struct merpati_settings, compressor, "maillog_file_compressor", "gzip", 1, 0,
                   "The command that compresses a log file that was put aside; its name is added."),
    SETTING_STRING(struct merpati_settings, rotate_suffix, "maillog_file_rotate_suffix", "%Y%m%d-%H%M%S", 1, 0,
                   "What is added to the name of maillog_file when it is put aside: a date, as strftime(3) writes it."),
};

const struct settings_table merpati_settings_table = SETTINGS_TABLE("merpati", struct merpati_settings, rows);
