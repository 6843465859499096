/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SENDMAIL_SETTINGS_H
#define SENDMAIL_SETTINGS_H

#include "config/settings.h"

/* settings - how the sendmail command reads a message. */
struct sendmail_settings {
    int line_endings; /* enum input_line_endings */
};

extern const struct settings_table sendmail_settings_table;

#endif
