/* SPDX-License-Identifier: Apache-2.0 */
#include "sendmail/settings.h"

/* In the order of enum input_line_endings. */
static const char *const line_endings[] = { "always", "strict", "never", NULL };

static const struct setting rows[] = {
    SETTING_CHOICE(struct sendmail_settings, line_endings, "sendmail_fix_line_endings", "always", line_endings,
                   "Which lines of a message that end with CR LF the sendmail command takes for lines that end with "
                   "LF: always, strict (when the first line ends so), or never."),
};

const struct settings_table sendmail_settings_table = SETTINGS_TABLE("sendmail", struct sendmail_settings, rows);
